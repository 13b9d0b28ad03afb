"""Read one shipped csv file into a float frame with a proper index."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import pandas as pd

Index = Literal["period", "timestamp", "position"]


def folder() -> Traversable:
    """Return the folder of the csv files.

    A wheel carries it inside this package; a clone keeps it at the top of the repository.
    """
    packaged = files(__package__) / "data"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "data"


def frame(file: str, index: Index, freq: str | None = None) -> pd.DataFrame:
    """Return all value columns of a file.

    Parameters
    ----------
    file : str
        Name of the csv file, without its ending; the first column holds the labels.
    index : {"period", "timestamp", "position"}
        What the labels are: periods, points in time, or the integers 0, 1, 2, ...
    freq : str, optional
        The frequency of the index; None for points in time that are not equally spaced.
    """
    with (folder() / f"{file}.csv").open(encoding="utf-8") as stream:
        table = pd.read_csv(stream)
    labels = table.pop(table.columns[0])
    values = table.astype(float)
    if index == "period":
        values.index = pd.PeriodIndex(labels.astype(str), freq=freq, name=labels.name)
    elif index == "timestamp":
        dates = pd.DatetimeIndex(pd.to_datetime(labels), name=labels.name)
        values.index = dates if freq is None else pd.DatetimeIndex(dates, freq=freq)
    else:
        values.index = pd.RangeIndex(len(labels), name=labels.name)
    return values


def series(file: str, name: str, index: Index, freq: str | None = None) -> pd.Series:
    """Return the only value column of a file, renamed; the parameters are those of `frame`."""
    return frame(file, index, freq).iloc[:, 0].rename(name)
