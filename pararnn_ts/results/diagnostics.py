"""Tests on the residuals, with the signatures of statsmodels' state space models, and a test of linearity."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tsa.stattools import breakvar_heteroskedasticity_test

from pararnn_ts.estimation.problem import difference_series
from pararnn_ts.results.trajectory import model_exog

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "NonlinearityTest",
    "test_heteroskedasticity",
    "test_nonlinearity",
    "test_normality",
    "test_serial_correlation",
]

# the linear model of the linearity test has at most this many lags of its own choosing
MOST_LAGS = 12


class NonlinearityTest(NamedTuple):
    """
    Lagrange multiplier test of a linear model against neglected nonlinearity.

    Attributes
    ----------
    statistic, pvalue : float
        LM statistic and p-value of its chi-squared distribution.
    fvalue, f_pvalue : float
        The same in F form, which is closer to its nominal size in short series.
    df_num, df_denom : int
        Degrees of freedom: nonlinear terms, and observations less all terms.
    lags : tuple of int
        Lags of the series in the linear model.
    """

    statistic: float
    pvalue: float
    fvalue: float
    f_pvalue: float
    df_num: int
    df_denom: int
    lags: tuple[int, ...]


def _choose(method: str | None, options: tuple[str, ...]) -> str:
    """Return `method`, the first of the options when it is None."""
    if method is None:
        return options[0]
    if method not in options:
        raise ValueError(f"method must be one of {', '.join(map(repr, options))} or None, but is {method!r}.")
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
        Whether to take the effective number of parameters off the degrees of freedom.
    lags : int or list of int, optional
        An integer stands for all lags up to it. By default 10, or two seasons of a model with seasonal terms, but at
        most a fifth of the observations.

    Returns
    -------
    ndarray, (1, 2, lags)
        Statistics and p-values; NaN where the residuals do not vary. Pairs of residuals with a missing one do not
        count.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.test_serial_correlation(lags=4).shape
    (1, 2, 4)
    """
    method = _choose(method, ("ljungbox", "boxpierce"))
    resid = _residuals(results)
    n = int(np.isfinite(resid).sum())
    if lags is None:
        period = results.model.period if getattr(results.model, "seasonal", False) else None
        lags = max(1, min(2 * period if period else 10, n // 5))
    wanted = np.arange(1, lags + 1) if np.ndim(lags) == 0 else np.unique(np.asarray(lags, dtype=int))
    if len(wanted) == 0 or wanted[0] < 1 or wanted[-1] >= len(resid):
        raise ValueError(f"lags must lie between 1 and {len(resid) - 1}, the length of the residuals, but is {lags!r}.")
    # pairs with a missing residual add nothing
    centred = np.nan_to_num(resid - np.nanmean(resid))
    products = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, wanted[-1] + 1)])
    each = (products / (centred @ centred or np.nan)) ** 2
    if method == "ljungbox":
        each = each * (n + 2) / (n - np.arange(1, len(each) + 1))
    statistic = n * np.cumsum(each)[wanted - 1]
    df = wanted - (results.df_model if df_adjust else 0.0)
    pvalue = np.where(df > 0, stats.chi2.sf(statistic, np.where(df > 0, df, 1.0)), np.nan)
    return np.array([[statistic, pvalue]])


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
        Whether to use the F distribution instead of the chi-squared one.

    Returns
    -------
    ndarray, (1, 2)
        Statistic and p-value; NaN where a third has fewer than two residuals, or only zeros.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.test_heteroskedasticity().shape
    (1, 2)
    """
    _choose(method, ("breakvar",))
    resid = _residuals(results)
    third = max(1, round(len(resid) / 3))
    for part in (resid[:third], resid[-third:]):
        if np.isfinite(part).sum() < 2 or not np.nansum(part**2) > 0.0:
            return np.full((1, 2), np.nan)
    found = breakvar_heteroskedasticity_test(resid, subset_length=third, alternative=alternative, use_f=use_f)
    return np.array([[float(np.squeeze(part)) for part in found]])


def test_nonlinearity(
    results: RecurrentResults, method: str | None = None, lags: Any = None, rng: Any = 0
) -> NonlinearityTest:
    """
    Test whether a linear model of the series would do.

    Parameters
    ----------
    method : {"terasvirta", "white", None}
        Squares, cubes and cross products of the inputs [1]_, or random logistic units [2]_, tried beside an
        autoregression.
    lags : int or list of int, optional
        Lags of the (differenced) series that may act nonlinearly; by default the first two and those of the units.
    rng : None, int or Generator
        Source of the random units.

    Returns
    -------
    NonlinearityTest
        A small p-value says that the linear model leaves structure behind. It is one where the linear model leaves
        nothing, and where nonlinear terms are the same as linear ones, as they are for a series of two values.

    Notes
    -----
    The linear model has the deterministic terms, the exogenous values and the lags of the fitted model, and as many
    more lags (up to 12) as Akaike's criterion chooses, so that moving-average dynamics are not taken for
    nonlinearity. The test does not use the fitted units: it may be run before trusting them.

    References
    ----------
    .. [1] Terasvirta, T., C.-F. Lin and C. W. J. Granger. "Power of the neural network linearity test." Journal of Time
       Series Analysis 14 (1993): 209-220.
    .. [2] Lee, T.-H., H. White and C. W. J. Granger. "Testing for neglected nonlinearity in time series models."
       Journal of Econometrics 56 (1993): 269-290.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_lynx().pipe(np.log10), lags=2, units=(1,)).fit(n_starts=4)
    >>> bool(res.test_nonlinearity().f_pvalue < 0.05)
    True
    """
    method = _choose(method, ("terasvirta", "white"))
    results.require_data()
    spec, model = results.model.specification, results.model
    exog, y = model_exog(model), difference_series(model._y, np.asarray(spec.difference))
    tried = sorted({1, 2, *spec.lags} if lags is None else {int(lag) for lag in np.atleast_1d(lags)})
    if lags is not None and (not tried or tried[0] < 1 or tried[-1] >= len(y) // 2):
        raise ValueError(f"lags must be positive integers below half the length of the series, but is {lags!r}.")
    longest = max([*tried, *spec.linear_lags, min(MOST_LAGS, len(y) // 10)])
    column = {lag: np.concatenate([np.full(lag, np.nan), y])[: len(y)] for lag in range(1, longest + 1)}
    rows = np.isfinite(np.column_stack([y, *column.values(), exog, model._det])).all(axis=1)
    target = y[rows] / (np.abs(y[rows]).max(initial=0.0) or 1.0)
    if len(target) < 3 * (longest + exog.shape[1] + model._det.shape[1] + 2):
        raise ValueError(
            f"The linearity test needs more data: {len(target)} complete rows are too few for {longest} lags; "
            "pass fewer with lags."
        )
    constant = np.ones((len(target), 1))
    outside = np.column_stack([constant, model._det[rows], exog[rows]])
    own = sorted({*spec.linear_lags, *tried})
    rounding = _rounding(target)

    def design(p: int) -> tuple[np.ndarray, tuple[int, ...]]:
        chosen = tuple(sorted({*own, *range(1, p + 1)}))
        return np.column_stack([outside, *(column[lag][rows] for lag in chosen)]), chosen

    def akaike(p: int) -> float:
        matrix, _ = design(p)
        ssr = max(np.sum(_remainder(matrix, target)[0] ** 2), rounding)
        return len(target) * np.log(ssr) + 2 * matrix.shape[1]

    null, chosen = design(min(range(min(MOST_LAGS, longest) + 1), key=akaike))
    inputs = np.column_stack([*(column[lag][rows] for lag in tried), exog[rows]])
    inputs = (inputs - inputs.mean(axis=0)) / np.where(inputs.std(axis=0) > 0, inputs.std(axis=0), 1.0)
    terms = _products(inputs) if method == "terasvirta" else _hidden_units(inputs, np.random.default_rng(rng))
    return _multiplier(target, null, terms, chosen)


def _remainder(matrix: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, int]:
    """Residuals of a regression, however many of its columns are collinear, and its rank."""
    basis, values, _ = np.linalg.svd(matrix / np.maximum(np.abs(matrix).max(axis=0), 1e-300), full_matrices=False)
    basis = basis[:, values > 1e-10 * values[0]]
    return target - basis @ (basis.T @ target), basis.shape[1]


def _rounding(target: np.ndarray) -> float:
    """Sum of squares below which residuals are rounding errors."""
    return float(len(target) * (16.0 * np.finfo(float).eps * np.abs(target).max(initial=0.0)) ** 2) or 1e-300


def _products(inputs: np.ndarray) -> np.ndarray:
    """Squares, cubes and cross products: as many kinds of them as leave ten observations for each."""
    n, m = inputs.shape
    for pairs, triples in ((True, True), (True, False), (False, False)):
        sets: list[tuple[int, ...]] = (
            [*combinations_with_replacement(range(m), 2)] if pairs else [(i, i) for i in range(m)]
        )
        sets += [*combinations_with_replacement(range(m), 3)] if triples else [(i, i, i) for i in range(m)]
        if len(sets) <= n / 10:
            break
    return np.column_stack([inputs[:, list(chosen)].prod(axis=1) for chosen in sets])


def _hidden_units(inputs: np.ndarray, rng: np.random.Generator, n_units: int = 20, n_kept: int = 3) -> np.ndarray:
    """Principal components, the first left out, of random logistic units (Lee, White and Granger 1993)."""
    weights = rng.uniform(-2.0, 2.0, size=(inputs.shape[1] + 1, n_units))
    hidden = 1.0 / (1.0 + np.exp(-(inputs @ weights[1:] + weights[0])))
    basis = np.linalg.svd(hidden - hidden.mean(axis=0), full_matrices=False)[0]
    return basis[:, 1 : 1 + n_kept]


def _multiplier(target: np.ndarray, null: np.ndarray, terms: np.ndarray, lags: tuple[int, ...]) -> NonlinearityTest:
    """LM statistic of `terms` beside the regressors `null`, in both its forms."""
    n = len(target)
    restricted, rank_null = _remainder(null, target)
    full, rank = _remainder(np.column_stack([null, terms]), target)
    df, df_denom = rank - rank_null, n - rank
    rounding = _rounding(target)
    ssr0, ssr1 = max(float(restricted @ restricted), rounding), max(float(full @ full), rounding)
    statistic = n * (ssr0 - ssr1) / ssr0
    fvalue = (ssr0 - ssr1) / max(df, 1) / (ssr1 / max(df_denom, 1))
    return NonlinearityTest(
        statistic=statistic,
        pvalue=float(stats.chi2.sf(statistic, df)) if df > 0 else 1.0,
        fvalue=fvalue,
        f_pvalue=float(stats.f.sf(fvalue, df, df_denom)) if df > 0 else 1.0,
        df_num=df,
        df_denom=df_denom,
        lags=lags,
    )
