"""The wheel carries the package with its series, and works away from the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pararnn_ts import datasets

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

LOAD_ALL = """
import json
import pararnn_ts
from pararnn_ts import datasets

shapes = {name: list(getattr(datasets, name)().shape) for name in datasets.__all__}
print(json.dumps({"version": pararnn_ts.__version__, "file": pararnn_ts.__file__, "shapes": shapes}))
"""


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling comes with the test extra")
    pytest.importorskip("pip", reason="the environment has no pip to build a wheel with")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("the tests run apart from the sources")
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_holds_the_package_and_every_data_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "pararnn_ts").rglob("*.py")}
    data = {f"pararnn_ts/datasets/data/{path.name}" for path in (ROOT / "data").iterdir()}
    assert modules | data <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"pararnn_ts"}


def test_tells_type_checkers_that_the_package_has_annotations(wheel):
    assert "pararnn_ts/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_declares_the_command_and_the_licence(wheel):
    archive = zipfile.ZipFile(wheel)
    text = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "pararnn-ts = pararnn_ts.cli:main" in text["entry_points.txt"]
    assert "License-Expression: BSD-3-Clause" in text["METADATA"]
    assert "pararnn_ts developers" in text["LICENSE"]


def test_loads_every_series_once_installed(wheel, tmp_path):
    target = tmp_path / "installed"
    pip("install", "--no-deps", "--target", target, wheel)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert Path(answer["file"]).is_relative_to(target)
    assert answer["version"] == wheel.name.split("-")[1]
    assert answer["shapes"] == {name: list(getattr(datasets, name)().shape) for name in datasets.__all__}
