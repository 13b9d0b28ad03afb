"""A frozen description of one additive recurrent model: what enters, how parameters are packed, their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["GROUPS", "SeriesLayout", "Specification", "UnitWeights", "lags_in_words", "runs"]

# prior groups of the evidence penalty; deterministic terms belong to none (-1)
GROUPS = {"recurrent": 0, "input": 1, "output": 2, "linear": 3}


class UnitWeights(NamedTuple):
    """Weights of one unit: h_t = act(W h_{t-1} + U x_t + b), component v'h_t."""

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray
    v: np.ndarray


class SeriesLayout:
    """
    What every description of an additive recurrent model has: deterministic terms, a linear path, recurrent parts.

    Estimation and results read a description only through what is here and through its `units`, the number of states
    of each recurrent part that enter the prediction. A subclass is a frozen dataclass with the fields annotated below
    (see `Specification`) that supplies the properties which raise here.
    """

    endog_name: str
    lags: tuple[int, ...]
    linear_lags: tuple[int, ...]
    deterministic_names: tuple[str, ...]
    exog_names: tuple[str, ...]
    difference: tuple[float, ...]
    hold_back: int

    @property
    def unit_slices(self) -> tuple[slice, ...]:
        """Positions of each recurrent part's weights in the parameter vector, output weights last."""
        raise NotImplementedError

    @property
    def n_params(self) -> int:
        """Length of the parameter vector."""
        raise NotImplementedError

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        raise NotImplementedError

    @property
    def groups(self) -> np.ndarray:
        """Prior group of each parameter, see `GROUPS`; -1: not penalised."""
        raise NotImplementedError

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the prior groups in the order of their numbers: `GROUPS` first, then those of the model alone."""
        return tuple(GROUPS)

    @property
    def input_blocks(self) -> tuple[tuple[int, int | None], ...]:
        """
        Where each set of input weights begins, and where the constant beside it is (None where there is none).

        This is what the locations and scales of inputs act on.
        """
        raise NotImplementedError

    @property
    def initial_state(self) -> np.ndarray:
        """State before the sample."""
        raise NotImplementedError

    @property
    def order_of_difference(self) -> int:
        """Rows lost to differencing."""
        return len(self.difference) - 1

    @property
    def reach(self) -> int:
        """Past values of the series that one prediction needs."""
        return max([0, *self.lags, *self.linear_lags]) + self.order_of_difference

    @property
    def least_hold_back(self) -> int:
        """Rows at the start for which no prediction can be made."""
        return self.reach

    @property
    def first_state(self) -> int:
        """First row at which the units' inputs are available, where the recursion starts."""
        return max([0, *self.lags]) + self.order_of_difference

    @cached_property
    def linear_lag_ranks(self) -> np.ndarray:
        """
        Prior standard deviations of the linear lags are one over these: lag j of the run 1, 2, 3, ... has rank j.

        That recent lags matter most is the prior of Litterman (1986). A lag outside the run, a seasonal one, was named
        on purpose and has rank one.
        """
        return np.array(
            [lag if lag == place else 1 for place, lag in enumerate(self.linear_lags, start=1)], dtype=float
        )

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the units' inputs."""
        return (*(f"{self.endog_name}.L{k}" for k in self.lags), *self.exog_names)

    @property
    def linear_names(self) -> tuple[str, ...]:
        """Names of the linear path's columns, deterministic terms left out."""
        return (*(f"{self.endog_name}.L{k}" for k in self.linear_lags), *self.exog_names)

    @property
    def n_inputs(self) -> int:
        """Inputs of a unit."""
        return len(self.lags) + len(self.exog_names)

    @property
    def n_deterministic(self) -> int:
        """Deterministic terms."""
        return len(self.deterministic_names)

    @property
    def n_linear(self) -> int:
        """Columns that enter linearly, deterministic terms included."""
        return self.n_deterministic + len(self.linear_lags) + len(self.exog_names)

    @cached_property
    def is_linear(self) -> np.ndarray:
        """Which parameters the prediction is linear in, the others held fixed."""
        return (self.groups < 0) | (self.groups == GROUPS["linear"]) | (self.groups == GROUPS["output"])


@dataclass(frozen=True)
class Specification(SeriesLayout):
    """
    Layout of a model with deterministic terms, a linear path and recurrent units.

    Parameters
    ----------
    endog_name : str
        Name of the series.
    lags : tuple of int
        Lags of the (differenced) series that feed the units.
    linear_lags : tuple of int
        Lags that enter linearly.
    units : tuple of int
        Dimension of each unit.
    activation : str
        "tanh", "relu", "logistic" or "identity".
    deterministic_names, exog_names : tuple of str
        Columns of the deterministic terms and of the exogenous values. Exogenous values of time t feed the units and
        enter linearly.
    difference : tuple of float
        Coefficients c of the differencing polynomial, c[0] = 1; (1.0,) for none.
    hold_back : int
        Rows at the start of the sample that are not predicted; at least the reach of lags and differencing.

    Examples
    --------
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (1,), (1,), "tanh", ("const",), (), (1.0,), 1)
    >>> spec.param_names
    ('const', 'linear.y.L1', 'unit1.W', 'unit1.U[y.L1]', 'unit1.b', 'unit1.v')
    """

    endog_name: str
    lags: tuple[int, ...]
    linear_lags: tuple[int, ...]
    units: tuple[int, ...]
    activation: str
    deterministic_names: tuple[str, ...] = ()
    exog_names: tuple[str, ...] = ()
    difference: tuple[float, ...] = (1.0,)
    hold_back: int = 0

    @property
    def initial_state(self) -> np.ndarray:
        """State before the sample."""
        return np.zeros(sum(self.units))

    @cached_property
    def unit_slices(self) -> tuple[slice, ...]:
        """Positions of each unit's weights in the parameter vector."""
        slices, first = [], self.n_linear
        for d in self.units:
            last = first + d * d + d * self.n_inputs + 2 * d
            slices.append(slice(first, last))
            first = last
        return tuple(slices)

    @cached_property
    def input_blocks(self) -> tuple[tuple[int, int | None], ...]:
        """Positions of the first input weight of each state and of its constant."""
        m = self.n_inputs
        return tuple(
            (part.start + d * d + i * m, part.start + d * d + d * m + i)
            for d, part in zip(self.units, self.unit_slices, strict=True)
            for i in range(d)
        )

    @property
    def n_params(self) -> int:
        """Length of the parameter vector."""
        return self.unit_slices[-1].stop if self.units else self.n_linear

    @cached_property
    def param_names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        names = [*self.deterministic_names, *(f"linear.{name}" for name in self.linear_names)]
        for number, d in enumerate(self.units, start=1):
            unit = f"unit{number}"
            if d == 1:
                names += [f"{unit}.W", *(f"{unit}.U[{name}]" for name in self.input_names), f"{unit}.b", f"{unit}.v"]
                continue
            rows = range(1, d + 1)
            names += [f"{unit}.W[{i},{j}]" for i in rows for j in rows]
            names += [f"{unit}.U[{i},{name}]" for i in rows for name in self.input_names]
            names += [f"{unit}.b[{i}]" for i in rows] + [f"{unit}.v[{i}]" for i in rows]
        return tuple(names)

    @cached_property
    def groups(self) -> np.ndarray:
        """Prior group of each parameter, see `GROUPS`; -1: not penalised."""
        groups = [-1] * self.n_deterministic + [GROUPS["linear"]] * (self.n_linear - self.n_deterministic)
        for d in self.units:
            groups += [GROUPS["recurrent"]] * (d * d) + [GROUPS["input"]] * (d * self.n_inputs + d)
            groups += [GROUPS["output"]] * d
        return np.array(groups, dtype=np.int64)

    def unit_weights(self, params: np.ndarray) -> list[UnitWeights]:
        """Weights of each unit, as arrays that own their memory."""
        weights, m = [], self.n_inputs
        for d, part in zip(self.units, self.unit_slices, strict=True):
            own, (w, u, b) = np.array(params[part]), np.cumsum([d * d, d * m, d])
            weights.append(UnitWeights(own[:w].reshape(d, d), own[w:u].reshape(d, m), own[u:b], own[b:]))
        return weights

    def join(self, linear: np.ndarray, units: Sequence[UnitWeights]) -> np.ndarray:
        """Parameter vector from the linear coefficients (deterministic terms first) and the units' weights."""
        return np.concatenate([np.asarray(linear, float), *(np.asarray(a, float).ravel() for w in units for a in w)])


def lags_in_words(lags: Sequence[int]) -> str:
    """
    Lags, runs of them written as ranges.

    Parameters
    ----------
    lags : sequence of int
        The lags, in order.

    Returns
    -------
    str

    Examples
    --------
    >>> from pararnn_ts.specification import lags_in_words
    >>> lags_in_words((1, 2, 3, 4, 12)), lags_in_words([1, 2]), lags_in_words([])
    ('1-4,12', '1-2', 'none')
    """
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs(lags)) or "none"


def runs(numbers: Sequence[int]) -> list[list[int]]:
    """
    Runs of numbers that follow one another.

    Examples
    --------
    >>> from pararnn_ts.specification import runs
    >>> runs([1, 2, 3, 12])
    [[1, 2, 3], [12]]
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found
