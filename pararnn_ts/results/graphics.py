"""Figures and lag responses as methods of results; what is behind them is only imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from pararnn_ts.results.base import RecurrentResults

__all__ = ["PlotMethod", "lag_response"]


class PlotMethod:
    """
    A function of `pararnn_ts.plotting` as a method, with the signature and the docstring of the function.

    It is looked up when it is asked for, since plotting knows results and not the other way round.

    Parameters
    ----------
    name : str, optional
        Name of the function; that of the method by default.

    Examples
    --------
    >>> import inspect
    >>> from pararnn_ts.results.base import RecurrentResults
    >>> "figsize" in inspect.signature(RecurrentResults.plot_diagnostics).parameters
    True
    """

    def __init__(self, name: str | None = None):
        self.name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def __get__(self, results: Any, owner: type | None = None) -> Callable[..., Figure]:
        from pararnn_ts import plotting

        function = getattr(plotting, str(self.name))
        return function if results is None else MethodType(function, results)


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
