"""Newton's method in parallel over time against the textbook, and what must hold on the way."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from test_units import problem, textbook

from pararnn_ts.kernels import parallel_in_time as parallel
from pararnn_ts.kernels.activations import ACTIVATIONS


def states(theta, units, activation, x, q=0, **options):
    return parallel.states(theta, units, ACTIVATIONS[activation], x, q, **options)


def sequential(theta, units, activation, x, q=0):
    """States one step after the other."""
    act, found, (_, weights) = twin.ACTIVATIONS[activation], [], twin.weights_of(theta, units, x.shape[1], q)
    for W, U, b, v in weights:
        h, path = np.zeros(len(v)), []
        for row in x:
            h = act(W @ h + U @ row + b)
            path.append(h)
        found.append(np.array(path))
    return np.hstack(found)


def unit(radius, d, m, rng):
    """Weights of a unit whose recurrent matrix has the given spectral radius."""
    W = rng.normal(size=(d, d))
    W *= radius / np.abs(np.linalg.eigvals(W)).max()
    return np.concatenate([W.ravel(), rng.normal(size=d * m), 0.3 * rng.normal(size=d), rng.normal(size=d)])


def latch(n, rng):
    """A unit with two attractors that it cannot leave, and an input."""
    return np.array([[4.0, 0.3, 0.0, 1.0]]), 0.1 * rng.normal(size=(n, 1))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [(1,), (2,), (1, 3, 2)], ids=str)
def test_states_are_those_of_the_sequential_recurrence_for_every_chunk_size(units, activation):
    rng = np.random.default_rng(0)
    theta, _, _, x, *_ = problem(units, activation, 203, 2, 1, rng)
    expected = sequential(theta[0], units, activation, x, 1)
    for chunk in (1, 2, 7, 64, 202, 203, 1000):
        found, outcome = states(theta[0], units, activation, x, 1, chunk=chunk)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
        assert outcome.converged.all()


@pytest.mark.parametrize("radius", [0.5, 0.999])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_linear_units_need_one_iteration(d, radius):
    rng = np.random.default_rng(d)
    x = rng.normal(size=(3000, 2))
    theta = unit(radius, d, 2, rng)
    for chunk in (1, 10):
        found, outcome = states(theta, (d,), "identity", x, chunk=chunk)
        assert outcome.iterations[0] == 1 and outcome.converged[0]
        expected = sequential(theta, (d,), "identity", x)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("chunk", [1, 5])
def test_the_first_k_chunks_are_exact_after_k_iterations(chunk):
    rng = np.random.default_rng(1)
    theta, x = unit(2.5, 2, 1, rng), rng.normal(size=(1, 60))
    n = 60 // chunk
    exact = np.empty((n, 2))
    parallel._run_sequentially(theta, 0, ACTIVATIONS["tanh"], x, chunk, exact)
    starts, ends, slopes = rng.normal(size=(n, 2)), np.empty((n, 2)), np.empty((n, 4))
    starts[0] = 0.0
    for k in range(n):
        np.testing.assert_array_equal(starts[: k + 1], exact[: k + 1])
        parallel._shoot(theta, 0, ACTIVATIONS["tanh"], x, chunk, starts, ends, slopes)
        parallel._correct(starts, ends, slopes, np.empty((n, 2)), np.empty((n, 2)))


def test_with_chunks_of_one_row_an_iteration_is_newton_on_the_whole_trajectory():
    # against a dense solution of the linearised equations of all rows at once
    rng = np.random.default_rng(2)
    n, theta, x = 12, unit(0.9, 2, 1, rng), rng.normal(size=(12, 1))
    _, [(W, U, b, _)] = twin.weights_of(theta, (2,), 1, 0)
    guess = rng.normal(size=(n, 2))
    before = np.vstack([np.zeros(2), guess[:-1]])
    values = np.tanh(before @ W.T + x @ U.T + b)
    system = np.eye(2 * n)
    for t in range(1, n):
        system[2 * t : 2 * t + 2, 2 * t - 2 : 2 * t] = -(1.0 - values[t] ** 2)[:, None] * W
    expected = guess + np.linalg.solve(system, (values - guess).ravel()).reshape(n, 2)
    starts, ends, slopes = before.copy(), np.empty((n, 2)), np.empty((n, 4))
    parallel._shoot(theta, 0, ACTIVATIONS["tanh"], np.ascontiguousarray(x.T), 1, starts, ends, slopes)
    parallel._correct(starts, ends, slopes, np.empty((n, 2)), np.empty((n, 2)))
    np.testing.assert_allclose(starts[1:], expected[:-1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, parallel.GROUPS, parallel.GROUPS + 1, 5 * parallel.GROUPS - 3])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_scan_solves_the_affine_recurrence(d, n):
    rng = np.random.default_rng(n)
    slopes, offsets = rng.normal(size=(n, d, d)) / (1.5 * d), rng.normal(size=(n, d))
    values, expected = np.empty((n, d)), np.empty((n, d))
    values[0] = expected[0] = rng.normal(size=d)
    for c in range(n - 1):
        expected[c + 1] = slopes[c] @ expected[c] + offsets[c]
    parallel.affine_scan(slopes.reshape(n, d * d), offsets, values)
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_a_scan_of_zeros_stays_zero_where_slopes_overflow():
    slopes, values = np.full((500, 4), 1e300), np.zeros((500, 2))
    parallel.affine_scan(slopes, np.zeros((500, 2)), values)
    np.testing.assert_array_equal(values, 0.0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [(1,), (2,), (3, 1), (2, 2)], ids=str)
def test_products_are_those_of_the_textbook(units, activation):
    theta, *rest = problem(units, activation, 77, 2, 2, np.random.default_rng(3))
    _, _, x, linear, target, weight = rest
    expected = textbook(theta[0], *rest)
    size = np.sqrt(np.diag(expected))
    size = np.maximum(size, 1e-4 * size.max())
    for chunk in (1, 8, 100):
        ours, outcome = parallel.products(theta[0], units, ACTIVATIONS[activation], x, linear, target, weight, chunk)
        np.testing.assert_allclose(ours / np.outer(size, size), expected / np.outer(size, size), rtol=0, atol=1e-12)
        assert outcome.converged.all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    d=st.integers(1, 3),
    radius=st.floats(0.0, 3.0),
    activation=st.sampled_from(["tanh", "logistic"]),
    n=st.integers(1, 300),
    chunk=st.integers(1, 300),
    seed=st.integers(0, 1000),
)
def test_whether_it_converges_or_falls_back_states_are_right(d, radius, activation, n, chunk, seed):
    rng = np.random.default_rng(seed)
    theta, x = unit(radius, d, 1, rng), rng.normal(size=(n, 1))
    found, outcome = states(theta, (d,), activation, x, chunk=chunk)
    # a step that amplifies a state of rounding size makes paths part that began together
    if outcome.converged[0]:
        exact = np.vstack([np.zeros(d), found[:-1]])
        _, [(W, U, b, _)] = twin.weights_of(theta, (d,), 1, 0)
        np.testing.assert_allclose(found, twin.ACTIVATIONS[activation](exact @ W.T + x @ U.T + b), atol=2e-12)
    else:
        assert outcome.iterations[0] == parallel.LIMIT
    if radius < 1.0:
        np.testing.assert_allclose(found, sequential(theta, (d,), activation, x), rtol=0, atol=1e-10)


def test_a_unit_that_cannot_forget_falls_back_and_says_so():
    rng = np.random.default_rng(4)
    theta, x = latch(400, rng)
    both = np.concatenate([theta[0], unit(0.5, 2, 1, rng)])
    found, outcome = states(both, (1, 2), "tanh", x, chunk=4)
    np.testing.assert_array_equal(outcome.converged, [False, True])
    assert outcome.iterations[0] == parallel.LIMIT
    np.testing.assert_allclose(found, sequential(both, (1, 2), "tanh", x), rtol=0, atol=1e-13)
    patient, outcome = states(both, (1, 2), "tanh", x, chunk=4, limit=100)
    assert outcome.converged.all() and outcome.iterations[0] > parallel.LIMIT
    np.testing.assert_allclose(patient, found, rtol=0, atol=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_paths_that_leave_the_range_of_numbers_end_as_they_do_sequentially(bad):
    rng = np.random.default_rng(5)
    theta, x = unit(0.5, 2, 1, rng), np.abs(rng.normal(size=(40, 1)))
    theta[:4] = bad
    found, outcome = states(theta, (2,), "identity", x, chunk=4)
    assert not outcome.converged[0]
    with np.errstate(all="ignore"):
        expected = sequential(theta, (2,), "identity", x)
        gram, _ = parallel.products(theta, (2,), ACTIVATIONS["identity"], x, np.ones((40, 0)), x[:, 0], np.ones(40), 4)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    assert not np.isfinite(gram[-1, -1])


def test_guesses_that_overflow_do_not_spoil_a_path_that_does_not():
    # from zero the chunks explode, along the true path the input holds the state where it is not active
    theta = np.array([3.0, 1.0, 0.0, 1.0])
    x = np.full((3000, 1), -1.0)
    x[::400] = 1.0
    found, outcome = states(theta, (1,), "relu", x, chunk=1000)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found, sequential(theta, (1,), "relu", x))
    assert outcome.converged.shape == (1,)


def test_threads_do_not_change_the_bits():
    rng = np.random.default_rng(6)
    theta, units, activation, x, linear, target, weight = problem((2, 1), "tanh", 500, 2, 2, rng)

    def run(row):
        return parallel.products(row, units, ACTIVATIONS[activation], x, linear, target, weight, 16)[0]

    with ThreadPoolExecutor(4) as pool:
        for ours, expected in zip(pool.map(run, theta), map(run, theta), strict=True):
            np.testing.assert_array_equal(ours, expected)
