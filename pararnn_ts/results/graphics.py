"""Figures as methods of results; what is behind them is only imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PlotMethod"]


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
