"""A fit is the same to the last bit, however many lanes the registers of the processor hold."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import pararnn_ts as prt
from pararnn_ts.kernels.lanes import LANES

PACKAGE = Path(prt.__file__).parent.parent
OTHER = """
import sys
from pararnn_ts import _compat

_compat.has_wide_registers = lambda: {wide}
from test_lane_count import fits
from pararnn_ts.kernels.lanes import LANES

print(LANES, *(float(x).hex() for x in fits()))
"""


def fits():
    """Parameters and log-evidence of fits from 12 starts: full and partly filled vectors, an audition."""
    rng = np.random.default_rng(3)
    e, y = rng.standard_normal(150), np.zeros(150)
    for t in range(2, 150):
        y[t] = 1.3 * np.tanh(y[t - 1]) - 0.6 * y[t - 2] + e[t]
    found = []
    for units in ((1,), (2, 1)):
        results = prt.ParaRNN(y, units=units).fit(n_starts=12)
        found += [*np.asarray(results.params), results.log_evidence]
    return np.array(found)


def test_the_number_of_lanes_changes_no_bit(tmp_path):
    paths = os.pathsep.join([str(PACKAGE), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", OTHER.format(wide=LANES == 4)],
        env={**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    lanes, *numbers = done.stdout.split()
    assert {int(lanes), LANES} == {4, 8}
    np.testing.assert_array_equal([float.fromhex(x) for x in numbers], fits())
