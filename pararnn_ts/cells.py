"""
Frozen descriptions of recurrent cells and of the models that have one: constants, packing of parameters, names, images.

A kernel reads *weights*, all matrices written out. What is estimated are *parameters*, from which the weights follow by
a linear map: an antisymmetric matrix has half as many parameters as weights, uniform couplings repeat one angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log
from typing import NamedTuple

import numpy as np
from scipy import sparse

from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.cells import CELLS, linearise, work_size
from pararnn_ts.specification import GROUPS, SeriesLayout

__all__ = ["Cell", "CellSpecification", "Expansion", "LSTMCell", "ODECell", "QUNNCell", "runge_kutta"]

# largest slope of each activation, and those for which a state may change its sign
STEEPEST = {"tanh": 1.0, "relu": 1.0, "logistic": 0.25, "identity": 1.0}
ODD = ("tanh", "identity")
# a modulus that exceeds one by less is one
ROUNDING = 1e-9


class Expansion(NamedTuple):
    """Weights from parameters: ``weights = sign * params[source] + offset``."""

    source: np.ndarray
    sign: np.ndarray
    offset: np.ndarray


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


def _order(v: np.ndarray, odd: bool) -> tuple[np.ndarray, np.ndarray]:
    """Order of states by falling size of their output weights, and signs that make these positive."""
    order = np.argsort(-np.abs(v), kind="stable")
    return order, np.where(v[order] < 0.0, -1.0, 1.0) if odd else np.ones(len(v))


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
        order, sign = _order(v, self.activation in ODD)
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
        order, sign = _order(v, True)
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
