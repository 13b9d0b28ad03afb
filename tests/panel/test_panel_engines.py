"""Where the work is done makes no difference: other processes, engines of fugue, a CUDA device (here its simulator)."""

import os
import subprocess
import sys
import warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, price

import pararnn_ts as prt
from pararnn_ts.panel.engines import fit_piece
from pararnn_ts.panel.frame import read_long
from pararnn_ts.panel.task import make_task

HERE = Path(__file__).parent
PACKAGE = Path(prt.__file__).parent.parent


class Here(Executor):
    """Does at once what it is asked to do, and remembers what that was."""

    def __init__(self):
        self.jobs = []

    def submit(self, function, /, *args, **kwargs):
        self.jobs.append(args)
        done = Future()
        done.set_result(function(*args, **kwargs))
        return done


@pytest.fixture(scope="module")
def df():
    sizes = {f"s{k:02d}": 20 + k for k in range(40)}
    return long({**sizes, "few": 2, "five": 5}, price=price)


@pytest.fixture(scope="module")
def panel(df):
    with pytest.warns(match="1 could not be fitted"):
        return prt.fit_panel(df, exog_cols="price", **QUICK)


def equal(first, second):
    pd.testing.assert_frame_equal(first.table, second.table)
    for name in first.fitted_ids:
        np.testing.assert_array_equal(first[name].params, second[name].params)
        np.testing.assert_array_equal(first[name].details.precision, second[name].details.precision)
        assert first[name].model.index.equals(second[name].model.index)


@pytest.mark.filterwarnings("ignore:Of 42 series")
def test_an_executor_gets_the_work_in_pieces(df, panel):
    engine = Here()
    equal(prt.fit_panel(df, exog_cols="price", engine=engine, **QUICK), panel)
    sizes = [len(piece) for _, piece in engine.jobs]
    assert sum(sizes) == 42 and 1 < len(sizes) <= 42


@pytest.mark.filterwarnings("ignore:Of 42 series")
def test_threads_of_an_executor_leave_the_filters_of_warnings_as_they_were(df, panel):
    filters = list(warnings.filters)
    with ThreadPoolExecutor(4) as engine:
        equal(prt.fit_panel(df, exog_cols="price", engine=engine, **QUICK), panel)
    assert warnings.filters == filters


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Of 42 series")
def test_processes_find_what_threads_find(df, panel):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as engine:
        equal(prt.fit_panel(df, exog_cols="price", engine=engine, **QUICK), panel)


@pytest.mark.filterwarnings("ignore:Of 42 series")
@pytest.mark.parametrize("engine", ["native", "pandas"])
def test_an_engine_of_fugue_finds_what_threads_find(df, panel, engine):
    pytest.importorskip("fugue", reason="engines by name need the extra distributed")
    equal(prt.fit_panel(df, exog_cols="price", engine=engine, **QUICK), panel)


def test_an_engine_without_fugue_is_met_before_any_fit(df, monkeypatch):
    monkeypatch.setitem(sys.modules, "fugue", None)
    with pytest.raises(ImportError, match=r"install pararnn-ts\[distributed\], or pass for example concurrent.futures"):
        prt.fit_panel(df, engine="spark")


def test_an_engine_that_fugue_does_not_know_is_met_before_any_fit(df):
    pytest.importorskip("fugue", reason="engines by name need the extra distributed")
    with pytest.raises(ValueError, match="engine='sparc' is none that fugue finds here"):
        prt.fit_panel(df, engine="sparc")


def test_a_mistake_of_ours_is_not_taken_for_a_series_that_cannot_be_fitted(df, monkeypatch):
    def broken(self, *args, **kwargs):
        raise AttributeError("no such thing")

    monkeypatch.setattr(prt.ParaRNN, "_starts", broken)
    with pytest.raises(AttributeError, match="no such thing") as caught:
        prt.fit_panel(df, **QUICK)
    assert any("while series 'five' of the panel was fitted" in note for note in caught.value.__notes__)


def test_a_piece_of_work_travels_without_what_can_be_found_again(df):
    import pickle

    frame = read_long(df, "unique_id", "ds", "y", "price")
    task = make_task(frame, None, False, 0, "cpu", QUICK)
    piece = frame.part(3, 6)
    piece.completed(0)
    sent = pickle.dumps((task, piece))
    assert len(sent) < 40 * int(piece.offsets[-1]) + 6000
    again = fit_piece(*pickle.loads(sent))
    for mine, other in zip(fit_piece(task, piece), again, strict=True):
        np.testing.assert_array_equal(mine.params, other.params)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """What `simulated_panel` finds in a process in which numba simulates a device."""
    target = tmp_path_factory.mktemp("panel") / "panels.npz"
    paths = os.pathsep.join(map(str, (PACKAGE, HERE)))
    done = subprocess.run(
        [sys.executable, str(HERE / "simulated_panel.py"), str(target)],
        env={**os.environ, "PYTHONPATH": paths, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    with np.load(target, allow_pickle=False) as found:
        return dict(found)


@pytest.mark.slow
def test_a_device_finds_what_the_processor_finds(simulated):
    from simulated_panel import figures, fit

    for name, expected in figures("cpu").items():
        np.testing.assert_allclose(simulated[name], expected, rtol=1e-8, atol=1e-10, err_msg=name)
    assert fit("cpu", "normal").table["status"].tolist()[:2] == ["converged"] * 2


@pytest.mark.slow
def test_series_of_one_form_are_handed_to_the_device_at_once_and_those_with_gaps_stay(simulated):
    # two trends of other lengths have one form; the constant series and the one with a gap do not get there
    assert simulated["handed"].tolist() == [3]
    assert simulated["devices"].tolist() == ["cuda", "cuda", "-", "cpu", "cuda"]
    assert "1 with missing values were fitted on the processor" in str(simulated["said"])
    assert "1 could not be fitted, the first 'c'" in str(simulated["said"])
