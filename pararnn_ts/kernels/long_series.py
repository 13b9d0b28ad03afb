"""
The pass over a long series, whose lags are read from the series itself, a stretch of rows at a time.

A matrix of lags, columns of deterministic terms and weights would take several times the room of the series. Here each
stretch of `STRETCH` rows is written into small arrays that stay in the cache and handed to
:func:`pararnn_ts.kernels.units.add_rows`: beside the series, memory does not depend on its length.
"""

from pararnn_ts.kernels.jit import jit
from pararnn_ts.kernels.units import add_rows, begin

__all__ = ["STRETCH", "accumulate_series", "linear_products"]

STRETCH = 2048


@jit
def _fill(series, first, at, rows, lags, linear_lags, ranks, deterministic, deterministic_scale, exog, center, scale,
          weight, prior_mean, x, linear, target, root):  # fmt: skip
    """Write `rows` rows from row `at` of the sample."""
    n_lags, k, l, e = lags.shape[0], deterministic.shape[1], linear_lags.shape[0], exog.shape[1]
    last = center.shape[0] - e
    for row in range(rows):
        t = at + row
        for j in range(n_lags):
            x[row, j] = series[t - lags[j]]
        for j in range(k):
            linear[row, j] = deterministic[t, j] / deterministic_scale[j]
        for j in range(l):
            # the first rows, which do not count, may lack the history of the linear path
            linear[row, k + j] = series[t - linear_lags[j]] / ranks[j] if t - linear_lags[j] >= first else 0.0
        for j in range(e):
            value = (exog[t, j] - center[last + j]) / scale[last + j]
            x[row, n_lags + j] = value
            linear[row, k + l + j] = value
        root[row] = weight[t]
        target[row] = 0.0
        if root[row] > 0.0:
            target[row] = series[t]
            for j in range(prior_mean.shape[0]):
                if prior_mean[j] != 0.0:
                    target[row] -= prior_mean[j] * linear[row, j]


@jit
def linear_products(series, first, start, lags, linear_lags, ranks, deterministic, deterministic_scale, exog, center,
                    scale, weight, prior_mean, x, linear, target, root, products):  # fmt: skip
    """
    Products of the weighted columns of the linear path.

    Parameters
    ----------
    products : ndarray, (q, q)
        Receives them. The other arguments are those of :func:`accumulate_series`.
    """
    q = products.shape[0]
    products[:] = 0.0
    for at in range(start, series.shape[0], STRETCH):
        rows = min(STRETCH, series.shape[0] - at)
        _fill(series, first, at, rows, lags, linear_lags, ranks, deterministic, deterministic_scale, exog, center,
              scale, weight, prior_mean, x, linear, target, root)  # fmt: skip
        for i in range(q):
            for j in range(i + 1):
                total = 0.0
                for row in range(rows):
                    total += root[row] * root[row] * linear[row, i] * linear[row, j]
                products[i, j] += total
    for i in range(q):
        for j in range(i):
            products[j, i] = products[i, j]


@jit
def accumulate_series(theta, units, activation, linear_gram, work, series, first, start, lags, linear_lags, ranks,
                      deterministic, deterministic_scale, exog, center, scale, weight, prior_mean, x, linear, target,
                      root, gram):  # fmt: skip
    """
    Normal equations at `LANES` parameter vectors, as :func:`pararnn_ts.kernels.units.accumulate` has them.

    Parameters
    ----------
    theta, units, activation, linear_gram, work, gram
        As in `accumulate`.
    series : ndarray, (n,)
        The differenced series, standardised.
    first : int
        Its first row that is known.
    start : int
        Row at which the states begin.
    lags, linear_lags : ndarray of int
        Lags that feed the units and lags that enter linearly.
    ranks : ndarray
        Scale of each linear lag in units of the series'.
    deterministic, deterministic_scale : ndarray, (n, k) and (k,)
        Deterministic terms and what they are divided by.
    exog, center, scale : ndarray, (n, e) and (1 + m,)
        Exogenous values in the data's units; the last `e` locations and scales are theirs.
    weight : ndarray, (n,)
        Square roots of the observation weights.
    prior_mean : ndarray, (q,)
        Of the linear path: what it predicts is taken off the series.
    x, linear, target, root : ndarray, (STRETCH, m), (STRETCH, q), (STRETCH,) and (STRETCH,)
        Scratch space.
    """
    begin(units, x.shape[1], linear_gram, work, gram)
    for at in range(start, series.shape[0], STRETCH):
        rows = min(STRETCH, series.shape[0] - at)
        _fill(series, first, at, rows, lags, linear_lags, ranks, deterministic, deterministic_scale, exog, center,
              scale, weight, prior_mean, x, linear, target, root)  # fmt: skip
        add_rows(theta, units, activation, x, linear, target, root, rows, work, gram)
