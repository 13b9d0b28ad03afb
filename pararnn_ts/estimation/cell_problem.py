"""The standardised regression problem of a model with a recurrent cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pararnn_ts.cells import CellSpecification
from pararnn_ts.estimation.problem import Problem, RowProblem, Sample
from pararnn_ts.estimation.scaling import Scaling
from pararnn_ts.kernels.cell_sensitivity import cell_rows
from pararnn_ts.kernels.cells import CELLS

__all__ = ["CellProblem", "CellSample"]


@dataclass(frozen=True)
class CellSample(Sample):
    """
    Arrays of one sample, in the data's units.

    Parameters
    ----------
    y, exog, deterministic, weight
        As in `Sample`.
    dt : ndarray, (n,)
        Length of the cell's step to each row.
    location : ndarray, (m,), or None
        Location from which the cell's inputs are measured, whatever the sample; None where constants of the cell take
        locations up.
    """

    dt: np.ndarray
    location: np.ndarray | None


class CellProblem(RowProblem):
    """A sample, with or without gaps, whose Jacobian is formed row by row."""

    specification: CellSpecification  # type: ignore[assignment]
    sample: CellSample

    def __init__(
        self, specification: CellSpecification, sample: CellSample, scaling: Scaling, target: np.ndarray | None = None
    ):
        super().__init__(specification, sample, scaling, target)  # type: ignore[arg-type]
        self.gaps = not np.isfinite(sample.y).all()

    @property
    def n_projected(self) -> int:
        """See :meth:`Problem.n_projected`: filled values depend on the linear path."""
        return 0 if self.gaps else self.specification.n_linear

    @property
    def input_center(self) -> np.ndarray:
        """Location that is subtracted from each input of the cell."""
        return self.scaling.center[1:].copy() if self.sample.location is None else self.sample.location

    def head(self, rows: int) -> Problem:
        """See :meth:`Problem.head`."""
        s = self.sample
        part = CellSample(s.y[:rows], s.exog[:rows], s.deterministic[:rows], s.weight[:rows], s.dt[:rows], s.location)
        return type(self)(self.specification, part, self.scaling)

    def rows(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`RowProblem.rows`."""
        spec, s, scaling, cell = self.specification, self.sample, self.scaling, self.specification.cell
        weights = spec.expand(params + scaling.prior_mean)
        rows = np.empty((len(s.y) - spec.hold_back, len(weights) + 1))
        cell_rows(
            weights, CELLS[cell.kind], cell.shape, cell.numbers, self.input_center,
            np.array(spec.lags, dtype=np.int64), np.array(spec.linear_lags, dtype=np.int64), np.array(spec.difference),
            s.deterministic / scaling.deterministic_scale, s.exog, s.dt, s.y.copy(),
            s.weight.astype(float), spec.first_state, spec.hold_back, cell.initial_state, scaling.center,
            scaling.scale, spec.linear_lag_ranks, rows,
        )  # fmt: skip
        return np.column_stack([spec.collapse(rows[:, :-1]), rows[:, -1]])

    def canonical(self, params: np.ndarray, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`Problem.canonical`."""
        spec = self.specification
        end = spec.cell_slice.stop
        own, v = spec.cell.canonical(params[spec.cell_slice], params[end:])
        moved = np.concatenate([params[: spec.n_linear], own, v])
        return moved, self.products(moved)

    def n_expansive(self, params: np.ndarray) -> np.ndarray:
        """See :meth:`Problem.n_expansive`."""
        cell = self.specification.cell
        return np.array([int(cell.expands(own)) for own in params[:, self.specification.cell_slice]])

    def log_symmetry(self, alive) -> float:
        """See :meth:`Problem.log_symmetry`."""
        return self.specification.cell.log_symmetry() if alive[0] else 0.0
