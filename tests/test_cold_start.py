"""A fit in a fresh process: without a cache that can be written, and without the compiler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pararnn_ts as prt

PACKAGE = Path(prt.__file__).parent
FIT = """
import numpy as np
import pararnn_ts as prt

results = prt.ParaRNN(np.sin(np.arange(60.0)) ** 3, units=(1,)).fit(n_starts=4, rng=0)
forecast = results.get_forecast(3, method="bootstrap", n_sims=20, rng=0)
print(prt.__file__)
print(*results.params, *forecast.conf_int().ravel())
"""


def fitted(folder, **environment):
    """Parameters and intervals as a fresh process computes them with the package in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", FIT],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr
    file, numbers = done.stdout.splitlines()
    assert Path(file).is_relative_to(folder)
    return np.array(numbers.split(), dtype=float)


@pytest.fixture(scope="module")
def expected():
    return fitted(PACKAGE.parent)


@pytest.mark.slow
def test_without_the_compiler_the_fit_is_the_same(expected):
    np.testing.assert_allclose(fitted(PACKAGE.parent, NUMBA_DISABLE_JIT="1"), expected, rtol=1e-6)


@pytest.mark.slow
def test_where_nothing_can_be_written_the_fit_is_the_same(tmp_path, expected):
    copy = tmp_path / "pararnn_ts"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    # __pycache__ as a file stops even those whom no permission stops
    for folder in {file.parent for file in copy.rglob("*.py")}:
        (folder / "__pycache__").write_text("")
    environment = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), str(nowhere / "cache"))
    np.testing.assert_array_equal(fitted(tmp_path, **environment), expected)
    assert not list(tmp_path.rglob("*.nbi"))
