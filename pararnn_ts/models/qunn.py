"""QUNN: a reversible recurrent network of plane rotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from pararnn_ts.cells import QUNNCell
from pararnn_ts.estimation.problem import difference_series
from pararnn_ts.models.arguments import MOST_STATES, MOST_STEPS, check_choice, check_count, check_flag
from pararnn_ts.models.cell_model import CellModel, output_weights
from pararnn_ts.models.options import SeriesOptions

__all__ = ["QUNN"]

# sites whose state still fits: 2^12 amplitudes
MOST_QUBITS = 12


class QUNN(CellModel):
    r"""
    Quantum-inspired universal network: inputs turn a vector of length one, and a linear read-out predicts.

    The state h has :math:`d = 2^q` real amplitudes of a chain of q sites. At memory step k,

    .. math::

        h_k = \prod_g \exp\big((a_{r,g} + B_{r,g}' x_k) A_g\big)\, h_{k-1}, \qquad
        y_t = \tau' D_t + a' l_t + v' h_t + e_t,

    with the fixed antisymmetric generators of a transverse-field-Ising-like chain: -iY_j of each site ("field"),
    -iY_j Z_{j+1} ("right") and -iY_{j+1} Z_j ("left") of each pair of neighbours. Each factor is an exact plane
    rotation, so the evolution preserves length and is reversible, and gradients neither vanish nor explode along it,
    whatever the memory. With Pauli's matrices, -iY is ((0, -1), (1, 0)) and Z is diag(1, -1); site j is bit j - 1 of
    the index of an amplitude, from which `v[index + 1]` reads. Fields act first, then right and left couplings, each in
    the order of sites. Inputs x are measured from `input_location`.

    This update is our own construction with the properties that Niu, Horesh and Chuang (2019) state for their QUNN
    (reversible, preserves norms, parameters linear in the length of the memory and no other length); the formula of
    the paper was not available to us.

    Parameters
    ----------
    endog : Series or array_like
        The series; missing values are allowed.
    exog : DataFrame or array_like, optional
        Exogenous values, matched to `endog` by label. Those of time t are part of the input of step t and enter
        linearly.
    lags : int or list of int
        Lags of the series in the input of each step; with 1, `memory` steps read the last `memory` observations.
    memory : int
        Number of past steps that a prediction reads in mode "lag".
    couplings : {"uniform", "site"}
        Whether all sites share three angles (field, right and left coupling) or each has its own (3 q - 2 in all).
    tie : bool
        Whether the constants a are the same in all memory steps, so that only B differs between them.
    mode : {"lag", "shared"}
        "lag": each memory step has its own angles, and every prediction starts anew from equal amplitudes. "shared":
        the same angles at every step, and the state runs on along the series.
    qubits : int
        Number q of sites.
    layers : int
        Sets of rotations for each input, in mode "shared".
    input_location : sequence of float, optional
        Origin from which inputs are measured. None: their means in the sample. Copies of the model keep it.
    linear_lags : int or list of int, optional
        Lags that enter linearly. None: the same as `lags`; 0: none.
    hold_back : int, optional
        Number of rows at the start of the sample that are not predicted. None: as few as the memory allows.

    Notes
    -----
    With g = 3 (uniform) or 3 q - 2 (site) angles for each of t memory steps and m inputs, the network has
    t g (1 + m) + d parameters, g (1 + t m) + d with `tie`, and layers g (1 + m) + d in mode "shared". Angles are
    determined up to multiples of 2 pi and up to what v undoes, so no standard errors of them are reported.

    References
    ----------
    Niu, Horesh and Chuang (2019), arXiv 1904.12933.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> model = prt.QUNN(prt.datasets.load_nile(), memory=4, linear_lags=0)
    >>> len(model.param_names)  # 4 x 3 x 2 angles, 8 output weights, the constant
    33
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        *,
        lags: int | Sequence[int] = 1,
        memory: int = 10,
        couplings: str = "uniform",
        tie: bool = False,
        mode: str = "lag",
        qubits: int = 3,
        layers: int = 1,
        input_location: Sequence[float] | None = None,
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        **series: Unpack[SeriesOptions],
    ):
        self.memory = check_count(memory, "memory", most=MOST_STEPS)
        self.layers = check_count(layers, "layers", most=MOST_STATES)
        self.qubits = check_count(qubits, "qubits")
        if self.qubits > MOST_QUBITS:
            raise ValueError(f"qubits must be at most {MOST_QUBITS}, but is {qubits!r}; the state doubles with each.")
        self.couplings = check_choice(couplings, "couplings", ("uniform", "site"))
        self.mode = check_choice(mode, "mode", ("lag", "shared"))
        if mode == "lag" and self.layers > 1:
            raise ValueError(
                f"layers={layers!r} belongs to mode='shared'; mode 'lag' has one set for each memory step."
            )
        self.tie = check_flag(tie, "tie")
        self.input_location: tuple[float, ...] | None = None
        given = input_location
        super().__init__(endog, exog, lags=lags, linear_lags=linear_lags, hold_back=hold_back, **series)
        self.input_location = self._locate(given)

    def _locate(self, given: Any) -> tuple[float, ...]:
        """Location of each input: as given, or the mean of the (differenced) series and of the exogenous columns."""
        n = self.specification.n_inputs
        if given is not None:
            wanted = f"input_location must be {n} finite numbers, one for each input, but is {given!r}."
            try:
                location = np.array(given, dtype=float).ravel()
            except (TypeError, ValueError):
                raise TypeError(wanted) from None
            if len(location) != n or not np.isfinite(location).all():
                raise ValueError(wanted)
            return tuple(float(value) for value in location)
        target = difference_series(self._y, self.difference)
        seen = target[np.isfinite(target)]
        own = float(seen.mean()) if len(seen) else 0.0
        return (*[own] * len(self.lags), *(float(value) for value in self._exog.mean(axis=0)))

    @property
    def label(self) -> str:
        """The model in a few words."""
        reach = f"memory {self.memory}" if self.mode == "lag" else f"shared, layers {self.layers}"
        sites = f"{self.qubits} qubit{'s' * (self.qubits != 1)}"
        return f"QUNN({sites}), {reach}, {self.couplings}{', tied' if self.tie else ''}"

    def _parameter_note(self) -> str:
        cell, m = self.specification.cell, self.specification.n_inputs
        assert isinstance(cell, QUNNCell)
        g, blocks, d = len(cell.families[0]), cell.blocks, cell.n_outputs
        kind = f"{'memory step' if self.mode == 'lag' else 'layer'}{'s' * (blocks != 1)}"
        count = f"{g} x (1 + {blocks} x {m})" if self.tie else f"{blocks} x {g} x (1 + {m})"
        return (
            f"the network has {len(cell.groups) + d} parameters: {count} of the angles ({blocks} {kind}) and "
            f"{output_weights(d)}; angles have no standard errors, since multiples of 2 pi and rotations undone by the "
            "output weights leave the model unchanged"
        )

    def _make_cell(self, n_inputs: int) -> QUNNCell:
        return QUNNCell(
            qubits=self.qubits,
            n_inputs=n_inputs,
            memory=self.memory if self.mode == "lag" else 1,
            couplings=self.couplings,
            tie=self.tie,
            mode=self.mode,
            layers=self.layers,
        )

    def _input_location(self) -> np.ndarray:
        return np.array(self.input_location, dtype=float)
