"""Where the work is done makes no difference: other processes, engines of fugue, a CUDA device (here its simulator)."""

import os
import subprocess
import sys
import warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, price
from statsmodels.tsa.deterministic import CalendarFourier, DeterministicProcess

import pararnn_ts as prt
from pararnn_ts.estimation.estimate import estimate
from pararnn_ts.panel import engines
from pararnn_ts.panel.engines import fit_piece
from pararnn_ts.panel.frame import read_long
from pararnn_ts.panel.task import Unfitted, make_task

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


def as_on_a_device(df, monkeypatch, exog_cols=None, **options):
    """Outcomes of what is done for a device, the fits themselves done by the processor; how many were handed over."""
    handed = []

    def fits(problems, starts, options, threads, device):
        handed.append(len(problems))
        return [attempt(problem, own, options) for problem, own in zip(problems, starts, strict=True)]

    def attempt(problem, own, options):
        try:
            return estimate(problem, own, options)
        except ValueError as error:
            return error

    monkeypatch.setattr(engines, "estimate_on_device", fits)
    frame = read_long(df, "unique_id", "ds", "y", exog_cols)
    task = make_task(frame, None, False, 0, "cpu", {**QUICK, **options})
    return engines.fit_all(replace(task, device="cuda"), frame, None, False), handed


@pytest.mark.filterwarnings("ignore:Of 42 series")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"exog_cols": "price", "trend": "ct", "units": (2,)},
        {"seasonal": True, "period": 4, "trend": "n"},
        {"diff": 1, "trend": "n", "penalty": 0.1},
        {"errors": "t", "n_starts": 4},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_prepared_for_a_device_is_what_each_series_prepares_for_itself(df, monkeypatch, options):
    # to the bit, those that cannot be fitted included
    gapped = df.drop(df.index[df["unique_id"] == "s30"][4]) if "exog_cols" not in options else df
    outcomes, handed = as_on_a_device(gapped, monkeypatch, **options)
    expected = prt.fit_panel(gapped, **{**QUICK, **options})._outcomes
    for one, other in zip(outcomes, expected, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Unfitted):
            assert one == other
            continue
        np.testing.assert_array_equal(one.params, other.params)
        np.testing.assert_array_equal(one.details.precision, other.details.precision)
        # figures of a series without evidence are NaN
        np.testing.assert_equal(one.figures, other.figures)
        assert one.details.start_columns["origin"] == other.details.start_columns["origin"]
    # 42 series of different lengths have one form, but for one with a gap and those too short to be fitted
    assert len(handed) == 1 and 38 < handed[0] < 42


def test_terms_that_depend_on_dates_are_those_of_each_series(monkeypatch):
    index = pd.date_range("2001-01-01", periods=60, freq="D")
    process = DeterministicProcess(index, constant=True, additional_terms=[CalendarFourier("W", 1)])
    parts = {"a": index[:40], "b": index[13:53], "c": index[7:60]}
    df = pd.concat([
        pd.DataFrame({"unique_id": name, "ds": dates, "y": np.sin(np.arange(len(dates)) ** 1.5)})
        for name, dates in parts.items()
    ])  # fmt: skip
    outcomes, _ = as_on_a_device(df, monkeypatch, deterministic=process)
    expected = prt.fit_panel(df, deterministic=process, **QUICK)._outcomes
    for one, other in zip(outcomes, expected, strict=True):
        np.testing.assert_array_equal(one.params, other.params)


def test_a_series_that_diverges_costs_the_others_no_second_fit(df, monkeypatch):
    original = prt.ParaRNN._many_starts

    def many_starts(self, problems, count, seed):
        return [
            (np.full_like(found, 1e200) if len(problem.y) == 30 else found, origin)
            for problem, (found, origin) in zip(problems, original(self, problems, count, seed), strict=True)
        ]

    monkeypatch.setattr(prt.ParaRNN, "_many_starts", many_starts)
    outcomes, handed = as_on_a_device(df, monkeypatch, activation="relu")
    failed = [one for one in outcomes if isinstance(one, Unfitted) and "every start diverged" in one.message]
    assert len(handed) == 1 and len(failed) == 1


def test_an_error_that_nobody_foresaw_is_that_of_one_series(df, monkeypatch):
    original = prt.ParaRNN._many_starts

    def many_starts(self, problems, count, seed):
        if any(len(problem.y) == 30 for problem in problems):
            raise np.linalg.LinAlgError("singular")
        return original(self, problems, count, seed)

    monkeypatch.setattr(prt.ParaRNN, "_many_starts", many_starts)
    outcomes, _ = as_on_a_device(df, monkeypatch)
    assert [one.message for one in outcomes if isinstance(one, Unfitted) and one.message == "singular"] == ["singular"]
    assert sum(isinstance(one, Unfitted) for one in outcomes) == 2


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
