"""Recurrent cells on a CUDA device: the steps of the CPU, compiled from the same source."""

import cell_twin
import device_cells
import numba
import numpy as np
import pytest
from test_jit import run

from pararnn_ts.kernels.cells import advance, pull_back
from pararnn_ts.kernels.cuda.target import ptx

OUTPUTS = ("state", "work", "bar", "x_bar", "grad")


def on_the_cpu(kind):
    given = device_cells.arguments(kind)
    number, w, shape, numbers, x, dt, state, work, bar, x_bar, grad = given
    for i in range(len(x)):
        for inputs in x[i]:
            advance(number, w[i], 0, shape, numbers, inputs, dt, state[i], work[i])
        pull_back(number, w[i], 0, shape, numbers, x[i, -1], dt, state[i], work[i], bar[i], x_bar[i], grad[i])
    return dict(zip(OUTPUTS, given[6:], strict=True))


def test_threads_step_every_cell_as_the_cpu_does(tmp_path):
    """One step after the other and its reverse, in numba's simulator, which runs the source of the device functions."""
    run([device_cells.__file__, tmp_path / "device.npz"], NUMBA_ENABLE_CUDASIM="1")
    with np.load(tmp_path / "device.npz") as device:
        assert len(device.files) == len(cell_twin.CELLS) * len(OUTPUTS)
        for kind in cell_twin.CELLS:
            expected = on_the_cpu(kind)
            assert all(np.any(expected[name] != 0.0) for name in OUTPUTS)
            for i, name in enumerate(OUTPUTS):
                np.testing.assert_allclose(device[f"{kind}|{i}"], expected[name], rtol=0, atol=1e-12, err_msg=kind)


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
def test_all_cells_compile_for_a_device_that_is_absent(capability):
    pytest.importorskip("cuda.bindings", reason="numba-cuda[cu13] is not installed")
    # the kind of cell is an argument, so that the kernel holds the steps of all kinds
    signature = tuple(numba.typeof(argument) for argument in device_cells.arguments("lstm"))
    text = ptx(device_cells.build, signature, capability)
    assert f".target sm_{capability[0]}{capability[1]}" in text and ".visible .entry" in text
    assert "fma.rn.f64" in text and ".extern .func" not in text
