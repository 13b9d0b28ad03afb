"""The same source with and without the compiler, with and without a place for its cache."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fresh_process import run_apart
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
from pararnn_ts.kernels.activations import tanh
print(tanh(0.5))
"""
CALLER = """
from pararnn_ts.kernels.activations import activate
from pararnn_ts.kernels.jit import jit

@jit
def value(z):
    return activate(0, z)[0]
"""


def copy_of_the_kernels(folder):
    """As much of the package as the activations need, and a function in another file that calls them."""
    for name in (
        "__init__.py",
        "_compat.py",
        *(f"kernels/{n}.py" for n in ("__init__", "jit", "lanes", "activations")),
    ):
        target = folder / "pararnn_ts" / name
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_text((PACKAGE / "pararnn_ts" / name).read_text())
    (folder / "pararnn_ts" / "kernels" / "caller.py").write_text(CALLER)
    return folder / "pararnn_ts" / "kernels"


def test_without_a_place_for_the_cache_kernels_are_compiled_all_the_same(tmp_path):
    # nothing can be written: neither beside the kernels nor in the user's cache
    kernels = copy_of_the_kernels(tmp_path)
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    # __pycache__ as a file stops even those whom no permission stops
    (kernels / "__pycache__").write_text("")
    environment = {"NUMBA_CACHE_DIR": f"{nowhere}/cache", "HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere)}
    found = run_apart(tmp_path, TANH, **environment)
    assert float(found) == pytest.approx(np.tanh(0.5), abs=5e-16)


@pytest.mark.parametrize("folder", ["file/cache", "/proc/cache"])
def test_the_folder_that_numba_names_may_be_unusable(tmp_path, folder):
    (tmp_path / "file").write_text("not a folder")
    found = run_apart(PACKAGE, TANH, NUMBA_CACHE_DIR=str(tmp_path / folder))
    assert float(found) == pytest.approx(np.tanh(0.5), abs=5e-16)


def test_the_folder_that_numba_names_need_not_be_there(tmp_path):
    copy_of_the_kernels(tmp_path)
    run_apart(tmp_path, "from pararnn_ts.kernels.caller import value; value(0.5)", NUMBA_CACHE_DIR=f"{tmp_path}/a/b")
    assert list((tmp_path / "a" / "b").rglob("*.nbc"))


def test_the_cache_may_vanish_while_the_process_runs(tmp_path):
    copy_of_the_kernels(tmp_path)
    code = """
import pathlib, shutil
from pararnn_ts.kernels.caller import value
cache = pathlib.Path({cache!r})
shutil.rmtree(cache)
cache.write_text("a file now")
print(value(0.5))
"""
    cache = str(tmp_path / "cache")
    found = run_apart(tmp_path, code.format(cache=cache), NUMBA_CACHE_DIR=cache)
    assert float(found) == pytest.approx(np.tanh(0.5), abs=5e-16)


def test_half_a_file_in_the_cache_counts_as_none(tmp_path):
    copy_of_the_kernels(tmp_path)
    code = "from pararnn_ts.kernels.caller import value\nprint(value(0.5))"
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    expected = run_apart(tmp_path, code, **cache)
    for end in ("*.nbi", "*.nbc"):
        for file in (tmp_path / "cache").rglob(end):
            file.write_bytes(file.read_bytes()[:20])
        assert run_apart(tmp_path, code, **cache) == expected


def test_a_kernel_is_compiled_anew_when_one_that_it_calls_has_changed(tmp_path):
    # as after an upgrade of the package in place
    kernels = copy_of_the_kernels(tmp_path)
    code = "from pararnn_ts.kernels.caller import value\nprint(value(0.5), sum(value.stats.cache_hits.values()))"
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    value, hits = map(float, run_apart(tmp_path, code, **cache).split())
    assert hits == 0
    assert run_apart(tmp_path, code, **cache).split() == [str(value), "1"]
    source = (kernels / "activations.py").read_text()
    changed = source.replace("return p4 * q / (", "return 2.0 * p4 * q / (")
    assert changed != source
    (kernels / "activations.py").write_text(changed)
    assert float(run_apart(tmp_path, code, **cache).split()[0]) == 2.0 * value


def test_machines_with_different_processors_may_share_a_cache(tmp_path):
    copy_of_the_kernels(tmp_path)
    code = "from pararnn_ts.kernels.caller import value\nprint(value(0.5), sum(value.stats.cache_hits.values()))"
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    found = [
        run_apart(tmp_path, code, NUMBA_CACHE_DIR=str(tmp_path / "cache"), **processor).split()
        for processor in ({}, plain, {})
    ]
    assert [hits for _, hits in found] == ["0", "0", "1"]
    assert [float(value) for value, _ in found] == pytest.approx([np.tanh(0.5)] * 3, abs=5e-16)


def test_compiled_functions_call_only_their_own_file_and_the_kernels():
    # what the stamp of the cache relies on
    n_calls = 0
    for info in pkgutil.walk_packages(pararnn_ts.__path__, "pararnn_ts."):
        if any(part in info.name for part in (".cuda", ".cli", ".adapters.", "__main__")):
            continue
        for function in vars(importlib.import_module(info.name)).values():
            for called in called_by(function):
                assert called.__module__ == function.__module__ or called.__module__.startswith("pararnn_ts.kernels.")
                n_calls += 1
    assert n_calls > 20


def called_by(function):
    """Compiled functions among the globals that a compiled function names."""
    if not hasattr(function, "py_func"):
        return []
    names = function.py_func.__code__.co_names
    named = [function.py_func.__globals__.get(name) for name in names]
    return [found for found in named if hasattr(found, "py_func")]
