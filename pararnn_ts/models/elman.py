"""The vanilla recurrent network, a baseline: one unit of many states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pararnn_ts.models.arguments import MOST_STATES, check_count
from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.units import UnitModel

__all__ = ["ElmanRNN"]


class ElmanRNN(UnitModel):
    """
    Vanilla (Elman) recurrent network: a single unit in which every hidden state feeds every other.

    It is a `ParaRNN` with one unit of dimension `hidden`; the equations are given there.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label. Those of time t feed the network at time t and enter linearly.
    lags : int or list of int
        Lags of the series that feed the network.
    hidden : int
        Number of hidden states.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation function.
    linear_lags : int or list of int, optional
        Lags that enter linearly. None: the same as `lags`; 0: none.
    hold_back : int, optional
        Number of rows at the start of the sample that are not predicted. None: as few as lags and differencing allow.
    errors : {"normal", "t"}
        Distribution of the shocks, see `ParaRNN`.

    References
    ----------
    Elman (1990), "Finding structure in time", Cognitive Science 14.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> prt.ElmanRNN(prt.datasets.load_nile(), hidden=3).units
    (3,)
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        hidden: int = 8,
        activation: str = "tanh",
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        errors: str = "normal",
        **series: Unpack[SeriesOptions],
    ):
        self.hidden = check_count(hidden, "hidden", most=MOST_STATES)
        super().__init__(
            endog,
            exog,
            (self.hidden,),
            lags=lags,
            activation=activation,
            linear_lags=linear_lags,
            hold_back=hold_back,
            errors=errors,
            **series,
        )
