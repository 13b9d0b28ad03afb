"""Density of the later part of a series under a linear regression that has learned from the earlier part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg, special

__all__ = ["log_predictive_density"]

# of the square of a column, what keeps the products of columns that determine each other from being singular
SMALLEST = 1e-10
# of the variance of the values, what an exact regression leaves
EXACT = 1e-12


def log_predictive_density(
    design: np.ndarray, values: np.ndarray, later: np.ndarray, choices: Sequence[Sequence[int]]
) -> np.ndarray:
    """
    Log density of the later values given the earlier ones, under regressions on some of the columns.

    Errors are normal with an unknown variance. The prior is the conjugate one that tells as much as a single
    observation would; it cancels but for what the earlier values have not settled, so that many parameters cost only
    what they make uncertain.

    Parameters
    ----------
    design : ndarray, (n, k)
        Regressors, NaN where they are not known.
    values : ndarray, (n,)
        What they explain, NaN where missing.
    later : ndarray of bool, (n,)
        Which values are predicted. Each regression has learned from those before the first of these whose regressors
        it knows.
    choices : sequence of sequence of int
        Columns of each regression.

    Returns
    -------
    ndarray
        Log density under each of them.

    References
    ----------
    R. E. Kass and L. Wasserman, "A reference Bayesian test for nested hypotheses and its relationship to the Schwarz
    criterion", Journal of the American Statistical Association 90, 1995, on the prior; J. O. Berger and L. R.
    Pericchi, "The intrinsic Bayes factor for model selection and prediction", the same 91, 1996, on learning from a
    part of the sample.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.regression import log_predictive_density
    >>> rng = np.random.default_rng(0)
    >>> design = np.column_stack([np.ones(100), rng.standard_normal((100, 2))])
    >>> values = 2.0 * design[:, 1] + rng.standard_normal(100)
    >>> int(log_predictive_density(design, values, np.arange(100) >= 20, [[0], [0, 1], [0, 1, 2]]).argmax())
    1
    """
    table = np.column_stack([design, values])
    before, predicted = table[: int(np.argmax(later))], table[later]
    every = predicted.T @ predicted
    found = []
    for columns in choices:
        chosen, k = [*columns, -1], len(columns)
        earlier = before[:, chosen]
        earlier = earlier[np.isfinite(earlier).all(axis=1)]
        learned = earlier.T @ earlier
        whole, n = learned + every[np.ix_(chosen, chosen)], len(earlier) + len(predicted)
        ridge = np.diag(SMALLEST * np.diag(whole)[:k] + np.finfo(float).tiny)
        information = whole[:k, :k] / n + ridge
        rest = _rest(whole[:k, :k] + ridge, whole)[0] / max(n - k, 1)
        variance = max(rest, EXACT * whole[k, k] / n, np.finfo(float).tiny)
        of_all = _log_density(whole, n, information, variance)
        found.append(of_all - _log_density(learned, len(earlier), information, variance))
    return np.array(found)


def _rest(precision: np.ndarray, products: np.ndarray) -> tuple[float, float]:
    """Sum of squares that a regression leaves, and half the log determinant of its precision."""
    factor = linalg.cholesky(precision, lower=True, check_finite=False)
    explained = linalg.solve_triangular(factor, products[:-1, -1], lower=True, check_finite=False)
    return max(float(products[-1, -1] - explained @ explained), 0.0), float(np.log(np.diag(factor)).sum())


def _log_density(products: np.ndarray, n: int, information: np.ndarray, variance: float) -> float:
    """Log marginal density of n values, without what the number of columns adds to every n."""
    rest, volume = _rest(information + products[:-1, :-1], products)
    shape = 0.5 * (n + 1)
    density = float(special.gammaln(shape)) - shape * float(np.log(0.5 * (variance + rest))) - volume
    return density - 0.5 * n * float(np.log(2.0 * np.pi))
