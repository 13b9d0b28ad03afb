"""Deterministic terms D_t at any position of time: constant, trend, seasonal dummies, or a DeterministicProcess."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tsa.deterministic import DeterministicProcess

from pararnn_ts._compat import freq_to_period
from pararnn_ts.models.arguments import MOST_STEPS, check_choice, check_count
from pararnn_ts.models.labels import complete_index, grid_offset

__all__ = ["TRENDS", "Deterministics", "check_period", "constant_representation", "infer_period"]

TRENDS = {"n": (False, 0), "c": (True, 0), "t": (False, 1), "ct": (True, 1), "ctt": (True, 2)}
_TREND_NAMES = ("trend", "trend_squared")
# rows from which on a constant is one number seen many times
_LONG = 200_000


class Deterministics:
    """
    Deterministic terms as a function of position, so that they continue wherever a sample is cut.

    Parameters
    ----------
    trend : {"n", "c", "t", "ct", "ctt"}
        Nothing, constant, linear trend, both, or both with a quadratic trend. The trend is 1 at position 0.
    seasonal : bool
        Whether to include seasonal dummies; the first season is left out when there is a constant.
    period : int, optional
        Length of the season.
    process : DeterministicProcess, optional
        Any terms that statsmodels can make, instead of the above.
    index : Index, optional
        Complete index of the sample whose first label is position 0; places `process` in time.

    Attributes
    ----------
    names : list of str
        Names of the columns, as statsmodels gives them.

    Examples
    --------
    >>> from pararnn_ts.models.deterministics import Deterministics
    >>> terms = Deterministics("ct", seasonal=True, period=4)
    >>> terms.names
    ['const', 'trend', 's(2,4)', 's(3,4)', 's(4,4)']
    >>> terms.rows(4, 6)
    array([[1., 5., 0., 0., 0.],
           [1., 6., 1., 0., 0.]])
    """

    def __init__(
        self,
        trend: str = "c",
        seasonal: bool = False,
        period: int | None = None,
        process: DeterministicProcess | None = None,
        index: pd.Index | None = None,
    ):
        self._constant, self._order = TRENDS[check_choice(trend, "trend", TRENDS)]
        self._seasons = range(0)
        self._period = period or 1
        self._process: DeterministicProcess | None = None
        if process is not None:
            if not isinstance(process, DeterministicProcess):
                raise TypeError(
                    "deterministic must be a statsmodels DeterministicProcess, not "
                    f"{type(process).__name__}; use trend, seasonal and period for the usual terms."
                )
            if trend not in ("n", "c") or seasonal:
                raise ValueError(
                    "deterministic replaces trend and seasonal; leave these two at their defaults or put the terms "
                    "into the DeterministicProcess."
                )
            self._process, self._shift = _place(process, index)
            self.names = [str(name) for name in self._process.in_sample().columns]
            return
        if seasonal:
            if period is None:
                raise ValueError(
                    "seasonal=True needs the length of the season, which the index does not tell; pass period, for "
                    "example period=12."
                )
            self._seasons = range(1 if self._constant else 0, period)
        self.names = ["const"] * self._constant + list(_TREND_NAMES[: self._order])
        self.names += [f"s({s + 1},{period})" for s in self._seasons]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """
        Terms at the positions from `start` up to, not including, `stop`.

        Examples
        --------
        >>> from pararnn_ts.models.deterministics import Deterministics
        >>> Deterministics("t").rows(9, 12)
        array([[10.],
               [11.],
               [12.]])
        """
        if self._process is not None:
            return self._process_rows(start + self._shift, stop + self._shift)
        if self.names == ["const"] and stop - start >= _LONG:
            # no room for millions of ones
            return np.broadcast_to(1.0, (stop - start, 1))
        out = np.zeros((stop - start, len(self.names)))
        position = np.arange(start, stop)
        column = 0
        if self._constant:
            out[:, 0] = 1.0
            column = 1
        for power in range(1, self._order + 1):
            out[:, column] = (position + 1.0) ** power
            column += 1
        if self._seasons:
            season = position % self._period - self._seasons.start
            has = season >= 0
            out[np.flatnonzero(has), column + season[has]] = 1.0
        return out

    def _process_rows(self, start: int, stop: int) -> np.ndarray:
        process = self._process
        assert process is not None
        if not self.names:
            return np.empty((stop - start, 0))
        if start < 0:
            raise ValueError(
                f"deterministic has terms from {process.index[0]} on, but the sample begins {-start} periods earlier; "
                "make the DeterministicProcess with the index of the sample."
            )
        inside = process.in_sample().to_numpy(np.float64)
        n = len(inside)
        if stop <= n:
            return np.array(inside[start:stop], order="C")
        try:
            beyond = process.out_of_sample(stop - n).to_numpy(np.float64)
        except (ValueError, TypeError) as error:
            raise ValueError(
                "deterministic cannot be continued beyond its own index; make the DeterministicProcess with a "
                "DatetimeIndex that has a frequency, a PeriodIndex or a RangeIndex."
            ) from error
        return np.array(np.vstack([inside, beyond])[start:stop], order="C")


def infer_period(index: pd.Index) -> int | None:
    """
    Length of the season that the frequency of an index suggests; None when it suggests none.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.deterministics import infer_period
    >>> infer_period(pd.period_range("2001Q1", periods=8, freq="Q"))
    4
    """
    freq = getattr(index, "freq", None)
    if freq is None:
        return None
    try:
        period, rest = divmod(int(freq_to_period(freq)), freq.n)
    except ValueError:
        if not isinstance(freq, pd.offsets.Minute):
            return None
        period, rest = divmod(24 * 60, freq.n)  # parts of an hour: the day, where it has not too many of them
        rest += period > 96
    return period if period > 1 and rest == 0 else None


def check_period(period: Any) -> int:
    """Return a season length as an int, or raise."""
    return check_count(period, "period", 2, MOST_STEPS)


def constant_representation(D: np.ndarray, tol: float = 1e-10) -> np.ndarray | None:
    """
    Weights w with D w = 1: how deterministic terms express a constant; None when they cannot.

    Examples
    --------
    >>> from pararnn_ts.models.deterministics import Deterministics, constant_representation
    >>> constant_representation(Deterministics("n", seasonal=True, period=2).rows(0, 6))
    array([1., 1.])
    >>> constant_representation(Deterministics("t").rows(0, 6)) is None
    True
    """
    n, k = D.shape
    if n == 0 or k == 0:
        return None
    level = D[0]
    constant = (level != 0) & (level == D).all(axis=0)
    if constant.any():
        w = np.zeros(k)
        j = int(constant.argmax())
        w[j] = 1.0 / level[j]
        return w
    scale = np.abs(D).max(axis=0)
    scale[scale == 0] = 1.0
    w = np.linalg.lstsq(D / scale, np.ones(n), rcond=None)[0]
    if np.abs(D / scale @ w - 1.0).max() > tol:
        return None
    w /= scale
    whole = np.round(w)
    return whole if np.abs(D @ whole - 1.0).max() == 0 else w


def _place(process: DeterministicProcess, index: pd.Index | None) -> tuple[DeterministicProcess, int]:
    """Process on an index that can be extended, and how many of its periods come before position 0."""
    own = process.index
    try:
        done = complete_index(own, like=index, what="deterministic")
    except ValueError:
        done = None  # labels that mean nothing: by position
    if done is not None and not done.deferred and not (isinstance(done.index, type(own)) and done.index.equals(own)):
        process = process.apply(done.index)
    elif done is not None and getattr(own, "freq", None) != getattr(done.index, "freq", None):
        process = process.apply(done.index)
    if index is None:
        return process, 0
    dated = isinstance(process.index, (pd.DatetimeIndex, pd.PeriodIndex))
    shift = grid_offset(process.index, index)
    if not dated and len(process.index) == len(index):  # numbered from wherever: by position
        shift = 0
    if shift is None and dated and isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        raise ValueError(
            f"deterministic was made with an index that begins at {process.index[0]} and has frequency "
            f"{getattr(process.index, 'freqstr', None)}, which does not fit endog; make it with the index of endog."
        )
    return process, shift or 0
