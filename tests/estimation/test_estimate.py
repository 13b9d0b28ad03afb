"""From a sample to parameters in the data's units: equivariance, curvature, gaps, choice among starts."""

from math import lgamma

import numpy as np
import pytest
import twin
from problems import derivatives, make, nonlinear_series, ridge_of

from pararnn_ts.datasets import load_nile
from pararnn_ts.estimation.curvature import in_data_units
from pararnn_ts.estimation.estimate import curvature, estimate
from pararnn_ts.estimation.levenberg_marquardt import CONVERGED, PRIOR, RETIRED, Options, minimize
from pararnn_ts.estimation.racing import EXPANSION_ODDS, passed_over, with_odds
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.models.pararnn import ParaRNN

PLAIN = twin.specification((2,), "tanh", (1, 2), (1,), 1)
LINEAR = twin.specification((), "tanh", (), (1, 2), 1, 1)


def fitted(spec, y, exog=None, penalty=None, n_starts=8, **options):
    problem = make(spec, y, exog)
    starts = random_starts(spec, n_starts, np.random.default_rng(0))
    return problem, estimate(problem, starts, Options(penalty=penalty, **options))


def predictions(problem, params):
    sample = problem.sample
    return twin.run(problem.specification, params, sample.y, sample.exog, sample.deterministic).fitted


# ------------------------------------------------------------------------------------------------- equivariance


# without a penalty rounding decides which of many optima a start finds; there the next test holds bit by bit
@pytest.mark.parametrize("penalty", [0.1, 1.0, None])
@pytest.mark.parametrize("a", [1e-6, 3.0, 1e6])
def test_a_linear_map_of_the_series_maps_the_fit(a, penalty):
    b = 100.0 * a
    y = nonlinear_series(150)
    before, one = fitted(PLAIN, y, penalty=penalty, tol=1e-11, maxiter=1000)
    after, two = fitted(PLAIN, a * y + b, penalty=penalty, tol=1e-11, maxiter=1000)
    # which of the starts that share the best optimum comes first is a matter of rounding
    np.testing.assert_allclose(
        predictions(after, two.params), a * predictions(before, one.params) + b, rtol=0, atol=1e-4 * a
    )
    (wide,), (narrow,) = PLAIN.unit_weights(two.params), PLAIN.unit_weights(one.params)
    np.testing.assert_allclose(wide.W, narrow.W, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(wide.U * a, narrow.U, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(wide.b + wide.U.sum(axis=1) * b, narrow.b, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(wide.v / a, narrow.v, rtol=1e-2, atol=1e-3)
    assert two.curvature.scale == pytest.approx(a**2 * one.curvature.scale, rel=1e-5)
    assert two.curvature.effective == pytest.approx(one.curvature.effective, rel=1e-3)
    if penalty is None:
        # densities are per unit of the series
        assert two.log_evidence == pytest.approx(one.log_evidence - before.n_obs * np.log(a), abs=1e-3)


@pytest.mark.parametrize("penalty", [0.0, None])
def test_a_scale_that_is_a_power_of_two_changes_no_bit(penalty):
    y = nonlinear_series(120)
    _, one = fitted(PLAIN, y, penalty=penalty)
    for a in (2.0**-20, 2.0**20):
        _, two = fitted(PLAIN, a * y, penalty=penalty)
        np.testing.assert_array_equal(two.starts.params, one.starts.params)
        (wide,), (narrow,) = PLAIN.unit_weights(two.params), PLAIN.unit_weights(one.params)
        np.testing.assert_array_equal(wide.W, narrow.W)
        np.testing.assert_array_equal(wide.v, a * narrow.v)


def test_the_origin_and_unit_of_an_exogenous_column_do_not_matter():
    y, x = nonlinear_series(150), np.random.default_rng(3).normal(size=(150, 1))
    spec = twin.specification((1,), "tanh", (1,), (1, 2), 1, 1)
    before, one = fitted(spec, y, x, tol=1e-11, maxiter=1000)
    after, two = fitted(spec, y, 1000.0 * x - 40.0, tol=1e-11, maxiter=1000)
    np.testing.assert_allclose(predictions(after, two.params), predictions(before, one.params), rtol=0, atol=1e-4)
    assert two.log_evidence == pytest.approx(one.log_evidence, abs=1e-3)


def test_evidence_compares_models_that_standardise_differently():
    # a series around zero: with and without a constant, in levels and in differences, all describe the same data
    rng = np.random.default_rng(0)
    y = np.zeros(300)
    for t in range(1, 300):
        y[t] = 0.6 * y[t - 1] + rng.normal()
    with_constant = fitted(twin.specification((), "tanh", (), (1,), 1), y)[1].log_evidence
    without = fitted(twin.specification((), "tanh", (), (1,), 0), y)[1].log_evidence
    shifted = fitted(twin.specification((), "tanh", (), (1,), 0), y + 1e3)[1].log_evidence
    assert abs(with_constant - without) < 6.0
    assert shifted < without - 20.0  # without a constant a level of 1000 is a burden, not an advantage


# ----------------------------------------------------------------------------------------------------- curvature


@pytest.mark.parametrize("penalty", [0.0, 5.0, None])
def test_effective_parameters_are_the_trace_of_the_hat_matrix(penalty):
    y, x = nonlinear_series(150), np.random.default_rng(3).normal(size=(150, 1))
    problem, found = fitted(LINEAR, y, x, penalty=penalty, n_starts=1)
    z = problem.linear_columns[problem.weight > 0]
    solutions = found.starts
    alpha = solutions.alpha[0] / solutions.beta[0] if penalty is None else penalty
    hat = z @ np.linalg.solve(z.T @ z + np.diag(ridge_of(problem, alpha)), z.T)
    assert found.curvature.effective == pytest.approx(np.trace(hat), rel=1e-6)
    residual = problem.y[problem.weight > 0] - z @ solutions.params[0]
    sse = residual @ residual * problem.scaling.scale[0] ** 2
    assert found.curvature.scale == pytest.approx(sse / (problem.n_obs - np.trace(hat)), rel=1e-6)


def precision_of(found):
    """Precision of an estimate in the units of the data."""
    return in_data_units(found.curvature.precision, found.curvature.to_data)


def test_least_squares_has_the_precision_of_least_squares():
    y, x = nonlinear_series(150), np.random.default_rng(3).normal(size=(150, 1))
    _problem, found = fitted(LINEAR, y, x, penalty=0.0, n_starts=1)
    z = np.column_stack([np.ones(148), y[1:-1], y[:-2], x[2:]])
    np.testing.assert_allclose(precision_of(found), z.T @ z / found.curvature.scale, rtol=1e-6)
    assert found.curvature.effective == pytest.approx(4.0, abs=1e-9)


@pytest.mark.parametrize("penalty", [0.0, 0.5, None])
def test_precision_is_the_hessian_in_the_units_of_the_data(penalty):
    problem, found = fitted(PLAIN, nonlinear_series(150), penalty=penalty)
    slopes = twin.imaginary_step(lambda p: predictions(problem, p)[2:], found.params)
    expected = slopes.T @ slopes
    back = np.linalg.inv(problem.scaling.jacobian())
    alpha = np.array([found.alpha[name] for name in ("recurrent", "input", "output", "linear")])
    if penalty is None:
        expected *= found.starts.beta[found.best] / problem.scaling.scale[0] ** 2
        expected += back.T @ np.diag(ridge_of(problem, alpha)) @ back
    else:
        noise = found.curvature.scale / problem.scaling.scale[0] ** 2
        expected = expected / found.curvature.scale + back.T @ np.diag(ridge_of(problem, penalty)) @ back / noise
    size = np.sqrt(np.diag(expected))
    ours = precision_of(found) / np.outer(size, size)
    np.testing.assert_allclose(ours, expected / np.outer(size, size), rtol=0, atol=1e-8)


def test_directions_the_data_do_not_see_are_not_counted():
    y, x = nonlinear_series(150), np.random.default_rng(3).normal(size=(150, 1))
    spec = twin.specification((), "tanh", (), (1, 2), 1, 3)
    _, found = fitted(spec, y, np.hstack([x, x, 2.0 * x]), penalty=0.0, n_starts=1)
    assert found.curvature.effective == pytest.approx(4.0, abs=1e-6)
    problem = make(PLAIN, y)
    dead = np.zeros(PLAIN.n_params)  # a unit without output weights: only v and the linear path act
    assert curvature(problem, dead, problem.products(dead), np.zeros(4), None).effective <= 2.0 + 1e-9


# ---------------------------------------------------------------------------------------------------------- gaps


@pytest.mark.parametrize("penalty", [0.5, None])
def test_a_missing_last_value_is_no_value(penalty):
    y = nonlinear_series(120)
    _, short = fitted(PLAIN, y, penalty=penalty, tol=1e-11, maxiter=2000)
    _, gapped = fitted(PLAIN, np.append(y, [np.nan, np.nan]), penalty=penalty, tol=1e-11, maxiter=2000)
    np.testing.assert_allclose(gapped.params, short.params, rtol=1e-4, atol=1e-4)
    assert gapped.curvature.scale == pytest.approx(short.curvature.scale, rel=1e-6)
    if penalty is None:
        assert gapped.log_evidence == pytest.approx(short.log_evidence, abs=1e-4)


@pytest.mark.parametrize("spec", [PLAIN, twin.specification((1,), "tanh", (1,), (1, 3), 1, 0, (1.0, -1.0))], ids=str)
def test_a_fit_with_gaps_is_optimal_by_the_textbook(spec):
    y = np.cumsum(nonlinear_series(150) - 3.0)
    y[[20, 21, 22, 60, 100, 101]] = np.nan
    problem, found = fitted(spec, y, penalty=0.1, tol=1e-12, maxiter=3000)
    params = problem.scaling.to_standard(found.params)
    residual, jacobian = derivatives(problem, params)
    assert len(residual) == 150 - spec.hold_back - 6 == problem.n_obs
    ridge = ridge_of(problem, 0.1)
    gradient = jacobian.T @ residual - ridge * params
    hessian = jacobian.T @ jacobian + np.diag(ridge)
    assert found.starts.status[found.best] == CONVERGED
    assert 0.5 * gradient @ np.linalg.solve(hessian, gradient) < 1e-10 * (residual @ residual)


def test_few_gaps_move_the_estimates_little():
    y = nonlinear_series(400)
    gapped = y.copy()
    gapped[[100, 200, 300]] = np.nan
    before, one = fitted(LINEAR, y, np.zeros((400, 1)), penalty=0.0, n_starts=1)
    _, two = fitted(LINEAR, gapped, np.zeros((400, 1)), penalty=0.0, n_starts=1)
    error = np.sqrt(np.diag(np.linalg.pinv(precision_of(one))))[:3]
    assert (np.abs(two.params - one.params)[:3] < 0.5 * error).all()
    assert before.n_obs == 398


# -------------------------------------------------------------------------------------------------------- choice


@pytest.mark.parametrize("penalty", [0.0, 2.0, None])
def test_the_best_start_is_the_best_by_the_criterion_of_the_fit(penalty):
    _, found = fitted(PLAIN, nonlinear_series(150), penalty=penalty, n_starts=24)
    s = found.starts
    score = s.log_evidence if penalty is None else -s.objective
    assert s.status[found.best] != RETIRED
    assert score[found.best] == score[s.status != RETIRED].max()


def test_no_start_is_given_up_for_one_whose_units_can_expand():
    # on the way starts are compared by their evidence alone, and all that do not expand are behind
    model = ParaRNN(load_nile(), units=(1,))
    problem = model._problem()
    starts = model._starts(problem, 16, np.random.default_rng(0))[0]
    options = Options()
    ended = with_odds(problem, minimize(problem, starts, options), options)
    again = passed_over(problem, ended, options)
    assert len(again) and (ended.status[again] == RETIRED).all() and not problem.n_expansive(ended.params[again]).any()
    found = estimate(problem, starts, options)
    # units that can latch into a state are less likely from the outset
    raw = minimize(problem, starts, options).log_evidence
    worth = raw - EXPANSION_ODDS * problem.n_expansive(ended.params)
    stayed = np.setdiff1d(np.arange(16), again)
    np.testing.assert_array_equal(found.starts.log_evidence[stayed], worth[stayed])
    assert found.best in again and found.starts.log_evidence[found.best] > worth[stayed].max() + 1.0
    # with fewer than nine starts none is retired before it has been seen for what it is
    alone = estimate(problem, starts[again[:8]], options)
    assert found.log_evidence >= alone.log_evidence - 0.1
    assert not len(passed_over(problem, ended, Options(penalty=1.0)))


def test_a_start_that_was_retired_is_never_chosen():
    # however attractive its evidence was on the way
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=240))
    spec = twin.specification((2,), "tanh", (1,), (1,), 1, 2)
    _, found = fitted(spec, y, np.column_stack([np.arange(240.0)] * 2), n_starts=16, prior=((2.0, 0.5),) * 4)
    assert found.starts.status[found.best] != RETIRED


def test_parameters_are_canonical():
    spec = twin.specification((1, 1), "tanh", (1, 2), (1,), 1)
    problem, found = fitted(spec, nonlinear_series(150), penalty=0.5)
    sizes = []
    for weights in spec.unit_weights(found.params):
        assert weights.v[0] > 0.0
    run = twin.run(spec, found.params, problem.sample.y, problem.sample.exog, problem.sample.deterministic)
    sizes = np.nanmean(run.components[2:] ** 2, axis=0)
    assert sizes[0] >= sizes[1]


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_products_go_with_the_parameters_into_canonical_form(activation, gaps):
    y = nonlinear_series(90)
    if gaps:
        y[[20, 50, 51]] = np.nan
    problem = make(twin.specification((2, 1, 2), activation, (1, 2), (1,), 1), y)
    for seed in range(5):
        params = twin.random_params(problem.specification, np.random.default_rng(seed))
        moved, products = problem.canonical(params, problem.whole_products(params))
        np.testing.assert_allclose(products, problem.products(moved), rtol=1e-9, atol=1e-9)


def test_when_every_start_fails_it_is_said_in_a_sentence():
    problem = make(PLAIN, nonlinear_series(60))
    with pytest.raises(ValueError, match=r"endog could not be fitted: every start diverged; .*\."):
        estimate(problem, np.full((4, PLAIN.n_params), np.nan), Options())


def test_alpha_names_the_groups_of_the_model():
    assert set(fitted(PLAIN, nonlinear_series(80))[1].alpha) == {"recurrent", "input", "output", "linear"}
    assert set(fitted(LINEAR, nonlinear_series(80), np.ones((80, 1)), n_starts=1)[1].alpha) == {"linear"}
    bare = twin.specification((1,), "tanh", (1,), (), 1)
    assert set(fitted(bare, nonlinear_series(80))[1].alpha) == {"recurrent", "input", "output"}


def test_shocks_of_an_exact_fit_have_a_positive_variance():
    y = np.r_[np.arange(40.0), np.nan, np.arange(41.0, 60.0)]
    results = ParaRNN(y, units=(), linear_lags=1, trend="ct").fit(penalty=0.0)
    assert 0.0 < results.scale < 1e-20
    assert np.isfinite(results.cov_params()).all()
    # on a line, trend and last value are the same: neither has a standard error of its own
    assert np.isnan(results.bse).all() and results.covariance.rank == 2


def test_differences_that_are_all_zero_but_for_gaps_can_be_fitted():
    y = np.where(np.arange(60) % 2, 0.0, np.nan)
    y[41] = 1.0
    results = ParaRNN(y, units=(2,), linear_lags=0, diff=2).fit(n_starts=2, maxiter=30)
    assert np.isfinite(results.params).all()


def test_little_data_leave_a_persistent_series_a_random_walk_and_another_one_its_mean():
    rng = np.random.default_rng(5)
    walk, noise = np.cumsum(1.0 + rng.normal(size=14)), rng.normal(size=14)
    lags = {}
    for name, y in (("walk", walk), ("noise", noise)):
        fits = [ParaRNN(y, units=(), linear_lags=1).fit(penalty=c) for c in ("evidence", 0.0, 1e6)]
        lags[name] = [fit.params[1] for fit in fits]
    assert abs(lags["walk"][0] - 1.0) < abs(lags["walk"][1] - 1.0)
    assert abs(lags["noise"][0]) < abs(lags["noise"][1])
    # a fixed ridge draws everything to zero
    assert max(abs(lags["walk"][2]), abs(lags["noise"][2])) < 1e-4


def test_the_evidence_of_a_random_walk_is_the_integral_over_its_prior():
    # a free constant and a direct lag with prior N(1, 1 / alpha): given the precisions the Gaussian integral is known,
    # and what the log evidence adds for them does not depend on the prior mean
    y = np.cumsum(np.random.default_rng(3).normal(size=40))
    problem = make(twin.specification((), "tanh", (), (1,), 1), y)
    assert problem.scaling.prior_mean.tolist() == [0.0, 1.0]
    found = minimize(problem, np.zeros((1, 2)), Options())
    alpha, beta = float(found.alpha[0, 3]), float(found.beta[0])
    z = (y - y.mean()) / y.std()
    design, target = np.column_stack([np.ones(39), z[:-1]]), z[1:]
    scale, noise = np.array([0.0, alpha]), target - design @ [0.0, 1.0]
    precision = beta * design.T @ design + np.diag(scale)
    centre = np.linalg.solve(precision, beta * design.T @ noise)
    np.testing.assert_allclose(found.params[0], centre, atol=1e-6)
    exponent = 0.5 * beta * np.sum((noise - design @ centre) ** 2) + 0.5 * alpha * centre[1] ** 2
    integral = 0.5 * (np.log(alpha) - np.linalg.slogdet(precision)[1] + 39 * np.log(beta / (2 * np.pi))) - exponent
    shape, rate = PRIOR[3]
    width = 0.5 * alpha * (centre[1] ** 2 + 2 * rate)
    hyper = shape * np.log(rate * alpha) - lgamma(shape) - rate * alpha + 0.5 * np.log(2 * np.pi / width)
    assert found.log_evidence[0] == pytest.approx(integral + hyper, abs=1e-6)
