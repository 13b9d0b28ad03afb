"""Tests on the residuals, with the signatures of statsmodels' state space models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from statsmodels.stats.stattools import jarque_bera

from pararnn_ts.models.arguments import check_choice, check_flag, check_lags, given

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "test_heteroskedasticity",
    "test_normality",
    "test_serial_correlation",
]


def _choose(method: str | None, options: tuple[str, ...]) -> str:
    """Return `method`, the first of the options when it is None."""
    if method is None:
        return options[0]
    if not isinstance(method, str) or method not in options:
        raise ValueError(f"method must be one of {', '.join(map(repr, options))} or None, but is {given(method)}.")
    return method


def _residuals(results: RecurrentResults) -> np.ndarray:
    """Residuals from the first one on; NaN where an observation is missing."""
    resid = results.resid
    seen = np.flatnonzero(np.isfinite(resid))
    if len(seen) == 0:
        return resid[:0]
    # the tests do not depend on units; the powers that they take of residuals of order one can be represented
    return resid[seen[0] :] / (np.abs(resid[seen]).max() or 1.0)


def test_normality(results: RecurrentResults, method: str | None = None) -> np.ndarray:
    """
    Test whether the shocks are normal.

    Parameters
    ----------
    method : {"jarquebera", None}
        The Jarque-Bera test.

    Returns
    -------
    ndarray, (1, 4)
        Statistic, p-value, skewness and kurtosis; NaN where the residuals do not vary.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.test_normality().shape
    (1, 4)
    """
    _choose(method, ("jarquebera",))
    resid = _residuals(results)
    resid = resid[np.isfinite(resid)]
    if not len(resid) or np.ptp(resid) == 0.0:
        return np.full((1, 4), np.nan)
    return np.array([jarque_bera(resid)])


def test_serial_correlation(
    results: RecurrentResults, method: str | None = None, df_adjust: bool = False, lags: Any = None
) -> np.ndarray:
    """
    Test whether the residuals are uncorrelated.

    Parameters
    ----------
    method : {"ljungbox", "boxpierce", None}
        The test; None is Ljung and Box's.
    df_adjust : bool
        Whether to take off the degrees of freedom the effective number of parameters through which residuals depend on
        earlier shocks: all but those of the deterministic terms and of the direct effects of exogenous values, p + q
        for an ARMA(p, q) whatever its trend [2]_.
    lags : int or list of int, optional
        An integer stands for all lags up to it. By default 10, or two seasons of a model with seasonal terms, but at
        most a fifth of the observations.

    Returns
    -------
    ndarray, (1, 2, lags)
        Statistics and p-values; NaN where the residuals do not vary or are fewer than two, and where no degrees of
        freedom are left. Pairs of residuals with a missing one do not count [3]_.

    Notes
    -----
    Residuals of a model that was fitted to them are less correlated than shocks [1]_, and without the adjustment the
    test rejects too rarely: at the 5 % level 1 to 4 % of autoregressions of order two with 100 or 300 observations. The
    adjustment is right for lags by which the weight of a shock has died out. Shocks whose variance changes with those
    before them, as in a GARCH model, are not correlated, but the test may reject them.

    References
    ----------
    .. [1] Box, G. E. P., and D. A. Pierce. "Distribution of residual autocorrelations in autoregressive-integrated
       moving average time series models." Journal of the American Statistical Association 65 (1970): 1509-1526.
    .. [2] Pierce, D. A. "Residual correlations and diagnostic checking in dynamic-disturbance time series models."
       Journal of the American Statistical Association 67 (1972): 636-640.
    .. [3] Stoffer, D. S., and C. M. C. Toloi. "A note on the Ljung-Box-Pierce portmanteau statistic with missing data."
       Statistics & Probability Letters 13 (1992): 391-396.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.test_serial_correlation(lags=4).shape
    (1, 2, 4)
    """
    method, df_adjust = _choose(method, ("ljungbox", "boxpierce")), check_flag(df_adjust, "df_adjust")
    resid = _residuals(results)
    n = int(np.isfinite(resid).sum())
    if lags is None:
        period = results.model.period if getattr(results.model, "seasonal", False) else None
        lags = max(1, min(2 * period if period else 10, n // 5))
    wanted = np.array(check_lags(lags, "lags"), dtype=int)
    if len(resid) < 2:
        return np.full((1, 2, len(wanted)), np.nan)
    if len(wanted) == 0 or wanted[-1] >= len(resid):
        raise ValueError(f"lags must lie between 1 and {len(resid) - 1}, the length of the residuals, but is {lags!r}.")
    # pairs with a missing residual add nothing: the variance of a correlation is that of as many products as there are
    lags = np.arange(1, wanted[-1] + 1)
    centred, seen = np.nan_to_num(resid - np.nanmean(resid)), np.isfinite(resid).astype(float)
    products, pairs = (np.array([part[lag:] @ part[:-lag] for lag in lags]) for part in (centred, seen))
    each = n * (products / (centred @ centred or np.nan)) ** 2
    each *= (n + 2) / np.maximum(pairs, 1.0) if method == "ljungbox" else n / (pairs + lags)
    statistic = np.cumsum(each)[wanted - 1]
    df = wanted - (_n_dynamic(results) if df_adjust else 0.0)
    pvalue = np.where(df > 0, stats.chi2.sf(statistic, np.where(df > 0, df, 1.0)), np.nan)
    return np.array([[statistic, pvalue]])


def _n_dynamic(results: RecurrentResults) -> float:
    """Effective number of parameters, those of deterministic terms and direct effects of exogenous values left out."""
    spec = results.model.specification
    free = np.setdiff1d(np.arange(spec.n_params), results.details.held)
    static = float(np.count_nonzero(free < spec.n_deterministic))
    if spec.exog_names:
        direct = (free >= spec.n_linear - len(spec.exog_names)) & (free < spec.n_linear)
        shares = np.diag(results.ingredients.posterior[0] @ results.ingredients.information())[direct]
        # of results of another sample the parameters are not estimates
        static += float(np.minimum(shares, 1.0).sum())
    return results.df_model - static


def test_heteroskedasticity(
    results: RecurrentResults, method: str | None = None, alternative: str = "two-sided", use_f: bool = True
) -> np.ndarray:
    """
    Test whether the last third of the residuals varies as much as the first.

    Parameters
    ----------
    method : {"breakvar", None}
        The test.
    alternative : {"two-sided", "increasing", "decreasing"}
        What the variance does under the alternative.
    use_f : bool
        Whether to use the F distribution instead of the chi-squared one, which takes the variance of the third in the
        denominator for known.

    Returns
    -------
    ndarray, (1, 2)
        Ratio of the variances and p-value; NaN where a third has fewer than two residuals, or only zeros.

    Notes
    -----
    The distribution takes shocks for normal and independent. Where they have heavy tails, sums of squares vary more, in
    samples of any size: of series with Student-t shocks of four degrees of freedom the test rejects, at the 5 % level,
    21 % with 100 observations and 30 % with 300, though nothing changes.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.test_heteroskedasticity().shape
    (1, 2)
    """
    _choose(method, ("breakvar",))
    check_choice(alternative, "alternative", ("two-sided", "increasing", "decreasing"))
    use_f = check_flag(use_f, "use_f")
    resid = _residuals(results)
    third = max(1, round(len(resid) / 3))
    first, last = (part[np.isfinite(part)] ** 2 for part in (resid[:third], resid[-third:]))
    if min(len(first), len(last)) < 2 or not (first.any() and last.any()):
        return np.full((1, 2), np.nan)
    above, below = (first, last) if alternative == "decreasing" else (last, first)
    # not statsmodels' function: before 0.15 its p-values take for granted that as many are missing in both thirds
    ratio = above.mean() / below.mean()
    law = stats.f(len(above), len(below)) if use_f else stats.chi2(len(above), scale=1.0 / len(above))
    pvalue = law.sf(ratio) if alternative != "two-sided" else 2.0 * min(law.cdf(ratio), law.sf(ratio))
    return np.array([[ratio, pvalue]])
