"""The standardised least-squares problem against the textbook, with and without gaps."""

import numpy as np
import pytest
import twin
from problems import derivatives, make, nonlinear_series

from pararnn_ts.estimation.problem import GappedProblem, Sample, UnitProblem, difference_series
from pararnn_ts.kernels.lanes import LANES

SPECS = {
    "plain": twin.specification((2,), "tanh", (1,), (1,), 1),
    "no constant": twin.specification((1,), "logistic", (1, 2), (1, 2, 3), 0),
    "exog, differenced": twin.specification((2, 1), "tanh", (1, 3), (1, 2), 1, 2, (1.0, -1.0)),
    "held back": twin.specification((3,), "identity", (2,), (1,), 1, 0, (1.0,), extra=5),
    "linear": twin.specification((), "tanh", (), (1, 2, 4), 1, 1),
    "long linear lags": twin.specification((1,), "tanh", (1,), (1, 12), 1),
}


def case(name, gaps=False):
    spec, rng = SPECS[name], np.random.default_rng(0)
    y = nonlinear_series(70)
    if gaps:
        y[rng.random(70) < 0.2] = np.nan
        y[: spec.hold_back] = nonlinear_series(70)[: spec.hold_back]
    problem = make(spec, y, rng.normal(size=(70, len(spec.exog_names))) + 5.0)
    return problem, twin.random_params(spec, rng)


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("name", SPECS)
def test_a_series_differenced_for_its_scale_is_the_one_that_is_fitted(name, gaps):
    problem, _ = case(name, gaps)
    again = problem.with_sample(problem.sample)
    np.testing.assert_array_equal(problem.target, again.target)
    assert not np.shares_memory(problem.target, problem.sample.y)
    assert problem.variance == again.variance


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("name", SPECS)
def test_products_are_those_of_the_textbook(name, gaps):
    problem, params = case(name, gaps)
    assert type(problem) is (GappedProblem if gaps else UnitProblem)
    residual, jacobian = derivatives(problem, params)
    whole = np.column_stack([jacobian, residual])
    expected = whole.T @ whole
    size = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(problem.products(params) / np.outer(size, size), expected / np.outer(size, size), rtol=0,
                               atol=1e-11)  # fmt: skip
    assert problem.n_obs == len(residual)


@pytest.mark.parametrize("name", SPECS)
def test_the_general_kernel_and_the_fast_one_agree_on_a_series_without_gaps(name):
    problem, params = case(name)
    general = GappedProblem(problem.specification, problem.sample, problem.scaling)
    np.testing.assert_allclose(general.products(params), problem.products(params), rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
def test_every_lane_has_the_products_of_its_own_parameters(gaps):
    problem, params = case("exog, differenced", gaps)
    size = len(params) + 1
    theta = params[:, None] * np.linspace(0.5, 1.0, LANES)
    theta[:, 3] = theta[:, 2]
    gram = np.empty(size * size * LANES)
    problem.evaluator()(theta.ravel(), gram)
    for lane in range(LANES):
        ours = np.tril(gram.reshape(size, size, LANES)[:, :, lane])
        np.testing.assert_array_equal(ours, np.tril(problem.products(theta[:, lane])))


def test_the_scale_of_the_problem_survives_gaps_at_every_other_row():
    # no difference of neighbours is ever observed, and none of the seasonal ones
    y = np.cumsum(np.random.default_rng(0).normal(size=240))
    for difference, missing in (((1.0, -1.0), slice(1, None, 2)), ((1.0, *[0.0] * 11, -1.0), slice(5, None, 12))):
        spec = twin.specification((1,), "tanh", (1,), (1,), 1, 0, difference)
        gapped = y.copy()
        gapped[missing] = np.nan
        gapped[: spec.hold_back] = y[: spec.hold_back]
        ours, whole = make(spec, gapped), make(spec, y)
        assert np.isfinite(ours.variance) and ours.variance > 0.0
        assert 0.5 < ours.scaling.scale[0] / whole.scaling.scale[0] < 2.0


def test_differencing_loses_as_many_rows_as_its_order():
    w = difference_series(np.array([1.0, 4.0, 9.0, 16.0]), (1.0, -1.0))
    np.testing.assert_array_equal(w, [np.nan, 3.0, 5.0, 7.0])
    assert np.isnan(difference_series(np.ones(2), (1.0, 0.0, 0.0, -1.0))).all()


def test_the_sample_is_left_as_it_was():
    problem, params = case("exog, differenced", gaps=True)
    before = Sample(*(array.copy() for array in vars(problem.sample).values()))
    problem.products(params)
    for ours, expected in zip(vars(problem.sample).values(), vars(before).values(), strict=True):
        np.testing.assert_array_equal(ours, expected)
