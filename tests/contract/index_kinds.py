"""
Every kind of index a user may come with.

A kind is a complete index that runs beyond the sample, so that what must follow the sample is known, and what the user
has of it: rows may be absent, and the labels may be of another type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

N, BEYOND = 80, 8
LENGTH = N + BEYOND


@dataclass(frozen=True)
class Kind:
    """
    A kind of index.

    Parameters
    ----------
    grid : Index or None
        Complete labels of `LENGTH` periods; None for an array without labels.
    absent : tuple of int
        Rows of the sample that the user does not have.
    given : callable, optional
        Turns complete labels into those that the user has.
    """

    grid: pd.Index | None
    absent: tuple[int, ...] = ()
    given: Callable[[pd.Index], pd.Index] = lambda labels: labels

    def sample(self, values: np.ndarray) -> pd.Series | np.ndarray:
        """The first N values as the user has them."""
        return self.rows(values, 0, N)

    def rows(self, values: np.ndarray, start: int, stop: int, name: str = "y") -> pd.Series | np.ndarray:
        """Values of some rows, with the labels that the user has."""
        if self.grid is None:
            return np.array(values[start:stop])
        kept = [row for row in range(start, stop) if row not in self.absent]
        if start == 0 and not self.absent:
            return pd.Series(values[:stop], self.given(self.grid[:stop]), name=name)
        return pd.Series(values[kept], self.given(self.grid[kept]), name=name)


def without_freq(labels: pd.Index) -> pd.Index:
    return pd.DatetimeIndex(list(labels))


def days(**options) -> pd.DatetimeIndex:
    return pd.date_range("2020-03-01", periods=LENGTH, freq="D", **options)


KINDS = {
    "array": Kind(None),
    "counter": Kind(pd.RangeIndex(LENGTH)),
    "counter with a start and a step": Kind(pd.RangeIndex(5, 5 + 2 * LENGTH, 2)),
    "integers from 0": Kind(pd.RangeIndex(LENGTH), given=lambda labels: pd.Index(labels.to_numpy())),
    "years as integers": Kind(pd.RangeIndex(1900, 1900 + LENGTH), given=lambda labels: pd.Index(labels.to_numpy())),
    "month starts": Kind(pd.date_range("2000-01-01", periods=LENGTH, freq="MS")),
    "quarter ends": Kind(pd.date_range("1990-03-31", periods=LENGTH, freq="QE")),
    "weeks ending on Wednesday": Kind(pd.date_range("2001-01-03", periods=LENGTH, freq="W-WED")),
    "business days": Kind(pd.bdate_range("2000-01-03", periods=LENGTH)),
    "half hours": Kind(pd.date_range("2024-02-28", periods=LENGTH, freq="30min")),
    "dates without a frequency": Kind(pd.date_range("2000-01-01", periods=LENGTH, freq="MS"), given=without_freq),
    "days with a gap": Kind(days(), absent=(40, 41), given=without_freq),
    "monthly periods": Kind(pd.period_range("2000-01", periods=LENGTH, freq="M")),
    "yearly periods": Kind(pd.period_range("1900", periods=LENGTH, freq="Y")),
    "monthly periods with a gap": Kind(pd.period_range("2000-01", periods=LENGTH, freq="M"), absent=(40,)),
    "hours in UTC": Kind(pd.date_range("2000-03-20", periods=LENGTH, freq="h", tz="UTC")),
    "days across a change of clocks": Kind(days(tz="Europe/Berlin")),
    "days across a change of clocks, without a frequency": Kind(days(tz="Europe/Berlin"), given=without_freq),
    "dates as text": Kind(pd.date_range("2000-01-01", periods=LENGTH, freq="MS"),
                          given=lambda labels: pd.Index(labels.strftime("%Y-%m-%d"))),
}  # fmt: skip

# labels without equal spacing, with the word that the sentence must contain
REFUSED = {
    "decreasing": (days()[:N][::-1], "increasing"),
    "duplicate": (pd.DatetimeIndex(np.repeat(days()[: N // 2], 2)), "duplicate"),
    "names": (pd.Index([f"o{i}" for i in range(N)]), "dates"),
    "irregular dates": (
        pd.DatetimeIndex(np.cumsum(np.random.default_rng(0).integers(1, 10**15, N)).astype("datetime64[ns]")), "freq"),
    "irregular numbers": (pd.Index(np.cumsum(np.arange(N) ** 2 + 1)), "spaced"),
    "fractions": (pd.Index(np.linspace(0.0, 1.0, N) ** 2), "spaced"),
    "two levels": (pd.MultiIndex.from_product([range(N // 8), range(8)]), "level"),
    "missing labels": (days()[:N].where(np.arange(N) != 4), "missing"),
}  # fmt: skip
