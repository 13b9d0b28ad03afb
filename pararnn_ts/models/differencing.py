"""Ordinary and seasonal differencing as one polynomial in the lag operator."""

from __future__ import annotations

from numbers import Integral

import numpy as np

__all__ = ["apply_difference", "difference_polynomial", "undo_difference"]


def difference_polynomial(diff: int = 0, seasonal_diff: int = 0, period: int | None = None) -> np.ndarray:
    """
    Coefficients c of (1 - L)^diff (1 - L^period)^seasonal_diff, c[0] = 1.

    Parameters
    ----------
    diff, seasonal_diff : int
        Orders of differencing.
    period : int, optional
        Length of the season; needed when `seasonal_diff` is positive.

    Returns
    -------
    ndarray
        The differenced series is w_t = sum_j c[j] y_{t-j}.

    Examples
    --------
    >>> from pararnn_ts.models.differencing import difference_polynomial
    >>> difference_polynomial(1, 1, 4)
    array([ 1., -1.,  0.,  0., -1.,  1.])
    """
    for name, order in (("diff", diff), ("seasonal_diff", seasonal_diff)):
        if isinstance(order, bool) or not isinstance(order, Integral) or order < 0:
            raise ValueError(f"{name} must be an integer of 0 or more, not {order!r}.")
    if seasonal_diff and period is None:
        raise ValueError(
            f"seasonal_diff={seasonal_diff} needs the length of the season; pass period, for example period=12."
        )
    c = np.ones(1)
    for _ in range(diff):
        c = np.convolve(c, [1.0, -1.0])
    for _ in range(seasonal_diff):
        c = np.convolve(c, np.r_[1.0, np.zeros(int(period or 1) - 1), -1.0])
    return c


def apply_difference(y: np.ndarray, c: np.ndarray) -> np.ndarray:
    """
    Differenced series, as long as `y`; the first len(c) - 1 values, which lack a past, are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.differencing import apply_difference, difference_polynomial
    >>> apply_difference(np.array([1.0, 4.0, 9.0, 16.0]), difference_polynomial(1))
    array([nan,  3.,  5.,  7.])
    """
    y = np.asarray(y, dtype=np.float64)
    n, reach = len(y), len(c) - 1
    w = np.full(n, np.nan)
    if n > reach:
        w[reach:] = 0.0
        for lag in np.flatnonzero(c):  # a zero coefficient must not spread a missing value
            w[reach:] += c[lag] * y[reach - lag : n - lag]
    return w


def undo_difference(w: np.ndarray, past: np.ndarray, c: np.ndarray) -> np.ndarray:
    """
    Levels that follow `past` when the differenced series goes on as `w`.

    Parameters
    ----------
    w : ndarray
        Differenced values, time along the last axis, for example one row for each simulated path.
    past : ndarray
        Levels before the first of `w`, the last len(c) - 1 of which are used.
    c : ndarray
        Coefficients of the differencing polynomial.

    Returns
    -------
    ndarray
        Levels, of the shape of `w`.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.models.differencing import difference_polynomial, undo_difference
    >>> undo_difference(np.array([3.0, 5.0]), np.array([1.0, 4.0]), difference_polynomial(1))
    array([ 7., 12.])
    """
    w = np.asarray(w, dtype=np.float64)
    reach = len(c) - 1
    if len(past) < reach:
        raise ValueError(f"past has {len(past)} values, but undoing this difference needs the last {reach}.")
    levels = np.empty((*w.shape[:-1], reach + w.shape[-1]))
    levels[..., :reach] = np.asarray(past, dtype=np.float64)[len(past) - reach :]
    lags = np.flatnonzero(c)[1:]
    for t in range(w.shape[-1]):
        levels[..., reach + t] = w[..., t] - sum(c[j] * levels[..., reach + t - j] for j in lags)
    return levels[..., reach:]
