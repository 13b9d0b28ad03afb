"""Jacobian rows with gaps and differencing, against the textbook."""

import numpy as np
import pytest
import twin
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_recursion import layout, sample, specifications

from pararnn_ts.kernels.sensitivity import jacobian_rows


def assert_same(ours, expected, atol):
    size = np.maximum(np.max(np.abs(expected), axis=0), 1.0)
    np.testing.assert_allclose(ours / size, expected / size, rtol=0, atol=atol)


def rows_of(spec, params, y, exog, deterministic, weight, center, scale, ranks=None):
    rows = np.full((len(y) - spec.hold_back, spec.n_params + 1), np.nan)
    ranks = np.ones(len(spec.linear_lags)) if ranks is None else ranks
    jacobian_rows(params, *layout(spec), deterministic, exog, y.copy(), weight, spec.first_state, spec.hold_back,
                  center, scale, ranks, rows)  # fmt: skip
    return rows


def textbook(spec, params, y, exog, deterministic, weight, center, scale, ranks=None, derivative=twin.imaginary_step):
    def fitted(p):
        run = twin.run(spec, p, y, exog, deterministic, center=center, scale=scale, ranks=ranks)
        return run.fitted[spec.hold_back :] / scale[0]

    seen = np.isfinite(y[spec.hold_back :])
    with np.errstate(invalid="ignore"):
        residual = y[spec.hold_back :] / scale[0] - fitted(params)
    rows = np.column_stack([derivative(fitted, params), residual])
    rows[~seen, -1] = 0.0
    return rows * weight[spec.hold_back :, None]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    spec=specifications,
    gaps=st.sampled_from([0.0, 0.1, 0.4, 0.8]),
    standardised=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_rows_are_those_of_the_textbook(spec, gaps, standardised, seed):
    rng = np.random.default_rng(seed)
    params = twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 45, rng, gaps)
    columns = 1 + spec.n_inputs
    center = rng.normal(size=columns) if standardised else np.zeros(columns)
    scale = rng.uniform(0.5, 3.0, size=columns) if standardised else np.ones(columns)
    ranks = rng.uniform(0.5, 3.0, size=len(spec.linear_lags)) if standardised else None
    weight = rng.uniform(0.5, 1.5, size=45)
    weight[rng.random(45) < 0.2] = 0.0
    case = (spec, params, y, exog, deterministic, weight, center, scale, ranks)
    run = twin.run(spec, params, y, exog, deterministic, center=center, scale=scale, ranks=ranks)
    assume(np.nanmax(np.abs(run.fitted), initial=0.0) < 1e6)  # an explosive path says nothing about derivatives
    assume(spec.activation != "relu" or run.smallest > 1e-9)
    assert_same(rows_of(*case), textbook(*case), 1e-11)


@pytest.mark.parametrize("activation", twin.ACTIVATIONS)
def test_rows_agree_with_central_differences(activation):
    rng = np.random.default_rng(4)
    spec = twin.specification((2, 1), activation, (1, 3), (1, 2), 1, 1, (1.0, -1.0))
    params = twin.random_params(spec, rng, size=0.1)
    y, exog, deterministic = sample(spec, 60, rng, 0.2)
    one = np.ones(1 + spec.n_inputs)
    case = (spec, params, y, exog, deterministic, np.ones(60), 0.0 * one, one)
    assert_same(rows_of(*case), textbook(*case, derivative=twin.central_differences), 1e-7)


def test_a_run_of_gaps_longer_than_every_lag():
    rng = np.random.default_rng(0)
    spec = twin.specification((2, 1), "tanh", (1, 2), (1, 3), 1, 1, (1.0, -1.0))
    params = twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 80, rng)
    y[20:45], y[spec.hold_back], y[-3:] = np.nan, np.nan, np.nan
    one = np.ones(1 + spec.n_inputs)
    case = (spec, params, y, exog, deterministic, np.ones(80), 0.0 * one, one)
    assert_same(rows_of(*case), textbook(*case), 1e-12)


def test_missing_values_are_filled_in_place_by_predictions():
    rng = np.random.default_rng(1)
    spec = twin.specification((2,), "tanh", (1,), (1,), 1, 0)
    params = twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 30, rng, 0.3)
    filled = y.copy()
    one = np.ones(2)
    rows = np.empty((29, spec.n_params + 1))
    jacobian_rows(
        params, *layout(spec), deterministic, exog, filled, np.ones(30), 1, 1, 0.0 * one, one, np.ones(1), rows
    )
    np.testing.assert_allclose(filled, twin.run(spec, params, y, exog, deterministic).filled, rtol=1e-13)
