"""
Covariance estimators of the parameters, chosen by name.

Each estimator is a function of the posterior precision (``J'J / scale`` plus the prior, J the Jacobian of the
predictions), of the scores, whose row t is J_t e_t / scale, and of how these move with the parameters. Without a
penalty the precision is J'J / scale and the estimators are those of nonlinear least squares. With Student-t errors the
expected information of one observation stands for 1 / scale, and the weighted residual for the residual.

All of them work on the standardised scale of the estimated parameters, and what they find is mapped to the data's units
at the end: there the constant of a series of a large level swallows the digits of everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType
from typing import Any

import numpy as np
from scipy import linalg
from statsmodels.stats.sandwich_covariance import S_hac_simple

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.curvature import derivative_by_data, observed_information
from pararnn_ts.estimation.errors import ErrorLaw
from pararnn_ts.models.arguments import MOST_DRAWS, check_choice, check_count, given

__all__ = [
    "ESTIMATORS",
    "TOLERANCE",
    "Covariance",
    "Estimator",
    "Ingredients",
    "check_covariance",
    "estimable",
    "estimate_covariance",
    "invert",
    "root_of",
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
    precision : ndarray, (F, F)
        Posterior precision of the estimated parameters on the standardised scale.
    jacobian : callable
        Returns the Jacobian of the used rows in the data's units, (nobs, P); only called by estimators that need it.
    resid : callable
        Returns the residuals of all rows, (n,), NaN in those not used.
    law : ErrorLaw
        Law of the shocks.
    to_data : ndarray, (P, F), optional
        Derivative of the parameters in the data's units by those of `precision`, zero for parameters that are held at
        given values; by default the parameters are the same.
    score : callable, optional
        Score of the data along the standardised parameters, (F,), when these move from the estimate by the argument,
        (F,), the law of the shocks held fixed.
    refits : callable, optional
        Takes a number and a source of randomness; returns the parameters, in the data's units, estimated on so many
        simulated samples.
    """

    precision: np.ndarray
    jacobian: Callable[[], np.ndarray]
    resid: Callable[[], np.ndarray]
    law: ErrorLaw
    to_data: np.ndarray = None  # type: ignore[assignment]
    score: Callable[[np.ndarray], np.ndarray] | None = None
    refits: Callable[[int, Any], np.ndarray] | None = None

    def __post_init__(self) -> None:
        if self.to_data is None:
            object.__setattr__(self, "to_data", np.eye(len(self.precision)))

    def scores(self) -> np.ndarray:
        """Scores of all rows in order of time, zero in those not used."""
        resid = self.resid()
        used = np.isfinite(resid)
        scores = np.zeros((len(resid), len(self.precision)))
        scores[used] = self._derivative() * self.law.scores(resid[used])[:, None]
        return scores

    def _derivative(self) -> np.ndarray:
        """Jacobian by the estimated parameters on the standardised scale."""
        return np.asarray(self.jacobian()) @ self.to_data

    @cached_property
    def posterior(self) -> tuple[np.ndarray, int]:
        """Inverse of the precision on the directions that carry information, and their number."""
        return invert(self.precision)

    def information(self) -> np.ndarray:
        """Expected information of the data, the prior left out."""
        # scaled before it is multiplied: the square alone may overflow; where the product does as well, its parameter
        # is left without standard error, as in the precision
        with np.errstate(over="ignore", invalid="ignore"):
            jacobian = self._derivative() * np.sqrt(self.law.information)
            return jacobian.T @ jacobian

    def observed(self) -> np.ndarray:
        """Posterior precision with the observed information of the data in place of the expected one."""
        if self.score is None:
            raise ValueError("cov_type needs the score of the model, which is not known here; choose 'nonrobust'.")
        # an additive prior: what the precision has beyond the expected information
        data = observed_information(self.score, np.diag(self.precision))
        return self.precision - self.information() + data


@dataclass(frozen=True)
class Covariance:
    """
    A covariance matrix of parameters.

    Parameters
    ----------
    matrix : ndarray, (P, P)
        The matrix, in the data's units. Its entries are accurate relative to their size; where some of them are very
        large, sums of them have few digits.
    root : ndarray, (P, F)
        Matrix R with R R' = `matrix`, whose products with contrasts and Jacobians keep their digits.
        Rows of NaN belong to parameters without standard errors.
    rank : int
        Directions of the parameter space that are identified.
    description : str
        One sentence for the summary.
    unidentified : tuple of int
        Parameters that the data do not identify or that were held, see :func:`estimable`: they have no standard error.
    """

    matrix: np.ndarray
    root: np.ndarray
    rank: int
    description: str
    unidentified: tuple[int, ...] = ()

    @property
    def unknown(self) -> np.ndarray:
        """Which parameters have no covariance at all: angles of a QUNN, all after early stopping."""
        return ~np.isfinite(self.root).all(axis=1)

    def spread(self, contrasts: np.ndarray) -> np.ndarray:
        """
        Product of contrasts with the root; NaN for those of parameters whose covariance is not known.

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.results.covariance import Covariance
        >>> root = np.array([[2.0], [np.nan]])
        >>> Covariance(root @ root.T, root, 1, "that of one parameter.").spread(np.eye(2))
        array([[ 2.],
               [nan]])
        """
        unknown = self.unknown
        product = contrasts[:, ~unknown] @ self.root[~unknown]
        product[(contrasts[:, unknown] != 0.0).any(axis=1)] = np.nan
        return product


def _of_unit_diagonal(precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale a matrix to a diagonal of ones (zeros stay), so that directions can be compared whatever their units."""
    diagonal = np.sqrt(np.abs(np.diag(precision)))
    size = np.where(diagonal > 0.0, diagonal, 1.0)
    # one after the other, because the product of two sizes may be too small for a number
    with np.errstate(over="ignore", invalid="ignore"):
        return precision / size[:, None] / size, size


@one_blas_thread()
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


@one_blas_thread()
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


@one_blas_thread()
def root_of(covariance: np.ndarray) -> np.ndarray:
    """
    Matrix R with R R' a covariance, of the correlations the symmetric root; NaN where any of it is.

    Eigenvectors have no sign of their own, and hardly a direction where eigenvalues are close: draws along them would
    be others on another processor.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.covariance import root_of
    >>> root = root_of(np.array([[4.0, 1.0], [1.0, 1.0]]))
    >>> (root @ root.T).round(12).tolist()
    [[4.0, 1.0], [1.0, 1.0]]
    """
    if not np.isfinite(covariance).all():
        return np.full_like(covariance, np.nan)
    # of the correlations: parameters have units, and rounding errors of large variances would swamp small ones
    size = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    size[size == 0.0] = 1.0
    values, vectors = linalg.eigh(covariance / size / size[:, None], driver="ev")
    values[values <= TOLERANCE * len(values) * values.max(initial=0.0)] = 0.0
    return size[:, None] * (vectors * np.sqrt(values)) @ vectors.T


@one_blas_thread()
def estimable(precision: np.ndarray, contrasts: np.ndarray | None = None) -> np.ndarray:
    """
    Tell which parameters are identified: no direction of the parameter space without information moves them.

    Parameters
    ----------
    precision : ndarray, (P, P)
        Posterior precision.
    contrasts : ndarray, (k, P), optional
        Linear functions of the parameters to ask about instead of the parameters themselves; one that is zero is not
        identified.

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
    # a large share of a parameter that is identified must not hide the share of one that is not
    lost = np.sum(vectors[:, null] ** 2, axis=1) >= LOADING
    known = rows.any(axis=1) & ~rows[:, lost].any(axis=1)
    rows, vectors = rows[:, lost], vectors[np.ix_(lost, null)]
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0.0), 1e-300)
    return known | (np.sum((rows @ vectors) ** 2, axis=1) < LOADING * np.sum(rows**2, axis=1))


@one_blas_thread()
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
    return parts.posterior[0], "Laplace approximation of the posterior (inverse of the penalised Hessian)."


def _nonrobust(parts: Ingredients) -> tuple[np.ndarray, str]:
    bread = parts.posterior[0]
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
    bread, scores = parts.posterior[0], parts.scores()
    return bread @ (scores.T @ scores) @ bread, "sandwich estimator, robust to shocks of unequal variance."


def _hac(parts: Ingredients, maxlags: int | None = None) -> tuple[np.ndarray, str]:
    lags = int(4 * (len(parts.resid()) / 100) ** (2 / 9) if maxlags is None else maxlags)
    bread, scores = parts.posterior[0], parts.scores()
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
    # the estimates themselves have all their digits
    moved = (kept - kept.mean(axis=0)) @ derivative_by_data(parts.to_data).T if len(kept) > 1 else kept
    matrix = np.cov(moved, rowvar=False) if len(kept) > 1 else np.full_like(parts.precision, np.nan)
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
    known = ESTIMATORS[check_choice(name, "cov_type", ESTIMATORS)].options
    if not isinstance(options, (Mapping, NoneType)):
        raise TypeError(f"cov_kwds must be a dict of options or None, but is {given(options)}.")
    unknown = sorted(map(str, set(options or {}) - set(known)))
    if unknown:
        offer = f"its options are {', '.join(map(repr, known))}" if known else "it has no options"
        raise ValueError(f"cov_kwds has {', '.join(map(repr, unknown))}, but cov_type={name!r} knows none; {offer}.")
    for option, value in (options or {}).items():
        least = known[option]
        if least is None or (option == "maxlags" and value is None):
            continue
        check_count(value, f"cov_kwds[{option!r}]", least, MOST_DRAWS)


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
        The matrix in the data's units with a description. Without a penalty, directions of the parameter space on which
        the predictions do not depend have variance zero: the matrix is that of the identified part.

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
        matrix = 0.5 * (matrix + matrix.T)
        root = parts.to_data @ root_of(matrix)
        matrix = parts.to_data @ matrix @ parts.to_data.T
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    unidentified = tuple(np.flatnonzero(~estimable(parts.precision, parts.to_data)).tolist())
    return Covariance(0.5 * (matrix + matrix.T), root, parts.posterior[1], description, unidentified)
