"""Covariance estimators: what they are for a linear model, and how they go together."""

import numpy as np
import pytest
import statsmodels.api as sm

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.covariance import ESTIMATORS, Ingredients, check_covariance, estimate_covariance, invert


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    jacobian, resid = rng.standard_normal((60, 3)), rng.standard_normal(60)
    return Ingredients(jacobian.T @ jacobian / 2.0, lambda: jacobian, lambda: resid, 2.0)


@pytest.mark.parametrize(("name", "options"), [("nonrobust", None), ("HC0", None), ("HAC", {"maxlags": 3})])
def test_linear_model_has_the_covariance_of_least_squares(sales, name, options):
    y = sales.to_numpy()
    ours = ParaRNN(y, lags=2, units=()).fit(penalty=0, tol=1e-18, cov_type=name, cov_kwds=options)
    theirs = sm.OLS(y[2:], sm.add_constant(np.column_stack([y[1:-1], y[:-2]]))).fit(cov_type=name, cov_kwds=options)
    np.testing.assert_allclose(ours.cov_params(), theirs.cov_params(), rtol=1e-5, atol=1e-9)


def test_without_a_prior_laplace_is_nonrobust_and_robust_is_hc0(parts):
    found = {name: estimate_covariance(name, parts).matrix for name in ESTIMATORS}
    np.testing.assert_allclose(found["laplace"], found["nonrobust"], rtol=1e-10)
    np.testing.assert_array_equal(found["robust"], found["HC0"])
    # with no lags Newey and West's is White's
    np.testing.assert_allclose(estimate_covariance("HAC", parts, {"maxlags": 0}).matrix, found["HC0"], rtol=1e-10)


def test_outer_product_of_scores(parts):
    scores = parts.jacobian() * (parts.resid() / 2.0)[:, None]
    np.testing.assert_allclose(estimate_covariance("opg", parts).matrix, np.linalg.inv(scores.T @ scores), rtol=1e-8)


def test_a_prior_shrinks_every_variance(parts):
    held = Ingredients(parts.precision + np.eye(3), parts.jacobian, parts.resid, parts.scale)
    for name in ESTIMATORS:
        free, bound = (np.diag(estimate_covariance(name, given).matrix) for given in (parts, held))
        assert (bound < free).all(), name


def test_rows_that_are_not_used_keep_their_place_in_time():
    jacobian = np.ones((4, 1))
    resid = np.array([1.0, 1.0, np.nan, 1.0, 1.0])
    parts = Ingredients(np.array([[4.0]]), lambda: jacobian, lambda: resid, 1.0)
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
        ("HAC", {"lags": 2}, "its only option is 'maxlags'"),
        ("HAC", {"maxlags": -1}, "at least zero"),
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
