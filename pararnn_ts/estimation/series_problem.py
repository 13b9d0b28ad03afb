"""The least-squares problem of a long sample without gaps, which keeps no matrix of lags."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pararnn_ts.estimation.problem import Problem, Sample, UnitProblem, path_residuals
from pararnn_ts.estimation.scaling import Scaling
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.lanes import LANES, items
from pararnn_ts.kernels.long_series import STRETCH, accumulate_series, linear_products
from pararnn_ts.kernels.units import work_size
from pararnn_ts.specification import Specification

__all__ = ["LONG_SAMPLE", "SeriesProblem", "complete_problem"]

# rows from which on matrices of lags would take more room than they save time
LONG_SAMPLE = 200_000


def complete_problem(
    specification: Specification, sample: Sample, scaling: Scaling, target: np.ndarray | None = None
) -> Problem:
    """State the problem of a sample without gaps, with or without matrices of its lags."""
    long = len(sample.y) >= LONG_SAMPLE
    return (SeriesProblem if long else UnitProblem)(specification, sample, scaling, target)


class SeriesProblem(Problem):
    """A long sample without gaps: beside the standardised series, memory does not depend on its length."""

    def __init__(
        self, specification: Specification, sample: Sample, scaling: Scaling, target: np.ndarray | None = None
    ):
        super().__init__(specification, sample, scaling, target)
        self.linear_gram = np.empty((specification.n_linear, specification.n_linear))
        linear_products(*self._rows(), *self._scratch(), self.linear_gram)

    def _rows(self) -> tuple:
        """Return the arguments of the kernels that describe the rows."""
        spec, sample, scaling = self.specification, self.sample, self.scaling
        return (
            self.target, spec.order_of_difference, spec.first_state, np.array(spec.lags, dtype=np.int64),
            np.array(spec.linear_lags, dtype=np.int64), np.asarray(spec.linear_lag_ranks, dtype=float),
            sample.deterministic, scaling.deterministic_scale, sample.exog, scaling.center, scaling.scale,
            sample.weight, np.ascontiguousarray(scaling.prior_mean[: spec.n_linear]),
        )  # fmt: skip

    def _scratch(self) -> tuple[np.ndarray, ...]:
        spec = self.specification
        shapes = (STRETCH, spec.n_inputs), (STRETCH, spec.n_linear), (STRETCH,), (STRETCH,)
        return tuple(np.empty(shape) for shape in shapes)

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """See :meth:`Problem.evaluator`."""
        spec, rows, scratch = self.specification, self._rows(), self._scratch()
        units, activation = np.array(spec.units, dtype=np.int64), ACTIVATIONS[spec.activation]
        work = items(work_size(units, spec.n_inputs) // LANES)

        def evaluate(theta: np.ndarray, gram: np.ndarray) -> None:
            accumulate_series(theta, units, activation, self.linear_gram, work, *rows, *scratch, gram)

        return evaluate

    def with_sample(self, sample: Sample) -> Problem:
        """See :meth:`Problem.with_sample`; a short part has its matrices."""
        return complete_problem(self.specification, sample, self.scaling)

    def linear_design(self) -> np.ndarray | None:
        """See :meth:`Problem.linear_design`."""
        return UnitProblem(self.specification, self.sample, self.scaling).linear_design()

    def residuals(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.residuals`."""
        return path_residuals(self, params)
