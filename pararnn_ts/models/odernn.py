"""ODERNN: recurrent networks as integrators of ordinary differential equations."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any, Unpack

import numpy as np

from pararnn_ts.cells import ODECell
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.models.arguments import MOST_STATES, check_choice, check_count, check_flag, check_number, given
from pararnn_ts.models.cell_model import CellModel, output_weights
from pararnn_ts.models.options import SeriesOptions

__all__ = ["ODERNN"]

# steps within which an undriven system of higher order forgets, unless damping says otherwise
MEMORY = 10.0


class ODERNN(CellModel):
    r"""
    Recurrent network that integrates an ordinary differential equation, one step for each observation.

    .. math::

        s_i' &= s_{i+1}, \quad i < t, \qquad
        s_t' = \mathrm{act}\Big(\sum_j K_j s_j + U x + b\Big) - \sum_j \beta_j s_j, \qquad h = s_1, \\
        y_k &= \tau' D_k + a' l_k + v' h_k + e_k.

    The input is held constant over a step, and the step is one of an explicit Runge-Kutta method. In the n-t-ODERNN of
    Niu, Horesh and Chuang (2019), the number n of `stages` of the method is the degree of nested nonlinearity, and the
    `order` t of the equation the range of temporal memory. That correspondence is theirs; the equations above, and
    which network is which member of the family, are our reading of it.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label. Those of time t feed the network at time t and enter linearly.
    lags : int or list of int
        Lags of the series that feed the network.
    hidden : int
        Number d of hidden states; the state has d numbers for each order.
    order : int
        Order t of the equation. With Euler's method it is a recursion in t lags of h.
    stages : {1, 2, 3, 4}
        Stages n of the Runge-Kutta method: Euler's, Heun's, Kutta's of third order, the classical one of fourth order.
    step : float
        Length of the step for one observation or, with `spacing`, for one unit of time.
    antisymmetric : bool
        Whether to restrict the recurrent weights to K_j = S_j - diffusion I with antisymmetric S_j, which about
        halves their number.
    diffusion : float
        Number subtracted from the diagonal of S_j; only with `antisymmetric`.
    damping : float or sequence of float, optional
        Coefficients beta_1 to beta_t. None: 1 for order 1, which with step 1 gives the vanilla network; for higher
        orders the coefficients of (lambda + w)^t with w = 1 / (10 step), so that without input the system forgets in
        about ten steps.
    integrator : {"explicit", "symplectic"}
        "symplectic" is the semi-implicit Euler method of coRNN, which moves the highest derivative first; it has one
        stage.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation function.
    spacing : str, optional
        For observations that are not equally spaced: the column of `exog` that holds the time since the previous
        observation, by which the step is multiplied. It does not feed the network; forecasts need its future values,
        as those of any exogenous column.
    linear_lags : int or list of int, optional
        Lags that enter linearly. None: the same as `lags`; 0: none.
    hold_back : int, optional
        Number of rows at the start of the sample that are not predicted. None: as few as lags and differencing allow.

    See Also
    --------
    vanilla_rnn, leaky_rnn, residual_rnn, antisymmetric_rnn, cornn : Well-known members of the family.

    References
    ----------
    Niu, Horesh and Chuang (2019), "Recurrent neural networks in the eye of differential equations", arXiv 1904.12933.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = prt.datasets.load_lynx().pipe(np.log10)
    >>> results = prt.ODERNN(y, hidden=2, order=2, stages=4, step=0.5).fit(n_starts=4)
    >>> results.forecast(2).index.tolist()
    [Period('1935', 'Y-DEC'), Period('1936', 'Y-DEC')]
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        hidden: int = 4,
        order: int = 1,
        stages: int = 1,
        step: float = 1.0,
        antisymmetric: bool = False,
        diffusion: float = 0.0,
        damping: float | Sequence[float] | None = None,
        integrator: str = "explicit",
        activation: str = "tanh",
        spacing: str | None = None,
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        **series: Unpack[SeriesOptions],
    ):
        self.hidden = check_count(hidden, "hidden", most=MOST_STATES)
        self.order = check_count(order, "order", most=MOST_STATES // self.hidden)
        self.stages = check_count(stages, "stages")
        if self.stages > 4:
            raise ValueError(f"stages must be 1, 2, 3 or 4, but is {stages!r}; methods of more are not offered.")
        self.step = check_number(step, "step", positive=True)
        self.antisymmetric = check_flag(antisymmetric, "antisymmetric")
        self.diffusion = check_number(diffusion, "diffusion")
        if self.diffusion and not self.antisymmetric:
            raise ValueError(f"diffusion={diffusion!r} belongs to antisymmetric=True; use damping for other networks.")
        self.integrator = check_choice(integrator, "integrator", ("explicit", "symplectic"))
        if integrator == "symplectic" and self.stages != 1:
            raise ValueError(f"integrator='symplectic' has one stage, but stages is {stages!r}; leave it out.")
        self.activation = check_choice(activation, "activation", ACTIVATIONS)
        self.damping = self._check_damping(damping)
        self.spacing = spacing
        super().__init__(endog, exog, lags=lags, linear_lags=linear_lags, hold_back=hold_back, **series)
        if spacing is not None and (self._split_exog(self._exog, len(self._y))[1] <= 0.0).any():
            raise ValueError(f"exog column {spacing!r} must be positive, the time since the observation before.")

    @classmethod
    def vanilla_rnn(cls, endog: Any, exog: Any = None, **options: Any) -> ODERNN:
        """
        Vanilla (Elman) network, h+ = act(K h + U x + b): Euler, damping 1, step 1.

        Parameters
        ----------
        endog, exog
            As in `ODERNN`.
        **options
            Further options of `ODERNN`, such as `lags` and `hidden`.

        Returns
        -------
        ODERNN

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> prt.ODERNN.vanilla_rnn(prt.datasets.load_nile(), hidden=2).label
        'ODERNN(2), order 1, stages 1'
        """
        return cls(endog, exog, **{"order": 1, "stages": 1, "step": 1.0, "damping": 1.0, **options})

    @classmethod
    def leaky_rnn(cls, endog: Any, exog: Any = None, *, leak: float = 0.5, **options: Any) -> ODERNN:
        """
        Leaky network, h+ = (1 - leak) h + leak act(K h + U x + b): Euler, damping 1, step `leak`.

        Parameters
        ----------
        endog, exog
            As in `ODERNN`.
        leak : float
            Share of the state that is new at each step.
        **options
            Further options of `ODERNN`, such as `lags` and `hidden`.

        Returns
        -------
        ODERNN

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> prt.ODERNN.leaky_rnn(prt.datasets.load_nile(), leak=0.2).step
        0.2
        """
        return cls(endog, exog, **{"order": 1, "stages": 1, "step": leak, "damping": 1.0, **options})

    @classmethod
    def residual_rnn(cls, endog: Any, exog: Any = None, *, step: float = 0.1, **options: Any) -> ODERNN:
        """
        Residual network, h+ = h + step act(K h + U x + b): Euler, no damping.

        Parameters
        ----------
        endog, exog
            As in `ODERNN`.
        step : float
            Length of the step.
        **options
            Further options of `ODERNN`, such as `lags` and `hidden`.

        Returns
        -------
        ODERNN

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> prt.ODERNN.residual_rnn(prt.datasets.load_nile(), step=0.2).damping
        (0.0,)
        """
        return cls(endog, exog, **{"order": 1, "stages": 1, "step": step, "damping": 0.0, **options})

    @classmethod
    def antisymmetric_rnn(
        cls, endog: Any, exog: Any = None, *, step: float = 0.1, diffusion: float = 0.1, **options: Any
    ) -> ODERNN:
        """
        AntisymmetricRNN of Chang et al. (2019), h+ = h + step tanh((S - diffusion I) h + U x + b), S' = -S.

        Parameters
        ----------
        endog, exog
            As in `ODERNN`.
        step : float
            Length of the step.
        diffusion : float
            Subtracted from the diagonal of S; it lets states die out.
        **options
            Further options of `ODERNN`, such as `lags` and `hidden`.

        Returns
        -------
        ODERNN

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> prt.ODERNN.antisymmetric_rnn(prt.datasets.load_nile(), hidden=3).label
        'ODERNN(3), antisymmetric, order 1, stages 1'
        """
        fixed = {"order": 1, "stages": 1, "damping": 0.0, "antisymmetric": True}
        return cls(endog, exog, **{**fixed, "step": step, "diffusion": diffusion, **options})

    @classmethod
    def cornn(
        cls,
        endog: Any,
        exog: Any = None,
        *,
        step: float = 0.1,
        stiffness: float = 1.0,
        friction: float = 1.0,
        **options: Any,
    ) -> ODERNN:
        """
        Network of coupled oscillators (coRNN) of Rusch and Mishra (2021), by the semi-implicit Euler method.

        z+ = z + step (tanh(K_1 h + K_2 z + U x + b) - stiffness h - friction z),  h+ = h + step z+.

        Parameters
        ----------
        endog, exog
            As in `ODERNN`.
        step : float
            Length of the step.
        stiffness : float
            Pull towards zero, for each unit of the position h.
        friction : float
            Damping, for each unit of the velocity z.
        **options
            Further options of `ODERNN`, such as `lags` and `hidden`.

        Returns
        -------
        ODERNN

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> prt.ODERNN.cornn(prt.datasets.load_nile(), hidden=2).damping
        (1.0, 1.0)
        """
        fixed = {"order": 2, "stages": 1, "integrator": "symplectic", "damping": (stiffness, friction)}
        return cls(endog, exog, **{**fixed, "step": step, **options})

    def _check_damping(self, damping: Any) -> tuple[float, ...]:
        t = self.order
        if damping is None:
            if t == 1:
                return (1.0,)
            w = 1.0 / (MEMORY * self.step)
            try:
                return tuple(comb(t, j) * w ** (t - j) for j in range(t))
            except OverflowError:
                raise ValueError(
                    f"step={self.step:g} and order={t} have a default damping beyond every number; give damping, or "
                    "take a longer step or a lower order."
                ) from None
        values = [damping] if np.ndim(damping) == 0 else list(damping)
        if len(values) != t:
            raise ValueError(f"damping must have one number for each of the {t} orders, but is {given(damping)}.")
        return tuple(check_number(value, "damping") for value in values)

    @property
    def label(self) -> str:
        """The model in a few words."""
        kind = "antisymmetric, " if self.antisymmetric else ""
        method = "symplectic" if self.integrator == "symplectic" else f"stages {self.stages}"
        return f"ODERNN({self.hidden}), {kind}order {self.order}, {method}"

    def _parameter_note(self) -> str:
        d, m, t = self.hidden, self.specification.n_inputs, self.order
        one, words = (d * (d - 1) // 2, f"{d} x {d - 1} / 2") if self.antisymmetric else (d * d, f"{d}^2")
        return (
            f"the network has {t * one + d * m + 2 * d} parameters: {t} x {words} recurrent, {d} x ({m} + 1) of the "
            f"input and {output_weights(d)}; step {self.step:g}, damping {', '.join(f'{b:g}' for b in self.damping)}"
        )

    def _make_cell(self, n_inputs: int) -> ODECell:
        return ODECell(
            hidden=self.hidden,
            n_inputs=n_inputs,
            order=self.order,
            stages=self.stages,
            step=self.step,
            damping=self.damping,
            activation=self.activation,
            antisymmetric=self.antisymmetric,
            diffusion=self.diffusion,
            symplectic=self.integrator == "symplectic",
        )

    def _exog_inputs(self) -> list[str]:
        if self.spacing is None:
            return list(self.exog_labels)
        if self.spacing not in self.exog_labels:
            raise ValueError(
                f"spacing must be a column of exog ({', '.join(self.exog_labels) or 'there are none'}), but is "
                f"{self.spacing!r}."
            )
        return [name for name in self.exog_labels if name != self.spacing]

    def _split_exog(self, exog: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        exog = np.ascontiguousarray(exog, dtype=float)
        if self.spacing is None:
            return exog, np.full(n, self.step)
        at = self.exog_labels.index(self.spacing)
        return np.ascontiguousarray(np.delete(exog, at, axis=1)), self.step * exog[:, at]
