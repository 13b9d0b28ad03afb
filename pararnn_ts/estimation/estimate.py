"""From a sample to estimated parameters: starts, optimisation, choice of the best, curvature."""

from __future__ import annotations

import os
from typing import NamedTuple

import numba
import numpy as np

from pararnn_ts.estimation.identification import canonical, log_symmetry, n_expansive
from pararnn_ts.estimation.levenberg_marquardt import (
    CONVERGED,
    FAILED,
    RETIRED,
    STALLED,
    STOPPED,
    Options,
    Solutions,
    minimize,
)
from pararnn_ts.estimation.problem import GappedProblem, Problem, Sample, UnitProblem, difference_series
from pararnn_ts.estimation.scaling import standardise
from pararnn_ts.specification import GROUPS, Specification

__all__ = ["STATUS_WORDS", "Curvature", "Estimate", "curvature", "estimate", "make_problem", "n_threads"]

STATUS_WORDS = {
    CONVERGED: "converged",
    STOPPED: "stopped at maxiter",
    STALLED: "stalled",
    FAILED: "failed",
    RETIRED: "retired",
}

# share of the largest eigenvalue of the scaled normal equations below which a direction counts as undetermined
_RANK_TOLERANCE = 1e-10
_LEAST_NATS = 1.0
# log prior odds against each unit that can expand, where Laplace's approximation is void; simulated series and parts of
# the shipped ones held out of their training parts chose it among 0, 5, 10, 20, 50 and infinity
EXPANSION_ODDS = 10.0


class Curvature(NamedTuple):
    """
    Normal equations at a parameter vector, turned into statistics.

    Attributes
    ----------
    precision : ndarray, (P, P)
        Posterior precision of the parameters in the data's units.
    scale : float
        Variance of the shocks.
    effective : float
        Effective number of parameters.
    """

    precision: np.ndarray
    scale: float
    effective: float


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
    starts : Solutions
        End points of all starts, standardised.
    best : int
        The start that was chosen.
    """

    params: np.ndarray
    curvature: Curvature
    log_evidence: float
    alpha: dict[str, float]
    starts: Solutions
    best: int


def n_threads() -> int:
    """Threads that numerical work may use: numba's setting, at most the number of processors."""
    return max(1, min(numba.get_num_threads(), os.cpu_count() or 1))


def make_problem(specification: Specification, sample: Sample, constant: np.ndarray | None) -> Problem:
    """Standardise a sample and state the least-squares problem for it."""
    y, seen = sample.y, np.flatnonzero(np.isfinite(sample.y))
    gaps = len(seen) < len(y)
    if gaps and specification.order_of_difference:
        # differences across gaps are missing, sometimes all of them: scales come from the series with its gaps bridged
        y = np.interp(np.arange(len(y)), seen, y[seen])
    target = difference_series(y, specification.difference)
    target[: specification.order_of_difference] = np.nan
    scaling = standardise(specification, target, sample.exog, sample.deterministic, constant)
    return (GappedProblem if gaps else UnitProblem)(specification, sample, scaling)


def curvature(problem: Problem, params: np.ndarray, alpha: np.ndarray, beta: float | None) -> Curvature:
    """
    Posterior precision, variance of the shocks and effective parameters.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    params : ndarray, (P,)
        Parameters on the standardised scale.
    alpha : ndarray, (n_groups,)
        Prior precision of each group; with `beta` None, in units of the noise precision (a ridge).
    beta : float or None
        Noise precision; None: the reciprocal of the residual variance.

    Returns
    -------
    Curvature
        Statistics in the data's units.
    """
    products = problem.products(params)
    square, sse = products[:-1, :-1], products[-1, -1]
    prior = np.where(problem.group >= 0, alpha[np.maximum(problem.group, 0)], 0.0)
    ridge = prior if beta is None else prior / beta
    effective = _effective(square, ridge)
    variance = sse / max(problem.n_obs - effective, 1.0)
    noise = max(variance if beta is None else 1.0 / beta, 1e-300)
    inverse = problem.scaling.inverse()
    precision = inverse.T @ ((square + np.diag(ridge)) / noise) @ inverse
    return Curvature(precision, float(variance * problem.scaling.scale[0] ** 2), effective)


def _effective(square: np.ndarray, ridge: np.ndarray) -> float:
    """Trace of the hat matrix; without a ridge the rank of the normal equations."""
    # in correlation form directions can be compared whatever their units
    size = np.sqrt(np.diag(square) + ridge)
    size = np.where(size > 0.0, size, 1.0)
    values, vectors = np.linalg.eigh((square + np.diag(ridge)) / np.outer(size, size))
    kept = values > _RANK_TOLERANCE * max(values.max(initial=0.0), 1e-300)
    loads = (vectors[:, kept] / size[:, None]) / np.sqrt(values[kept])
    return float(np.sum(loads * (square @ loads)))


def _component_sizes(problem: Problem, params: np.ndarray) -> np.ndarray:
    """Second moment of each unit's component, from the columns of the output weights in the normal equations."""
    products = problem.products(params)
    sizes = []
    for d, part in zip(problem.specification.units, problem.specification.unit_slices, strict=True):
        out = slice(part.stop - d, part.stop)
        sizes.append(float(params[out] @ products[out, out] @ params[out]))
    return np.array(sizes)


def estimate(problem: Problem, starts: np.ndarray, options: Options, threads: int = 1) -> Estimate:
    """
    Fit a model from many starts and keep the best.

    Parameters
    ----------
    problem : Problem
        From :func:`make_problem`.
    starts : ndarray, (n_starts, P)
        Start values on the standardised scale.
    options : Options
        Penalty and stopping rules.
    threads : int
        Threads over blocks of starts; the result does not depend on it.

    Returns
    -------
    Estimate
        The best start's parameters in canonical form.

    Raises
    ------
    ValueError
        Every start failed.
    """
    evidence = options.penalty is None
    solutions = minimize(problem, starts, options, threads)
    specification = problem.specification
    odds = -EXPANSION_ODDS * n_expansive(specification, solutions.params)
    score = solutions.log_evidence + odds if evidence else -solutions.objective
    # the evidence of a start that was retired on its way is that of no optimum
    score = np.where(np.isin(solutions.status, (FAILED, RETIRED)) | ~np.isfinite(score), -np.inf, score)
    best = int(np.argmax(score))
    if not np.isfinite(score[best]):
        raise ValueError(
            "endog could not be fitted: every start diverged; look for extreme values, or use activation='tanh'."
        )
    params = solutions.params[best]
    size = _component_sizes(problem, params)
    params = canonical(specification, params, size)
    # a unit that explains less than this many nats is not distinct from its mirror images
    alive = 0.5 * float(solutions.beta[best]) * size > _LEAST_NATS
    alpha = solutions.alpha[best]
    # in the units of the data, so that models which standardise differently can be compared
    log_evidence = score[best] + log_symmetry(specification, list(alive))
    log_evidence -= problem.n_obs * np.log(problem.scaling.scale[0])
    found = curvature(problem, params, alpha, float(solutions.beta[best]) if evidence else None)
    return Estimate(
        params=problem.scaling.to_data(params),
        curvature=found,
        log_evidence=float(log_evidence) if evidence else float("nan"),
        alpha={name: float(alpha[number]) for name, number in GROUPS.items() if number in problem.group},
        starts=solutions,
        best=best,
    )
