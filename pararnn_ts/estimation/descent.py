"""Early stopping: networks with too many parameters for least squares, trained backwards in time."""

from __future__ import annotations

from itertools import cycle, repeat
from typing import NamedTuple

import numpy as np

from pararnn_ts.estimation.adam import AdamOptions, Descent, adam
from pararnn_ts.estimation.cell_problem import CellProblem
from pararnn_ts.kernels.cell_gradient import series_gradient
from pararnn_ts.kernels.cells import CELLS, run_cell

__all__ = ["RATES", "Stopped", "stop_early"]

# learning rates through which the starts cycle; the error of the held-out rows says which was right
RATES = (0.01, 0.03, 0.003)
# share of the rows, the last ones, that decide when to stop
HELD_OUT = 0.2
LOOKS = 100


class Stopped(NamedTuple):
    """
    Outcome of early stopping.

    Attributes
    ----------
    params : ndarray, (P,)
        Parameters of the best start in the data's units.
    scale : float
        Mean squared error of the held-out rows.
    best : int
        The start that was chosen.
    descents : list of Descent
        One for each start, its score the mean squared error of the held-out rows in units of the target's variance.
    rates : list of float
        Learning rate of each start.
    """

    params: np.ndarray
    scale: float
    best: int
    descents: list[Descent]
    rates: list[float]


class _Loss:
    """Mean squared one-step errors at standardised parameters, of the rows that train and of those that decide."""

    def __init__(self, problem: CellProblem):
        spec, sample = problem.specification, problem.sample
        used = np.flatnonzero(sample.weight > 0.0)
        split = used[int(np.ceil((1.0 - HELD_OUT) * len(used)))]
        self.problem, self.spec, self.sample = problem, spec, sample
        self.train, self.held = sample.weight.copy(), sample.weight.copy()
        self.train[split:], self.held[:split] = 0.0, 0.0
        self.map = problem.scaling.jacobian()
        cell = spec.cell
        center = np.zeros(spec.n_inputs) if sample.location is None else sample.location
        self.layout = (
            CELLS[cell.kind], cell.shape, cell.numbers, center, np.array(spec.lags, dtype=np.int64),
            np.array(spec.linear_lags, dtype=np.int64), np.array(spec.difference), sample.deterministic, sample.exog,
            sample.dt,
        )  # fmt: skip
        # the rows after the split train nothing, and need not be run through
        self.head = tuple(part[:split] for part in self.layout[-3:])
        self.variance = float(problem.scaling.scale[0] ** 2)

    def gradient(self, theta: np.ndarray, batch: None) -> tuple[float, np.ndarray]:
        """Loss of the training rows and its gradient."""
        spec, s = self.spec, self.sample
        rows = len(self.head[0])
        grad = np.empty(len(spec.expand(theta)))
        size = self.variance * np.count_nonzero(self.train)
        half = series_gradient(
            spec.expand(self.problem.scaling.to_data(theta)), *self.layout[:-3], *self.head, s.y[:rows].copy(),
            self.train[:rows], spec.first_state, spec.hold_back, spec.initial_state, grad,
        )  # fmt: skip
        return 2.0 * half / size, (2.0 / size) * (spec.collapse(grad) @ self.map)

    def score(self, theta: np.ndarray) -> float:
        """Loss of the held-out rows."""
        spec, s, n = self.spec, self.sample, len(self.sample.y)
        linear, component, states = np.zeros(n), np.zeros(n), np.zeros((n, len(spec.initial_state)))
        with np.errstate(all="ignore"):
            run_cell(
                spec.expand(self.problem.scaling.to_data(theta)), *self.layout, s.y.copy(), np.zeros(n),
                spec.first_state, spec.hold_back, spec.initial_state, states, linear, component,
            )  # fmt: skip
            seen = self.held > 0.0
            error = np.mean(((s.y - linear - component)[seen]) ** 2) / self.variance
        return float(error) if np.isfinite(error) else np.inf


def stop_early(problem: CellProblem, starts: np.ndarray, updates: int, disp: bool = False) -> Stopped:
    """
    Descend from each start on the first four fifths of the sample, and keep what predicts the last fifth best.

    Parameters
    ----------
    problem : CellProblem
        The standardised problem.
    starts : ndarray, (n_starts, P)
        Start values on the standardised scale.
    updates : int
        Updates of each start; each uses the whole sequence.
    disp : bool
        Whether to show progress bars.

    Returns
    -------
    Stopped

    Raises
    ------
    ValueError
        Every start diverged.
    """
    loss, descents, rates = _Loss(problem), [], []
    for start, rate in zip(starts, cycle(RATES), strict=False):
        options = AdamOptions(rate, updates, clip_norm=1.0, score_every=max(1, updates // LOOKS))
        descents.append(adam(start, loss.gradient, repeat(None), options, score=loss.score, disp=disp))  # type: ignore
        rates.append(rate)
    scores = [descent.score for descent in descents]
    best = int(np.argmin(scores))
    if not np.isfinite(scores[best]):
        raise ValueError("endog could not be fitted: every start diverged; look for extreme values.")
    params = problem.scaling.to_data(descents[best].params)
    return Stopped(params, scores[best] * loss.variance, best, descents, rates)
