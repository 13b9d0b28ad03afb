"""Which rows a prediction covers: positions, labels and parts of dates, as users of statsmodels write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from pararnn_ts._compat import ValueWarning, warn_user
from pararnn_ts.models.arguments import MOST_AHEAD, given
from pararnn_ts.models.labels import extend_index, finer_unit, lengthen_index

__all__ = ["PredictionWindow", "locate", "resolve_window", "steps_ahead"]

_QUARTER = re.compile(r"\d{4}-?Q[1-4]")


@dataclass(frozen=True)
class PredictionWindow:
    """
    Rows that a prediction covers.

    Parameters
    ----------
    start : int
        Position of the first row; may lie beyond the sample.
    end : int
        Position of the last row inside the sample; less than `start` when there is none.
    out_of_sample : int
        Number of rows after the end of the sample, counted from there.
    index : Index or None
        Labels of the rows from `start` on; None when the series has none.
    dynamic_start : int or None
        Position from which on observations are not used; None when they all are.
    """

    start: int
    end: int
    out_of_sample: int
    index: pd.Index | None
    dynamic_start: int | None = None

    @classmethod
    def ahead(cls, row: int, steps: int) -> PredictionWindow:
        """So many rows of the sample from a row on, without labels and without the observations in them."""
        return cls(row, row + steps - 1, 0, None, dynamic_start=row)

    @property
    def stop(self) -> int:
        """Position after the last row."""
        return self.end + self.out_of_sample + 1

    def __len__(self) -> int:
        return self.stop - self.start


def resolve_window(
    sample: pd.Index,
    extendable: bool,
    labelled: bool,
    start: Any = None,
    end: Any = None,
    dynamic: Any = False,
    index: Any = None,
) -> PredictionWindow:
    """
    Find the rows that a prediction covers; changes nothing, so threads may share a model.

    Parameters
    ----------
    sample : Index
        Labels of the sample.
    extendable : bool
        Whether they can be extended into the future.
    labelled : bool
        Whether the labels are the user's; otherwise they only count and the window has none.
    start, end, dynamic, index
        As in `SeriesModel.prediction_window`.

    Returns
    -------
    PredictionWindow

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.window import resolve_window
    >>> resolve_window(pd.RangeIndex(10), True, False, -2, 11)
    PredictionWindow(start=8, end=9, out_of_sample=2, index=None, dynamic_start=None)
    """
    n = len(sample)
    first = 0 if start is None else locate(start, sample, extendable, "start", last=False)
    final = max(first, n - 1) if end is None else locate(end, sample, extendable, "end", last=True)
    if final < first:
        raise ValueError(f"end must not come before start, but start={start!r} is row {first} and end={end!r} {final}.")
    outside = max(final - (n - 1), 0)
    if outside > MOST_AHEAD:
        raise ValueError(
            f"end={given(final if end is None else end)} lies {outside:,} rows after the sample, but at most "
            f"{MOST_AHEAD:,} are predicted; choose an earlier one."
        )
    labels = _labels(sample, extendable, labelled, first, final, outside, index)
    return PredictionWindow(
        first, final - outside, outside, labels, _dynamic(dynamic, first, final, sample, extendable)
    )


def _labels(
    sample: pd.Index, extendable: bool, labelled: bool, first: int, final: int, outside: int, index: Any
) -> pd.Index | None:
    if index is not None:
        try:
            own = index if isinstance(index, pd.Index) else pd.Index(index)
        except (TypeError, ValueError):
            raise TypeError(f"index must hold one label for each row, but is {given(index)}.") from None
        if len(own) != final - first + 1:
            raise ValueError(
                f"index has {len(own)} labels, but the prediction has {final - first + 1} rows; pass one for each."
            )
        return own
    if not labelled:
        return None
    if not outside:
        return sample[first : final + 1]
    if not extendable:
        raise ValueError(
            "No supported index is available: the labels of endog cannot be extended; pass index with the labels of "
            "the forecasts."
        )
    if first >= len(sample):
        return extend_index(sample, outside)[first - len(sample) :]
    return lengthen_index(sample, outside)[first:]


def _dynamic(dynamic: Any, first: int, final: int, sample: pd.Index, extendable: bool) -> int | None:
    if dynamic is False or dynamic is None or (isinstance(dynamic, np.bool_) and not dynamic):
        return None
    if dynamic is True or isinstance(dynamic, np.bool_):
        return first
    if isinstance(dynamic, Integral):
        begin = first + int(dynamic)
    else:
        begin = locate(dynamic, sample, extendable, "dynamic", last=False)
    if begin < first:
        raise ValueError(f"dynamic={dynamic!r} begins before the prediction does; let it begin at start or later.")
    if begin > final:
        warn_user(f"dynamic={dynamic!r} begins after the end of the prediction and has no effect.", ValueWarning)
        return None
    return begin


def locate(key: Any, sample: pd.Index, extendable: bool, what: str, *, last: bool) -> int:
    """
    Position of a key in the sample or after it.

    Parameters
    ----------
    key : int, str or label
        Integers are positions, negative ones from the end; anything else is a label.
    sample, extendable
        As in `resolve_window`.
    what : str
        Name of the argument in error messages.
    last : bool
        Whether the last of several rows that a part of a date stands for is meant, or the first.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.window import locate
    >>> months = pd.period_range("2001-01", periods=24, freq="M")
    >>> locate("2002", months, True, "start", last=False), locate("2003-02", months, True, "end", last=True)
    (12, 25)
    """
    n = len(sample)
    if isinstance(key, Integral) and not isinstance(key, bool):
        if key < -n:
            raise KeyError(f"{what}={key} lies before the first of the {n} observations.")
        return int(key) + n if key < 0 else int(key)
    if isinstance(key, (bool, float)) or key is None or (is_list_like(key) and not isinstance(key, tuple)):
        raise TypeError(f"{what} must be an integer position or a label of the index, not {given(key)}.")
    try:
        if extendable and isinstance(sample, (pd.DatetimeIndex, pd.PeriodIndex)):
            return _locate_date(key, sample, last)
        return _edge(sample.get_loc(key), last)
    except (KeyError, ValueError, TypeError) as error:
        raise KeyError(
            f"{what}={key!r} is not in the index, which runs from {sample[0]} to {sample[-1]}, nor does it follow it."
        ) from error


def steps_ahead(steps: Any, sample: pd.Index, extendable: bool) -> int:
    """
    Count the steps of a forecast, given as such or as the last label to forecast.

    Parameters
    ----------
    steps : int, str or label
        A part of a date stands for the first label in it.
    sample, extendable
        As in `resolve_window`.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.window import steps_ahead
    >>> months = pd.period_range("2001-01", periods=24, freq="M")
    >>> steps_ahead(3, months, True), steps_ahead("2003-06", months, True)
    (3, 6)
    """
    if isinstance(steps, Integral) and not isinstance(steps, bool):
        count = int(steps)
        if count < 1:
            raise ValueError(f"steps must be at least 1, but is {count}.")
        if count > MOST_AHEAD:
            raise ValueError(f"steps must be at most {MOST_AHEAD:,}, but is {count}.")
        return count
    if steps is None or isinstance(steps, (bool, Real)):
        raise TypeError(f"steps must be a positive integer or the last label to forecast, not {given(steps)}.")
    ahead = locate(steps, sample, extendable, "steps", last=True) - len(sample) + 1
    if ahead < 1:
        raise ValueError(f"steps={steps!r} lies inside the sample, which ends at {sample[-1]}; name a later label.")
    return ahead


def _locate_date(key: Any, sample: Any, last: bool) -> int:
    if isinstance(key, str) and _QUARTER.fullmatch(key):
        key = pd.Period(key)
    if isinstance(sample, pd.PeriodIndex):
        return _locate_period(key, sample, last)
    date = key.to_timestamp() if isinstance(key, pd.Period) else pd.Timestamp(key)
    if date.tz is None and sample.tz is not None:
        date = date.tz_localize(sample.tz)
    elif date.tz is not None and sample.tz is not None:
        date = date.tz_convert(sample.tz)
    if not date > sample[-1]:
        return _edge(sample.get_loc(key if isinstance(key, str) else date), last)
    ahead: Any = pd.date_range(sample[-1], date, freq=sample.freq, unit=finer_unit(sample, date))
    beyond = 0 if ahead[-1] == date else 1  # the first label that is not before the date
    return len(sample) - 2 + len(ahead) + beyond


def _locate_period(key: Any, sample: Any, last: bool) -> int:
    step: Any = sample.freq
    if not isinstance(key, pd.Period):
        date: Any = pd.Period(key, freq=step)
    else:  # a quarter among months is its first month, as a quarter among dates is its first day
        date = key if key.freq == step else key.asfreq(step, how="start")
    if date > sample[-1]:
        ahead, rest = divmod((date - sample[-1]).n, step.n)
        return len(sample) - 1 + ahead + (rest > 0)
    if isinstance(key, str):
        try:
            return _edge(sample.get_loc(key), last)  # part of a date
        except KeyError:  # a date within a period
            pass
    return _edge(sample.get_loc(date), last)


def _edge(found: Any, last: bool) -> int:
    """One position of what pandas finds for a key: a position, a slice, a mask or several positions."""
    if isinstance(found, slice):
        return int(found.stop) - 1 if last else int(found.start)
    if isinstance(found, np.ndarray):
        rows = np.flatnonzero(found) if found.dtype == bool else found
        return int(rows[-1] if last else rows[0])
    return int(found)
