"""Cells that integrate an ordinary differential equation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log

import numpy as np

from pararnn_ts.cells.base import ROUNDING, Cell, Expansion, order_and_sign
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.specification import GROUPS

__all__ = ["STEEPEST", "ODECell", "runge_kutta"]

# largest slope of each activation, and those for which a state may change its sign
STEEPEST = {"tanh": 1.0, "relu": 1.0, "logistic": 0.25, "identity": 1.0}
ODD = ("tanh", "identity")


def runge_kutta(stages: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Tableau (A, b) of the explicit Runge-Kutta method with 1 to 4 stages: Euler, Heun, Kutta, the classical one.

    Examples
    --------
    >>> from pararnn_ts.cells import runge_kutta
    >>> runge_kutta(2)[1]
    array([0.5, 0.5])
    """
    a = np.zeros((stages, stages))
    if stages == 1:
        return a, np.ones(1)
    if stages == 2:
        a[1, 0] = 1.0
        return a, np.array([0.5, 0.5])
    if stages == 3:
        a[1, 0], a[2, 0], a[2, 1] = 0.5, -1.0, 2.0
        return a, np.array([1.0, 4.0, 1.0]) / 6.0
    a[1, 0] = a[2, 1] = 0.5
    a[3, 2] = 1.0
    return a, np.array([1.0, 2.0, 2.0, 1.0]) / 6.0


@dataclass(frozen=True)
class ODECell(Cell):
    """
    Explicit Runge-Kutta step of an ODE of some order; see `ODERNN` for the mathematics and `kernels.ode` for packing.

    Parameters
    ----------
    hidden, n_inputs, order, stages : int
        d, m, t and n.
    step : float
        Length of the step per unit of time.
    damping : tuple of float
        beta_1 to beta_t.
    activation : str
        "tanh", "relu", "logistic" or "identity".
    antisymmetric : bool
        Whether K_j = S_j - diffusion I with antisymmetric S_j.
    diffusion : float
        Only with `antisymmetric`.
    symplectic : bool
        Whether the step is semi-implicit Euler.
    """

    hidden: int
    n_inputs: int
    order: int = 1
    stages: int = 1
    step: float = 1.0
    damping: tuple[float, ...] = (1.0,)
    activation: str = "tanh"
    antisymmetric: bool = False
    diffusion: float = 0.0
    symplectic: bool = False

    kind = "ode"

    @property
    def n_outputs(self) -> int:
        """See :attr:`Cell.n_outputs`."""
        return self.hidden

    @property
    def initial_state(self) -> np.ndarray:
        """See :attr:`Cell.initial_state`."""
        return np.zeros(self.order * self.hidden)

    @property
    def shape(self) -> np.ndarray:
        """See :attr:`Cell.shape`."""
        activation = ACTIVATIONS[self.activation]
        return np.array([self.hidden, self.n_inputs, self.order, self.stages, activation, int(self.symplectic)])

    @property
    def numbers(self) -> np.ndarray:
        """See :attr:`Cell.numbers`."""
        a, b = runge_kutta(self.stages)
        return np.concatenate([np.array(self.damping), a.ravel(), b])

    @property
    def _n_recurrent(self) -> int:
        """Parameters of one K_j."""
        d = self.hidden
        return d * (d - 1) // 2 if self.antisymmetric else d * d

    @cached_property
    def expansion(self) -> Expansion:  # type: ignore[override]
        """See :attr:`Cell.expansion`."""
        d, n = self.hidden, self._n_recurrent
        rest = d * self.n_inputs + d
        index, sign = np.arange(d * d).reshape(d, d), np.ones((d, d))
        offset = np.zeros((d, d))
        if self.antisymmetric:
            upper = np.triu_indices(d, 1)
            index = np.zeros((d, d), dtype=int)
            index[upper] = np.arange(n)
            index += index.T
            sign = np.triu(np.ones((d, d)), 1) - np.tril(np.ones((d, d)), -1)
            offset = -self.diffusion * np.eye(d)
        return Expansion(
            np.concatenate([*(index.ravel() + j * n for j in range(self.order)), self.order * n + np.arange(rest)])
            if n
            else np.concatenate([np.zeros(self.order * d * d, dtype=int), np.arange(rest)]),
            np.concatenate([np.tile(sign.ravel(), self.order), np.ones(rest)]),
            np.concatenate([np.tile(offset.ravel(), self.order), np.zeros(rest)]),
        )

    @property
    def groups(self) -> np.ndarray:
        """See :attr:`Cell.groups`."""
        d, m = self.hidden, self.n_inputs
        return np.repeat([GROUPS["recurrent"], GROUPS["input"]], [self.order * self._n_recurrent, d * m + d])

    @property
    def input_blocks(self) -> list[tuple[int, int | None]]:
        """See :attr:`Cell.input_blocks`."""
        d, m = self.hidden, self.n_inputs
        first = self.order * self._n_recurrent
        return [(first + i * m, first + d * m + i) for i in range(d)]

    def names(self, inputs: tuple[str, ...]) -> list[str]:
        """See :meth:`Cell.names`."""
        rows = range(1, self.hidden + 1)
        names = []
        for j in range(1, self.order + 1):
            number = "" if self.order == 1 else str(j)
            if self.antisymmetric:
                names += [f"S{number}[{a},{b}]" for a in rows for b in rows if a < b]
            else:
                names += [f"K{number}[{a},{b}]" for a in rows for b in rows]
        return [*names, *(f"U[{a},{name}]" for a in rows for name in inputs), *(f"b[{a}]" for a in rows)]

    def canonical(self, own: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Cell.canonical`: states change places and, for odd activations, signs."""
        d, m, t = self.hidden, self.n_inputs, self.order
        order, sign = order_and_sign(v, self.activation in ODD)
        k, u, b = np.split(self.weights(own), np.cumsum([t * d * d, d * m]))
        k = k.reshape(t, d, d)[:, order][:, :, order] * np.outer(sign, sign)
        if self.antisymmetric:
            k = k[:, *np.triu_indices(d, 1)]
        return np.concatenate([k.ravel(), (u.reshape(d, m)[order] * sign[:, None]).ravel(), b[order] * sign]), (
            v[order] * sign
        )

    def log_symmetry(self) -> float:
        """See :meth:`Cell.log_symmetry`."""
        return lgamma(self.hidden + 1.0) + (self.hidden * log(2.0) if self.activation in ODD else 0.0)

    def field_jacobian(self, own: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """
        Jacobian of the vector field with respect to the state, where the activations have the slopes given.

        Parameters
        ----------
        own : ndarray
            Parameters of the cell.
        slopes : ndarray, (d,)
            Slopes.

        Returns
        -------
        ndarray, (t d, t d)
        """
        d, t = self.hidden, self.order
        jacobian = np.eye(t * d, k=d)
        for j, k in enumerate(self.weights(own)[: t * d * d].reshape(t, d, d)):
            jacobian[(t - 1) * d :, j * d : (j + 1) * d] = slopes[:, None] * k - self.damping[j] * np.eye(d)
        return jacobian

    def step_jacobian(self, own: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """Jacobian of a step along which the activations keep the slopes given."""
        d, t = self.hidden, self.order
        z = self.step * self.field_jacobian(own, slopes)
        size = t * d
        if self.symplectic:
            # the highest derivative first; each of the others then moves by the new value of the next
            total = np.eye(size)
            total[size - d :] += z[size - d :]
            for j in range(t - 2, -1, -1):
                total[j * d : (j + 1) * d] += self.step * total[(j + 1) * d : (j + 2) * d]
            return total
        total, power = np.eye(size), np.eye(size)
        for j in range(1, self.stages + 1):
            power = power @ z / j
            total = total + power
        return total

    def expands(self, own: np.ndarray) -> bool:
        """See :meth:`Cell.expands`: spectral radius of the steepest step above one."""
        with np.errstate(all="ignore"):
            jacobian = self.step_jacobian(own, np.full(self.hidden, STEEPEST[self.activation]))
        return not np.isfinite(jacobian).all() or np.max(np.abs(np.linalg.eigvals(jacobian))) > 1.0 + ROUNDING
