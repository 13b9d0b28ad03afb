"""The standardised regression problem of an additive recurrent model, as the optimiser sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pararnn_ts.estimation.identification import canonical_form, log_symmetry, n_expansive
from pararnn_ts.estimation.scaling import Scaling, mean_square
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.damped_steps import advance, unit_rounds
from pararnn_ts.kernels.lanes import LANES, items
from pararnn_ts.kernels.recursion import run_path
from pararnn_ts.kernels.sensitivity import jacobian_rows
from pararnn_ts.kernels.start_state import from_lanes, to_lanes
from pararnn_ts.kernels.units import accumulate, work_size
from pararnn_ts.specification import Specification

__all__ = ["GappedProblem", "Problem", "RowProblem", "Sample", "UnitProblem", "difference_series", "path_residuals"]


def difference_series(y: np.ndarray, coefficients: Sequence[float] | np.ndarray) -> np.ndarray:
    """
    Apply a differencing polynomial along the last axis; the first items, which lack history, are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.problem import difference_series
    >>> difference_series(np.array([1.0, 4.0, 9.0, 16.0]), (1.0, -1.0))
    array([nan,  3.,  5.,  7.])
    """
    y = np.asarray(y, dtype=np.float64)
    n, order = y.shape[-1], len(coefficients) - 1
    out = np.full(y.shape, np.nan)
    if n > order:
        out[..., order:] = 0.0
        for lag, c in enumerate(coefficients):
            if c == 1.0:  # without a copy
                out[..., order:] += y[..., order - lag : n - lag]
            elif c != 0.0:  # a zero coefficient must not spread a missing value
                out[..., order:] += c * y[..., order - lag : n - lag]
    return out


@dataclass(frozen=True)
class Sample:
    """
    Arrays of one sample, in the data's units.

    Parameters
    ----------
    y : ndarray, (n,)
        The series in levels, NaN where missing; none missing in the rows held back.
    exog, deterministic : ndarray, (n, e) and (n, k)
        Exogenous values and deterministic terms.
    weight : ndarray, (n,)
        Square roots of the observation weights, or whether a row counts: zero for rows held back or missing.
    """

    y: np.ndarray
    exog: np.ndarray
    deterministic: np.ndarray
    weight: np.ndarray


class Problem:
    """
    What every least-squares problem tells the optimiser about its parameters.

    Parameters
    ----------
    specification : Specification
        The model.
    sample : Sample
        The data.
    scaling : Scaling
        Locations and scales.
    target : ndarray, (n,), optional
        The series after differencing, where it is known; it is standardised in place.
    """

    def __init__(
        self, specification: Specification, sample: Sample, scaling: Scaling, target: np.ndarray | None = None
    ):
        self.specification, self.sample, self.scaling = specification, sample, scaling
        self.group, self.linear = specification.groups, specification.is_linear
        self.n_obs = int(np.count_nonzero(sample.weight))
        self.target = difference_series(sample.y, specification.difference) if target is None else target
        self.target -= scaling.center[0]
        self.target /= scaling.scale[0]
        seen = (sample.weight > 0.0) & np.isfinite(self.target)
        # the few differences without gaps in them may all be zero; the series as a whole varies by one
        self.variance = mean_square(self.target, 0.0, seen) or 1.0

    @property
    def n_projected(self) -> int:
        """Leading parameters on which no derivative depends: those of the linear path, unless values are filled."""
        return self.specification.n_linear

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """Return a function ``(theta, gram)`` that fills the normal equations at `LANES` parameter vectors."""
        raise NotImplementedError

    def with_sample(self, sample: Sample) -> Problem:
        """Return the same problem for another sample, on the same scale."""
        return type(self)(self.specification, sample, self.scaling)

    def advance(self, rounds: int, state: np.ndarray, columns: np.ndarray, prior: np.ndarray, settings: tuple) -> None:
        """
        Take starts through up to `rounds` evaluations of the normal equations, as long as they run.

        Parameters
        ----------
        rounds : int
            How often.
        state : ndarray, (rows, n_starts)
            What the starts carry along, see :func:`pararnn_ts.kernels.start_state.part_ends`; updated.
        columns : ndarray of int
            The starts.
        prior, settings
            See :func:`pararnn_ts.kernels.damped_steps.advance`.
        """
        evaluate, (group, linear, n_obs, space, trial_gram, work) = self.evaluator(), self._steps(state)
        for first in range(0, len(columns), LANES):
            theta, trial, gram, alpha, table, best = to_lanes(state, columns, first, len(group), len(prior), space)
            for _ in range(rounds):
                evaluate(trial, trial_gram)
                if not advance(theta, trial, gram, trial_gram, alpha, group, prior, linear, n_obs, table, best,
                               settings, work):  # fmt: skip
                    break
            from_lanes(state, columns, first, space)

    def _steps(self, state: np.ndarray) -> tuple:
        """What steps need to know of the problem, and space for a block of starts, its products and the steps."""
        n = len(self.group)
        spaces = items(len(state)), items((n + 1) ** 2), items(n * n + 3 * n + 1)
        return self.group, self.linear, float(self.n_obs), *spaces

    def head(self, rows: int) -> Problem:
        """Return the problem of the first rows of the sample, on the same scale."""
        s = self.sample
        return self.with_sample(Sample(s.y[:rows], s.exog[:rows], s.deterministic[:rows], s.weight[:rows]))

    def reweighted(self, weights: np.ndarray) -> Problem:
        """Return the problem with a weight for each observation in the objective."""
        root = np.array(self.sample.weight, dtype=float)
        root[root > 0.0] *= np.sqrt(weights)
        return self.with_sample(replace(self.sample, weight=root))

    def expand(self, free: np.ndarray) -> np.ndarray:
        """All parameters from those that are estimated: the same ones, where none is held at a value."""
        return free

    def derivative(self) -> np.ndarray:
        """Derivative of all parameters in the data's units with respect to the estimated ones, standardised."""
        return self.scaling.jacobian()

    def whole_products(self, params: np.ndarray) -> np.ndarray:
        """Products of all parameters' Jacobian at values of those that are estimated; see :meth:`products`."""
        return self.products(params)

    def with_mean(self, params: np.ndarray, mean: float) -> np.ndarray:
        """Parameters whose predictions are larger by `mean`, where the model has a constant that can be moved."""
        moved = np.array(params)
        moved[: self.specification.n_deterministic] += mean * self.scaling.constant * self.scaling.deterministic_scale
        return moved

    def linear_design(self) -> np.ndarray | None:
        """Columns of the linear path in the rows of the objective; None where values must be filled to know them."""
        return None

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """Residuals of the observations in the objective at one parameter vector, without their weights."""
        raise NotImplementedError

    def canonical(self, params: np.ndarray, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the representative of the parameters that describe the same model, and its products.

        Parameters
        ----------
        params : ndarray, (F,)
            Parameters that are estimated.
        products : ndarray
            What :meth:`whole_products` returns for them.
        """
        moved, there = canonical_form(self.specification, params[None], products[None])
        return moved[0], there[0]

    def n_expansive(self, params: np.ndarray) -> np.ndarray:
        """Count the recurrent parts that can expand, for each row of `params`."""
        return n_expansive(self.specification, params)

    def log_symmetry(self, alive: Sequence[bool]) -> float:
        """Log of the number of parameter vectors that describe the same model; `alive`: which parts contribute."""
        return log_symmetry(self.specification, alive)

    def products(self, params: np.ndarray) -> np.ndarray:
        """Products M'M of M = [Jacobian, residual] at one parameter vector."""
        size = len(params) + 1
        gram = items(size * size)
        self.evaluator()(np.repeat(params, LANES), gram)
        lower = np.tril(gram.reshape(size, size, LANES)[:, :, 0])
        return lower + np.tril(lower, -1).T


class UnitProblem(Problem):
    """A sample without gaps: lanes of starts, forward sensitivities by unit."""

    def __init__(
        self, specification: Specification, sample: Sample, scaling: Scaling, target: np.ndarray | None = None
    ):
        super().__init__(specification, sample, scaling, target)
        columns = _unit_columns(specification, [sample], [scaling], self.target[None])
        self._take(*(part[0] for part in columns))

    def _take(
        self, x: np.ndarray, linear_columns: np.ndarray, weight: np.ndarray, y: np.ndarray, linear_gram: np.ndarray
    ) -> None:
        self.units = np.array(self.specification.units, dtype=np.int64)
        self.activation = ACTIVATIONS[self.specification.activation]
        self.x, self.linear_columns, self.weight, self.y = x, linear_columns, weight, y
        self.linear_gram = linear_gram

    @classmethod
    def many(
        cls, specification: Specification, samples: Sequence[Sample], scalings: Sequence[Scaling]
    ) -> list[UnitProblem]:
        """
        Problems of several samples of equal length, the same to the bit as one by one.

        Parameters
        ----------
        specification : Specification
            The model.
        samples, scalings : sequence
            Samples without gaps, and their scales.

        Returns
        -------
        list of UnitProblem
        """
        target = difference_series(np.array([sample.y for sample in samples]), specification.difference)
        target -= np.array([scaling.center[0] for scaling in scalings])[:, None]
        target /= np.array([scaling.scale[0] for scaling in scalings])[:, None]
        weight = np.array([sample.weight for sample in samples])
        seen = (weight > 0.0) & np.isfinite(target)
        variance = [mean_square(row, 0.0, mask) or 1.0 for row, mask in zip(target, seen, strict=True)]
        n_obs = np.count_nonzero(weight, axis=1).tolist()
        columns, found = _unit_columns(specification, samples, scalings, target), []
        for s, (sample, scaling) in enumerate(zip(samples, scalings, strict=True)):
            one = object.__new__(cls)
            one.specification, one.sample, one.scaling = specification, sample, scaling
            one.group, one.linear = specification.groups, specification.is_linear
            one.n_obs, one.target, one.variance = n_obs[s], target[s], variance[s]
            one._take(*(part[s] for part in columns))
            found.append(one)
        return found

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """See :meth:`Problem.evaluator`."""
        arguments = self._arguments()

        def evaluate(theta: np.ndarray, gram: np.ndarray) -> None:
            accumulate(theta, *arguments, gram)

        return evaluate

    def advance(self, rounds: int, state: np.ndarray, columns: np.ndarray, prior: np.ndarray, settings: tuple) -> None:
        """See :meth:`Problem.advance`; here without returning to the interpreter on the way."""
        unit_rounds(rounds, state, columns, prior, settings, *self._steps(state), *self._arguments())

    def _arguments(self) -> tuple:
        """Arguments of `accumulate` between parameters and products, with scratch space of their own."""
        work = items(work_size(self.units, self.x.shape[1]) // LANES)
        return (
            self.units, self.activation, self.x, self.linear_columns, self.y, self.weight, self.linear_gram, work
        )  # fmt: skip

    def linear_design(self) -> np.ndarray | None:
        """See :meth:`Problem.linear_design`."""
        return self.linear_columns[self.weight > 0.0]

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.residuals`."""
        return path_residuals(self, params)


def _unit_columns(
    spec: Specification, samples: Sequence[Sample], scalings: Sequence[Scaling], target: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Inputs, linear columns, weights, values to be predicted and products of the linear columns of several series."""
    first, n = spec.first_state, target.shape[1]
    exog = []
    for j in range(len(spec.exog_names)):
        at = j - len(spec.exog_names)
        center, scale = (np.array([getattr(s, name)[at] for s in scalings])[:, None] for name in ("center", "scale"))
        exog.append((np.array([s.exog[first:, j] for s in samples]) - center) / scale)
    lagged = [target[:, first - k : n - k] for k in spec.lags]
    x = np.empty((len(target), n - first, spec.n_inputs))
    for j, column in enumerate([*lagged, *exog]):
        x[:, :, j] = column
    linear = np.zeros((len(target), n - first, spec.n_linear))
    k = spec.n_deterministic
    if k:
        size = np.array([s.deterministic_scale for s in scalings])[:, None, :]
        linear[:, :, :k] = np.array([s.deterministic[first:] for s in samples]) / size
    for j, lag in enumerate(spec.linear_lags):
        start = max(first, lag + spec.order_of_difference)
        linear[:, start - first :, k + j] = target[:, start - lag : n - lag] / spec.linear_lag_ranks[j]
    for j, column in enumerate(exog):
        linear[:, :, k + len(spec.linear_lags) + j] = column
    weight = np.array([s.weight[first:] for s in samples], dtype=float)
    y = np.where(weight > 0.0, target[:, first:], 0.0)
    mean = np.array([s.prior_mean[: spec.n_linear] for s in scalings])
    if mean.any():
        # predicted are differences from what the prior means of the linear path predict
        y -= np.where(weight > 0.0, np.einsum("sij,sj->si", linear, mean), 0.0)
    weighted = linear * weight[:, :, None]
    return x, linear, weight, y, weighted.swapaxes(1, 2) @ weighted


class RowProblem(Problem):
    """A problem whose Jacobian is formed row by row, one parameter vector after the other."""

    def rows(self, params: np.ndarray) -> np.ndarray:
        """Weighted Jacobian and residuals at one parameter vector, a row for each predicted row of the sample."""
        raise NotImplementedError

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.residuals`."""
        weight = self.sample.weight[self.specification.hold_back :]
        return self.rows(params)[weight > 0.0, -1] / weight[weight > 0.0]

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """See :meth:`Problem.evaluator`."""

        def evaluate(theta: np.ndarray, gram: np.ndarray) -> None:
            starts = theta.reshape(-1, LANES)
            products = gram.reshape(len(starts) + 1, len(starts) + 1, LANES)
            for lane in range(LANES):
                same = lane > 0 and np.array_equal(starts[:, lane], starts[:, lane - 1])
                if same:
                    products[:, :, lane] = products[:, :, lane - 1]
                    continue
                rows = self.rows(starts[:, lane])
                # a path that explodes gives an infinite objective, which the optimiser steps back from
                with np.errstate(over="ignore", invalid="ignore"):
                    products[:, :, lane] = rows.T @ rows

        return evaluate


class GappedProblem(RowProblem):
    """A sample with missing observations, filled by the model's own predictions as the recursion runs."""

    @property
    def n_projected(self) -> int:
        """See :meth:`Problem.n_projected`: filled values depend on the linear path."""
        return 0

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.residuals`."""
        return path_residuals(self, params)

    def rows(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`RowProblem.rows`."""
        spec, sample, scaling = self.specification, self.sample, self.scaling
        rows = np.empty((len(sample.y) - spec.hold_back, spec.n_params + 1))
        jacobian_rows(
            params + scaling.prior_mean, np.array(spec.units, dtype=np.int64), ACTIVATIONS[spec.activation],
            np.array(spec.lags, dtype=np.int64), np.array(spec.linear_lags, dtype=np.int64), np.array(spec.difference),
            sample.deterministic / scaling.deterministic_scale, sample.exog, sample.y.copy(),
            sample.weight.astype(float),
            spec.first_state, spec.hold_back, scaling.center, scaling.scale, spec.linear_lag_ranks, rows,
        )  # fmt: skip
        return rows


def path_residuals(problem: Problem, params: np.ndarray) -> np.ndarray:
    """Residuals of a sum of units, by running it along the series in the data's units."""
    spec, sample, y = problem.specification, problem.sample, problem.sample.y.copy()
    n, n_states = len(y), sum(spec.units)
    linear, components = np.empty(n), np.empty((n, len(spec.units)))
    run_path(
        np.ascontiguousarray(problem.scaling.to_data(params)), np.array(spec.units, dtype=np.int64),
        ACTIVATIONS[spec.activation], np.array(spec.lags, dtype=np.int64), np.array(spec.linear_lags, dtype=np.int64),
        np.array(spec.difference), sample.deterministic, sample.exog, y, np.zeros(n), spec.first_state, spec.hold_back,
        np.zeros(n_states), np.empty((n, n_states)), linear, components,
    )  # fmt: skip
    counted = sample.weight > 0.0
    fitted = linear[counted] + components[counted].sum(axis=1)
    return (sample.y[counted] - fitted) / problem.scaling.scale[0]
