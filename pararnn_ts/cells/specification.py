"""The description of a model with one recurrent cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from pararnn_ts.cells.base import Cell, Expansion
from pararnn_ts.specification import GROUPS, SeriesLayout

__all__ = ["CellSpecification"]


@dataclass(frozen=True)
class CellSpecification(SeriesLayout):
    """
    Layout of a model with deterministic terms, a linear path and one recurrent cell.

    Parameters
    ----------
    endog_name, lags, linear_lags, deterministic_names, exog_names, difference, hold_back
        As in `Specification`.
    cell : Cell
        The cell.

    Examples
    --------
    >>> from pararnn_ts.cells import CellSpecification, LSTMCell
    >>> spec = CellSpecification("y", (1,), (), LSTMCell(1, 1), ("const",))
    >>> spec.n_params, spec.param_names[-2:]
    (14, ('cell.b[1]', 'v[1]'))
    """

    endog_name: str
    lags: tuple[int, ...]
    linear_lags: tuple[int, ...]
    cell: Cell
    deterministic_names: tuple[str, ...] = ()
    exog_names: tuple[str, ...] = ()
    difference: tuple[float, ...] = (1.0,)
    hold_back: int = 0

    @property
    def least_hold_back(self) -> int:
        """Rows at the start for which no prediction can be made."""
        return max(self.reach, self.first_state + self.cell.warm_up)

    @property
    def units(self) -> tuple[int, ...]:
        """States of the cell that enter the prediction."""
        return (self.cell.n_outputs,)

    @property
    def unit_slices(self) -> tuple[slice, ...]:
        """See :attr:`SeriesLayout.unit_slices`."""
        return (slice(self.n_linear, self.n_params),)

    @property
    def cell_slice(self) -> slice:
        """Positions of the parameters of the cell, output weights left out."""
        return slice(self.n_linear, self.n_linear + len(self.cell.groups))

    @property
    def n_params(self) -> int:
        """Length of the parameter vector."""
        return self.n_linear + len(self.cell.groups) + self.cell.n_outputs

    @cached_property
    def param_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the parameters in order."""
        outputs = (f"v[{a}]" for a in range(1, self.cell.n_outputs + 1))
        linear = (f"linear.{name}" for name in self.linear_names)
        return (*self.deterministic_names, *linear, *self.cell.names(self.input_names), *outputs)

    @cached_property
    def groups(self) -> np.ndarray:  # type: ignore[override]
        """Prior group of each parameter."""
        k, n = self.n_deterministic, self.n_linear - self.n_deterministic
        linear = np.repeat([-1, GROUPS["linear"]], [k, n])
        return np.concatenate([linear, self.cell.groups, np.full(self.cell.n_outputs, GROUPS["output"])])

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the prior groups in the order of their numbers."""
        return (*GROUPS, *self.cell.relevance_names)

    @property
    def input_blocks(self) -> tuple[tuple[int, int | None], ...]:
        """See :attr:`SeriesLayout.input_blocks`."""
        q = self.n_linear
        return tuple((q + u, None if b is None else q + b) for u, b in self.cell.input_blocks)

    @property
    def initial_state(self) -> np.ndarray:
        """State before the sample."""
        return self.cell.initial_state

    @cached_property
    def _expansion(self) -> Expansion:
        q, d, own = self.n_linear, self.cell.n_outputs, self.cell.expansion
        last = self.n_params - d
        return Expansion(
            np.concatenate([np.arange(q), q + own.source, last + np.arange(d)]),
            np.concatenate([np.ones(q), own.sign, np.ones(d)]),
            np.concatenate([np.zeros(q), own.offset, np.zeros(d)]),
        )

    @cached_property
    def _collapse(self) -> sparse.csr_matrix:
        index, sign, _ = self._expansion
        return sparse.csr_matrix((sign, (np.arange(len(index)), index)), shape=(len(index), self.n_params))

    def expand(self, params: np.ndarray) -> np.ndarray:
        """Weights, as kernels read them, of one parameter vector or of rows of them."""
        index, sign, offset = self._expansion
        return np.ascontiguousarray(sign * np.asarray(params, dtype=float)[..., index] + offset)

    def collapse(self, slopes: np.ndarray) -> np.ndarray:
        """Derivatives with respect to the parameters from those with respect to the weights, along the last axis."""
        index, sign, _ = self._expansion
        if np.array_equal(index, np.arange(self.n_params)) and sign.all():
            return slopes * sign
        return np.asarray(slopes @ self._collapse)
