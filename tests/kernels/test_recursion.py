"""The model along a path, against the textbook: predictions, gaps, forecasts, simulated paths."""

import numpy as np
import pytest
import twin
from hypothesis import given, settings
from hypothesis import strategies as st

from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.recursion import differenced, run_path, run_paths

DIFFERENCES = [(1.0,), (1.0, -1.0), (1.0, -2.0, 1.0), (1.0, 0.0, 0.0, -1.0), (1.0, -1.0, 0.0, -1.0, 1.0)]

specifications = st.builds(
    twin.specification,
    units=st.lists(st.integers(1, 3), max_size=3).map(tuple),
    activation=st.sampled_from(list(ACTIVATIONS)),
    lags=st.sampled_from([(1,), (1, 2), (3,), (1, 4)]),
    linear_lags=st.sampled_from([(), (1,), (2, 5), (1, 2, 3)]),
    k=st.integers(0, 3),
    e=st.integers(0, 2),
    difference=st.sampled_from(DIFFERENCES),
    extra=st.integers(0, 3),
)


def layout(spec):
    return (
        np.array(spec.units, dtype=np.int64), ACTIVATIONS[spec.activation], np.array(spec.lags, dtype=np.int64),
        np.array(spec.linear_lags, dtype=np.int64), np.array(spec.difference),
    )  # fmt: skip


def sample(spec, n, rng, gaps=0.0):
    """Series (with gaps after the rows held back), exogenous values, deterministic terms."""
    y = np.cumsum(rng.normal(size=n)) * 0.3 + rng.normal(size=n)
    missing = rng.random(n) < gaps
    missing[: spec.hold_back] = False
    y[missing] = np.nan
    return y, rng.normal(size=(n, len(spec.exog_names))), rng.normal(size=(n, spec.n_deterministic))


def along(spec, params, y, exog, deterministic, shocks=None, state=None, first=None):
    n, total = len(y), sum(spec.units)
    y, linear = y.copy(), np.full(n, np.nan)
    components, states = np.full((n, len(spec.units)), np.nan), np.full((n, total), np.nan)
    state = np.zeros(total) if state is None else state.copy()
    first = spec.first_state if first is None else first
    run_path(params, *layout(spec), deterministic, exog, y, np.zeros(n) if shocks is None else shocks, first,
             max(first, spec.hold_back), state, states, linear, components)  # fmt: skip
    return twin.Run(linear + components.sum(axis=1), components, states, state, y, np.nan)


def assert_same(ours, expected):
    for name in ("fitted", "components", "states", "end_state", "filled"):
        a, b = getattr(ours, name), getattr(expected, name)
        size = max(1.0, np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
        np.testing.assert_allclose(a / size, b / size, rtol=0, atol=1e-12, err_msg=name)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(spec=specifications, gaps=st.sampled_from([0.0, 0.2, 0.7]), seed=st.integers(0, 1000))
def test_path_is_that_of_the_textbook(spec, gaps, seed):
    rng = np.random.default_rng(seed)
    params = twin.random_params(spec, rng)
    data = sample(spec, 40, rng, gaps)
    assert_same(along(spec, params, *data), twin.run(spec, params, *data))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_shocks_fall_on_the_values_that_are_filled(spec, seed):
    rng = np.random.default_rng(seed)
    params, shocks = twin.random_params(spec, rng), rng.normal(size=40)
    data = sample(spec, 40, rng, 0.3)
    ours = along(spec, params, *data, shocks=shocks)
    assert_same(ours, twin.run(spec, params, *data, shocks=shocks))
    filled = np.isnan(data[0])
    size = max(1.0, np.nanmax(np.abs(ours.filled)))
    np.testing.assert_allclose((ours.filled - ours.fitted)[filled], shocks[filled], rtol=0, atol=1e-12 * size)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(spec=specifications, cut=st.integers(12, 30), seed=st.integers(0, 1000))
def test_a_path_can_be_interrupted_and_taken_up_again(spec, cut, seed):
    rng = np.random.default_rng(seed)
    params = twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 40, rng)
    whole = along(spec, params, y, exog, deterministic)
    head = along(spec, params, y[:cut], exog[:cut], deterministic[:cut])
    tail = along(spec, params, y, exog, deterministic, state=head.end_state, first=cut)
    np.testing.assert_array_equal(np.concatenate([head.fitted, tail.fitted[cut:]]), whole.fitted)
    np.testing.assert_array_equal(tail.end_state, whole.end_state)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(spec=specifications, draws=st.booleans(), own_states=st.booleans(), seed=st.integers(0, 1000))
def test_simulated_paths_are_those_of_the_textbook(spec, draws, own_states, seed):
    rng = np.random.default_rng(seed)
    n_paths, steps, reach = 4, 9, spec.reach
    params = np.array([twin.random_params(spec, rng) for _ in range(n_paths if draws else 1)])
    state = rng.uniform(-1, 1, size=(n_paths if own_states else 1, sum(spec.units)))
    history, shocks = rng.normal(size=reach), rng.normal(size=(n_paths, steps))
    _, exog, deterministic = sample(spec, reach + steps, rng)
    paths = np.empty_like(shocks)
    run_paths(params, *layout(spec), deterministic, exog, history, shocks, state, paths)
    for path in range(n_paths):
        y = np.concatenate([history, np.full(steps, np.nan)])
        shock = np.concatenate([np.zeros(reach), shocks[path]])
        # the rows held back beyond the reach belong to the sample, not to a continuation
        expected = twin.run(
            twin.specification(spec.units, spec.activation, spec.lags, spec.linear_lags, spec.n_deterministic,
                               exog.shape[1], spec.difference),
            params[path if draws else 0], y, exog, deterministic, shock, state[path if own_states else 0], reach,
        )  # fmt: skip
        size = max(1.0, np.max(np.abs(expected.filled)))
        np.testing.assert_allclose(paths[path] / size, expected.filled[reach:] / size, rtol=0, atol=1e-12)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=str)
def test_differencing_is_the_polynomial_in_the_lag_operator(difference):
    y = np.random.default_rng(0).normal(size=12)
    expected = np.convolve(y, difference, mode="valid")
    reach = len(difference) - 1
    ours = [differenced(y, t, np.array(difference)) for t in range(reach, 12)]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-14)
