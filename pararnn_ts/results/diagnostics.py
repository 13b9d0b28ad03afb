"""Tests on the residuals, with the signatures of statsmodels' state space models, and a test of linearity."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tsa.stattools import acf, breakvar_heteroskedasticity_test

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "NonlinearityTest",
    "heteroskedasticity_test",
    "nonlinearity_test",
    "normality_test",
    "serial_correlation_test",
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
    return resid[seen[0] :] if len(seen) else resid[:0]


def normality_test(results: RecurrentResults, method: str | None = None) -> np.ndarray:
    """Jarque-Bera test: an array ((statistic, p-value, skewness, kurtosis),)."""
    _choose(method, ("jarquebera",))
    resid = _residuals(results)
    return np.array([jarque_bera(resid[np.isfinite(resid)])])


def serial_correlation_test(
    results: RecurrentResults, method: str | None = None, df_adjust: bool = False, lags: Any = None
) -> np.ndarray:
    """Ljung-Box or Box-Pierce test: an array of shape (1, 2, lags) of statistics and p-values."""
    method = _choose(method, ("ljungbox", "boxpierce"))
    resid = _residuals(results)
    n = int(np.isfinite(resid).sum())
    if lags is None:
        period = results.model.period if getattr(results.model, "seasonal", False) else None
        lags = max(1, min(2 * period if period else 10, n // 5))
    wanted = np.arange(1, lags + 1) if np.ndim(lags) == 0 else np.unique(np.asarray(lags, dtype=int))
    if len(wanted) == 0 or wanted[0] < 1 or wanted[-1] >= len(resid):
        raise ValueError(f"lags must lie between 1 and {len(resid) - 1}, the length of the residuals, but is {lags!r}.")
    correlation = acf(resid, nlags=int(wanted[-1]), fft=False, missing="conservative")[1:]
    each = correlation**2
    if method == "ljungbox":
        each = each * (n + 2) / (n - np.arange(1, len(each) + 1))
    statistic = n * np.cumsum(each)[wanted - 1]
    df = wanted - (results.df_model if df_adjust else 0.0)
    pvalue = np.where(df > 0, stats.chi2.sf(statistic, np.where(df > 0, df, 1.0)), np.nan)
    return np.array([[statistic, pvalue]])


def heteroskedasticity_test(
    results: RecurrentResults, method: str | None = None, alternative: str = "two-sided", use_f: bool = True
) -> np.ndarray:
    """Test of a break in the variance: an array ((statistic, p-value),)."""
    _choose(method, ("breakvar",))
    resid = _residuals(results)
    found = breakvar_heteroskedasticity_test(
        resid, subset_length=max(1, round(len(resid) / 3)), alternative=alternative, use_f=use_f
    )
    return np.array([[float(np.squeeze(part)) for part in found]])


def nonlinearity_test(
    results: RecurrentResults, method: str | None = None, lags: Any = None, rng: Any = 0
) -> NonlinearityTest:
    """Test the nested linear model against neglected nonlinearity, see `RecurrentResults.test_nonlinearity`."""
    method = _choose(method, ("terasvirta", "white"))
    spec, model = results.model.specification, results.model
    order = len(spec.difference) - 1
    y = np.convolve(model._y, spec.difference)[: len(model._y)]
    y[:order] = np.nan
    tried = sorted({1, 2, *spec.lags} if lags is None else {int(lag) for lag in np.atleast_1d(lags)})
    if not tried or tried[0] < 1 or tried[-1] >= len(y) // 2:
        raise ValueError(f"lags must be positive integers below half the length of the series, but is {lags!r}.")
    longest = max([*tried, *spec.linear_lags, min(MOST_LAGS, len(y) // 10)])
    column = {lag: np.concatenate([np.full(lag, np.nan), y[:-lag]]) for lag in range(1, longest + 1)}
    rows = np.isfinite(np.column_stack([y, *column.values(), model._x, model._det])).all(axis=1)
    target = y[rows]
    if len(target) < 3 * (longest + model._x.shape[1] + model._det.shape[1] + 2):
        raise ValueError(
            f"The linearity test needs more data: {len(target)} complete rows are too few for {longest} lags; "
            "pass fewer with lags."
        )
    constant = np.ones((len(target), 1))
    outside = np.column_stack([constant, model._det[rows], model._x[rows]])
    own = sorted({*spec.linear_lags, *tried})

    def design(p: int) -> tuple[np.ndarray, tuple[int, ...]]:
        chosen = tuple(sorted({*own, *range(1, p + 1)}))
        return np.column_stack([outside, *(column[lag][rows] for lag in chosen)]), chosen

    def akaike(p: int) -> float:
        matrix, _ = design(p)
        return len(target) * np.log(np.sum(_remainder(matrix, target) ** 2)) + 2 * matrix.shape[1]

    null, chosen = design(min(range(min(MOST_LAGS, longest) + 1), key=akaike))
    inputs = np.column_stack([*(column[lag][rows] for lag in tried), model._x[rows]])
    inputs = (inputs - inputs.mean(axis=0)) / np.where(inputs.std(axis=0) > 0, inputs.std(axis=0), 1.0)
    terms = _products(inputs) if method == "terasvirta" else _hidden_units(inputs, np.random.default_rng(rng))
    return _multiplier(target, null, terms, chosen)


def _remainder(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Residuals of a regression, however many of its columns are collinear."""
    basis, values, _ = np.linalg.svd(matrix / np.maximum(np.abs(matrix).max(axis=0), 1e-300), full_matrices=False)
    basis = basis[:, values > 1e-10 * values[0]]
    return target - basis @ (basis.T @ target)


def _products(inputs: np.ndarray) -> np.ndarray:
    """Squares, cubes and cross products: as many kinds of them as leave ten observations for each."""
    n, m = inputs.shape
    for pairs, triples in ((True, True), (True, False), (False, False)):
        sets = [*combinations_with_replacement(range(m), 2)] if pairs else [(i, i) for i in range(m)]
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
    restricted = _remainder(null, target)
    full = _remainder(np.column_stack([null, terms]), target)
    rank_null, rank = np.linalg.matrix_rank(null), np.linalg.matrix_rank(np.column_stack([null, terms]))
    df, df_denom = int(rank - rank_null), int(n - rank)
    ssr0, ssr1 = float(restricted @ restricted), float(full @ full)
    statistic = n * (ssr0 - ssr1) / ssr0
    fvalue = (ssr0 - ssr1) / max(df, 1) / (ssr1 / max(df_denom, 1))
    return NonlinearityTest(
        statistic=statistic,
        pvalue=float(stats.chi2.sf(statistic, df)),
        fvalue=fvalue,
        f_pvalue=float(stats.f.sf(fvalue, df, df_denom)),
        df_num=df,
        df_denom=df_denom,
        lags=lags,
    )
