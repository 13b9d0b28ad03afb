"""Predictions taken apart: one column for each part, adding up to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pararnn_ts.cells import CellSpecification
    from pararnn_ts.results.base import RecurrentResults
    from pararnn_ts.specification import Specification

__all__ = ["column_of", "components", "part_names", "parts", "sample_parts", "unit_means"]


def column_of(name: str) -> str:
    """
    Column of the table to which a deterministic term belongs.

    Examples
    --------
    >>> from pararnn_ts.results.components import column_of
    >>> column_of("trend_squared"), column_of("s(2,12)"), column_of("const")
    ('trend', 'seasonal', 'const')
    """
    if name.startswith("trend"):
        return "trend"
    if name.startswith(("s(", "sin(", "cos(")):
        return "seasonal"
    return name


def part_names(spec: Specification | CellSpecification) -> list[str]:
    """Columns of the table: level terms of differencing, deterministic terms, linear path, units."""
    names = dict.fromkeys(column_of(name) for name in spec.deterministic_names)
    # the means of the units are in the constant
    names = {
        **({"level": None} if len(spec.difference) > 1 else {}),
        **({"const": None} if spec.units else {}),
        **names,
    }
    linear = ["linear"] if spec.n_linear > spec.n_deterministic else []
    return [*names, *linear, *(f"unit{number}" for number in range(1, len(spec.units) + 1))]


def parts(
    spec: Specification | CellSpecification,
    params: np.ndarray,
    deterministic: np.ndarray,
    path: Any,
    levels: np.ndarray,
    means: np.ndarray,
) -> np.ndarray:
    """
    Take the predictions of a path apart.

    Parameters
    ----------
    spec : Specification or CellSpecification
        Description of the model.
    params : ndarray, (P,)
        Parameters of the path.
    deterministic : ndarray, (n, k)
        Deterministic terms of its rows.
    path : Path
        The path.
    levels : ndarray
        The series in levels, gaps filled, up to its last row; it may begin before the first.
    means : ndarray, (K,)
        What is moved from each unit to the constant.

    Returns
    -------
    ndarray, (n, columns)
        In the order of :func:`part_names`.
    """
    n = len(deterministic)
    columns: dict[str, Any] = dict.fromkeys(part_names(spec), 0.0)
    for name, coefficient, values in zip(spec.deterministic_names, params, deterministic.T, strict=False):
        columns[column_of(name)] = columns[column_of(name)] + coefficient * values
    rest = path.linear - sum(columns.values())
    if len(spec.difference) > 1:
        carried = np.zeros(n)
        for lag, coefficient in enumerate(spec.difference[1:], start=1):
            carried -= coefficient * _lagged(levels, lag, n)
        columns["level"] = carried
        rest = rest - carried
    if len(spec.units):
        columns["const"] = columns["const"] + means.sum()
    if "linear" in columns:
        columns["linear"] = rest
    for number, mean in enumerate(means):
        columns[f"unit{number + 1}"] = path.components[:, number] - mean
    return np.column_stack([np.broadcast_to(values, n) for values in columns.values()] or [np.empty((n, 0))])


def unit_means(raw: np.ndarray, first: int) -> np.ndarray:
    """Means over the rows of the sample that are predicted, by which units are centred."""
    return raw[first:].mean(axis=0) if first < len(raw) else np.zeros(raw.shape[1])


def sample_parts(results: RecurrentResults) -> tuple[np.ndarray, np.ndarray]:
    """Table of the sample, (n, columns), and the means of the units."""
    path = results.path
    means = unit_means(path.components, results.first_row)
    levels = path.filled if results.past is None else np.concatenate([results.past.levels, path.filled])
    model = results.model
    return parts(model.specification, results.params, model._det, path, levels, means), means


def components(results: RecurrentResults) -> pd.DataFrame:
    """Table of the components, see `RecurrentResults.components`."""
    frame = pd.DataFrame(
        sample_parts(results)[0], index=results.model.index, columns=part_names(results.model.specification)
    )
    frame.iloc[: results.first_row] = np.nan
    return frame


def _lagged(levels: np.ndarray, lag: int, n: int) -> np.ndarray:
    """Last n rows of a series `lag` steps before; NaN where there is nothing."""
    return np.concatenate([np.full(lag, np.nan), levels])[len(levels) - n : len(levels)]
