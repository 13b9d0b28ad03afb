"""Split conformal intervals: errors of forecasts over a part of the sample that the parameters have not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts.results.trajectory import continue_path, standpoint

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["Calibration", "calibrate", "calibration_errors", "conformal_radius"]

# one in so many observations, the last ones, is set aside
SHARE = 3
# origins of the forecasts, spread evenly over them
MOST_ORIGINS = 2000


class Calibration(NamedTuple):
    """
    What conformal intervals are calibrated with.

    Attributes
    ----------
    results : RecurrentResults
        The model on the whole sample, with parameters from before the calibration part.
    first : int
        First row of the calibration part.
    """

    results: RecurrentResults
    first: int


def calibrate(results: RecurrentResults) -> Calibration:
    """
    Set the last third of the observations aside, and estimate the parameters without it.

    Parameters that were given rather than estimated stay as they are; so do those of extended results, whose sample
    had no part in the estimation and is all calibration.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from pararnn_ts.results.conformal import calibrate
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(91), units=()).fit()
    >>> calibrate(res._results).first
    61
    """
    used = np.flatnonzero(results.used)
    if results.past is not None:
        return Calibration(results, int(used[0]) if len(used) else 0)
    set_aside = len(used) // SHARE
    if not set_aside:
        raise ValueError(_too_short(f"the sample has {len(used)} observations"))
    first = int(used[-set_aside])
    if results.details.penalty is None:
        return Calibration(results, first)
    model = results.model
    y, x = model._y[:first], None if model._x is None else model._x[:first]
    if model.is_pandas:
        y = pd.Series(y, model.index[:first], name=model.endog_name)
        x = None if x is None else pd.DataFrame(x, model.index[:first], columns=model.exog_labels)
    try:
        before = results.apply(y, x, refit=True)
    except ValueError as error:
        raise ValueError(_too_short(f"{len(used) - set_aside} observations do not suffice for it")) from error
    return Calibration(type(results)(model, np.asarray(before.params), before.details), first)


def calibration_errors(calibration: Calibration, horizon: int) -> np.ndarray:
    """
    Errors of forecasts 1, 2, ..., `horizon` steps ahead over the calibration part.

    Parameters
    ----------
    calibration : Calibration
        From `calibrate`.
    horizon : int
        Steps ahead.

    Returns
    -------
    ndarray, (horizon, number of origins)
        NaN where the observation is missing or beyond the sample. Forecasts begin right after an observation, and know
        the exogenous values.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from pararnn_ts.results.conformal import calibrate, calibration_errors
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(91), units=()).fit()
    >>> calibration_errors(calibrate(res._results), 4).shape
    (4, 30)
    """
    results, first = calibration
    y, n = results.model._y, results.model.nobs
    before = np.isfinite(y[max(first - 1, 0) : n - 1])
    if first == 0:  # the first row of extended results follows the sample before it
        before = np.concatenate([[results.gap is None], before])
    origins = first + np.flatnonzero(before)
    if len(origins) > MOST_ORIGINS:
        origins = origins[np.unique(np.linspace(0, len(origins) - 1, MOST_ORIGINS).astype(int))]
    errors = np.full((horizon, len(origins)), np.nan)
    for j, row in enumerate(origins.tolist()):
        steps = min(horizon, n - row)
        path = continue_path(results, standpoint(results, row), steps)[0]
        # the error of a path that is no number is beyond every number
        errors[:steps, j] = y[row : row + steps] - np.where(np.isnan(path), np.inf, path)
    counts = (~np.isnan(errors)).sum(axis=1)
    if not counts.all():
        raise ValueError(_too_short(f"it has no error of a forecast {int(np.argmin(counts > 0)) + 1} steps ahead"))
    return errors


def conformal_radius(errors: np.ndarray, alpha: float) -> np.ndarray:
    """
    Half-widths of conformal intervals: with m errors, the ceil((m + 1)(1 - alpha))-th smallest in absolute value.

    If the next error is exchangeable with them, it is no larger with probability 1 - alpha or more, in samples of any
    size (Vovk, Gammerman and Shafer 2005; Lei et al. 2018).

    Parameters
    ----------
    errors : ndarray, (n, m)
        Errors of each row, NaN where there is none.
    alpha : float
        One less the coverage.

    Returns
    -------
    ndarray, (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.conformal import conformal_radius
    >>> conformal_radius(np.array([[1.0, -4.0, 2.0, np.nan, 3.0]]), 0.4)
    array([3.])
    """
    size = np.sort(np.abs(errors), axis=1)  # missing ones come last
    counts = (~np.isnan(size)).sum(axis=1)
    # a hair less, since (19 + 1)(1 - 0.05) must not become 19.000000001
    ranks = np.ceil((counts + 1) * (1 - alpha) - 1e-9).astype(int)
    short = ranks > counts
    if short.any():
        needed = int(np.ceil(1 / alpha - 1 - 1e-9))
        raise ValueError(
            f"alpha={alpha} needs {needed} calibration errors of each step, but of one there are only "
            f"{int(counts[short].min())}; choose a larger alpha, fewer steps, a longer sample or another method."
        )
    return size[np.arange(len(size)), np.maximum(ranks, 1) - 1]


def _too_short(reason: str) -> str:
    return (
        "method='conformal' sets the last third of the observations aside and fits the model to the others, but "
        f"{reason}; pass a longer series, forecast fewer steps or choose another method."
    )
