"""Fits in the CUDA simulator, written to the file that the command line names."""

import sys

import numpy as np
import twin

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


if __name__ == "__main__":
    whole = everything(lambda problems, starts, options, warm: minimize_many(problems, starts, options, warm=warm))
    np.savez(sys.argv[1], **whole)
