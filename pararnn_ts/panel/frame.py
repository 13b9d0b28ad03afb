"""Many series in one long data frame: sorted, checked, and given out one by one on complete indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts.models.frames import FrameKind, as_pandas, kind_of
from pararnn_ts.models.labels import MIN_EVIDENCE, CompletedIndex, as_dates, check_freq, complete_index
from pararnn_ts.models.values import float_values, shown
from pararnn_ts.panel.calendars import Calendar, as_numbers, make_calendar

__all__ = ["Columns", "LongFrame", "OneSeries", "future_rows", "read_long"]

# completed indices that are remembered, for panels whose series share their dates
REMEMBERED = 64


class Columns(NamedTuple):
    """Names of the columns of a long data frame."""

    ids: Any
    time: Any
    target: Any
    exog: tuple[Any, ...]


class OneSeries(NamedTuple):
    """
    One series of a panel.

    Attributes
    ----------
    endog : Series
        On its complete index, NaN where missing.
    exog : DataFrame or None
        Exogenous values.
    notes : tuple of str
        What was inferred about the index or inserted.
    n_inserted : int
        Number of labels that were absent and inserted as missing.
    """

    endog: pd.Series
    exog: pd.DataFrame | None
    notes: tuple[str, ...]
    n_inserted: int


@dataclass(frozen=True)
class LongFrame:
    """
    The rows of all series, sorted by series and time.

    Parameters
    ----------
    columns : Columns
        Names.
    ids : Index
        Names of the series, sorted.
    offsets : ndarray, (n_series + 1,)
        Where the rows of each series begin.
    times : Index
        Labels of all rows: dates, periods or integers.
    y : ndarray, (n_rows,)
        Values, NaN where missing.
    x : ndarray, (n_rows, e), or None
        Exogenous values.
    freq : str, offset or None
        Frequency of the dates, where it is given.
    calendar : Calendar or None
        Index that most series have a part of.
    kind : FrameKind or None
        Library of the data frame that the rows came in, unless it is pandas.
    """

    columns: Columns
    ids: pd.Index
    offsets: np.ndarray
    times: pd.Index
    y: np.ndarray
    x: np.ndarray | None
    freq: Any = None
    calendar: Calendar | None = None
    kind: FrameKind | None = None
    _known: dict[bytes, CompletedIndex] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __getstate__(self) -> dict[str, Any]:
        """State for pickle: what is remembered can be found again."""
        return {**{name: self.__dict__[name] for name in self.__dataclass_fields__}, "_known": {}}

    @cached_property
    def numbers(self) -> np.ndarray:
        """Labels of all rows as integers."""
        return as_numbers(self.times)

    @property
    def lengths(self) -> np.ndarray:
        """Number of rows of each series."""
        return np.diff(self.offsets)

    def part(self, first: int, last: int) -> LongFrame:
        """Series from `first` up to, not including, `last`; their calendar stays that of the whole panel."""
        rows = slice(self.offsets[first], self.offsets[last])
        return replace(
            self, ids=self.ids[first:last], offsets=self.offsets[first : last + 1] - self.offsets[first],
            times=self.times[rows], y=self.y[rows], x=None if self.x is None else self.x[rows], _known={},
        )  # fmt: skip

    def head(self, k: int, rows: int) -> LongFrame:
        """One series alone, and of it the first rows only."""
        kept = slice(self.offsets[k], self.offsets[k] + rows)
        return replace(
            self, ids=self.ids[k : k + 1], offsets=np.array([0, rows]), times=self.times[kept], y=self.y[kept],
            x=None if self.x is None else self.x[kept], _known={},
        )  # fmt: skip

    def since(self, k: int, rows: int, index: pd.Index) -> tuple[pd.Series, pd.DataFrame | None]:
        """
        Values and exogenous values of a series after its first rows, NaN at times that are absent.

        Parameters
        ----------
        k : int
            The series.
        rows : int
            How many rows to leave out.
        index : Index
            Complete index of those.

        Returns
        -------
        Series, and DataFrame or None
        """
        new = slice(self.offsets[k] + rows, self.offsets[k + 1])
        labels, y = self.times[new], self.y[new]
        done = complete_index(index[-1:].append(labels), like=index, what=f"the column {self.columns.time!r}")
        if done.rows is not None:
            labels, y = done.index[1:], np.full(len(done.index) - 1, np.nan)
            y[done.rows[1:] - 1] = self.y[new]
        if self.x is None:
            return pd.Series(y, labels, name=self.columns.target), None
        self._require_exog(done)
        x = pd.DataFrame(self.x[new], labels, columns=list(self.columns.exog))
        return pd.Series(y, labels, name=self.columns.target), x

    def _placed(self, new: LongFrame) -> tuple[np.ndarray, pd.Index, np.ndarray]:
        """Series of each row of another frame, its times in the unit of these, and as numbers."""
        times = _times_like(new.times, self.times, self.columns.time, "df")
        place = self.ids.get_indexer(new.ids)
        if (place < 0).any():
            unknown = new.ids[place < 0]
            raise ValueError(
                f"df has {len(unknown)} series that the panel does not have, the first {shown(unknown[0])}; leave them "
                "out, and fit them with fit_panel."
            )
        return np.repeat(place, new.lengths), times, as_numbers(times)

    def overlap(self, new: LongFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """
        Where rows of another frame lie beside the samples of their series.

        Parameters
        ----------
        new : LongFrame
            The other frame, whose series are among these.

        Returns
        -------
        after, inside : ndarray of bool
            Whether a row of `new` comes after the sample of its series, or lies in it; before it where it does neither.
        row : ndarray of int
            Row of the same series and time; -1 where there is none.
        """
        codes, _, numbers = self._placed(new)
        own = pd.MultiIndex.from_arrays([np.repeat(np.arange(len(self)), self.lengths), self.numbers])
        row = own.get_indexer(pd.MultiIndex.from_arrays([codes, numbers]))
        after = numbers > self.numbers[self.offsets[codes + 1] - 1]
        return after, ~after & (numbers >= self.numbers[self.offsets[codes]]), row

    def joined(self, new: LongFrame) -> LongFrame:
        """
        Rows of both frames; those of the second follow those of the first.

        Raises
        ------
        TypeError
            Times are of another kind.
        ValueError
            The second has a series that the first does not have, or times that do not follow those of a series.
        """
        codes, times, numbers = self._placed(new)
        last = self.offsets[codes + 1] - 1
        early = np.flatnonzero(numbers <= self.numbers[last])
        if len(early):
            first = int(early[0])
            raise ValueError(
                f"df has {len(early)} rows that do not follow the samples of their series, the first {times[first]} of "
                f"{shown(self.ids[codes[first]])}, whose sample ends at {self.times[last[first]]}; leave them out."
            )
        codes = np.concatenate([np.repeat(np.arange(len(self)), self.lengths), codes])
        order = np.lexsort((np.concatenate([self.numbers, numbers]), codes))
        times = self.times.append(times)[order]
        x = None if self.x is None or new.x is None else np.concatenate([self.x, new.x])[order]
        return LongFrame(
            self.columns, self.ids, np.concatenate([[0], np.cumsum(np.bincount(codes))]), times,
            np.concatenate([self.y, new.y])[order], x, self.freq,
            None if self.calendar is None else self.calendar.until(times.max()), self.kind,
        )  # fmt: skip

    def handed_out(self, table: pd.DataFrame, times: Sequence[Any]) -> Any:
        """Long data frame of the library of the rows, of one of pandas with these columns of times."""
        return table if self.kind is None else self.kind.frame(table, self.columns.ids, times)

    def labels(self, k: int) -> pd.Index:
        """Labels of the rows of a series."""
        return self.times[self.offsets[k] : self.offsets[k + 1]]

    def completed(self, k: int) -> CompletedIndex:
        """Complete index of a series; raises where its labels fit no frequency."""
        numbers = np.ascontiguousarray(self.numbers[self.offsets[k] : self.offsets[k + 1]])
        # to tell labels apart needs no copy of them
        key = sha256(numbers.data).digest()
        if key not in self._known:
            done = None if self.calendar is None else self.calendar.part(numbers)
            if done is None and self.calendar is not None and len(numbers) < MIN_EVIDENCE and self.freq is None:
                done = self.calendar.completed(self.labels(k))
            if done is None:
                done = complete_index(self.labels(k), self.freq, what=f"the column {self.columns.time!r}")
            if len(self._known) >= REMEMBERED:
                return done
            self._known[key] = done
        return self._known[key]

    def values(self, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Values and exogenous values in the rows of a series."""
        rows = slice(self.offsets[k], self.offsets[k + 1])
        return self.y[rows], None if self.x is None else self.x[rows]

    def series(self, k: int) -> OneSeries:
        """
        One series on its complete index.

        Raises
        ------
        ValueError
            Its labels fit no frequency, or labels are absent for which there are no exogenous values.
        """
        done = self.completed(k)
        y, x = self.values(k)
        if done.rows is not None:
            if x is not None:
                self._require_exog(done)
            given, y = y, np.full(len(done.index), np.nan)
            y[done.rows] = given
        endog = pd.Series(y, index=done.index, name=self.columns.target, copy=False)
        exog = None if x is None else pd.DataFrame(x, done.index, columns=list(self.columns.exog), copy=False)
        return OneSeries(endog, exog, done.notes, done.n_inserted)

    def _require_exog(self, done: CompletedIndex) -> None:
        """Raise where labels were inserted, for which there are no exogenous values."""
        if done.rows is not None:
            absent = done.index.delete(done.rows)
            raise ValueError(
                f"exog has no values for {len(absent)} labels that are absent from {self.columns.time!r}, the first "
                f"{absent[0]}; give df rows for them, with {self.columns.target!r} missing."
            )


def read_long(
    df: Any, id_col: Any, time_col: Any, target_col: Any, exog_cols: Any = None, freq: Any = None
) -> LongFrame:
    """
    Take a long data frame apart.

    Parameters
    ----------
    df : DataFrame
        A row for each series and time, in any order; of pandas or another library that narwhals knows.
    id_col, time_col, target_col : str
        Columns with the name of the series, the time and the value.
    exog_cols : str or sequence of str, optional
        Columns with exogenous values.
    freq : str or offset, optional
        Frequency of the dates.

    Returns
    -------
    LongFrame

    Raises
    ------
    TypeError
        `df` is no DataFrame, values are no numbers, or times are neither dates nor integers.
    ValueError
        Columns or names are missing, or a time occurs twice in a series.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.panel.frame import read_long
    >>> df = pd.DataFrame({"unique_id": ["b", "a", "b"], "ds": [2, 1, 1], "y": [3.0, 1.0, 2.0]})
    >>> frame = read_long(df, "unique_id", "ds", "y")
    >>> list(frame.ids), frame.series(1).endog.tolist()
    (['a', 'b'], [2.0, 3.0])
    """
    columns, given = Columns(id_col, time_col, target_col, _names(exog_cols)), df
    df = as_pandas(df, "df")
    require_columns(df, {"id_col": id_col, "time_col": time_col, "target_col": target_col}, columns.exog, "df")
    if not len(df):
        raise ValueError("df is empty; pass at least one series.")
    y = float_values(df[target_col], f"df column {target_col!r}")
    x = _matrix(df, columns.exog, "df") if columns.exog else None
    codes, ids = _codes(df[id_col], id_col)
    times = _times(df[time_col], time_col, df[id_col])
    if freq is not None:
        check_freq(freq, times, f"column {time_col!r}")
    order, numbers = _order(codes, times)
    if order is not None:
        codes, numbers, times, y = codes[order], numbers[order], times[order], y[order]
        x = None if x is None else np.ascontiguousarray(x[order])
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (numbers[1:] == numbers[:-1]))
    if len(twice):
        first = int(twice[0])
        raise ValueError(
            f"df has {len(twice)} rows of which series and time are there already, the first "
            f"{shown(ids[codes[first]])} at {times[first]}; keep one of each with "
            f"df.drop_duplicates([{id_col!r}, {time_col!r}]), or aggregate them."
        )
    offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(ids)))])
    return LongFrame(
        columns, ids, offsets, times, y, x, freq, make_calendar(times, freq), kind_of(given, id_col, time_col)
    )


def future_rows(frame: LongFrame, exog: Any) -> dict[Any, pd.DataFrame]:
    """
    Future exogenous values of each series, a table labelled by time.

    Parameters
    ----------
    frame : LongFrame
        The panel.
    exog : DataFrame
        With the columns of names, times and exogenous values of the panel.

    Returns
    -------
    dict
        Tables by name of the series.
    """
    names, exog = frame.columns, as_pandas(exog, "exog")
    require_columns(exog, {"id_col": names.ids, "time_col": names.time}, names.exog, "exog")
    values = _matrix(exog, names.exog, "exog")
    times = pd.Index([])
    if len(exog):
        times = _times_like(_times(exog[names.time], names.time, exog[names.ids]), frame.times, names.time, "exog")
    twice = exog[exog.duplicated([names.ids, names.time])]
    if len(twice):
        raise ValueError(
            f"exog has {len(twice)} rows of which series and time are there already, the first "
            f"{shown(twice[names.ids].iloc[0])} at {twice[names.time].iloc[0]}; keep one of each."
        )
    groups = exog.groupby(names.ids, sort=False, observed=True).indices
    return {
        key: pd.DataFrame(values[rows], times[rows], columns=list(names.exog)) for key, rows in groups.items()
    }  # fmt: skip


def require_columns(df: Any, named: dict[str, Any], exog: Sequence[Any], what: str) -> None:
    """Raise unless `df` is a DataFrame that has each of the columns once."""
    if not isinstance(df, pd.DataFrame):
        kind = f"{type(df).__module__.partition('.')[0]}.{type(df).__name__}"
        convert = next((name for name in ("to_pandas", "toPandas") if hasattr(df, name)), None)
        how = f"pass {what}.{convert}()" if convert else "pass a long data frame with a row for each series and time"
        raise TypeError(f"{what} must be a DataFrame, but is a {kind}; {how}.")
    wanted = [*named.items(), *(("exog_cols", name) for name in exog)]
    for argument, name in wanted:
        count = int((df.columns == name).sum())
        if count == 1:
            continue
        if count:
            raise ValueError(f"{what} has {count} columns named {name!r}; rename them.")
        if name in df.index.names:
            raise ValueError(f"{what} has {name!r} in its index; pass {what}.reset_index().")
        dated = argument == "id_col" and isinstance(df.index, (pd.DatetimeIndex, pd.PeriodIndex))
        # a column for each series and times in the index
        wide = f", or make a wide frame long with {what}.rename_axis(index='ds', columns='unique_id').melt("
        wide += "ignore_index=False, value_name='y').reset_index()"
        raise ValueError(
            f"{what} has no column {name!r}; its columns are {', '.join(map(repr, df.columns[:8]))}"
            f"{', ...' if df.shape[1] > 8 else ''}: name the one to use with {argument}{wide if dated else ''}."
        )
    names = [name for _, name in wanted]
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"column {name!r} is asked for twice, but each has one use; name different columns.")


def _names(exog_cols: Any) -> tuple[Any, ...]:
    if exog_cols is None:
        return ()
    if isinstance(exog_cols, str):
        return (exog_cols,)
    if not isinstance(exog_cols, Iterable):
        raise TypeError(f"exog_cols must be names of columns, but is {exog_cols!r}; pass for example ['price'].")
    return tuple(exog_cols)


def _matrix(df: pd.DataFrame, names: Sequence[Any], what: str) -> np.ndarray:
    return np.column_stack([float_values(df[name], f"{what} column {name!r}") for name in names])


def _plain(column: pd.Series) -> pd.Series:
    """Values of a column in place of categories of pandas or of Arrow."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object if column.hasnans else column.cat.categories.dtype)
    arrow: Any = getattr(column.dtype, "pyarrow_dtype", None)
    return column.astype(pd.ArrowDtype(arrow.value_type)) if hasattr(arrow, "index_type") else column


def _codes(column: pd.Series, name: Any) -> tuple[np.ndarray, pd.Index]:
    """Number of the series of each row, and the names in their order."""
    column = _plain(column)
    try:
        codes, ids = pd.factorize(column, sort=True)
        ordered = pd.Index(ids).is_monotonic_increasing
    except TypeError:
        ordered = False
    if not ordered:
        kinds = sorted({type(value).__name__ for value in column})
        raise TypeError(
            f"df column {name!r} holds names of different kinds ({', '.join(kinds)}), which have no order; convert "
            f"them with df[{name!r}].astype(str)."
        )
    if (codes < 0).any():
        raise ValueError(
            f"df column {name!r} has {int((codes < 0).sum())} missing values, the first in row "
            f"{int(np.argmax(codes < 0))}; name the series of each row, or drop those rows."
        )
    return codes, pd.Index(ids, name=name)


def _times(column: pd.Series, name: Any, ids: pd.Series) -> pd.Index:
    """Times as dates, periods or integers."""
    labels = pd.Index(_plain(column).infer_objects(), name=name)
    if labels.hasnans:
        row = int(np.argmax(labels.isna()))
        raise ValueError(
            f"column {name!r} has {int(labels.isna().sum())} missing values, the first in row {row} (series "
            f"{shown(ids.iloc[row])}); give each row a time, or drop those rows."
        )
    dates = as_dates(labels)
    if dates is not None:
        return dates
    if pd.api.types.is_numeric_dtype(labels.dtype) and not pd.api.types.is_bool_dtype(labels.dtype):
        numbers = labels.to_numpy(np.float64)
        if (numbers % 1 == 0).all() and (np.abs(numbers) < 2**53).all():
            return pd.Index(numbers.astype(np.int64), name=name)
    raise TypeError(
        f"column {name!r} must hold dates, periods or integers, but has dtype {labels.dtype} (first value "
        f"{shown(labels[0])}); convert it, for example with pd.to_datetime."
    )


def _times_like(times: pd.Index, known: Any, name: Any, what: str) -> pd.Index:
    """Times of the kind of those known."""
    if isinstance(known, pd.DatetimeIndex) and isinstance(times, pd.DatetimeIndex):
        # an instant is the same in every time zone
        times = times if times.tz is None or known.tz is None else times.tz_convert(known.tz)
        times = times.as_unit(known.unit)
    if type(times) is not type(known) or times.dtype != known.dtype:
        raise TypeError(
            f"{what} column {name!r} holds times of dtype {times.dtype}, but those of the panel have dtype "
            f"{known.dtype}; convert them."
        )
    return times


def _order(codes: np.ndarray, times: pd.Index) -> tuple[np.ndarray | None, np.ndarray]:
    """Order of the rows by series and time, None where they are in it, and times as numbers."""
    numbers = as_numbers(times)
    ahead = np.diff(codes)
    if ((ahead > 0) | ((ahead == 0) & (np.diff(numbers) > 0))).all():
        return None, numbers
    return np.lexsort((numbers, codes)), numbers
