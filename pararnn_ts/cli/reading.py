"""From a csv file to a series with a proper index, its exogenous columns, and what is known of the future."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pararnn_ts.models.exogenous import align_exog
from pararnn_ts.models.grid import complete_grid
from pararnn_ts.models.labels import as_dates

__all__ = ["Data", "read_data", "read_panel"]

_QUARTER = re.compile(r"\d{4}-?Q[1-4]")
_MONTH = re.compile(r"\d{4}-\d{2}")
_YEARS = (1000, 2999)


@dataclass(frozen=True)
class Data:
    """
    Columns of a csv file.

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

    def steps(self, wanted: int | None) -> int:
        """Periods to forecast: those wanted, as far as exogenous columns are known, or a sensible number."""
        if self.exog is None:
            return wanted or max(1, min(24, len(self.endog) // 5))
        known = 0 if self.future_exog is None else len(self.future_exog)
        if not known or (wanted or 0) > known:
            raise ValueError(
                f"The exogenous columns are known for {known} periods after the series, but forecasts need them for "
                f"{wanted or 'at least one'}; add rows at the end of the file with the column of the series left empty."
            )
        return wanted or known


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
    table = _csv(path)
    _require_columns(path, table, [("--column", column), ("--index", index), *(("--exog", name) for name in exog)])
    column = _the_column(table, column, index, exog)
    labels = pd.RangeIndex(len(table)) if index is None else _labels(table[index], index, freq)
    y = _numbers(table[column], column).set_axis(labels)
    x = pd.DataFrame({name: _numbers(table[name], name) for name in exog}).set_axis(labels) if exog else None
    if x is None:
        grid = complete_grid(y, freq=freq if isinstance(labels, pd.DatetimeIndex) else None)
        return Data(pd.Series(grid.y, grid.index, name=column), None, None)
    observed = y.notna().to_numpy().nonzero()[0]
    if not len(observed):
        raise ValueError(f"Column {column!r} of {path} has no values; name another with --column.")
    known = int(observed[-1]) + 1
    grid = complete_grid(y.iloc[:known], freq=freq if isinstance(labels, pd.DatetimeIndex) else None)
    values, names = align_exog(x.iloc[:known], grid)
    return Data(
        pd.Series(grid.y, grid.index, name=column),
        pd.DataFrame(values, grid.index, names),
        x.iloc[known:] if known < len(x) else None,
    )


def read_panel(path: Path, id_col: str, time_col: str, target_col: str, freq: str | None = None) -> pd.DataFrame:
    """
    Read many series, a row for each series and time.

    Parameters
    ----------
    path : Path
        The csv file.
    id_col, time_col, target_col : str
        Columns with the name of the series, the time and the value.
    freq : str or None
        Frequency of dates, inferred when not given.

    Returns
    -------
    DataFrame
        With these columns.
    """
    table = _csv(path)
    _require_columns(path, table, [("--id", id_col), ("--time", time_col), ("--target", target_col)])
    times = _labels(table[time_col], time_col, freq, "--time")
    return pd.DataFrame({id_col: table[id_col], time_col: times, target_col: _numbers(table[target_col], target_col)})


def _csv(path: Path) -> pd.DataFrame:
    """Cells of a csv file as text."""
    try:
        table = pd.read_csv(path, dtype=str, skipinitialspace=True)
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}; give the path of a csv file.") from None
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} is no csv file in UTF-8; give one, and read models that were saved with pararnn_ts.load in Python."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        raise ValueError(f"{path} could not be read as csv ({' '.join(str(error).split())}).") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"The rows of {path} have more fields than its header {','.join(table.columns)!r}; separate fields by "
            "commas, and write decimals with a point."
        )
    if len(table.columns) and pd.to_numeric(pd.Series(table.columns), errors="coerce").notna().all():
        raise ValueError(f"The first line of {path} holds numbers; put a line with the names of the columns before it.")
    return table


def _require_columns(path: Path, table: pd.DataFrame, named: Sequence[tuple[str, str | None]]) -> None:
    for option, name in named:
        if name is not None and name not in table:
            raise ValueError(f"{option} {name}: {path} has no such column; it has {', '.join(table.columns)}.")


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
    if texts.str.fullmatch(r"-?\d{1,15}").all():
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
    if dates is None:
        raise ValueError(
            f"{option} {name}: its labels are neither dates nor integers (the first is {texts.iloc[0]!r}); name "
            f"another column{', or leave --index out to number the rows' if option == '--index' else ''}."
        )
    return dates
