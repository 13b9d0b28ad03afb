"""
Products of lags of a series, for regressions of a series on its past.

A row of a regression that touches a missing value is left out, so that a series with gaps is a set of runs of observed
values, each long enough or not.
"""

import numpy as np

from pararnn_ts.kernels.jit import jit

__all__ = ["arma_products", "lag_products"]


@jit
def lag_products(y, order):
    r"""
    Products of a series and its lags over all rows that are complete.

    Parameters
    ----------
    y : ndarray, (T,)
        The series; NaN where it is missing.
    order : int
        Number of lags.

    Returns
    -------
    products : ndarray, (order + 1, order + 1)
        Sums of :math:`y_{t-i} y_{t-j}`.
    rows : int
        Number of complete rows.

    Notes
    -----
    Neighbours on a diagonal differ by what enters and leaves at the ends of a run, so that only the first row, the
    products of :math:`y_t` with its lags, is a sum over all rows.
    """
    n, size = y.shape[0], order + 1
    products, first = np.zeros((size, size)), np.empty(size)
    rows, begin = 0, 0
    while begin < n:
        end = begin
        while end < n and np.isfinite(y[end]):
            end += 1
        if end - begin > order:
            rows += end - begin - order
            first[:] = 0.0
            for t in range(begin, end - order):
                window, now = y[t : t + size], y[t + order]
                for k in range(size):
                    first[k] += now * window[k]
            for lag in range(size):
                total = first[order - lag]
                for i in range(size - lag):
                    if i > 0:
                        enters, leaves = begin + order - i, end - i
                        total += y[enters] * y[enters - lag] - y[leaves] * y[leaves - lag]
                    products[i, i + lag] += total
        begin = end + 1
    for i in range(size):
        for j in range(i):
            products[i, j] = products[j, i]
    return products, rows


@jit
def arma_products(y, coefs, p, q):
    r"""
    Products of a series, its lags and lags of the residuals of a long autoregression, over all rows that are complete.

    Parameters
    ----------
    y : ndarray, (T,)
        The series; NaN where it is missing.
    coefs : ndarray, (order,)
        Coefficients of the autoregression, at least p of them.
    p, q : int
        Lags of the series and of the residuals, q at least 1.

    Returns
    -------
    products : ndarray, (1 + p + q, 1 + p + q)
        Sums of products of :math:`(y_t, y_{t-1}, \dots, y_{t-p}, e_{t-1}, \dots, e_{t-q})`.
    rows : int
        Number of complete rows.
    """
    n, order, size = y.shape[0], coefs.shape[0], 1 + p + q
    resid = y.copy()
    # all rows of a lag, then the next lag: the sums do not wait for each other
    for j in range(order):
        later, lagged = resid[order:], y[order - 1 - j : n - 1 - j]
        for t in range(n - order):
            later[t] -= coefs[j] * lagged[t]
    products, row = np.zeros((size, size)), np.empty(size)
    rows, observed = 0, 0
    for t in range(n):
        observed = observed + 1 if np.isfinite(y[t]) else 0
        if observed > order + q:
            rows += 1
            for i in range(1 + p):
                row[i] = y[t - i]
            for j in range(q):
                row[1 + p + j] = resid[t - 1 - j]
            for i in range(size):
                for j in range(i + 1):
                    products[i, j] += row[i] * row[j]
    for i in range(size):
        for j in range(i):
            products[j, i] = products[i, j]
    return products, rows
