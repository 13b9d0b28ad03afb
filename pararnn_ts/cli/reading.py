"""From a csv file to a series with a proper index, its exogenous columns, and what is known of the future."""

from __future__ import annotations

import io
import itertools
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.models.exogenous import align_exog
from pararnn_ts.models.grid import complete_grid
from pararnn_ts.models.labels import as_dates
from pararnn_ts.models.values import shown

__all__ = ["Columns", "Data", "count_steps", "known_ahead", "read_columns", "read_data", "read_panel", "split_panel"]

STANDARD_INPUT = Path("-")
_INTEGER = re.compile(r"-?\d{1,15}")
_QUARTER = re.compile(r"\d{4}-?Q[1-4]")
_MONTH = re.compile(r"\d{4}-\d{2}")
_YEARS = (1000, 2999)
_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}$")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Columns:
    """
    Columns of a csv file, row by row as they are there.

    Parameters
    ----------
    endog : Series
        The series.
    exog : DataFrame or None
        Exogenous columns.
    """

    endog: pd.Series
    exog: pd.DataFrame | None

    def split(self) -> tuple[pd.Series, pd.DataFrame | None, pd.DataFrame | None]:
        """Series and exogenous columns, and those of the rows at the end in which the series is empty: the future."""
        if self.exog is None:
            return self.endog, None, None
        observed = self.endog.notna().to_numpy().nonzero()[0]
        known = int(observed[-1]) + 1 if len(observed) else 0
        future = self.exog.iloc[known:] if known < len(self.exog) else None
        return self.endog.iloc[:known], self.exog.iloc[:known], future

    def labelled(self, labels: pd.Index) -> Columns:
        """Columns with other labels."""
        return Columns(self.endog.set_axis(labels), None if self.exog is None else self.exog.set_axis(labels))

    def rows(self, which: np.ndarray) -> Columns:
        """Columns of some of the rows."""
        return Columns(self.endog[which], None if self.exog is None else self.exog[which])


@dataclass(frozen=True)
class Data:
    """
    A series with all that the file says about it.

    Parameters
    ----------
    endog : Series
        The series on its complete index.
    exog : DataFrame or None
        Exogenous columns of the same rows.
    future_exog : DataFrame or None
        Exogenous columns of the rows at the end of the file in which the series is empty.
    """

    endog: pd.Series
    exog: pd.DataFrame | None
    future_exog: pd.DataFrame | None


def count_steps(wanted: int | None, usual: int, known: int | None, after: str = "the series") -> int:
    """
    Periods to forecast: those wanted, or the usual number; with exogenous columns no more than these are known for.

    Parameters
    ----------
    wanted : int or None
        What --steps says.
    usual : int
        Periods where it says nothing.
    known : int or None
        Periods for which exogenous columns are known; None: there are no such columns.
    after : str
        What they follow.

    Returns
    -------
    int

    Examples
    --------
    >>> from pararnn_ts.cli.reading import count_steps
    >>> count_steps(None, 12, None), count_steps(None, 12, 4), count_steps(3, 12, 4)
    (12, 4, 3)
    """
    if known is None:
        return wanted or usual
    if not known or (wanted or 0) > known:
        raise ValueError(
            f"The exogenous columns are known for {known} periods after {after}, but forecasts need them for "
            f"{wanted or 'at least one'}; give a file with rows at its end in which the column of the series is empty."
        )
    return wanted or known


def read_columns(
    path: Path, column: str | None, index: str | None, exog: Sequence[str] = (), freq: str | None = None
) -> Columns:
    """
    Read a series and its exogenous columns, row by row.

    Parameters
    ----------
    path, column, index, exog, freq
        As in `read_data`.

    Returns
    -------
    Columns
    """
    table = _csv(path)
    _require_columns(path, table, [("--column", column), ("--index", index), *(("--exog", name) for name in exog)])
    column = _the_column(table, column, index, exog)
    labels = pd.RangeIndex(len(table)) if index is None else _labels(table[index], index, freq)
    _require_order(path, labels, index)
    y = _numbers(table[column], column).set_axis(labels)
    x = pd.DataFrame({name: _numbers(table[name], name) for name in exog}).set_axis(labels) if exog else None
    return Columns(y, x)


def read_data(
    path: Path, column: str | None, index: str | None, exog: Sequence[str] = (), freq: str | None = None
) -> Data:
    """
    Read a series and its exogenous columns.

    Parameters
    ----------
    path : Path
        The csv file.
    column : str or None
        Column of the series; None: the only one that is neither index nor exogenous.
    index : str or None
        Column of the labels; None: rows are numbered from 0.
    exog : sequence of str
        Exogenous columns. Rows at the end in which the series is empty and these are not are the future.
    freq : str or None
        Frequency of dates, inferred when not given.

    Returns
    -------
    Data
    """
    y, x, future = read_columns(path, column, index, exog, freq).split()
    if not len(y) and x is not None:
        raise ValueError(f"Column {y.name!r} of {path} has no values; name another with --column.")
    grid = complete_grid(y, freq=freq if isinstance(y.index, pd.DatetimeIndex) else None)
    series = pd.Series(grid.y, grid.index, name=y.name)
    if x is None:
        return Data(series, None, None)
    values, names = align_exog(x, grid)
    return Data(series, pd.DataFrame(values, grid.index, names), future)


def read_panel(
    path: Path, id_col: str, time_col: str, target_col: str, exog: Sequence[str] = (), freq: str | None = None
) -> pd.DataFrame:
    """
    Read many series, a row for each series and time.

    Parameters
    ----------
    path : Path
        The csv file.
    id_col, time_col, target_col : str
        Columns with the name of the series, the time and the value.
    exog : sequence of str
        Exogenous columns.
    freq : str or None
        Frequency of dates, inferred when not given.

    Returns
    -------
    DataFrame
        With these columns.
    """
    table = _csv(path, as_text=id_col)
    named = [("--id", id_col), ("--time", time_col), ("--target", target_col)]
    _require_columns(path, table, [*named, *(("--exog", name) for name in exog)])
    times = _labels(table[time_col], time_col, freq, "--time")
    numbers = {name: _numbers(table[name], name) for name in (target_col, *exog)}
    rows = pd.DataFrame({id_col: table[id_col], time_col: times, **numbers})
    _require_one_row_each(path, rows, id_col, time_col)
    return rows


def split_panel(
    table: pd.DataFrame, id_col: str, time_col: str, target_col: str, *, continued: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """
    Rows of the samples, and those after the last value of each series: the future.

    Parameters
    ----------
    table : DataFrame
        What :func:`read_panel` returns, in any order.
    id_col, time_col, target_col : str
        Columns with the name of the series, the time and the value.
    continued : bool
        Whether the rows continue known samples: those of a series without values are its future then.

    Returns
    -------
    sample, future : DataFrame

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from pararnn_ts.cli.reading import split_panel
    >>> table = pd.DataFrame({"id": ["a", "a", "a"], "t": [1, 2, 3], "y": [0.5, np.nan, np.nan], "x": [1.0, 2.0, 3.0]})
    >>> split_panel(table, "id", "t", "y")[1]["x"].tolist()
    [2.0, 3.0]
    """
    last = table[time_col].where(table[target_col].notna()).groupby(table[id_col]).transform("max")
    ahead = (table[time_col] > last) | (last.isna() & continued)
    return table[~ahead], table[ahead]


def known_ahead(future: pd.DataFrame | None, id_col: str, ids: Iterable[Any]) -> tuple[int, str]:
    """
    Periods after each of some series for which there are rows, those of the series with fewest, and which that is.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.cli.reading import known_ahead
    >>> known_ahead(pd.DataFrame({"shop": ["a", "b", "b"]}), "shop", ["a", "b"])
    (1, "series 'a'")
    """
    counts = pd.Series(dtype=int) if future is None else future[id_col].value_counts()
    known = [(int(counts.get(name, 0)), f"series {shown(name)}") for name in ids]
    return min(known, key=lambda one: one[0], default=(0, "the series"))


def _csv(path: Path, as_text: str | None = None) -> pd.DataFrame:
    """Cells of a csv file as text, NaN where they are empty or NA; `as_text`: a column in which NA is a name."""
    # an empty line in a file of one column is a missing value
    options: dict[str, Any] = {"dtype": str, "skipinitialspace": True, "skip_blank_lines": False}
    source = _source(path)
    try:
        table = pd.read_csv(source, **options)
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}; give the path of a csv file.") from None
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} is no csv file in UTF-8; give one, and what was saved as --model {path} of forecast or panel."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        raise ValueError(f"{path} could not be read as csv ({' '.join(str(error).split())}).") from None
    first_row = " ".join(map(str, table.reset_index().head(1).to_numpy().ravel()))
    for mark, name in _SEPARATORS.items():
        if len(table.columns) == 1 and mark in table.columns[0] and mark in first_row:
            raise ValueError(
                f"The fields of {path} are separated by {name}; separate them by commas, and write decimals with a "
                "point."
            )
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"The rows of {path} have more fields than its header {','.join(table.columns)!r}; separate fields by "
            "commas, and write decimals with a point."
        )
    if len(table.columns) and pd.to_numeric(pd.Series(table.columns), errors="coerce").notna().all():
        raise ValueError(f"The first line of {path} holds numbers; put a line with the names of the columns before it.")
    table.columns = _names(_again(source), table.columns, options)
    if as_text in table:
        place = list(table.columns).index(as_text)
        whole = pd.read_csv(_again(source), **options, usecols=[place], keep_default_na=False)
        table[as_text] = whole.iloc[:, 0].where(lambda texts: texts != "")
    return _without_margins(table)


def _names(source: Any, columns: pd.Index, options: dict[str, Any]) -> pd.Index:
    """Names as they stand in the header, where pandas would number those that come twice."""
    header = pd.read_csv(source, **options, header=None, nrows=1).iloc[0]
    return columns.where(header.isna(), header).str.strip()


def _source(path: Path) -> Any:
    """What can be read twice: the file, or all that comes out of a pipe or of the standard input."""
    if path == STANDARD_INPUT:
        return io.BytesIO(sys.stdin.buffer.read())
    return io.BytesIO(path.read_bytes()) if path.is_fifo() else path


def _again(source: Any) -> Any:
    """A source that is read from its beginning."""
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return source


def _without_margins(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out what spreadsheets put around a table: empty rows at its end, and empty columns without a name."""
    filled = table.notna()
    rows = filled.any(axis=1).to_numpy().nonzero()[0]
    unnamed = table.columns.str.startswith("Unnamed: ") & ~filled.any(axis=0).to_numpy()
    return table.loc[: rows[-1] if len(rows) else -1, ~unnamed]


def _require_columns(path: Path, table: pd.DataFrame, named: Sequence[tuple[str, str | None]]) -> None:
    for option, name in named:
        if name is not None and name not in table:
            raise ValueError(f"{option} {name}: {path} has no such column; it has {', '.join(table.columns)}.")
        if name is not None and (count := int((table.columns == name).sum())) > 1:
            raise ValueError(f"{option} {name}: {path} has {count} columns of this name; rename them.")
        uses = [other for other, used in named if name is not None and used == name]
        if len(uses) > 1:
            raise ValueError(f"Column {name!r} is named twice, by {' and '.join(uses)}, but has one use; name another.")


def _require_order(path: Path, labels: pd.Index, index: str | None) -> None:
    """Raise where labels come twice or out of order, in which nobody can tell what was meant."""
    if labels.is_monotonic_increasing and labels.is_unique:
        return
    row = next(k for k in range(1, len(labels)) if not labels[k] > labels[k - 1])
    raise ValueError(
        f"Column {index!r} of {path} has {labels[row]} in line {row + 2}, after {labels[row - 1]}; sort the rows, and "
        "keep one for each label."
    )


def _require_one_row_each(path: Path, rows: pd.DataFrame, id_col: str, time_col: str) -> None:
    """Raise where there are no rows, rows without the name of a series, or several of a series and time."""
    if not len(rows):
        raise ValueError(f"{path} has no rows below its header; give one with a row for each series and time.")
    nameless = rows[id_col].isna().to_numpy()
    if nameless.any():
        raise ValueError(
            f"Column {id_col!r} is empty in line {int(nameless.argmax()) + 2}, but every row needs the name of its "
            "series; fill it or drop the row."
        )
    twice = rows.duplicated([id_col, time_col]).to_numpy()
    if twice.any():
        row = rows.iloc[int(twice.argmax())]
        raise ValueError(
            f"{path} has {row[id_col]!r} at {row[time_col]} again in line {int(twice.argmax()) + 2}; keep one row for "
            "each series and time."
        )


def _the_column(table: pd.DataFrame, column: str | None, index: str | None, exog: Sequence[str]) -> str:
    if column is not None:
        return column
    rest = [name for name in table.columns if name != index and name not in exog]
    if len(rest) == 1:
        return rest[0]
    raise ValueError(f"--column is needed: the file has the columns {', '.join(table.columns)}; name the series.")


def _numbers(texts: pd.Series, name: str) -> pd.Series:
    """Column of numbers, NaN where cells are empty."""
    values = pd.to_numeric(texts, errors="coerce")
    wrong = values.isna() & texts.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise ValueError(
            f"Column {name!r} holds text ({texts.iloc[row]!r} in line {row + 2}); leave cells empty where a value is "
            "missing."
        )
    return values.astype(float)


def _labels(texts: pd.Series, name: str, freq: str | None, option: str = "--index") -> pd.Index:
    """Labels as years, quarters, months, dates or integers."""
    if texts.isna().any():
        line = int(texts.isna().to_numpy().argmax()) + 2
        raise ValueError(
            f"Column {name!r} is empty in line {line}, but every row needs a label; fill it or drop the row."
        )
    texts = texts.str.strip()
    if all(_INTEGER.fullmatch(text) for text in texts):
        values = texts.astype(int)
        yearly = "year" in name.lower() or (freq or "").upper()[:1] in ("Y", "A")
        if yearly and values.between(*_YEARS).all():
            return pd.PeriodIndex(texts, freq="Y", name=name)
        if not (values.between(10_000_000, 99_999_999).all() and freq is not None):
            return pd.Index(values, name=name)
    for pattern, unit in ((_QUARTER, "Q"), (_MONTH, "M")):
        if all(pattern.fullmatch(text) for text in texts):
            return pd.PeriodIndex(texts, freq=unit, name=name)
    dates = as_dates(pd.Index(texts, name=name, dtype=object))
    offsets = {match[0] for match in map(_OFFSET.search, texts) if match}
    if dates is None and len(offsets) > 1:
        raise ValueError(
            f"{option} {name}: its times have different offsets from UTC ({', '.join(sorted(offsets)[:2])}); write all "
            "of them in UTC, or in local time without an offset."
        )
    if dates is None:
        # the first that is no label by itself, or none together with the first
        alone = (not _INTEGER.fullmatch(text) and as_dates(pd.Index([text], dtype=object)) is None for text in texts)
        beside = (as_dates(pd.Index([texts.iloc[0], text], dtype=object)) is None for text in texts)
        row = next((k for k, odd in enumerate(itertools.chain(alone, beside)) if odd), 0) % len(texts)
        raise ValueError(
            f"{option} {name}: its labels are neither dates nor integers ({texts.iloc[row]!r} in line {row + 2}); name "
            f"another column{', or leave --index out to number the rows' if option == '--index' else ''}."
        )
    return dates
