"""The least-squares problem of one long series, evaluated in parallel over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pararnn_ts.estimation.problem import Problem, Sample, UnitProblem
from pararnn_ts.estimation.scaling import Scaling
from pararnn_ts.estimation.series_problem import SeriesProblem, complete_problem
from pararnn_ts.kernels import parallel_in_time
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.specification import Specification

__all__ = ["LARGEST_UNIT", "LONG_SERIES", "ParallelInTimeProblem", "Record", "in_parallel"]

# rows from which a device has enough chunks to be worth a launch; counted, not measured: see docs/parallel_in_time.md
LONG_SERIES = 100_000
# largest unit whose Jacobians and sensitivities a thread can hold
LARGEST_UNIT = 4


@dataclass
class Record:
    """
    How often Newton's method over time was used, and how it fared.

    Attributes
    ----------
    evaluations : int
        Parameter vectors at which normal equations were formed.
    runs : int
        Units run along the series: as many as units, at each evaluation.
    iterations, most : int
        Newton iterations of all runs that converged, and the most that one of them took.
    fallbacks : int
        Runs that did not converge and were done sequentially.
    """

    evaluations: int = 0
    runs: int = 0
    iterations: int = 0
    most: int = 0
    fallbacks: int = 0

    def add(self, outcome: parallel_in_time.Outcome) -> None:
        """Count one evaluation."""
        taken = outcome.iterations[outcome.converged]
        self.evaluations += 1
        self.runs += len(outcome.converged)
        self.iterations += int(taken.sum())
        self.most = max(self.most, int(taken.max(initial=0)))
        self.fallbacks += len(outcome.converged) - len(taken)

    def retvals(self) -> dict[str, float]:
        """
        Return what enters `mle_retvals`.

        Examples
        --------
        >>> import numpy as np
        >>> from pararnn_ts.estimation.parallel_in_time import Record
        >>> from pararnn_ts.kernels.parallel_in_time import Outcome
        >>> record = Record()
        >>> record.add(Outcome(np.array([1, 2, 32]), np.array([True, True, False])))
        >>> record.retvals()
        {'newton_iterations': 1.5, 'most_newton_iterations': 2, 'sequential_runs': 1, 'parallel_runs': 2}
        """
        parallel = self.runs - self.fallbacks
        return {
            "newton_iterations": self.iterations / parallel if parallel else float("nan"),
            "most_newton_iterations": self.most,
            "sequential_runs": self.fallbacks,
            "parallel_runs": parallel,
        }


class ParallelInTimeProblem(UnitProblem):
    """
    A long sample without gaps, its recurrence solved in parallel over time.

    Parameters
    ----------
    specification, sample, scaling
        As for :class:`~pararnn_ts.estimation.problem.UnitProblem`.
    device : {"cuda", "cpu"}
        Where it runs. On a processor this is a reference for tests: starts side by side already fill its vectors,
        and passes over the series that only a device can do at once make it slower than the sequential kernel.
    record : Record, optional
        Where the outcomes are counted; shared by the problems of parts of the sample.
    chunk : int
        Rows of a chunk.

    Raises
    ------
    NoDeviceError
        There is no CUDA device.
    """

    def __init__(
        self,
        specification: Specification,
        sample: Sample,
        scaling: Scaling,
        device: str = "cuda",
        record: Record | None = None,
        chunk: int = parallel_in_time.CHUNK,
    ):
        super().__init__(specification, sample, scaling)
        self.device, self.chunk = device, chunk
        self.record = Record() if record is None else record
        arguments = (self.units, self.activation, self.x, self.linear_columns, self.y, self.weight)
        if device == "cuda":
            from pararnn_ts.kernels.cuda.long_series import LongSeries

            self._products = LongSeries(*arguments, chunk=chunk).products
        else:

            def on_processor(theta: np.ndarray):
                found = [parallel_in_time.products(row, *arguments, chunk=chunk) for row in theta]
                return np.array([gram for gram, _ in found]), [outcome for _, outcome in found]

            self._products = on_processor

    def evaluator(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """See :meth:`~pararnn_ts.estimation.problem.Problem.evaluator`."""

        def evaluate(theta: np.ndarray, gram: np.ndarray) -> None:
            starts = np.ascontiguousarray(theta.reshape(-1, LANES).T)
            # lanes that have come to rest, or fill up a block, are copies of others
            places: dict[bytes, int] = {}
            where = [places.setdefault(row.tobytes(), len(places)) for row in starts]
            distinct = [where.index(place) for place in range(len(places))]
            found, outcomes = self._products(starts[distinct])
            for outcome in outcomes:
                self.record.add(outcome)
            size = starts.shape[1] + 1
            gram.reshape(size, size, LANES)[:] = np.moveaxis(np.tril(found)[where], 0, -1)

        return evaluate

    def advance(self, *arguments) -> None:
        """See :meth:`~pararnn_ts.estimation.problem.Problem.advance`: from the device back to the interpreter."""
        Problem.advance(self, *arguments)

    def with_sample(self, sample: Sample) -> Problem:
        """See :meth:`~pararnn_ts.estimation.problem.Problem.with_sample`; short parts are for the processor."""
        return in_parallel(complete_problem(self.specification, sample, self.scaling), self.device, self.record)


def in_parallel(problem: Problem, device: str = "cuda", record: Record | None = None) -> Problem:
    """
    Let a problem be evaluated in parallel over time, where its sample is long and has no gaps.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    device : {"cuda", "cpu"}
        See :class:`ParallelInTimeProblem`.
    record : Record, optional
        Where outcomes are counted.

    Returns
    -------
    Problem
        A `ParallelInTimeProblem`; `problem` itself where the sample is shorter than `LONG_SERIES` rows, where values
        are filled as the recursion runs, or where there are no units or one of a dimension above `LARGEST_UNIT`.
    """
    if type(problem) not in (UnitProblem, SeriesProblem) or len(problem.sample.y) < LONG_SERIES:
        return problem
    if not 0 < max(problem.specification.units, default=0) <= LARGEST_UNIT:
        return problem
    return ParallelInTimeProblem(problem.specification, problem.sample, problem.scaling, device, record)
