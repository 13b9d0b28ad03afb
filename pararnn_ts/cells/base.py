"""What estimation and kernels must know of any cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["ROUNDING", "Cell", "Expansion", "order_and_sign"]

# a modulus that exceeds one by less is one
ROUNDING = 1e-9


class Expansion(NamedTuple):
    """Weights from parameters: ``weights = sign * params[source] + offset``."""

    source: np.ndarray
    sign: np.ndarray
    offset: np.ndarray


class Cell:
    """
    What estimation and kernels must know of a cell.

    A subclass is a frozen dataclass that supplies `kind`, `n_outputs` (the states that predictions read, first in the
    state), `n_inputs`, `initial_state`, `shape` and `numbers` (see `kernels.cells`), `expansion`, `groups`,
    `input_blocks` and `names`; and `canonical`, `log_symmetry` and `expands` where the defaults, no symmetry and no
    expansion, do not hold.
    """

    kind: str
    # rows of inputs that must precede the first prediction
    warm_up = 0
    # whether a constant stands beside every set of input weights, which takes up locations of the inputs
    absorbs_location = True

    @property
    def n_outputs(self) -> int:
        """States that enter the prediction."""
        raise NotImplementedError

    @property
    def initial_state(self) -> np.ndarray:
        """State before the sample."""
        raise NotImplementedError

    @property
    def shape(self) -> np.ndarray:
        """Dimensions, as the kernel reads them."""
        raise NotImplementedError

    @property
    def numbers(self) -> np.ndarray:
        """Constants, as the kernel reads them."""
        return np.zeros(1)

    @property
    def expansion(self) -> Expansion:
        """Map from parameters to weights."""
        n = len(self.groups)
        return Expansion(np.arange(n), np.ones(n), np.zeros(n))

    @property
    def groups(self) -> np.ndarray:
        """Prior group of each parameter."""
        raise NotImplementedError

    @property
    def relevance_names(self) -> tuple[str, ...]:
        """Prior groups of the cell's own, numbered after those of every model."""
        return ()

    @property
    def input_blocks(self) -> list[tuple[int, int | None]]:
        """Position of each set of input weights and of its constant."""
        raise NotImplementedError

    def names(self, inputs: tuple[str, ...]) -> list[str]:
        """Names of the parameters, given those of the inputs."""
        raise NotImplementedError

    def weights(self, own: np.ndarray) -> np.ndarray:
        """Weights of the cell from its parameters."""
        index, sign, offset = self.expansion
        return sign * own[index] + offset

    @property
    def has_standard_errors(self) -> bool:
        """Whether parameters are determined by the model, up to a finite number of images."""
        return True

    def canonical(self, own: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the representative of parameters and output weights that describe the same model."""
        return own, v

    def log_symmetry(self) -> float:
        """Log of the number of parameter vectors that describe the same model."""
        return 0.0

    def expands(self, own: np.ndarray) -> bool:
        """Whether the cell at rest can expand: it may latch into one of several states."""
        return False


def order_and_sign(v: np.ndarray, odd: bool) -> tuple[np.ndarray, np.ndarray]:
    """Order of states by falling size of their output weights, and signs that make these positive."""
    order = np.argsort(-np.abs(v), kind="stable")
    return order, np.where(v[order] < 0.0, -1.0, 1.0) if odd else np.ones(len(v))
