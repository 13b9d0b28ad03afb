"""The pass over the data as straight-line code is the lane kernel: the same products, in one part or in several."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_units import problem, products

from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.cuda import straight
from pararnn_ts.kernels.cuda.straight import straight_pass
from pararnn_ts.kernels.lanes import LANES


def by_straight(case, number=float, first=0):
    """M'M of every lane by the code for one thread."""
    theta, units, activation, x, linear, target, weight = case
    found = straight_pass(units, ACTIVATIONS[activation], x.shape[1], linear.shape[1], number)
    size = theta.shape[1] + 1
    kind = np.float64 if number is float else number
    data = [np.ascontiguousarray(a, dtype=kind) for a in (x, linear, target, weight)]
    weighted = (linear * weight[:, None])[first:]
    out = []
    for lane in range(LANES):
        sums, gram = np.full(found.scratch, np.nan, kind), np.full(size * size, np.nan)
        found.function(theta[lane], *data, first, len(x), weighted.T @ weighted, sums, gram)
        lower = np.tril(gram.reshape(size, size))
        out.append(lower + np.tril(lower, -1).T)
    return np.array(out)


def distance(ours, expected):
    size = np.sqrt(np.maximum(np.einsum("lii->li", expected), 1e-12))
    return np.max(np.abs(ours - expected) / (size[:, :, None] * size[:, None, :]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [(), (1,), (2,), (3,), (1, 2), (1, 1, 1)], ids=str)
def test_products_are_those_of_the_lanes(units, activation):
    rng = np.random.default_rng(len(units))
    case = problem(units, activation, 45, 1, 2, rng)
    assert distance(by_straight(case), products(*case)) < 1e-12


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    units=st.lists(st.integers(1, 3), max_size=2),
    m=st.integers(1, 3),
    q=st.integers(0, 4),
    n=st.integers(1, 12),
    seed=st.integers(0, 100),
)
def test_products_of_any_layout_are_those_of_the_loops(units, m, q, n, seed):
    # a larger model keeps the loops
    assume(straight_pass(units, ACTIVATIONS["tanh"], m, q) is not None)
    case = problem(tuple(units), "tanh", n, m, q, np.random.default_rng(seed))
    assert distance(by_straight(case), products(*case)) < 1e-11


def test_the_split_of_sums_and_of_rows_changes_nothing(monkeypatch):
    case = problem((2, 1), "tanh", 40, 2, 1, np.random.default_rng(0))
    whole = by_straight(case)
    monkeypatch.setattr(straight, "PART", 30)
    np.testing.assert_array_equal(by_straight(case), whole)
    monkeypatch.setattr(straight, "CHUNK", 7)
    assert distance(by_straight(case), whole) < 1e-13


def test_a_pass_reads_its_own_rows_only():
    theta, units, activation, x, linear, target, weight = problem((2,), "tanh", 30, 1, 2, np.random.default_rng(1))
    tail = [a[10:] for a in (x, linear, target, weight)]
    expected = by_straight((theta, units, activation, *tail))
    np.testing.assert_array_equal(
        by_straight((theta, units, activation, x, linear, target, weight), first=10), expected
    )


def test_models_too_large_for_straight_code_say_so():
    assert straight_pass((5, 5), 0, 4, 3) is None


@pytest.mark.parametrize("units", [(1,), (2,)], ids=str)
def test_single_precision_loses_seven_digits_and_no_more(units):
    case = problem(units, "tanh", 400, 1, 2, np.random.default_rng(2))
    error = distance(by_straight(case, np.float32), products(*case))
    # between rounding of single numbers and its accumulation over the rows
    assert 1e-9 < error < 1e-5
