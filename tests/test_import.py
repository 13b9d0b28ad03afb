"""Importing the package compiles nothing and loads nothing heavy beyond statsmodels."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pararnn_ts

HEAVY = (
    "numba",
    "llvmlite",
    "matplotlib",
    "typer",
    "jinja2",
    "formulaic",
    "narwhals",
    "tqdm",
    "sktime",
    "IPython",
    "pararnn_ts.models",
)
PACKAGE = str(Path(pararnn_ts.__file__).parent.parent)
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, [PACKAGE, os.environ.get("PYTHONPATH")])),
    "PYTHONWARNINGS": "",
}


def loaded_after(statement):
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_after("import pararnn_ts")
    assert "pararnn_ts" in loaded
    assert not loaded & set(HEAVY)


def test_a_model_is_loaded_when_it_is_first_named():
    loaded = loaded_after("import pararnn_ts as prt; prt.ParaRNN; prt.ElmanRNN")
    assert {"pararnn_ts.models.pararnn", "numba"} <= loaded
    assert not loaded & {"matplotlib", "typer", "jinja2", "pararnn_ts.results.base"}


def test_the_adapter_says_what_it_needs_when_sktime_is_not_installed(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sktime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "pararnn_ts.adapters.sktime", raising=False)
    monkeypatch.setitem(sys.modules, "sktime", None)
    with pytest.raises(
        ImportError, match=r'needs sktime, which is not installed; run pip install "pararnn-ts\[sktime\]"\.$'
    ):
        import_module("pararnn_ts.adapters.sktime")


@pytest.mark.parametrize(("chosen", "shown"), [("ignore", 0), ("once", 1), ("default", 1), ("always", 2)])
def test_filters_of_warnings_chosen_before_the_first_use_hold(chosen, shown):
    """Although statsmodels, which is imported with the first model, puts filters of its own in front."""
    code = f"""
import warnings
import numpy as np
import pararnn_ts as prt
warnings.simplefilter({chosen!r})
y = np.random.default_rng(0).standard_normal(40)
for _ in range(2):
    prt.ParaRNN(y, units=(2,)).fit(n_starts=1, maxiter=2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 0 and done.stderr.count("ConvergenceWarning") == shown


def test_data_can_be_loaded_without_the_compiler():
    loaded = loaded_after("import pararnn_ts as prt; prt.datasets.load_sunspots()")
    assert not loaded & {"numba", "matplotlib", "pararnn_ts.models"}


def test_a_fit_and_a_summary_draw_nothing():
    statement = "import numpy as np, pararnn_ts as prt\n"
    statement += "print(prt.ParaRNN(np.random.default_rng(0).normal(size=60), units=(1,)).fit(n_starts=2).summary())"
    assert not loaded_after(statement) & {"matplotlib", "typer", "jinja2", "sktime"}


def test_work_without_a_progress_bar_leaves_no_thread_that_watches_over_bars():
    """Which would outlive it, and make Python warn of every later fork."""
    statement = """
import threading
import numpy as np, pandas as pd, pararnn_ts as prt
y = np.random.default_rng(0).normal(size=60)
search = {"max_lags": 1, "max_linear_lags": 1, "max_units": 1, "unit_dims": (1,), "n_starts": 1}
results = prt.select_order(y, **search).results
prt.rolling_forecast(results, y[:3])
prt.fit_panel(pd.DataFrame({"unique_id": "a", "ds": range(60), "y": y}), units=(1,), n_starts=1)
prt.compare(y, holdout=3, models={"units": prt.ParaRNN(y, units=(1,))})
assert threading.enumerate() == [threading.main_thread()]
"""
    assert "tqdm" not in loaded_after(statement)


@pytest.mark.parametrize("name", pararnn_ts.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(pararnn_ts, name) is not None
    assert name in dir(pararnn_ts)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'ParaRNNs'"):
        pararnn_ts.ParaRNNs  # noqa: B018
