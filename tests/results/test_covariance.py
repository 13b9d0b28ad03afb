"""Covariance estimators: what they are for a linear model, and how they go together."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tools.numdiff import approx_hess3

from pararnn_ts.estimation.errors import ErrorLaw
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.bootstrap import refit_estimates, simulate_samples
from pararnn_ts.results.covariance import (
    ESTIMATORS,
    Ingredients,
    check_covariance,
    estimable,
    estimate_covariance,
    invert,
)

# those that need no fits of their own
COMPUTED = [name for name in ESTIMATORS if name not in ("bootstrap", "none")]

LAW = ErrorLaw(np.sqrt(2.0))


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    jacobian, resid = rng.standard_normal((60, 3)), rng.standard_normal(60)

    def score(move):
        return jacobian.T @ (resid - jacobian @ move) / 2.0

    return Ingredients(
        jacobian.T @ jacobian / 2.0, lambda: jacobian, lambda: resid, ErrorLaw(np.sqrt(2.0)), score=score
    )


@pytest.mark.parametrize(("name", "options"), [("nonrobust", None), ("HC0", None), ("HAC", {"maxlags": 3})])
def test_linear_model_has_the_covariance_of_least_squares(sales, name, options):
    y = sales.to_numpy()
    ours = ParaRNN(y, lags=2, units=()).fit(penalty=0, tol=1e-18, cov_type=name, cov_kwds=options)
    theirs = sm.OLS(y[2:], sm.add_constant(np.column_stack([y[1:-1], y[:-2]]))).fit(cov_type=name, cov_kwds=options)
    np.testing.assert_allclose(ours.cov_params(), theirs.cov_params(), rtol=1e-5, atol=1e-9)


def test_without_a_prior_laplace_is_nonrobust_and_robust_is_hc0(parts):
    found = {name: estimate_covariance(name, parts).matrix for name in COMPUTED}
    np.testing.assert_allclose(found["laplace"], found["nonrobust"], rtol=1e-10)
    np.testing.assert_allclose(found["oim"], found["nonrobust"], rtol=1e-8)
    np.testing.assert_allclose(found["robust"], found["HC0"], rtol=1e-8)
    # with no lags Newey and West's is White's
    np.testing.assert_allclose(estimate_covariance("HAC", parts, {"maxlags": 0}).matrix, found["HC0"], rtol=1e-10)


def test_outer_product_of_scores(parts):
    scores = parts.jacobian() * (parts.resid() / 2.0)[:, None]
    np.testing.assert_allclose(estimate_covariance("opg", parts).matrix, np.linalg.inv(scores.T @ scores), rtol=1e-8)


def test_a_prior_shrinks_every_variance(parts):
    held = replace(parts, precision=parts.precision + np.eye(3))
    for name in COMPUTED:
        free, bound = (np.diag(estimate_covariance(name, given).matrix) for given in (parts, held))
        assert (bound < free).all(), name


def test_rows_that_are_not_used_keep_their_place_in_time():
    jacobian = np.ones((4, 1))
    resid = np.array([1.0, 1.0, np.nan, 1.0, 1.0])
    parts = Ingredients(np.array([[4.0]]), lambda: jacobian, lambda: resid, ErrorLaw(1.0))
    # two pairs of neighbours with Bartlett weight 1/2, not three
    assert estimate_covariance("HAC", parts, {"maxlags": 1}).matrix[0, 0] == pytest.approx((4 + 2 * 0.5 * 2) / 16)


def test_inverse_on_the_identified_directions():
    direction = np.array([[1.0, 1e6, 0.0]])
    inverse, rank = invert(direction.T @ direction)
    assert rank == 1
    np.testing.assert_allclose(direction @ inverse @ direction.T, 1.0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("HC9", None, "cov_type must be one of 'laplace', .* but is 'HC9'"),
        ("robust", {"maxlags": 2}, "cov_kwds has 'maxlags'"),
        ("HAC", {"lags": 2}, "its options are 'maxlags'"),
        ("HAC", {"maxlags": -1}, "an integer of 0 or more"),
        ("bootstrap", {"n_boot": 1}, "an integer of 2 or more"),
    ],
)
def test_what_is_not_known_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        check_covariance(name, options)


def test_fit_refuses_an_unknown_estimator(sales):
    with pytest.raises(ValueError, match="cov_type"):
        ParaRNN(sales, units=(1,)).fit(n_starts=1, cov_type="sandwich")


@pytest.mark.parametrize("size", [1e-160, 1.0, 1e150])
def test_inverse_does_not_depend_on_units(size):
    precision = np.array([[2.0, 1.0], [1.0, 2.0]])
    d = np.array([1.0, size])
    with np.errstate(all="raise", under="ignore"):
        inverse, rank = invert(precision * d * d[:, None]) if size > 1e-150 else invert(precision * size)
    expected = np.linalg.inv(precision) / (d * d[:, None] if size > 1e-150 else size)
    np.testing.assert_allclose(inverse, expected, rtol=1e-12)
    assert rank == 2


def test_observed_information_is_the_hessian_of_the_likelihood(tanh_series):
    model = ParaRNN(tanh_series(400), units=(1,), linear_lags=2, trend="n")
    results = model.fit(penalty=0, n_starts=8, cov_type="oim")

    def loglike(params):
        return -0.5 * np.nansum((model._y - model.path(params).fitted)[2:] ** 2) / results.scale

    hessian = approx_hess3(results.params, loglike, epsilon=1e-4)
    np.testing.assert_allclose(results.cov_params() @ -hessian, np.eye(len(results.params)), atol=1e-2)
    # at an optimum of a nonlinear model it is not the expected information
    expected = model.fit(penalty=0, start_params=results.params).bse
    assert (np.abs(results.bse / expected - 1.0) > 0.005).any()


def test_observed_information_of_a_student_likelihood(tanh_series):
    y = tanh_series(300)
    y[::37] += 8.0
    model = ParaRNN(y, units=(1,), linear_lags=2, trend="n", errors="t")
    results = model.fit(penalty=0, n_starts=8, cov_type="oim")
    law = results.details.law

    def loglike(params):
        return np.sum(law.loglikeobs((model._y - model.path(params).fitted)[2:]))

    hessian = approx_hess3(results.params, loglike, epsilon=1e-4)
    np.testing.assert_allclose(results.cov_params() @ -hessian, np.eye(len(results.params)), atol=0.02)


@pytest.mark.parametrize("name", [*COMPUTED, "bootstrap"])
def test_parameters_that_are_held_have_no_variance(sales, name):
    model = ParaRNN(sales, lags=3, units=())
    with model.fix_params({"linear.sales.L2": -0.5}):
        held = model.fit(penalty=0, tol=1e-12, cov_type=name)
    moved = sales + 0.5 * sales.shift(2)
    x = sm.add_constant(np.column_stack([sales.shift(1), sales.shift(3)])[3:])
    free = sm.OLS(moved.to_numpy()[3:], x).fit()
    kept = [0, 1, 3]
    assert np.isnan(held.bse.iloc[2])
    np.testing.assert_allclose(held.params.iloc[kept], free.params, rtol=1e-5)
    np.testing.assert_allclose(held.bse.iloc[kept], free.bse, rtol=1e-4 if name in ("nonrobust", "oim") else 0.5)
    text = held.summary().as_text()
    assert "linear.sales.L2 (fixed)" in text and "not identified" not in text


def test_negative_curvature_leaves_no_standard_errors(parts):
    saddle = replace(parts, score=lambda move: np.array([1.0, 1.0, -1.0]) * move)
    found = estimate_covariance("robust", saddle)
    assert np.isnan(found.matrix).all() and "not positive definite" in found.description


@pytest.mark.parametrize("name", ["approx", "robust_approx", "robust_oim"])
def test_other_names_of_the_same_estimators(parts, name):
    same = {"approx": "oim"}.get(name, "robust")
    np.testing.assert_array_equal(estimate_covariance(name, parts).matrix, estimate_covariance(same, parts).matrix)


def test_no_covariance_on_request(sales):
    results = ParaRNN(sales, units=(1,)).fit(n_starts=2, cov_type="none")
    assert results.bse.isna().all() and np.isfinite(results.forecast(3)).all()
    assert "not computed" in results.summary().as_text()


def test_bootstrap_agrees_with_least_squares_for_a_linear_model(sales):
    model = ParaRNN(sales, lags=2, units=())
    options = {"n_boot": 300, "rng": 1}
    results = model.fit(penalty=0, tol=1e-12, cov_type="bootstrap", cov_kwds=options)
    again = model.fit(penalty=0, tol=1e-12, cov_type="bootstrap", cov_kwds=options)
    np.testing.assert_array_equal(results.cov_params(), again.cov_params())
    np.testing.assert_allclose(results.bse, model.fit(penalty=0).bse, rtol=0.2)
    assert "300 series simulated" in results.summary().as_text()


def test_bootstrap_keeps_gaps_and_exogenous_values(gappy):
    results, _ = gappy
    samples = simulate_samples(results._results, 2, 0)
    np.testing.assert_array_equal(np.isnan(samples), np.tile(np.isnan(results.model._y), (2, 1)))
    estimates = refit_estimates(results._results, 3, 0)
    assert estimates.shape == (3, len(results.params)) and np.isfinite(estimates).all()


def test_bootstrap_of_parameters_that_were_given_is_refused(sales):
    results = ParaRNN(sales, units=()).evaluate([0.0, 0.5], cov_type="bootstrap")
    with pytest.raises(ValueError, match="these parameters were given"):
        results.cov_params()


def test_parameters_that_a_flat_direction_moves_are_not_estimable():
    jacobian = np.array([[1.0, 1e6, 0.0], [2.0, 2e6, 1.0], [1.0, 1e6, 5.0]])
    np.testing.assert_array_equal(estimable(jacobian.T @ jacobian), [False, False, True])
    assert estimable(np.eye(2)).all() and not estimable(np.zeros((2, 2))).any()


def test_simulated_samples_that_explode_are_left_out_and_counted(parts):
    estimates = np.random.default_rng(0).standard_normal((5, 3))
    estimates[1] = np.nan
    found = estimate_covariance("bootstrap", replace(parts, refits=lambda count, rng: estimates), {"n_boot": 5})
    np.testing.assert_allclose(found.matrix, np.cov(np.delete(estimates, 1, axis=0), rowvar=False))
    assert "4 series" in found.description and "1 more having exploded" in found.description


def test_the_bootstrap_does_not_depend_on_the_number_of_threads(sales, monkeypatch):
    found = []
    for threads in (1, 4):
        monkeypatch.setattr("pararnn_ts.models.recurrent.n_threads", lambda threads=threads: threads)
        results = ParaRNN(sales, units=(1,)).fit(n_starts=16, cov_type="bootstrap", cov_kwds={"n_boot": 4, "rng": 7})
        found.append(results.cov_params().to_numpy())
    np.testing.assert_array_equal(*found)
