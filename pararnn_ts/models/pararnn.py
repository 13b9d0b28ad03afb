"""The ParaRNN: a sum of small recurrent units, a nonlinear extension of the ARMA model that one can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.units import UnitModel

__all__ = ["ParaRNN"]


class ParaRNN(UnitModel):
    r"""
    ParaRNN: a sum of small recurrent units ("parallel" to one another) beside a linear autoregression.

    .. math::

        h_{k,t} &= \mathrm{act}(W_k h_{k,t-1} + U_k x_t + b_k), \qquad h_{k,0} = 0, \\
        y_t &= \tau' D_t + a' l_t + \sum_k v_k' h_{k,t} + e_t, \qquad e_t \sim (0, \sigma^2),

    where x_t holds lags of the series and exogenous values, D_t deterministic terms, and l_t the direct lags, those
    that enter linearly, and exogenous values. Every invertible ARMA model is a special case, with the identity as
    activation.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label. Those of time t feed the units at time t and enter linearly.
    lags : int or list of int
        Lags of the series that feed the units; an integer n means lags 1 to n.
    units : sequence of int, or int
        Dimension of each unit; an integer n means n units of dimension 2. The memory of a unit of dimension 1 decays or
        alternates in sign; that of a unit of dimension 2 can also be cyclical.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation function of the units.
    linear_lags : int or list of int, optional
        Direct lags. None: the same as `lags`; 0: none.
    hold_back : int, optional
        Number of rows at the start of the sample that are not predicted. None: as few as lags and differencing allow.
    errors : {"normal", "t"}
        Distribution of the shocks: normal, or Student's t with estimated degrees of freedom, for series with outliers.

    Notes
    -----
    With differencing, the differenced series is modelled, and forecasts are transformed back to levels; exogenous
    values are not differenced.

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
        Write a fitted ARMA model as a ParaRNN; nothing is estimated again.

        Parameters
        ----------
        arma_results : ARIMAResults or AutoRegResults
            A fitted statsmodels model without exogenous values, with no trend or a constant.
        activation : {"identity", "tanh"}
            "identity" reproduces the conditional predictions of the ARMA model exactly. "tanh" does so up to the slight
            curvature of units that stay close to zero, and is a good start for a nonlinear model:
            ``results.model.fit(start_params=results.params)``.

        Returns
        -------
        RecurrentResultsWrapper
            Results of the ParaRNN at the parameters that correspond to the ARMA model.

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
