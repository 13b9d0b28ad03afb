"""
Fits on a CUDA device: checked against the CPU, timed, and held against what the device can do.

One command on a machine with a GPU, from the root of the repository::

    pip install -e ".[cuda]" && python benchmarks/gpu.py

It writes `benchmarks/results/cuda.json` and a table, `benchmarks/results/cuda.md`. ``--cpu-only`` measures the CPU's
side alone, and ``--series``, ``--rows``, ``--starts`` change the size. Each section is a function of the settings that
returns a table; what a section needs it imports itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
from cuda_long_series import measure

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.damped_steps import advance
from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.cuda.straight import straight_pass
from pararnn_ts.kernels.cuda.target import rebuild
from pararnn_ts.kernels.lanes import LANES
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


def problems_of(settings, n_series):
    """Problems of a constant, one direct lag and one unit of dimension 2, and their starts."""
    rng = np.random.default_rng(0)
    spec = Specification(
        endog_name="y", lags=(1,), linear_lags=(1,), units=(2,), activation="tanh", deterministic_names=("const",),
        exog_names=(), difference=(1.0,),
    )  # fmt: skip
    rows = settings.rows
    weight = np.ones(rows)
    weight[: spec.hold_back] = 0.0
    none, one = np.zeros((rows, 0)), np.ones((rows, 1))
    series = simulate(n_series, rows, rng)
    problems = [make_problem(spec, Sample(y, none, one, weight), np.ones(1)) for y in series]
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
        "fits_per_second": len(solutions) / seconds,
        "starts": int(sum(len(s.iterations) for s in solutions)),
        "evaluations": evaluations,
        "steps_per_second": evaluations * rows / seconds,
        "seconds": seconds,
    }


def cpu_fits(settings):
    """The CPU's side: a sample of the series on one thread and on all of them."""
    problems, starts = problems_of(settings, settings.sample)
    options = Options()
    minimize(problems[0], starts[0], options)  # compiles
    found = {}
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        begin = time.perf_counter()
        with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
            solutions = list(pool.map(lambda pair: minimize(*pair, options), zip(problems, starts, strict=True)))
        found[f"{threads} threads"] = rates(solutions, settings.rows, time.perf_counter() - begin)
    return found


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
    from numba import cuda

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

    blocks, threads = 16 * cuda.get_current_device().MULTIPROCESSOR_COUNT, 256
    found = {}
    for kind in (np.float64, np.float32):
        out, rounds = cuda.to_device(np.ones(blocks * threads, kind)), 4096
        seconds = best_of(lambda out=out, kind=kind: multiply_add[blocks, threads](out, kind(0.5), rounds))  # noqa: B023
        found[f"{np.dtype(kind).name} operations per second"] = 16.0 * rounds * blocks * threads / seconds
    a = cuda.device_array(1 << 27, np.float64)
    b = cuda.device_array_like(a)
    found["bytes per second"] = 2.0 * a.nbytes / best_of(lambda: copy[blocks, threads](a, b))
    return found


def best_of(launch):
    """Shortest time of a launch, compilation apart."""
    from numba import cuda

    launch()
    cuda.synchronize()
    times, begin = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < LONG_ENOUGH:
        start = time.perf_counter()
        launch()
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def agreement(settings):
    """Largest difference between device and CPU in a sample of fits, in nats and relative to the parameters."""
    from pararnn_ts.estimation.cuda import minimize_many

    problems, starts = problems_of(settings, min(settings.sample, 50))
    expected = [minimize(p, s, Options()) for p, s in zip(problems, starts, strict=True)]
    brief = Options(maxiter=2)
    first = [minimize(p, s, brief) for p, s in zip(problems, starts, strict=True)]
    found = {}
    for device in ("cuda", "cuda:float32"):
        whole = minimize_many(problems, starts, Options(), device)
        begun = minimize_many(problems, starts, brief, device)
        gap = [abs(np.nanmax(a.log_evidence) - np.nanmax(b.log_evidence)) for a, b in zip(whole, expected, strict=True)]
        step = [np.abs(a.params - b.params).max() / np.abs(b.params).max() for a, b in zip(begun, first, strict=True)]
        found[device] = {
            "largest difference of the best log evidence": float(max(gap)),
            "median difference of the best log evidence": float(np.median(gap)),
            "largest relative difference after two evaluations": float(max(step)),
        }
        if device == "cuda" and max(step) > 1e-10:
            raise SystemExit(
                f"device and CPU differ by {max(step):.1e} after two evaluations; the timings mean nothing."
            )
    return found


def many_fits(settings):
    """All series at once on the device, its memory, and its share of the ceilings."""
    from numba import cuda

    from pararnn_ts.estimation import cuda as fits

    problems, starts = problems_of(settings, settings.series)
    limits = ceilings(settings)
    found = {"ceilings": limits}
    for device, kind in fits.DEVICES.items():
        begin = time.perf_counter()
        fits.minimize_many(problems[:1], starts[:1], Options(), device)
        compiled = time.perf_counter() - begin
        cuda.synchronize()
        begin = time.perf_counter()
        solutions = fits.minimize_many(problems, starts, Options(), device)
        rate = rates(solutions, settings.rows, time.perf_counter() - begin)
        pairs = zip(problems, starts, strict=True)
        rate["seconds of the first call"] = compiled
        rate["device bytes"] = int(sum(fits._bytes(p, len(s), len(Options().prior), kind) for p, s in pairs))
        steps, peak = rate["steps_per_second"], limits[f"{np.dtype(kind).name} operations per second"]
        rate["share of the peak of operations"] = steps * operations_of(problems[0]) / peak
        found[device] = rate
    return found


def long_series(settings):
    """One long series, its recurrence in parallel over time."""
    return measure(settings.long_rows)


SECTIONS = {
    "cpu": cpu_fits,
    "single precision": single_precision,
    "agreement": agreement,
    "many fits": many_fits,
    "one long series": long_series,
}


def environment():
    found = {"python": platform.python_version(), "numba": numba.__version__, "numpy": np.__version__,
             "cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}  # fmt: skip
    try:
        from numba import cuda

        device = cuda.get_current_device()
        found["device"] = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
        found["compute capability"] = ".".join(map(str, device.compute_capability))
    except Exception as error:
        found["device"] = f"none: {str(error).splitlines()[0]}"
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
    parser.add_argument("--sample", type=int, default=200, help="series that the CPU fits")
    parser.add_argument("--cpu-only", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cuda"))
    settings = parser.parse_args()
    names = ["cpu", "single precision"] if settings.cpu_only else list(SECTIONS)
    found = {"environment": environment(), "settings": {k: str(v) for k, v in vars(settings).items()}}
    for name in names:
        found[name] = SECTIONS[name](settings)
        print("\n".join(lines_of(name, found[name])), flush=True)
    if "many fits" in found:
        cpu = max(rate["fits_per_second"] for rate in found["cpu"].values())
        found["times the throughput of all cores"] = found["many fits"]["cuda"]["fits_per_second"] / cpu
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    table = ["# Fits on a CUDA device", "", "| | |", "|---|---|"]
    for name, value in found.items():
        table += lines_of(name, value)
    settings.out.with_suffix(".md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
