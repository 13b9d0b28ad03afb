"""What is uncertain about a prediction: the shocks that are to come, and the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.models.arguments import check_paths
from pararnn_ts.results.trajectory import (
    continue_path,
    covariates,
    first_remembered,
    refit_states,
    response,
    standpoint,
)

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "Simulation",
    "covariance_root",
    "draw_shocks",
    "gap_deviation",
    "parameter_deviation",
    "shock_deviation",
    "simulate_bundles",
    "spread",
]

# step of the derivative of simulated paths along a draw of the parameters: small, because they bend where the data
# hardly determine a parameter, and no smaller than ten digits of a path allow
STEP = 1e-4


def covariance_root(results: RecurrentResults) -> np.ndarray:
    """Matrix R, (P, F), with R R' the covariance of the parameters; F of them were estimated."""
    unknown = results.covariance.unknown
    if unknown.any():
        first = results.model.param_names[int(unknown.argmax())]
        raise ValueError(
            f"param_uncertainty=True needs the covariance of all parameters, but that of {int(unknown.sum())} is not "
            f"known, the first {first}; pass param_uncertainty=False."
        )
    return results.covariance.root


def draw_shocks(results: RecurrentResults, method: str, uniform: np.ndarray) -> np.ndarray:
    """Shocks of a method at these levels of their distribution: normal ones, those of the model, or residuals."""
    if method == "gaussian":
        return np.sqrt(results.scale) * special.ndtri(np.maximum(uniform, 2.0**-54))
    if method == "simulated":
        return results.details.law.quantiles(np.maximum(uniform, 2.0**-54))
    pool = results.sorted_shocks
    return pool[np.minimum((uniform * len(pool)).astype(int), len(pool) - 1)]


class Bundle(NamedTuple):
    """
    Paths with the parameters and states that each was made with.

    Attributes
    ----------
    paths : ndarray, (S, steps)
        Paths.
    params, states : ndarray, (S, P) and (S, sum of unit dimensions), or (1, ...)
        One row for each path or one for all.
    """

    paths: np.ndarray
    params: np.ndarray
    states: np.ndarray


class Simulation(NamedTuple):
    """
    Paths at the estimated parameters and, where parameters are uncertain, a little along the draw of each and back.

    Attributes
    ----------
    bundles : list of Bundle
        One, or three.
    draws : ndarray, (S, F) or None
        Draws of the parameters along the columns of the root of their covariance.
    """

    bundles: list[Bundle]
    draws: np.ndarray | None

    def combine(self, values: list[np.ndarray]) -> np.ndarray:
        """Values at the draws to first order, from values of each bundle."""
        if len(values) == 1:
            return values[0]
        with np.errstate(all="ignore"):
            return values[0] + (values[1] - values[2]) / (2 * STEP)

    @property
    def paths(self) -> np.ndarray:
        """Paths at the draws, (S, steps)."""
        return self.combine([bundle.paths for bundle in self.bundles])


def simulate_bundles(
    results: RecurrentResults,
    origin: int,
    stop: int,
    future: np.ndarray | None,
    method: str,
    n_sims: int,
    rng: np.random.Generator,
    param_uncertainty: bool,
) -> Simulation:
    """
    Simulate paths from row `origin` to row `stop`.

    The first shocks are stratified: each path has one of `n_sims` equally probable parts of their distribution to
    itself, so that intervals of the first step hardly depend on `rng`.

    With uncertain parameters each path has its own draw of them and moves by its derivative along the draw. The model
    at the draw itself would not do: where data say little about a direction, draws go far along it, and predictions
    that do not change to first order change to second. Units with the identity, which a change of basis leaves as they
    are, have such directions always.
    """
    steps = stop - origin
    check_paths(n_sims, steps, "n_sims")
    start = standpoint(results, origin)
    with one_blas_thread():
        root = STEP * covariance_root(results) if param_uncertainty else np.empty((0, 0))
        draws = rng.standard_normal((n_sims, root.shape[1])) if param_uncertainty else None
        uniform = rng.random((n_sims, steps))
        uniform[:, 0] = (rng.permutation(n_sims) + uniform[:, 0]) / n_sims
        shocks = draw_shocks(results, method, uniform)
        base = Bundle(continue_path(results, start, steps, future, shocks), results.params[None], start.state[None])
        if draws is None or not len(results.params):
            return Simulation([base], None)
        ahead, back = (refit_states(results, origin, results.params + sign * root.T) for sign in (1, -1))
        moved, states = draws @ root.T, 0.5 * draws @ (ahead - back)
        bundles = [base]
        for sign in (1, -1):
            params, own = results.params + sign * moved, start.state + sign * states
            bundles.append(Bundle(continue_path(results, start, steps, future, shocks, params, own), params, own))
    return Simulation(bundles, draws)


def shock_deviation(results: RecurrentResults, origin: int, stop: int, future: np.ndarray | None) -> np.ndarray:
    """Standard deviation of rows from `origin` to `stop` that comes from shocks, for a model that is linear in them."""
    size = float(np.sqrt(results.scale))
    with np.errstate(all="ignore"):
        return np.hypot.accumulate(response(results, origin, stop - origin, size, future))


def gap_deviation(results: RecurrentResults, origins: np.ndarray, start: int) -> np.ndarray:
    """
    Standard deviation of rows inside the sample that comes from shocks.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    origins : ndarray of int
        For the rows from `start` on, the row after the last observation before each of them.
    start : int
        First row.

    Returns
    -------
    ndarray
        That of one shock in rows right after an observation; inside a gap, and in the first row after it, the root of
        the sum of the squared responses to shocks of one standard deviation, which is exact for a linear model.
    """
    steps = np.arange(start, start + len(origins)) - origins
    deviation = np.full(len(origins), float(np.sqrt(results.scale)))
    for origin in np.unique(origins[steps > 0]).tolist():
        rows = np.flatnonzero((origins == origin) & (steps > 0))
        stop = origin + int(steps[rows].max()) + 1
        deviation[rows] = shock_deviation(results, origin, stop, None)[steps[rows]]
    return deviation


def parameter_deviation(
    results: RecurrentResults, start: int, origin: int, stop: int, future: np.ndarray | None
) -> np.ndarray:
    """
    Standard deviation of predictions that comes from the parameters, by the delta method.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    start, stop : int
        Rows that are predicted: from `start` to before `stop`.
    origin : int
        Row from which on observations are not used.
    future : ndarray or None
        Exogenous values after the sample.

    Returns
    -------
    ndarray, (stop - start,)
        Length of the vector of derivatives along the axes of the covariance; NaN in rows that are held back. The
        derivatives are exact: what fills missing values, and forecasts that later ones are made from, depend on the
        parameters, too.
    """
    model, held_back = results.model, results.model.specification.hold_back
    with one_blas_thread():
        root = covariance_root(results)
        known = min(origin, stop)
        first = first_remembered(results, min(start, known))
        begin, deviation = max(start, first + held_back), np.full(stop - start, np.nan)
        if begin >= stop:
            return deviation
        det, x = covariates(results, first, stop, future)
        y = np.full(stop - first, np.nan)
        y[: known - first] = model._y[first:known]
        # what a path begins with is given
        y[:held_back] = results.path.filled[first : first + held_back]
        # like a sum of squares, but squares may overflow
        with np.errstate(all="ignore"):
            slopes = model.jacobian(results.params, y, x, det, missing=True)[begin - first - held_back :] @ root
            deviation[begin - start :] = np.hypot.reduce(slopes, axis=1, initial=0.0)
    return deviation


def spread(paths: np.ndarray) -> np.ndarray:
    """Standard deviation over paths; those that are not finite are left out."""
    finite = np.where(np.isfinite(paths), paths, np.nan)
    count = np.isfinite(finite).sum(axis=0)
    # in units of the largest value, since squares may overflow
    size = np.nanmax(np.abs(finite), axis=0, initial=0.0)
    size[size == 0.0] = 1.0
    scaled = finite / size
    mean = np.nansum(scaled, axis=0) / np.maximum(count, 1)
    squares = np.nansum((scaled - mean) ** 2, axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, size * np.sqrt(squares), np.nan)
