"""Ordinary and seasonal differencing as one polynomial in the lag operator."""

from __future__ import annotations

import numpy as np

__all__ = ["MOST_DIFFERENCES", "difference_polynomial", "differences_in_words"]

# the coefficients of more have no use, and soon no digits
MOST_DIFFERENCES = 10


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


def differences_in_words(diff: int = 0, seasonal_diff: int = 0) -> list[str]:
    """
    Each kind of difference that is taken, with its order.

    Examples
    --------
    >>> from pararnn_ts.models.differencing import differences_in_words
    >>> differences_in_words(2, 1)
    ['2 differences', '1 seasonal difference']
    """
    orders = {"difference": diff, "seasonal difference": seasonal_diff}
    return [f"{order} {what}{'s' if order > 1 else ''}" for what, order in orders.items() if order]
