"""Cells against the textbook: steps, paths, Jacobian rows and gradients, with gaps and differencing."""

import cell_twin
import numpy as np
import pytest
import twin
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_recursion import DIFFERENCES, sample
from test_recursion import assert_same as assert_same_run
from test_sensitivity import assert_same

from pararnn_ts.kernels.cell_gradient import sequence_gradient, series_gradient
from pararnn_ts.kernels.cell_sensitivity import cell_rows
from pararnn_ts.kernels.cells import CELLS, advance, linearise, pull_back, run_cell, run_cells, run_inputs, work_size

specifications = st.builds(
    cell_twin.specification,
    kind=st.sampled_from(list(cell_twin.CELLS)),
    lags=st.sampled_from([(1,), (1, 2), (3,), (1, 4)]),
    linear_lags=st.sampled_from([(), (1,), (2, 5), (1, 2, 3)]),
    k=st.integers(0, 3),
    e=st.integers(0, 2),
    difference=st.sampled_from(DIFFERENCES),
    extra=st.integers(0, 3),
)
kinds = pytest.mark.parametrize("kind", cell_twin.CELLS)


def layout(spec):
    return (
        np.array(spec.lags, dtype=np.int64), np.array(spec.linear_lags, dtype=np.int64), np.array(spec.difference),
    )  # fmt: skip


def cell_of(spec):
    return CELLS[spec.cell.kind], spec.cell.shape, spec.cell.numbers


def one_step(kind, seed=0, m=2):
    rng = np.random.default_rng(seed)
    cell = cell_twin.CELLS[kind](m)
    own = 0.7 * rng.normal(size=len(cell.groups))
    state = cell.initial_state + (0.5 * rng.normal(size=len(cell.initial_state)))
    return cell, own, state, rng.normal(size=m), rng


@kinds
def test_a_step_is_that_of_the_textbook(kind):
    for seed in range(5):
        cell, own, state, x, _ = one_step(kind, seed)
        ours = state.copy()
        work = np.full(work_size(CELLS[cell.kind], cell.shape), np.nan)  # scratch space may hold anything
        advance(CELLS[cell.kind], cell.weights(own), 0, cell.shape, cell.numbers, x, 0.3, ours, work)
        np.testing.assert_allclose(ours, cell_twin.step(cell, own, state, x, 0.3), rtol=0, atol=1e-14)


@kinds
def test_the_jacobians_of_a_step_are_those_of_the_textbook(kind):
    cell, own, state, x, _ = one_step(kind, 1)
    w, number, size = cell.weights(own), CELLS[cell.kind], len(state)
    a, b, g = np.full((size, size), np.nan), np.full((size, len(x)), np.nan), np.full((size, len(w)), np.nan)
    work = np.full(work_size(number, cell.shape), np.nan)
    linearise(number, w, 0, cell.shape, cell.numbers, x, 0.3, state.copy(), work, a, b, g)
    source, sign, _ = cell.expansion
    collapsed = np.zeros((size, len(own)))
    for column, place in enumerate(source):
        collapsed[:, place] += sign[column] * g[:, column]
    derivative = twin.imaginary_step
    np.testing.assert_allclose(a, derivative(lambda s: cell_twin.step(cell, own, s, x, 0.3), state), atol=1e-13)
    np.testing.assert_allclose(b, derivative(lambda u: cell_twin.step(cell, own, state, u, 0.3), x), atol=1e-13)
    np.testing.assert_allclose(collapsed, derivative(lambda p: cell_twin.step(cell, p, state, x, 0.3), own), atol=1e-13)


@kinds
def test_the_derivatives_agree_with_finite_differences(kind):
    """The bar of the method: 1e-7."""
    cell, own, state, x, rng = one_step(kind, 2)
    number, output = CELLS[cell.kind], rng.normal(size=len(state))
    inputs = rng.normal(size=(6, len(x)))

    def final(p):
        states = np.empty((6, len(state)))
        run_inputs(number, cell.weights(p), 0, cell.shape, cell.numbers, inputs, 0.3, state.copy(), states)
        return np.array([output @ states[-1]])

    grad = np.zeros(len(cell.weights(own)))
    sequence_gradient(number, cell.weights(own), 0, cell.shape, cell.numbers, inputs, 0.3, state.copy(), output,
                      np.empty(7), grad)  # fmt: skip
    source, sign, _ = cell.expansion
    ours = np.bincount(source, sign * grad, minlength=len(own))
    np.testing.assert_allclose(ours, twin.central_differences(final, own)[0], rtol=0, atol=1e-7)


def along(spec, params, y, exog, deterministic, dt, location, shocks=None):
    n, size = len(y), len(spec.initial_state)
    y, linear, component = y.copy(), np.full(n, np.nan), np.full(n, np.nan)
    states, state = np.full((n, size), np.nan), spec.initial_state
    run_cell(spec.expand(params), *cell_of(spec), location, *layout(spec), deterministic, exog, dt, y,
             np.zeros(n) if shocks is None else shocks, spec.first_state, spec.hold_back, state, states, linear,
             component)  # fmt: skip
    return twin.Run(linear + component, component[:, None], states, state, y, np.nan)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(spec=specifications, gaps=st.sampled_from([0.0, 0.3]), seed=st.integers(0, 1000))
def test_paths_are_those_of_the_textbook(spec, gaps, seed):
    rng = np.random.default_rng(seed)
    params = cell_twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 40, rng, gaps)
    case = params, y, exog, deterministic, rng.uniform(0.1, 0.9, 40), 0.3 * rng.normal(size=spec.n_inputs)
    shocks = rng.normal(size=40)
    expected = cell_twin.run(spec, *case, shocks=shocks)
    assume(np.nanmax(np.abs(expected.fitted), initial=0.0) < 1e6)
    assert_same_run(along(spec, *case, shocks=shocks), expected)


def test_simulated_paths_are_paths_with_shocks():
    rng = np.random.default_rng(3)
    for kind in ("order 2, 4 stages", "lstm", "qunn", "qunn, shared"):
        spec = cell_twin.specification(kind, (1, 2), (1, 3), 1, 1, (1.0, -1.0))
        y, exog, deterministic = sample(spec, 40, rng)
        params = np.array([cell_twin.random_params(spec, rng) for _ in range(3)])
        dt, location, shocks = np.full(40, 0.5), np.zeros(spec.n_inputs), rng.normal(size=(3, 10))
        y[30:] = np.nan
        r, paths = spec.reach, np.empty((3, 10))
        before = [along(spec, p, y[:30], exog[:30], deterministic[:30], dt[:30], location) for p in params]
        run_cells(spec.expand(params), *cell_of(spec), location, *layout(spec), deterministic[30 - r :],
                  exog[30 - r :], dt[30 - r :], y[30 - r : 30], shocks, np.array([b.end_state for b in before]),
                  paths)  # fmt: skip
        for p, shock, path in zip(params, shocks, paths, strict=True):
            whole = along(spec, p, y, exog, deterministic, dt, location, np.concatenate([np.zeros(30), shock]))
            np.testing.assert_allclose(path, whole.filled[30:], rtol=1e-12)


def rows_of(spec, params, y, exog, deterministic, dt, location, weight, center, scale, ranks):
    weights = spec.expand(params)
    rows = np.full((len(y) - spec.hold_back, len(weights) + 1), np.nan)
    cell_rows(weights, *cell_of(spec), location, *layout(spec), deterministic, exog, dt, y.copy(), weight,
              spec.first_state, spec.hold_back, spec.initial_state, center, scale, ranks, rows)  # fmt: skip
    return np.column_stack([spec.collapse(rows[:, :-1]), rows[:, -1]])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, gaps=st.sampled_from([0.0, 0.1, 0.5]), standardised=st.booleans(), seed=st.integers(0, 99))
def test_rows_are_those_of_the_textbook(spec, gaps, standardised, seed):
    rng = np.random.default_rng(seed)
    params = cell_twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 26, rng, gaps)
    dt, columns = rng.uniform(0.1, 0.9, 26), 1 + spec.n_inputs
    center = rng.normal(size=columns) if standardised else np.zeros(columns)
    scale = rng.uniform(0.5, 3.0, size=columns) if standardised else np.ones(columns)
    ranks = rng.uniform(0.5, 3.0, size=len(spec.linear_lags)) if standardised else np.ones(len(spec.linear_lags))
    weight = rng.uniform(0.5, 1.5, size=26)
    weight[rng.random(26) < 0.2] = 0.0
    location = rng.normal(size=spec.n_inputs)

    def fitted(p):
        found = cell_twin.run(spec, p, y, exog, deterministic, dt, location, None, center, scale, ranks)
        return found.fitted[spec.hold_back :] / scale[0]

    value = fitted(params)
    assume(np.max(np.abs(value), initial=0.0) < 1e6)
    seen = np.isfinite(y[spec.hold_back :])
    with np.errstate(invalid="ignore"):
        whole = np.column_stack([twin.imaginary_step(fitted, params), y[spec.hold_back :] / scale[0] - value])
    whole[~seen, -1] = 0.0
    expected = whole * weight[spec.hold_back :, None]
    ours = rows_of(spec, params, y, exog, deterministic, dt, location, weight, center, scale, ranks)
    assert_same(ours, expected, 1e-10)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, gaps=st.sampled_from([0.0, 0.2]), seed=st.integers(0, 99))
def test_the_gradient_backwards_is_that_of_the_rows_forwards(spec, gaps, seed):
    rng = np.random.default_rng(seed)
    params = cell_twin.random_params(spec, rng)
    y, exog, deterministic = sample(spec, 26, rng, gaps)
    dt, weight, location = rng.uniform(0.1, 0.9, 26), rng.uniform(0.5, 1.5, 26), rng.normal(size=spec.n_inputs)
    one = np.ones(1 + spec.n_inputs)
    rows = rows_of(spec, params, y, exog, deterministic, dt, location, weight, 0.0 * one, one,
                   np.ones(len(spec.linear_lags)))  # fmt: skip
    assume(np.isfinite(rows).all() and np.abs(rows).max(initial=0.0) < 1e5)
    weights = spec.expand(params)
    grad = np.full(len(weights), np.nan)
    loss = series_gradient(weights, *cell_of(spec), location, *layout(spec), deterministic, exog, dt, y.copy(), weight,
                           spec.first_state, spec.hold_back, spec.initial_state, grad)  # fmt: skip
    expected = -rows[:, :-1].T @ rows[:, -1]
    size = max(np.abs(expected).max(initial=0.0), 1.0)
    np.testing.assert_allclose(loss, 0.5 * np.sum(rows[:, -1] ** 2), rtol=1e-10)
    np.testing.assert_allclose(spec.collapse(grad) / size, expected / size, rtol=0, atol=1e-10)


def test_a_step_can_be_pulled_back_twice_unless_it_is_undone():
    cell, own, state, x, rng = one_step("order 2, 4 stages")
    w, bar = cell.weights(own), rng.normal(size=len(state))
    work = np.empty(work_size(0, cell.shape))
    advance(0, w, 0, cell.shape, cell.numbers, x, 0.3, state, work)
    found = []
    for _ in range(2):
        own_bar, grad = bar.copy(), np.zeros(len(w))
        pull_back(0, w, 0, cell.shape, cell.numbers, x, 0.3, state, work, own_bar, np.zeros(2), grad)
        found.append(np.concatenate([own_bar, grad]))
    np.testing.assert_array_equal(*found)
