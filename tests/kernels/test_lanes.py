import numpy as np
import pytest
from numba import njit

from pararnn_ts.kernels.lanes import LANES, bound, fill, items, load, positive, square_root, store


def arithmetic(a, b, x, out):
    u, v = load(a, 0), load(b, 0)
    store(out, 0, u + v)
    store(out, 1, u - v)
    store(out, 2, u * v)
    store(out, 3, u / v)
    store(out, 4, x * u)
    store(out, 5, u - x)
    store(out, 6, x - u)
    store(out, 7, 2 / u)
    store(out, 8, fill(x))
    store(out, 9, fill(3))
    store(out, 10, bound(u, 1.0))
    store(out, 11, positive(u))
    store(out, 12, square_root(u * u))


def test_operations_are_those_of_numpy_in_every_lane():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=LANES), rng.normal(size=LANES)
    a[0], a[1], b[2] = np.nan, -0.0, 0.0
    plain, compiled = np.empty(13 * LANES), np.empty(13 * LANES)
    with np.errstate(all="ignore"):
        arithmetic(a, b, 0.7, plain)
        njit(error_model="numpy")(arithmetic)(a, b, 0.7, compiled)
    np.testing.assert_array_equal(compiled, plain)
    np.testing.assert_array_equal(plain[: 4 * LANES].reshape(4, LANES)[:, 0], [a[0] + b[0], a[0] - b[0], a[0] * b[0],
                                                                              a[0] / b[0]])  # fmt: skip


def test_a_value_read_is_a_copy():
    def swap(a):
        u, v = load(a, 0), load(a, 1)
        store(a, 0, v)
        store(a, 1, u)

    plain, compiled = np.arange(2.0 * LANES), np.arange(2.0 * LANES)
    swap(plain)
    njit(swap)(compiled)
    np.testing.assert_array_equal(plain, np.roll(np.arange(2.0 * LANES), LANES))
    np.testing.assert_array_equal(compiled, plain)


def test_limits_and_signs_of_one_number():
    @njit
    def scalar(z):
        return bound(z, 2.0), positive(z), square_root(abs(z))

    for z in (-3.0, -1.0, 0.0, 1.5, 9.0):
        assert scalar(z) == (float(np.clip(z, -2.0, 2.0)), float(z > 0), float(np.sqrt(abs(z))))
    assert np.isnan(scalar(np.nan)[0]) and scalar(np.nan)[1] == 0.0


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_an_item_lies_within_one_cache_line(n):
    space = items(n)
    assert space.shape == (n * LANES,) and space.flags.c_contiguous and space.flags.writeable
    assert 64 % (8 * LANES) == 0 and space.ctypes.data % (8 * LANES) == 0
