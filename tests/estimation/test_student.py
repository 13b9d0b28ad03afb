"""Student-t errors: the limit of normal ones, stationarity, resistance to outliers, evidence."""

import numpy as np
import pytest
from problems import make, nonlinear_series
from scipy import stats

from pararnn_ts.estimation.errors import ErrorLaw
from pararnn_ts.estimation.estimate import estimate, estimate_student
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.estimation.student import bounded_mean, log_evidence, reweight, robust_weights
from pararnn_ts.specification import Specification

LINEAR = Specification("y", (), (1, 2), (), "tanh", ("const",), (), (1.0,), 2)
UNIT = Specification("y", (1, 2), (1,), (1,), "tanh", ("const",), (), (1.0,), 2)


def spoiled(n, seed=0, size=12.0):
    """An AR(2) around 3 with 4 % of its shocks `size` times as large."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal(n + 50)
    e[rng.random(n + 50) < 0.04] *= size
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.1 * y[t - 1] - 0.5 * y[t - 2] + e[t]
    return 3.0 + y[50:]


@pytest.mark.parametrize("spec", [LINEAR, UNIT])
def test_under_the_normal_law_the_evidence_is_that_of_the_optimiser(spec):
    problem = make(spec, nonlinear_series(200))
    found = minimize(problem, random_starts(spec, 4, np.random.default_rng(0)), Options())
    for i in np.flatnonzero(found.status == 1):
        law = ErrorLaw(found.beta[i] ** -0.5)
        ours = log_evidence(problem, found.params[i], found.alpha[i], law, Options())
        assert ours == pytest.approx(found.log_evidence[i], abs=1e-8)


def test_without_outliers_the_fit_is_that_of_least_squares():
    problem = make(LINEAR, nonlinear_series(400, seed=3))
    square = estimate(problem, np.zeros((1, 3)), Options())
    student = estimate_student(problem, square.starts, square.best, Options())
    assert student.law.dof > 15.0
    np.testing.assert_allclose(student.params, square.params, atol=0.05)
    # and the law is not worth its degree of freedom
    assert student.log_evidence < square.log_evidence


@pytest.mark.parametrize("spec", [LINEAR, UNIT])
def test_the_gradient_of_the_penalised_likelihood_vanishes(spec):
    problem = make(spec, spoiled(300))
    starts = random_starts(spec, 8, np.random.default_rng(0))
    square = estimate(problem, starts, Options(penalty=0.5))
    ended = reweight(problem, square.starts.params[square.best], Options(penalty=0.5, maxiter=2000, tol=1e-12))
    law = ended.law
    params = ended.solutions.params[0]
    # predictions are means, wherever the centre of the law is: take the last shift of the constant back
    centred = np.array(params)
    resid = problem.residuals(params)
    shift = np.linspace(-0.2, 0.2, 4001)
    centre = shift[np.argmax([law.loglikeobs(resid - s).sum() for s in shift])]
    centred = problem.with_mean(params, centre)
    weighted = problem.reweighted(law.weights(problem.residuals(centred)))
    products = weighted.products(centred)
    ridge = np.where(problem.group >= 0, 0.5, 0.0)
    gradient = products[-1, :-1] - ridge * centred
    assert np.abs(gradient).max() < 0.02 * np.sqrt(np.diag(products)[:-1].max())


def test_predictions_of_skew_shocks_are_means():
    rng = np.random.default_rng(0)
    problem = make(LINEAR, np.exp(rng.standard_normal(400)))
    square = estimate(problem, np.zeros((1, 3)), Options())
    student = estimate_student(problem, square.starts, square.best, Options())
    assert problem.residuals(student.starts.params[student.best]).mean() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("dof", [2.1, 4.0, 30.0, np.inf])
def test_a_residual_has_a_bounded_share_in_the_mean(dof):
    resid = np.random.default_rng(1).standard_normal(200)
    law = ErrorLaw(1.0, dof)
    assert bounded_mean(resid, law) == resid.mean()
    resid[7] = 0.0
    means = [bounded_mean(np.r_[resid[:7], size, resid[8:]], law) - resid.mean() for size in (1e3, 1e9, -1e9)]
    # whatever lies beyond the bound counts the same
    assert means[0] == means[1] == pytest.approx(-means[2], rel=1e-12)
    bound = 200 * means[0]
    tail = stats.norm.sf(bound) if np.isinf(dof) else stats.t.sf(bound, dof)
    assert 2 * 200 * tail == pytest.approx(0.01, rel=1e-3)


def test_estimates_of_a_spoiled_series_are_more_accurate():
    errors = []
    for seed in range(40):
        problem = make(LINEAR, spoiled(250, seed))
        square = estimate(problem, np.zeros((1, 3)), Options())
        student = estimate_student(problem, square.starts, square.best, Options())
        errors.append([np.sum((one.params[1:] - [1.1, -0.5]) ** 2) for one in (square, student)])
    square, student = np.mean(errors, axis=0)
    assert student < 0.5 * square


def test_the_evidence_prefers_the_law_that_was_drawn_from():
    for seed in range(5):
        problem = make(LINEAR, spoiled(250, seed))
        square = estimate(problem, np.zeros((1, 3)), Options())
        student = estimate_student(problem, square.starts, square.best, Options())
        assert student.log_evidence > square.log_evidence + 10.0
        assert student.law.dof < 8.0


def test_predictions_are_means_though_shocks_are_skew():
    rng = np.random.default_rng(6)
    y = np.zeros(500)
    for t in range(1, 500):
        y[t] = 0.5 * y[t - 1] + rng.exponential(1.0) ** 2
    problem = make(LINEAR, y)
    student = estimate(problem, np.zeros((1, 3)), Options(), errors="t")
    resid = problem.residuals(problem.scaling.to_standard(student.params))
    assert abs(resid.mean()) < 1e-10


def test_first_weights_are_small_where_shocks_are_large():
    y = nonlinear_series(200)
    y[100] += 40.0
    problem = make(UNIT, y)
    weights = robust_weights(problem)
    assert np.argmin(weights) in (98, 99, 100)
    assert weights.min() < 0.1 * np.median(weights)


def test_a_sample_with_gaps_has_no_first_weights_and_is_fitted_all_the_same():
    y = spoiled(200)
    y[[50, 51, 120]] = np.nan
    problem = make(UNIT, y)
    assert robust_weights(problem) is None
    found = estimate(problem, random_starts(UNIT, 4, np.random.default_rng(0)), Options(), errors="t")
    assert np.isfinite(found.params).all()
    assert found.law.dof < 10.0


def test_the_fit_does_not_depend_on_units():
    y = spoiled(200)
    fits = [estimate(make(LINEAR, c * y), np.zeros((1, 3)), Options(), errors="t") for c in (1.0, 1e5)]
    np.testing.assert_allclose(fits[1].params[1:], fits[0].params[1:], rtol=1e-6)
    assert fits[1].law.spread == pytest.approx(1e5 * fits[0].law.spread)
    assert fits[1].log_evidence == pytest.approx(fits[0].log_evidence - 198 * np.log(1e5))


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_what_one_in_ten_do_is_no_slip(share):
    """A series that is zero but for some ones: its law is a peak at zero, its mean is not."""
    resid = np.repeat([0.0, 1.0], [round(1000 * (1 - share)), round(1000 * share)])
    assert bounded_mean(resid, ErrorLaw(1e-6, 2.1)) == pytest.approx(share)
    # and a slip among them is one
    resid[0] = 1e9
    assert bounded_mean(resid, ErrorLaw(1e-6, 2.1)) == pytest.approx(share + 0.001)
