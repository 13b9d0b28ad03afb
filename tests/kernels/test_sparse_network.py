"""The compiled network is the one on paper, with and without absent inputs, whatever its size."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sparse_twin import network_codes

from pararnn_ts.estimation.baselines import free_wiring, generic_network, generic_wiring, untied
from pararnn_ts.estimation.sequences import Panel, SequenceLoss, run
from pararnn_ts.estimation.sista import SISTAParams, stacked_wiring, unfold
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.sparse_vectors import add_outer, add_product, find_active, soft


def params(m, n, h, rng):
    D = rng.normal(size=(n, h)) / np.sqrt(n)
    A = rng.normal(size=(m, n)) / np.sqrt(n)
    F = np.linalg.qr(rng.normal(size=(n, n)))[0]
    alpha = np.linalg.norm(A @ D, 2) ** 2 + 0.3 * np.linalg.norm(D, 2) ** 2
    return SISTAParams(A, D, F, alpha, 0.1, 0.3, rng.normal(size=h))


def measurements(m, rng, absent=0.0, lengths=(6, 1, 9)):
    x = 2.0 * rng.normal(size=(sum(lengths), m))
    x[rng.random(x.shape) < absent] = np.nan
    return Panel(np.concatenate([[0], np.cumsum(lengths)]), x)


def network_of(kind, m, n, h, layers, rng):
    if kind == "generic":
        network = generic_network(m, h, n, layers, rng)
        # weights of a size that matters, and thresholds of both signs
        grown = network._replace(
            recurrent=4.0 * network.recurrent / layers, threshold=0.1 * rng.normal(size=(layers, h))
        )
        return grown._replace(state=rng.normal(size=(layers, h))), generic_wiring(layers)
    if kind == "free":
        return untied(params(m, n, h, rng), layers), free_wiring(layers)
    return unfold(params(m, n, h, rng), layers), stacked_wiring(layers)


@pytest.mark.parametrize("kind", ["tied", "free", "generic"])
@pytest.mark.parametrize("size", [(3, 5, 5, 1), (7, 12, 10, 3), (5, 16, 40, 2), (2, 8, 33, 4)])
@pytest.mark.parametrize("absent", [0.0, 0.3])
def test_codes_are_those_of_the_formula(kind, size, absent):
    rng = np.random.default_rng(sum(size))
    m, n, h, layers = size
    network, wiring = network_of(kind, m, n, h, layers, rng)
    panel = measurements(m, rng, absent)
    found = run(network, wiring, panel)
    for first, last in zip(panel.offsets, panel.offsets[1:], strict=False):
        assert_allclose(found[first:last], network_codes(network, wiring, panel.x[first:last])[:, -1], atol=1e-12)


@pytest.mark.parametrize("kind", ["tied", "free", "generic"])
def test_derivatives_by_every_weight_are_finite_differences(kind):
    rng = np.random.default_rng(3)
    network, wiring = network_of(kind, 4, 6, 9, 3, rng)
    panel = measurements(4, rng, 0.2)
    y = rng.normal(size=(len(panel.x), 6))
    y[3, 1] = np.nan
    loss, batch = SequenceLoss(panel, y), np.array([2, 0])
    value, gradient = loss.gradient(network, wiring, batch)
    assert value > 0
    for name, own in network._asdict().items():
        slopes = getattr(gradient, name)
        for place in np.ndindex(own.shape):
            step = np.zeros_like(own)
            step[place] = 1e-6
            up, down = (loss.gradient(network._replace(**{name: own + s}), wiring, batch)[0] for s in (step, -step))
            assert slopes[place] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-7), (name, place)


def test_a_state_given_before_a_sequence_continues_it():
    rng = np.random.default_rng(4)
    network, wiring = network_of("generic", 3, 4, 6, 2, rng)
    panel = measurements(3, rng, lengths=(9,))
    whole = network_codes(network, wiring, panel.x)
    rest = Panel(np.array([0, 4]), panel.x[5:])
    assert_allclose(run(network, wiring, rest, whole[4][None]), whole[5:, -1], atol=1e-13)


def test_soft_thresholds_shrink_and_negative_ones_expand():
    z, threshold = np.array([3.0, -3.0, 0.5, -0.5, 0.0, 1.0, np.nan, 2.0]), np.array([1.0, 1, 1, 1, -1, -1, 1, 2])
    code = np.empty(8)
    soft(z, threshold, 0, code, 0, 8 // LANES)
    assert_allclose(code, [2.0, -2.0, 0.0, 0.0, 0.0, 2.0, np.nan, 0.0])


@pytest.mark.parametrize("items", [1, 3, 4, 5])
def test_sparse_products_are_products(items):
    rng = np.random.default_rng(items)
    h, wide = 10, LANES * items
    code = rng.normal(size=h) * (rng.random(h) < 0.5)
    active = np.empty(h, dtype=np.int64)
    count = find_active(code, 0, h, active, 0)
    assert sorted(active[:count]) == np.flatnonzero(code).tolist()
    rows, dense = rng.normal(size=(h, wide)), rng.normal(size=wide)
    out = dense.copy()
    add_product(out, 0, code, 0, active, 0, count, rows.reshape(-1), 0, items)
    assert_allclose(out, dense + code @ rows, atol=1e-13)
    expected = rows + np.outer(code, dense)
    add_outer(rows.reshape(-1), 0, code, 0, active, 0, count, dense, 0, items)
    assert_allclose(rows, expected, atol=1e-13)
