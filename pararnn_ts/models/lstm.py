"""Long short-term memory, a baseline with the same interface as the other models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from pararnn_ts.cells import LSTMCell
from pararnn_ts.models.arguments import MOST_STATES, check_count
from pararnn_ts.models.cell_model import CellModel, output_weights
from pararnn_ts.models.options import SeriesOptions

__all__ = ["LSTM"]


class LSTM(CellModel):
    r"""
    Long short-term memory: one layer of gated cells beside a linear path, a baseline.

    .. math::

        i, f, o &= \mathrm{logistic}(W h_{t-1} + U x_t + b), \qquad g = \tanh(W h_{t-1} + U x_t + b), \\
        c_t &= f c_{t-1} + i g, \qquad h_t = o \tanh(c_t), \\
        y_t &= \tau' D_t + a' l_t + v' h_t + e_t,

    where each gate has its own W, U and b. The model is estimated like the others, by Levenberg-Marquardt with the
    exact Jacobian.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label. Those of time t feed the network at time t and enter linearly.
    lags : int or list of int
        Lags of the series that feed the gates.
    hidden : int
        Number d of cells; with m inputs, the network has 4 d (d + m + 1) + d parameters beside the linear path.
    linear_lags : int or list of int, optional
        Lags that enter linearly. None: the same as `lags`; 0: none.
    hold_back : int, optional
        Number of rows at the start of the sample that are not predicted. None: as few as lags and differencing allow.

    References
    ----------
    Hochreiter and Schmidhuber (1997), "Long short-term memory", Neural Computation 9. The forget gate is that of Gers,
    Schmidhuber and Cummins (2000), "Learning to forget", Neural Computation 12.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.LSTM(prt.datasets.load_nile(), hidden=2).fit(n_starts=2)
    >>> len(results.params), len(results.forecast(3))
    (36, 3)
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        hidden: int = 8,
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        **series: Unpack[SeriesOptions],
    ):
        self.hidden = check_count(hidden, "hidden", most=MOST_STATES)
        super().__init__(endog, exog, lags=lags, linear_lags=linear_lags, hold_back=hold_back, **series)

    @property
    def label(self) -> str:
        """The model in a few words."""
        return f"LSTM({self.hidden})"

    def _parameter_note(self) -> str:
        d, m = self.hidden, self.specification.n_inputs
        return (
            f"the network has {4 * d * (d + m + 1) + d} parameters: 4 x {d} x ({d} + {m} + 1) of the gates and "
            f"{output_weights(d)}"
        )

    def _make_cell(self, n_inputs: int) -> LSTMCell:
        return LSTMCell(self.hidden, n_inputs)
