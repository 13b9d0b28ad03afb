"""From a sample to estimated parameters: starts, optimisation, choice of the best, curvature."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numba
import numpy as np

from pararnn_ts.estimation.curvature import Curvature, curvature
from pararnn_ts.estimation.errors import ErrorLaw, student_law
from pararnn_ts.estimation.identification import distinct_units, log_unit_information
from pararnn_ts.estimation.levenberg_marquardt import (
    CONVERGED,
    FAILED,
    PEAKED,
    RETIRED,
    STALLED,
    STOPPED,
    Options,
    Solutions,
    minimize,
)
from pararnn_ts.estimation.parallel_in_time import ParallelInTimeProblem
from pararnn_ts.estimation.problem import GappedProblem, Problem, Sample, difference_series
from pararnn_ts.estimation.racing import race, resumed, scores, with_odds
from pararnn_ts.estimation.scaling import standardise
from pararnn_ts.estimation.series_problem import complete_problem
from pararnn_ts.estimation.student import reweight, robust_weights
from pararnn_ts.specification import SeriesLayout, Specification

__all__ = [
    "STATUS_WORDS",
    "Curvature",
    "Estimate",
    "best_of",
    "curvature",
    "estimate",
    "estimate_many",
    "estimate_student",
    "make_problem",
    "n_threads",
    "on_own_scale",
]

STATUS_WORDS = {
    CONVERGED: "converged",
    STOPPED: "stopped at maxiter",
    STALLED: "stalled",
    PEAKED: "past its peak",
    FAILED: "failed",
    RETIRED: "retired",
}

ALL_DIVERGED = "endog could not be fitted: every start diverged; look for extreme values, or use activation='tanh'."
# half a squared Newton decrement, in nats, that leaves estimates where they are for all that matters
NEARLY = 0.1


class Estimate(NamedTuple):
    """
    Estimated parameters in the data's units and how they were found.

    Attributes
    ----------
    params : ndarray, (P,)
        Parameters.
    curvature : Curvature
        Precision, variance of the shocks, effective parameters.
    log_evidence : float
        In the data's units; NaN where the penalty was not chosen by evidence.
    alpha : dict
        Prior precision of each group on the standardised scale.
    law : ErrorLaw
        Law of the shocks, in the data's units.
    starts : Solutions
        End points of all starts, standardised.
    best : int
        The start that was chosen.
    n_best : int
        Starts that ended within a tenth of a log-likelihood unit of it; with Student-t errors, those of the least
        squares that come first.
    converged : bool
        Whether it reached an optimum: of the penalised objective, or of the evidence on the way to it and there within
        a tenth of a log-likelihood unit of the penalised optimum. With Student-t errors: whether parameters and law of
        the shocks have settled.
    """

    params: np.ndarray
    curvature: Curvature
    log_evidence: float
    alpha: dict[str, float]
    law: ErrorLaw
    starts: Solutions
    best: int
    n_best: int
    converged: bool


def n_threads() -> int:
    """
    Threads that numerical work may use: numba's setting, at most the number of processors.

    Examples
    --------
    >>> from pararnn_ts.estimation.estimate import n_threads
    >>> n_threads() >= 1
    True
    """
    wanted = numba.get_num_threads()
    # the system takes as long to count its processors as some evaluations
    return wanted if wanted == 1 else max(1, min(wanted, os.cpu_count() or 1))


def make_problem(
    specification: Specification, sample: Sample, constant: np.ndarray | None, evidence: bool = True
) -> Problem:
    """
    Standardise a sample and state the least-squares problem for it.

    Parameters
    ----------
    specification : Specification
        The model, a sum of units.
    sample : Sample
        The data.
    constant : ndarray, (k,), or None
        Weights of the deterministic terms that add up to a constant; None where there is none. Without a constant
        nothing is centred.
    evidence : bool
        Whether the penalty is that of a prior, whose mean may be a random walk; a ridge shrinks towards zero.

    Returns
    -------
    Problem

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.estimate import make_problem
    >>> from pararnn_ts.estimation.problem import Sample
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (1,), (1,), "tanh", ("const",), hold_back=1)
    >>> sample = Sample(np.arange(10.0) % 3, np.zeros((10, 0)), np.ones((10, 1)), np.arange(10) > 0)
    >>> make_problem(spec, sample, np.ones(1)).n_obs
    9
    """
    gaps = not np.isfinite(sample.y).all()
    return on_own_scale(GappedProblem if gaps else complete_problem, specification, sample, constant, evidence)


def on_own_scale(
    state: Callable[..., Problem],
    specification: SeriesLayout,
    sample: Sample,
    constant: np.ndarray | None,
    persistent: bool = False,
) -> Problem:
    """
    State a problem on the locations and scales of its sample, gaps allowed.

    Parameters
    ----------
    state : callable
        Takes specification, sample, scaling and the differenced series.
    specification : SeriesLayout
        The model.
    sample : Sample
        The data.
    constant : ndarray, (k,), or None
        As in :func:`make_problem`.
    persistent : bool
        Whether a persistent series has the prior means of a random walk, see :func:`scaling.prior_mean`.

    Returns
    -------
    Problem
    """
    target = measured = difference_series(sample.y, specification.difference)
    if specification.order_of_difference and not np.isfinite(sample.y).all():
        # differences across gaps are missing, sometimes all of them: scales come from the series with its gaps bridged
        seen = np.flatnonzero(np.isfinite(sample.y))
        bridged = np.interp(np.arange(len(sample.y)), seen, sample.y[seen])
        measured = difference_series(bridged, specification.difference)
    scaling = standardise(specification, measured, sample.exog, sample.deterministic, constant, persistent)
    return state(specification, sample, scaling, target)


def _minimize(
    problem: Problem, starts: np.ndarray, options: Options, threads: int, warm: bool, device: str
) -> Solutions:
    """Run all starts to their end on a device."""
    if isinstance(getattr(problem, "whole", problem), ParallelInTimeProblem):
        # the device is busy with the series; steps are taken on the processor, by one thread
        return minimize(problem, starts, options, 1, warm)
    if device == "cpu":
        return minimize(problem, starts, options, threads, warm)
    from pararnn_ts.estimation.cuda import minimize_many

    return minimize_many([problem], [starts], options, device, warm)[0]


def _race(problem: Problem, starts: np.ndarray, options: Options, threads: int, warm: bool, device: str) -> Solutions:
    """Run a race to its end."""
    running = race(problem, starts, options, warm)
    part, begin, warmed = next(running)
    while True:
        found = with_odds(part, _minimize(part, begin, options, threads, warmed, device), options)
        try:
            part, begin, warmed = running.send(found)
        except StopIteration as end:
            return end.value


def _has_converged(solutions: Solutions, best: int) -> bool:
    status = solutions.status[best]
    return bool(status == CONVERGED or (status == PEAKED and solutions.decrement[best] < NEARLY))


def estimate(
    problem: Problem,
    starts: np.ndarray,
    options: Options,
    threads: int = 1,
    warm: bool = False,
    errors: str = "normal",
    device: str = "cpu",
) -> Estimate:
    """
    Fit a model from many starts and keep the best one.

    Parameters
    ----------
    problem : Problem
        From :func:`make_problem`.
    starts : ndarray, (n_starts, F)
        Start values on the standardised scale.
    options : Options
        Penalty and stopping rules.
    threads : int
        Threads over blocks of starts; the result does not depend on it.
    warm : bool
        Whether the starts are estimates already.
    errors : {"normal", "t"}
        Law of the shocks. Student's t begins from the best start of weighted least squares, whose weights are those of
        the model without units; see :mod:`pararnn_ts.estimation.student`.
    device : {"cpu", "cuda", "cuda:float32"}
        Where the starts run. The last of them with Student-t errors, and statistics at the optimum, are computed on the
        processor in any case.

    Returns
    -------
    Estimate
        The best start's parameters in canonical form.

    Raises
    ------
    ValueError
        Every start failed.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.estimate import estimate, make_problem
    >>> from pararnn_ts.estimation.levenberg_marquardt import Options
    >>> from pararnn_ts.estimation.problem import Sample
    >>> from pararnn_ts.estimation.starts import random_starts
    >>> from pararnn_ts.specification import Specification
    >>> rng = np.random.default_rng(0)
    >>> spec = Specification("y", (1,), (1,), (1,), "tanh", ("const",), hold_back=1)
    >>> sample = Sample(rng.standard_normal(50), np.zeros((50, 0)), np.ones((50, 1)), np.arange(50) > 0)
    >>> found = estimate(make_problem(spec, sample, np.ones(1)), random_starts(spec, 4, rng), Options())
    >>> found.params.shape, bool(found.curvature.effective < 6)
    ((6,), True)
    """
    robust, weights = errors == "t", None
    if robust and warm:
        resid = problem.residuals(starts[0])
        weights = student_law(resid, 0.0).weights(resid)
    elif robust:
        weights = robust_weights(problem)
    weighted = problem if weights is None else problem.reweighted(weights)
    solutions = _race(weighted, starts, options, threads, warm, device)
    if robust:
        return estimate_student(problem, solutions, _best(solutions, options), options)
    return best_of(problem, solutions, options)


def estimate_many(
    problems: Sequence[Problem],
    starts: Sequence[np.ndarray],
    options: Options,
    threads: int = 1,
    device: str = "cpu",
) -> list[Estimate]:
    """
    Fit models to many series, on a CUDA device all at once.

    Parameters
    ----------
    problems : sequence of Problem
        One for each series; on a CUDA device without gaps.
    starts : sequence of ndarray, (n_starts, F)
        Start values for each of them.
    options : Options
        Penalty and stopping rules.
    threads : int
        Threads of the processor: over blocks of starts, or over the statistics of many series.
    device : {"cpu", "cuda", "cuda:float32"}
        Where the starts run.

    Returns
    -------
    list of Estimate
        One for each series, as :func:`estimate` gives it.

    Raises
    ------
    ValueError
        A series cannot be fitted.
    """
    if device == "cpu":
        return [estimate(problem, s, options, threads) for problem, s in zip(problems, starts, strict=True)]
    from pararnn_ts.estimation.many_series import estimate_on_device

    found = []
    for one in estimate_on_device(problems, starts, options, threads, device):
        if isinstance(one, ValueError):
            raise one
        found.append(one)
    return found


def best_of(problem: Problem, solutions: Solutions, options: Options) -> Estimate:
    """
    Report the best start of a least-squares fit.

    Parameters
    ----------
    problem : Problem
        The problem that was minimised.
    solutions : Solutions
        End points of all starts, see :func:`with_odds`.
    options : Options
        Penalty of the fit.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Every start failed.
    """
    best = _best(solutions, options)
    evidence = options.penalty is None
    precision = float(solutions.beta[best])
    return _report(
        problem, solutions, best, _n_near(problem, solutions, best, options), options,
        ErrorLaw(precision**-0.5) if evidence else None, float(solutions.log_evidence[best]),
        _has_converged(solutions, best),
    )  # fmt: skip


def estimate_student(problem: Problem, solutions: Solutions, best: int, options: Options) -> Estimate:
    """
    Fit a model with Student-t errors from an optimum of (weighted) least squares.

    Parameters
    ----------
    problem : Problem
        The problem without observation weights.
    solutions : Solutions
        Outcome of least squares, see :func:`with_odds`.
    best : int
        The start to go on from.
    options : Options
        Penalty and stopping rules.

    Returns
    -------
    Estimate
        In canonical form; the row `best` of its `starts` is the new optimum.
    """
    ended = reweight(problem, solutions.params[best], options)
    optimum = with_odds(problem, ended.solutions, options)
    # what the others were worth by least squares cannot be compared
    incomparable = replace(solutions, log_evidence=np.full_like(solutions.log_evidence, np.nan))
    last = replace(optimum, status=np.array([CONVERGED if ended.converged else STOPPED]))
    joined = resumed(incomparable, last, np.array([best]))
    evidence = float(optimum.log_evidence[0])
    n_best = _n_near(problem, solutions, best, options)
    return _report(problem, joined, best, n_best, options, ended.law, evidence, ended.converged)


def _best(solutions: Solutions, options: Options) -> int:
    score = scores(solutions, options)
    best = int(np.argmax(score))
    if not np.isfinite(score[best]):
        raise ValueError(ALL_DIVERGED)
    return best


def _n_near(problem: Problem, solutions: Solutions, best: int, options: Options) -> int:
    """Count the starts that are as good as the best."""
    if options.penalty is None:
        score = solutions.log_evidence
    else:
        # starts that diverged are worth minus infinity beside a series that is fitted exactly
        with np.errstate(over="ignore"):
            score = -solutions.objective / max(solutions.sse[best], 1e-300) * problem.n_obs
    return int(np.count_nonzero(np.isfinite(score) & (score > score[best] - NEARLY)))


def _report(
    problem: Problem,
    solutions: Solutions,
    best: int,
    n_best: int,
    options: Options,
    law: ErrorLaw | None,
    log_evidence: float,
    converged: bool,
) -> Estimate:
    """Canonical form of an optimum and its statistics, in the data's units."""
    alpha = solutions.alpha[best]
    whole, products = problem.expand(solutions.params[best]), problem.whole_products(solutions.params[best])
    free, there = problem.canonical(solutions.params[best], products)
    # in the units of the data, so that models which standardise differently can be compared
    log_evidence -= problem.n_obs * np.log(problem.scaling.scale[0])
    distinct = distinct_units(problem.specification, whole[None], products[None], solutions.beta[best : best + 1])[0]
    log_evidence += problem.log_symmetry(list(distinct))
    log_evidence += float(log_unit_information(there, problem.group, problem.n_obs))
    found = curvature(problem, free, there, alpha, law)
    spread = problem.scaling.scale[0]
    return Estimate(
        params=problem.scaling.to_data(problem.expand(free)),
        curvature=found,
        log_evidence=float(log_evidence) if options.penalty is None else float("nan"),
        alpha={
            name: float(alpha[number])
            for number, name in enumerate(problem.specification.group_names)
            if number in problem.group
        },
        law=ErrorLaw(np.sqrt(found.scale)) if law is None or law.is_normal else ErrorLaw(law.spread * spread, law.dof),
        starts=solutions,
        best=best,
        n_best=n_best,
        converged=converged,
    )
