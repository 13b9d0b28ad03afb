import numpy as np
import pytest
from numba import njit
from twin import ACTIVATIONS as TEXTBOOK

from pararnn_ts.kernels.activations import ACTIVATIONS, activate, tanh
from pararnn_ts.kernels.lanes import LANES, load, store


@njit
def tanh_of_lanes(z, out):
    for i in range(z.shape[0] // LANES):
        store(out, i, tanh(load(z, i)))


@njit
def activate_lanes(activation, z, value, slope):
    for i in range(z.shape[0] // LANES):
        h, g = activate(activation, load(z, i))
        store(value, i, h)
        store(slope, i, g)


def in_lanes(z):
    out = np.empty_like(z)
    tanh_of_lanes(z, out)
    return out


def dense_grid():
    near = np.geomspace(1e-300, 1.0, 80_000)
    return np.concatenate([np.linspace(0.0, 25.0, 400_000), near])


def test_tanh_equals_that_of_numpy():
    z = dense_grid()
    assert np.max(np.abs(in_lanes(z) - np.tanh(z))) <= 5e-16


def test_tanh_keeps_its_relative_accuracy_near_zero():
    z = np.geomspace(1e-300, 1e-2, 8_000)
    np.testing.assert_allclose(in_lanes(z), np.tanh(z), rtol=1e-15)


def test_tanh_is_odd():
    z = dense_grid()
    np.testing.assert_array_equal(in_lanes(-z), -in_lanes(z))


def test_tanh_saturates():
    z = np.array([20.0, 21.0, 700.0, 1e10, 1e300, np.inf, 19.0, 18.8])
    np.testing.assert_array_equal(in_lanes(z), np.ones(8))
    np.testing.assert_array_equal(in_lanes(-z), -np.ones(8))


def test_tanh_exceeds_one_by_a_rounding_error_at_most():
    # and so its slope 1 - h^2 is never negative by more than that
    assert np.max(in_lanes(dense_grid())) <= 1.0 + np.finfo(float).eps


def test_not_a_number_stays_so_and_stays_in_its_lane():
    z = np.array([0.5, np.nan, -0.5, np.nan, 1.0, 2.0, 3.0, np.nan])
    out = in_lanes(z)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(z))
    np.testing.assert_allclose(out[~np.isnan(z)], np.tanh(z[~np.isnan(z)]), atol=5e-16)


def test_one_number_and_eight_lanes_agree():
    # up to the fused products that only the vector form has
    z = np.linspace(-22.0, 22.0, 4_000)
    np.testing.assert_allclose([tanh(x) for x in z], in_lanes(z), rtol=0.0, atol=5e-16)
    assert np.isnan(tanh(np.nan))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_slope_are_those_of_the_textbook(name):
    z = np.linspace(-9.0, 9.0, 1_600)  # even: zero, the kink of relu, is not among them
    value, slope = np.empty_like(z), np.empty_like(z)
    activate_lanes(ACTIVATIONS[name], z, value, slope)
    np.testing.assert_allclose(value, TEXTBOOK[name](z), rtol=0.0, atol=1e-15)
    np.testing.assert_allclose(slope, TEXTBOOK[name](z + 1e-40j).imag / 1e-40, rtol=0.0, atol=1e-15)
    alone = np.array([activate(ACTIVATIONS[name], x) for x in z])
    np.testing.assert_allclose(alone, np.column_stack([value, slope]), rtol=0.0, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_hands_on_what_is_not_a_number(name):
    z = np.array([np.nan, 1.0] * 4)
    value, slope = np.empty_like(z), np.empty_like(z)
    activate_lanes(ACTIVATIONS[name], z, value, slope)
    assert np.isnan(value[::2]).all()
    assert np.isfinite(value[1::2]).all() and np.isfinite(slope[1::2]).all()
