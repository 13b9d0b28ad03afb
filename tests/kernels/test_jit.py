"""The same source with and without the compiler, with and without a place for its cache."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from interpreted import everything

import pararnn_ts

HERE = Path(__file__).parent
PACKAGE = Path(pararnn_ts.__file__).parent.parent


def run(arguments, **environment):
    paths = os.pathsep.join([str(PACKAGE), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_kernels_compute_the_same_without_the_compiler(tmp_path):
    run([HERE / "interpreted.py", tmp_path / "plain.npz"], NUMBA_DISABLE_JIT="1")
    compiled = everything()
    with np.load(tmp_path / "plain.npz") as plain:
        assert set(plain) == set(compiled)
        for name, expected in compiled.items():
            size = max(1.0, np.nanmax(np.abs(expected)))
            np.testing.assert_allclose(plain[name] / size, expected / size, rtol=0, atol=1e-12, err_msg=name)


TANH = """
import sys
sys.path.insert(0, {package!r})
from pararnn_ts.kernels.activations import tanh
print(tanh(0.5))
"""


def test_without_a_place_for_the_cache_kernels_are_compiled_all_the_same(tmp_path):
    # a copy of the kernels where nothing can be written: neither beside them nor in the user's cache
    for name in ("__init__.py", "kernels/__init__.py", "kernels/jit.py", "kernels/lanes.py", "kernels/activations.py"):
        target = tmp_path / "pararnn_ts" / name
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_text((PACKAGE / "pararnn_ts" / name).read_text())
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    # __pycache__ as a file stops even those whom no permission stops
    (tmp_path / "pararnn_ts" / "kernels" / "__pycache__").write_text("")
    run(["-c", TANH.format(package=str(tmp_path))], NUMBA_CACHE_DIR=str(nowhere / "cache"), HOME=str(nowhere),
        XDG_CACHE_HOME=str(nowhere), PYTHONDONTWRITEBYTECODE="1")  # fmt: skip


def test_the_folder_that_numba_names_may_be_unusable(tmp_path):
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    done = run(["-c", TANH.format(package=str(PACKAGE))], NUMBA_CACHE_DIR=str(nowhere / "cache"))
    assert float(done.stdout) == pytest.approx(np.tanh(0.5), abs=5e-16)
