"""The problem of a long sample: the same numbers as with matrices of lags, and no memory that grows."""

import tracemalloc

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts.estimation.problem import UnitProblem
from pararnn_ts.estimation.series_problem import LONG_SAMPLE, SeriesProblem, complete_problem
from pararnn_ts.kernels.long_series import STRETCH

OPTIONS = {
    "plain": {},
    "lags": {"lags": [1, 3], "linear_lags": [1, 2, 5], "units": (2, 1)},
    "trend and season": {"trend": "ct", "seasonal": True, "period": 4, "lags": 2},
    "differences": {"diff": 1, "seasonal_diff": 1, "period": 4, "linear_lags": 3},
    "longer linear lags": {"lags": 1, "linear_lags": 4, "hold_back": 4},
}


def model(n: int, exog: bool = False, **options) -> prt.ParaRNN:
    rng = np.random.default_rng(n)
    y = np.cumsum(rng.standard_normal(n)) * 0.1 + rng.standard_normal(n)
    return prt.ParaRNN(y, rng.standard_normal((n, 2)) if exog else None, **options)


@pytest.mark.parametrize("n", [60, STRETCH + 3, 2 * STRETCH + 1])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("exog", [False, True])
def test_products_are_those_of_the_matrices(n, options, exog):
    built = model(n, exog, **options)
    plain = built._problem()
    long = SeriesProblem(plain.specification, plain.sample, plain.scaling)
    assert isinstance(plain, UnitProblem)
    params = np.random.default_rng(1).standard_normal(len(plain.group)) * 0.3
    np.testing.assert_allclose(long.products(params), plain.products(params), rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(long.residuals(params), plain.residuals(params), rtol=1e-12)
    np.testing.assert_array_equal(long.linear_design(), plain.linear_design())


def test_weights_count_as_in_the_matrices():
    plain = model(3000)._problem()
    weights = np.random.default_rng(0).uniform(0.1, 2.0, plain.n_obs)
    weighted = plain.reweighted(weights)
    long = SeriesProblem(plain.specification, weighted.sample, plain.scaling)
    params = np.full(len(plain.group), 0.2)
    np.testing.assert_allclose(long.products(params), weighted.products(params), rtol=1e-11)


def test_a_long_sample_is_chosen_by_its_length_and_its_beginning_is_short():
    built = model(LONG_SAMPLE)
    problem = built._problem()
    assert isinstance(problem, SeriesProblem)
    assert isinstance(problem.head(1000), UnitProblem)
    assert isinstance(problem.reweighted(np.ones(problem.n_obs)), SeriesProblem)
    assert isinstance(complete_problem(problem.specification, problem.sample, problem.scaling), SeriesProblem)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The best start did not converge")
def test_a_fit_takes_two_series_and_a_little_more():
    """The model's copy and the standardised series whose lags are read."""
    model(LONG_SAMPLE).fit(n_starts=2, maxiter=2)  # everything is compiled
    y = np.random.default_rng(0).standard_normal(2_000_000)
    tracemalloc.start()
    prt.ParaRNN(y).fit(n_starts=2, maxiter=2)
    extra = tracemalloc.get_traced_memory()[1] - 2 * y.nbytes
    tracemalloc.stop()
    # masks, and the matrices of the short beginning on which starts are tried first
    assert extra < 24e6
