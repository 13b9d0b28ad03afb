"""Compilation ahead of the first fit."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pararnn_ts._compat import unheard_warnings
from pararnn_ts.models.pararnn import ParaRNN

__all__ = ["warmup"]


def warmup(*models: Any) -> float:
    """
    Compile what fits and forecasts need, or load it from the disk cache, so that the first fit is not slower.

    Parameters
    ----------
    *models : class
        Model classes; by default `ParaRNN` only.

    Returns
    -------
    float
        Seconds that this took: ten or more without a cache, well under one with it.

    Raises
    ------
    TypeError
        One of `models` is not the class of a model of one series.

    Notes
    -----
    Compiled code is kept beside the package, or in the user's cache directory where that cannot be written, or in
    ``NUMBA_CACHE_DIR``. Where nothing can be written it lasts for the process. A server calls this once before it forks
    or answers; a benchmark before it takes the time.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> prt.warmup() >= 0.0
    True
    """
    began = time.perf_counter()
    rng = np.random.default_rng(0)
    y = rng.standard_normal(80)
    gapped = y.copy()
    gapped[40] = np.nan
    for model in models or (ParaRNN,):
        if not (isinstance(model, type) and hasattr(model, "fit") and hasattr(model, "option_names")):
            raise TypeError(f"models must be classes such as prt.ParaRNN, but one of them is {model!r}.")
        with unheard_warnings():
            for series in (y, gapped):
                results = model(series).fit(n_starts=2, maxiter=3)
                results.get_forecast(2, method="bootstrap", n_sims=2, rng=0).conf_int()
                results.summary()
    return time.perf_counter() - began
