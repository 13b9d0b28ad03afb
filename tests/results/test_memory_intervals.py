"""Intervals for the memory of units."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pararnn_ts.results.memory_intervals import modulus_interval


def test_modulus_intervals_stay_inside_and_are_those_of_the_delta_method_for_small_errors():
    modulus, error = np.array([0.05, 0.5, 0.95, 0.999]), np.array([0.1, 0.2, 0.3, 0.5])
    lower, upper = modulus_interval(modulus, error)
    assert (lower >= 0).all() and (lower < modulus).all() and (modulus < upper).all() and (upper <= 1).all()
    lower, upper = modulus_interval(modulus, 1e-6 * error)
    half = 1.959963984540054e-6 * error
    np.testing.assert_allclose(np.array([modulus - lower, upper - modulus]), [half, half], rtol=1e-3)


def test_the_scale_makes_correlations_normal():
    """Fisher's own case: correlations of small samples, near one."""
    rng, true, n = np.random.default_rng(0), 0.9, 30
    x = rng.standard_normal((2000, n))
    y = true * x + np.sqrt(1 - true**2) * rng.standard_normal((2000, n))
    x, y = (part - part.mean(axis=1, keepdims=True) for part in (x, y))
    found = np.sum(x * y, axis=1) / np.sqrt(np.sum(x**2, axis=1) * np.sum(y**2, axis=1))
    lower, upper = modulus_interval(found, (1 - found**2) / np.sqrt(n - 3))
    low, high = np.array(stats.binom.interval(0.999, 2000, 0.95)) / 2000
    assert low < np.mean((lower < true) & (true < upper)) < high


def test_period_and_half_life_are_images(fitted):
    table, features = fitted.recurrence_intervals(0.1), fitted.recurrence_features
    assert table.index.equals(features.index)
    given = features["modulus_se"].notna() & (features["modulus"] < 1)
    assert given.any()
    for end in ("lower", "upper"):
        decaying = given & (table[f"modulus_{end}"].between(0, 1, inclusive="neither"))
        expected = np.log(0.5) / np.log(table[f"modulus_{end}"])
        pd.testing.assert_series_equal(table[f"half_life_{end}"][decaying], expected[decaying], check_names=False)
    np.testing.assert_allclose(table["period_lower"], 1 / table["frequency_upper"])
    assert (table["modulus_lower"][given] < features["modulus"][given]).all()


@pytest.mark.parametrize("alpha", [0, 1, -0.1])
def test_alpha_is_checked(fitted, alpha):
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        fitted.recurrence_intervals(alpha)
