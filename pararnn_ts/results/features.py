"""
What the recurrent units of a fitted model remember, and for how long: tables with standard errors.

The quantities are defined in :mod:`pararnn_ts.results.responses`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.curvature import derivative_by_data
from pararnn_ts.models.arguments import check_flag, given
from pararnn_ts.results.refusals import NotOfTheModel, NotOfTheSample
from pararnn_ts.results.responses import (
    Eigen,
    averaged_jacobians,
    averaged_response,
    dominant_eigenvalue,
    local_response,
    memory_length,
    slopes,
    variance_shares,
)
from pararnn_ts.results.trajectory import At, run_model
from pararnn_ts.specification import Specification, UnitWeights

__all__ = [
    "FittedUnits",
    "Measure",
    "averaged_jacobian",
    "lag_response",
    "lag_response_errors",
    "recurrence_features",
]

# A component that varies less than this fraction of the fitted values tells nothing about its unit.
NO_CONTRIBUTION = 1e-6
# The gain sums responses up to the lag where they have died out, at the latest this one; a note tells when more than
# this fraction of the memory is left by then.
LONGEST, REMAINDER = 1000, 1e-3
# Averages over time use at most this many rows, evenly spread over the sample.
MOST_ROWS = 4000
# Blocks of rows that the jackknife leaves out one at a time.
BLOCKS = 25
# Two standard errors: below it an estimate cannot be told from zero.
CRITICAL = 1.96


@one_blas_thread()
def recurrence_features(results: Any, sampling: bool = True) -> pd.DataFrame:
    r"""
    Kind, memory and weight of each recurrent unit, with standard errors.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    sampling : bool
        Whether standard errors are those of estimates of the process, which has other slopes and variances in another
        sample; otherwise the observations are held fixed and only the parameters are uncertain.

    Returns
    -------
    DataFrame
        One row per unit and the columns below; each number but `kind` and `note` is followed by its standard error
        (`modulus_se`, ...).

        kind
            "regular", "alternating" or "cyclical": the averaged Jacobian's eigenvalue of largest modulus is real and
            positive, real and negative, or one of a complex pair (for a unit of dimension 2 with two real eigenvalues,
            that of the larger one). "none" when no modulus exceeds 0.01.
        modulus
            :math:`|\lambda|`, the factor by which memory decays at each step.
        frequency, period
            Cycles per step, :math:`\arg(\lambda) / 2\pi` between 0 and 0.5, and steps per cycle. Known without
            error, 0 or 0.5, for regular and alternating units.
        half_life
            :math:`\log(1/2) / \log |\lambda|` steps; infinite when the modulus reaches one.
        gain
            :math:`\sum_j |R_k(j)|`, summed over the lags of the series, too. Exogenous inputs have their own columns,
            ``gain[name]``, in units of the series per unit of the input.
        share
            cov(component, fit) / var(fit): what the component contributes to the variance of the fitted values (after
            differencing). Together with the linear path's, the shares add up to one; one component may cancel part of
            another, hence shares below zero or above one.
        note
            What to know about the row, above all why a standard error is missing.

    Notes
    -----
    Standard errors have two parts. The uncertainty of the parameters comes in by the delta method; its gradients are
    central differences of the features with the fitted path recomputed, so the slopes of the activation move with the
    parameters. Averages over the sample vary from one sample to another around those of the process; their variance is
    that of a jackknife which leaves out blocks of rows [1]_. With the identity it is zero for all but the share, as the
    slopes are constant. Covariances between the two parts are neglected. The delta method fails at the
    edges of the parameter space, and standard errors are NaN there: for a unit that contributes nothing, for the memory
    of one whose modulus is within 1.96 standard errors of zero, for the half-life of one whose modulus is within 1.96
    standard errors of one, and for frequency (and a real modulus) where real and complex eigenvalues are both within
    1.96 standard errors.

    With identity activation the eigenvalues are the inverse MA roots of the equivalent ARMA.

    References
    ----------
    .. [1] Künsch, H. R. "The jackknife and the bootstrap for general stationary observations." Annals of Statistics 17
       (1989): 1217-1241.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> sunspots = prt.datasets.load_sunspots()
    >>> results = prt.ParaRNN(sunspots, lags=1, units=(2,), linear_lags=2).fit(n_starts=8, rng=0)
    >>> results.recurrence_features["kind"].tolist()
    ['cyclical']
    """
    fitted = FittedUnits(results)
    names = fitted.unit_names
    exog = fitted.specification.exog_names
    gains = ["gain", *(f"gain[{name}]" for name in exog)]
    lengths = [fitted.memory_length(number) for number in range(len(names))]

    def memory(at: FittedUnits, params: np.ndarray, path: Any, number: int) -> list[float]:
        eigen = dominant_eigenvalue(at.jacobian(params, path, number))
        weights, slope = at.unit(params, path, number)
        gain = np.abs(averaged_response(weights, slope, at.origins, lengths[number])).sum(axis=0)
        own = len(gain) - len(exog)
        return [eigen.modulus, eigen.angle, eigen.separation, eigen.lead, gain[:own].sum(), *gain[own:]]

    def memories(at: FittedUnits, params: np.ndarray, path: Any, numbers: list[int]) -> np.ndarray:
        return np.array([memory(at, params, path, number) for number in numbers])

    def shares(at: FittedUnits, params: np.ndarray, path: Any, numbers: list[int]) -> np.ndarray:
        return at.shares(path)[numbers]

    errors = np.column_stack(fitted.errors(Measure(memories, True), Measure(shares, False), sampling=sampling))
    rows = []
    for number, (length, error) in enumerate(zip(lengths, errors, strict=True)):
        values = memory(fitted, fitted.params, fitted.path, number)
        rows.append(
            _feature_row(
                dominant_eigenvalue(fitted.jacobian(fitted.params, fitted.path, number)),
                dict(zip(("modulus", "angle", "separation", "lead", *gains, "share"), error, strict=True)),
                {**dict(zip(gains, values[4:], strict=True)), "share": fitted.shares(fitted.path)[number]},
                contributes=fitted.contributes(number),
                truncated=length if values[0] ** length > REMAINDER else None,
            )
        )
    columns = ["kind", *(c for name in ("modulus", "frequency", "period", "half_life", *gains, "share")
                         for c in (name, f"{name}_se")), "note"]  # fmt: skip
    table = pd.DataFrame(rows, index=pd.Index(names, name="unit", dtype=object), columns=columns)
    # columns of a table without rows are of the same kind, too, and tables of several models can be joined
    numbers = [name for name in columns if name not in ("kind", "note")]
    return table if rows else table.astype(dict.fromkeys(numbers, float))


def lag_response(results: Any, max_lag: int = 20, local: bool = False) -> pd.DataFrame:
    """
    How each component responds to an input so many steps back.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    max_lag : int
        Last lag. Lag 0 is the unit's input itself: for the input "y.L1", lag j is the observation j + 1 steps back.
    local : bool
        Whether to return the response at every time instead of its average, the recurrence function.

    Returns
    -------
    DataFrame
        Rows are lags and columns (unit, input); with `local`, rows are the predicted times and columns (unit, input,
        lag), NaN where the sample does not reach back far enough.

    Notes
    -----
    The average is over the predicted rows, over at most 4,000 evenly spaced ones of a long series. A response to the
    series is a pure number, one to an exogenous input in units of the series per unit of the input. The linear path is
    not part of it.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4, rng=0)
    >>> results.lag_response(max_lag=3).shape, results.lag_response(max_lag=3, local=True).shape
    ((4, 1), (99, 4))
    """
    fitted = FittedUnits(results)
    _check_lag(max_lag, fitted)
    units = [fitted.unit(fitted.params, fitted.path, number) for number in range(len(fitted.unit_names))]
    columns = fitted.response_columns
    if not check_flag(local, "local"):
        parts = [averaged_response(weights, slope, fitted.origins, max_lag) for weights, slope in units]
        return pd.DataFrame(_beside(parts, max_lag + 1), pd.RangeIndex(max_lag + 1, name="lag"), columns)
    index = results.model.index[fitted.start : len(fitted.path.fitted)]
    origins = np.arange(len(index)) + fitted.start - fitted.first
    parts = [
        local_response(weights, slope, origins, max_lag).swapaxes(1, 2).reshape(len(index), -1)
        for weights, slope in units
    ]
    labels = [(*column, lag) for column in columns for lag in range(max_lag + 1)]
    return pd.DataFrame(
        _beside(parts, len(index)), index, pd.MultiIndex.from_tuples(labels, names=["unit", "input", "lag"])
    )


@one_blas_thread()
def lag_response_errors(results: Any, max_lag: int = 20, sampling: bool = True) -> pd.DataFrame:
    """
    Standard errors of :func:`lag_response`, in the same shape; `sampling` as in :func:`recurrence_features`.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.results.features import lag_response_errors
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4, rng=0)
    >>> lag_response_errors(results, max_lag=3).shape
    (4, 1)
    """
    fitted = FittedUnits(results)
    _check_lag(max_lag, fitted)

    def responses(at: FittedUnits, params: np.ndarray, path: Any, numbers: list[int]) -> np.ndarray:
        return np.array([averaged_response(*at.unit(params, path, k), at.origins, max_lag) for k in numbers])

    (parts,) = fitted.errors(Measure(responses, True), sampling=sampling)
    return pd.DataFrame(
        _beside(list(parts), max_lag + 1), pd.RangeIndex(max_lag + 1, name="lag"), fitted.response_columns
    )


def averaged_jacobian(results: Any) -> pd.DataFrame:
    """
    Eigenvalues of each unit's Jacobian, averaged over the fitted path.

    Returns
    -------
    DataFrame
        One row per eigenvalue, by falling modulus; the columns are real, imag, modulus and frequency (cycles per step).

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.results.features import averaged_jacobian
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4, rng=0)
    >>> averaged_jacobian(results).shape
    (1, 4)
    """
    fitted = FittedUnits(results)
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for number, name in enumerate(fitted.unit_names):
        roots = np.linalg.eigvals(fitted.jacobian(fitted.params, fitted.path, number))
        roots = roots[np.lexsort((-roots.imag, -roots.real, -np.abs(roots).round(12)))]
        for rank, root in enumerate(roots, start=1):
            frequency = abs(np.angle(root)) / (2 * np.pi)
            rows[name, rank] = {"real": root.real, "imag": root.imag, "modulus": abs(root), "frequency": frequency}
    index = pd.MultiIndex.from_tuples(list(rows), names=["unit", "eigenvalue"])
    return pd.DataFrame(list(rows.values()), index, ["real", "imag", "modulus", "frequency"])


class Measure(NamedTuple):
    """
    Something that is measured of units.

    Attributes
    ----------
    of : callable
        Function of a fitted model, whose rows it uses, parameters, their path and numbers of units; returns an array
        with a first axis of these units.
    apart : bool
        Whether what it is of a unit depends on that unit's parameters only, as long as no observation is missing.
    """

    of: Callable[[FittedUnits, np.ndarray, Any, list[int]], np.ndarray]
    apart: bool


class FittedUnits:
    """A fitted model as this module reads it: the path at its parameters, and what moves with each of them."""

    def __init__(self, results: Any) -> None:
        model = results.model
        specification = getattr(model, "specification", None)
        if not isinstance(specification, Specification):
            raise NotOfTheModel(
                f"Recurrence features belong to models with recurrent units (ParaRNN, ElmanRNN), not to "
                f"{type(model).__name__}; look at results.impulse_responses instead."
            )
        results.require_data()
        self.model, self.specification = model, specification
        self.params = np.array(results.params, dtype=float)
        # on the standardised scale a level of the series, which a bias makes up for, costs no digits
        self.to_data = results.details.to_data
        if not len(self.to_data):  # it went with the data of the fit
            self.to_data = np.eye(len(self.params))
        self.to_standard = derivative_by_data(self.to_data)
        self.root = self.to_standard @ results.covariance.root
        # results of `extend` go on from an earlier sample, and have states and predictions from their first row on
        self.past = getattr(results, "past", None)
        self.first = specification.first_state if self.past is None else 0
        self.start = specification.hold_back if self.past is None else 0
        self.path = self.run(self.params)
        rows = len(self.path.fitted)
        if rows <= self.start:
            raise NotOfTheSample(
                f"Recurrence features are averages over the rows that are predicted, but the {rows} rows of the sample "
                "are all given; apply the results to a longer series."
            )
        step = -(-(rows - self.start) // MOST_ROWS)
        # rows that averages are over, counted from `start`, and some of them counted from the first state
        self.rows = np.ones(rows - self.start, dtype=bool)
        self.origins = np.arange(self.start - self.first, rows - self.first, step)
        self.longest = min(LONGEST, max(rows - 1 - self.start, 2) // 2, int(self.origins[-1]))

    def without(self, block: int) -> FittedUnits:
        """Leave one of `BLOCKS` blocks of rows out of all averages."""
        part = copy(self)
        count = len(self.rows)
        part.rows = self.rows.copy()
        part.rows[count * block // BLOCKS : count * (block + 1) // BLOCKS] = False
        part.origins = self.origins[part.rows[self.origins - (self.start - self.first)]]
        return part

    def run(self, params: np.ndarray) -> Any:
        """Path of the model at other parameters."""
        return run_model(At(self.model, self.past, params))

    @property
    def unit_names(self) -> list[str]:
        """Names of the units."""
        return [f"unit{number}" for number in range(1, len(self.specification.units) + 1)]

    @property
    def response_columns(self) -> pd.MultiIndex:
        """Unit and input of each lag response."""
        return pd.MultiIndex.from_product([self.unit_names, self.specification.input_names], names=["unit", "input"])

    def unit(self, params: np.ndarray, path: Any, number: int) -> tuple[UnitWeights, np.ndarray]:
        """Weights and slopes of one unit."""
        specification = self.specification
        last = sum(specification.units[: number + 1])
        states = path.states[self.first :, last - specification.units[number] : last]
        return specification.unit_weights(params)[number], slopes(specification.activation, states)

    def jacobian(self, params: np.ndarray, path: Any, number: int) -> np.ndarray:
        """Averaged Jacobian of one unit."""
        return averaged_jacobians(self.specification, params, path.states[self.start :][self.rows])[number]

    def memory_length(self, number: int) -> int:
        """Lag at which the response of a unit has died out."""
        return memory_length(*self.unit(self.params, self.path, number), self.origins, self.longest)

    def differenced_fit(self, path: Any) -> np.ndarray:
        """Predictions of the differenced series, from the first predicted row on."""
        fitted = path.fitted[self.start :].copy()
        levels = path.filled if self.past is None else np.concatenate([self.past.levels, path.filled])
        first, n = len(levels) - len(fitted), len(levels)
        for lag, coefficient in enumerate(self.specification.difference[1:], start=1):
            fitted += coefficient * levels[first - lag : n - lag]
        return fitted

    def shares(self, path: Any) -> np.ndarray:
        """Shares of the units in the variance of the fitted values."""
        return variance_shares(self.differenced_fit(path)[self.rows], path.components[self.start :][self.rows])

    def contributes(self, number: int) -> bool:
        """Whether the component of a unit moves at all."""
        size = self.path.components[self.start :, number].std()
        return bool(size > NO_CONTRIBUTION * self.differenced_fit(self.path).std())

    def errors(self, *measures: Measure, sampling: bool) -> list[np.ndarray]:
        """
        Standard errors of measures: delta method, by central differences with the path recomputed, and jackknife.

        Parameters
        ----------
        *measures : Measure
            What is measured; paths at other parameters are made once for all of them.
        sampling : bool
            Whether to add the variance that comes from the rows being a sample.

        Returns
        -------
        list of ndarray
            Of the shape of each measure of all units.
        """
        everyone = list(range(len(self.specification.units)))
        if not everyone:
            return [np.empty((0, 0)) for _ in measures]
        owners: list[list[int]] = [everyone] * len(self.params)
        if not np.isnan(self.model._y).any():
            owners = [[] for _ in self.params]
            for number, part in enumerate(self.specification.unit_slices):
                owners[part] = [[number]] * (part.stop - part.start)
        owners = [owners[place] for place in np.flatnonzero(self.to_data.any(axis=1))]
        shapes = [measure.of(self, self.params, self.path, everyone).shape for measure in measures]
        gradients = [np.zeros((len(owners), *shape)) for shape in shapes]
        size = np.fmax(np.abs(self.to_standard @ self.params), np.linalg.norm(self.root, axis=1))
        # paths at a level far above their variation have fewer digits
        seen = self.model._y[np.isfinite(self.model._y)]
        with np.errstate(over="ignore"):
            spread = max(np.ptp(seen), 1e-300) if len(seen) else 1.0
        level = np.clip(np.abs(seen).max(initial=0.0) / spread, 1.0, 1e12)
        steps = np.cbrt(np.finfo(float).eps * level) * np.where(size > 0, size, 1.0)
        for position, (step, own) in enumerate(zip(steps, owners, strict=True)):
            touched = [own if measure.apart else everyone for measure in measures]
            for signed in (step, -step) if any(touched) else ():
                moved = self.params + signed * self.to_data[:, position]
                path = self.run(moved)
                for measure, gradient, numbers in zip(measures, gradients, touched, strict=True):
                    if numbers:
                        with np.errstate(invalid="ignore"):
                            gradient[position, numbers] += measure.of(self, moved, path, numbers) / (2 * signed)
        return [
            np.sqrt(self._variance(gradient) + (self._jackknife(measure) if sampling else 0.0))
            for measure, gradient in zip(measures, gradients, strict=True)
        ]

    def _variance(self, gradient: np.ndarray) -> np.ndarray:
        """Variance by the delta method of what has this gradient, (F, *shape)."""
        with np.errstate(invalid="ignore"):
            flat = self.root.T @ gradient.reshape(len(gradient), -1)
            return np.sum(flat**2, axis=0).reshape(gradient.shape[1:])

    def _jackknife(self, measure: Measure) -> np.ndarray | float:
        """Variance of a measure of all units that comes from the rows being a sample; zero of too few of them."""
        if len(self.rows) <= BLOCKS:
            return 0.0
        everyone = list(range(len(self.specification.units)))
        parts = [measure.of(part, self.params, self.path, everyone) for part in map(self.without, range(BLOCKS))]
        with np.errstate(invalid="ignore"):
            return (BLOCKS - 1) * np.var(parts, axis=0)


def _feature_row(
    eigen: Eigen, error: dict[str, float], values: dict[str, float], *, contributes: bool, truncated: int | None
) -> dict[str, Any]:
    """One row of the table; standard errors that the delta method cannot give are NaN, and the note says why."""
    nan = float("nan")
    cyclical = eigen.kind == "cyclical"
    row: dict[str, Any] = {"kind": eigen.kind, "modulus": eigen.modulus, **values}
    row |= {f"{name}_se": error[name] for name in ("modulus", *values)}
    frequency = nan if eigen.kind == "none" else eigen.angle / (2 * np.pi)
    row |= {"frequency": frequency, "frequency_se": error["angle"] / (2 * np.pi) if cyclical else nan}
    row["period"] = nan if eigen.kind == "none" else (1 / frequency if frequency > 0 else np.inf)
    row["period_se"] = row["frequency_se"] * row["period"] ** 2 if cyclical else nan
    decay = np.log(eigen.modulus) if eigen.modulus > 0 else -np.inf
    row["half_life"] = np.log(0.5) / decay if decay < 0 else np.inf
    row["half_life_se"] = nan
    if -np.inf < decay < 0:
        row["half_life_se"] = row["half_life"] / (-decay * eigen.modulus) * error["modulus"]

    notes = []
    if not np.isfinite(error["share"]):
        notes.append("no standard errors: the covariance of the parameters is not available")
    if not contributes:
        notes.append("contributes nothing, its memory is not identified")
        row |= {name: nan for name in row if name.endswith("_se")}
    elif eigen.kind == "none":
        notes.append("no memory beyond one step")
        row |= {"modulus_se": nan, "half_life_se": nan}
    else:
        undetermined = eigen.separation <= CRITICAL * error["separation"]
        kink = undetermined and not cyclical
        if undetermined:
            notes.append("real and complex eigenvalues both within two standard errors")
            row |= {"frequency_se": nan, "period_se": nan}
        if kink:
            row |= {"modulus_se": nan, "half_life_se": nan}
        elif eigen.modulus <= CRITICAL * error["modulus"]:
            notes.append("memory not distinguishable from none")
            row |= {"half_life_se": nan, "frequency_se": nan, "period_se": nan}
        if eigen.lead <= CRITICAL * error["lead"]:
            notes.append("an eigenvalue of another kind has nearly the same modulus")
    if eigen.modulus >= 1:
        notes.append("averaged Jacobian does not decay")
    elif 1 - eigen.modulus <= CRITICAL * row["modulus_se"] and eigen.modulus > CRITICAL * error["modulus"]:
        notes.append("the memory may be endless, the modulus being within two standard errors of one")
        row["half_life_se"] = nan
    if contributes and truncated is not None:
        notes.append(f"long memory: gain is the sum up to lag {truncated}")
    row["note"] = "; ".join(notes)
    return row


def _beside(parts: list[np.ndarray], rows: int) -> np.ndarray:
    return np.column_stack(parts) if parts else np.empty((rows, 0))


def _check_lag(max_lag: int, fitted: FittedUnits) -> None:
    last = int(fitted.origins[-1])
    if isinstance(max_lag, bool) or not isinstance(max_lag, Integral) or not 0 <= max_lag <= last:
        raise ValueError(f"max_lag must lie between 0 and {last}, the length of the sample, but is {given(max_lag)}.")
