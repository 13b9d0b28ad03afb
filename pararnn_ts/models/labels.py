"""Labels of a series: from whatever index the user has to a complete, equally spaced one."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from pararnn_ts._compat import date_range, infer_offset, to_offset, unheard_warnings

if TYPE_CHECKING:
    from pandas.tseries.offsets import BaseOffset

__all__ = [
    "MIN_EVIDENCE",
    "CompletedIndex",
    "as_dates",
    "check_freq",
    "complete_index",
    "extend_index",
    "finer_unit",
    "grid_offset",
    "labels_like",
    "lengthen_index",
    "one_level",
]

# With fewer labels nothing is inferred from them and no index is refused: what statsmodels does with them stands.
MIN_EVIDENCE = 8
# A frequency that was not given explicitly must find at least this share of its labels in the index.
MIN_COVERAGE = 0.5
# An explicit frequency may ask for at most this many labels for each one in the index.
MAX_EXPANSION = 1000

# pandas-stubs forget the class and the frequency of an index at every step
Dates: TypeAlias = Any

_QUARTER = re.compile(r"\d{4}-?Q[1-4]")
_DATELIKE = re.compile(r"\d{4}|\d{1,2}[-/.]\w+[-/.]\d{2}")
_POINTED = re.compile(r"\s*\d{1,2}\.\d{1,2}\.")


@dataclass(frozen=True)
class CompletedIndex:
    """
    Outcome of `complete_index`.

    Parameters
    ----------
    index : Index
        Complete index; dates carry their frequency, integers are a RangeIndex.
    rows : ndarray or None
        Position on the complete index of each label that was given; None when none had to be inserted.
    deferred : bool
        Too few labels to judge: `index` is as given, and statsmodels' rules for it hold.
    notes : tuple of str
        What was inferred or inserted.
    """

    index: pd.Index
    rows: np.ndarray | None = None
    deferred: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_inserted(self) -> int:
        """Number of labels that were inserted to fill gaps."""
        return 0 if self.rows is None else len(self.index) - len(self.rows)


def complete_index(
    labels: pd.Index, freq: Any = None, *, like: pd.Index | None = None, what: str = "endog"
) -> CompletedIndex:
    """
    Complete the labels of a series to an equally spaced index that can be extended into the future.

    Parameters
    ----------
    labels : Index
        Dates, periods, strings that are dates, or integers.
    freq : str or offset, optional
        Frequency of dates; inferred when not given.
    like : Index, optional
        A complete index whose frequency or step is used where `labels` has none of its own and lies on it.
    what : str
        Name of the argument in error messages.

    Returns
    -------
    CompletedIndex

    Raises
    ------
    ValueError
        Labels that are missing, repeated, out of order, irregular, or neither dates nor integers. An index with fewer
        than eight labels is too short to say, and is deferred to statsmodels instead.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import complete_index
    >>> days = pd.date_range("2024-01-01", periods=10).delete(4)
    >>> done = complete_index(days)
    >>> len(done.index), done.index.freqstr, done.rows
    (10, 'D', array([0, 1, 2, 3, 5, 6, 7, 8, 9]))
    """
    if isinstance(labels, pd.RangeIndex) and labels.step > 0 and freq is None:
        return CompletedIndex(labels)
    labels = one_level(labels)
    if isinstance(labels, pd.MultiIndex):
        raise ValueError(f"{what} must have one index level, but has {labels.nlevels}; select one series first.")
    if labels.hasnans:
        raise ValueError(f"{what} has missing labels in its index; drop those rows or give them labels.")
    dated = isinstance(labels, pd.PeriodIndex) or (isinstance(labels, pd.DatetimeIndex) and labels.freq is not None)
    if len(labels) < MIN_EVIDENCE and freq is None and like is None and not dated:
        if _is_integer(labels) and labels[0] == 0 and (np.diff(labels) == 1).all():
            return CompletedIndex(pd.RangeIndex(len(labels), name=labels.name))
        return CompletedIndex(labels, deferred=True)
    dates = as_dates(labels)
    if dates is not None:
        return _complete_dates(dates, freq, like, what)
    if freq is not None:
        raise ValueError(
            f"freq={freq!r} needs dates, but the index of {what} holds {_describe(labels)}; give it a DatetimeIndex "
            "or a PeriodIndex, or pass dates."
        )
    integers = _as_integers(labels)
    if integers is not None:
        return _complete_integers(labels, integers, like, what)
    if len(labels) < MIN_EVIDENCE:
        return CompletedIndex(labels, deferred=True)
    raise ValueError(
        f"{what} has an index of {_describe(labels)}, which are neither dates nor equally spaced integers; pass dates "
        f"or use {what}.reset_index(drop=True)."
    )


def check_freq(freq: Any, labels: Dates, what: str) -> None:
    """
    Raise for a frequency that labels of this kind cannot have.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import check_freq
    >>> check_freq("MS", pd.RangeIndex(3), "endog")
    Traceback (most recent call last):
    ValueError: freq='MS' needs dates, but endog holds integers; leave it out.
    """
    if isinstance(labels, pd.PeriodIndex):
        if _period_offset(freq, labels, what) != labels.freq:
            raise ValueError(_conflict(freq, labels, what))
    elif isinstance(labels, pd.DatetimeIndex):
        _offset(freq)
    else:
        raise ValueError(f"freq={freq!r} needs dates, but {what} holds integers; leave it out.")


def extend_index(index: Dates, steps: int) -> pd.Index:
    """
    Labels of the `steps` periods that follow a complete index.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import extend_index
    >>> extend_index(pd.period_range("2001Q1", periods=8, freq="Q"), 2)
    PeriodIndex(['2003Q1', '2003Q2'], dtype='period[Q-DEC]')
    """
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(index.stop, index.stop + steps * index.step, index.step, name=index.name)
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1], periods=steps + 1, freq=index.freq, name=index.name)[1:]
    if isinstance(index, pd.DatetimeIndex) and index.freq is not None:
        return date_range(index[-1], periods=steps + 1, freq=index.freq, name=index.name, unit=index.unit)[1:]
    raise ValueError("index must be a RangeIndex, a PeriodIndex or a DatetimeIndex with a frequency to be extended.")


def lengthen_index(index: Dates, steps: int) -> pd.Index:
    """
    Join a complete index and the labels of the `steps` periods that follow it, keeping its frequency.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import lengthen_index
    >>> lengthen_index(pd.RangeIndex(0, 10, 5), 1)
    RangeIndex(start=0, stop=15, step=5)
    """
    if isinstance(index, pd.RangeIndex):
        return pd.RangeIndex(index.start, index.stop + steps * index.step, index.step, name=index.name)
    joined = index.append(extend_index(index, steps))
    if isinstance(joined, pd.DatetimeIndex) and joined.freq is None:
        return date_range(index[0], periods=len(joined), freq=index.freq, name=index.name, unit=index.unit)
    return joined


def grid_offset(base: Dates, other: Dates) -> int | None:
    """
    Count the steps from the first label of `base` to the first of `other`; None when they are not on one grid.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import grid_offset
    >>> months = pd.date_range("2000-01-01", periods=24, freq="MS")
    >>> grid_offset(months, months[5:]), grid_offset(months[5:], months), grid_offset(months, pd.RangeIndex(3))
    (5, -5, None)
    """
    if not len(base) or not len(other) or type(base) is not type(other):
        return None
    if isinstance(base, pd.RangeIndex) and isinstance(other, pd.RangeIndex):
        steps, rest = divmod(other.start - base.start, base.step)
        return steps if rest == 0 and base.step == other.step else None
    if getattr(base, "freq", None) is None or base.freq != getattr(other, "freq", None):
        return None
    first, second = base[0], other[0]
    step: Any = base.freq
    if isinstance(base, pd.PeriodIndex):
        steps, rest = divmod((second - first).n, step.n)
        return steps if rest == 0 else None
    if isinstance(base, pd.TimedeltaIndex):
        steps, rest = divmod(second - first, pd.Timedelta(step))
        return int(steps) if not rest else None
    if str(base.tz) != str(other.tz):
        return None
    sign = 1 if second >= first else -1
    between = date_range(min(first, second), max(first, second), freq=step, unit=finer_unit(base, other))
    return sign * (len(between) - 1) if len(between) and between[-1] == max(first, second) else None


def finer_unit(*dates: Any) -> Any:
    """
    The finest unit of time in which some dates are kept.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import finer_unit
    >>> finer_unit(pd.date_range("1500", periods=2, freq="YS", unit="s"), pd.Timestamp("1500-01-01").as_unit("ms"))
    'ms'
    """
    return max((date.unit for date in dates), key=["s", "ms", "us", "ns"].index)


def labels_like(labels: pd.Index, target: Dates) -> pd.Index:
    """
    Convert labels to the type of `target` (dates, periods or integers) where that is possible; else keep them.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import labels_like
    >>> labels_like(pd.Index(["2001-02", "2001-03"]), pd.period_range("2001-01", periods=1, freq="M"))
    PeriodIndex(['2001-02', '2001-03'], dtype='period[M]')
    """
    labels = one_level(labels)
    if isinstance(labels, type(target)) or (isinstance(target, pd.RangeIndex) and _is_integer(labels)):
        return labels
    if isinstance(target, (pd.DatetimeIndex, pd.PeriodIndex)):
        dates = as_dates(labels)
        step: Any = target.freq
        if dates is None:
            return labels
        if isinstance(target, pd.PeriodIndex) and isinstance(dates, pd.DatetimeIndex):
            periods = dates.tz_localize(None).to_period(step)
            # dates of a finer frequency, of which a period has several, are no such periods
            return periods if periods.is_unique or not dates.is_unique else labels
        if isinstance(target, pd.DatetimeIndex) and isinstance(dates, pd.PeriodIndex):
            return dates.to_timestamp(how="start")
        return dates
    if isinstance(target, pd.RangeIndex):
        integers = _as_integers(labels)
        return labels if integers is None else pd.Index(integers, name=labels.name)
    return labels


def as_dates(labels: pd.Index) -> pd.DatetimeIndex | pd.PeriodIndex | None:
    """
    Dates or periods that the labels are or say; None when they are something else.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.labels import as_dates
    >>> as_dates(pd.Index(["2001-01", "2001-02"]))[1]
    Timestamp('2001-02-01 00:00:00')
    >>> as_dates(pd.Index(["a", "b"])) is None
    True
    """
    if isinstance(labels, (pd.DatetimeIndex, pd.PeriodIndex)):
        return labels
    if getattr(labels.dtype, "kind", "O") == "M":  # dates kept by Arrow
        return pd.DatetimeIndex(labels)
    if isinstance(labels, pd.CategoricalIndex):
        labels = pd.Index(labels.astype(object))
    if not len(labels) or pd.api.types.is_numeric_dtype(labels.dtype):
        return None
    try:
        if isinstance(labels[0], pd.Period):
            return pd.PeriodIndex(labels)
        if isinstance(labels[0], (datetime.date, np.datetime64)):
            return pd.DatetimeIndex(pd.to_datetime(labels))
        if not all(isinstance(label, str) for label in labels):
            return None
        if all(_QUARTER.fullmatch(label) for label in labels):
            return pd.PeriodIndex(labels, freq="Q").to_timestamp(how="start").rename(labels.name)
        if not all(_DATELIKE.search(label) for label in labels):
            return None
        with unheard_warnings(UserWarning):  # of pandas, about a reading that it leaves to its callers
            parsed = _parsed(labels)
        return parsed if isinstance(parsed, pd.DatetimeIndex) else None
    except (ValueError, TypeError, OverflowError):
        return None


def _parsed(labels: pd.Index) -> Any:
    """
    Dates that strings say.

    Where both readings make dates of all of them, the month is before the day, but behind it between points: 01.02.2001
    is the first of February wherever dates are written so.
    """
    pointed = _POINTED.match(labels[0]) is not None
    try:
        known = guess_datetime_format(labels[0], dayfirst=pointed)
        return pd.to_datetime(labels, format=known or "mixed", dayfirst=pointed and known is None)
    except ValueError:
        other = guess_datetime_format(labels[0], dayfirst=not pointed)
        if other is None:
            raise
        return pd.to_datetime(labels, format=other)


def _complete_dates(dates: Dates, freq: Any, like: Dates | None, what: str) -> CompletedIndex:
    short = len(dates) < MIN_EVIDENCE and freq is None and like is None
    if short and not (dates.is_monotonic_increasing and dates.is_unique):
        return CompletedIndex(dates, deferred=True)
    _require_increasing(dates, what)
    if isinstance(dates, pd.PeriodIndex):
        given = None if freq is None else _period_offset(freq, dates, what)
        if given is not None and given != dates.freq:
            raise ValueError(_conflict(freq, dates, what))
        return _fill(dates, dates.freq, what)
    if freq is not None:
        offset = _offset(freq)
        if dates.freq is not None and dates.freq != offset:
            raise ValueError(_conflict(freq, dates, what))
        return CompletedIndex(dates) if dates.freq is not None else _fill(dates, offset, what)
    if dates.freq is not None:
        return CompletedIndex(dates)
    hint = like.freq if isinstance(like, pd.DatetimeIndex) else None
    if hint is not None and _on_grid(dates, hint) is not None:
        return _fill(dates, hint, what)
    if len(dates) < MIN_EVIDENCE:
        return CompletedIndex(dates, deferred=True)
    offset = infer_offset(dates)
    if offset is None:
        offset = _offset_with_gaps(dates)
    if offset is None:
        raise ValueError(
            f"{what} has dates that fit no regular frequency; pass freq= to insert the dates that are absent as "
            f"missing, or use {what}.reset_index(drop=True) to number the observations."
        )
    done = _fill(dates, offset, what)
    inferred = f"frequency {_alias(done.index, offset)} inferred from the index"
    return CompletedIndex(done.index, done.rows, notes=(inferred, *done.notes))


def _on_grid(dates: Dates, offset: Any) -> tuple[Dates, np.ndarray] | None:
    """Full index with this frequency and the position of every date on it; None when some are not on it."""
    full: Dates
    if isinstance(dates, pd.PeriodIndex):
        full = pd.period_range(dates[0], dates[-1], freq=offset, name=dates.name)
    else:
        full = date_range(dates[0], dates[-1], freq=offset, name=dates.name, unit=dates.unit)
    rows = full.get_indexer(dates)
    return None if (rows < 0).any() else (full, rows)


def _fill(dates: Dates, offset: Any, what: str) -> CompletedIndex:
    size = _expected_size(dates, offset)
    if size > MAX_EXPANSION * len(dates):
        raise ValueError(
            f"{what} has {len(dates)} observations, but frequency {_alias(dates, offset)} would make an index of about "
            f"{size} labels; check its first and last date or choose a coarser freq."
        )
    found = _on_grid(dates, offset)
    if found is None:
        off = next((d for d in dates if _on_grid(dates[:1].append(pd.Index([d])), offset) is None), dates[0])
        raise ValueError(
            f"freq={_alias(dates, offset)!r} does not fit the index of {what}: {off} is not one of its dates; leave "
            "freq out to have it inferred, or convert the index."
        )
    full, rows = found
    if len(full) == len(dates):
        return CompletedIndex(full)
    return CompletedIndex(full, rows, notes=(_gap_note(full, rows),))


def _gap_note(full: Dates, rows: np.ndarray) -> str:
    absent = np.setdiff1d(np.arange(len(full)), rows)
    kind = f"of frequency {full.freqstr}" if hasattr(full, "freqstr") else f"with step {full.step}"
    count, were = ("1 label", "was") if len(absent) == 1 else (f"{len(absent)} labels", "were")
    return f"{count} {were} absent from the index {kind} and inserted as missing, the first {full[absent[0]]}"


def _expected_size(dates: Dates, offset: Any) -> int:
    if isinstance(dates, pd.PeriodIndex):
        return (dates[-1] - dates[0]).n // offset.n + 1
    start = dates[0]
    step = ((start + 8 * offset) - start) / 8
    return int((dates[-1] - start) / step) + 1 if step > pd.Timedelta(0) else 0


def _offset_with_gaps(dates: Dates) -> BaseOffset | None:
    """Coarsest usual frequency on which all dates lie and at least half of whose dates are there."""
    span = dates[-1] - dates[0]
    for offset, step in [*_calendar_offsets(dates), *_clock_offsets(dates)]:
        if span / step > len(dates) / MIN_COVERAGE + 2:
            continue
        found = _on_grid(dates, offset)
        if found is not None and len(dates) >= MIN_COVERAGE * len(found[0]):
            return offset
    return None


def _calendar_offsets(dates: Dates) -> Iterator[tuple[BaseOffset, pd.Timedelta]]:
    """Candidates that count months or days, and their usual length, for dates at one time of the day."""
    local = dates.tz_localize(None)
    midnights = local.normalize()
    if not (local - midnights == local[0] - midnights[0]).all():
        return
    day = pd.Timedelta(days=1)
    months = reduce(gcd, np.diff(local.year * 12 + local.month).tolist())
    unit = 12 if months % 12 == 0 else 3 if months % 3 == 0 else 1
    if months:
        anchor = "" if unit == 1 else f"-{local[0].strftime('%b').upper()}"
        for rule in {12: ("YE", "YS", "BYE", "BYS"), 3: ("QE", "QS", "BQE", "BQS"), 1: ("ME", "MS", "BME", "BMS")}[
            unit
        ]:
            yield to_offset(f"{months // unit}{rule}{anchor}"), months * 30.44 * day
    days = reduce(gcd, np.diff(midnights.to_numpy()).astype("timedelta64[D]").astype(int).tolist())
    if days % 7 == 0:
        yield to_offset(f"{days // 7}W-{local[0].strftime('%a').upper()}"), days * day
    elif days == 1:
        yield to_offset("B"), 1.4 * day
    yield to_offset(f"{days}D"), days * day


def _clock_offsets(dates: Dates) -> Iterator[tuple[BaseOffset, pd.Timedelta]]:
    """Candidate that counts elapsed time."""
    elapsed = np.diff(dates.tz_convert("UTC").tz_localize(None) if dates.tz is not None else dates)
    step = pd.Timedelta(reduce(gcd, elapsed.astype(int).tolist()), unit=dates.unit)
    yield to_offset(step), step


def _complete_integers(labels: pd.Index, values: np.ndarray, like: Dates | None, what: str) -> CompletedIndex:
    steps = np.diff(values)
    step = reduce(gcd, steps.tolist(), 0) or 1
    if isinstance(like, pd.RangeIndex) and (len(steps) == 0 or step % like.step == 0):
        step = like.step
    regular = bool((steps > 0).all() and (steps % step == 0).all())
    if not regular and len(values) < MIN_EVIDENCE:
        return CompletedIndex(labels, deferred=True)
    _require_increasing(pd.Index(values), what)
    full = pd.RangeIndex(int(values[0]), int(values[-1]) + step, step, name=labels.name)
    if len(full) == len(values):
        return CompletedIndex(full)
    if not regular or len(values) < MIN_COVERAGE * len(full):
        raise ValueError(
            f"{what} has integers in its index that are not equally spaced; use {what}.reset_index(drop=True) to "
            "number the observations, or pass dates."
        )
    rows = (values - values[0]) // step
    return CompletedIndex(full, rows, notes=(_gap_note(full, rows),))


def _require_increasing(labels: pd.Index, what: str) -> None:
    if not labels.is_unique:
        twice = labels[labels.duplicated()]
        raise ValueError(
            f"{what} has {len(twice)} duplicate labels in its index, the first {twice[0]}; keep one of each with "
            f"{what}[~{what}.index.duplicated()] or aggregate them."
        )
    if not labels.is_monotonic_increasing:
        k = next(k for k in range(len(labels) - 1) if labels[k + 1] < labels[k])
        raise ValueError(
            f"{what} has an index that is not increasing ({labels[k]} is followed by {labels[k + 1]}); sort it with "
            f"{what}.sort_index()."
        )


def one_level(labels: pd.Index) -> pd.Index:
    """Labels of a MultiIndex that has a single level, any other index as it is."""
    return labels.get_level_values(0) if labels.nlevels == 1 and isinstance(labels, pd.MultiIndex) else labels


def _is_integer(labels: pd.Index) -> bool:
    return pd.api.types.is_integer_dtype(labels.dtype)


def _as_integers(labels: pd.Index) -> np.ndarray | None:
    if pd.api.types.is_bool_dtype(labels.dtype):
        return None
    if _is_integer(labels) and labels.max() < 2**63:
        return labels.to_numpy(np.int64)
    if pd.api.types.is_numeric_dtype(labels.dtype):
        if pd.api.types.is_complex_dtype(labels.dtype):
            return None
        values = labels.to_numpy(np.float64)
        return values.astype(np.int64) if (np.abs(values) < 2**53).all() and (values % 1 == 0).all() else None
    if all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in labels):
        return np.array(labels, dtype=np.int64)
    if all(isinstance(v, str) and re.fullmatch(r"\d{1,15}", v) for v in labels):
        return np.array([int(v) for v in labels], dtype=np.int64)
    return None


def _describe(labels: pd.Index) -> str:
    kinds = {type(v).__name__ for v in labels[:100]}
    kind = {"str": "strings", "int": "integers", "float": "floats"}.get(*kinds) if len(kinds) == 1 else "mixed labels"
    return f"{kind or f'{labels.dtype} labels'} ({labels[:1].tolist()[0]!r}, ...)"


def _offset(freq: Any) -> Any:
    try:
        return to_offset(freq)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"freq={freq!r} is not a frequency that pandas knows for dates; use for example 'D', 'MS', 'QS' or 'h'."
        ) from error


def _period_offset(freq: Any, dates: Dates, what: str) -> Any:
    try:
        return pd.period_range(dates[0], periods=1, freq=freq).freq
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(_conflict(freq, dates, what)) from error


def _alias(dates: Dates, offset: Any) -> str:
    return str(dates.freqstr) if isinstance(dates, pd.PeriodIndex) else str(offset.freqstr)


def _conflict(freq: Any, dates: Dates, what: str) -> str:
    return (
        f"freq={freq!r} contradicts the index of {what}, which has frequency {dates.freqstr}; leave freq out or "
        "convert the index with asfreq."
    )
