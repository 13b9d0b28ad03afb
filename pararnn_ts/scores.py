r"""
Scores of point, interval, quantile and distribution forecasts, and the Diebold-Mariano test of equal accuracy.

All scores are negatively oriented: smaller is better. Those of quantiles, intervals and distributions are (strictly)
proper [1]_: no forecast has a smaller expected score than the truth.

Observations and forecasts are paired by position. A pair of which any part is missing (NaN) is left out; if no pair is
left, a ValueError is raised. So it is, too, if two pandas objects carry different indexes.

References
----------
.. [1] Gneiting, Tilmann, and Adrian E. Raftery. "Strictly proper scoring rules, prediction, and estimation."
   Journal of the American Statistical Association 102, no. 477 (2007): 359-378.
"""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from pararnn_ts._compat import diebold_mariano_test
from pararnn_ts.models.arguments import check_alpha, check_count, given

__all__ = [
    "DieboldMariano",
    "crps_gaussian",
    "crps_sample",
    "diebold_mariano",
    "interval_coverage",
    "mae",
    "mase",
    "mse",
    "pinball",
    "rmse",
    "winkler",
]


def mse(y, f):
    r"""
    Mean squared error.

    Parameters
    ----------
    y : array_like
        Observations.
    f : array_like
        Point forecasts, of the shape of `y`.

    Returns
    -------
    float
        :math:`\frac{1}{n} \sum_t (y_t - f_t)^2`.

    Examples
    --------
    >>> from pararnn_ts.scores import mse
    >>> mse([1.0, 2.0, float("nan")], [1.0, 4.0, 0.0])
    2.0
    """
    y, f = _paired(y=y, f=f)
    return _finish((y - f) ** 2, average=True)


def rmse(y, f):
    r"""
    Root mean squared error.

    Parameters
    ----------
    y : array_like
        Observations.
    f : array_like
        Point forecasts, of the shape of `y`.

    Returns
    -------
    float
        The square root of the mean squared error, in the units of `y`.

    Examples
    --------
    >>> from pararnn_ts.scores import rmse
    >>> rmse([0.0, 0.0], [3.0, -3.0])
    3.0
    """
    return float(np.sqrt(mse(y, f)))


def mae(y, f):
    r"""
    Mean absolute error.

    Parameters
    ----------
    y : array_like
        Observations.
    f : array_like
        Point forecasts, of the shape of `y`.

    Returns
    -------
    float
        :math:`\frac{1}{n} \sum_t |y_t - f_t|`.

    Examples
    --------
    >>> from pararnn_ts.scores import mae
    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    y, f = _paired(y=y, f=f)
    return _finish(np.abs(y - f), average=True)


def mase(y, f, train, period=1):
    r"""
    Mean absolute scaled error: relative to the (seasonal) naive forecast over the training sample.

    Parameters
    ----------
    y : array_like
        Observations.
    f : array_like
        Point forecasts, of the shape of `y`.
    train : array_like
        The series up to the first forecast, one-dimensional and in order of time.
    period : int, optional
        Season of the naive forecast :math:`y_{t - \text{period}}`; 1 for the last value.

    Returns
    -------
    float
        Below 1 if the forecasts were better, on average, than the one-step naive forecast was in the training sample.
        Infinite or NaN if the naive forecast was perfect there.

    References
    ----------
    .. [1] Hyndman, Rob J., and Anne B. Koehler. "Another look at measures of forecast accuracy." International
       Journal of Forecasting 22, no. 4 (2006): 679-688.

    Examples
    --------
    >>> from pararnn_ts.scores import mase
    >>> mase([6.0, 7.0], [5.0, 6.0], train=[1.0, 3.0, 5.0])
    0.5
    """
    train = _floats(train, "train")
    if train.ndim != 1:
        raise ValueError(f"train must be one-dimensional, but has shape {train.shape}; pass one series.")
    if not 1 <= check_count(period, "period") < train.size:
        raise ValueError(
            f"period must lie between 1 and {train.size - 1}, the length of train less one, but is {period}."
        )
    naive = mae(train[period:], train[:-period])
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(mae(y, f)) / naive)


def pinball(y, q, level, *, average=True):
    r"""
    Pinball (quantile, check) loss.

    Parameters
    ----------
    y : array_like
        Observations.
    q : array_like
        Forecasts of the quantile, of the shape of `y`.
    level : float
        Level of the quantile, between 0 and 1.
    average : bool, optional
        Return the mean (default), or the loss of every observation, NaN where something is missing.

    Returns
    -------
    float or ndarray
        :math:`(y - q)\, \text{level}` where the observation lies above the quantile, and
        :math:`(q - y) (1 - \text{level})` where it lies below. At level 1/2 this is half of the absolute error.

    References
    ----------
    .. [1] Koenker, Roger, and Gilbert Bassett Jr. "Regression quantiles." Econometrica 46, no. 1 (1978): 33-50.

    Examples
    --------
    >>> from pararnn_ts.scores import pinball
    >>> pinball([1.0, 3.0], [2.0, 2.0], 0.9)
    0.5
    """
    level = check_alpha(level, "level")
    y, q = _paired(y=y, q=q)
    return _finish(np.maximum(level * (y - q), (level - 1) * (y - q)), average)


def interval_coverage(y, lower, upper):
    r"""
    Share of the observations inside their forecast interval, bounds included.

    Parameters
    ----------
    y : array_like
        Observations.
    lower, upper : array_like
        Bounds of the intervals, of the shape of `y`.

    Returns
    -------
    float
        The share, to be compared with the nominal coverage of the intervals.

    Examples
    --------
    >>> from pararnn_ts.scores import interval_coverage
    >>> interval_coverage([0.0, 1.0, 5.0, 2.0], [-1.0] * 4, [2.0] * 4)
    0.75
    """
    y, lower, upper = _paired(y=y, lower=lower, upper=upper)
    inside = np.where(np.isnan(y), np.nan, (lower <= y) & (y <= upper))
    return _finish(inside, average=True)


def winkler(y, lower, upper, alpha=0.05, *, average=True):
    r"""
    Winkler (interval) score: the width of the interval and a penalty for the observations outside.

    Parameters
    ----------
    y : array_like
        Observations.
    lower, upper : array_like
        Bounds of the central intervals of coverage ``1 - alpha``, of the shape of `y`.
    alpha : float, optional
        One less the nominal coverage, as in ``conf_int(alpha)``.
    average : bool, optional
        Return the mean (default), or the score of every observation, NaN where something is missing.

    Returns
    -------
    float or ndarray
        :math:`(u - l) + \frac{2}{\alpha} (l - y)_+ + \frac{2}{\alpha} (y - u)_+`, which is
        :math:`2 / \alpha` times the sum of the pinball losses of the two bounds.

    References
    ----------
    .. [1] Winkler, Robert L. "A decision-theoretic approach to interval estimation." Journal of the American
       Statistical Association 67, no. 337 (1972): 187-191.

    Examples
    --------
    >>> from pararnn_ts.scores import winkler
    >>> winkler([0.0, 3.0], [-1.0, -1.0], [2.0, 2.0], alpha=0.5)
    5.0
    """
    alpha = check_alpha(alpha)
    y, lower, upper = _paired(y=y, lower=lower, upper=upper)
    outside = np.maximum(lower - y, 0) + np.maximum(y - upper, 0)
    with np.errstate(invalid="ignore"):
        score = upper - lower + 2 / alpha * outside
    return _finish(_diverged(score, y), average)


def crps_gaussian(y, mean, scale, *, average=True):
    r"""
    Continuous ranked probability score of Gaussian forecasts, in closed form.

    Parameters
    ----------
    y : array_like
        Observations.
    mean : array_like
        Means of the forecast distributions, of the shape of `y`.
    scale : array_like
        Their standard deviations, of the shape of `y` or a scalar; at 0 the score is the absolute error.
    average : bool, optional
        Return the mean (default), or the score of every observation, NaN where something is missing.

    Returns
    -------
    float or ndarray
        :math:`\sigma [z (2 \Phi(z) - 1) + 2 \varphi(z) - \pi^{-1/2}]` with :math:`z = (y - \mu) / \sigma`.

    See Also
    --------
    crps_sample : For forecasts given by simulated draws.

    Examples
    --------
    >>> from pararnn_ts.scores import crps_gaussian
    >>> round(crps_gaussian([0.0], [0.0], 1.0), 4)
    0.2337
    """
    if np.ndim(scale) == 0:
        scale = np.full(np.shape(y), scale, dtype=float)
    y, mean, scale = _paired(y=y, mean=mean, scale=scale)
    if (scale < 0).any():
        raise ValueError("scale must not be negative; pass standard deviations.")
    error = y - mean
    positive = scale > 0
    with np.errstate(over="ignore", invalid="ignore"):
        z = np.divide(error, scale, out=np.zeros_like(error), where=positive)
        density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        score = error * (2 * special.ndtr(z) - 1) + scale * (2 * density - 1 / np.sqrt(np.pi))
    return _finish(_diverged(np.where(scale == 0, np.abs(error), score), y), average)


def crps_sample(y, samples, *, fair=True, average=True):
    r"""
    Continuous ranked probability score of forecasts given by draws from the forecast distribution.

    Parameters
    ----------
    y : array_like
        Observations.
    samples : array_like
        Draws, of the shape of `y` with one more axis, the last, for the S draws; or of the shape ``(S,)``, common to
        all observations.
    fair : bool, optional
        Estimate the score of the distribution the draws come from, without bias (default); otherwise the score
        of the empirical distribution of the draws, which is larger, as it is punished for the finite number of draws.
    average : bool, optional
        Return the mean (default), or the score of every observation, NaN where something is missing.

    Returns
    -------
    float or ndarray
        :math:`\frac{1}{S} \sum_i |x_i - y| - \frac{1}{2 n} \sum_{i, j} |x_i - x_j|` with :math:`n = S (S - 1)` for the
        fair score and :math:`n = S^2` otherwise. The fair score may be negative.

    Notes
    -----
    The double sum is computed from the sorted draws in :math:`O(S \log S)` operations. The score has the units of `y`
    and generalises the absolute error, to which it reduces when all draws are equal.

    References
    ----------
    .. [1] Ferro, Christopher A. T. "Fair scores for ensemble forecasts." Quarterly Journal of the Royal Meteorological
       Society 140, no. 683 (2014): 1917-1923.
    .. [2] Jordan, Alexander, Fabian Krueger, and Sebastian Lerch. "Evaluating probabilistic forecasts with
       scoringRules." Journal of Statistical Software 90, no. 12 (2019): 1-37.

    Examples
    --------
    >>> from pararnn_ts.scores import crps_sample
    >>> crps_sample([0.0, 2.0], [[-1.0, 1.0], [2.0, 4.0]])
    0.0
    >>> crps_sample([0.0, 2.0], [[-1.0, 1.0], [2.0, 4.0]], fair=False)
    0.5
    """
    _same_index(y=y, samples=samples)
    y, samples = _floats(y, "y"), _floats(samples, "samples")
    if samples.ndim == 1:
        samples = np.broadcast_to(samples, (*y.shape, samples.size))
    if samples.shape[:-1] != y.shape:
        raise ValueError(f"samples must have the shape of y and one more axis, but have {samples.shape} and {y.shape}.")
    n_draws = samples.shape[-1]
    if n_draws < 1 + fair:
        raise ValueError(f"samples have {n_draws} draws, too few for the {'fair' if fair else 'plug-in'} score.")
    # Errors rather than draws: the differences are the same, and no digits are lost on a large common level.
    errors = np.sort(samples - y[..., None], axis=-1)
    missing = np.isnan(errors).any(axis=-1)
    if missing.all():
        raise ValueError("y and samples have no pair without a missing value; there is nothing to score.")
    ranks = 2.0 * np.arange(n_draws) - (n_draws - 1)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = errors @ ranks / (n_draws * (n_draws - 1) if fair else n_draws**2)
        score = np.abs(errors).mean(axis=-1) - spread
    return _finish(_diverged(score, np.where(missing, np.nan, 0.0)), average)


class DieboldMariano(NamedTuple):
    """
    Outcome of the Diebold-Mariano test.

    Attributes
    ----------
    statistic : float
        Negative when the first forecasts have the smaller mean loss.
    pvalue : float
        Two-sided p-value, from Student's t distribution with ``nobs - 1`` degrees of freedom.
    nobs : int
        Number of pairs of errors used.
    lags : int
        Lags in the long-run variance of the loss differential.

    Examples
    --------
    >>> from pararnn_ts.scores import diebold_mariano
    >>> found = diebold_mariano([0.1, -0.2, 0.1, 0.3], [0.9, -1.2, 1.1, -0.8])
    >>> found.nobs, found.statistic < 0.0
    (4, True)
    """

    statistic: float
    pvalue: float
    nobs: int
    lags: int


def diebold_mariano(e1, e2, horizon=1, loss="squared", *, lags=None):
    r"""
    Test that two sets of forecasts are equally accurate.

    Parameters
    ----------
    e1, e2 : array_like
        Forecast errors of the two methods for the same observations, in order of time.
    horizon : int, optional
        Steps ahead that the forecasts were made. Errors of forecasts h steps ahead are correlated over h - 1 steps.
    loss : {"squared", "absolute"} or callable, optional
        Loss of an error; a callable takes the array of errors to the array of losses.
    lags : int, optional
        Lags in the Newey-West estimate of the long-run variance of the loss differential. By default
        ``max(horizon - 1, ceil(nobs ** (1 / 3)))``, as in statsmodels.

    Returns
    -------
    DieboldMariano
        Statistic, p-value, number of observations and lags.

    Notes
    -----
    With :math:`d_t = g(e_{1t}) - g(e_{2t})` the statistic is :math:`\bar d` over its HAC standard error, with
    the small-sample correction of Harvey, Leybourne and Newbold [2]_. The computation is that of
    ``statsmodels.tsa.stattools.diebold_mariano_test`` (statsmodels 0.15), and the same without it. If the loss
    differential is zero throughout, the methods cannot be told apart: statistic 0, p-value 1. Where a loss is infinite
    there is no test: both are NaN.

    The weights of Newey and West leave out a part of the variance of correlated errors, and several steps ahead the
    test rejects too often. Of forecasts that are equally accurate, with 24 to 500 errors, it rejects 5 to 7 % one step
    ahead at the 5 % level, and 5 to 10 % two to twelve steps ahead, the more the further ahead.

    The test is about forecasts, not models: between nested models with estimated parameters it is not standard normal
    under the null hypothesis.

    References
    ----------
    .. [1] Diebold, Francis X., and Roberto S. Mariano. "Comparing predictive accuracy." Journal of Business &
       Economic Statistics 13, no. 3 (1995): 253-263.
    .. [2] Harvey, David, Stephen Leybourne, and Paul Newbold. "Testing the equality of prediction mean squared
       errors." International Journal of Forecasting 13, no. 2 (1997): 281-291.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.scores import diebold_mariano
    >>> rng = np.random.default_rng(0)
    >>> test = diebold_mariano(rng.standard_normal(200), 1.5 * rng.standard_normal(200))
    >>> test.statistic < 0, test.pvalue < 0.01
    (True, True)
    """
    losses = {"squared": np.square, "absolute": np.abs}
    if not callable(loss):
        if not isinstance(loss, str) or loss not in losses:
            raise ValueError(f"loss must be 'squared', 'absolute' or a callable, but is {given(loss)}.")
        loss = losses[loss]
    e1, e2 = _paired(e1=e1, e2=e2)
    if e1.ndim != 1:
        raise ValueError(f"e1 and e2 must be one-dimensional, but have shape {e1.shape}; pass one series each.")
    complete = ~np.isnan(e1)
    e1, e2 = e1[complete], e2[complete]
    nobs = e1.size
    horizon = check_count(horizon, "horizon")
    lags = None if lags is None else check_count(lags, "lags", 0)
    if nobs <= horizon:
        raise ValueError(f"e1 and e2 have {nobs} pairs, too few to compare forecasts of horizon={horizon}.")
    if lags is None:
        lags = int(max(horizon - 1, np.ceil(nobs ** (1 / 3))))
    with np.errstate(over="ignore", invalid="ignore"):
        differential = loss(e1) - loss(e2)
    if not np.isfinite(differential).all():
        return DieboldMariano(np.nan, np.nan, nobs, lags)
    if np.ptp(differential) == 0:
        # No variance to judge by: the methods are equal, or one is always better by the same amount.
        mean = differential[0]
        return DieboldMariano(float(np.sign(mean) * np.inf) if mean else 0.0, 0.0 if mean else 1.0, nobs, lags)
    test = _diebold_mariano_test if diebold_mariano_test is None else diebold_mariano_test
    # statsmodels takes observations and forecasts: the errors of -e as forecasts of 0.
    res = test(
        np.zeros(nobs), -e1, -e2, lags=lags, criterion=lambda y, f: loss(y - f), harvey_adj=True, horizon=horizon
    )
    return DieboldMariano(float(res.statistic), float(res.pvalue), nobs, lags)


def _diebold_mariano_test(y, forecast_a, forecast_b, *, lags, criterion, harvey_adj, horizon):
    """Stand in for the function of the same name in statsmodels 0.15; `harvey_adj` is always true here."""
    differential = criterion(y, forecast_a) - criterion(y, forecast_b)
    nobs, mean = differential.size, differential.mean()
    centred = differential - mean
    variance = centred @ centred
    for lag in range(1, min(lags, nobs - 1) + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (centred[lag:] @ centred[:-lag])
    correction = (nobs + 1 - 2 * horizon + horizon * (horizon - 1) / nobs) / nobs
    statistic = mean * nobs * np.sqrt(correction / variance)
    return DieboldMariano(statistic, 2 * stats.t.sf(abs(statistic), nobs - 1), nobs, lags)


def _same_index(**inputs):
    """Raise if two of the named inputs carry pandas indexes that differ."""
    indexed = [(name, value.index) for name, value in inputs.items() if hasattr(value, "iloc")]
    for name, index in indexed[1:]:
        if not index.equals(indexed[0][1]):
            raise ValueError(f"{indexed[0][0]} and {name} have different indexes; align them first.")


def _floats(values, name):
    """Return numbers as a float array, NaN where they are masked."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of numbers; convert it first.") from error


def _paired(**inputs):
    """Return the named inputs as float arrays of one shape, all of them NaN where one is missing."""
    _same_index(**inputs)
    arrays = {name: _floats(value, name) for name, value in inputs.items()}
    names = " and ".join(filter(None, [", ".join(list(inputs)[:-1]), list(inputs)[-1]]))
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(str(array.shape) for array in arrays.values())
        raise ValueError(f"{names} must have the same shape, but have {shapes}.")
    missing = np.any([np.isnan(array) for array in arrays.values()], axis=0)
    if missing.all():
        raise ValueError(f"{names} have no pair without a missing value; there is nothing to score.")
    return [np.where(missing, np.nan, array) for array in arrays.values()]


def _diverged(scores, y):
    """Let a forecast that ran off to infinity cost infinitely much: it must not look like a missing value."""
    return np.where(np.isnan(scores) & ~np.isnan(y), np.inf, scores)


def _finish(scores, average):
    """Return the scores, or their mean over the pairs without a missing value."""
    return float(np.nanmean(scores)) if average else scores
