"""The lane kernel against the textbook: residuals, Jacobian and their products, different parameters in every lane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import additive, central_differences, imaginary_step, random_params, specification

from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.gram import ROWS
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.units import accumulate, unit_size, work_size


def products(theta, units, activation, x, linear, target, weight):
    """M'M of every lane, M = [Jacobian, residual], by the kernel; `theta` has a row for each lane."""
    units = np.array(units, dtype=np.int64)
    size = theta.shape[1] + 1
    weighted = linear * weight[:, None]
    work = np.full(work_size(units, x.shape[1]), np.nan)  # scratch space may hold anything
    gram = np.full(size * size * LANES, np.nan)
    accumulate(np.ascontiguousarray(theta.T).ravel(), units, ACTIVATIONS[activation], x, linear, target, weight,
               weighted.T @ weighted, work, gram)  # fmt: skip
    lower = np.tril(np.moveaxis(gram.reshape(size, size, LANES), -1, 0))
    return lower + np.swapaxes(np.tril(lower, -1), 1, 2)


def textbook(params, units, activation, x, linear, target, weight, derivative=imaginary_step):
    def predict(p):
        return additive(p, units, activation, x, linear)

    residual = target - predict(params)
    whole = np.column_stack([derivative(predict, params), residual]) * weight[:, None]
    return whole.T @ whole


def problem(units, activation, n, m, q, rng, weights="mixed"):
    """Columns, target, weights, and parameters for every lane."""
    x, linear, target = rng.normal(size=(n, m)), rng.normal(size=(n, q)), rng.normal(size=n)
    weight = np.ones(n)
    if weights == "mixed":
        weight[rng.random(n) < 0.3] = 0.0
        fractional = rng.random(n) < 0.3
        weight[fractional] = rng.uniform(0.1, 2.0, fractional.sum())
    spec = specification(units, activation, range(1, m + 1), (), q)
    theta = np.array([random_params(spec, rng) for _ in range(LANES)])
    return theta, units, activation, x, linear, target, weight


def compare(case, atol, derivative=imaginary_step, shortest=1e-4):
    theta, *rest = case
    ours = products(theta, *rest)
    for lane in range(LANES):
        expected = textbook(theta[lane], *rest, derivative)
        # products of columns are compared in relation to the lengths of the columns, very short ones excepted
        size = np.sqrt(np.diag(expected))
        size = np.maximum(size, shortest * (size.max() or 1.0))
        np.testing.assert_allclose(
            ours[lane] / np.outer(size, size), expected / np.outer(size, size), rtol=0, atol=atol
        )


LAYOUTS = [(), (1,), (2,), (3,), (4,), (5,), (1, 2), (2, 1, 3), (1, 1, 1), (2, 2)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", LAYOUTS, ids=str)
def test_products_are_those_of_the_textbook(units, activation):
    rng = np.random.default_rng(len(units) + 10 * ACTIVATIONS[activation])
    for m, q in ((1, 2), (4, 0), (0, 3)):
        compare(problem(units, activation, ROWS + 9, m, q, rng), 1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [(1,), (2, 1), (3,), (4,)], ids=str)
def test_products_agree_with_central_differences(units, activation):
    rng = np.random.default_rng(3)
    compare(problem(units, activation, 40, 2, 1, rng), 1e-7, central_differences, shortest=1e-2)


@pytest.mark.parametrize("units", [(1,), (2,), (3,), (4,)], ids=str)
@pytest.mark.parametrize("n", [1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 200])
def test_any_number_of_rows(n, units):
    compare(problem(units, "tanh", n, 1, 1, np.random.default_rng(n)), 1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    units=st.lists(st.integers(1, 4), max_size=3),
    activation=st.sampled_from(list(ACTIVATIONS)),
    n=st.integers(1, 70),
    m=st.integers(0, 4),
    q=st.integers(0, 5),
    seed=st.integers(0, 1000),
)
def test_products_of_any_layout_are_those_of_the_twin(units, activation, n, m, q, seed):
    compare(problem(tuple(units), activation, n, m, q, np.random.default_rng(seed)), 1e-11)


def test_unit_weights_and_no_weights_are_the_same():
    rng = np.random.default_rng(0)
    theta, units, activation, x, linear, target, _ = problem((2, 1), "tanh", 50, 2, 2, rng)
    half = np.full(50, 0.5)
    ones = products(theta, units, activation, x, linear, target, np.ones(50))
    halves = products(theta, units, activation, x, linear, target, half)
    np.testing.assert_allclose(4.0 * halves, ones, rtol=1e-13, atol=1e-13)


def test_rows_of_weight_zero_move_the_state_but_enter_nothing():
    # their target and their linear columns are never seen; the state runs on through them
    rng = np.random.default_rng(1)
    theta, units, activation, x, linear, target, weight = problem((2, 3), "tanh", 60, 2, 2, rng)
    expected = products(theta, units, activation, x, linear, target, weight)
    other_target = np.where(weight == 0.0, 1e6, target)
    other_linear = np.where(weight[:, None] == 0.0, -1e6, linear)
    np.testing.assert_array_equal(products(theta, units, activation, x, other_linear, other_target, weight), expected)
    other_x = np.where(weight[:, None] == 0.0, x + 1.0, x)
    assert np.max(np.abs(products(theta, units, activation, other_x, linear, target, weight) - expected)) > 1e-3


@pytest.mark.parametrize("units", [(1,), (2,), (3,), (4,)], ids=str)
def test_lanes_do_not_touch_each_other(units):
    rng = np.random.default_rng(2)
    theta, *rest = problem(units, "identity", 40, 1, 1, rng)
    clean = products(theta, *rest)
    spoiled = theta.copy()
    spoiled[1] = np.nan
    spoiled[-2] *= 1e200
    ours = products(spoiled, *rest)
    others = [lane for lane in range(LANES) if lane not in (1, LANES - 2)]
    np.testing.assert_array_equal(ours[others], clean[others])
    assert not np.isfinite(ours[1]).all() and not np.isfinite(ours[-2]).all()
    np.testing.assert_array_equal(products(theta[::-1].copy(), *rest), clean[::-1])


@pytest.mark.parametrize(("d", "m"), [(1, 0), (1, 1), (2, 1), (2, 4), (5, 3)])
def test_size_of_a_unit(d, m):
    # W (d x d), U (d x m), b and v
    assert unit_size(d, m) == d * d + d * m + 2 * d
