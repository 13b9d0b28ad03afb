"""
Levenberg-Marquardt for many series and starts at once on a CUDA device: one thread for each start.

The kernels are those of the CPU, built for the device (:mod:`kernels.cuda.target`): the pass over the data of
:mod:`kernels.units` and :func:`damped_steps.advance`. A launch takes every start that still runs through as many
evaluations as lie between two reviews; a second kernel then retires starts as the CPU does and lists those that go on.
Nothing but their number comes back before the end. This module needs numba.cuda and is imported when a device is
asked for.

Arrays that belong to a start hold item ``i`` of start ``c`` at ``[i, c]``: neighbouring threads read neighbouring
numbers. The starts of a series are neighbours, too, so that what they read of the series is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pararnn_ts.estimation.damped_steps import (
    CONVERGED,
    EVIDENCE,
    N_FIELDS,
    OBJECTIVE,
    RETIRED,
    RUNNING,
    STATUS,
    advance,
)
from pararnn_ts.estimation.levenberg_marquardt import LEAD, Options, Solutions, State, log_gamma_prior
from pararnn_ts.estimation.problem import Problem, UnitProblem
from pararnn_ts.estimation.series_problem import SeriesProblem
from pararnn_ts.kernels.cuda.straight import straight_pass
from pararnn_ts.kernels.cuda.target import DEVICES, SCALAR, check_device, on_device, simulated, tiles
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.units import accumulate, n_columns, n_states

__all__ = ["minimize_many"]

THREADS = 64
# the least number of starts that an audition leaves is that of the CPU, where it fills a vector
BLOCK = LANES
# rows of a block where the pass is a loop over arrays: caches are small
ROWS = 8
# what of a change of the objective is rounding where residuals are single
FLAT_SINGLE = 1e-6


class _Shape(NamedTuple):
    """What the problems of one launch have in common."""

    units: tuple[int, ...]
    activation: int
    m: int
    q: int
    group: tuple[int, ...]
    linear: tuple[bool, ...]


def _with_columns(problem: Problem) -> Problem:
    """Return a long sample with its lags in columns, as the device reads them."""
    if isinstance(problem, SeriesProblem):
        return UnitProblem(problem.specification, problem.sample, problem.scaling)
    return problem


def _shape_of(problem: Problem) -> _Shape:
    if not isinstance(problem, UnitProblem):
        raise ValueError(
            "device='cuda' fits sums of units to series without gaps and without parameters held at values; pass "
            "device='cpu' for this model."
        )
    return _Shape(
        tuple(int(d) for d in problem.units), problem.activation, problem.x.shape[1], problem.n_projected,
        tuple(int(g) for g in problem.group), tuple(bool(b) for b in problem.linear),
    )  # fmt: skip


def _pass(shape: _Shape, real: type) -> tuple[Callable, int]:
    """Pass over the data as a device function, and the length of the scratch space of a thread."""
    units, activation, m, q = shape[:4]
    number = np.float32 if real is np.float32 else None
    found = straight_pass(units, activation, m, q, number or float)
    if found is not None:
        return on_device(found.function, real=number), found.scratch
    n = len(shape.group)
    add_up = on_device(accumulate, {**SCALAR, "ROWS": ROWS, "STRIDE": ROWS}, number)

    def looped(theta, x, linear, target, weight, first, last, linear_gram, sums, gram):
        for i in range(n):
            sums[i] = theta[i]
        add_up(sums[:n], units, activation, x[first:last], linear[first:last], target[first:last], weight[first:last],
               linear_gram, sums[n:], gram)  # fmt: skip

    largest, sizes = max(units), np.array(units)
    length = n + n_states(sizes, m) + ROWS * n_columns(sizes, m) + ROWS + largest * (largest + 3)
    return looped if simulated() else cuda.jit(device=True)(looped), length


def build_fit(shape: _Shape, real: type) -> Callable:
    """
    Write the kernel that takes starts through some evaluations, as a plain function.

    Parameters
    ----------
    shape : _Shape
        What the problems have in common.
    real : type
        Numbers of the pass over the data.

    Returns
    -------
    callable
        Its arguments are the starts that run and their number; the series of each start; first and last row and
        number of observations of each series; the arrays of :func:`damped_steps.advance`, a column for each
        start; the rows of all series one after the other; and settings.
    """
    evaluate, length = _pass(shape, real)
    n_work = (len(shape.group) + 3) * len(shape.group) + 1
    step = on_device(advance, SCALAR if real is np.float64 else {**SCALAR, "FLAT": FLAT_SINGLE})

    def fit(columns, running, series, first, last, n_obs, theta, trial, gram, trial_gram, alpha, table, best, x,
            linear, target, weight, linear_gram, group, prior, is_linear, evidence, tolerance, maxiter, patience, q,
            rounds):  # fmt: skip
        slot: int = cuda.grid(1)  # type: ignore[call-arg]
        if slot < running:
            c = columns[slot]
            s = series[c]
            sums, work = cuda.local.array(length, real), cuda.local.array(n_work, np.float64)
            settings = (evidence, tolerance, maxiter, patience, q)
            for _ in range(rounds):
                evaluate(trial[:, c], x, linear, target, weight, first[s], last[s], linear_gram[s], sums,
                         trial_gram[:, c])  # fmt: skip
                if not step(theta[:, c], trial[:, c], gram[:, c], trial_gram[:, c], alpha[:, c], group, prior,
                            is_linear, n_obs[s], table[:, c], best[:, c], settings, work):  # fmt: skip
                    break

    return fit


def better(table, row, sign, a, b):
    """Whether start `a` is better than `b`; of equals, and of those without a number, the first."""
    x, y = sign * table[row, a], sign * table[row, b]
    if x > y:
        return True
    if x < y:
        return False
    if np.isnan(x) != np.isnan(y):
        return bool(np.isnan(y))
    return a < b


def review_series(table, begin, end, audition, evidence):
    """
    Retire starts of one series by the rules of :func:`levenberg_marquardt.minimize`.

    Parameters
    ----------
    table : ndarray, (N_FIELDS, C)
        State of the starts.
    begin, end : int
        Starts of the series.
    audition : bool
        Whether the weaker half of many starts is to go.
    evidence : bool
        Whether starts are compared by their evidence.

    Returns
    -------
    int
        Starts that go on.
    """
    row, sign = (EVIDENCE, 1.0) if evidence else (OBJECTIVE, -1.0)
    keep = max(BLOCK, (end - begin) // 2)
    if audition and end - begin > BLOCK:
        for c in range(begin, end):
            # those that go are marked by a negative number until all have been compared
            if table[STATUS, c] == RUNNING:
                rank = 0
                for other in range(begin, end):
                    runs = table[STATUS, other] == RUNNING or table[STATUS, other] == -RETIRED
                    if runs and better(table, row, sign, other, c):
                        rank += 1
                if rank >= keep:
                    table[STATUS, c] = -RETIRED
        for c in range(begin, end):
            table[STATUS, c] = abs(table[STATUS, c])
    running, converged, leader = 0, 0, -np.inf
    for c in range(begin, end):
        if table[STATUS, c] == RUNNING:
            running += 1
        elif table[STATUS, c] == CONVERGED:
            converged += 1
            leader = max(leader, sign * table[row, c])
    if running > 0 and converged >= max(3, running):
        for c in range(begin, end):
            ahead = sign * table[row, c] > leader + (LEAD if evidence else 0.0)
            if table[STATUS, c] == RUNNING and not ahead:
                table[STATUS, c] = RETIRED
                running -= 1
    return running


def build_review() -> Callable:
    """Write the kernel that reviews the starts of each series and lists those that go on, as a plain function."""
    review_one = on_device(review_series, {})

    def review(table, bounds, audition, evidence, columns, count):
        s: int = cuda.grid(1)  # type: ignore[call-arg]
        if s < bounds.shape[0] - 1:
            running = review_one(table, bounds[s], bounds[s + 1], audition, evidence)
            slot = cuda.atomic.add(count, 0, running)
            for c in range(bounds[s], bounds[s + 1]):
                if table[STATUS, c] == RUNNING:
                    columns[slot] = c
                    slot += 1

    return review


# compiling takes seconds; what is compiled depends on the arguments only
@lru_cache(maxsize=64)
def _kernels(shape: _Shape, real: type, simulator: bool) -> tuple[Any, Any]:
    return cuda.jit(build_fit(shape, real)), cuda.jit(build_review())


def _bytes(problem: UnitProblem, n_starts: int, n_groups: int, real: type) -> int:
    """Device memory for one series and its starts."""
    n = len(problem.group)
    each = 3 * n + 2 * (n + 1) ** 2 + 2 * n_groups + 2 * N_FIELDS + 2
    rows = len(problem.y) * (problem.x.shape[1] + problem.linear_columns.shape[1] + 2)
    return 8 * each * n_starts + np.dtype(real).itemsize * rows + 8 * problem.n_projected**2 + 64


def minimize_many(
    problems: Sequence[Problem],
    starts: Sequence[np.ndarray],
    options: Options,
    device: str = "cuda",
    warm: bool = False,
    memory: int | None = None,
) -> list[Solutions]:
    """
    Minimise the penalised sums of squares of many problems of the same form on a CUDA device.

    Parameters
    ----------
    problems : sequence of UnitProblem
        Series of any lengths, all with the same units, inputs, and linear columns.
    starts : sequence of ndarray, (n_starts, n_params)
        Start values of each problem.
    options : Options
        As in :func:`levenberg_marquardt.minimize`.
    device : {"cuda", "cuda:float32"}
        Numbers of the pass over the data.
    warm : bool
        As in :func:`levenberg_marquardt.minimize`.
    memory : int, optional
        Bytes of device memory to use; by default most of what is free. What needs more is done in several tiles.

    Returns
    -------
    list of Solutions
        One for each problem.
    """
    check_device(device)
    real, n_groups = DEVICES[device], len(options.prior)
    problems = [_with_columns(problem) for problem in problems]
    shapes = [_shape_of(problem) for problem in problems]
    different = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
    if different is not None:
        raise ValueError(f"problems must have the same form, but number {different} differs from the first.")
    sizes = [_bytes(problem, len(s), n_groups, real) for problem, s in zip(problems, starts, strict=True)]  # type: ignore[arg-type]
    found: list[Solutions] = []
    for tile in tiles(np.array(sizes, dtype=np.int64), memory):
        found += _minimize_tile(problems[tile], starts[tile], options, shapes[0], real, warm)  # type: ignore[arg-type]
    return found


def _minimize_tile(
    problems: Sequence[UnitProblem],
    starts: Sequence[np.ndarray],
    options: Options,
    shape: _Shape,
    real: type,
    warm: bool,
) -> list[Solutions]:
    evidence = options.penalty is None
    fit, review = _kernels(shape, real, simulated())
    states = [
        State(np.ascontiguousarray(s, dtype=float), options, p, warm) for p, s in zip(problems, starts, strict=True)
    ]
    bounds = np.concatenate([[0], np.cumsum([len(s) for s in starts])]).astype(np.int64)
    rows = np.concatenate([[0], np.cumsum([len(p.y) for p in problems])]).astype(np.int64)
    n, n_columns_ = len(shape.group), int(bounds[-1])

    def put(a: Any, kind: type = np.float64) -> Any:
        return cuda.to_device(np.ascontiguousarray(a, dtype=kind))

    def room(*size: int) -> Any:
        return cuda.device_array(size, np.float64)

    theta = put(np.hstack([s.theta for s in states]))
    trial = put(np.hstack([s.trial for s in states]))
    alpha = put(np.hstack([s.alpha for s in states]))
    table = put(np.hstack([s.table for s in states]))
    gram, trial_gram = room((n + 1) ** 2, n_columns_), room((n + 1) ** 2, n_columns_)
    best = put(np.hstack([s.best for s in states]))
    series = put(np.repeat(np.arange(len(problems)), np.diff(bounds)), np.int64)
    first, last = put(rows[:-1], np.int64), put(rows[1:], np.int64)
    data = [put(np.concatenate([getattr(p, name) for p in problems]), real)
            for name in ("x", "linear_columns", "y", "weight")]  # fmt: skip
    linear_gram = put(np.array([p.linear_gram for p in problems]))
    prior = log_gamma_prior(options.prior) if evidence else np.zeros((len(options.prior), 3))
    fixed = (
        linear_gram, put(shape.group, np.int64), put(prior), put(shape.linear, np.bool_), evidence, float(options.tol),
        int(options.maxiter), 0 if warm else int(options.patience), shape.q, int(options.audition),
    )  # fmt: skip
    n_obs, edges = put([p.n_obs for p in problems]), put(bounds, np.int64)
    columns, running, audition = put(np.arange(n_columns_), np.int64), n_columns_, True
    while running:
        fit[_grid(running)](columns, running, series, first, last, n_obs, theta, trial, gram, trial_gram, alpha, table,
                            best, *data, *fixed)  # fmt: skip
        count = put([0], np.int64)
        review[_grid(len(problems))](table, edges, audition, evidence, columns, count)
        running, audition = int(count.copy_to_host()[0]), False
    ended = {"theta": theta, "alpha": alpha, "table": table, "best": best}
    ended = {name: a.copy_to_host() for name, a in ended.items()}
    for i, state in enumerate(states):
        for name, a in ended.items():
            setattr(state, name, np.ascontiguousarray(a[:, bounds[i] : bounds[i + 1]]))
    return [state.solutions(evidence) for state in states]


def _grid(jobs: int) -> tuple[int, int]:
    threads = min(THREADS, jobs)
    return -(-jobs // threads), threads
