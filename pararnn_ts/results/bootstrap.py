"""Samples simulated from a fitted model, and the parameters estimated on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.estimation.curvature import derivative_by_data, in_data_units
from pararnn_ts.estimation.identification import nearest_image
from pararnn_ts.models.arguments import check_generator
from pararnn_ts.results.prediction import is_explosive
from pararnn_ts.results.trajectory import continue_path, model_exog, standpoint
from pararnn_ts.specification import Specification

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults, RecurrentResultsWrapper

__all__ = ["refit_estimates", "refitted", "sample_frames", "simulate_samples"]


def simulate_samples(results: RecurrentResults, count: int, rng: Any) -> np.ndarray:
    """
    Samples like the one of a fit: its first rows, exogenous values and gaps, with new shocks.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    count : int
        Number of samples.
    rng : None, int or Generator
        Source of randomness. Shocks are drawn from the residuals, which have variance `scale`.

    Returns
    -------
    ndarray, (count, n)
        Levels of the series; NaN where it has gaps.
    """
    results.require_data()
    model, first = results.model, results.first_row
    n = len(model._y)
    shocks = check_generator(rng).choice(results.shocks, size=(count, n - first))
    samples = np.tile(results.path.filled, (count, 1))
    samples[:, first:] = continue_path(results, standpoint(results, first), n - first, shocks=shocks)
    samples[:, np.isnan(model._y)] = np.nan
    return samples


def sample_frames(results: RecurrentResults, sample: np.ndarray) -> tuple[Any, Any]:
    """A sample and the exogenous values as the model takes them, with labels where it has labels."""
    model = results.model
    x: Any = None if model._x is None else model_exog(model)
    if not model.is_pandas:
        return sample, x
    x = None if x is None else pd.DataFrame(x, model.index, columns=model.exog_labels)
    return pd.Series(sample, model.index, name=model.endog_name), x


def refitted(results: RecurrentResults, sample: np.ndarray, **fit_kwargs: Any) -> RecurrentResultsWrapper:
    """Results of the same model, fitted in the same way from the present parameters, to another sample."""
    y, x = sample_frames(results, sample)
    with unheard_warnings(ConvergenceWarning):
        return results.apply(y, x, refit=True, fit_kwargs={"cov_type": None, "cov_kwds": None, **fit_kwargs})


def refit_estimates(results: RecurrentResults, count: int, rng: Any) -> np.ndarray:
    """
    Parameters estimated on samples simulated from a fitted model.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model; estimation begins at its parameters.
    count : int
        Number of samples.
    rng : None, int or Generator
        Source of the samples; the estimates do not depend on anything else.

    Returns
    -------
    ndarray, (count, P)
        Of the parameter vectors that describe the same model, the one nearest to the fit; NaN where the sample left
        the range of the data or could not be fitted.

    Raises
    ------
    ValueError
        If the parameters were given, not estimated, or if the results extend others.
    """
    if results.details.penalty is None:
        raise ValueError("cov_type='bootstrap' fits simulated samples, but these parameters were given; fit the model.")
    if results.past is not None:
        raise ValueError("cov_type='bootstrap' needs the sample from its beginning; use append instead of extend.")
    spec = results.model.specification
    # distances are those of the standardised scale, unless values are held, which are in the units of the data; of the
    # precision there, which only weighs the parameters, a few digits are enough
    precision, to_data = results.details.precision, results.details.to_data
    if results.details.held:
        precision, to_data = in_data_units(precision, to_data), np.eye(len(to_data))
    to_standard, weights = derivative_by_data(to_data), np.diag(precision)
    estimates = np.full((count, len(results.params)), np.nan)
    for row, sample in enumerate(simulate_samples(results, count, rng)):
        if is_explosive(sample[~np.isnan(results.model._y)], results.tail.low, results.tail.high):
            continue
        try:
            found = np.asarray(refitted(results, sample).params)
        except ValueError:
            # every start diverged
            continue
        if isinstance(spec, Specification):
            wanted = to_standard @ np.asarray(results.params)
            found = to_data @ nearest_image(spec, to_standard @ found, wanted, weights)
        estimates[row] = found
    return estimates
