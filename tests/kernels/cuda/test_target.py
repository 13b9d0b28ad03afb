"""Kernels built for CUDA from the source of the CPU kernels: what changes, what is refused, how jobs are tiled."""

from itertools import pairwise

import numpy as np
import pytest

from pararnn_ts.kernels import lanes, scalar
from pararnn_ts.kernels.cuda.target import NoDeviceError, cuda_module, on_device, ptx, require_device, tiles
from pararnn_ts.kernels.jit import jit


def has_device():
    return bool(cuda_module().is_available())


def test_every_operation_on_lanes_has_a_twin_for_one_number():
    # memory for kernels is laid out by their callers
    assert set(lanes.__all__) - {"items"} == set(scalar.__all__)


@pytest.mark.parametrize("z", [-30.0, -2.0, -0.0, 0.0, 1e-300, 3.0, 40.0, np.inf, np.nan])
def test_the_twins_agree_with_the_lanes(z):
    many = np.full(lanes.LANES, z)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(lanes.bound(many, 20.0), scalar.bound(z, 20.0))
        np.testing.assert_array_equal(lanes.positive(many), scalar.positive(z))
        if not z < 0.0:
            np.testing.assert_array_equal(lanes.square_root(many), scalar.square_root(z))


@pytest.mark.skipif("has_device()", reason="there is a device here")
def test_without_a_device_one_sentence_says_so():
    with pytest.raises(NoDeviceError, match=r"^device='cuda' needs an NVIDIA GPU .* pass device='cpu'\.$"):
        require_device()


@jit
def unknown_operation(a):
    return lanes_operation(a)


def lanes_operation(a):
    return a


lanes_operation.__module__ = lanes.__name__


def test_an_operation_without_a_twin_is_refused_by_name():
    with pytest.raises(TypeError, match="unknown_operation calls lanes_operation"):
        on_device(unknown_operation)


def test_tiles_cover_all_jobs_in_order_and_stay_within_the_memory():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 50, 200)
    found = tiles(sizes, available=100)
    assert [i for tile in found for i in range(tile.start, tile.stop)] == list(range(200))
    assert max(sizes[tile].sum() for tile in found) <= 100
    # no tile could have taken the first job of the next
    assert all(sizes[a].sum() + sizes[b.start] > 100 for a, b in pairwise(found))
    assert tiles(np.array([500, 1]), available=100) == [slice(0, 1), slice(1, 2)]


@pytest.mark.parametrize("real", [None, np.float32])
def test_single_kernels_compute_in_single_precision_throughout(real):
    from numba import float32, float64

    from pararnn_ts.kernels.activations import activate

    pytest.importorskip("cuda.bindings", reason="numba-cuda[cu13] is not installed")

    def build():
        device_activate = on_device(activate, real=real)

        def kernel(z, h):
            h[0], h[1] = device_activate(0, z[0])

        return kernel

    number = float64 if real is None else float32
    text = ptx(build, (number[::1], number[::1]), (8, 0))
    assert ("fma.rn.f64" in text) == (real is None)
    assert ("fma.rn.f32" in text) == (real is not None)
