"""Data frames of other libraries that narwhals knows (polars, Arrow, ...): pandas on the way in, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import narwhals.stable.v2 as narwhals

__all__ = ["FrameKind", "as_pandas", "kind_of", "with_labels"]

# data that need no look, those of most users: narwhals is not imported for them
_OWN = (pd.Series, pd.DataFrame, pd.Index, np.ndarray, list, tuple, str, Mapping, int, float, type(None))
# how libraries that compute later are asked for a frame of the present; Spark's own collect gives a list
_COLLECT = ("toPandas", "to_pandas", "collect", "compute")


def as_pandas(data: Any, what: str) -> Any:
    """
    Series or DataFrame of pandas in place of one of another library; anything else as it is.

    Names and dates stay, null becomes NaN. Rows of polars and Arrow have no labels: those of the result, numbers from
    0, say nothing, see `with_labels`.

    Parameters
    ----------
    data : object
        What a user gave.
    what : str
        Name of the argument in error messages.

    Raises
    ------
    TypeError
        The frame is lazy.

    Examples
    --------
    >>> from pararnn_ts.models.frames import as_pandas
    >>> as_pandas([1.0, 2.0], "endog")
    [1.0, 2.0]
    """
    return with_labels(data, what)[0]


def with_labels(data: Any, what: str) -> tuple[Any, pd.Index | None]:
    """
    What `as_pandas` returns and the labels of its rows, which only pandas and what is like it (Modin) have.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.frames import with_labels
    >>> with_labels(pd.Series([1.0]), "endog")[1], with_labels([1.0], "endog")[1]
    (RangeIndex(start=0, stop=1, step=1), None)
    """
    known = _known(data, what)
    if known is not None and known.implementation.is_pandas_like():
        data = known.to_pandas()
    if known is None or known.implementation.is_pandas_like():
        return data, data.index if isinstance(data, (pd.Series, pd.DataFrame)) else None
    if len(known.shape) == 1:
        return pd.Series(_values(known), name=known.name or None), None
    columns = dict(enumerate(_values(known[name]) for name in known.columns))
    return pd.DataFrame(columns, index=range(len(known))).set_axis(known.columns, axis=1), None


@dataclass(frozen=True)
class FrameKind:
    """
    Kind of a long data frame of another library, in which tables that belong to it are handed out.

    Parameters
    ----------
    library : str
        Name of the library.
    ids, times : narwhals dtype
        Data types of the columns with names and times.
    """

    library: str
    ids: Any
    times: Any

    def frame(self, table: pd.DataFrame, ids: str, times: Sequence[str]) -> Any:
        """
        Frame of this kind, NaN as null.

        Parameters
        ----------
        table : DataFrame
            What is to be handed out.
        ids : str
            Column with names.
        times : sequence of str
            Columns with times.
        """
        import narwhals.stable.v2 as nw

        columns = {str(name): column for name, column in table.items()}
        kinds, changes = {ids: self.ids}, []
        library: Any = self.library
        zone = getattr(self.times, "time_zone", None) or "UTC"
        for name in times:
            stamps = table[name].dtype.kind == "M"
            if stamps and self.times == nw.Date and (table[name] != table[name].dt.normalize()).any():
                continue  # days that go on by the hour
            if not stamps or self.times in (nw.Date, nw.Datetime):
                kinds[name] = self.times
        frame = nw.from_dict({name: _native(column) for name, column in columns.items()}, backend=library)
        for name, column in columns.items():
            if isinstance(column.dtype, pd.DatetimeTZDtype):
                changes.append(nw.col(name).dt.replace_time_zone("UTC").dt.convert_time_zone(zone))
            elif column.dtype.kind == "f":
                changes.append(nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name))
        return frame.with_columns(changes).with_columns(nw.col(name).cast(kinds[name]) for name in kinds).to_native()


def kind_of(df: Any, ids: Any, times: Any) -> FrameKind | None:
    """Kind of a long data frame with these columns of names and times; None for pandas."""
    known = _known(df, "df")
    if known is None or known.implementation.is_pandas():
        return None
    return FrameKind(known.implementation.value, known.schema[ids], known.schema[times])


def _known(data: Any, what: str) -> Any:
    """Data as narwhals sees them; None for those of pandas, and for what it does not know."""
    if isinstance(data, _OWN):
        return None
    import narwhals.stable.v2 as nw

    known = nw.from_native(data, pass_through=True, allow_series=True)
    if isinstance(known, nw.LazyFrame):
        native = nw.to_native(known)
        how = next((f"{what}.{name}()" for name in _COLLECT if hasattr(native, name)), "a data frame of its values")
        kind = f"{type(native).__module__.partition('.')[0]}.{type(native).__name__}"
        raise TypeError(f"{what} is lazy, a {kind} that is still to be computed; collect it and pass {how}.")
    return known if isinstance(known, (nw.DataFrame, nw.Series)) else None


def _values(column: narwhals.Series) -> Any:
    """Values of a column in the type that pandas has for them."""
    import narwhals.stable.v2 as nw

    kind: Any = column.dtype
    if kind.is_decimal():
        return column.cast(nw.Float64).to_numpy()
    if kind.is_numeric() or (kind == nw.Boolean and not column.is_null().any()):
        return column.to_numpy()
    if kind == nw.Date:
        return pd.DatetimeIndex(column.to_numpy().astype("datetime64[s]"))
    if kind == nw.Datetime:
        stamps, zone = pd.DatetimeIndex(column.to_numpy()), getattr(kind, "time_zone", None)
        return stamps if zone is None else stamps.tz_localize("UTC").tz_convert(zone)
    if kind == nw.Duration:
        return column.to_numpy()
    if kind == nw.Enum:
        return pd.Categorical(column.to_list(), list(kind.categories))
    return column.to_list()


def _native(column: pd.Series) -> Any:
    """Values of a column as every library takes them; dates with a time zone are those of UTC."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.astype(str)  # they came as text
    elif column.dtype == "datetime64[s]":  # which polars does not have
        column = column.dt.as_unit("ms")
    return column.to_numpy() if column.dtype.kind in "fiubM" else column.tolist()
