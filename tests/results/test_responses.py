"""Lag responses and Jacobians of recurrent units against their definitions, computed the slow way."""

import numpy as np
import pytest

from pararnn_ts.results.responses import (
    averaged_jacobians,
    averaged_response,
    dominant_eigenvalue,
    local_response,
    memory_length,
    slopes,
    variance_shares,
)
from pararnn_ts.specification import Specification, UnitWeights

ACTIVATIONS = {
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
}


def random_unit(d=2, m=2, seed=0):
    rng = np.random.default_rng(seed)
    return UnitWeights(
        0.5 * rng.normal(size=(d, d)), rng.normal(size=(d, m)), 0.3 * rng.normal(size=d), rng.normal(size=d)
    )


def run_unit(unit, x, activation):
    """States of one unit, by its definition."""
    states = np.zeros((len(x), len(unit.v)))
    h = np.zeros(len(unit.v))
    for t, value in enumerate(x):
        h = states[t] = ACTIVATIONS[activation](unit.W @ h + unit.U @ value + unit.b)
    return states


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slopes_are_derivatives(activation):
    z = np.array([-2.0, -0.3, 0.4, 1.7])
    step = 1e-6
    act = ACTIVATIONS[activation]
    expected = (act(z + step) - act(z - step)) / (2 * step)
    np.testing.assert_allclose(slopes(activation, act(z)), expected, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_local_response_is_the_derivative_of_the_component(activation):
    unit = random_unit()
    x = np.random.default_rng(1).normal(size=(12, 2))
    response = local_response(unit, slopes(activation, run_unit(unit, x, activation)), np.arange(12), 6)
    step = 1e-6
    for lag in (0, 1, 4):
        for i in range(2):
            moved = []
            for sign in (step, -step):
                changed = x.copy()
                changed[11 - lag, i] += sign
                moved.append(run_unit(unit, changed, activation)[11] @ unit.v)
            assert response[11, lag, i] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-8)
    assert np.isnan(response[3, 4]).all() and np.isfinite(response[3, 3]).all()


def test_averaged_response_is_the_mean_of_the_local_ones():
    unit = random_unit(seed=3)
    slope = slopes("tanh", run_unit(unit, np.random.default_rng(2).normal(size=(40, 2)), "tanh"))
    origins = np.arange(5, 40)
    expected = np.nanmean(local_response(unit, slope, origins, 9), axis=0)
    np.testing.assert_allclose(averaged_response(unit, slope, origins, 9), expected, rtol=1e-12)


def test_identity_units_respond_with_powers_of_their_weights():
    unit = random_unit(d=3, m=1)
    expected = [unit.v @ np.linalg.matrix_power(unit.W, j) @ unit.U for j in range(5)]
    np.testing.assert_allclose(averaged_response(unit, np.ones((9, 3)), np.arange(9), 4), expected, rtol=1e-12)


def test_memory_ends_where_the_response_does():
    unit = UnitWeights(np.array([[0.5]]), np.ones((1, 1)), np.zeros(1), np.ones(1))
    slope, origins = np.ones((200, 1)), np.arange(200)
    assert memory_length(unit, slope, origins, 100) == 27  # 0.5^27 is the first power below 1e-8
    assert memory_length(unit, slope, origins, 10) == 10
    assert memory_length(unit._replace(v=np.zeros(1)), slope, origins, 100) == 0


def test_averaged_jacobian_is_the_mean_over_rows():
    rng = np.random.default_rng(5)
    units = [random_unit(1, 1, 1), random_unit(2, 1, 2)]
    spec = Specification("y", (1,), (), (1, 2), "tanh")
    params = spec.join(np.zeros(0), units)
    states = np.tanh(rng.normal(size=(20, 3)))
    first, second = averaged_jacobians(spec, params, states)
    np.testing.assert_allclose(first, [[np.mean([(1 - h[0] ** 2) * units[0].W[0, 0] for h in states])]])
    np.testing.assert_allclose(second, np.mean([np.diag(1 - h[1:] ** 2) @ units[1].W for h in states], axis=0))


@pytest.mark.parametrize(
    ("matrix", "kind", "modulus", "angle"),
    [
        ([[0.7]], "regular", 0.7, 0.0),
        ([[-0.7]], "alternating", 0.7, np.pi),
        ([[0.004]], "none", 0.004, 0.0),
        ([[0.0, -0.8], [0.8, 0.0]], "cyclical", 0.8, np.pi / 2),
        ([[0.5, 0.0], [1.0, -0.6]], "alternating", 0.6, np.pi),
        (np.diag([0.3, -0.2, 0.9]), "regular", 0.9, 0.0),
    ],
)
def test_kinds(matrix, kind, modulus, angle):
    eigen = dominant_eigenvalue(np.array(matrix))
    assert eigen.kind == kind
    assert (eigen.modulus, eigen.angle) == pytest.approx((modulus, angle))


def test_distance_from_other_eigenvalues():
    # two real eigenvalues: four times the discriminant, and a rival of the other sign
    eigen = dominant_eigenvalue(np.diag([0.5, -0.4]))
    assert (eigen.separation, eigen.lead) == pytest.approx((0.81, 0.1))
    assert dominant_eigenvalue(np.diag([0.5, 0.4])).lead == np.inf
    assert dominant_eigenvalue(np.array([[0.5, -0.1], [0.1, 0.5]])).separation == pytest.approx(0.04)


def test_shares_add_up_to_one():
    components = np.random.default_rng(0).normal(size=(30, 3))
    assert variance_shares(components.sum(axis=1), components).sum() == pytest.approx(1)


def test_a_jacobian_beyond_the_range_of_numbers_has_no_kind():
    eigen = dominant_eigenvalue(np.array([[np.inf, 0.0], [0.0, np.nan]]))
    assert eigen.kind == "none" and np.isnan(eigen.modulus)
