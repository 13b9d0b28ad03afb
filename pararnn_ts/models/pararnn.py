"""The ParaRNN: a sum of many small recurrent units, a readable nonlinear extension of the ARMA model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.units import UnitModel

__all__ = ["ParaRNN"]


class ParaRNN(UnitModel):
    r"""
    Parallel recurrent neural network: many small recurrent units side by side, beside a linear path.

    .. math::

        h_{k,t} &= \mathrm{act}(W_k h_{k,t-1} + U_k x_t + b_k), \qquad h_{k,0} = 0, \\
        y_t &= \tau' D_t + a' l_t + \sum_k v_k' h_{k,t} + e_t, \qquad e_t \sim (0, \sigma^2),

    where x holds lags of the series and exogenous values, D deterministic terms and l the direct lags and exogenous
    values. Every invertible ARMA model is the special case of identity activation.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched by label; those of time t feed the units and enter linearly.
    lags : int or list of int
        Lags of the series that feed the units; an integer n means 1 to n.
    units : sequence of int, or int
        Dimension of each unit; an integer n means n units of dimension 2. A unit of dimension 1 remembers with a
        decaying or alternating memory, one of dimension 2 can also be cyclical.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation of the units.
    linear_lags : int or list of int, optional
        Lags that enter linearly; None: the same as `lags`; 0: none.
    hold_back : int, optional
        Rows at the start that are not predicted, at least as many as lags and differencing need.
    errors : {"normal", "t"}
        Law of the shocks: normal, or Student's t with estimated degrees of freedom, for series with outliers.

    Notes
    -----
    With differencing, the series after differencing is modelled and forecasts are put back to levels; exogenous values
    are used as given.

    References
    ----------
    Cai, Li, Huang and Li (2026), arXiv 2605.02692.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> sunspots = prt.datasets.load_sunspots()
    >>> results = prt.ParaRNN(sunspots, lags=2, units=(2,)).fit()
    >>> results.forecast(3).index
    PeriodIndex(['2009', '2010', '2011'], dtype='period[Y-DEC]', name='year')
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        units: int | Sequence[int] = (2,),
        activation: str = "tanh",
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        errors: str = "normal",
        **series: Unpack[SeriesOptions],
    ):
        super().__init__(
            endog,
            exog,
            units,
            lags=lags,
            activation=activation,
            linear_lags=linear_lags,
            hold_back=hold_back,
            errors=errors,
            **series,
        )

    @classmethod
    def from_arma(cls, arma_results: Any, activation: str = "identity"):
        """
        Results at the image of a fitted ARMA model, not refitted.

        Parameters
        ----------
        arma_results : ARIMAResults or AutoRegResults
            A fitted statsmodels model without exogenous values, with no trend or a constant.
        activation : {"identity", "tanh"}
            "identity" reproduces the ARMA's conditional predictions exactly; "tanh" up to the small curvature of units
            that work close to zero, a good start for ``results.model.fit(start_params=results.params)``.

        Returns
        -------
        RecurrentResultsWrapper
            Results of the ParaRNN.

        Examples
        --------
        >>> import numpy as np
        >>> import pararnn_ts as prt
        >>> from statsmodels.tsa.arima.model import ARIMA
        >>> arma = ARIMA(prt.datasets.load_lynx().pipe(np.log10), order=(2, 0, 1)).fit()
        >>> prt.ParaRNN.from_arma(arma).model.units
        (1,)
        """
        from pararnn_ts.models.arma_link import pararnn_from_arma

        return pararnn_from_arma(cls, arma_results, activation)
