"""Predictive densities of linear regressions."""

import numpy as np
import pytest
from scipy import stats

from pararnn_ts.estimation.regression import log_predictive_density

N, K = 40, 3


@pytest.fixture
def regression():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(N), rng.standard_normal((N, K - 1))])
    return design, design @ [1.0, -0.5, 0.0] + rng.standard_normal(N)


def exact(design, values, later):
    """Ratio of the multivariate t densities of all values and of the earlier ones."""
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    variance = rest @ rest / (len(values) - design.shape[1])
    prior = np.linalg.inv(design.T @ design / len(values))

    def density(rows):
        shape = variance * (np.eye(len(rows)) + design[rows] @ prior @ design[rows].T)
        return stats.multivariate_t(np.zeros(len(rows)), shape, df=1).logpdf(values[rows])

    return density(np.arange(len(values))) - density(np.flatnonzero(~later))


@pytest.mark.parametrize("columns", [[0], [0, 1], [0, 1, 2], [2]])
def test_the_density_is_that_of_a_multivariate_t(regression, columns):
    design, values = regression
    later = np.arange(N) >= 12
    found = log_predictive_density(design, values, later, [columns])
    np.testing.assert_allclose(found, exact(design[:, columns], values, later), rtol=1e-6)


def test_each_regression_has_learned_from_the_rows_it_knows(regression):
    design, values = regression
    later = np.arange(N) >= 12
    design[:5, 1], values[3] = np.nan, np.nan
    found = log_predictive_density(design, values, later, [[0, 2], [0, 1]])
    every, few = np.r_[0:3, 4:N], np.r_[5:N]
    np.testing.assert_allclose(found[0], exact(design[every][:, [0, 2]], values[every], later[every]), rtol=1e-6)
    np.testing.assert_allclose(found[1], exact(design[few][:, [0, 1]], values[few], later[few]), rtol=1e-6)


def test_differences_do_not_depend_on_units_or_on_how_terms_are_expressed(regression):
    design, values = regression
    later = np.arange(N) >= 12
    choices = [[0], [0, 1], [0, 1, 2]]
    found = log_predictive_density(design, values, later, choices)
    turned = design @ np.array([[2.0, 1.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, 10.0]])
    other = log_predictive_density(turned, 1e3 * values, later, choices)
    np.testing.assert_allclose(np.diff(other), np.diff(found), atol=1e-6)


def test_an_exact_regression_and_columns_of_zeros_have_finite_densities(regression):
    design, _ = regression
    design[:, 2] = 0.0
    found = log_predictive_density(design, design @ [1.0, 2.0, 0.0], np.arange(N) >= 12, [[0, 1], [0, 1, 2], [0]])
    assert np.isfinite(found).all() and found[0] > found[2] + 20.0
    # what is zero everywhere is no regressor
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
