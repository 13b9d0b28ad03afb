"""Start values: stable units, and images of linear models."""

import numpy as np
import pytest
import twin

from pararnn_ts.estimation.starts import linear_start, random_starts, random_unit
from pararnn_ts.models.arma_bridge import units_from_arma
from pararnn_ts.specification import UnitWeights


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_random_units_are_stable_and_silent(d):
    rng = np.random.default_rng(0)
    moduli = []
    for _ in range(200):
        unit = random_unit(d, 3, rng)
        assert unit.W.shape == (d, d) and unit.U.shape == (d, 3) and unit.b.shape == unit.v.shape == (d,)
        moduli.append(np.max(np.abs(np.linalg.eigvals(unit.W))))
        assert not unit.v.any()  # the first step of the optimiser solves for the output weights
    assert max(moduli) < 1.0
    assert min(moduli) < 0.2 and max(moduli) > 0.9  # short memories and long ones


def test_states_of_random_units_neither_vanish_nor_saturate():
    rng = np.random.default_rng(1)
    spec = twin.specification((1, 2, 3), "tanh", (1,), (), 0)
    y = rng.normal(size=400)
    sizes = []
    for start in random_starts(spec, 40, rng):
        states = twin.run(spec, start, y, np.zeros((400, 0)), np.zeros((400, 0))).states[20:]
        sizes.append(np.sqrt(np.mean(states**2, axis=0)))
    median = np.median(sizes)
    assert 0.2 < median < 0.9
    assert np.mean(np.array(sizes) > 0.02) > 0.95


def test_starts_are_reproducible_and_all_different():
    spec = twin.specification((2, 1))
    a, b = (random_starts(spec, 12, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert len(np.unique(a, axis=0)) == 12
    assert not a[:, : spec.n_linear].any()
    assert random_starts(twin.specification(()), 3, np.random.default_rng(0)).shape == (3, 2)


def blocks_of(ar, ma):
    found = [UnitWeights(u.W, u.U, np.zeros(len(u.v)), u.v) for u in units_from_arma(ar, ma)[0]]
    return sorted(found, key=lambda block: -len(block.W))


ARMAS = {
    "one real root": ([0.8], [0.4], [(1,), (2,), (2, 1), (3,)]),
    "two real roots": ([1.2, -0.4], [0.9, 0.2], [(1, 1), (2,), (2, 2), (3, 1)]),
    "a complex pair": ([1.2, -0.8], [0.5, 0.4], [(2,), (1, 2), (4,)]),
    "a pair and a real root": ([0.5, 0.1, 0.1], [0.9, 0.64, 0.2], [(2, 1), (3,), (1, 2), (2, 2)]),
}


@pytest.mark.parametrize("name", ARMAS)
def test_units_of_a_linear_start_span_the_arma(name):
    # with the best output weights, linear units started from an ARMA predict exactly as it does
    ar, ma, layouts = ARMAS[name]
    rng = np.random.default_rng(2)
    x = rng.normal(size=120)
    expected = sum(
        twin.additive(np.concatenate([u.W.ravel(), u.U.ravel(), np.zeros(len(u.v)), u.v]), (len(u.v),), "identity",
                      x[:, None], np.zeros((120, 0)))
        for u in units_from_arma(ar, ma)[0]
    )  # fmt: skip
    for units in layouts:
        spec = twin.specification(units, "identity", (1,), (), 0)
        start = linear_start(spec, blocks_of(ar, ma), 0.1, rng)
        assert start is not None and start.shape == (spec.n_params,)
        columns = []
        for weights in spec.unit_weights(start):
            assert not weights.v.any()
            h = np.zeros(len(weights.v))
            states = [h := weights.W @ h + weights.U[:, 0] * value + weights.b for value in x]
            columns += list(np.array(states).T)
        columns = np.array([*columns, np.ones(120)]).T
        fit = columns @ np.linalg.lstsq(columns, expected, rcond=None)[0]
        np.testing.assert_allclose(fit, expected, rtol=0, atol=1e-8)


def test_an_arma_that_fits_into_no_unit_gives_no_start():
    rng = np.random.default_rng(0)
    assert linear_start(twin.specification((1,)), blocks_of([1.2, -0.8], [0.5, 0.4]), 0.1, rng) is None
    assert linear_start(twin.specification((1, 1)), blocks_of([1.2, -0.8], [0.5, 0.4]), 0.1, rng) is None


@pytest.mark.parametrize("size", [0.1, 0.6])
def test_states_of_a_linear_start_have_about_the_size_asked_for(size):
    x = np.random.default_rng(3).normal(size=4000)
    spec = twin.specification((1,), "identity", (1,), (), 0)
    start = linear_start(spec, blocks_of([0.8], [0.5]), size, np.random.default_rng(0))
    weights = spec.unit_weights(start)[0]
    h, states = 0.0, []
    for value in x:
        h = weights.W[0, 0] * h + weights.U[0, 0] * value
        states.append(h)
    assert np.std(states) == pytest.approx(size, rel=0.1)
