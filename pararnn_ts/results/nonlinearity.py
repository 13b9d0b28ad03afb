"""A test of linear dynamics against neglected nonlinearity, on arrays and for fitted models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pandas.api.types import is_scalar
from scipy import stats
from scipy.signal import lfilter, lfiltic
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_params

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.problem import difference_series
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.recursion import run_path
from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_generator, check_lags, given
from pararnn_ts.results.trajectory import model_exog
from pararnn_ts.specification import lags_in_words

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["NonlinearityTest", "linearity_test", "test_nonlinearity"]

# the linear model has at most this many lags of its own choosing
MOST_LAGS = 12
# a column of which the others leave less than this share is one of their combinations
COLLINEAR = 1e-10
# random units, and how many principal components of what they add to the linear model are tried: recurrent ones, and
# logistic functions of the lags
N_UNITS, N_KEPT_UNITS = 100, 10
N_HIDDEN, N_KEPT = 20, 7
# recurrent weights are at most so large, that the random units forget; others are at most as large as White's
LONGEST_MEMORY, LARGEST = 0.9, 2.0
METHODS = ("units", "terasvirta", "white")


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
    bootstrap_pvalue : float
        Share of series simulated from the estimated linear model whose F statistic is as large, the observed one
        counted among them; NaN where none were asked for.
    n_bootstrap : int
        Number of simulated series.

    Notes
    -----
    ``print`` shows it as a table.
    """

    statistic: float
    pvalue: float
    fvalue: float
    f_pvalue: float
    df_num: int
    df_denom: int
    lags: tuple[int, ...]
    bootstrap_pvalue: float = float("nan")
    n_bootstrap: int = 0

    def __str__(self) -> str:
        rows = [[f"{self.fvalue:.3f}", f"{self.df_num}, {self.df_denom}", f"{self.f_pvalue:.3g}"]]
        stubs = ["F form"]
        if self.n_bootstrap:
            rows.append(["", "", f"{self.bootstrap_pvalue:.3g}"])
            stubs.append(f"the same, from {self.n_bootstrap} simulated series")
        rows.append([f"{self.statistic:.3f}", f"{self.df_num}", f"{self.pvalue:.3g}"])
        stubs.append("chi-squared form")
        table = SimpleTable(
            rows, ["statistic", "df", "p-value"], stubs, title="Is a linear autoregression enough?", txt_fmt=fmt_params
        )
        lags = lags_in_words(self.lags)
        return f"{table.as_text()}\nLags of the autoregression: {lags}.\nA small p-value speaks against it."


def test_nonlinearity(
    results: RecurrentResults, method: str | None = None, lags: Any = None, bootstrap: int = 0, rng: Any = 0
) -> NonlinearityTest:
    """
    Test whether a linear model of the series would do.

    Parameters
    ----------
    method : {"units", "terasvirta", "white", None}
        What is tried beside an autoregression: the first principal components of what random tanh units of dimension
        one, recurrent like those of the model, add to it ("units", also for None); squares, cubes and cross products
        of the inputs [1]_, with the square and the cube of its fitted values [3]_; or the first principal components
        of what random logistic functions of the inputs add [2]_.
    lags : int or list of int, optional
        Lags of the (differenced) series that may act nonlinearly; by default the first two and those of the units.
    bootstrap : int
        Number of series to simulate from the estimated linear model for a second p-value.
    rng : None, int or Generator
        Source of the random units and of the simulated series.

    Returns
    -------
    NonlinearityTest
        A small p-value says that the linear model leaves structure behind. It is one where the linear model leaves
        nothing, and where nonlinear terms are the same as linear ones, as squares and cubes of two values are.

    Notes
    -----
    The linear model has the deterministic terms, the exogenous values and the lags of the fitted model, and as many
    more lags (up to 12, fewer where the series is short or has many gaps) as Akaike's criterion chooses, so that
    moving-average dynamics are not taken for nonlinearity. The weights inside units are not identified where a linear
    model holds, which rules out a likelihood ratio or Wald test with its usual distribution; this score-type test does
    not use the fitted units at all, and may be run before trusting them. The bootstrap draws the residuals of the
    linear model with replacement, runs the recursion from the first observations, and chooses the lags anew for each
    series.

    The test takes shocks for equally variable given the past. Where their variance depends on it, as in an ARCH model,
    it rejects a linear conditional mean too often, also with the bootstrap: at the 5 % level an autoregression of order
    one whose shocks have the variance 0.5 + 0.5 e^2, e the last one, in 23 % ("units"), 50 % ("terasvirta") and 37 %
    ("white") of series of 200 observations, and in 36, 82 and 56 % of those of 1000. A small p-value then speaks
    against independent shocks around an autoregression, not for a nonlinear mean; compare ``results.resid ** 2`` with
    its past before relying on it.

    References
    ----------
    .. [1] Terasvirta, T., C.-F. Lin and C. W. J. Granger. "Power of the neural network linearity test." Journal of Time
       Series Analysis 14 (1993): 209-220.
    .. [2] Lee, T.-H., H. White and C. W. J. Granger. "Testing for neglected nonlinearity in time series models."
       Journal of Econometrics 56 (1993): 269-290.
    .. [3] Ramsey, J. B. "Tests for specification errors in classical linear least-squares regression analysis."
       Journal of the Royal Statistical Society B 31 (1969): 350-371.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_lynx().pipe(np.log10), lags=2, units=(1,)).fit(n_starts=4)
    >>> bool(res.test_nonlinearity().f_pvalue < 0.05)
    True
    """
    results.require_data()
    spec, model = results.model.specification, results.model
    return linearity_test(
        difference_series(model._y, np.asarray(spec.difference)),
        np.column_stack([model._det, model_exog(model)]),
        n_exog=model_exog(model).shape[1],
        lags=sorted({1, 2, *spec.lags}) if lags is None else lags,
        linear_lags=spec.linear_lags,
        method=method,
        bootstrap=bootstrap,
        rng=rng,
    )


@one_blas_thread()
def linearity_test(
    y: np.ndarray,
    outside: np.ndarray | None = None,
    *,
    n_exog: int = 0,
    lags: Any = (1, 2),
    linear_lags: Sequence[int] = (),
    method: str | None = None,
    bootstrap: int = 0,
    rng: Any = 0,
) -> NonlinearityTest:
    """
    Test a linear autoregression of a series; see :func:`test_nonlinearity`.

    Parameters
    ----------
    y : ndarray, (n,)
        The series, NaN where missing.
    outside : ndarray, (n, k), optional
        Deterministic terms and exogenous values, beside a constant.
    n_exog : int
        How many of the last columns of `outside` may act nonlinearly.
    lags : int or sequence of int
        Lags that may act nonlinearly; an integer is one lag, here as in :func:`test_nonlinearity`.
    linear_lags : sequence of int
        Lags that the linear model has in any case.
    method, bootstrap, rng
        As in :func:`test_nonlinearity`.

    Returns
    -------
    NonlinearityTest

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.nonlinearity import linearity_test
    >>> e = np.random.default_rng(0).standard_normal(300)
    >>> bool(linearity_test(e[1:] + 0.8 * e[:-1]).f_pvalue > 0.05)
    True
    """
    if method is None:
        method = METHODS[0]
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))} or None, but is {given(method)}.")
    bootstrap = check_count(bootstrap, "bootstrap", 0, MOST_DRAWS)
    y = np.asarray(y, dtype=float)
    tried = check_lags([lags] if is_scalar(lags) else lags, "lags")
    if not tried:
        raise ValueError(f"lags must be positive integers, but is {given(lags)}.")
    if tried[-1] >= len(y):
        raise ValueError(
            f"The linearity test needs more data: lags reach back {tried[-1]} observations, and there are {len(y)}; "
            "pass shorter ones with lags, or fit a model with fewer."
        )
    outside = np.empty((len(y), 0)) if outside is None else np.asarray(outside, dtype=float)
    generator = check_generator(rng)
    n_inputs = len(tried) + n_exog
    weights = np.empty(0)
    if method == "white":
        weights = generator.uniform(-LARGEST, LARGEST, size=(n_inputs + 1, N_HIDDEN))
    elif method == "units":
        weights = _random_units(n_inputs, generator)
    own = tuple(sorted({*linear_lags, *tried}))
    # a gap takes as many rows away as there are lags: with many gaps fewer lags are tried
    for reach in range(max(*own, min(MOST_LAGS, len(y) // 10)), own[-1] - 1, -1):
        design = _Design(outside, n_exog, tuple(tried), own, reach, method, weights)
        sample = design.sample(y)
        complete = len(sample.target)
        if complete >= 3 * (reach + outside.shape[1] + 2):
            break
    else:
        raise ValueError(
            f"The linearity test needs more data: {complete} complete rows are too few for {reach} lags; pass fewer "
            "with lags, or fit a model with fewer."
        )
    found, null = design.test(sample)
    if not bootstrap:
        return found
    simulated = _simulate_null(y, sample, null, bootstrap, generator)
    larger = sum(not design.test(design.sample(path))[0].fvalue < found.fvalue for path in simulated)
    return found._replace(bootstrap_pvalue=(1 + larger) / (1 + bootstrap), n_bootstrap=bootstrap)


class _Sample(NamedTuple):
    """
    Complete rows of a series beside its lags; the target and the lags in units of `size`.

    Inputs are those of all rows, standardised over the complete ones; missing ones are at their mean, zero.
    """

    rows: np.ndarray
    target: np.ndarray
    lagged: np.ndarray
    outside: np.ndarray
    inputs: np.ndarray
    size: float


@dataclass(frozen=True)
class _Design:
    """What enters the test, apart from the series itself."""

    outside: np.ndarray
    n_exog: int
    tried: tuple[int, ...]
    own: tuple[int, ...]
    reach: int
    method: str
    weights: np.ndarray

    def sample(self, y: np.ndarray) -> _Sample:
        """Rows without missing values."""
        reach = self.reach
        size = float(np.nanmax(np.abs(y), initial=0.0)) or 1.0
        scaled = np.concatenate([np.full(reach, np.nan), y / size])
        lagged = np.column_stack([scaled[reach - lag : len(scaled) - lag] for lag in range(reach + 1)])
        rows = np.isfinite(lagged).all(axis=1) & np.isfinite(self.outside).all(axis=1)
        constant = np.ones((np.count_nonzero(rows), 1))
        outside = np.column_stack([constant, self.outside[rows]])
        exog = self.outside[:, self.outside.shape[1] - self.n_exog :]
        inputs = _standardised(np.column_stack([lagged[:, np.array(self.tried)], exog]), rows)
        inputs[~np.isfinite(inputs)] = 0.0
        return _Sample(rows, lagged[rows, 0], lagged[rows, 1:], outside, inputs, size)

    def test(self, sample: _Sample) -> tuple[NonlinearityTest, tuple[int, ...]]:
        """Choose the lags of the linear model, and try the nonlinear terms beside it."""
        target, lagged = sample.target, sample.lagged
        n = len(target)
        rounding = float(n * (16.0 * np.finfo(float).eps * np.abs(target).max(initial=0.0)) ** 2) or 1e-300
        basis = _extended(np.empty((n, 0)), np.column_stack([sample.outside, lagged[:, np.array(self.own) - 1]]))
        others = [lag for lag in range(1, min(MOST_LAGS, lagged.shape[1]) + 1) if lag not in self.own]
        resid = target - basis @ (basis.T @ target)
        candidates = [(basis, resid)]
        for lag in others:
            basis = _extended(basis, lagged[:, lag - 1 : lag])
            if basis.shape[1] > candidates[-1][0].shape[1]:
                resid = resid - basis[:, -1] * (basis[:, -1] @ resid)
            candidates.append((basis, resid))
        akaike = [n * np.log(max(float(e @ e), rounding)) + 2 * q.shape[1] for q, e in candidates]
        best = int(np.argmin(akaike))
        basis, resid = candidates[best]
        lags = tuple(sorted({*self.own, *others[:best]}))

        terms = self._terms(sample, target - resid)
        for _ in range(2):
            terms = terms - basis @ (basis.T @ terms)
        left = _orthonormal(terms) if self.method == "terasvirta" else _principal(terms, self.n_kept)
        gain = float(np.sum((left.T @ resid) ** 2))
        ssr0 = max(float(resid @ resid), rounding)
        ssr1 = max(ssr0 - gain, rounding)
        df, df_denom = left.shape[1], n - basis.shape[1] - left.shape[1]
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
        ), lags

    @property
    def n_kept(self) -> int:
        """Principal components of what random units add that are tried."""
        return N_KEPT_UNITS if self.method == "units" else N_KEPT

    def _terms(self, sample: _Sample, fitted: np.ndarray) -> np.ndarray:
        """Nonlinear functions of the standardised inputs, and of the fitted values of the linear model."""
        if self.method == "units":
            return _unit_states(self.weights, sample.inputs)[sample.rows]
        inputs = sample.inputs[sample.rows]
        if self.method == "white":
            return 1.0 / (1.0 + np.exp(-(inputs @ self.weights[1:] + self.weights[0])))
        index = _standardised(fitted[:, None])
        terms = np.column_stack([_products(inputs), index**2, index**3])
        return terms / np.maximum(np.sqrt(np.mean(terms**2, axis=0)), 1e-300)


def _random_units(n_inputs: int, rng: np.random.Generator) -> np.ndarray:
    """
    Weights w, u and b of random units of dimension one, (N_UNITS, n_inputs + 2).

    Every other unit reads one of the inputs only: where there are many, few random directions are close to one of them.
    """
    recurrent = rng.uniform(-LONGEST_MEMORY, LONGEST_MEMORY, size=(N_UNITS, 1))
    others = rng.uniform(-LARGEST, LARGEST, size=(N_UNITS, n_inputs + 1))
    chosen = rng.integers(n_inputs, size=N_UNITS)[::2]
    others[::2, :n_inputs] *= np.arange(n_inputs) == chosen[:, None]
    return np.column_stack([recurrent, others])


def _unit_states(weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """States of units of dimension one along their inputs, (n, number of units)."""
    (n, n_inputs), count = inputs.shape, len(weights)
    # linear coefficients of the inputs and output weights have no part in it
    params = np.concatenate([np.zeros(n_inputs), np.column_stack([weights, np.zeros(count)]).ravel()])
    states, none = np.zeros((n, count)), np.empty(0, dtype=np.int64)
    run_path(
        params, np.ones(count, dtype=np.int64), ACTIVATIONS["tanh"], none, none, np.ones(1), np.empty((n, 0)),
        np.ascontiguousarray(inputs), np.zeros(n), np.zeros(n), 0, n, np.zeros(count), states, np.zeros(n),
        np.zeros((n, count)),
    )  # fmt: skip
    return states


def _orthonormal(terms: np.ndarray) -> np.ndarray:
    """Orthonormal basis of columns of length sqrt(n) or less, what is rounding left out."""
    left, values, _ = np.linalg.svd(terms, full_matrices=False)
    return left[:, values > 10.0 * COLLINEAR * np.sqrt(len(terms))]


def _principal(terms: np.ndarray, most: int) -> np.ndarray:
    """First principal components of columns of the size of one, of length one, what is rounding left out."""
    values, vectors = np.linalg.eigh(terms.T @ terms)
    # the errors of products are of the size of eps, and those of lengths of its root
    kept = np.flatnonzero(values > 1e-12 * len(terms))[::-1][:most]
    return terms @ (vectors[:, kept] / np.sqrt(values[kept]))


def _standardised(columns: np.ndarray, rows: Any = slice(None)) -> np.ndarray:
    """Columns less their means and over their standard deviations, those of some rows; zero where there are none."""
    if not len(columns[rows]):
        return np.zeros_like(columns)
    spread = columns[rows].std(axis=0)
    return (columns - columns[rows].mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _extended(basis: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Orthonormal basis with those of the columns that are not combinations of it."""
    n, k = basis.shape
    wide = np.empty((n, k + columns.shape[1]))
    wide[:, :k] = basis
    for column in columns.T:
        size = np.sqrt(column @ column)
        # twice is enough (Kahan)
        for _ in range(2):
            column = column - wide[:, :k] @ (wide[:, :k].T @ column)
        left = np.sqrt(column @ column)
        if left > COLLINEAR * size:
            wide[:, k] = column / left
            k += 1
    return wide[:, :k]


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


def _simulate_null(
    y: np.ndarray, sample: _Sample, lags: tuple[int, ...], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Series of the estimated linear model, (count, n), with the gaps and the first values of the observed one."""
    rows, first = sample.rows, lags[-1]
    design = np.column_stack([sample.outside, sample.lagged[:, np.array(lags) - 1]])
    coefficients, _, rank, _ = np.linalg.lstsq(design, sample.target, rcond=None)
    resid = sample.target - design @ coefficients
    resid = (resid - resid.mean()) * np.sqrt(len(resid) / max(len(resid) - rank, 1))
    k = sample.outside.shape[1]
    polynomial = np.zeros(first + 1)
    polynomial[0], polynomial[list(lags)] = 1.0, -coefficients[k:]
    drift = np.zeros(len(y))
    drift[rows] = sample.outside @ coefficients[:k]
    # rows that were not complete have no terms of their own: the average does for them
    drift[~rows] = drift[rows].mean()
    missing = np.isnan(y)
    history = np.where(missing[:first], np.nanmean(y), y[:first]) / sample.size
    shocks = drift[first:] + rng.choice(resid, size=(count, len(y) - first))
    state = np.broadcast_to(lfiltic([1.0], polynomial, history[::-1]), (count, first))
    with np.errstate(over="ignore", invalid="ignore"):
        path, _ = lfilter([1.0], polynomial, shocks, axis=1, zi=state)
    simulated = np.column_stack([np.broadcast_to(history, (count, first)), path]) * sample.size
    simulated[:, missing] = np.nan
    return simulated
