"""
One penalised least-squares problem for every package, and the time until its loss is reached.

The loss is (sum of squared residuals + penalty * sum of squared weights) / T on the standardised scale, with those
weights that `fit(penalty=1.0)` penalises, of one series of T = 1,000. A goal is a loss one per cent, or a tenth of it,
above the median loss at which the default sixteen starts of a model of this package end.

Seconds are those of the processor. The pieces run on one core, where a machine that does nothing else takes as many;
what else it does then delays both sides alike, and neither in the figures.
"""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from timing import median_time, series

import pararnn_ts as prt

N = 1_000
PENALTY = 1.0
UNITS = (2, 2, 2, 2)
STATES = sum(UNITS)
N_STARTS = 16
SEEDS = (0, 1, 2)
GAPS = (0.01, 0.001)
SERIES: dict[str, Callable[[], pd.Series]] = {
    "simulated": lambda: series(N),
    "simulated 300": lambda: series(300),
    "simulated 3000": lambda: series(3_000),
    "laser": lambda: prt.datasets.load_laser().iloc[:N].reset_index(drop=True).astype(float),
}
MODELS = {
    "ParaRNN": lambda y: prt.ParaRNN(y, units=UNITS),
    "ElmanRNN": lambda y: prt.ElmanRNN(y, hidden=STATES),
    "LSTM": lambda y: prt.LSTM(y, hidden=STATES),
}
# numbers of evaluations that are tried to find the shortest fit that reaches a goal
EVALUATIONS = {"ParaRNN": range(4, 201, 4), "ElmanRNN": range(10, 201, 10), "LSTM": range(20, 201, 20)}
EASY = range(2, 201, 2)


@dataclass(frozen=True)
class Task:
    """
    What a peer minimises, on the standardised scale.

    Parameters
    ----------
    x : ndarray, (T, m)
        Inputs of the recurrent part.
    linear : ndarray, (T, q)
        Columns that enter linearly, the constant first.
    y : ndarray, (T,)
        Target.
    penalised : ndarray of bool, (P,)
        Parameters of a sum of units that are penalised, packed as this package packs them.
    """

    x: np.ndarray
    linear: np.ndarray
    y: np.ndarray
    penalised: np.ndarray


def task(model) -> Task:
    """Arrays of a `ParaRNN` or an `ElmanRNN` without missing values."""
    problem = model._problem()
    if not (problem.weight > 0.0).all():
        raise ValueError("the series must be complete and without rows held back beyond its lags.")
    return Task(problem.x, problem.linear_columns, problem.y, problem.group >= 0)


def own_starts(model, seed: int) -> np.ndarray:
    """Start values that the fit with this seed takes, images of an ARMA model among them."""
    return model._starts(model._problem(), N_STARTS, np.random.default_rng(seed))[0]


def usual_starts(model, seed: int) -> np.ndarray:
    """Start values as networks usually have them: uniform within the root of one over the number of states."""
    rng, bound = np.random.default_rng(seed), STATES**-0.5
    starts = rng.uniform(-bound, bound, (N_STARTS, model.specification.n_params))
    starts[:, : model.specification.n_linear] = 0.0
    return starts


def fit(kind: str, y: pd.Series, seed: int, maxiter: int = 200, n_starts: int = N_STARTS):
    """Fit with the fixed penalty; a fit that is stopped early warns, which is meant here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[kind](y).fit(penalty=PENALTY, rng=seed, maxiter=maxiter, n_starts=n_starts)


def loss(results) -> float:
    """Value of the common loss at the estimates."""
    problem = results.model._problem()
    theta = problem.scaling.to_standard(np.asarray(results.params))
    sse = float(problem.products(theta)[-1, -1])
    return (sse + PENALTY * float(np.sum(theta[problem.group >= 0] ** 2))) / problem.n_obs


def own_record(kind: str, y: pd.Series) -> dict:
    """Losses at which the fits of a model end, the goals, and by seed the fewest evaluations that reach each goal."""
    ends = [loss(fit(kind, y, seed)) for seed in SEEDS]
    middle = statistics.median(ends)
    goals = {f"{kind} {gap:g}": (1.0 + gap) * middle for gap in GAPS}
    return {
        "losses": ends,
        "goals": goals,
        "evaluations": [fewest(kind, y, seed, goals, EVALUATIONS[kind]) for seed in SEEDS],
    }


def fewest(
    kind: str, y: pd.Series, seed: int, goals: dict[str, float], limits: range, n_starts: int = N_STARTS
) -> dict[str, int | None]:
    """
    Find the fewest evaluations at which a fit reaches each goal, None where it does not.

    The fit with so many evaluations as its limit is what is timed: it includes standardisation, start values,
    covariance and the results object, as every call of `fit` does.
    """
    found: dict[str, int | None] = dict.fromkeys(goals)
    for limit in limits:
        value = loss(fit(kind, y, seed, limit, n_starts))
        for name, goal in goals.items():
            if found[name] is None and value <= goal:
                found[name] = limit
        if None not in found.values():
            break
    return found


def own_seconds(
    kind: str, y: pd.Series, seed: int, evaluations: dict[str, int | None], repeats: int, n_starts: int = N_STARTS
) -> dict[str, float | None]:
    """Seconds of a fit until each goal with the evaluations that it needs, and as "whole" those of a whole fit."""
    return {
        name: None
        if limit is None
        else median_time(lambda limit=limit: fit(kind, y, seed, limit, n_starts), repeats, time.process_time)
        for name, limit in {"whole": 200, **evaluations}.items()
    }


def together_by_goal(by_seed: list[dict[str, float | None]]) -> dict[str, list[float | None]]:
    """Seconds of each goal by seed."""
    return {name: [seconds[name] for seconds in by_seed] for name in by_seed[0]}


def times_to_reach(chunks: Iterator[np.ndarray], goals: dict[str, float], cap: float) -> dict:
    """
    Seconds until each goal is reached.

    Parameters
    ----------
    chunks : iterator of ndarray
        Each next item does some steps and gives the smallest loss of all starts after each of them.
    goals : dict of str to float
        Losses to be reached.
    cap : float
        Seconds after which to give up.

    Returns
    -------
    dict
        `seconds` by goal, None where it was not reached; `spent` seconds and `steps` in all; `loss`, the smallest.
    """
    seconds: dict[str, float | None] = dict.fromkeys(goals)
    best, spent, steps = np.inf, 0.0, 0
    while spent < cap and None in seconds.values():
        began = time.process_time()
        losses = next(chunks, None)
        chunk = time.process_time() - began
        if losses is None:
            break
        running = np.fmin(np.fmin.accumulate(losses), best)
        for name, goal in goals.items():
            below = np.flatnonzero(running <= goal)
            if seconds[name] is None and len(below):
                seconds[name] = spent + chunk * float(below[0] + 1) / len(losses)
        best, spent, steps = float(running[-1]), spent + chunk, steps + len(losses)
    return {"seconds": seconds, "spent": spent, "steps": steps, "loss": best}
