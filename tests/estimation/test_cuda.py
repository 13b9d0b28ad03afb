"""Many fits on a CUDA device, here its simulator, are the fits of the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from simulated_fits import FIELDS, SELECTED, cases, described, estimate_cases, everything, problems_of

import pararnn_ts as prt
from pararnn_ts.estimation import cuda as many
from pararnn_ts.estimation import cuda_kernels as kernels
from pararnn_ts.estimation import levenberg_marquardt as lm
from pararnn_ts.estimation import racing
from pararnn_ts.estimation.estimate import estimate, estimate_many
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.series_problem import SeriesProblem
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.cuda.target import NoDeviceError, ptx

HERE = Path(__file__).parent
PACKAGE = Path(prt.__file__).parent.parent
BENCHMARK = HERE.parent.parent / "benchmarks" / "gpu.py"


def on_cpu(problems, starts, options, warm):
    return [minimize(p, s, options, 1, warm) for p, s in zip(problems, starts, strict=True)]


def has_device():
    return bool(many.cuda.is_available())


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Everything that `simulated_fits` computes, from a process in which numba simulates the device."""
    target = tmp_path_factory.mktemp("cuda") / "fits.npz"
    paths = os.pathsep.join(map(str, (PACKAGE, HERE, HERE.parent / "kernels")))
    done = subprocess.run(
        [sys.executable, str(HERE / "simulated_fits.py"), str(target)],
        env={**os.environ, "PYTHONPATH": paths, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    with np.load(target) as found:
        return dict(found)


def test_whole_fits_take_the_same_way_to_the_same_end(simulated):
    for name, expected in everything(on_cpu).items():
        found = simulated[name]
        if name.endswith(("status", "iterations")):
            np.testing.assert_array_equal(found, expected, err_msg=name)
        else:
            scale = np.maximum(1.0, np.abs(expected))
            np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-10, err_msg=name)


def test_the_cases_meet_every_fate_of_a_start():
    met = {int(s) for name, values in everything(on_cpu).items() if name.endswith("status") for s in values}
    assert {lm.CONVERGED, lm.STOPPED, lm.RETIRED, lm.PEAKED} <= met


def test_tiles_change_nothing(simulated):
    for i in range(3):
        for field in FIELDS:
            np.testing.assert_array_equal(simulated[f"tiled.{i}.{field}"], simulated[f"evidence.{i}.{field}"])


def test_the_pass_as_loops_is_the_pass_as_straight_code(simulated):
    for field in FIELDS:
        np.testing.assert_allclose(simulated[f"looped.0.{field}"], simulated[f"evidence.2.{field}"], rtol=1e-10, atol=0)


def test_single_precision_ends_close_to_double(simulated):
    for name, i, reference in (("single", 0, 0), ("single", 1, 1), ("single", 2, 2), ("looped single", 0, 2)):
        best = int(np.argmax(simulated[f"evidence.{reference}.log_evidence"]))
        double = simulated[f"evidence.{reference}.log_evidence"][best]
        # the best start of single precision is as good, in nats, as that of double precision
        assert abs(np.max(simulated[f"{name}.{i}.log_evidence"]) - double) < 1e-2


def test_fit_and_select_order_are_those_of_the_cpu(simulated):
    y = prt.datasets.load_lynx()[:40]
    expected = prt.ParaRNN(y, units=(1,)).fit(n_starts=2, maxiter=60).params
    np.testing.assert_allclose(simulated["fit"], expected, rtol=1e-8)
    for criterion, names in SELECTED.items():
        table = prt.select_order(
            y, max_lags=1, max_linear_lags=1, max_units=1, unit_dims=(1,), n_starts=1, errors="normal",
            criterion=criterion,
        ).table  # fmt: skip
        for name in names:
            np.testing.assert_allclose(simulated[f"select_order {criterion} {name}"], table[name], rtol=1e-8)


def test_many_series_of_several_models_are_estimated_as_each_of_them(simulated, monkeypatch):
    for name in ("FIRST_ROWS", "ROWS_PER_PARAMETER"):
        monkeypatch.setattr(racing, name, getattr(racing, name))
    problems, starts, options = estimate_cases()
    for i, (problem, start) in enumerate(zip(problems, starts, strict=True)):
        for field, expected in described(estimate(problem, start, options)).items():
            scale = np.maximum(1.0, np.abs(expected)) if field != "precision" else np.abs(expected).max()
            ours, single = simulated[f"roomy.{i}.{field}"], simulated[f"whole single.{i}.{field}"]
            np.testing.assert_allclose(ours / scale, expected / scale, rtol=0, atol=1e-10, err_msg=f"{i} {field}")
            if field == "others":
                # log evidence
                assert abs(single[2] - expected[2]) < 1e-2


def test_a_device_of_little_memory_gives_the_same_bits(simulated):
    assert simulated["tiles"].max() > 2
    for name in simulated:
        if name.startswith("roomy."):
            np.testing.assert_array_equal(simulated[name.replace("roomy", "tight")], simulated[name], err_msg=name)


def test_estimates_of_many_series_are_those_of_each():
    spec, problems = problems_of((1,), (40, 50), np.random.default_rng(3))
    starts = [random_starts(spec, 3, np.random.default_rng(i)) for i in range(2)]
    for one, problem, start in zip(estimate_many(problems, starts, Options()), problems, starts, strict=True):
        np.testing.assert_array_equal(one.params, estimate(problem, start, Options()).params)


@pytest.mark.slow
@pytest.mark.skipif(not BENCHMARK.exists(), reason="benchmarks are not part of an installation")
def test_the_benchmark_runs_from_begin_to_end(tmp_path):
    sizes = "--series 2 --rows 16 --starts 2 --sample 2 --out".split()
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), *sizes, str(tmp_path / "found"), "--only", "agreement", "many fits"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["agreement"]["normal equations agree to 1e-10"]
    assert found["many fits"]["cuda"]["starts"] == 4
    assert "| many fits | |" in (tmp_path / "found.md").read_text()


# ------------------------------------------------------------------------------------- what is refused


@pytest.mark.skipif("has_device()", reason="there is a device here")
@pytest.mark.parametrize("device", ["cuda", "cuda:float32"])
def test_without_a_device_nothing_runs_elsewhere(device):
    y = prt.datasets.load_lynx()
    for call in (
        lambda: prt.ParaRNN(y).fit(device=device),
        lambda: prt.select_order(y, device=device),
        lambda: many.minimize_many([], [], Options(), device),
    ):
        with pytest.raises(NoDeviceError, match="needs an NVIDIA GPU"):
            call()


def test_models_of_other_kinds_say_that_they_have_no_kernel():
    with pytest.raises(ValueError, match="device must be 'cpu' for LSTM, but is 'cuda'"):
        prt.LSTM(prt.datasets.load_lynx(), hidden=1).fit(device="cuda")


def test_long_samples_are_read_from_columns():
    _, problems = problems_of((1,), (40,), np.random.default_rng(0))
    p = problems[0]
    long = SeriesProblem(p.specification, p.sample, p.scaling)
    assert many._forms_of([many._with_columns(long)]) == many._forms_of([p])
    np.testing.assert_array_equal(many._with_columns(long).x, p.x)


def test_straight_code_of_a_larger_model_needs_more_work_to_be_worth_its_compilation(monkeypatch):
    asked = []
    monkeypatch.setattr(many, "compiled", lambda forms, real, straight: asked.append(straight))
    monkeypatch.setattr(many.DeviceFits, "_load", lambda self: None)
    monkeypatch.setattr(many, "WORTHWHILE", 4)
    fewest = []
    for units in ((1,), (2,)):
        spec, problems = problems_of(units, (20,), np.random.default_rng(0))
        asked.clear()
        for n in range(1, 30):
            many.DeviceFits(problems, [random_starts(spec, n, np.random.default_rng(0))], Options())
        assert asked == sorted(asked) and set(asked) == {False, True}
        fewest.append(asked.index(True))
    assert fewest[0] < fewest[1]


def test_gaps_and_held_parameters_have_no_kernel():
    y = prt.datasets.load_lynx().astype(float)
    y.iloc[50] = np.nan
    with pytest.raises(ValueError, match="without gaps"):
        many._forms_of([prt.ParaRNN(y)._problem()])


# ------------------------------------------------------------------------------------- compilation


FORM = kernels.Form((2,), 0, 1, 2, (-1, 3) + (0,) * 4 + (1,) * 4 + (2,) * 2, (True,) * 2 + (False,) * 8 + (True,) * 2)
SMALL = kernels.Form((1,), 0, 1, 2, (-1, 3, 0, 1, 1, 2), (True,) * 2 + (False,) * 3 + (True,))


def signatures(real):
    """Types of the arguments of the kernels: what :class:`DeviceFits` hands to them."""
    from numba import boolean, float32, float64, int64

    number, flag, whole = float64 if real is np.float64 else float32, boolean, int64[::1]
    where, matrix = (whole, whole, int64, whole, int64[:, ::1]), float64[:, ::1]
    data = (number[:, ::1], number[:, ::1], number[::1], number[::1])
    return {
        "evaluate": (*where, whole, matrix, *data, float64[:, :, ::1], matrix),
        "step": (*where, *[matrix] * 5, whole, matrix, boolean[::1], float64[::1], matrix, matrix, flag, float64, int64,
                 int64),
        "review": (matrix, whole, flag, flag, flag, whole, whole, int64),
    }  # fmt: skip


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_what_is_compiled_without_a_device_is_what_is_launched(simulated, real):
    for name, types in signatures(real).items():
        launched = str(simulated[f"{'cuda' if real is np.float64 else 'cuda:float32'} {name}"])
        assert launched.replace("bool ", "boolean ") == " ".join(map(str, types)).replace("bool ", "boolean ")


@pytest.mark.parametrize(
    ("capability", "form"), [((7, 0), SMALL), ((8, 0), SMALL), ((9, 0), FORM)], ids=["sm_70", "sm_80", "sm_90"]
)
def test_kernels_compile_without_a_device(capability, form):
    pytest.importorskip("cuda.bindings", reason="numba-cuda[cu13] is not installed")
    types = signatures(np.float64)
    try:
        straight = ptx(lambda: kernels.build_straight(form, np.float64), types["evaluate"], capability)
    except Exception as error:
        # CUDA 13 has dropped Volta
        if capability != (7, 0) or "7.0 is not supported" not in str(error):
            raise
        pytest.skip(f"{error}; the compiler of CUDA 12, numba-cuda[cu12], builds for sm_70")
    assert f".target sm_{capability[0]}{capability[1]}" in straight
    assert "fma.rn.f64" in straight and "fma.rn.f32" not in straight
    step = ptx(lambda: kernels.build_step(256, np.float64), types["step"], capability)
    assert "fma.rn.f64" in step and "fma.rn.f32" not in step


def test_the_other_kernels_compile_without_a_device():
    pytest.importorskip("cuda.bindings", reason="numba-cuda[cu13] is not installed")
    single = signatures(np.float32)
    assert "fma.rn.f32" in ptx(lambda: kernels.build_straight(SMALL, np.float32), single["evaluate"], (8, 0))
    assert "fma.rn.f32" in ptx(lambda: kernels.build_looped(256, np.float32), single["evaluate"], (8, 0))
    assert "atom" in ptx(kernels.build_review, single["review"], (8, 0))


# ------------------------------------------------------------------------------------- the real thing


@pytest.mark.gpu
@pytest.mark.skipif("not has_device()", reason="needs a CUDA device")
def test_the_device_fits_as_the_cpu():
    for name, problems, starts, options, warm in cases():
        found = many.minimize_many(problems, starts, options, warm=warm)
        for ours, expected in zip(found, on_cpu(problems, starts, options, warm), strict=True):
            # fused products and sums may lead a start another way; the best one ends where it does on the CPU
            for field in ("objective", "log_evidence"):
                a, b = getattr(ours, field), getattr(expected, field)
                np.testing.assert_allclose(np.nanmax(-a), np.nanmax(-b), rtol=1e-6, err_msg=f"{name} {field}")


@pytest.mark.gpu
@pytest.mark.skipif("not has_device()", reason="needs a CUDA device")
def test_one_evaluation_on_the_device_agrees_to_ten_digits():
    for _, problems, starts, options, warm in cases():
        brief = Options(penalty=options.penalty, maxiter=3)
        found = many.minimize_many(problems, starts, brief, warm=warm)
        for ours, expected in zip(found, on_cpu(problems, starts, brief, warm), strict=True):
            np.testing.assert_allclose(ours.params, expected.params, rtol=1e-8, atol=1e-10)
