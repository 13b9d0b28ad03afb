"""Start values of the weights of cells on the standardised scale."""

from __future__ import annotations

from functools import singledispatch
from math import comb

import numpy as np

from pararnn_ts.cells import STEEPEST, Cell, CellSpecification, LSTMCell, ODECell, QUNNCell
from pararnn_ts.kernels.cells import CELLS, run_inputs

__all__ = ["cell_starts", "random_cell"]

# rows of noise on which the size of a state is tried, and adjustments of the input weights
TRIAL, ADJUSTMENTS = 200, 4
# modulus that a drawn cell should have at rest, and how often its coupling is weakened to that end; an Euler step of an
# antisymmetric system never stays below one
MODULUS, HALVINGS = 0.98, 20


def cell_starts(specification: CellSpecification, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """
    Draw start values, one row each; the linear path and the output weights are zero.

    Parameters
    ----------
    specification : CellSpecification
        The model.
    n_starts : int
        Rows.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, (n_starts, P)
        The first step of the optimiser solves for everything that enters linearly.
    """
    starts = np.zeros((n_starts, specification.n_params))
    for row in starts:
        row[specification.cell_slice] = random_cell(specification.cell, rng)
    return starts


@singledispatch
def random_cell(cell: Cell, rng: np.random.Generator) -> np.ndarray:
    """
    Draw parameters of a cell whose memory and degree of nonlinearity vary over their useful ranges.

    Parameters
    ----------
    cell : Cell
        The cell; its inputs have variance one.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray
    """
    raise TypeError(f"no start values are known for a {type(cell).__name__}; register a function for it.")


@random_cell.register
def _random_ode(cell: ODECell, rng: np.random.Generator) -> np.ndarray:
    d, t = cell.hidden, cell.order
    own = rng.standard_normal(len(cell.groups))
    last = len(own) - d * (cell.n_inputs + 1)
    steepest = STEEPEST[cell.activation]
    # every state on its own decays at a rate between one step and ten
    rate = np.exp(rng.uniform(np.log(0.1), 0.0)) / cell.step
    alone = np.zeros(last)
    if not cell.antisymmetric:
        wanted = [comb(t, j) * rate ** (t - j) for j in range(t)]
        alone = np.concatenate([
            (beta - coefficient) / steepest * np.eye(d).ravel()
            for beta, coefficient in zip(cell.damping, wanted, strict=True)
        ])  # fmt: skip
    coupling = np.exp(rng.uniform(np.log(0.2), np.log(2.0))) / np.sqrt(d) / cell.step**t * own[:last]
    for _ in range(HALVINGS):
        own[:last] = alone + coupling
        if np.max(np.abs(np.linalg.eigvals(cell.step_jacobian(own, np.full(d, steepest))))) <= MODULUS:
            break
        coupling *= 0.7
    own[last:] /= np.sqrt(cell.n_inputs)
    return _sized(cell, own, last, rng)


@random_cell.register
def _random_lstm(cell: LSTMCell, rng: np.random.Generator) -> np.ndarray:
    d, m = cell.hidden, cell.n_inputs
    own = rng.standard_normal(len(cell.groups))
    own[: 4 * d * d] *= np.exp(rng.uniform(np.log(0.2), np.log(1.0))) / np.sqrt(d)
    own[4 * d * d : 4 * d * (d + m)] /= np.sqrt(m)
    bias = own[4 * d * (d + m) :].reshape(4, d)
    bias *= 0.3
    # gates that remember for one to some twenty steps
    bias[1] = rng.uniform(0.0, 3.0, d)
    # the gate of the cell alone sets the size of the state
    first = 4 * d * d + 3 * d * m
    size = np.exp(rng.uniform(np.log(0.1), np.log(1.0)))
    own[first : first + d * m] *= size
    bias[3] *= size
    return own


@random_cell.register
def _random_qunn(cell: QUNNCell, rng: np.random.Generator) -> np.ndarray:
    # a walk of angles turns the state by about the square root of its length
    size = np.exp(rng.uniform(np.log(0.03), np.log(0.3)))
    return size * rng.standard_normal(len(cell.groups))


def _sized(cell: ODECell, own: np.ndarray, first: int, rng: np.random.Generator) -> np.ndarray:
    """Scale the input weights, from item `first` on, so that states of noise have a size drawn at random."""
    target = np.exp(rng.uniform(np.log(0.1), np.log(0.8)))
    x = rng.standard_normal((TRIAL, cell.n_inputs))
    for _ in range(ADJUSTMENTS):
        states = np.empty((TRIAL, len(cell.initial_state)))
        with np.errstate(all="ignore"):
            run_inputs(CELLS[cell.kind], cell.weights(own), 0, cell.shape, cell.numbers, x, 1.0,
                       cell.initial_state, states)  # fmt: skip
            size = np.sqrt(np.mean(states[TRIAL // 2 :, : cell.n_outputs] ** 2))
        if not np.isfinite(size) or size <= 0.0:
            size = 1e3
        own[first:] *= np.clip(target / size, 0.1, 10.0)
    return own
