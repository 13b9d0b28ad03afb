"""Normal equations at an optimum, turned into statistics, and the curvature of a likelihood from its slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import linalg

from pararnn_ts.estimation.errors import ErrorLaw
from pararnn_ts.estimation.problem import Problem

__all__ = ["Curvature", "curvature", "derivative_by_data", "in_data_units", "observed_information", "statistics"]

# share of the largest eigenvalue of the scaled normal equations below which a direction counts as undetermined
_RANK_TOLERANCE = 1e-10
# steps of the differences, in standard errors that the other parameters leave when they are known
STEP = 1e-2


class Curvature(NamedTuple):
    """
    Normal equations at a parameter vector, turned into statistics.

    Attributes
    ----------
    precision : ndarray, (F, F)
        Posterior precision of the estimated parameters on the standardised scale. In the data's units the constant of a
        series of a large level would swallow the digits of everything else.
    to_data : ndarray, (P, F)
        Derivative of all parameters in the data's units by the estimated ones on the standardised scale.
    scale : float
        Variance of the shocks, in the data's units.
    effective : float
        Effective number of parameters.
    """

    precision: np.ndarray
    to_data: np.ndarray
    scale: float
    effective: float


def curvature(
    problem: Problem, params: np.ndarray, products: np.ndarray, alpha: np.ndarray, law: ErrorLaw | None
) -> Curvature:
    """
    Posterior precision, variance of the shocks and effective parameters.

    Parameters
    ----------
    problem : Problem
        The standardised problem, without observation weights.
    params : ndarray, (F,)
        Its parameters.
    products : ndarray, (F + 1, F + 1)
        Products of Jacobian and residual there; see :meth:`Problem.products`.
    alpha : ndarray, (n_groups,)
        Prior precision of each group; with `law` None, in units of the noise precision (a ridge).
    law : ErrorLaw or None
        Law of the shocks on the standardised scale; None: normal with the residual variance.

    Returns
    -------
    Curvature
        Statistics; rows of the derivative that belong to parameters held at a value are zero.
    """
    information = None if law is None else np.array([law.information])
    found = statistics(
        products[None], problem.group, alpha[None], information, np.array([problem.n_obs]), problem.derivative()[None],
        problem.scaling.scale[:1], params[None],
    )  # fmt: skip
    return found[0]


def statistics(
    products: np.ndarray,
    group: np.ndarray,
    alpha: np.ndarray,
    information: np.ndarray | None,
    n_obs: np.ndarray,
    to_data: np.ndarray,
    scale: np.ndarray,
    params: np.ndarray,
) -> list[Curvature]:
    """
    Statistics of several series of one model.

    Parameters
    ----------
    products : ndarray, (S, F + 1, F + 1)
        Products of Jacobian and residual of each series.
    group : ndarray of int, (F,)
        Prior group of each parameter; -1: not penalised.
    alpha : ndarray, (S, n_groups)
        Prior precisions; without `information` in units of the noise precision (a ridge).
    information : ndarray, (S,), or None
        Information of one observation about its mean; None: that of a normal law with the residual variance.
    n_obs : ndarray, (S,)
        Observations.
    to_data : ndarray, (S, P, F)
        Derivatives of the parameters in the data's units by the estimated ones on the standardised scale.
    scale : ndarray, (S,)
        Scale of the series.
    params : ndarray, (S, F)
        Parameters, for the message.

    Returns
    -------
    list of Curvature
    """
    finite = np.isfinite(products).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(
            "The derivatives of the predictions are beyond every number at the estimate, whose largest weight is "
            f"{np.abs(params[~finite][0]).max(initial=0.0):.1e}; fit with penalty='evidence' or fewer units or states."
        )
    square, sse = products[:, :-1, :-1], products[:, -1, -1]
    prior = np.where(group >= 0, alpha[:, np.maximum(group, 0)], 0.0)
    ridge = prior if information is None else prior / information[:, None]
    diagonal = np.arange(len(group))
    penalised = square.copy()
    penalised[:, diagonal, diagonal] += ridge
    effective = _effective(square, penalised, ridge)
    # residuals of a series that is fitted exactly are known up to rounding
    variance = np.maximum(sse / np.maximum(n_obs - effective, 1.0), float(np.finfo(float).eps) ** 2)
    noise = variance if information is None else np.maximum(1.0 / information, 1e-300)
    with np.errstate(over="ignore", invalid="ignore"):
        precision = penalised / noise[:, None, None]
        spread = variance * scale**2
    return [Curvature(*one) for one in zip(precision, to_data, spread.tolist(), effective.tolist(), strict=True)]


def derivative_by_data(to_data: np.ndarray) -> np.ndarray:
    """
    Derivative of the estimated parameters on the standardised scale by all parameters in the data's units.

    Parameters
    ----------
    to_data : ndarray, (P, F)
        The inverse derivative; rows of parameters that are held at a value are zero.

    Returns
    -------
    ndarray, (F, P)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.curvature import derivative_by_data
    >>> derivative_by_data(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    free = to_data.any(axis=1)
    derivative = np.zeros(to_data.shape[::-1])
    derivative[:, free] = np.linalg.inv(to_data[free])
    return derivative


def in_data_units(precision: np.ndarray, to_data: np.ndarray) -> np.ndarray:
    """
    Precision of all parameters in the data's units, where its own digits are enough.

    Its inverse has few of them: for a covariance invert the precision and map what comes out.

    Parameters
    ----------
    precision : ndarray, (F, F)
        Precision of the estimated parameters on the standardised scale.
    to_data : ndarray, (P, F)
        Derivative of the parameters in the data's units by them.

    Returns
    -------
    ndarray, (P, P)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.curvature import in_data_units
    >>> in_data_units(np.array([[1.0]]), np.array([[2.0]]))
    array([[0.25]])
    """
    back = derivative_by_data(to_data)
    with np.errstate(over="ignore", invalid="ignore"):
        return back.T @ precision @ back


def _effective(square: np.ndarray, penalised: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Trace of the hat matrix; without a ridge the rank of the normal equations."""
    count, n = ridge.shape
    if not n:
        return np.zeros(count)
    # in correlation form directions can be compared whatever their units
    size = np.sqrt(penalised.diagonal(axis1=1, axis2=2))
    size = np.where(size > 0.0, size, 1.0)
    scaled = penalised / (size[:, :, None] * size[:, None, :])
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        inverse = np.full_like(scaled, np.inf)
    # no eigenvalue is below one over the length of the inverse, and none above n
    with np.errstate(over="ignore", invalid="ignore"):
        determined = 10.0 * n * _RANK_TOLERANCE * np.sqrt(np.sum(inverse**2, axis=(1, 2))) < 1.0
        trace = np.sum(inverse * (square / (size[:, :, None] * size[:, None, :])), axis=(1, 2))
    found = np.where(ridge.any(axis=1), trace, float(n))
    for s in np.flatnonzero(~determined):
        found[s] = _effective_of(square[s], scaled[s], size[s], ridge[s])
    return found


def _effective_of(square: np.ndarray, scaled: np.ndarray, size: np.ndarray, ridge: np.ndarray) -> float:
    """Trace of the hat matrix of one series, some directions of which are hardly determined."""
    # LAPACK's default, divide and conquer, fails on some harmless matrices
    values, vectors = linalg.eigh(scaled, driver="ev")
    kept = values > _RANK_TOLERANCE * max(values.max(initial=0.0), 1e-300)
    if not ridge.any():
        return float(np.count_nonzero(kept))
    loads = (vectors[:, kept] / size[:, None]) / np.sqrt(values[kept])
    return float(np.sum(loads * (square @ loads)))


def observed_information(score: Callable[[np.ndarray], np.ndarray], precision: np.ndarray) -> np.ndarray:
    """
    Negative derivative of a score at zero by central differences, extrapolated to fourth order (Richardson).

    Parameters
    ----------
    score : callable
        The exact score, when parameters on the standardised scale move by its argument.
    precision : ndarray, (F,)
        Precision of each parameter, the others held fixed: it sets the steps.

    Returns
    -------
    ndarray, (F, F)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.curvature import observed_information
    >>> observed_information(lambda z: np.array([-2.0 * (1.0 + z[0]) ** 3]), np.array([6.0])).round(6)
    array([[6.]])
    """
    with np.errstate(divide="ignore"):
        steps = STEP * np.where(precision > 0.0, 1.0 / np.sqrt(np.maximum(precision, 0.0)), 1.0)
    information = np.empty((len(steps), len(steps)))
    for row, step in enumerate(np.diag(steps)):
        slopes = [(score(part * step) - score(-part * step)) / (2.0 * part * steps[row]) for part in (1.0, 2.0)]
        information[row] = -(4.0 * slopes[0] - slopes[1]) / 3.0
    return 0.5 * (information + information.T)
