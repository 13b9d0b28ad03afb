"""Fits in fresh processes: without a cache that can be written, with other registers, and without the compiler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts.kernels.lanes import LANES

PACKAGE = Path(prt.__file__).parent
ELSEWHERE = """
from pararnn_ts import _compat

_compat.has_wide_registers = lambda: {wide}
import pararnn_ts
from pararnn_ts.kernels.lanes import LANES
from test_cold_start import small, with_all_lanes

print(pararnn_ts.__file__)
print(LANES, *(float(x).hex() for x in [*small(), *with_all_lanes()]))
"""
WITHOUT_COMPILER = """
from test_cold_start import small

print(*small())
"""


def small():
    """Parameters and intervals of a fit that takes seconds without the compiler, too."""
    results = prt.ParaRNN(np.sin(np.arange(60.0)) ** 3, units=(1,)).fit(n_starts=4, rng=0)
    forecast = results.get_forecast(3, method="bootstrap", n_sims=20, rng=0)
    return np.array([*results.params, *forecast.conf_int().ravel()])


def with_all_lanes():
    """Parameters and log-evidence of fits from 12 starts: full and partly filled vectors, a review."""
    rng = np.random.default_rng(3)
    e, y = rng.standard_normal(150), np.zeros(150)
    for t in range(2, 150):
        y[t] = 1.3 * np.tanh(y[t - 1]) - 0.6 * y[t - 2] + e[t]
    found = []
    for units in ((1,), (2, 1)):
        results = prt.ParaRNN(y, units=units).fit(n_starts=12)
        found += [*np.asarray(results.params), results.log_evidence]
    return np.array(found)


def printed(code, folder, **environment):
    """Lines that the code prints in a process of its own, with the package in `folder`."""
    paths = os.pathsep.join([str(folder), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_without_the_compiler_the_fit_is_the_same():
    (numbers,) = printed(WITHOUT_COMPILER, PACKAGE.parent, NUMBA_DISABLE_JIT="1")
    np.testing.assert_allclose(np.array(numbers.split(), dtype=float), small(), rtol=1e-6)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """
    Folder of a copy of the package, where its process found the package, its number of lanes, and fits.

    That process compiles everything, which takes long, and serves two tests: it can write nothing, and takes the
    registers of the processor for narrow ones where they are wide, or the other way round.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    copy = folder / "pararnn_ts"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    nowhere = folder / "file"
    nowhere.write_text("not a folder")
    # __pycache__ as a file stops even those whom no permission stops
    for place in {file.parent for file in copy.rglob("*.py")}:
        (place / "__pycache__").write_text("")
    environment = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), str(nowhere / "cache"))
    file, line = printed(ELSEWHERE.format(wide=LANES == 4), folder, **environment)
    lanes, *numbers = line.split()
    return folder, Path(file), int(lanes), np.array([float.fromhex(x) for x in numbers])


def test_where_nothing_can_be_written_the_fit_is_the_same(elsewhere):
    folder, file, _, numbers = elsewhere
    assert file.is_relative_to(folder)
    assert not list(folder.rglob("*.nbi"))
    expected = small()
    np.testing.assert_array_equal(numbers[: len(expected)], expected)


def test_the_number_of_lanes_changes_no_bit(elsewhere):
    _, _, lanes, numbers = elsewhere
    assert {lanes, LANES} == {4, 8}
    expected = with_all_lanes()
    np.testing.assert_array_equal(numbers[-len(expected) :], expected)
