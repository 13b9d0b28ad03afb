"""The sample on a complete grid: the endogenous series as numbers, with labels that can be extended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import ValueWarning, warn_user
from pararnn_ts.models.frames import as_pandas, with_labels
from pararnn_ts.models.labels import as_dates, complete_index
from pararnn_ts.models.values import as_column, first_infinite

__all__ = ["Grid", "complete_grid"]


@dataclass(frozen=True)
class Grid:
    """
    A series on its complete index.

    Parameters
    ----------
    y : ndarray
        Values on the complete index, float64; NaN where missing or inserted.
    index : Index
        Complete index.
    labels : Index or None
        Labels of the rows as they were given, before completion; None for an array without dates.
    rows : ndarray or None
        Position on `index` of each row that was given; None when nothing was inserted.
    name : str
        Name of the series.
    is_pandas : bool
        The series came with labels or in a frame, so output is to be labelled.
    deferred : bool
        Too few labels to judge; statsmodels' rules for the index hold.
    notes : tuple of str
        What was inferred or inserted.
    """

    y: np.ndarray
    index: pd.Index
    labels: pd.Index | None
    rows: np.ndarray | None
    name: str
    is_pandas: bool
    deferred: bool
    notes: tuple[str, ...]

    @property
    def n_given(self) -> int:
        """Number of rows before completion."""
        return len(self.y) if self.rows is None else len(self.rows)

    @property
    def inserted(self) -> pd.Index:
        """Labels that were inserted to fill gaps."""
        return self.index[:0] if self.rows is None else self.index.delete(self.rows)


def complete_grid(
    endog: Any, exog: Any = None, dates: Any = None, freq: Any = None, *, like: pd.Index | None = None
) -> Grid:
    """
    Put a series on a complete, equally spaced index, inserting missing observations where labels are absent.

    Parameters
    ----------
    endog : Series, DataFrame with one column, or 1-d array_like
        The series.
    exog : Series, DataFrame or array_like, optional
        Only its index is read, when `endog` has none.
    dates : array_like of dates, optional
        Replace the labels of `endog`.
    freq : str or offset, optional
        Frequency of the dates; inferred when not given.
    like : Index, optional
        A complete index whose frequency is used where the labels have none of their own.

    Returns
    -------
    Grid

    Warns
    -----
    ValueWarning
        Labels were absent and were inserted as missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.grid import complete_grid
    >>> months = pd.PeriodIndex(["2001-01", "2001-02", "2001-04"], freq="M")
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     grid = complete_grid(pd.Series([1.0, 2.0, 4.0], index=months))
    >>> grid.y, str(grid.index[-1])
    (array([ 1.,  2., nan,  4.]), '2001-04')
    """
    y, labels, name = as_column(endog, "endog")
    name, what = "y" if name is None else name, "endog" if dates is None else "dates"
    others = None if labels is not None else with_labels(exog, "exog")[1]
    if others is not None and len(others) == len(y):
        labels, what = others, "exog" if dates is None else "dates"
    _require_finite(y, labels)
    if dates is not None:
        index = _date_labels(dates, len(y))
        labels = index if labels is None else labels
    elif labels is None:
        if freq is not None:
            raise ValueError(f"freq={freq!r} needs dates, but endog has no index; pass dates or a Series.")
        # a frame without labels has names at least, so that output is labelled, as in statsmodels
        framed = isinstance(as_pandas(endog, "endog"), (pd.Series, pd.DataFrame))
        return Grid(y, pd.RangeIndex(len(y)), None, None, name, framed, False, ())
    else:
        index = labels
    done = complete_index(index, freq, like=like, what=what)
    if done.rows is not None:
        full = np.full(len(done.index), np.nan)
        full[done.rows] = y
        y = full
        warn_user(
            f"{done.notes[-1]} (endog has {len(done.rows)} observations); complete the index of {what} to be rid of "
            "this warning.",
            ValueWarning,
        )
    return Grid(y, done.index, labels, done.rows, name, True, done.deferred, done.notes)


def _date_labels(dates: Any, n: int) -> pd.Index:
    dates = as_pandas(dates, "dates")
    values = dates.array if isinstance(dates, pd.Series) else dates
    index = values if isinstance(values, pd.Index) else pd.Index(values)
    parsed = as_dates(index)
    if not len(index):
        raise ValueError(f"dates is empty, but endog has {n} observations; pass one date for each.")
    if parsed is None:
        raise ValueError(
            f"dates must hold dates, but the first one is {index[0]!r}; pass a DatetimeIndex, for example."
        )
    if len(parsed) != n:
        raise ValueError(f"dates has {len(parsed)} labels, but endog has {n} observations; pass one date for each.")
    return parsed


def _require_finite(y: np.ndarray, labels: pd.Index | None) -> None:
    first = first_infinite(y)
    if first is not None:
        where = f"position {first}" if labels is None else f"{labels[first]}"
        raise ValueError(
            f"endog has {int(np.isinf(y).sum())} infinite values, the first at {where}; replace them by NaN to treat "
            "them as missing."
        )
