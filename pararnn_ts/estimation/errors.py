"""The law of the shocks: normal, or Student's t for series with outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from pararnn_ts.kernels.student import improved_spread, log_constant, log_likelihood, settled_spread

__all__ = [
    "FEWEST_DOF",
    "ErrorLaw",
    "concentrated_loglike",
    "gaussian_loglike",
    "likely_law",
    "log_volume",
    "student_gain",
    "student_law",
]

# fewest degrees of freedom: the variance of the shocks must exist
FEWEST_DOF = 2.1
# the estimate is sought among reciprocals of degrees of freedom: the smallest of them, and the precision
_FEWEST, _PRECISION = 1e-4, 1e-4
# relative change of the spread at which a search for the most likely law has ended, and most sweeps of it
_SETTLED, _MOST_SWEEPS = 1e-9, 50
# smallest spread, where nothing is known of the size of rounding errors: its square is still a number
TINY = 1e-150


@dataclass(frozen=True)
class ErrorLaw:
    """
    Distribution of the shocks, symmetric around zero.

    Parameters
    ----------
    spread : float
        Scale of the distribution: the standard deviation of normal shocks, smaller than it for Student's t.
    dof : float
        Degrees of freedom of Student's t; infinity for the normal distribution.

    Examples
    --------
    >>> from pararnn_ts.estimation.errors import ErrorLaw
    >>> ErrorLaw(2.0).variance, ErrorLaw(2.0, dof=4.0).variance
    (4.0, 8.0)
    """

    spread: float
    dof: float = np.inf

    @property
    def is_normal(self) -> bool:
        """Whether the shocks are normal."""
        return bool(np.isinf(self.dof))

    @property
    def variance(self) -> float:
        """Variance of the shocks."""
        return self.spread**2 * (1.0 if self.is_normal else self.dof / (self.dof - 2.0))

    @property
    def information(self) -> float:
        """Expected information of one observation about its mean; that of Student's t is (dof + 1) / (dof + 3) s^-2."""
        return (1.0 if self.is_normal else (self.dof + 1.0) / (self.dof + 3.0)) / self.spread**2

    def weights(self, resid: np.ndarray) -> np.ndarray:
        """
        Weights with which least squares has the likelihood's gradient, (dof + 1) / (dof + (r / s)^2).

        They are the expected precisions of the shocks in the scale mixture of normals that Student's t is (Lange,
        Little and Taylor 1989, "Robust statistical modeling using the t distribution", JASA 84).
        """
        if self.is_normal:
            return np.ones_like(resid)
        return (self.dof + 1.0) / (self.dof + (resid / self.spread) ** 2)

    def scores(self, resid: np.ndarray) -> np.ndarray:
        """Derivative of the log density with respect to its mean."""
        return self.weights(resid) * resid / self.spread**2

    def curvature(self, resid: np.ndarray) -> np.ndarray:
        """Second derivative of minus the log density at residuals; negative beyond sqrt(dof) s."""
        square = (resid / self.spread) ** 2
        if self.is_normal:
            return np.full_like(resid, self.spread**-2)
        return (self.dof + 1.0) * (self.dof - square) / (self.dof + square) ** 2 / self.spread**2

    def loglikeobs(self, resid: np.ndarray) -> np.ndarray:
        """Log density at residuals."""
        square = (resid / self.spread) ** 2
        if self.is_normal:
            return -0.5 * square - 0.5 * np.log(2.0 * np.pi) - np.log(self.spread)
        return log_constant(self.dof) - np.log(self.spread) - 0.5 * (self.dof + 1.0) * np.log1p(square / self.dof)

    def distribution(self) -> stats.rv_continuous:
        """Frozen scipy distribution."""
        return stats.norm(scale=self.spread) if self.is_normal else stats.t(self.dof, scale=self.spread)

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """Values below which the shocks lie with these probabilities."""
        standard = special.ndtri(levels) if self.is_normal else special.stdtrit(self.dof, levels)
        return self.spread * standard

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Independent shocks."""
        if self.is_normal:
            return self.spread * rng.standard_normal(shape)
        return self.spread * rng.standard_t(self.dof, shape)


def _least_spread(square: np.ndarray, least: float) -> float:
    """Spread below which a law would give no weight to anything but residuals that are rounding errors."""
    return max(1e-8 * float(np.sqrt(np.mean(square))), least) if len(square) else least


def student_law(
    resid: np.ndarray, effective: float, start: ErrorLaw | None = None, sweeps: int = 4, least: float = TINY
) -> ErrorLaw:
    """
    Improve a Student law of given residuals: its spread, then its degrees of freedom, by conditional maximisation.

    Parameters
    ----------
    resid : ndarray, (n,)
        Residuals.
    effective : float
        Effective number of parameters behind them, taken off the observations where the spread is estimated; normal
        shocks then have the variance of the Gaussian fit.
    start : ErrorLaw, optional
        Where to start; by default the law is estimated from nothing.
    sweeps : int
        Repetitions.
    least : float
        Smallest spread: the rounding errors of the residuals, where their size is known.

    Returns
    -------
    ErrorLaw
        Never normal, but close to it where the degrees of freedom are many.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import student_law
    >>> law = student_law(np.random.default_rng(0).standard_t(4, 5000), 0.0)
    >>> bool(3.5 < law.dof < 4.5), bool(0.95 < law.spread < 1.05)
    (True, True)
    """
    square, room = resid**2, max(len(resid) - effective, 1.0)
    least = _least_spread(square, least)
    if start is None:
        middle = float(np.median(np.abs(resid)))
        typical = middle / 0.7 if middle > least else max(float(np.sqrt(np.mean(square))), least)
        start = ErrorLaw(typical, 5.0)
    spread, dof = start.spread, start.dof
    for _ in range(sweeps):
        spread = improved_spread(square, room, spread, dof, 3, least)
        found = optimize.minimize_scalar(
            _minus_loglike, bounds=(_FEWEST, 1.0 / FEWEST_DOF), args=(square, spread), options={"xatol": _PRECISION}
        )
        dof = max(1.0 / float(found.x), FEWEST_DOF)
        if 1.0 / FEWEST_DOF - float(found.x) < 2.0 * _PRECISION:
            dof = FEWEST_DOF
    return ErrorLaw(spread, dof)


def _minus_loglike(reciprocal: float, square: np.ndarray, spread: float) -> float:
    return -log_likelihood(square, spread, 1.0 / reciprocal)


def gaussian_loglike(sse: float, n: int) -> float:
    """
    Log likelihood of n normal residuals with sum of squares `sse`, maximised over their variance.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import stats
    >>> from pararnn_ts.estimation.errors import gaussian_loglike
    >>> resid = np.array([1.0, -2.0, 0.5])
    >>> bool(np.isclose(gaussian_loglike(5.25, 3), stats.norm(0, np.sqrt(5.25 / 3)).logpdf(resid).sum()))
    True
    """
    return -0.5 * n * (float(np.log(2.0 * np.pi * max(sse / max(n, 1), 1e-300))) + 1.0)


def likely_law(resid: np.ndarray, dof: float | None = None, start: ErrorLaw | None = None) -> ErrorLaw:
    """
    Law under which residuals are most likely.

    Parameters
    ----------
    resid : ndarray, (n,)
        Residuals.
    dof : float, optional
        Degrees of freedom, infinity for normal shocks; None: the most likely ones of Student's t.
    start : ErrorLaw, optional
        Student law near which the degrees of freedom are; by default they are estimated from nothing.

    Returns
    -------
    ErrorLaw

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import likely_law
    >>> likely_law(np.array([2.0, -2.0]), np.inf)
    ErrorLaw(spread=2.0, dof=inf)
    """
    if dof is None:
        law = student_law(resid, 0.0, start, 1)
        for _ in range(_MOST_SWEEPS):
            before, law = law, student_law(resid, 0.0, law, 1)
            if abs(law.spread - before.spread) <= _SETTLED * law.spread:
                break
        dof = law.dof
    spread = float(np.sqrt(max(float(np.sum(resid**2)) / max(len(resid), 1), 1e-300)))
    if np.isinf(dof):
        return ErrorLaw(spread)
    square = resid**2
    spread = improved_spread(square, max(len(resid), 1.0), spread, dof, 8, _least_spread(square, TINY))
    # the sweeps come near the maximum, and Newton's steps arrive there
    return ErrorLaw(settled_spread(square, spread, dof, 3), dof)


def concentrated_loglike(resid: np.ndarray, dof: float | None = None, start: ErrorLaw | None = None) -> float:
    """
    Log likelihood of residuals, maximised over the spread of their law and, unless these are given, degrees of freedom.

    Parameters
    ----------
    resid, dof, start
        As in :func:`likely_law`.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import concentrated_loglike, gaussian_loglike
    >>> resid = np.array([1.0, -2.0, 0.5])
    >>> concentrated_loglike(resid, np.inf) == gaussian_loglike(5.25, 3)
    True
    """
    if dof is not None and np.isinf(dof):
        return gaussian_loglike(float(np.sum(resid**2)), len(resid))
    law = likely_law(resid, dof, start)
    return log_likelihood(resid**2, law.spread, law.dof)


def student_gain(resid: np.ndarray) -> float:
    """
    By how much Student's law, with few or some degrees of freedom, is more likely than the normal one at residuals.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.errors import student_gain
    >>> rng = np.random.default_rng(0)
    >>> bool(student_gain(rng.standard_normal(500)) < 1.0 < student_gain(rng.standard_t(4, 500)))
    True
    """
    normal = concentrated_loglike(resid, np.inf)
    return max(concentrated_loglike(resid, dof) for dof in (4.0, 10.0)) - normal


def log_volume(resid: np.ndarray, effective: float, law: ErrorLaw, least: float = TINY) -> float:
    """
    Log of the prior mean of the likelihood over the degrees of freedom, relative to its value at `law`.

    The reciprocal of the degrees of freedom has a uniform prior between zero, the normal law, and its largest value.
    The spread follows the degrees of freedom.

    Parameters
    ----------
    resid : ndarray, (n,)
        Residuals.
    effective : float
        Effective number of parameters.
    law : ErrorLaw
        The estimated law.
    least : float
        As in :func:`student_law`.

    Returns
    -------
    float
        What not knowing the degrees of freedom costs, in nats; usually between zero and minus three.
    """
    nodes, weights = np.polynomial.legendre.leggauss(12)
    # the nodes lie between -1 and 1, the reciprocals between zero and their largest value
    weights, values = 0.5 * weights, []
    spread, square, room = law.spread, resid**2, max(len(resid) - effective, 1.0)
    least = _least_spread(square, least)
    for dof in 2.0 * FEWEST_DOF / (nodes + 1.0):
        spread = improved_spread(square, room, spread, dof, 5, least)
        values.append(log_likelihood(square, spread, dof))
    return float(special.logsumexp(values, b=weights) - law.loglikeobs(resid).sum())
