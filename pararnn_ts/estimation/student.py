"""
Student-t errors by iteratively reweighted Levenberg-Marquardt.

Student's t is a scale mixture of normals. Given the expected precisions of the shocks the problem is one of weighted
least squares, which :mod:`levenberg_marquardt` solves with its penalty; given residuals, the law of the shocks has its
precisions (Lange, Little and Taylor 1989). The two steps alternate; the penalised likelihood rises with each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, special

from pararnn_ts.estimation.errors import ErrorLaw, log_volume, student_law
from pararnn_ts.estimation.levenberg_marquardt import FAILED, Options, Solutions, log_gamma_prior, minimize
from pararnn_ts.estimation.problem import Problem

__all__ = ["Reweighted", "bounded_mean", "log_evidence", "reweight", "robust_weights"]

# evaluations between two changes of the weights
BETWEEN = 6
# changes of the weights of the model without units, which only provides first weights
FIRST_CHANGES = 12
# residuals that the law of the shocks expects in the whole sample beyond the bound that limits the weight of each in
# their mean
BEYOND = 0.01
# share of residuals beyond that bound that may be slips; where there are more, the law is not that of the shocks
SLIPS = 0.05
# squared pivots of the scaled Hessian below this are rounding
_SMALLEST = 1e-14
# rounding errors of residuals: on the standardised scale observations are of the size of one
ROUNDING = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Reweighted:
    """
    Where the reweighting of one start ended.

    Attributes
    ----------
    solutions : Solutions
        The last weighted least-squares fit, one row; `log_evidence` is that of the Student-t model.
    law : ErrorLaw
        Law of the shocks on the standardised scale.
    converged : bool
        Whether weights and parameters have settled.
    """

    solutions: Solutions
    law: ErrorLaw
    converged: bool


def log_evidence(problem: Problem, params: np.ndarray, alpha: np.ndarray, law: ErrorLaw, options: Options) -> float:
    """
    Log evidence by Laplace's method under any law of the shocks, on the standardised scale.

    The Hessian is the expected one, ``information J'J + diag(alpha)``. For normal shocks with precision beta this is
    the evidence that :func:`levenberg_marquardt.minimize` reports.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    params : ndarray, (F,)
        Its parameters.
    alpha : ndarray, (n_groups,)
        Prior precision of each group.
    law : ErrorLaw
        Law of the shocks on the standardised scale.
    options : Options
        The priors of the precisions.

    Returns
    -------
    float
    """
    group, prior = problem.group, log_gamma_prior(options.prior)
    penalised = group >= 0
    precision = np.where(penalised, alpha[np.maximum(group, 0)], 0.0)
    products = problem.products(params)[:-1, :-1]
    total = float(law.loglikeobs(problem.residuals(params)).sum()) - 0.5 * float(precision @ params**2)
    total += 0.5 * float(np.log(precision[penalised]).sum())
    hessian = law.information * products + np.diag(precision)
    size = np.sqrt(np.diag(hessian))
    size = np.where(size > 0.0, size, 1.0)
    factor = linalg.eigvalsh(hessian / np.outer(size, size), driver="ev")
    total -= 0.5 * float(np.log(np.maximum(factor, _SMALLEST)).sum()) + float(np.log(size).sum())
    for g, (shape, rate, constant) in enumerate(prior):
        inside = group == g
        if inside.any():
            square = float(np.sum(params[inside] ** 2))
            width = 0.5 * alpha[g] * (square + 2.0 * rate)
            total += constant + shape * np.log(alpha[g]) - rate * alpha[g] - 0.5 * np.log(width)
    return total


def robust_weights(problem: Problem) -> np.ndarray | None:
    """
    Observation weights from the model without units, fitted with Student-t errors.

    Parameters
    ----------
    problem : Problem
        The standardised problem.

    Returns
    -------
    ndarray, (n_obs,), or None
        None for a sample with gaps, where even the linear path needs the model to be run.
    """
    design = problem.linear_design()
    if design is None:
        return None
    target = problem.target[problem.sample.weight > 0.0]
    weights, law = np.ones(len(target)), None
    for _ in range(FIRST_CHANGES):
        root = np.sqrt(weights)
        coefficients = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        resid = target - design @ coefficients
        law = student_law(resid, float(design.shape[1]), law, least=ROUNDING)
        weights = law.weights(resid)
    return weights


def reweight(problem: Problem, start: np.ndarray, options: Options) -> Reweighted:
    """
    Fit a model with Student-t errors from one start.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    start : ndarray, (P,)
        Where to start, best an optimum of least squares.
    options : Options
        Penalty and stopping rules.

    Returns
    -------
    Reweighted
        The optimum.
    """
    inner = replace(options, maxiter=min(BETWEEN, options.maxiter))
    params, effective, before, converged = start, 0.0, -np.inf, False
    evaluations = 0
    resid = problem.residuals(params)
    law = student_law(resid, effective, least=ROUNDING)
    while evaluations < options.maxiter:
        weighted = problem.reweighted(law.weights(resid))
        found = minimize(weighted, params[None], inner, warm=True)
        evaluations += int(found.iterations[0])
        if found.status[0] == FAILED or not np.isfinite(found.params).all():
            break
        params, effective = found.params[0], float(found.gamma[0])
        resid = problem.residuals(params)
        law = student_law(resid, effective, law, 1, ROUNDING)
        now = float(law.loglikeobs(resid).sum())
        if abs(now - before) < max(100.0 * options.tol * problem.n_obs, 1e-3):
            converged = True
            break
        before = now
    evidence = np.nan
    if options.penalty is None:
        evidence = log_evidence(problem, params, found.alpha[0], law, options)
        evidence += log_volume(resid, effective, law, ROUNDING)
    # skew shocks have another mean than their centre of symmetry under the law: predictions are means
    mean = bounded_mean(resid, law)
    moved = problem.with_mean(params, mean)
    centred = problem.residuals(moved)
    # across gaps the constant feeds on itself, and residuals need not move with it
    if np.isfinite(centred).all() and abs(bounded_mean(centred, law)) <= abs(mean):
        params, law = moved, student_law(centred, effective, law, 1, ROUNDING)
    ended = replace(found, params=params[None], log_evidence=np.array([evidence]), iterations=np.array([evaluations]))
    return Reweighted(ended, law, converged)


def bounded_mean(resid: np.ndarray, law: ErrorLaw) -> float:
    """
    Mean of residuals, in which one that no law explains has no more weight than the largest that its law expects.

    Where residuals follow the law it is their mean: what lies beyond the bound is one in a hundred samples. Where more
    than one in twenty lie there, as in a series of counts most of which are zero, they are no slips, and the bound is
    such that one in twenty lie beyond it.

    Parameters
    ----------
    resid : ndarray
        Residuals.
    law : ErrorLaw
        Their law.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import ErrorLaw
    >>> from pararnn_ts.estimation.student import bounded_mean
    >>> bounded_mean(np.array([-1.0, 1.0, 3.0]), ErrorLaw(1.0, 4.0))
    1.0
    >>> round(bounded_mean(np.array([-1.0, 1.0, 3e6]), ErrorLaw(1.0, 4.0)), 1)
    2.1
    >>> round(bounded_mean(np.repeat([-0.01, 2.0], [80, 20]), ErrorLaw(1e-4, 2.1)), 3)
    0.392
    """
    # a law that is normal but for rounding has the quantiles of one
    bound = law.spread * float(special.stdtrit(min(law.dof, 1e6), 1.0 - 0.5 * BEYOND / len(resid)))
    ordinary = len(resid) - int(np.ceil(SLIPS * len(resid))) - 1
    if ordinary >= 0:
        bound = max(bound, float(np.partition(np.abs(resid), ordinary)[ordinary]))
    return float(np.clip(resid, -bound, bound).mean())
