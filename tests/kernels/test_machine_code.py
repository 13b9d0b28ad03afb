"""What the compiler makes of a pass over the data."""

import re

import numpy as np
import pytest
from llvmlite import binding
from numba import njit
from test_units import problem

from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.units import accumulate, work_size

features = binding.get_host_cpu_features()
if binding.get_process_triple().split("-")[0] != "x86_64" or not features.get("avx2"):
    pytest.skip("the instructions looked for are those of AVX2 and AVX-512", allow_module_level=True)

# the register that holds the lanes
REGISTER = "zmm" if features.get("avx512f") else "ymm"
# what allocates, and what takes one number at a time
FOREIGN = r"\bNRT_(?:MemInfo_alloc\w*|Allocate\w*)|(?<=\$)(?:tanh|exp|pow|fmod|malloc|calloc)\b"


@pytest.fixture(scope="module")
def assembly():
    """Lines of a pass and of all that it calls, compiled here: what comes from the cache has no assembly."""
    function = njit(nogil=True, error_model="numpy")(accumulate.py_func)
    theta, units, activation, x, linear, target, weight = problem((1, 2), "tanh", 40, 1, 2, np.random.default_rng(0))
    units = np.array(units, dtype=np.int64)
    size = theta.shape[1] + 1
    function(theta.T.ravel().copy(), units, ACTIVATIONS[activation], x, linear, target, weight, linear.T @ linear,
             np.empty(work_size(units, 1)), np.empty(size**2 * LANES))  # fmt: skip
    return function.inspect_asm(function.signatures[0]).splitlines()


def test_all_lanes_are_computed_with_at_a_time(assembly):
    products = [line for line in assembly if re.search(r"\tvfn?m(add|sub)\d+(pd|sd)\s", line)]
    assert len(products) > 100
    assert sum(REGISTER in line for line in products) > 0.9 * len(products)


def test_states_are_divided_with_vectors_only(assembly):
    divisions = [line for line in assembly if re.search(r"\tv?div[ps][sd]\s", line)]
    assert divisions and all("vdivpd" in line and REGISTER in line for line in divisions)


def test_nothing_is_allocated_and_no_library_is_called(assembly):
    text = "\n".join(assembly)
    assert not re.search(FOREIGN, text)


def test_an_allocation_and_a_call_of_the_library_would_be_seen():
    @njit
    def function(n):
        return np.empty(n).sum() + n**0.3

    function(3)
    (found,) = function.inspect_asm().values()
    assert set(re.findall(FOREIGN, found)) >= {"NRT_MemInfo_alloc_aligned", "pow"}
