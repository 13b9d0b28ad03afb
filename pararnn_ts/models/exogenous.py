"""Exogenous values, matched to the series by label in the sample and by label and column name beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.models.frames import with_labels
from pararnn_ts.models.grid import Grid
from pararnn_ts.models.labels import labels_like
from pararnn_ts.models.values import column_names, first_infinite, flat_name, float_values

__all__ = ["align_exog", "align_future_exog"]


def align_exog(exog: Any, grid: Grid, names: Sequence[str] | None = None) -> tuple[np.ndarray, list[str]]:
    """
    Exogenous values on the grid of the series.

    Parameters
    ----------
    exog : Series, DataFrame or array_like
        With an index, rows are matched to the labels of the series, whatever their order, and rows that match none
        are left out. Without one, there must be one row for each observation.
    grid : Grid
        The series, from `complete_grid`.
    names : sequence of str, optional
        Columns that are wanted, in this order; all columns as they come when not given.

    Returns
    -------
    values : ndarray
        2-d, one row for each label of the grid, C order.
    names : list of str
        Column names; x1, x2, ... for arrays.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.exogenous import align_exog
    >>> from pararnn_ts.models.grid import complete_grid
    >>> y = pd.Series(range(8), index=range(2000, 2008))
    >>> x = pd.Series(range(10), index=range(2009, 1999, -1), name="x")
    >>> values, names = align_exog(x, complete_grid(y))
    >>> values[:3, 0], names
    (array([9., 8., 7.]), ['x'])
    """
    exog, labels = with_labels(exog, "exog")
    values, found = _columns(exog if names is None else _only(exog, names))
    if names is not None:
        values = _select(values, found, names)
    chosen = list(names) if names is not None else _label_columns(found, values.shape[1])
    if labels is not None and grid.labels is not None and not (grid.rows is None and labels.equals(grid.labels)):
        values = values[_matching_rows(labels, grid)]
    elif len(values) != grid.n_given:
        raise ValueError(
            f"exog has {len(values)} rows, but endog has {grid.n_given} observations; pass one row for each, or give "
            "both an index to match them by label."
        )
    elif grid.rows is not None:
        raise ValueError(_gap_message(grid.inserted))
    values = np.ascontiguousarray(values)
    _require_complete(values, chosen, grid.index if grid.is_pandas else None)
    return values, chosen


def align_future_exog(exog: Any, index: pd.Index, names: Sequence[str], *, match_labels: bool = True) -> np.ndarray:
    """
    Exogenous values of the periods to forecast, matched by label and by column name.

    Parameters
    ----------
    exog : Series, DataFrame or array_like
        Rows with other labels and columns with other names are left out. An array, and a DataFrame that was never
        given an index and has as many rows as there are periods, are taken row by row.
    index : Index
        Labels of the periods.
    names : sequence of str
        Columns of the model.
    match_labels : bool
        False takes rows by position whatever their labels, for a model whose series has none.

    Returns
    -------
    ndarray
        2-d, one row for each label of `index` and one column for each name.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.exogenous import align_future_exog
    >>> months = pd.period_range("2001-01", periods=3, freq="M")
    >>> frame = pd.DataFrame({"b": [1, 2, 3], "a": [4, 5, 6]}, index=months)
    >>> align_future_exog(frame, months[1:], ["a", "b"])
    array([[5., 2.],
           [6., 3.]])
    """
    steps, k = len(index), len(names)
    exog, labels = with_labels(exog, "exog")
    if isinstance(exog, pd.Series) and steps == 1 and set(names) <= {flat_name(label) for label in exog.index}:
        dated = match_labels and isinstance(exog.name, (pd.Timestamp, pd.Period))
        own = pd.Index([exog.name]) if dated else index
        exog = exog.to_frame().T.infer_objects().set_axis(own)  # one row, as frame.iloc[0] gives it
        labels = own
    values, found = _columns(_only(exog, names), k if steps == 1 else None)
    values = _select(values, found if match_labels or (found and set(names) <= set(found)) else None, names)
    if labels is not None and match_labels:
        values = _future_rows(values, labels, index)
    elif len(values) != steps:
        raise ValueError(f"exog has {len(values)} rows, but {steps} periods are to be forecast; pass one row for each.")
    values = np.ascontiguousarray(values)
    _require_complete(values, names, index)
    return values


def _future_rows(values: np.ndarray, labels: pd.Index, index: pd.Index) -> np.ndarray:
    known = labels_like(labels, index)
    _require_unique(known)
    rows = _indexer(known, index)
    absent = rows < 0
    if not absent.any():
        return values[rows]
    unlabelled = isinstance(labels, pd.RangeIndex) and labels.start == 0 and labels.step == 1
    if unlabelled and len(values) == len(index):
        return values
    raise ValueError(
        f"exog lacks {int(absent.sum())} of the {len(index)} periods to be forecast, the first {index[absent][0]} (its "
        f"index runs from {labels[0]} to {labels[-1]}); give it one row for each."
        if len(labels)
        else f"exog has no rows, but {len(index)} periods are to be forecast; give it one row for each."
    )


def _matching_rows(labels: pd.Index, grid: Grid) -> np.ndarray:
    """Row of exog for every label of the grid."""
    assert grid.labels is not None
    known = labels_like(labels, grid.index)
    _require_unique(known)
    rows = _indexer(known, grid.index)
    if (rows < 0).any() and not labels_like(grid.labels, grid.index).equals(grid.index.difference(grid.inserted)):
        own = _indexer(labels, grid.labels)  # dates replaced the labels of endog: exog may still have the old ones
        at = np.arange(len(grid.index)) if grid.rows is None else grid.rows
        rows[at] = np.where(rows[at] < 0, own, rows[at])
    absent = rows < 0
    if not absent.any():
        return rows
    of_gaps = np.ones(len(rows), dtype=bool)
    of_gaps[np.arange(len(rows)) if grid.rows is None else grid.rows] = False
    if not (absent & ~of_gaps).any():
        raise ValueError(_gap_message(grid.index[absent]))
    absent &= ~of_gaps
    raise ValueError(
        f"exog lacks {int(absent.sum())} of the {grid.n_given} labels of endog, the first {grid.index[absent][0]} (its "
        f"index runs from {labels[0]} to {labels[-1]}); give it one row for each observation."
        if len(labels)
        else f"exog has no rows, but endog has {grid.n_given} observations; give it one row for each."
    )


def _indexer(labels: pd.Index, wanted: pd.Index) -> np.ndarray:
    """Position of each wanted label, -1 where there is none; labels of another kind match nothing."""
    try:
        return np.array(labels.get_indexer(wanted))
    except (TypeError, ValueError):  # for example dates with and without a time zone
        return np.full(len(wanted), -1)


def _only(exog: Any, names: Sequence[str]) -> Any:
    """Leave other columns out, which need not hold numbers; a table without all of these is left as it is."""
    if not isinstance(exog, pd.DataFrame):
        return exog
    found = [flat_name(name) for name in exog.columns]
    if set(names) <= set(found):
        return exog.iloc[:, [j for j, name in enumerate(found) if name in names]]
    return exog


def _columns(exog: Any, row: int | None = None) -> tuple[np.ndarray, list[str] | None]:
    """Values as a 2-d array, and column names; `row`: width at which a 1-d array is one row."""
    if isinstance(exog, pd.Series):
        name = None if exog.name is None else [str(exog.name)]
        return float_values(exog, "exog")[:, None], name
    if isinstance(exog, pd.DataFrame):
        names = [flat_name(name) for name in exog.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"exog has more than one column named {_listed(twice)}; rename them.")
        if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in exog.dtypes):
            # a copy, as of data of every other kind; numba would compile its functions once more for a read-only view
            return np.array(exog.to_numpy(np.float64), order="C"), names
        columns = [float_values(exog.iloc[:, j], f"exog column {name!r}") for j, name in enumerate(names)]
        return np.column_stack(columns) if columns else np.empty((len(exog), 0)), names
    try:
        array = np.asanyarray(exog) if isinstance(exog, np.ma.MaskedArray) else np.asarray(exog)
    except ValueError as error:
        raise ValueError("exog must be a table of numbers, but its rows have different lengths.") from error
    if array.ndim == 0:
        kind = "a single number" if isinstance(exog, np.ndarray) else type(exog).__name__
        raise TypeError(f"exog must be a Series, a DataFrame or an array, not {kind}.")
    if array.ndim == 1:
        array = array[None, :] if row is not None and row > 1 and len(array) == row else array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"exog must have one or two dimensions, but has shape {array.shape}; pass one column for each."
        )
    found = column_names(exog)
    if array.dtype.kind == "O" or isinstance(array, np.ma.MaskedArray):
        called = map(repr, found) if found else range(1, array.shape[1] + 1)
        array = np.column_stack(
            [float_values(column, f"exog column {name}") for column, name in zip(array.T, called, strict=True)]
        )
    elif array.dtype.kind not in "fiub":
        float_values(array[:, 0], "exog")
    return np.array(array, dtype=np.float64, order="C"), found


def _select(values: np.ndarray, found: Sequence[str] | None, names: Sequence[str]) -> np.ndarray:
    """Columns with these names; by position where the columns, or those of the sample, have none."""
    nameless = list(names) == _label_columns(None, len(names)) and not set(names) & set(found or ())
    if found is None or (nameless and len(found) == len(names)):
        if values.shape[1] != len(names):
            raise ValueError(
                f"exog has {values.shape[1]} columns, but the model has {len(names)} exogenous columns "
                f"({_listed(names)}); pass one column for each."
            )
        return values
    absent = [name for name in names if name not in found]
    if absent:
        raise ValueError(
            f"exog lacks the columns {_listed(absent)} of the model (it has {_listed(found)}); name its columns as in "
            "the sample."
        )
    at = {name: j for j, name in enumerate(found)}
    return values[:, [at[name] for name in names]]


def _require_complete(values: np.ndarray, names: Sequence[str], labels: pd.Index | None) -> None:
    if np.isfinite(values).all():
        return
    for j, name in enumerate(names):
        bad = np.isnan(values[:, j])
        kind = "missing"
        first: int | None = int(bad.argmax())
        if not bad.any():
            bad, kind, first = np.isinf(values[:, j]), "infinite", first_infinite(values[:, j])
        if first is not None and bad.any():
            where = f"position {first}" if labels is None else f"{labels[first]}"
            raise ValueError(
                f"exog column {name!r} has {int(bad.sum())} {kind} values, the first at {where}; fill them in first, "
                "since only endog may have missing values."
            )


def _require_unique(labels: pd.Index) -> None:
    if not labels.is_unique:
        twice = labels[labels.duplicated()]
        raise ValueError(
            f"exog has {len(twice)} duplicate labels in its index, the first {twice[0]}; keep one row for each label."
        )


def _gap_message(absent: pd.Index) -> str:
    return (
        f"exog has no values for {len(absent)} labels that were inserted to fill gaps in the index of endog, the first "
        f"{absent[0]}; pass exog as a DataFrame that has rows for them, too."
    )


def _label_columns(found: Sequence[str] | None, k: int) -> list[str]:
    return [f"x{j + 1}" for j in range(k)] if found is None else list(found)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
