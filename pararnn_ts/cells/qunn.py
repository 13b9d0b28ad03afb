"""Cells that turn a vector of amplitudes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pararnn_ts.cells.base import Cell, Expansion
from pararnn_ts.specification import GROUPS

__all__ = ["QUNNCell"]


@dataclass(frozen=True)
class QUNNCell(Cell):
    """
    Rotations of a chain of sites; see `QUNN` for the mathematics and `kernels.qunn` for packing.

    Parameters
    ----------
    qubits, n_inputs : int
        q and m.
    memory : int
        Inputs that a prediction reads, in mode "lag".
    couplings : {"uniform", "site"}
        Whether sites share their angles.
    tie : bool
        Whether the constants a are the same in all memory steps (or layers).
    mode : {"lag", "shared"}
        A set of angles for each memory step, or one streaming set.
    layers : int
        Sets of rotations for each input, in mode "shared".
    """

    qubits: int
    n_inputs: int
    memory: int = 1
    couplings: str = "uniform"
    tie: bool = False
    mode: str = "lag"
    layers: int = 1

    absorbs_location = False

    @property
    def kind(self) -> str:  # type: ignore[override]
        """See `kernels.cells.CELLS`."""
        return f"qunn {self.mode}"

    @property
    def warm_up(self) -> int:  # type: ignore[override]
        """Rows of inputs before the first prediction."""
        return self.memory - 1 if self.mode == "lag" else 0

    @property
    def has_standard_errors(self) -> bool:
        """Angles have none: they are periodic, and output weights can undo rotations."""
        return False

    @property
    def n_outputs(self) -> int:
        """See :attr:`Cell.n_outputs`."""
        return 2**self.qubits

    @property
    def blocks(self) -> int:
        """Memory steps or layers."""
        return self.memory if self.mode == "lag" else self.layers

    @cached_property
    def families(self) -> tuple[list[str], np.ndarray]:
        """Names of the angles of one block, and the one that each generator uses."""
        q = self.qubits
        if self.couplings == "site":
            names = [f"{kind}{j}" for kind, n in (("field", q), ("right", q - 1), ("left", q - 1))
                     for j in range(1, n + 1)]  # fmt: skip
            return names, np.arange(3 * q - 2)
        names = ["field", "right", "left"] if q > 1 else ["field"]
        return names, np.repeat([0, 1, 2], [q, q - 1, q - 1])

    @property
    def initial_state(self) -> np.ndarray:
        """See :attr:`Cell.initial_state`: equal amplitudes of length one, and zeros where inputs will be."""
        d = self.n_outputs
        kept = self.memory * self.n_inputs if self.mode == "lag" else 0
        return np.concatenate([np.full(d, 1.0 / np.sqrt(d)), np.zeros(kept)])

    @property
    def shape(self) -> np.ndarray:
        """See :attr:`Cell.shape`."""
        return np.array([self.n_outputs, self.n_inputs, self.qubits, self.blocks])

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the constants, (blocks, families), and of the first input weights beside them."""
        n, m, blocks = len(self.families[0]), self.n_inputs, self.blocks
        grid = np.arange(blocks * n).reshape(blocks, n)
        if self.tie:
            return np.tile(np.arange(n), (blocks, 1)), n + m * grid
        return (1 + m) * grid, (1 + m) * grid + 1

    @cached_property
    def expansion(self) -> Expansion:  # type: ignore[override]
        """See :attr:`Cell.expansion`."""
        constants, inputs = (places[:, self.families[1]] for places in self._places)
        columns = [constants[..., None], inputs[..., None] + np.arange(self.n_inputs)]
        index = np.concatenate(columns, axis=2).ravel()
        return Expansion(index, np.ones(len(index)), np.zeros(len(index)))

    @cached_property
    def groups(self) -> np.ndarray:  # type: ignore[override]
        """
        See :attr:`Cell.groups`: the constants evolve the state on their own.

        The input weights of each memory step are a group, so that the evidence says which steps matter.
        """
        n, m, blocks = len(self.families[0]), self.n_inputs, self.blocks
        groups = np.full((n if self.tie else blocks * n) + blocks * n * m, GROUPS["recurrent"])
        own = len(GROUPS) + np.arange(blocks) if self.relevance_names else np.full(blocks, GROUPS["input"])
        for j in range(m):
            groups[self._places[1] + j] = own[:, None]
        return groups

    @property
    def relevance_names(self) -> tuple[str, ...]:
        """See :attr:`Cell.relevance_names`."""
        if self.mode == "shared" or self.blocks == 1:
            return ()
        return tuple(f"input.M{self.blocks - r}" for r in range(self.blocks))

    @property
    def input_blocks(self) -> list[tuple[int, int | None]]:
        """See :attr:`Cell.input_blocks`: inputs are measured from a fixed location, no constant moves."""
        return [(int(first), None) for first in self._places[1].ravel()]

    def names(self, inputs: tuple[str, ...]) -> list[str]:
        """See :meth:`Cell.names`; M1 is the latest memory step."""
        kinds, n = self.families[0], self.blocks
        blocks = [f"M{n - r}." if self.mode == "lag" else f"layer{r + 1}." for r in range(n)]
        names = [""] * len(self.groups)
        for r, block in enumerate(blocks):
            for f, family in enumerate(kinds):
                constant, first = self._places[0][r, f], self._places[1][r, f]
                names[constant] = f"a[{family}]" if self.tie else f"{block}a[{family}]"
                for j, name in enumerate(inputs):
                    names[first + j] = f"{block}B[{family},{name}]"
        return names
