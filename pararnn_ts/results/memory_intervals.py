"""Confidence intervals for what recurrent units remember."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from pararnn_ts.models.arguments import check_alpha

__all__ = ["modulus_interval", "recurrence_intervals"]


def modulus_interval(modulus: Any, error: Any, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """
    Interval for a modulus between 0 and 1, symmetric on the scale of Fisher's z.

    Estimates of a modulus near 1 are skewed: a symmetric interval misses on one side and reaches beyond 1. The inverse
    hyperbolic tangent brings the distribution near to a normal one, as it does for a correlation.

    Parameters
    ----------
    modulus, error : array_like
        Estimates and standard errors. A modulus of one or more, whose unit does not decay, has a symmetric interval.
    alpha : float
        One less the coverage.

    Returns
    -------
    lower, upper : ndarray

    References
    ----------
    Fisher (1921), "On the probable error of a coefficient of correlation deduced from a small sample", Metron 1.

    Examples
    --------
    >>> from pararnn_ts.results.memory_intervals import modulus_interval
    >>> lower, upper = modulus_interval(0.95, 0.04)
    >>> round(float(lower), 3), round(float(upper), 3)
    (0.773, 0.99)
    """
    value, spread = np.asarray(modulus, dtype=float), stats.norm.isf(alpha / 2) * np.asarray(error, dtype=float)
    inside = value < 1.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle, half = np.arctanh(np.where(inside, value, 0.0)), spread / (1.0 - value**2)
        ends = [np.where(inside, np.tanh(middle + s * half), value + s * spread) for s in (-1, 1)]
    return np.maximum(ends[0], 0.0), ends[1]


def recurrence_intervals(results: Any, alpha: float = 0.05) -> pd.DataFrame:
    """
    Confidence intervals for the memory of each unit.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    alpha : float
        One less the coverage.

    Returns
    -------
    DataFrame
        One row per unit and lower and upper ends for modulus, frequency, period and half-life. Those of period and
        half-life are the images of those of frequency and modulus. NaN where `recurrence_features` has no standard
        error.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> sunspots = prt.datasets.load_sunspots()
    >>> results = prt.ParaRNN(sunspots, lags=1, units=(2,), linear_lags=2).fit(n_starts=8, rng=0)
    >>> results.recurrence_intervals().columns.tolist()[:2]
    ['modulus_lower', 'modulus_upper']
    """
    alpha = check_alpha(alpha)
    features = results.recurrence_features
    modulus = modulus_interval(features["modulus"], features["modulus_se"], alpha)
    spread = stats.norm.isf(alpha / 2) * features["frequency_se"].to_numpy()
    frequency = [np.clip(features["frequency"].to_numpy() + s * spread, 0.0, 0.5) for s in (-1, 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        decay = [np.log(end) for end in modulus]
        half_life = [
            np.where(rate < 0.0, np.log(0.5) / rate, np.where(np.isnan(rate), np.nan, np.inf)) for rate in decay
        ]
        period = [1.0 / frequency[1], 1.0 / frequency[0]]
    table = {}
    for name, ends in (("modulus", modulus), ("frequency", frequency), ("period", period), ("half_life", half_life)):
        table[f"{name}_lower"], table[f"{name}_upper"] = ends
    return pd.DataFrame(table, index=features.index)
