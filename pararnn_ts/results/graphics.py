"""Figures and lag responses as methods of results; what is behind them is only imported when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "lag_response",
    "plot_components",
    "plot_diagnostics",
    "plot_lag_response",
    "plot_predict",
    "plot_recurrence",
]


def lag_response(results: RecurrentResults, max_lag: int = 20, local: bool = False) -> pd.DataFrame:
    """
    How each unit's component responds to an input so many steps back.

    Parameters
    ----------
    max_lag : int
        Last lag. Lag 0 is the unit's input itself: for the input "y.L1", lag j is the observation j + 1 steps back.
    local : bool
        Whether to return the response at every time instead of its average, the recurrence function.

    Returns
    -------
    DataFrame
        Rows are lags and columns (unit, input); with `local`, rows are times and columns (unit, input, lag).

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
    >>> res.lag_response(max_lag=3).shape
    (4, 1)
    """
    from pararnn_ts.results.features import lag_response as function

    results.require_data()
    return function(results, max_lag, local)


def plot_components(results: RecurrentResults, *args: Any, **kwargs: Any) -> Any:
    """Plot the components of the fitted values; the arguments are those of `pararnn_ts.plotting.plot_components`."""
    from pararnn_ts import plotting

    return plotting.plot_components(results, *args, **kwargs)


def plot_recurrence(results: RecurrentResults, *args: Any, **kwargs: Any) -> Any:
    """Plot the units' eigenvalues and memories; the arguments are those of `pararnn_ts.plotting.plot_recurrence`."""
    from pararnn_ts import plotting

    return plotting.plot_recurrence(results, *args, **kwargs)


def plot_lag_response(results: RecurrentResults, *args: Any, **kwargs: Any) -> Any:
    """Plot the lag responses of the units; the arguments are those of `pararnn_ts.plotting.plot_lag_response`."""
    from pararnn_ts import plotting

    return plotting.plot_lag_response(results, *args, **kwargs)


def plot_predict(results: RecurrentResults, *args: Any, **kwargs: Any) -> Any:
    """Plot predictions with intervals; the arguments are those of `pararnn_ts.plotting.plot_predict`."""
    from pararnn_ts import plotting

    return plotting.plot_predict(results, *args, **kwargs)


def plot_diagnostics(results: RecurrentResults, *args: Any, **kwargs: Any) -> Any:
    """Plot diagnostics of the residuals; the arguments are those of `pararnn_ts.plotting.plot_diagnostics`."""
    from pararnn_ts import plotting

    return plotting.plot_diagnostics(results, *args, **kwargs)
