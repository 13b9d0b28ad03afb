"""Panels of vectors: one sequence with a time index, or many with (sequence, time), as arrays with complete labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts._compat import ValueWarning, warn_user
from pararnn_ts.estimation.sequences import Panel
from pararnn_ts.models.checks import require_representable
from pararnn_ts.models.frames import as_pandas, with_labels
from pararnn_ts.models.labels import (
    complete_index,
    extend_index,
    grid_offset,
    labels_like,
    lengthen_index,
    one_level,
)
from pararnn_ts.models.values import float_values
from pararnn_ts.models.window import steps_ahead

__all__ = ["PanelFrame", "as_matrix", "follows", "read_panel", "read_rows"]


@dataclass(frozen=True)
class PanelFrame:
    """
    A panel with its labels.

    Parameters
    ----------
    panel : Panel
        Numbers, NaN where missing.
    columns : Index
        Names of the variables.
    times : tuple of Index
        Complete time index of each sequence.
    keys : Index or None
        Names of the sequences; None for a single one.
    names : tuple
        Names of the index levels.
    notes : tuple of str
        What was inferred or inserted.
    """

    panel: Panel
    columns: pd.Index
    times: tuple[pd.Index, ...]
    keys: pd.Index | None
    names: tuple[Any, ...]
    notes: tuple[str, ...] = ()

    @property
    def index(self) -> pd.Index:
        """Labels of all rows."""
        return self.joined(self.times)

    def joined(self, times: Any) -> pd.Index:
        """Labels of all rows, given the times of each sequence."""
        if self.keys is None:
            return times[0]
        lengths = [len(time) for time in times]
        level = np.repeat(np.arange(len(self.keys)), lengths)
        stacked = times[0].append(list(times[1:])) if len(times) > 1 else times[0]
        return pd.MultiIndex.from_arrays([self.keys[level], stacked], names=self.names)

    def frame(self, values: np.ndarray, columns: Any = None) -> pd.DataFrame:
        """Values of all rows with labels."""
        return pd.DataFrame(values, self.index, self.columns if columns is None else columns)

    def extendable(self) -> bool:
        """Whether labels of the future follow from those of every sequence."""
        return all(_extendable(time) for time in self.times)

    def steps_ahead(self, steps: Any) -> np.ndarray:
        """Count the steps of a forecast for each sequence, given as such or as the last label of every sequence."""
        return np.array([steps_ahead(steps, time, _extendable(time)) for time in self.times])

    def future(self, steps: int) -> tuple[pd.Index, ...]:
        """Labels of the steps after each sequence; numbers where they do not follow from those of the sample."""
        return tuple(
            extend_index(time, steps) if _extendable(time) else pd.RangeIndex(len(time), len(time) + steps)
            for time in self.times
        )

    def appended(self, other: PanelFrame) -> PanelFrame:
        """Join the rows of another panel, which follow those of this one, sequence by sequence."""
        parts, times, offsets = [], [], [0]
        for n, mine in enumerate(self.times):
            k = other.position(None if self.keys is None else self.keys[n])
            parts.append(self.panel.x[self.panel.offsets[n] : self.panel.offsets[n + 1]])
            joined = mine
            if k is not None:
                parts.append(other.panel.x[other.panel.offsets[k] : other.panel.offsets[k + 1]])
                more = other.times[k]
                joined = lengthen_index(mine, len(more)) if _extendable(mine) else mine.append(more)
            times.append(joined)
            offsets.append(offsets[-1] + len(joined))
        return replace(self, panel=Panel(np.array(offsets), np.concatenate(parts)), times=tuple(times))

    def position(self, key: Any) -> int | None:
        """Position of a sequence; None where there is none of this name."""
        if self.keys is None:
            return 0
        found = int(self.keys.get_indexer(pd.Index([key]))[0])
        return None if found < 0 else found


def _extendable(index: Any) -> bool:
    return isinstance(index, (pd.RangeIndex, pd.PeriodIndex)) or getattr(index, "freq", None) is not None


def read_panel(data: Any, what: str = "endog", like: PanelFrame | None = None) -> PanelFrame:
    """
    Take a table of variables apart; labels that are absent are inserted as missing rows.

    Parameters
    ----------
    data : DataFrame, Series, mapping of DataFrames or array_like
        Rows are times, or (sequence, time) pairs in a MultiIndex; an array of three dimensions holds
        (sequence, time, variable).
    what : str
        Name of the argument in messages.
    like : PanelFrame, optional
        A panel whose columns the data must have, and whose frequency is theirs where they have none.

    Returns
    -------
    PanelFrame

    Raises
    ------
    ValueError
        Labels that are repeated, out of order or irregular, infinite values, unknown or absent columns.
    TypeError
        Values that are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.panels import read_panel
    >>> frame = read_panel(np.zeros((2, 5, 3)))
    >>> frame.panel.offsets, len(frame.index), list(frame.columns)
    (array([ 0,  5, 10]), 10, ['y0', 'y1', 'y2'])
    """
    table = _as_table(as_pandas(_joined(data), what), what, like)
    table = table.set_axis(one_level(table.index))
    if not len(table) or not table.shape[1]:
        raise ValueError(f"{what} is empty; pass at least one row and one column.")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{what} has more than one column {twice!r}; give each a name of its own.")
    if like is not None:
        table = _with_columns(table, like.columns, what)
    values = np.column_stack([float_values(column, what) for _, column in table.items()])
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"{what} has infinite values, the first at {table.index[row]!r} in column {table.columns[column]!r}; "
            "replace them by NaN to treat them as missing."
        )
    require_representable(values.ravel(), what)
    if isinstance(table.index, pd.MultiIndex):
        return _many(table, values, what, like)
    time, panel, notes = _complete(table.index, values, what, None if like is None else like.times[0])
    _warn(notes, what)
    return PanelFrame(
        Panel(np.array([0, len(time)]), panel), table.columns, (time,), None, (table.index.name,), tuple(notes)
    )


def _joined(data: Any) -> Any:
    """One table of the tables of many sequences; anything else as it is."""
    if isinstance(data, Mapping):
        tables = {key: as_pandas(table, f"table {key!r}") for key, table in data.items()}
        framed = tables and all(isinstance(table, pd.DataFrame) for table in tables.values())
        return pd.concat(tables, names=["sequence", "time"]) if framed else data
    return data


def _as_table(data: Any, what: str, like: PanelFrame | None) -> pd.DataFrame:
    if isinstance(data, pd.Series):
        return data.to_frame("y0" if data.name is None else data.name)
    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, (str, bytes, dict, set)) or data is None or np.ndim(data) not in (2, 3):
        shape = f" of shape {np.shape(data)}" if not isinstance(data, (str, bytes, dict, set, type(None))) else ""
        raise TypeError(
            f"{what} must be a DataFrame of times and variables, or an array of two or three dimensions, not "
            f"{type(data).__name__}{shape}."
        )
    values = np.asarray(data)
    columns = [f"y{j}" for j in range(values.shape[-1])]
    if like is not None:
        if len(like.columns) != len(columns):
            raise ValueError(f"{what} has {len(columns)} columns, but the panel has {len(like.columns)}; pass as many.")
        columns = list(like.columns)
    if values.ndim == 2:
        return pd.DataFrame(values, columns=columns)
    n, steps = values.shape[:2]
    index = pd.MultiIndex.from_product([range(n), range(steps)], names=["sequence", "time"])
    return pd.DataFrame(values.reshape(n * steps, -1), index, columns)


def _with_columns(table: pd.DataFrame, columns: pd.Index, what: str) -> pd.DataFrame:
    absent = [name for name in columns if name not in table.columns]
    unknown = [name for name in table.columns if name not in columns]
    if absent or unknown:
        name, how = (absent[0], "lacks") if absent else (unknown[0], "has an unknown")
        raise ValueError(
            f"{what} {how} column {name!r}; its columns must be {_some(columns)}, and a sensor that is off one of NaN."
        )
    return table[list(columns)]


def _some(names: Any) -> str:
    shown = ", ".join(map(repr, list(names)[:4]))
    return shown + (", ..." if len(names) > 4 else "")


def _complete(
    labels: pd.Index, values: np.ndarray, what: str, like: pd.Index | None
) -> tuple[pd.Index, np.ndarray, list[str]]:
    if like is not None:
        labels = labels_like(labels, like)
    done = complete_index(labels, like=like, what=what)
    if done.rows is None:
        return done.index, values, list(done.notes)
    full = np.full((len(done.index), values.shape[1]), np.nan)
    full[done.rows] = values
    return done.index, full, list(done.notes)


def _warn(notes: list[str], what: str) -> None:
    inserted = [note for note in notes if "inserted" in note]
    if inserted:
        more = f" (and {len(inserted) - 1} other sequences)" if len(inserted) > 1 else ""
        warn_user(f"{inserted[0]}{more}; complete the index of {what} to be rid of this warning.", ValueWarning)


def _many(table: pd.DataFrame, values: np.ndarray, what: str, like: PanelFrame | None) -> PanelFrame:
    """Panel of a table with (sequence, time) labels."""
    index: Any = table.index
    if index.nlevels != 2:
        raise ValueError(f"{what} must have the index levels (sequence, time), but has {index.nlevels} levels.")
    if any((codes < 0).any() for codes in index.codes):
        raise ValueError(f"{what} has missing labels in its index; drop those rows or give them labels.")
    codes, keys = pd.factorize(index.get_level_values(0))
    changes = np.flatnonzero(np.diff(codes)) + 1
    if len(changes) + 1 != len(keys):
        raise ValueError(
            f"{what} has rows of one sequence apart from each other; sort it with {what}.sort_index(level=0)."
        )
    all_times = index.get_level_values(1)
    times, parts, notes = [], [], []
    seen: tuple[pd.Index, pd.Index] | None = None
    for first, last in zip([0, *changes], [*changes, len(codes)], strict=True):
        labels, block = all_times[first:last], values[first:last]
        if seen is not None and len(labels) == len(seen[0]) and labels.equals(seen[0]):
            time = seen[1]
        else:
            key = keys[codes[first]]
            hint = None
            if like is not None:
                position = like.position(key)
                hint = like.times[0 if position is None else position]
            time, block, found = _complete(labels, block, f"{what} of sequence {key!r}", hint)
            notes += [f"sequence {key!r}: {note}" for note in found if "inserted" in note]
            seen = (labels, time) if len(block) == len(labels) else None
        times.append(time)
        parts.append(block)
    _warn(notes, what)
    offsets = np.concatenate([[0], np.cumsum([len(time) for time in times])])
    return PanelFrame(
        Panel(offsets, np.concatenate(parts)), table.columns, tuple(times), pd.Index(keys, name=index.names[0]),
        tuple(index.names), tuple(notes),
    )  # fmt: skip


def read_rows(data: Any, what: str, frame: PanelFrame, columns: pd.Index) -> np.ndarray:
    """
    Values of a table at the rows of a panel, matched by label; an array is matched by position.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from pararnn_ts.models.panels import read_panel, read_rows
    >>> frame = read_panel(np.zeros((3, 2)))
    >>> read_rows(pd.DataFrame({"s": [2.0, 1.0, 0.0]}, index=[2, 1, 0]), "target", frame, pd.Index(["s"]))
    array([[0.],
           [1.],
           [2.]])
    """
    data, labels = with_labels(_joined(data), what)
    if isinstance(data, pd.Series):
        data = data.to_frame()
    if labels is None and isinstance(data, pd.DataFrame):
        data = _with_columns(data, columns, what).to_numpy()
    if not isinstance(data, pd.DataFrame):
        values = np.asarray(data)
        values = values.reshape(-1, values.shape[-1]) if values.ndim == 3 else values
        if values.shape != (len(frame.panel.x), len(columns)):
            raise ValueError(
                f"{what} must have {len(frame.panel.x)} rows and {len(columns)} columns, but has shape "
                f"{np.shape(data)}; pass a DataFrame to have them matched by label."
            )
        return np.column_stack([float_values(values[:, j], what) for j in range(values.shape[1])])
    table = _with_columns(data, columns, what)
    index = frame.index
    if not table.index.is_unique:
        raise ValueError(f"{what} has duplicate labels in its index; keep one of each.")
    if not isinstance(index, pd.MultiIndex):
        table = table.set_axis(labels_like(table.index, index))
    elif table.index.nlevels == index.nlevels:
        # labels of the rows as those of the panel, which may have been made dates of text
        times = labels_like(table.index.get_level_values(1), frame.times[0])
        table = table.set_axis(pd.MultiIndex.from_arrays([table.index.get_level_values(0), times]))
    if not table.index.isin(index).any():
        raise ValueError(f"{what} has no row label in common with endog; give it the index of endog.")
    aligned = table.reindex(index)
    values = np.column_stack([float_values(column, what) for _, column in aligned.items()])
    if np.isinf(values).any():
        raise ValueError(f"{what} has infinite values; replace them by NaN to treat them as missing.")
    return values


def follows(frame: PanelFrame, new: PanelFrame, what: str) -> None:
    """Raise unless the rows of a new panel follow those of each sequence."""
    if (new.keys is None) != (frame.keys is None):
        wanted = "one index level, of times" if frame.keys is None else "(sequence, time) labels"
        raise ValueError(f"{what} must have {wanted}, as the sample has.")
    for k, times in enumerate(new.times):
        key = None if new.keys is None else new.keys[k]
        n = frame.position(key)
        if n is None:
            raise ValueError(f"{what} has the sequence {key!r}, which the panel does not have; use apply for new ones.")
        mine = frame.times[n]
        if _extendable(mine) and grid_offset(mine, times) != len(mine):
            expected, whose = extend_index(mine, 1)[0], "" if key is None else f" of {key!r}"
            raise ValueError(
                f"{what} must start at {expected}, which follows the sample{whose}, but starts at {times[0]}; pass the "
                "observations in between, too, as NaN where there are none."
            )


def as_matrix(value: Any, what: str, shape: tuple[int | None, int | None]) -> np.ndarray:
    """
    Finite matrix of a given shape, None standing for any number.

    Examples
    --------
    >>> from pararnn_ts.models.panels import as_matrix
    >>> as_matrix([[1, 2]], "measurement", (1, 2))
    array([[1., 2.]])
    """
    try:
        matrix = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be a matrix of numbers, but is {type(value).__name__}.") from None
    wanted = tuple("any" if size is None else size for size in shape)
    if matrix.ndim != 2 or any(
        size is not None and size != own for size, own in zip(shape, matrix.shape, strict=False)
    ):
        raise ValueError(f"{what} must have shape ({wanted[0]}, {wanted[1]}), but has shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{what} has values that are not finite; replace them.")
    if not matrix.size:
        raise ValueError(f"{what} is empty; it must have shape ({wanted[0]}, {wanted[1]}).")
    return matrix
