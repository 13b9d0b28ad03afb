"""Long short-term memory cells."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log

import numpy as np

from pararnn_ts.cells.base import ROUNDING, Cell, order_and_sign
from pararnn_ts.kernels.cells import CELLS, linearise, work_size
from pararnn_ts.specification import GROUPS

__all__ = ["LSTMCell"]


@dataclass(frozen=True)
class LSTMCell(Cell):
    """
    Long short-term memory; see `kernels.lstm` for equations and packing.

    Parameters
    ----------
    hidden, n_inputs : int
        d and m.
    """

    hidden: int
    n_inputs: int

    kind = "lstm"

    @property
    def n_outputs(self) -> int:
        """See :attr:`Cell.n_outputs`."""
        return self.hidden

    @property
    def initial_state(self) -> np.ndarray:
        """See :attr:`Cell.initial_state`."""
        return np.zeros(2 * self.hidden)

    @property
    def shape(self) -> np.ndarray:
        """See :attr:`Cell.shape`."""
        return np.array([self.hidden, self.n_inputs])

    @property
    def groups(self) -> np.ndarray:
        """See :attr:`Cell.groups`."""
        d, m = self.hidden, self.n_inputs
        return np.repeat([GROUPS["recurrent"], GROUPS["input"]], [4 * d * d, 4 * d * m + 4 * d])

    @property
    def input_blocks(self) -> list[tuple[int, int | None]]:
        """See :attr:`Cell.input_blocks`."""
        d, m = self.hidden, self.n_inputs
        return [(4 * d * d + i * m, 4 * d * d + 4 * d * m + i) for i in range(4 * d)]

    def names(self, inputs: tuple[str, ...]) -> list[str]:
        """See :meth:`Cell.names`."""
        rows = range(1, self.hidden + 1)
        gates = ("input", "forget", "output", "cell")
        names = [f"{gate}.W[{a},{b}]" for gate in gates for a in rows for b in rows]
        names += [f"{gate}.U[{a},{name}]" for gate in gates for a in rows for name in inputs]
        return names + [f"{gate}.b[{a}]" for gate in gates for a in rows]

    def canonical(self, own: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Cell.canonical`: states change places and signs, the latter through the gate of the cell only."""
        d, m = self.hidden, self.n_inputs
        order, sign = order_and_sign(v, True)
        w, u, b = np.split(own, np.cumsum([4 * d * d, 4 * d * m]))
        w = w.reshape(4, d, d)[:, order][:, :, order] * sign
        u, b = u.reshape(4, d, m)[:, order], b.reshape(4, d)[:, order]
        w[3], u[3], b[3] = w[3] * sign[:, None], u[3] * sign[:, None], b[3] * sign
        return np.concatenate([w.ravel(), u.ravel(), b.ravel()]), v[order] * sign

    def log_symmetry(self) -> float:
        """See :meth:`Cell.log_symmetry`."""
        return lgamma(self.hidden + 1.0) + self.hidden * log(2.0)

    def expands(self, own: np.ndarray) -> bool:
        """See :meth:`Cell.expands`: spectral radius of the step from the state of rest, without input, above one."""
        kind, size = CELLS[self.kind], 2 * self.hidden
        a, b, g = np.zeros((size, size)), np.zeros((size, self.n_inputs)), np.zeros((size, len(own)))
        with np.errstate(all="ignore"):
            linearise(kind, np.ascontiguousarray(own), 0, self.shape, self.numbers, np.zeros(self.n_inputs), 1.0,
                      np.zeros(size), np.zeros(work_size(kind, self.shape)), a, b, g)  # fmt: skip
        return not np.isfinite(a).all() or np.max(np.abs(np.linalg.eigvals(a))) > 1.0 + ROUNDING
