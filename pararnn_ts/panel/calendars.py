"""The labels that the series of a panel share: most series are a part of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import date_range, infer_offset
from pararnn_ts.models.labels import MIN_EVIDENCE, CompletedIndex, complete_index, extend_index, lengthen_index

__all__ = ["Calendar", "as_numbers", "make_calendar"]

# frequencies of which any eight successive labels tell the frequency again
_TELLING = (
    pd.offsets.Day, pd.offsets.BusinessDay, pd.offsets.Week, pd.offsets.MonthBegin, pd.offsets.MonthEnd,
    pd.offsets.QuarterBegin, pd.offsets.QuarterEnd, pd.offsets.YearBegin, pd.offsets.YearEnd, pd.offsets.Hour,
    pd.offsets.Minute, pd.offsets.Second, pd.offsets.Milli, pd.offsets.Micro, pd.offsets.Nano,
)  # fmt: skip


@dataclass(frozen=True)
class Calendar:
    """
    The index of which those of most series are a part: inferring a frequency takes longer than a fit.

    Parameters
    ----------
    index : Index
        Complete index of all labels of the panel.
    notes : tuple of str
        What was inferred about it.
    telling : bool
        Whether a part of eight labels or more would by itself be given the same frequency.
    """

    index: pd.Index
    notes: tuple[str, ...]
    telling: bool

    def part(self, labels: np.ndarray) -> CompletedIndex | None:
        """Return the part of the calendar with these labels; None where there is none without gaps."""
        if len(labels) >= MIN_EVIDENCE and not self.telling:
            return None
        own = as_numbers(self.index)
        first = int(np.searchsorted(own, labels[0]))
        if not np.array_equal(own[first : first + len(labels)], labels):
            return None
        return CompletedIndex(self.index[first : first + len(labels)], notes=self.notes)

    def completed(self, labels: pd.Index) -> CompletedIndex | None:
        """Return a short series on the calendar, where it has gaps there; None where it says its own frequency."""
        own = self._rows(labels)
        if own is None:
            return None
        steps = np.diff(own)
        if len(steps) > 1 and (steps == steps[0]).all():
            if not isinstance(self.index, pd.RangeIndex):
                return None  # statsmodels finds a better name for it than a multiple of the calendar's
            step = int(steps[0]) * self.index.step
            return CompletedIndex(pd.RangeIndex(int(labels[0]), int(labels[-1]) + step, step, name=labels.name))
        return complete_index(labels, like=self.index, what=f"the column {labels.name!r}")

    def _rows(self, labels: pd.Index) -> np.ndarray | None:
        """Positions of labels in ascending order; None where some are not on the calendar."""
        # pandas looks labels up in a table that it makes when first asked, which threads may see half made
        own, numbers = as_numbers(self.index), as_numbers(labels)
        rows = np.searchsorted(own, numbers)
        return rows if rows[-1] < len(own) and (own[rows] == numbers).all() else None

    def until(self, last: Any) -> Calendar:
        """Return the calendar with as many further labels as reach to a label."""
        index: Any = self.index
        if last <= index[-1]:
            return self
        if isinstance(index, pd.RangeIndex):
            return replace(self, index=lengthen_index(index, int(last - index[-1]) // index.step))
        make: Any = pd.period_range if isinstance(index, pd.PeriodIndex) else pd.date_range
        return replace(self, index=lengthen_index(index, len(make(index[-1], last, freq=index.freq)) - 1))

    def after(self, labels: pd.Index, steps: int) -> pd.Index | None:
        """Return what follows some labels, so many steps; None where they are not on the calendar."""
        rows = self._rows(labels[-1:])
        return None if rows is None else extend_index(self.index[rows[0] : rows[0] + 1], steps)


def make_calendar(times: pd.Index, freq: Any) -> Calendar | None:
    """Calendar of all times of a panel; None where they have no frequency or step in common."""
    try:
        # Index.unique would leave a table of all labels behind
        done = complete_index(times[np.unique(as_numbers(times), return_index=True)[1]], freq)
    except ValueError:
        return None
    index = _equally_spaced(done.index) if done.deferred else done.index
    step: Any = index.step if isinstance(index, pd.RangeIndex) else getattr(index, "freq", None)
    if index is None or step is None:
        return None
    telling = freq is not None or not isinstance(times, pd.DatetimeIndex)
    telling = telling or (getattr(times, "tz", None) is None and isinstance(step, _TELLING))
    inferred = tuple(note for note in done.notes if "inserted" not in note)
    return Calendar(index, inferred, telling)


def _equally_spaced(labels: pd.Index) -> pd.Index | None:
    """Few labels that are equally far apart as an index that goes on; None for others."""
    if isinstance(labels, pd.DatetimeIndex):
        freq = infer_offset(labels)
        if freq is None:
            return None
        return date_range(labels[0], labels[-1], freq=freq, name=labels.name, unit=labels.unit)
    steps = np.diff(labels)
    if len(steps) and (steps == steps[0]).all():
        return pd.RangeIndex(int(labels[0]), int(labels[-1] + steps[0]), int(steps[0]), name=labels.name)
    return None


def as_numbers(times: Any) -> np.ndarray:
    """Dates, periods or integers as the integers that are behind them."""
    return times.asi8 if isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)) else times.to_numpy()
