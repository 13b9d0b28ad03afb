"""
Covariance estimators of the parameters, chosen by name.

Each estimator is a function of the posterior precision (``J'J / scale`` plus the prior, J the Jacobian of the
predictions), of the scores, whose row t is J_t e_t / scale, and of how these move with the parameters. Without a
penalty the precision is J'J / scale and the estimators are those of nonlinear least squares. With Student-t errors the
expected information of one observation stands for 1 / scale, and the weighted residual for the residual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from scipy import linalg
from statsmodels.stats.sandwich_covariance import S_hac_simple

from pararnn_ts.estimation.curvature import observed_information
from pararnn_ts.estimation.errors import ErrorLaw

__all__ = [
    "ESTIMATORS",
    "Covariance",
    "Estimator",
    "Ingredients",
    "check_covariance",
    "estimable",
    "estimate_covariance",
    "invert",
    "smallest_eigenvalue",
]

# a direction with less than this share of the largest precision, on a scale of unit diagonal, is not identified
TOLERANCE = 1e-12
# a parameter is not identified when a direction without information has more than this share of it
LOADING = 1e-6
# refits of the bootstrap
N_BOOT = 200


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
    law : ErrorLaw
        Law of the shocks.
    held : tuple of int
        Parameters that are held at given values: nothing depends on them.
    params : ndarray, (P,), optional
        The parameters.
    score : callable, optional
        Score of the data at other parameters, (P,) to (P,), the law of the shocks held fixed.
    refits : callable, optional
        Takes a number and a source of randomness; returns the parameters estimated on so many simulated samples.
    """

    precision: np.ndarray
    jacobian: Callable[[], np.ndarray]
    resid: Callable[[], np.ndarray]
    law: ErrorLaw
    held: tuple[int, ...] = ()
    params: np.ndarray | None = None
    score: Callable[[np.ndarray], np.ndarray] | None = None
    refits: Callable[[int, Any], np.ndarray] | None = None

    def scores(self) -> np.ndarray:
        """Scores of all rows in order of time, zero in those not used."""
        resid = self.resid()
        used = np.isfinite(resid)
        scores = np.zeros((len(resid), len(self.precision)))
        scores[used] = self._derivative() * self.law.scores(resid[used])[:, None]
        return scores

    def _derivative(self) -> np.ndarray:
        """Jacobian of the free parameters, zero for those that are held."""
        jacobian = np.array(self.jacobian())
        jacobian[:, list(self.held)] = 0.0
        return jacobian

    def information(self) -> np.ndarray:
        """Expected information of the data, the prior left out."""
        # scaled before it is multiplied: the square alone may overflow; where the product does as well, its parameter
        # is left without standard error, as in the precision
        with np.errstate(over="ignore", invalid="ignore"):
            jacobian = self._derivative() * np.sqrt(self.law.information)
            return jacobian.T @ jacobian

    def observed(self) -> np.ndarray:
        """Posterior precision with the observed information of the data in place of the expected one."""
        if self.score is None or self.params is None:
            raise ValueError("cov_type needs the score of the model, which is not known here; choose 'nonrobust'.")
        # an additive prior: what the precision has beyond the expected information
        data = observed_information(self.score, self.params, np.diag(self.precision))
        data[list(self.held)] = data[:, list(self.held)] = 0.0
        return self.precision - self.information() + data


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
    unidentified : tuple of int
        Parameters that the data do not identify or that were held, see :func:`estimable`: they have no standard error.
    """

    matrix: np.ndarray
    rank: int
    description: str
    unidentified: tuple[int, ...] = ()


def _of_unit_diagonal(precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale a matrix to a diagonal of ones (zeros stay), so that directions can be compared whatever their units."""
    diagonal = np.sqrt(np.abs(np.diag(precision)))
    size = np.where(diagonal > 0.0, diagonal, 1.0)
    # one after the other, because the product of two sizes may be too small for a number
    with np.errstate(over="ignore", invalid="ignore"):
        return precision / size[:, None] / size, size


def smallest_eigenvalue(precision: np.ndarray) -> float:
    """
    Smallest eigenvalue of a precision matrix scaled to a diagonal of ones; NaN where it cannot be scaled.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.covariance import smallest_eigenvalue
    >>> round(smallest_eigenvalue(np.array([[4.0, 3.0], [3.0, 4.0]])), 12)
    0.25
    """
    scaled, _ = _of_unit_diagonal(precision)
    if not len(scaled) or not np.isfinite(scaled).all():
        return float("nan")
    return float(linalg.eigh(scaled, driver="ev", eigvals_only=True)[0])


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
    scaled, size = _of_unit_diagonal(precision)
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


def estimable(precision: np.ndarray, contrasts: np.ndarray | None = None) -> np.ndarray:
    """
    Tell which parameters are identified: no direction of the parameter space without information moves them.

    Parameters
    ----------
    precision : ndarray, (P, P)
        Posterior precision.
    contrasts : ndarray, (k, P), optional
        Linear functions of the parameters to ask about instead of the parameters themselves.

    Returns
    -------
    ndarray of bool, (P,) or (k,)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.covariance import estimable
    >>> precision = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    >>> estimable(precision), estimable(precision, np.array([[1.0, 1.0, 0.0]]))
    (array([False, False,  True]), array([ True]))
    """
    rows = np.eye(len(precision)) if contrasts is None else np.atleast_2d(contrasts)
    scaled, size = _of_unit_diagonal(precision)
    if not np.isfinite(scaled).all():
        lost = ~np.isfinite(scaled).all(axis=1) | (np.diag(precision) <= 0.0)
        return ~((rows != 0.0) & lost).any(axis=1)
    values, vectors = linalg.eigh(scaled, driver="ev")
    null = values <= TOLERANCE * len(values) * max(values.max(initial=0.0), 0.0)
    with np.errstate(over="ignore", under="ignore"):
        rows = rows / size
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0.0), 1e-300)
    return np.sum((rows @ vectors[:, null]) ** 2, axis=1) < LOADING * np.sum(rows**2, axis=1)


def _inverse_if_definite(precision: np.ndarray) -> tuple[np.ndarray, str]:
    """Inverse of an observed information, NaN with a reason where it has a direction of negative curvature."""
    scaled, _ = _of_unit_diagonal(precision)
    if np.isfinite(scaled).all() and len(scaled):
        values = linalg.eigvalsh(scaled)
        if values[0] < -np.sqrt(TOLERANCE) * values[-1]:
            reason = (
                "; it is not positive definite at these parameters, so there are no standard errors ('HC0' and "
                "'nonrobust' have the expected information)"
            )
            return np.full_like(precision, np.nan), reason
    return invert(precision)[0], ""


def _laplace(parts: Ingredients) -> tuple[np.ndarray, str]:
    return invert(parts.precision)[0], "Laplace approximation of the posterior (inverse of the penalised Hessian)."


def _nonrobust(parts: Ingredients) -> tuple[np.ndarray, str]:
    bread = invert(parts.precision)[0]
    what = "expected information (Gauss-Newton), assumes shocks of equal variance that are not correlated."
    return bread @ parts.information() @ bread, what


def _oim(parts: Ingredients) -> tuple[np.ndarray, str]:
    matrix, reason = _inverse_if_definite(parts.observed())
    return matrix, f"observed information, by differences of the exact score{reason}."


def _opg(parts: Ingredients) -> tuple[np.ndarray, str]:
    scores = parts.scores()
    return invert(scores.T @ scores + parts.precision - parts.information())[0], "outer product of the scores."


def _robust(parts: Ingredients) -> tuple[np.ndarray, str]:
    (bread, reason), scores = _inverse_if_definite(parts.observed()), parts.scores()
    what = "quasi-maximum likelihood: sandwich of the observed information around the outer product of the scores"
    return bread @ (scores.T @ scores) @ bread, f"{what}{reason}."


def _hc0(parts: Ingredients) -> tuple[np.ndarray, str]:
    bread, scores = invert(parts.precision)[0], parts.scores()
    return bread @ (scores.T @ scores) @ bread, "sandwich estimator, robust to shocks of unequal variance."


def _hac(parts: Ingredients, maxlags: int | None = None) -> tuple[np.ndarray, str]:
    lags = int(4 * (len(parts.resid()) / 100) ** (2 / 9) if maxlags is None else maxlags)
    bread, scores = invert(parts.precision)[0], parts.scores()
    what = "sandwich estimator, robust to shocks of unequal variance and to autocorrelation (Newey-West)"
    return bread @ S_hac_simple(scores, nlags=lags) @ bread, f"{what}, {lags} lags."


def _bootstrap(parts: Ingredients, n_boot: int = N_BOOT, rng: Any = 0) -> tuple[np.ndarray, str]:
    if parts.refits is None:
        raise ValueError("cov_type='bootstrap' needs a model that can be fitted again; choose another one.")
    estimates = parts.refits(int(n_boot), rng)
    kept = estimates[np.isfinite(estimates).all(axis=1)]
    what = f"parametric bootstrap, spread of the estimates on {len(kept)} series simulated from the fitted model"
    if len(kept) < len(estimates):
        what += f", {len(estimates) - len(kept)} more having exploded or failed to give estimates"
    matrix = np.cov(kept, rowvar=False) if len(kept) > 1 else np.full_like(parts.precision, np.nan)
    return np.reshape(matrix, parts.precision.shape), f"{what}."


def _none(parts: Ingredients) -> tuple[np.ndarray, str]:
    return np.full_like(parts.precision, np.nan), "not computed."


@dataclass(frozen=True)
class Estimator:
    """
    A covariance estimator and the options it has.

    Parameters
    ----------
    compute : callable
        Takes the ingredients and the options; returns the matrix and one sentence about it.
    options : mapping
        Names of the options and, for those that are integers, their least values.
    """

    compute: Callable[..., tuple[np.ndarray, str]]
    options: Mapping[str, int | None] = field(default_factory=dict)


# "approx" and "robust_approx" are statsmodels' names for numerical second derivatives, which all of ours are
ESTIMATORS: dict[str, Estimator] = {
    "laplace": Estimator(_laplace),
    "nonrobust": Estimator(_nonrobust),
    "oim": Estimator(_oim),
    "approx": Estimator(_oim),
    "opg": Estimator(_opg),
    "robust": Estimator(_robust),
    "robust_oim": Estimator(_robust),
    "robust_approx": Estimator(_robust),
    "HC0": Estimator(_hc0),
    "HAC": Estimator(_hac, {"maxlags": 0}),
    "bootstrap": Estimator(_bootstrap, {"n_boot": 2, "rng": None}),
    "none": Estimator(_none),
}


def check_covariance(name: str, options: Mapping[str, Any] | None = None) -> None:
    """
    Raise where a covariance estimator does not exist or does not have the options given.

    Parameters
    ----------
    name : str
        One of the names in `ESTIMATORS`.
    options : mapping, optional
        ``{"maxlags": int}`` for "HAC" (default: 4 (n / 100)^(2/9)) and ``{"n_boot": int, "rng": int}`` for "bootstrap"
        (200 and 0); the others have none.

    Examples
    --------
    >>> from pararnn_ts.results.covariance import check_covariance
    >>> check_covariance("HAC", {"lags": 2})
    Traceback (most recent call last):
    ...
    ValueError: cov_kwds has 'lags', but cov_type='HAC' knows none; its options are 'maxlags'.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"cov_type must be one of {', '.join(map(repr, ESTIMATORS))}, but is {name!r}.")
    known = ESTIMATORS[name].options
    unknown = sorted(set(options or {}) - set(known))
    if unknown:
        offer = f"its options are {', '.join(map(repr, known))}" if known else "it has no options"
        raise ValueError(f"cov_kwds has {', '.join(map(repr, unknown))}, but cov_type={name!r} knows none; {offer}.")
    for option, value in (options or {}).items():
        least = known[option]
        if least is None or (option == "maxlags" and value is None):
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"cov_kwds[{option!r}] must be an integer of at least {least}, but is {value!r}.")


def estimate_covariance(name: str, parts: Ingredients, options: Mapping[str, Any] | None = None) -> Covariance:
    """
    Covariance matrix of the parameters by the estimator called `name`.

    Parameters
    ----------
    name : str
        One of the names in `ESTIMATORS`.
    parts : Ingredients
        Precision, Jacobian, residuals and their law.
    options : mapping, optional
        Options of the estimator, see :func:`check_covariance`.

    Returns
    -------
    Covariance
        The matrix with a description. Without a penalty, directions of the parameter space on which the predictions
        do not depend have variance zero: the matrix is that of the identified part.

    References
    ----------
    .. [1] MacKay, D. J. C. "Bayesian interpolation." Neural Computation 4 (1992): 415-447.
    .. [2] White, H. "Maximum likelihood estimation of misspecified models." Econometrica 50 (1982): 1-25.
    .. [3] Newey, W. K., and K. D. West. "A simple, positive semi-definite, heteroskedasticity and autocorrelation
       consistent covariance matrix." Econometrica 55 (1987): 703-708.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import ErrorLaw
    >>> from pararnn_ts.results.covariance import Ingredients, estimate_covariance
    >>> jacobian, resid = np.ones((4, 1)), np.array([1.0, -1.0, 2.0, -2.0])
    >>> parts = Ingredients(jacobian.T @ jacobian / 2.5, lambda: jacobian, lambda: resid, ErrorLaw(np.sqrt(2.5)))
    >>> estimate_covariance("nonrobust", parts).matrix.round(3)
    array([[0.625]])
    """
    check_covariance(name, options)
    # values near the largest numbers: what overflows is NaN in the end
    with np.errstate(over="ignore", invalid="ignore"):
        matrix, description = ESTIMATORS[name].compute(parts, **(options or {}))
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    held = list(parts.held)
    matrix[held] = matrix[:, held] = 0.0
    unidentified = tuple(np.flatnonzero(~estimable(parts.precision)).tolist())
    return Covariance(0.5 * (matrix + matrix.T), invert(parts.precision)[1], description, unidentified)
