"""One long series on a device: in the simulator, as PTX, and where there is a device on it, against the CPU kernels."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from simulated import CASES, arguments, everything, small_problem

import pararnn_ts
from pararnn_ts.kernels import parallel_in_time
from pararnn_ts.kernels.cuda.target import cuda_module, ptx

HERE = Path(__file__).parent
PACKAGE = Path(pararnn_ts.__file__).parent.parent


def has_device():
    return bool(cuda_module().is_available())


def simulate(path):
    paths = os.pathsep.join([str(PACKAGE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, HERE / "simulated.py", path],
        env={**os.environ, "PYTHONPATH": paths, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        return dict(found)


def agrees_with_the_processor(found):
    for number, case in enumerate(CASES):
        theta, units, activation, x, linear, target, weight = arguments(case)
        states, _ = parallel_in_time.states(theta[0], units, activation, x, case.q, case.chunk, case.limit)
        np.testing.assert_allclose(
            found[f"states{number}"], states, rtol=0, atol=1e-10 * max(1.0, np.abs(states).max())
        )
        for start in range(2):
            gram, outcome = parallel_in_time.products(theta[start], units, activation, x, linear, target, weight,
                                                      case.chunk, case.limit)  # fmt: skip
            size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
            np.testing.assert_allclose(found[f"products{number}"][start] / np.outer(size, size),
                                       np.tril(gram) / np.outer(size, size), rtol=0, atol=1e-10)  # fmt: skip
            np.testing.assert_array_equal(found[f"iterations{number}"][start], outcome.iterations)
            np.testing.assert_array_equal(found[f"converged{number}"][start], outcome.converged)
    assert not found[f"converged{len(CASES) - 1}"].all()


def test_in_the_simulator_device_and_processor_agree_whatever_the_size_of_a_block(tmp_path):
    found = simulate(tmp_path / "found.npz")
    agrees_with_the_processor(found)
    for name in ("states0", "products0"):
        np.testing.assert_array_equal(found[f"other_{name}"], found[name])
    problem, params = small_problem()
    np.testing.assert_allclose(found["evaluator"], problem.products(params), rtol=1e-10)


@pytest.mark.gpu
@pytest.mark.skipif("not has_device()", reason="there is no CUDA device here")
def test_on_the_device_device_and_processor_agree():
    agrees_with_the_processor(everything(128))


def signatures():
    from numba import boolean, float64, int64, types

    numbers, flags, vector = int64[::1], boolean[::1], float64[::1]
    matrix, cube, parts = float64[:, ::1], float64[:, :, ::1], types.Array(float64, 4, "C")
    series = (matrix, numbers, matrix)
    return {
        "shoot": (*series, int64, int64, flags, cube, cube, cube, cube, vector),
        "run_sequentially": (*series, int64, flags, cube),
        "fill_states": (*series, int64, cube, cube),
        "find_sensitivities": (*series, int64, cube, cube, cube),
        "fill_columns": (*series, int64, int64, cube, cube, vector, cube),
        "scan": (flags, cube, cube),
        "correct": (flags, cube, cube, cube, cube),
        "finish_rows": (matrix, matrix, numbers, vector, vector, int64, cube),
        "multiply": (cube, parts),
        "collect": (parts, int64, cube),
    }


@pytest.mark.parametrize("capability", [(7, 0), (8, 0), (9, 0)], ids=["sm_70", "sm_80", "sm_90"])
def test_kernels_compile_without_a_device_and_stay_in_registers(capability):
    pytest.importorskip("cuda.bindings", reason="numba-cuda[cu13] is not installed")
    from numba.cuda.cudadrv.error import CCSupportError

    from pararnn_ts.kernels.cuda import parallel_in_time as kernels

    known, target = signatures(), "sm_{}{}".format(*capability)
    makers = [lambda: kernels.unit_kernels(2, 1, 0), lambda: kernels.scan_kernels(2), kernels.product_kernels]
    for make in makers:
        for name in make()._fields:
            try:
                text = ptx(lambda make=make, name=name: getattr(make(), name), known[name], capability)
            except CCSupportError as error:
                pytest.skip(f"the CUDA toolkit of this environment has dropped {target}: {error}")
            assert f".target {target}" in text
            # no thread keeps anything in local memory, which is memory of the device
            assert not re.search(r"\.local\b", text), name
