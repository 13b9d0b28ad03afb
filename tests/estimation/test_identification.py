"""Representatives of sets of parameters that make the same predictions."""

import math
import warnings
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import pararnn_ts as prt
from pararnn_ts.estimation.identification import (
    canonical_order,
    distinct_units,
    log_symmetry,
    n_expansive,
    nearest_image,
)
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.specification import Specification, UnitWeights

specifications = st.builds(
    twin.specification,
    units=st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple),
    activation=st.sampled_from(list(twin.ACTIVATIONS)),
    k=st.integers(0, 1),
    e=st.integers(0, 1),
)


def predictions(spec, params):
    rng = np.random.default_rng(9)
    y, exog = rng.normal(size=30), rng.normal(size=(30, len(spec.exog_names)))
    return twin.run(spec, params, y, exog, np.ones((30, spec.n_deterministic))).fitted


def canonical(spec, params, size):
    """Representative of one parameter vector."""
    order, sign = canonical_order(spec, params[None], size[None])
    return params[order[0]] * sign[0]


def moved(weights, order, sign):
    """The unit with its states re-ordered and their signs flipped."""
    order, sign = list(order), np.array(sign)
    return UnitWeights(
        weights.W[np.ix_(order, order)] * np.outer(sign, sign), weights.U[order] * sign[:, None],
        weights.b[order] * sign, weights.v[order] * sign,
    )  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_predictions_stay_the_same(spec, seed):
    rng = np.random.default_rng(seed)
    params = twin.random_params(spec, rng)
    found = canonical(spec, params, rng.random(len(spec.units)))
    np.testing.assert_allclose(predictions(spec, found), predictions(spec, params), rtol=1e-10, atol=1e-10)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_every_equivalent_model_has_the_same_representative(spec, seed):
    rng = np.random.default_rng(seed)
    params, size = twin.random_params(spec, rng), rng.random(len(spec.units))
    odd = spec.activation in ("tanh", "identity")
    places = np.arange(len(spec.units))
    for d in set(spec.units):
        same = places[np.array(spec.units) == d]
        places[same] = rng.permutation(same)
    units = spec.unit_weights(params)
    units = [moved(units[k], rng.permutation(spec.units[k]), rng.choice([-1.0, 1.0] if odd else [1.0], spec.units[k]))
             for k in places]  # fmt: skip
    other = spec.join(params[: spec.n_linear], units)
    np.testing.assert_allclose(predictions(spec, other), predictions(spec, params), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(canonical(spec, other, size[places]), canonical(spec, params, size))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(spec=specifications, seed=st.integers(0, 1000))
def test_a_representative_represents_itself(spec, seed):
    rng = np.random.default_rng(seed)
    found = canonical(spec, twin.random_params(spec, rng), np.ones(len(spec.units)))
    np.testing.assert_array_equal(canonical(spec, found, np.ones(len(spec.units))), found)
    for weights in spec.unit_weights(found):
        assert (np.diff(np.abs(weights.v)) <= 0.0).all()
        assert spec.activation not in ("tanh", "identity") or (weights.v >= 0.0).all()


def test_larger_components_come_first_within_a_dimension():
    spec = twin.specification((1, 2, 1), "tanh")
    params = twin.random_params(spec, np.random.default_rng(0))
    before = spec.unit_weights(params)
    after = spec.unit_weights(canonical(spec, params, np.array([1.0, 9.0, 2.0])))
    assert abs(after[0].v[0]) == abs(before[2].v[0]) and abs(after[2].v[0]) == abs(before[0].v[0])
    assert len(after[1].v) == 2


@pytest.mark.parametrize("activation", twin.ACTIVATIONS)
@pytest.mark.parametrize("units", [(), (1,), (2,), (1, 1), (2, 1), (2, 2), (3,), (1, 1, 1)], ids=str)
def test_count_of_equivalent_parameters(units, activation):
    spec = twin.specification(units, activation)
    params = twin.random_params(spec, np.random.default_rng(3))
    found, weights = set(), spec.unit_weights(params)
    signs = (-1.0, 1.0) if activation in ("tanh", "identity") else (1.0,)
    for places in permutations(range(len(units))):
        if any(units[k] != units[place] for place, k in enumerate(places)):
            continue
        choices = [list(product(permutations(range(d)), product(signs, repeat=d))) for d in units]
        for choice in product(*choices):
            chosen = [moved(weights[k], *choice[k]) for k in places]
            found.add(tuple(spec.join(params[: spec.n_linear], chosen)))
    assert log_symmetry(spec) == pytest.approx(math.log(len(found)), abs=1e-12)


def test_a_unit_at_zero_has_no_mirror_images():
    spec = twin.specification((2, 1, 1), "tanh")
    assert log_symmetry(spec, [True, False, True]) == pytest.approx(log_symmetry(twin.specification((2, 1), "tanh")))
    assert log_symmetry(spec, [False] * 3) == 0.0


def test_a_unit_is_distinct_by_what_neither_the_linear_path_nor_a_larger_unit_can_take_over():
    spec = Specification("y", (1,), (1,), (1, 1, 1), "tanh")
    line, other, noise = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 3)))[0].T
    outputs = [part.stop - 1 for part in spec.unit_slices]

    def found(*components, variance=1.0):
        rows = np.zeros((50, spec.n_params + 1))
        rows[:, 0] = line
        rows[:, outputs] = np.transpose(components)
        params = np.ones((1, spec.n_params))
        return distinct_units(spec, params, (rows.T @ rows)[None], np.array([1.0 / variance]))[0].tolist()

    nothing = np.zeros(50)
    assert found(5 * line, nothing, nothing) == [False, False, False]
    assert found(5 * line, 2 * other, nothing) == [False, True, False]
    assert found(5 * line + 2 * other, nothing, nothing) == [True, False, False]
    # two units that do the same are one, and the larger stands for both
    assert found(2 * other, 3 * other, nothing) == [False, True, False]
    assert found(2 * other, 3 * noise, 4 * (other + line)) == [False, True, True]
    # a nat is half a squared deviation in units of the variance of the shocks
    assert found(1.4 * other, nothing, nothing) == [False] * 3 and found(1.42 * other, nothing, nothing)[0]
    assert found(1.42 * other, nothing, nothing, variance=1.1) == [False] * 3


CELLS = {
    "LSTM": lambda y: prt.LSTM(y, hidden=2),
    "oscillators": lambda y: prt.ODERNN(y, hidden=2, order=2),
    "antisymmetric": lambda y: prt.ODERNN(y, hidden=3, antisymmetric=True),
    "many amplitudes": lambda y: prt.QUNN(y, qubits=7, memory=2),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_component_of_a_cell_is_that_of_its_output_weights_whatever_stands_before_them(name):
    """A cell has other numbers of parameters than a unit of as many states; there is nothing behind its last ones."""
    spec = CELLS[name](np.arange(30.0)).specification
    rng = np.random.default_rng(0)
    rows, params = rng.standard_normal((400, spec.n_params + 1)), rng.standard_normal((1, spec.n_params))
    outputs = slice(spec.n_params - spec.cell.n_outputs, spec.n_params)
    line = rows[:, : spec.n_linear]
    component = rows[:, outputs] @ params[0, outputs]
    own = component - line @ np.linalg.lstsq(line, component, rcond=None)[0]
    for nats in (0.99, 1.01):
        precision = np.array([2.0 * nats / (own @ own)])
        assert distinct_units(spec, params, (rows.T @ rows)[None], precision).tolist() == [[nats > 1.0]]


@pytest.mark.parametrize("seed", range(4))
def test_units_do_not_raise_the_evidence_of_a_linear_series(seed):
    shocks, y = np.random.default_rng(seed).standard_normal(110), np.zeros(110)
    for t in range(1, 110):
        y[t] = 0.9 * y[t - 1] + shocks[t]

    def evidence(units):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return ParaRNN(y[50:], units=units, linear_lags=2, hold_back=2).fit(n_starts=8).log_evidence

    linear = evidence(())
    assert all(evidence(units) < linear for units in [(2,), (2, 2), (2, 2, 2)])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(spec=specifications, radius=st.floats(0.1, 0.95), seed=st.integers(0, 1000))
def test_units_count_as_expansive_from_the_radius_on_at_which_their_steepest_slope_expands(spec, radius, seed):
    params = twin.random_params(spec, np.random.default_rng(seed))  # spectral radius 0.8
    units = spec.unit_weights(params)
    slope = 0.25 if spec.activation == "logistic" else 1.0
    for size, expected in ((radius / slope, 0), (1.05 / slope, len(units))):
        scaled = [UnitWeights(u.W * size / 0.8, u.U, u.b, u.v) for u in units]
        found = spec.join(params[: spec.n_linear], scaled)
        assert n_expansive(spec, np.array([found, found])).tolist() == [expected, expected]


def test_two_runs_of_a_unit_that_does_not_expand_come_together():
    # and those of one that does may stay apart for ever
    spec = twin.specification((1,), "tanh", (1,), (), 0)
    none = np.zeros((200, 0))
    for weight, together in ((0.9, True), (1.5, False)):
        params = np.array([weight, 0.1, 0.0, 1.0])
        y = np.random.default_rng(0).normal(size=200)
        ends = [twin.run(spec, params, y, none, none, state=[state]).end_state[0] for state in (-1.0, 1.0)]
        assert (abs(ends[0] - ends[1]) < 1e-3) == together
        assert n_expansive(spec, params[None, :])[0] == (not together)


def test_nearest_image_undoes_any_symmetry():
    rng = np.random.default_rng(0)
    spec = Specification("y", (1,), (1,), (2, 1, 2, 1, 4), "tanh")
    target = rng.standard_normal(spec.n_params)
    units = spec.unit_weights(target)
    images = [canonical(replace(spec, units=(len(u.v),)), spec.join([0.0], [u]), np.ones(1))[1:] for u in units]
    moved = np.concatenate([target[:1], images[2], images[3], images[0], images[1], images[4]])
    found = nearest_image(spec, moved, target, np.ones(spec.n_params))
    np.testing.assert_array_equal(found, target)
