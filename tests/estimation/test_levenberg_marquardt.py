"""The optimiser: known solutions, optimality by an independent gradient, and results that do not depend on grouping."""

from dataclasses import fields

import numpy as np
import pytest
import twin
from problems import derivatives, make, nonlinear_series, ridge_of
from scipy.special import logsumexp
from scipy.stats import gamma as gamma_distribution
from scipy.stats import multivariate_normal

from pararnn_ts.estimation.levenberg_marquardt import (
    CONVERGED,
    FAILED,
    LEAD,
    PEAKED,
    RETIRED,
    STOPPED,
    Options,
    minimize,
)
from pararnn_ts.estimation.starts import random_starts


def linear_problem(k=1, gaps=False):
    y = nonlinear_series(150)
    if gaps:
        y[[20, 21, 50, 90]] = np.nan
    rng = np.random.default_rng(5)
    return make(twin.specification((), "tanh", (), (1, 2, 3), k, 1), y, rng.normal(size=(150, 1)))


def unit_problem(activation="tanh", units=(2,), gaps=False, n=150):
    y = nonlinear_series(n)
    if gaps:
        y[[20, 21, 50, 90]] = np.nan
    return make(twin.specification(units, activation, (1, 2), (1,), 1), y)


def starts_of(problem, count, seed=0):
    return random_starts(problem.specification, count, np.random.default_rng(seed))


def assert_bitwise(ours, expected, order=slice(None)):
    for field in fields(expected):
        np.testing.assert_array_equal(getattr(ours, field.name), getattr(expected, field.name)[order], field.name)


# ------------------------------------------------------------------------------------------------- linear models


def test_a_linear_model_is_ordinary_least_squares():
    problem = linear_problem()
    found = minimize(problem, np.zeros((1, 5)), Options(penalty=0.0))
    z, target = problem.linear_columns[problem.weight > 0], problem.y[problem.weight > 0]
    expected, (sse,), *_ = np.linalg.lstsq(z, target, rcond=None)
    np.testing.assert_allclose(found.params[0], expected, rtol=0, atol=1e-9)
    assert found.sse[0] == pytest.approx(sse, rel=1e-12)
    assert found.status[0] == CONVERGED and found.gamma[0] == 5.0


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 50.0])
def test_a_fixed_penalty_is_ridge_regression(penalty):
    problem = linear_problem()
    found = minimize(problem, np.zeros((1, 5)), Options(penalty=penalty))
    z, target = problem.linear_columns[problem.weight > 0], problem.y[problem.weight > 0]
    ridge = np.diag(ridge_of(problem, penalty))
    assert ridge[0, 0] == 0.0 and ridge[1, 1] == penalty  # the constant is not penalised
    np.testing.assert_allclose(found.params[0], np.linalg.solve(z.T @ z + ridge, z.T @ target), rtol=0, atol=1e-8)
    hat = z @ np.linalg.solve(z.T @ z + ridge, z.T)
    assert found.gamma[0] == pytest.approx(np.trace(hat), rel=1e-8)
    assert found.objective[0] == pytest.approx(
        0.5 * (found.sse[0] + found.params[0] @ ridge @ found.params[0]), rel=1e-12
    )


def log_marginal(problem, alpha, beta):
    """Log density of the target, weights and constant integrated out, the latter under a flat prior (2 pi)^(-1/2)."""
    z, target = problem.linear_columns[problem.weight > 0], problem.y[problem.weight > 0]
    k = problem.specification.n_deterministic
    covariance = np.eye(len(target)) / beta + z[:, k:] @ z[:, k:].T / alpha
    if k == 0:
        return multivariate_normal.logpdf(target, np.zeros(len(target)), covariance)
    inverse, one = np.linalg.inv(covariance), z[:, 0]
    constant = (one @ inverse @ target) / (one @ inverse @ one)
    return multivariate_normal.logpdf(target, constant * one, covariance) - 0.5 * np.log(one @ inverse @ one)


@pytest.mark.parametrize("k", [0, 1])
def test_the_evidence_of_a_linear_model_is_its_marginal_likelihood(k):
    problem = linear_problem(k)
    found = minimize(problem, np.zeros((1, 4 + k)), Options(prior=((2.0, 0.5),) * 4, tol=1e-12))
    alpha, beta = found.alpha[0][3], found.beta[0]
    # the precision of the group is integrated out by Laplace's method on its logarithm
    square = np.sum(found.params[0][k:] ** 2)
    width = np.sqrt(2.0 * np.pi / (alpha * (0.5 * square + 0.5)))
    prior = gamma_distribution.logpdf(alpha, 2.0, scale=1.0 / 0.5) + np.log(alpha)
    assert found.status[0] == CONVERGED
    expected = log_marginal(problem, alpha, beta) + prior + np.log(width)
    assert found.log_evidence[0] == pytest.approx(expected, abs=1e-6)
    # and that is close to the integral itself
    logs = np.linspace(np.log(alpha) - 6.0, np.log(alpha) + 6.0, 49)
    values = [log_marginal(problem, a, beta) + gamma_distribution.logpdf(a, 2.0, scale=2.0) for a in np.exp(logs)]
    assert logsumexp(np.array(values) + logs) + np.log(logs[1] - logs[0]) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("prior", [(1.0, 0.1), (2.0, 0.5)])
def test_precisions_solve_the_equations_of_mackay(prior):
    problem = linear_problem()
    found = minimize(problem, np.zeros((1, 5)), Options(prior=(prior,) * 4, tol=1e-13))
    alpha, beta, params = found.alpha[0], found.beta[0], found.params[0]
    z = problem.linear_columns[problem.weight > 0]
    hessian = beta * z.T @ z + np.diag(ridge_of(problem, alpha))
    held = problem.group == 3
    gamma = held.sum() - alpha[3] * np.trace(np.linalg.inv(hessian)[np.ix_(held, held)])
    a, b = prior
    assert alpha[3] == pytest.approx((gamma + 2.0 * a) / (np.sum(params[held] ** 2) + 2.0 * b), rel=1e-4)
    assert beta == pytest.approx((problem.n_obs - gamma - 1.0) / found.sse[0], rel=1e-6)
    assert found.gamma[0] == pytest.approx(gamma + 1.0, rel=1e-6)


def test_precisions_move_on_when_a_step_has_nothing_left_to_gain():
    # a linear model is at its optimum long before the precisions are first updated
    problem = linear_problem()
    late = minimize(problem, np.zeros((1, 5)), Options(patience=30))
    soon = minimize(problem, np.zeros((1, 5)), Options(patience=4))
    assert late.status[0] == soon.status[0] == CONVERGED
    assert late.log_evidence[0] == pytest.approx(soon.log_evidence[0], abs=1e-3)
    alone = make(twin.specification((), "tanh", (), (), 1), nonlinear_series(150))
    for penalty in (None, 0.0, 1.0):
        assert minimize(alone, np.zeros((1, 1)), Options(penalty=penalty)).status[0] == CONVERGED


# -------------------------------------------------------------------------------------------------- optimality


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("penalty", [0.0, 0.1, None])
def test_the_gradient_at_the_solution_is_zero(penalty, activation, gaps):
    problem = unit_problem(activation, (1,), gaps)
    found = minimize(problem, starts_of(problem, 4), Options(penalty=penalty, tol=1e-11, maxiter=2000))
    converged = np.flatnonzero(found.status == CONVERGED)
    assert len(converged)
    for start in converged:
        params = found.params[start]
        residual, jacobian = derivatives(problem, params)
        ridge = ridge_of(problem, found.alpha[start] / found.beta[start] if penalty is None else penalty)
        gradient = jacobian.T @ residual - ridge * params
        hessian = jacobian.T @ jacobian + np.diag(ridge)
        # half the squared Newton decrement, in nats per observation
        decrement = 0.5 * gradient @ np.linalg.pinv(hessian) @ gradient / (residual @ residual)
        assert decrement < (1e-7 if penalty is None else 1e-10)
        assert found.sse[start] == pytest.approx(residual @ residual, rel=1e-9)


def test_the_decrement_that_is_reported_is_below_the_tolerance():
    problem = unit_problem()
    for penalty in (0.0, 0.3, None):
        for tol in (1e-6, 1e-9):
            found = minimize(problem, starts_of(problem, 8), Options(penalty=penalty, tol=tol, maxiter=1000))
            done = found.status == CONVERGED
            assert done.any() and (found.decrement[done] < tol * problem.n_obs).all()


def test_no_neighbour_is_better():
    problem = unit_problem(units=(1,))
    found = minimize(problem, starts_of(problem, 4), Options(penalty=0.2, tol=1e-12, maxiter=1000))
    best = int(np.argmin(found.objective))
    ridge = ridge_of(problem, 0.2)

    def objective(params):
        residual = derivatives(problem, params)[0]
        return 0.5 * (residual @ residual + ridge @ params**2)

    here = objective(found.params[best])
    assert found.objective[best] == pytest.approx(here, rel=1e-10)
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert objective(found.params[best] + 1e-3 * rng.normal(size=problem.specification.n_params)) > here


def test_a_heavier_penalty_leaves_smaller_weights_and_an_infinite_one_none():
    problem = unit_problem()
    starts, held = starts_of(problem, 4), problem.group >= 0
    sizes = []
    for penalty in (0.1, 1.0, 10.0, 1e8):
        found = minimize(problem, starts, Options(penalty=penalty, maxiter=500))
        best = int(np.argmin(found.objective))
        sizes.append(np.sum(found.params[best][held] ** 2))
    assert (np.diff(sizes) < 0.0).all()
    assert sizes[-1] < 1e-6
    assert found.params[best][0] == pytest.approx(np.mean(problem.y[problem.weight > 0]), abs=1e-5)


def test_the_first_step_solves_for_what_enters_linearly_and_keeps_the_rest():
    problem = unit_problem()
    starts = starts_of(problem, 3)
    found = minimize(problem, starts, Options(penalty=0.0, maxiter=2))
    np.testing.assert_array_equal(found.params[:, ~problem.linear], starts[:, ~problem.linear])
    assert np.abs(found.params[:, problem.linear]).min() > 0.0


# ------------------------------------------------------------------------------------------------- bit-equality


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("penalty", [0.0, None])
def test_threads_change_nothing(penalty, gaps):
    problem = unit_problem(gaps=gaps)
    starts, options = starts_of(problem, 24), Options(penalty=penalty, maxiter=40)
    expected = minimize(problem, starts, options, threads=1)
    for threads in (2, 3):
        assert_bitwise(minimize(problem, starts, options, threads=threads), expected)


@pytest.mark.parametrize("penalty", [0.0, None])
def test_a_start_ends_where_it_ends_whichever_lanes_it_shares(penalty):
    problem = unit_problem(units=(1, 2))
    # without reviews on the way, at which stragglers are stopped for the sake of the others
    starts, options = starts_of(problem, 8), Options(penalty=penalty, maxiter=60, review_every=60)
    expected = minimize(problem, starts, options)
    for order in ([7, 6, 5, 4, 3, 2, 1, 0], [2, 5], [4], [1, 1, 0]):
        assert_bitwise(minimize(problem, starts[order], options), expected, order)


def test_stragglers_are_not_waited_for():
    problem = unit_problem(units=(1,))
    starts = starts_of(problem, 8)
    patient = minimize(problem, starts, Options(review_every=200))
    hasty = minimize(problem, starts, Options(review_every=16))
    stopped = hasty.status == RETIRED
    assert 0 < stopped.sum() < 5
    np.testing.assert_array_equal(hasty.params[~stopped], patient.params[~stopped])
    assert hasty.log_evidence[stopped].max() <= hasty.log_evidence[~stopped].max() + LEAD


@pytest.mark.parametrize("penalty", [0.0, 0.5, None])
def test_many_starts_may_come_in_any_order(penalty):
    problem = unit_problem()
    starts, options = starts_of(problem, 21), Options(penalty=penalty, maxiter=60)
    expected = minimize(problem, starts, options)
    order = np.random.default_rng(1).permutation(21)
    assert_bitwise(minimize(problem, starts[order], options), expected, order)


# ------------------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize("penalty", [0.0, 0.5, None])
def test_the_weaker_half_of_many_starts_retires_and_never_the_best(penalty):
    problem = unit_problem()
    starts, options = starts_of(problem, 32), Options(penalty=penalty)
    found = minimize(problem, starts, options)
    retired = found.status == RETIRED
    # stragglers are stopped at later reviews
    assert (found.iterations[retired] % options.review_every == 0).all()
    retired &= found.iterations == options.review_every
    assert 0 < retired.sum() <= 16
    # what a start is worth at the first review decides
    reviewed = minimize(problem, starts, Options(penalty=penalty, maxiter=options.review_every))
    score = reviewed.log_evidence if penalty is None else -reviewed.objective
    there = reviewed.status == STOPPED  # the others went back to where their evidence was largest
    assert score[retired & there].max() <= score[~retired & there].min()


def test_a_start_whose_evidence_fell_goes_back_to_its_peak():
    problem = unit_problem(units=(2, 2))
    starts = starts_of(problem, 8)
    found = minimize(problem, starts, Options(maxiter=150, review_every=150))
    back = found.status == PEAKED
    assert back.any()
    for k in range(5, 150, 15):
        earlier = minimize(problem, starts, Options(maxiter=k, review_every=150))
        worth = earlier.log_evidence - earlier.decrement
        assert (found.log_evidence - found.decrement >= worth - LEAD).all()


@pytest.mark.parametrize("maxiter", [1, 2, 5])
def test_a_start_that_ran_out_of_evaluations_says_so(maxiter):
    problem = unit_problem()
    found = minimize(problem, starts_of(problem, 10), Options(maxiter=maxiter))
    assert (found.status == STOPPED).all() and (found.iterations == maxiter).all()
    assert np.isfinite(found.params).all() and np.isfinite(found.sse).all()


def test_a_start_that_cannot_be_evaluated_fails_alone():
    problem = unit_problem()
    starts = starts_of(problem, 8)
    clean = minimize(problem, starts, Options(maxiter=30))
    spoiled = starts.copy()
    spoiled[3] = np.nan
    found = minimize(problem, spoiled, Options(maxiter=30))
    assert found.status[3] == FAILED
    others = [0, 1, 2, 4, 5, 6, 7]
    for field in fields(clean):
        np.testing.assert_array_equal(getattr(found, field.name)[others], getattr(clean, field.name)[others])


def test_a_perfect_fit_is_a_fit():
    t = np.arange(200)
    for y in (np.sin(0.3 * t), 2.0 + 0.5 * t):
        problem = make(twin.specification((1,), "tanh", (1,), (1, 2), 1), y)
        found = minimize(problem, starts_of(problem, 4), Options(penalty=0.0))
        assert (found.status == CONVERGED).any()
        # the scale of the series, one, sets the rounding error of its sums of squares
        assert found.sse[found.status == CONVERGED].max() < 1e-15 * len(y)
        by_evidence = minimize(problem, starts_of(problem, 4), Options())
        assert np.isfinite(by_evidence.log_evidence).all() and np.isfinite(by_evidence.params).all()


def test_collinear_columns_share_what_one_of_them_would_have():
    y, x = nonlinear_series(120), np.random.default_rng(2).normal(size=(120, 1))
    one = make(twin.specification((), "tanh", (), (1,), 1, 1), y, x)
    two = make(twin.specification((), "tanh", (), (1,), 1, 2), y, np.hstack([x, x]))
    single = minimize(one, np.zeros((1, 3)), Options(penalty=0.0))
    double = minimize(two, np.zeros((1, 4)), Options(penalty=0.0))
    assert double.status[0] == CONVERGED
    assert double.sse[0] == pytest.approx(single.sse[0], rel=1e-9)
    assert double.params[0][2:].sum() == pytest.approx(single.params[0][2], abs=1e-6)
