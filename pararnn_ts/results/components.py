"""The fitted values taken apart: one column for each part of the prediction, adding up to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["components"]


def _column_of(name: str) -> str:
    """Column of the table to which a deterministic term belongs."""
    if name.startswith("trend"):
        return "trend"
    if name.startswith(("s(", "sin(", "cos(")):
        return "seasonal"
    return name


def components(results: RecurrentResults) -> pd.DataFrame:
    """Table of the components, see `RecurrentResults.components`."""
    model, path, spec = results.model, results.path, results.model.specification
    first, n, params = results.first_row, results.model.nobs, results.params
    columns: dict[str, np.ndarray] = {}
    for name, coefficient, values in zip(spec.deterministic_names, params, model._det.T, strict=False):
        column = _column_of(name)
        columns[column] = columns.get(column, 0.0) + coefficient * values
    raw = path.components
    mean = raw[first:].mean(axis=0) if first < n else np.zeros(raw.shape[1])
    if raw.shape[1]:
        columns = {"const": columns.pop("const", np.zeros(n)) + mean.sum(), **columns}
    levels = path.filled if results.past is None else np.concatenate([results.past.levels, path.filled])
    carried = np.full(n, 0.0)
    for lag, coefficient in enumerate(spec.difference[1:], start=1):
        carried -= coefficient * _lagged(levels, lag, n)
    if len(spec.difference) > 1:
        columns = {"level": carried, **columns}
    others = sum(columns.values(), np.zeros(n)) - mean.sum()
    if spec.n_linear > spec.n_deterministic:
        columns["linear"] = path.linear - others
    for number in range(raw.shape[1]):
        columns[f"unit{number + 1}"] = raw[:, number] - mean[number]
    frame = pd.DataFrame(columns, index=model.index)
    frame.iloc[:first] = np.nan
    return frame


def _lagged(levels: np.ndarray, lag: int, n: int) -> np.ndarray:
    """Last n rows of a series `lag` steps before; NaN where there is nothing."""
    return np.concatenate([np.full(lag, np.nan), levels])[len(levels) - n : len(levels)]
