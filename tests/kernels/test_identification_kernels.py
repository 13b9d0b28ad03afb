"""Representatives and distinct components, with and without the compiler."""

import numpy as np
import pytest
import twin

from pararnn_ts.kernels.identification import distinct_components, representatives

UNITS = [(), (1,), (3,), (2, 1, 2), (1, 2, 1, 3, 2)]


def plain(function):
    """The same source without the compiler."""
    return getattr(function, "py_func", function)


@pytest.fixture(params=["compiled", "plain"])
def form(request):
    return (lambda function: function) if request.param == "compiled" else plain


@pytest.fixture(params=UNITS, ids=str)
def spec(request):
    return twin.specification(request.param, "tanh")


def arguments(spec):
    return np.array(spec.units, dtype=np.int64), spec.n_linear, spec.n_inputs


def drawn(spec, seed=0):
    """Parameters of three models, and matrices [Jacobian, residual] of forty rows."""
    rng = np.random.default_rng(seed)
    params = np.array([twin.random_params(spec, rng) for _ in range(3)])
    return params, rng.standard_normal((3, 40, params.shape[1] + 1))


@pytest.mark.parametrize("odd", [True, False])
def test_a_representative_is_a_permutation_that_sorts_units_and_states(form, spec, odd):
    params, _ = drawn(spec)
    size = np.random.default_rng(1).random((3, len(spec.units)))
    order, sign = np.empty(params.shape, dtype=np.int64), np.empty(params.shape)
    form(representatives)(*arguments(spec), odd, params, size, order, sign)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(params.shape[1]), (3, 1)))
    starts = np.array([part.start for part in spec.unit_slices])
    for s in range(3):
        moved = params[s, order[s]] * sign[s]
        for d in set(spec.units):
            same = [k for k, own in enumerate(spec.units) if own == d]
            came = np.searchsorted(starts, order[s, starts[same]], side="right") - 1
            assert (np.diff(size[s, came]) <= 0.0).all()
        for unit in spec.unit_weights(moved):
            assert (np.diff(np.abs(unit.v)) <= 0.0).all()
            assert (unit.v >= 0.0).all() if odd else set(sign[s]) == {1.0}


def test_what_is_no_number_comes_last(form):
    spec = twin.specification((1, 1, 1), "tanh")
    params = np.arange(float(spec.n_params))[None]
    order, sign = np.empty(params.shape, dtype=np.int64), np.empty(params.shape)
    form(representatives)(*arguments(spec), True, params, np.array([[np.nan, 1.0, 2.0]]), order, sign)
    starts = [part.start for part in spec.unit_slices]
    assert order[0, starts].tolist() == starts[::-1]


def test_a_component_is_distinct_by_its_distance_from_the_others(form, spec):
    params, rows = drawn(spec)
    precision = np.array([0.05, 0.2, 1.0])
    distinct = np.empty((3, len(spec.units)), dtype=bool)
    products = np.ascontiguousarray(rows.swapaxes(1, 2) @ rows)
    units, n_linear, _ = arguments(spec)
    ends = np.array([part.stop for part in spec.unit_slices])
    form(distinct_components)(units, ends, n_linear, params, products, precision, 1.0, 1e-12, distinct)
    for s in range(3):
        outputs = [slice(part.stop - d, part.stop) for d, part in zip(spec.units, spec.unit_slices, strict=True)]
        components = [rows[s, :, output] @ params[s, output] for output in outputs]
        others = [rows[s, :, j] for j in range(spec.n_linear)]
        for k in np.argsort([-component @ component for component in components]):
            # least squares on the linear path and the larger distinct components
            design = np.array(others).T.reshape(40, -1)
            left = components[k] - design @ np.linalg.lstsq(design, components[k])[0]
            assert distinct[s, k] == (0.5 * precision[s] * left @ left > 1.0)
            if distinct[s, k]:
                others.append(components[k])
