import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.linalg import cholesky, inverse_diagonal, solve_lower, solve_upper

SMALLEST = 1e-13


def positive_definite(n, rng, condition=1e4):
    """One matrix per lane, all different, their diagonals of very different size."""
    found = []
    for _ in range(LANES):
        q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        a = q @ np.diag(np.geomspace(1.0, condition, n)) @ q.T
        size = 10.0 ** rng.uniform(-3, 3, size=n)
        found.append(a * np.outer(size, size))
    return np.array(found)


def flat(matrices):
    """(LANES, ...) to a flat array of items; the upper triangle is spoiled, as no kernel may read it."""
    a = np.moveaxis(np.array(matrices, dtype=float), 0, -1).copy()
    if a.ndim == 3:
        a[np.triu_indices(len(a), 1)] = np.nan
    return a.ravel()


def lanes_of(array, *shape):
    return np.moveaxis(array.reshape(*shape, LANES), -1, 0)


def solve_all(matrices, right):
    n = matrices.shape[1]
    a, b = flat(matrices), flat(right)
    diagonal = np.empty(n * LANES)
    cholesky(a, n, SMALLEST)
    inverse_diagonal(a, n, diagonal)
    solve_lower(a, n, b)
    solve_upper(a, n, b)
    return lanes_of(a, n, n), lanes_of(b, n), lanes_of(diagonal, n)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(n=st.integers(1, 23), seed=st.integers(0, 10_000))
def test_factor_solution_and_inverse_are_those_of_scipy(n, seed):
    rng = np.random.default_rng(seed)
    matrices, right = positive_definite(n, rng), rng.normal(size=(LANES, n))
    factor, solution, diagonal = solve_all(matrices, right)
    for lane in range(LANES):
        size = np.sqrt(np.diag(matrices[lane]))
        lower = scipy.linalg.cholesky(matrices[lane], lower=True)
        ours = np.tril(factor[lane], -1) + np.diag(1.0 / np.diag(factor[lane]))
        np.testing.assert_allclose(ours / size[:, None], lower / size[:, None], rtol=0, atol=1e-10)
        expected = scipy.linalg.solve(matrices[lane], right[lane], assume_a="pos")
        np.testing.assert_allclose(solution[lane] * size, expected * size, rtol=1e-8, atol=1e-8 * np.max(
            np.abs(expected * size)))  # fmt: skip
        np.testing.assert_allclose(diagonal[lane], np.diag(scipy.linalg.inv(matrices[lane])), rtol=1e-9)


def test_triangular_solves_are_those_of_scipy():
    rng = np.random.default_rng(1)
    matrices, right = positive_definite(7, rng), rng.normal(size=(LANES, 7))
    a, lower, upper = flat(matrices), flat(right), flat(right)
    cholesky(a, 7, SMALLEST)
    solve_lower(a, 7, lower)
    solve_upper(a, 7, upper)
    for lane in range(LANES):
        factor = scipy.linalg.cholesky(matrices[lane], lower=True)
        for ours, trans in ((lower, 0), (upper, 1)):
            expected = scipy.linalg.solve_triangular(factor, right[lane], lower=True, trans=trans)
            np.testing.assert_allclose(lanes_of(ours, 7)[lane], expected, rtol=1e-9)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_undetermined_directions_get_nothing_and_the_rest_is_solved(rank):
    # dyadic numbers: elimination leaves pivots that vanish exactly or are far from zero
    rng = np.random.default_rng(rank)
    design = rng.integers(-4, 5, size=(LANES, 30, 6)) / 4.0
    design[:, :, rank:] = design[:, :, :1]  # copies of the first column
    matrices = np.einsum("lti,ltj->lij", design, design)
    target = rng.normal(size=(LANES, 30))
    right = np.einsum("lti,lt->li", design, target)
    _, solution, diagonal = solve_all(matrices, right)
    assert np.isfinite(solution).all() and np.isfinite(diagonal).all()
    for lane in range(LANES):
        assert np.max(np.abs(solution[lane][rank:])) < 1e-40
        residual = target[lane] - design[lane] @ solution[lane]
        np.testing.assert_allclose(design[lane].T @ residual, 0.0, rtol=0, atol=1e-10)
        kept = np.linalg.inv(matrices[lane][:rank, :rank])
        np.testing.assert_allclose(diagonal[lane][:rank], np.diag(kept), rtol=1e-8)


def test_a_column_of_zeros_is_an_undetermined_direction():
    matrices = np.array([np.diag([2.0, 0.0, 3.0])] * LANES)
    _, solution, diagonal = solve_all(matrices, np.array([[2.0, 0.0, 6.0]] * LANES))
    np.testing.assert_allclose(solution, [[1.0, 0.0, 2.0]] * LANES)
    assert np.isfinite(diagonal).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_spoiled_lane_leaves_the_others_untouched(poison):
    rng = np.random.default_rng(2)
    matrices, right = positive_definite(9, rng), rng.normal(size=(LANES, 9))
    clean = solve_all(matrices, right)
    for where in [(0, 0), (4, 2), (8, 8)]:
        spoiled = matrices.copy()
        spoiled[3][where] = spoiled[3][where[::-1]] = poison
        others = [lane for lane in range(LANES) if lane != 3]
        for ours, expected in zip(solve_all(spoiled, right), clean, strict=True):
            np.testing.assert_array_equal(ours[others], expected[others])


def test_a_lane_that_is_not_a_number_does_not_come_back_as_one():
    matrices = positive_definite(4, np.random.default_rng(3))
    matrices[3][0, 0] = np.nan
    assert np.isnan(solve_all(matrices, np.ones((LANES, 4)))[1][3]).any()
