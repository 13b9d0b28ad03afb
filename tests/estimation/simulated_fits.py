"""Fits in the CUDA simulator, written to the file that the command line names; small, because it is slow."""

import sys

import numpy as np
import twin

import pararnn_ts as prt
from pararnn_ts.estimation import cuda
from pararnn_ts.estimation.cuda import minimize_many
from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.starts import random_starts

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


def faces():
    """What users call, on one short series."""
    y = prt.datasets.load_lynx()[:40]
    results = prt.ParaRNN(y, units=(1,)).fit(n_starts=2, device="cuda", maxiter=60)
    chosen = prt.select_order(y, max_lags=1, max_linear_lags=1, max_units=1, unit_dims=(1,), n_starts=1,
                              errors="normal", device="cuda")  # fmt: skip
    return {"fit": results.params.to_numpy(), "select_order": chosen.table["log_evidence"].to_numpy()}


if __name__ == "__main__":
    # small as they are, the first fits are to be in straight-line code
    cuda.WORTHWHILE = 0
    with np.errstate(divide="ignore"):
        np.savez(sys.argv[1], **everything(on_simulator), **faces(), **dict(variants()))
