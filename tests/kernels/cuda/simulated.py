"""States and products of one long series by the CUDA kernels in numba's simulator, written to the file named."""

import sys
from typing import NamedTuple

import numpy as np
import twin
from test_units import problem

from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.parallel_in_time import ParallelInTimeProblem
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.cuda.long_series import LongSeries


class Case(NamedTuple):
    units: tuple[int, ...]
    activation: str
    n: int
    m: int
    q: int
    chunk: int
    limit: int = 32
    radius: float = 1.0


CASES = [
    Case((2,), "tanh", 27, 1, 2, 4),
    Case((1, 2, 1), "identity", 23, 2, 0, 8),
    Case((3,), "logistic", 20, 1, 1, 4),
    Case((1, 2), "relu", 20, 0, 2, 6),
    # more chunks than groups, and products of more than one tile
    Case((2, 2, 2), "tanh", 12, 2, 3, 2),
    # not even close after one iteration: sequential in the end
    Case((2, 1), "tanh", 16, 1, 1, 1, 1, 3.0),
]


def arguments(case):
    """Parameters of two starts, and what :class:`LongSeries` is made of."""
    rng = np.random.default_rng(case.n)
    theta, units, activation, *columns = problem(case.units, case.activation, case.n, case.m, case.q, rng)
    theta = theta[:2].copy()
    theta[:, case.q :] *= case.radius
    return theta, units, ACTIVATIONS[activation], *columns


def everything(threads, cases=CASES, groups=4):
    found = {}
    for number, case in enumerate(cases):
        theta, *series = arguments(case)
        device = LongSeries(*series, chunk=case.chunk, limit=case.limit, threads=threads, groups=groups)
        gram, outcomes = device.products(theta)
        states, _ = device.states(theta[0])
        found[f"products{number}"], found[f"states{number}"] = gram, states
        found[f"iterations{number}"] = np.array([outcome.iterations for outcome in outcomes])
        found[f"converged{number}"] = np.array([outcome.converged for outcome in outcomes])
    return found


def small_problem():
    """The least-squares problem of one short series, and parameters."""
    spec, rng = twin.specification((1,), "tanh", (1,), (1,), 1), np.random.default_rng(0)
    sample = Sample(rng.normal(size=40), np.zeros((40, 0)), np.ones((40, 1)), np.r_[0.0, np.ones(39)])
    return make_problem(spec, sample, np.ones(1)), twin.random_params(spec, rng)


if __name__ == "__main__":
    small, params = small_problem()
    device = ParallelInTimeProblem(small.specification, small.sample, small.scaling, "cuda", chunk=16)
    other = {f"other_{name}": value for name, value in everything(3, CASES[:1]).items()}
    np.savez(sys.argv[1], **everything(8), **other, evaluator=device.products(params))
