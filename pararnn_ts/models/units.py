"""Models that are sums of recurrent units beside a linear path: the recursion, its Jacobian, start values."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.problem import Problem
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.recursion import run_path, run_paths
from pararnn_ts.kernels.sensitivity import jacobian_rows
from pararnn_ts.models.arguments import MOST_STATES, check_choice, given
from pararnn_ts.models.options import SeriesOptions
from pararnn_ts.models.recurrent import Path, RecurrentModel
from pararnn_ts.models.starting import many_start_values, start_values
from pararnn_ts.specification import Specification

__all__ = ["UnitModel", "check_units"]


def check_units(units: Any) -> tuple[int, ...]:
    """
    Dimensions of the units: an integer n stands for n units of dimension 2.

    Examples
    --------
    >>> from pararnn_ts.models.units import check_units
    >>> check_units(2), check_units((1, 2)), check_units(())
    ((2, 2), (1, 2), ())
    """
    wanted = (
        f"units must be a non-negative integer or a sequence of positive dimensions, but is {given(units)}; pass for "
        "example units=(2,) or units=(1, 2)."
    )
    if isinstance(units, (bool, str)):
        raise TypeError(wanted)
    dims: tuple[int, ...] = (2,)
    try:
        times = operator.index(units)
    except TypeError:
        try:
            times, dims = 1, tuple(operator.index(d) for d in units)
        except TypeError:
            raise TypeError(wanted) from None
    if times < 0 or any(d < 1 for d in dims):
        raise ValueError(wanted)
    states = times * sum(dims)
    if states > MOST_STATES:
        raise ValueError(f"units may have {MOST_STATES:,} states in all, but {given(units)} has {states:,}.")
    return times * dims


class UnitModel(RecurrentModel):
    """
    Base of the models made of recurrent units; see `ParaRNN` for the mathematics.

    Parameters
    ----------
    endog : Series or array_like
        The series.
    exog : DataFrame or array_like, optional
        Exogenous values; those of time t feed the units and enter linearly.
    units : sequence of int, or int
        Dimension of each unit; an int n means n units of dimension 2. Not an option of every subclass, hence by
        position: the name alone is then refused as every unknown one.
    lags : int or list of int
        Lags of the series that feed the units.
    activation : {"tanh", "relu", "logistic", "identity"}
        Activation of the units.
    linear_lags : int or list of int, optional
        Lags that enter linearly; None: the same as `lags`.
    hold_back : int, optional
        Rows at the start that are not predicted, at least as many as lags and differencing need.
    errors : {"normal", "t"}
        Distribution of the shocks: normal, or Student's t with estimated degrees of freedom.
    """

    def __init__(
        self,
        endog: Any,
        exog: Any = None,
        units: int | Sequence[int] = (2,),
        /,
        *,
        lags: int | Sequence[int] = 1,
        activation: str = "tanh",
        linear_lags: int | Sequence[int] | None = None,
        hold_back: int | None = None,
        errors: str = "normal",
        **series: Unpack[SeriesOptions],
    ):
        self.units = check_units(units)
        self.activation = check_choice(activation, "activation", ACTIVATIONS)
        super().__init__(endog, exog, lags=lags, linear_lags=linear_lags, hold_back=hold_back, errors=errors, **series)

    def restructured(
        self,
        *,
        units: int | Sequence[int],
        lags: int | Sequence[int],
        linear_lags: int | Sequence[int],
        hold_back: int,
        errors: str,
    ):
        """
        Make a model of the same sample with other units, lags and errors, without looking at the data again.

        Parameters
        ----------
        units, lags, linear_lags, hold_back, errors
            As in the constructor.

        Returns
        -------
        model

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=(2,))
        >>> model.restructured(units=(1,), lags=2, linear_lags=0, hold_back=4, errors="t").param_names[:3]
        ['const', 'unit1.W', 'unit1.U[flow.L1]']
        """
        other, other_data = object.__new__(type(self)), object.__new__(type(self.data))
        other_data.__dict__.update(self.data.__dict__)
        other.__dict__.update({**self.__dict__, "constant_weights": self.constant_weights, "data": other_data})
        other.units = check_units(units)
        other._take_structure(lags, linear_lags, hold_back, errors)
        return other

    def _describe(self) -> Specification:
        if self.units and not self.lags and not self.exog_labels:
            raise ValueError("lags=0 leaves the units without input; choose lags of 1 or more, or pass exog.")
        return Specification(
            endog_name=str(self.endog_name),
            lags=self.lags if self.units else (),
            linear_lags=self.linear_lags,
            units=self.units,
            activation=self.activation,
            deterministic_names=tuple(self.deterministic_names),
            exog_names=tuple(self.exog_labels),
            difference=tuple(float(c) for c in self.difference),
        )

    def _problem(self, evidence: bool = True) -> Problem:
        return make_problem(self.specification, self._sample(), self.constant_weights, evidence)

    def _starts(self, problem: Problem, count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        return start_values(problem, count if self.units else 1, rng)

    def _many_starts(
        self, problems: Sequence[Problem], count: int, seed: int | None
    ) -> list[tuple[np.ndarray, list[str]]]:
        if seed is None or not self.units:
            return super()._many_starts(problems, count, seed)
        return many_start_values(problems, count, seed)

    def _layout(self) -> tuple:
        """Return the arguments with which every recursion begins, after the parameters."""
        spec = self.specification
        integers = (np.array(a, dtype=np.int64) for a in (spec.lags, spec.linear_lags))
        return (
            np.array(spec.units, dtype=np.int64),
            ACTIVATIONS[spec.activation],
            *integers,
            np.array(spec.difference),
        )

    def path(
        self,
        params: np.ndarray,
        y: np.ndarray | None = None,
        exog: np.ndarray | None = None,
        deterministic: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> Path:
        """
        Run the model along a series; missing values are filled by its own predictions on the way.

        Parameters
        ----------
        params : ndarray, (P,)
            Parameters.
        y : ndarray, (n,), optional
            The series in levels; the sample when not given. NaN at the end makes this a forecast.
        exog, deterministic : ndarray, (n, e) and (n, k), optional
            Exogenous values and deterministic terms of the same rows.
        state : ndarray, (sum of dimensions,), optional
            States to go on from. The first `specification.reach` rows are then the history, without gaps, and
            everything after them is predicted; by default the states are zero before the sample.

        Returns
        -------
        Path
            Predictions, components and states.
        """
        spec = self.specification
        y = self._y if y is None else y
        y = self._with_history(y) if state is None else np.array(y, dtype=float)
        n, n_states = len(y), sum(spec.units)
        if state is None:
            first, predicted, end = spec.first_state, spec.hold_back, np.zeros(n_states)
        else:
            first, predicted, end = spec.reach, spec.reach, np.array(state, dtype=float)
        linear, components = np.full(n, np.nan), np.full((n, len(spec.units)), np.nan)
        states = np.full((n, n_states), np.nan)
        run_path(
            np.ascontiguousarray(params, dtype=float), *self._layout(),
            self._det if deterministic is None else deterministic,
            self._exog if exog is None else np.ascontiguousarray(exog), y, np.zeros(n), first, predicted, end, states,
            linear, components,
        )  # fmt: skip
        return Path(linear + components.sum(axis=1), linear, components, states, end, y)

    def simulate_paths(
        self,
        params: np.ndarray,
        history: np.ndarray,
        deterministic: np.ndarray,
        exog: np.ndarray | None,
        shocks: np.ndarray,
        state: np.ndarray,
    ) -> np.ndarray:
        """
        Continue a series along many paths.

        Parameters
        ----------
        params : ndarray, (P,) or (S, P)
            Parameters, the same for all paths or one row for each.
        history : ndarray, (reach,)
            Last values of the series, without gaps.
        deterministic, exog : ndarray, (reach + h, k) and (reach + h, e)
            Rows of history and future.
        shocks : ndarray, (S, h)
            Shocks.
        state : ndarray, (sum of dimensions,) or (S, sum of dimensions)
            States after the history.

        Returns
        -------
        ndarray, (S, h)
            Paths in levels.
        """
        shocks = np.ascontiguousarray(shocks, dtype=float)
        paths = np.empty_like(shocks)
        exog = np.zeros((len(deterministic), 0)) if exog is None else np.ascontiguousarray(exog, dtype=float)
        run_paths(
            np.ascontiguousarray(np.atleast_2d(params), dtype=float), *self._layout(),
            np.ascontiguousarray(deterministic), exog, np.ascontiguousarray(history), shocks,
            np.ascontiguousarray(np.atleast_2d(state)), paths,
        )  # fmt: skip
        return paths

    def jacobian(
        self,
        params: np.ndarray,
        y: np.ndarray | None = None,
        exog: np.ndarray | None = None,
        deterministic: np.ndarray | None = None,
        missing: bool = False,
    ) -> np.ndarray:
        """
        Exact derivative of the one-step predictions with respect to the parameters.

        Parameters
        ----------
        params : ndarray, (P,)
            Parameters.
        y, exog, deterministic : ndarray, (n,), (n, e) and (n, k), optional
            The series in levels, exogenous values and deterministic terms of the same rows; the sample when not given.
        missing : bool
            Whether missing observations have rows, too: the derivative of the predictions that fill them.

        Returns
        -------
        ndarray, (n_used, P), or (n - hold_back, P) with `missing`
            A row for each observation in the objective; gaps and what follows from them are accounted for.
        """
        spec, y = self.specification, self._with_history(self._y if y is None else y)
        used = np.isfinite(y) | missing
        rows = np.empty((len(y) - spec.hold_back, spec.n_params + 1))
        one = np.ones(1 + spec.n_inputs)
        jacobian_rows(
            np.ascontiguousarray(params, dtype=float), *self._layout(),
            self._det if deterministic is None else deterministic,
            self._exog if exog is None else np.ascontiguousarray(exog), y, used.astype(float), spec.first_state,
            spec.hold_back, 0.0 * one, one, np.ones(len(spec.linear_lags)), rows,
        )  # fmt: skip
        return rows[used[spec.hold_back :], :-1]
