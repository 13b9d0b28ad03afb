"""Names, packing and counts of a model's parameters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pararnn_ts.specification import GROUPS, Specification

specifications = st.builds(
    Specification,
    endog_name=st.just("y"),
    lags=st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True).map(lambda a: tuple(sorted(a))),
    linear_lags=st.lists(st.integers(1, 9), max_size=4, unique=True).map(lambda a: tuple(sorted(a))),
    units=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    activation=st.just("tanh"),
    deterministic_names=st.sampled_from([(), ("const",), ("const", "trend")]),
    exog_names=st.sampled_from([(), ("x",), ("rain", "sun")]),
    difference=st.sampled_from([(1.0,), (1.0, -1.0), (1.0, 0.0, 0.0, 0.0, -1.0)]),
)


def test_names_a_reader_understands():
    spec = Specification("sales", (1, 12), (1,), (1, 2), "tanh", ("const", "s(2,4)"), ("price",))
    assert spec.param_names == (
        "const", "s(2,4)", "linear.sales.L1", "linear.price",
        "unit1.W", "unit1.U[sales.L1]", "unit1.U[sales.L12]", "unit1.U[price]", "unit1.b", "unit1.v",
        "unit2.W[1,1]", "unit2.W[1,2]", "unit2.W[2,1]", "unit2.W[2,2]",
        "unit2.U[1,sales.L1]", "unit2.U[1,sales.L12]", "unit2.U[1,price]",
        "unit2.U[2,sales.L1]", "unit2.U[2,sales.L12]", "unit2.U[2,price]",
        "unit2.b[1]", "unit2.b[2]", "unit2.v[1]", "unit2.v[2]",
    )  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(spec=specifications)
def test_the_number_of_parameters(spec):
    m = len(spec.lags) + len(spec.exog_names)
    linear = len(spec.deterministic_names) + len(spec.linear_lags) + len(spec.exog_names)
    expected = linear + sum(d * (d + m + 2) for d in spec.units)
    assert spec.n_params == expected == len(spec.param_names) == len(set(spec.param_names))
    assert len(spec.groups) == len(spec.is_linear) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(spec=specifications)
def test_packing_there_and_back(spec):
    params = np.arange(1.0, spec.n_params + 1.0)
    units = spec.unit_weights(params)
    np.testing.assert_array_equal(spec.join(params[: spec.n_linear], units), params)
    for weights in units:
        weights.W[:] = 0.0  # the arrays are copies
    np.testing.assert_array_equal(params, np.arange(1.0, spec.n_params + 1.0))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(spec=specifications)
def test_names_point_at_the_weights_they_name(spec):
    position = {name: float(i) for i, name in enumerate(spec.param_names)}
    units = spec.unit_weights(np.arange(float(spec.n_params)))
    for number, (d, weights) in enumerate(zip(spec.units, units, strict=True), start=1):
        assert weights.W.shape == (d, d) and weights.U.shape == (d, spec.n_inputs)
        for i in range(d):
            row = "" if d == 1 else f"[{i + 1}]"
            assert weights.b[i] == position[f"unit{number}.b{row}"]
            assert weights.v[i] == position[f"unit{number}.v{row}"]
            for j in range(d):
                at = "" if d == 1 else f"[{i + 1},{j + 1}]"
                assert weights.W[i, j] == position[f"unit{number}.W{at}"]
            for j, name in enumerate(spec.input_names):
                at = name if d == 1 else f"{i + 1},{name}"
                assert weights.U[i, j] == position[f"unit{number}.U[{at}]"]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(spec=specifications)
def test_groups_follow_from_the_names(spec):
    for name, group, linear in zip(spec.param_names, spec.groups, spec.is_linear, strict=True):
        if name in spec.deterministic_names:
            expected = -1
        elif name.startswith("linear."):
            expected = GROUPS["linear"]
        else:
            expected = GROUPS[{"W": "recurrent", "U": "input", "b": "input", "v": "output"}[name.split(".")[1][0]]]
        assert group == expected
        assert linear == (expected in (-1, GROUPS["linear"], GROUPS["output"]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(spec=specifications)
def test_reach_and_first_state(spec):
    lost = len(spec.difference) - 1
    assert spec.order_of_difference == lost
    assert spec.reach == max([0, *spec.lags, *spec.linear_lags]) + lost
    assert spec.first_state == max(spec.lags) + lost <= spec.reach


@pytest.mark.parametrize(
    ("linear_lags", "ranks"),
    [((), []), ((1, 2, 3), [1, 2, 3]), ((1, 2, 12), [1, 2, 1]), ((2, 3), [1, 1]), ((1, 3), [1, 1])],
)
def test_ranks_grow_along_the_run_of_linear_lags_and_are_one_outside_it(linear_lags, ranks):
    spec = Specification("y", (1,), linear_lags, (), "tanh")
    np.testing.assert_array_equal(spec.linear_lag_ranks, ranks)


def test_a_specification_is_a_value():
    a, b = (Specification("y", (1,), (1,), (2,), "tanh") for _ in range(2))
    assert a == b and hash(a) == hash(b)
    with pytest.raises(AttributeError):
        a.units = (1,)
