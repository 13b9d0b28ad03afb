"""Fits in the CUDA simulator, written to the file that the command line names; small, because it is slow."""

import sys

import numba
import numpy as np
import twin

import pararnn_ts as prt
from pararnn_ts.estimation import cuda, racing
from pararnn_ts.estimation.cuda import minimize_many
from pararnn_ts.estimation.cuda_kernels import Kernels
from pararnn_ts.estimation.estimate import estimate_many, make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.cuda import target

SELECTED = {"evidence": ["log_evidence"], "cv": ["log_evidence", "cv"]}
FIELDS = ("params", "status", "iterations", "objective", "sse", "log_evidence", "gamma", "beta", "alpha")


def problems_of(units, lengths, rng):
    spec = twin.specification(units, "tanh", (1,), (1,), 1, 0)
    found = []
    for n in lengths:
        y = np.zeros(n)
        shocks = rng.normal(size=n)
        for t in range(1, n):
            y[t] = np.tanh(1.5 * y[t - 1]) - 0.5 * y[t - 2] + 0.3 * shocks[t]
        weight = np.ones(n)
        weight[: spec.hold_back] = 0.0
        found.append(make_problem(spec, Sample(y, np.zeros((n, 0)), np.ones((n, 1)), weight), np.ones(1)))
    return spec, found


def cases():
    """Problems, their starts and options."""
    rng = np.random.default_rng(0)
    spec, problems = problems_of((1,), (40, 25, 33), rng)
    starts = [random_starts(spec, k, rng) for k in (10, 3, 1)]
    yield "evidence", problems, starts, Options(maxiter=40), False
    yield "ridge", problems[1:], starts[1:], Options(maxiter=60, penalty=0.5), False
    spec, problems = problems_of((2,), (30,), rng)
    starts = [random_starts(spec, 2, rng)]
    yield "warm", problems, starts, Options(maxiter=12), True


def everything(minimize):
    found = {}
    for name, problems, starts, options, warm in cases():
        for i, solutions in enumerate(minimize(problems, starts, options, warm)):
            found.update({f"{name}.{i}.{field}": getattr(solutions, field) for field in FIELDS})
    return found


def estimate_cases():
    rng = np.random.default_rng(5)
    racing.FIRST_ROWS, racing.ROWS_PER_PARAMETER = 25, 1
    problems = [p for units in ((1,), (), (1,)) for p in problems_of(units, (30, 30, 70), rng)[1]]
    starts = [random_starts(p.specification, 1 + i % 3, rng) for i, p in enumerate(problems)]
    assert {racing.is_raced(p, s) for p, s in zip(problems, starts, strict=True)} == {True, False}
    return problems, starts, Options(maxiter=20)


def described(end):
    """Numbers of an estimate."""
    return {
        "params": end.params, "precision": end.curvature.precision,
        "others": np.array([*end.curvature[2:], end.log_evidence, end.best, end.n_best, end.converged, end.law.spread]),
    }  # fmt: skip


def on_simulator(problems, starts, options, warm):
    return minimize_many(problems, starts, options, warm=warm)


def variants():
    """The first problems once more: in tiles, in single precision, and with the pass as loops over arrays."""
    _, problems, starts, options, _ = next(cases())
    tiled = minimize_many(problems, starts, options, memory=20_000)
    single = minimize_many(problems, starts, options, "cuda:float32")
    cuda.WORTHWHILE = 10**9
    looped = minimize_many(problems[2:], starts[2:], options)
    looped_single = minimize_many(problems[2:], starts[2:], options, "cuda:float32")
    for name, solutions in (("tiled", tiled), ("single", single), ("looped", looped), ("looped single", looped_single)):
        for i, one in enumerate(solutions):
            yield from ((f"{name}.{i}.{field}", getattr(one, field)) for field in FIELDS)


class Recorder:
    """A kernel that notes the types of the arguments with which it is launched."""

    def __init__(self, kernel, name, seen):
        self.kernel, self.name, self.seen = kernel, name, seen

    def __getitem__(self, grid):
        def launch(*args):
            hosts = [a.copy_to_host() if hasattr(a, "copy_to_host") else a for a in args]
            self.seen.setdefault(self.name, " ".join(str(numba.typeof(a)) for a in hosts))
            self.kernel[grid](*args)

        return launch


def launches():
    """Types of the arguments of all kernels, in double and in single precision."""
    _, problems = problems_of((1,), (20,), np.random.default_rng(0))
    starts, original, found = [random_starts(problems[0].specification, 2, np.random.default_rng(0))], cuda.compiled, {}
    for device in ("cuda", "cuda:float32"):
        seen = {}
        cuda.compiled = lambda *args: Kernels(
            *(Recorder(k, n, seen) for n, k in zip(Kernels._fields, original(*args), strict=True))  # noqa: B023
        )
        minimize_many(problems, starts, Options(maxiter=1), device)
        found.update({f"{device} {name}": types for name, types in seen.items()})
    cuda.compiled = original
    return found


def whole():
    """Estimates of series of several models and lengths, some raced, in a memory that holds a few of them."""
    problems, starts, options = estimate_cases()
    roomy = estimate_many(problems, starts, options, device="cuda")
    target.free_memory = lambda local=0: 10_000
    sizes, tiled = [], target.tiles
    cuda.tiles = lambda *args: sizes.append(tiled(*args)) or sizes[-1]
    tight = estimate_many(problems, starts, options, device="cuda")
    single = estimate_many(problems, starts, options, device="cuda:float32")
    found = {"tiles": np.array([len(part) for part in sizes])}
    for name, ends in (("roomy", roomy), ("tight", tight), ("whole single", single)):
        for i, end in enumerate(ends):
            found.update({f"{name}.{i}.{field}": value for field, value in described(end).items()})
    return found


def faces():
    """What users call, on one short series."""
    y = prt.datasets.load_lynx()[:40]
    results = prt.ParaRNN(y, units=(1,)).fit(n_starts=2, device="cuda", maxiter=60)
    found = {"fit": results.params.to_numpy()}
    for criterion in ("evidence", "cv"):
        chosen = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, unit_dims=(1,), n_starts=1,
                                  errors="normal", criterion=criterion, device="cuda")  # fmt: skip
        found |= {f"select_order {criterion} {name}": chosen.table[name] for name in SELECTED[criterion]}
    return found


if __name__ == "__main__":
    # small as they are, the first fits are to be in straight-line code
    cuda.WORTHWHILE = 0
    with np.errstate(divide="ignore"):
        np.savez(sys.argv[1], **everything(on_simulator), **launches(), **faces(), **dict(variants()), **whole())
