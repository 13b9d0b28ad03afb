"""
Covariance estimators of the parameters, chosen by name.

Each estimator is a function of the posterior precision (``J'J / scale`` plus the prior, J the Jacobian of the
predictions) and of the scores, whose row t is J_t e_t / scale. Without a penalty the precision is J'J / scale and the
estimators are those of nonlinear least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import linalg
from statsmodels.stats.sandwich_covariance import S_hac_simple

__all__ = ["ESTIMATORS", "Covariance", "Ingredients", "check_covariance", "estimate_covariance", "invert"]

# a direction with less than this share of the largest precision, on a scale of unit diagonal, is not identified
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Ingredients:
    """
    What covariance estimators are made of.

    Parameters
    ----------
    precision : ndarray, (P, P)
        Posterior precision.
    jacobian : callable
        Returns the Jacobian of the used rows, (nobs, P); only called by the estimators that need it.
    resid : callable
        Returns the residuals of all rows, (n,), NaN in those not used.
    scale : float
        Variance of the shocks.
    """

    precision: np.ndarray
    jacobian: Callable[[], np.ndarray]
    resid: Callable[[], np.ndarray]
    scale: float

    def scores(self) -> np.ndarray:
        """Scores of all rows in order of time, zero in those not used."""
        resid = self.resid()
        used = np.isfinite(resid)
        scores = np.zeros((len(resid), len(self.precision)))
        scores[used] = self.jacobian() * (resid[used] / self.scale)[:, None]
        return scores

    def information(self) -> np.ndarray:
        """Fisher information of the data, the prior left out."""
        jacobian = self.jacobian()
        return jacobian.T @ jacobian / self.scale


@dataclass(frozen=True)
class Covariance:
    """
    A covariance matrix of parameters.

    Parameters
    ----------
    matrix : ndarray, (P, P)
        The matrix.
    rank : int
        Directions of the parameter space that are identified.
    description : str
        One sentence for the summary.
    """

    matrix: np.ndarray
    rank: int
    description: str


def invert(precision: np.ndarray) -> tuple[np.ndarray, int]:
    """
    Inverse of a positive semidefinite matrix on the directions that carry information, and their number.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.covariance import invert
    >>> inverse, rank = invert(np.array([[4.0, 0.0], [0.0, 0.0]]))
    >>> inverse.tolist(), rank
    ([[0.25, 0.0], [0.0, 0.0]], 1)
    """
    diagonal = np.sqrt(np.maximum(np.diag(precision), 0.0))
    size = np.where(diagonal > 0.0, diagonal, 1.0)
    # one after the other, because the product of two sizes may be too small for a number
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = precision / size[:, None] / size
    if len(precision) == 0 or not np.isfinite(scaled).all():
        return np.full_like(precision, np.nan), 0
    # LAPACK's default, divide and conquer, fails on some harmless matrices
    values, vectors = linalg.eigh(scaled, driver="ev")
    keep = values > TOLERANCE * len(values) * max(values[-1], 0.0)
    half = vectors[:, keep] / (np.sqrt(values[keep]) * size[:, None])
    # a variance beyond the range of numbers is unknown
    with np.errstate(over="ignore", invalid="ignore"):
        inverse = half @ half.T
    return np.where(np.isfinite(inverse), inverse, np.nan), int(keep.sum())


def _laplace(parts: Ingredients) -> np.ndarray:
    return invert(parts.precision)[0]


def _nonrobust(parts: Ingredients) -> np.ndarray:
    bread = invert(parts.precision)[0]
    return bread @ parts.information() @ bread


def _opg(parts: Ingredients) -> np.ndarray:
    scores = parts.scores()
    return invert(scores.T @ scores + parts.precision - parts.information())[0]


def _robust(parts: Ingredients) -> np.ndarray:
    bread, scores = invert(parts.precision)[0], parts.scores()
    return bread @ (scores.T @ scores) @ bread


def _hac(parts: Ingredients, maxlags: int) -> np.ndarray:
    bread, scores = invert(parts.precision)[0], parts.scores()
    return bread @ S_hac_simple(scores, nlags=maxlags) @ bread


ESTIMATORS: dict[str, tuple[Callable[..., np.ndarray], str]] = {
    "laplace": (_laplace, "Laplace approximation of the posterior (inverse of the penalised Hessian)."),
    "nonrobust": (_nonrobust, "assumes shocks of equal variance that are not correlated."),
    "opg": (_opg, "outer product of the scores."),
    "robust": (_robust, "sandwich estimator, robust to shocks of unequal variance."),
    "HC0": (_robust, "sandwich estimator, robust to shocks of unequal variance."),
    "HAC": (_hac, "sandwich estimator, robust to shocks of unequal variance and to autocorrelation (Newey-West)."),
}


def check_covariance(name: str, options: Mapping[str, Any] | None = None) -> None:
    """
    Raise where a covariance estimator does not exist or does not have the options given.

    Parameters
    ----------
    name : str
        One of "laplace", "nonrobust", "opg", "robust", "HC0" and "HAC".
    options : mapping, optional
        ``{"maxlags": int}`` for "HAC" (default: 4 (n / 100)^(2/9)); the others have none.

    Examples
    --------
    >>> from pararnn_ts.results.covariance import check_covariance
    >>> check_covariance("HC9")
    Traceback (most recent call last):
    ...
    ValueError: cov_type must be one of 'laplace', 'nonrobust', 'opg', 'robust', 'HC0', 'HAC', but is 'HC9'.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"cov_type must be one of {', '.join(map(repr, ESTIMATORS))}, but is {name!r}.")
    known = {"maxlags"} if name == "HAC" else set()
    unknown = sorted(set(options or {}) - known)
    if unknown:
        offer = "its only option is 'maxlags'" if known else "it has no options"
        raise ValueError(f"cov_kwds has {', '.join(map(repr, unknown))}, but cov_type={name!r} knows none; {offer}.")
    maxlags = (options or {}).get("maxlags")
    if maxlags is not None and (int(maxlags) != maxlags or maxlags < 0):
        raise ValueError(f"cov_kwds['maxlags'] must be an integer of at least zero, but is {maxlags!r}.")


def estimate_covariance(name: str, parts: Ingredients, options: Mapping[str, Any] | None = None) -> Covariance:
    """
    Covariance matrix of the parameters by the estimator called `name`.

    Parameters
    ----------
    name : str
        See :func:`check_covariance`.
    parts : Ingredients
        Precision, Jacobian, residuals and scale.
    options : mapping, optional
        Options of the estimator.

    Returns
    -------
    Covariance
        The matrix with a description. Without a penalty, directions of the parameter space on which the predictions
        do not depend have variance zero: the standard errors are those of the identified part.

    References
    ----------
    .. [1] MacKay, D. J. C. "Bayesian interpolation." Neural Computation 4 (1992): 415-447.
    .. [2] White, H. "Maximum likelihood estimation of misspecified models." Econometrica 50 (1982): 1-25.
    .. [3] Newey, W. K., and K. D. West. "A simple, positive semi-definite, heteroskedasticity and autocorrelation
       consistent covariance matrix." Econometrica 55 (1987): 703-708.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.covariance import Ingredients, estimate_covariance
    >>> jacobian, resid = np.ones((4, 1)), np.array([1.0, -1.0, 2.0, -2.0])
    >>> parts = Ingredients(jacobian.T @ jacobian / 2.5, lambda: jacobian, lambda: resid, 2.5)
    >>> estimate_covariance("nonrobust", parts).matrix
    array([[0.625]])
    """
    check_covariance(name, options)
    estimator, description = ESTIMATORS[name]
    compute: Callable[[Ingredients], np.ndarray] = estimator
    if name == "HAC":
        maxlags = (options or {}).get("maxlags")
        if maxlags is None:
            maxlags = 4 * (len(parts.resid()) / 100) ** (2 / 9)
        compute = partial(estimator, maxlags=int(maxlags))
        description = f"{description[:-1]}, {int(maxlags)} lags."
    # values near the largest numbers: what overflows is NaN in the end
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = compute(parts)
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    return Covariance(0.5 * (matrix + matrix.T), invert(parts.precision)[1], description)
