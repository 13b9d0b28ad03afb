"""
Fits on a CUDA device: checked against the CPU, timed, and held against what the device can do.

One command on a machine with a GPU, from the root of the repository::

    pip install -e ".[cuda]" && python benchmarks/gpu.py

It writes `benchmarks/results/cuda.json` and a table, `benchmarks/results/cuda.md`, after every section, so that nothing
is lost where one fails; what failed is written down, too. ``--cpu-only`` measures the CPU's side alone, and
``--series``, ``--rows``, ``--starts`` change the size; with ``NUMBA_ENABLE_CUDASIM=1`` and tiny sizes it only shows
that it runs. Each section is a function of the settings that returns a table; what a section needs it imports itself.
This file must not be called cuda.py: that would hide the package of this name from numba.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from unittest import mock

import numba
import numpy as np
import pandas as pd
from cuda_long_series import measure
from numba import cuda

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.estimate import best_of, estimate_many, make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.many_series import estimates, make_problems
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.cuda.straight import straight_pass
from pararnn_ts.kernels.cuda.target import DEVICES, rebuild, simulated
from pararnn_ts.kernels.damped_steps import advance
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.panel import engines
from pararnn_ts.panel.frame import read_long
from pararnn_ts.panel.task import alone, make_task
from pararnn_ts.specification import Specification

# seconds a measurement takes at least
LONG_ENOUGH = 0.5


def simulate(n_series, rows, rng):
    """Series of a threshold-like autoregression with a cycle, each with coefficients of its own."""
    y = np.zeros((n_series, rows + 50))
    gain, back = rng.uniform(0.8, 1.6, n_series), rng.uniform(-0.6, -0.2, n_series)
    shocks = 0.5 * rng.standard_normal(y.shape)
    for t in range(2, y.shape[1]):
        y[:, t] = np.tanh(gain * y[:, t - 1]) + back * y[:, t - 2] + shocks[:, t]
    return y[:, 50:]


def samples_of(settings, n_series):
    """Specification of a constant, one direct lag and one unit of dimension 2, and samples."""
    rng = np.random.default_rng(0)
    spec = Specification(
        endog_name="y", lags=(1,), linear_lags=(1,), units=(2,), activation="tanh", deterministic_names=("const",),
        exog_names=(), difference=(1.0,), hold_back=1,
    )  # fmt: skip
    weight = np.ones(settings.rows)
    weight[: spec.hold_back] = 0.0
    none, one = np.zeros((settings.rows, 0)), np.ones((settings.rows, 1))
    return spec, [Sample(y, none, one, weight) for y in simulate(n_series, settings.rows, rng)]


def problems_of(settings, n_series):
    """Problems of these samples, and their starts."""
    spec, samples = samples_of(settings, n_series)
    rng = np.random.default_rng(1)
    problems = make_problems(spec, samples, np.ones(1), os.cpu_count() or 1)
    return problems, [random_starts(spec, settings.starts, rng) for _ in problems]


def operations_of(problem):
    """Additions, multiplications and divisions of one step of one start, counted in the code that the device runs."""
    shape = (problem.x.shape[1], problem.n_projected)
    source = straight_pass(tuple(problem.units), problem.activation, *shape).source
    body = [line.strip() for line in source.splitlines() if line.startswith(" " * 12)]
    return sum(1 for line in body if any(f" {sign} " in line.split(" = ", 1)[1] for sign in "+-*/"))


def rates(solutions, rows, seconds):
    evaluations = int(sum(s.iterations.sum() for s in solutions))
    return {
        "fits per second": len(solutions) / seconds,
        "starts": int(sum(len(s.iterations) for s in solutions)),
        "evaluations": evaluations,
        "steps per second": evaluations * rows / seconds,
        "seconds": seconds,
    }


def fit_some(settings, first, count):
    """Seconds at which some fits began and ended, the fits alone and with problems and statistics, and evaluations."""
    spec, samples = samples_of(settings, first + count)
    samples, rng = samples[first:], np.random.default_rng(first)
    starts = [random_starts(spec, settings.starts, rng) for _ in samples]
    problems = [make_problem(spec, sample, np.ones(1)) for sample in samples]
    with one_blas_thread():
        best_of(problems[0], minimize(problems[0], starts[0], Options()), Options())  # compiles
        times = [time.time()]
        solutions = [minimize(problem, start, Options()) for problem, start in zip(problems, starts, strict=True)]
        times.append(time.time())
        for sample, start in zip(samples, starts, strict=True):
            problem = make_problem(spec, sample, np.ones(1))
            best_of(problem, minimize(problem, start, Options()), Options())
        times.append(time.time())
    return times, int(sum(one.iterations.sum() for one in solutions))


def cpu_fits(settings):
    """The CPU's side: one process, and one for each core, each with a sample of the series."""
    found = {}
    for processes in dict.fromkeys((1, os.cpu_count() or 1)):
        jobs = [(settings, k * settings.sample, settings.sample) for k in range(processes)]
        # what has met a device cannot be forked
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            ended = [job.result() for job in [pool.submit(fit_some, *job) for job in jobs]]
        # each for itself: they do not begin at once
        alone = [settings.sample / (times[1] - times[0]) for times, _ in ended]
        whole = [settings.sample / (times[2] - times[1]) for times, _ in ended]
        steps = [n * settings.rows / (times[1] - times[0]) for times, n in ended]
        found[f"{processes} processes"] = {
            "fits per second": sum(alone), "steps per second": sum(steps),
            "fits per second, problems and statistics included": sum(whole),
        }  # fmt: skip
    return found


def processor_share(settings):
    """What the processor does for a series that a device fits: milliseconds of one core, and of all."""
    spec, samples = samples_of(settings, settings.sample)
    rng, found = np.random.default_rng(0), {}
    start = random_starts(spec, settings.starts, rng)
    with one_blas_thread():
        problems = make_problems(spec, samples, np.ones(1))
        solutions = [minimize(problem, start, Options(maxiter=30)) for problem in problems]
        params = [one.params[int(np.nanargmax(one.log_evidence))] for one in solutions]
        grams = [problem.products(theta) for problem, theta in zip(problems, params, strict=True)]
        for threads in dict.fromkeys((1, os.cpu_count() or 1)):
            jobs = {
                "problems": lambda: make_problems(spec, samples, np.ones(1), threads),  # noqa: B023
                "statistics": lambda: estimates(problems, solutions, lambda _: grams, Options(), threads),  # noqa: B023
            }
            found[f"{threads} threads"] = {
                f"{name}, ms a series": 1e3 * shortest(job) / len(samples) for name, job in jobs.items()
            }
    return found


def panel_share(settings):
    """What `fit_panel` does on the processor besides the fits, for which there is a stand-in: ms of one thread."""
    rows, n = settings.rows, settings.sample
    table = pd.DataFrame({
        "unique_id": np.repeat(np.arange(n), rows), "ds": np.tile(pd.date_range("2000-01-01", periods=rows), n),
        "y": simulate(n, rows, np.random.default_rng(0)).ravel(),
    })  # fmt: skip
    frame, taken = read_long(table, "unique_id", "ds", "y"), dict.fromkeys(("fits", "start values", "in all"), 0.0)
    task = replace(make_task(frame, None, False, 0, "cpu", {"n_starts": settings.starts}), device="cuda")

    def timed(name, function):
        def call(*args):
            begin = time.process_time()
            found = function(*args)
            taken[name] += time.process_time() - begin
            return found

        return call

    def fits(problems, starts, options, threads, device):
        brief = replace(options, maxiter=3)
        return [best_of(p, minimize(p, s, brief), options) for p, s in zip(problems, starts, strict=True)]

    best = {}
    with (
        alone(),
        mock.patch.object(engines, "estimate_on_device", timed("fits", fits)),
        mock.patch.object(ParaRNN, "_many_starts", timed("start values", ParaRNN._many_starts)),
    ):
        for _ in range(5):
            taken.update(dict.fromkeys(taken, 0.0))
            timed("in all", engines.fit_all)(task, frame, None, False)
            rest = taken["in all"] - taken["fits"] - taken["start values"]
            for name, seconds in {"start values": taken["start values"], "models, problems and results": rest}.items():
                best[f"{name}, ms a series"] = min(best.get(f"{name}, ms a series", np.inf), 1e3 * seconds / n)
    return best


def shortest(job):
    """Shortest of a few times, in seconds."""
    job()
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return min(times)


class SingleProblem:
    """A problem whose pass over the data is the device's code in single precision, compiled for the CPU."""

    def __init__(self, problem, function):
        self.whole, self.function = problem, function
        for name in ("group", "linear", "n_projected", "n_obs", "variance"):
            setattr(self, name, getattr(problem, name))
        self.data = [np.ascontiguousarray(a, np.float32) for a in (problem.x, problem.linear_columns, problem.y,
                                                                   problem.weight)]  # fmt: skip

    def advance(self, rounds, theta, trial, gram, trial_gram, *others):
        n, p = len(self.group), self.whole
        sums, one = np.empty(n * n, np.float32), np.empty((n + 1) ** 2)
        for _ in range(rounds):
            for lane in range(LANES):
                start = np.ascontiguousarray(trial[lane::LANES])
                self.function(start, *self.data, 0, len(p.y), p.linear_gram, sums, one)
                trial_gram[lane::LANES] = one
            if not advance(theta, trial, gram, trial_gram, *others):
                break


def single_precision(settings):
    """What fits lose where the pass over the data is in single precision, without a device."""
    problems, starts = problems_of(settings, min(settings.sample, 20))
    code = straight_pass((2,), problems[0].activation, 1, 2, np.float32)
    function = rebuild(code.function, {}, np.float32, numba.njit(error_model="numpy"))
    options, nats, moved, more = Options(), [], [], []
    for problem, start in zip(problems, starts, strict=True):
        double = minimize(problem, start, options)
        single = minimize(SingleProblem(problem, function), start, options)
        a, b = int(np.nanargmax(double.log_evidence)), int(np.nanargmax(single.log_evidence))
        nats.append(abs(double.log_evidence[a] - single.log_evidence[b]))
        # where both took the same start to its end, how far apart its parameters are
        moved.append(np.abs(double.params[a] - single.params[a]).max() / np.abs(double.params[a]).max())
        more.append(single.iterations.sum() / double.iterations.sum())
    return {
        "largest difference of the best log evidence, nats": float(max(nats)),
        "median difference of the best log evidence, nats": float(np.median(nats)),
        "median relative difference of the best start's parameters": float(np.median(moved)),
        "evaluations in relation to double precision": float(np.mean(more)),
    }


def ceilings(settings):
    """What the device can do at most: fused multiply-adds in registers, and bytes copied."""

    @cuda.jit
    def multiply_add(out, scale, rounds):
        i = cuda.grid(1)
        a, b, c, d = out[i], out[i] + scale, out[i] - scale, out[i] + scale + scale
        e, f, g, h = a + b, a + c, a + d, b + c
        for _ in range(rounds):
            a, b, c, d = a * scale + scale, b * scale + scale, c * scale + scale, d * scale + scale
            e, f, g, h = e * scale + scale, f * scale + scale, g * scale + scale, h * scale + scale
        out[i] = a + b + c + d + e + f + g + h

    @cuda.jit
    def copy(source, target):
        i = cuda.grid(1)
        step = cuda.gridsize(1)
        while i < source.size:
            target[i] = source[i]
            i += step

    # in the simulator these are no measurements
    blocks, threads = (2, 4) if simulated() else (16 * cuda.get_current_device().MULTIPROCESSOR_COUNT, 256)
    rounds, size, found = (8, 1 << 5, {}) if simulated() else (4096, 1 << 27, {})
    for kind in (np.float64, np.float32):
        out = cuda.to_device(np.ones(blocks * threads, kind))
        seconds = best_launch(lambda out=out, kind=kind: multiply_add[blocks, threads](out, kind(0.5), rounds))
        found[f"{np.dtype(kind).name} operations per second"] = 16.0 * rounds * blocks * threads / seconds
    a, b = cuda.device_array(size, np.float64), cuda.device_array(size, np.float64)
    found["bytes per second"] = 2.0 * 8 * size / best_launch(lambda: copy[blocks, threads](a, b))
    return found


def best_launch(launch):
    """Shortest time of a launch, compilation apart."""

    launch()
    cuda.synchronize()
    times, begin = [], time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - begin < LONG_ENOUGH and not simulated()):
        start = time.perf_counter()
        launch()
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def agreement(settings):
    """Largest differences between device and CPU in a sample of fits, in nats and relative to sizes."""
    from pararnn_ts.estimation.cuda import DeviceFits, minimize_many

    problems, starts = problems_of(settings, min(settings.sample, 50))
    expected = [minimize(p, s, Options()) for p, s in zip(problems, starts, strict=True)]
    brief = Options(maxiter=2)
    first = [minimize(p, s, brief) for p, s in zip(problems, starts, strict=True)]
    found, params = {}, [one.params[int(np.nanargmax(one.log_evidence))] for one in expected]
    for device in DEVICES:
        whole = minimize_many(problems, starts, Options(), device)
        begun = minimize_many(problems, starts, brief, device)
        gap = [abs(np.nanmax(a.log_evidence) - np.nanmax(b.log_evidence)) for a, b in zip(whole, expected, strict=True)]
        step = [np.abs(a.params - b.params).max() / np.abs(b.params).max() for a, b in zip(begun, first, strict=True)]
        found[device] = {
            "largest difference of the best log evidence": float(max(gap)),
            "median difference of the best log evidence": float(np.median(gap)),
            "largest relative difference after two evaluations": float(max(step)),
        }
    products = DeviceFits(problems, starts, Options()).products(params)
    gaps = []
    for problem, theta, ours in zip(problems, params, products, strict=True):
        theirs = problem.products(theta)
        size = np.sqrt(np.diag(theirs))
        gaps.append(np.abs((ours - theirs) / np.outer(size, size)).max())
    found["largest difference of normal equations, relative to columns"] = float(max(gaps))
    found["normal equations agree to 1e-10"] = bool(max(gaps) < 1e-10)
    return found


def resources_of(kernels):
    """Registers and local memory of a thread, as compiled for this device."""
    found = {}
    for name, kernel in zip(kernels._fields, kernels, strict=True):
        if hasattr(kernel, "get_regs_per_thread"):
            found[f"{name}: registers"] = max(kernel.get_regs_per_thread().values())
            found[f"{name}: bytes of local memory"] = max(kernel.get_local_mem_per_thread().values())
    return found


def many_fits(settings):
    """All series at once on the device, its memory, and its share of the ceilings."""

    from pararnn_ts.estimation import cuda as fits

    spec, samples = samples_of(settings, settings.series)
    problems, starts = problems_of(settings, settings.series)
    limits, cores = ceilings(settings), os.cpu_count() or 1
    found = {"ceilings": limits}
    for device, kind in DEVICES.items():
        begin = time.perf_counter()
        fits.minimize_many(problems, starts, Options(maxiter=1), device)
        compiled = time.perf_counter() - begin
        cuda.synchronize()
        begin = time.perf_counter()
        solutions = fits.minimize_many(problems, starts, Options(), device)
        rate = rates(solutions, settings.rows, time.perf_counter() - begin)
        begin = time.perf_counter()
        with one_blas_thread():
            again = make_problems(spec, samples, np.ones(1), cores)
            estimate_many(again, starts, Options(), cores, device)
        rate["fits per second, problems and statistics included"] = len(samples) / (time.perf_counter() - begin)
        rate["seconds of the first call"] = compiled
        rate["device bytes"] = int(sum(fits._bytes(p, len(s), len(Options().prior), kind) for p, s in zip(
            problems, starts, strict=True)))  # fmt: skip
        steps, peak = rate["steps per second"], limits[f"{np.dtype(kind).name} operations per second"]
        rate["share of the peak of operations"] = steps * operations_of(problems[0]) / peak
        rate |= resources_of(fits.DeviceFits(problems, starts, Options(), device).kernels)
        found[device] = rate
    return found


def long_series(settings):
    """One long series, its recurrence in parallel over time."""
    return measure(settings.long_rows, settings.long_units)


SECTIONS = {
    "cpu": cpu_fits,
    "the processor's share": processor_share,
    "a panel's share": panel_share,
    "single precision": single_precision,
    "agreement": agreement,
    "many fits": many_fits,
    "one long series": long_series,
}


# that need no device
ON_CPU = ("cpu", "the processor's share", "a panel's share", "single precision")


def environment():
    found = {"python": platform.python_version(), "cores": os.cpu_count(),
             "processor": platform.processor() or platform.machine()}  # fmt: skip
    for package in ("numba", "numba-cuda", "numpy", "scipy", "cuda-bindings"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    try:
        device = cuda.get_current_device()
        found["device"] = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
        found["compute capability"] = ".".join(map(str, device.compute_capability))
        found["free bytes"] = int(cuda.current_context().get_memory_info().free) if not simulated() else 0
        found["multiprocessors"] = getattr(device, "MULTIPROCESSOR_COUNT", 0) if not simulated() else 0
    except Exception as error:
        found.setdefault("device", f"none: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    return found


def lines_of(name, value, depth=0):
    if isinstance(value, dict):
        yield f"| {'&nbsp;' * 4 * depth}{name} | |"
        for key, inner in value.items():
            yield from lines_of(key, inner, depth + 1)
    else:
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        yield f"| {'&nbsp;' * 4 * depth}{name} | {shown} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--long-rows", type=int, default=1_000_000, help="rows of the one long series")
    parser.add_argument("--long-units", type=int, default=64, help="its units of dimension 2")
    parser.add_argument("--sample", type=int, default=200, help="series that a process of the CPU fits")
    parser.add_argument("--cpu-only", action="store_true")
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS), help="sections to run")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cuda"))
    settings = parser.parse_args()
    names = settings.only or (ON_CPU if settings.cpu_only else list(SECTIONS))
    found = {"environment": environment(), "settings": {k: str(v) for k, v in vars(settings).items()}}
    print("\n".join(lines_of("environment", found["environment"])), flush=True)
    for name in names:
        try:
            found[name] = SECTIONS[name](settings)
        except Exception:
            # the other sections are worth having
            found[name] = {"failed": traceback.format_exc(limit=-3).strip().replace("\n", "; ")}
        print("\n".join(lines_of(name, found[name])), flush=True)
        write(settings.out, found | ratios(found))
    raise SystemExit(any("failed" in found[name] for name in names))


def ratios(found):
    """Times the throughput of all cores."""
    device, cpu = found.get("many fits", {}).get("cuda", {}), found.get("cpu", {})
    what = ("fits per second", "fits per second, problems and statistics included")
    if not device or not cpu or "failed" in cpu:
        return {}
    return {"times the throughput of all cores": {
        name: device[name] / max(rate[name] for rate in cpu.values()) for name in what
    }}  # fmt: skip


def write(out, found):
    """Write everything found so far."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    table = ["# Fits on a CUDA device", "", "| | |", "|---|---|"]
    for name, value in found.items():
        table += lines_of(name, value)
    out.with_suffix(".md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
