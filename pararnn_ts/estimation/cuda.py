"""
Levenberg-Marquardt for many series and starts at once on a CUDA device: one thread for each start.

The kernels are those of the CPU, built for the device (:mod:`cuda_kernels`). Between two reviews starts are evaluated
and advanced without a word from the processor; nothing but the number of those that go on comes back before the end.
This module needs numba.cuda and is imported when a device is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import cuda

from pararnn_ts.estimation.cuda_kernels import COLUMNS, Form, compiled, local_memory
from pararnn_ts.estimation.levenberg_marquardt import Options, Solutions, State, log_gamma_prior
from pararnn_ts.estimation.problem import Problem, UnitProblem
from pararnn_ts.estimation.series_problem import SeriesProblem
from pararnn_ts.kernels.cuda.target import DEVICES, check_device, quiet_launches, tiles
from pararnn_ts.kernels.start_state import N_FIELDS, OBJECTIVE
from pararnn_ts.specification import Specification

__all__ = ["DeviceFits", "minimize_many", "on_tiles"]

# 256 threads of 255 registers, the most there are, are what a multiprocessor holds: blocks of this size always start
THREADS = 64
# rows times starts, for each sum of products, from which straight-line code is worth its compilation, which takes some
# 25 ms a sum: it saves a tenth of that the first time, and is kept; counted, not measured
WORTHWHILE = 700_000


def _with_columns(problem: Problem) -> Problem:
    """Return a long sample with its lags in columns, as the device reads them."""
    if isinstance(problem, SeriesProblem):
        return UnitProblem(problem.specification, problem.sample, problem.scaling)
    return problem


def _forms_of(problems: Sequence[Problem]) -> list[Form]:
    """Forms of problems: what is the same for all of one specification."""
    known: dict[Specification, Form] = {}
    found = []
    for problem in problems:
        if not isinstance(problem, UnitProblem):
            raise ValueError(
                "device='cuda' fits sums of units to series without gaps and without parameters held at values; pass "
                "device='cpu' for this model."
            )
        spec = problem.specification
        if spec not in known:
            known[spec] = Form(
                tuple(int(d) for d in problem.units), problem.activation, problem.x.shape[1], problem.n_projected,
                tuple(int(g) for g in problem.group), tuple(bool(b) for b in problem.linear),
            )  # fmt: skip
        found.append(known[spec])
    return found


def _bytes(problem: UnitProblem, n_starts: int, n_groups: int, real: type) -> int:
    """Device memory for one series and its starts."""
    n = len(problem.group)
    each = 3 * n + 2 * (n + 1) ** 2 + 2 * n_groups + 2 * N_FIELDS + 2
    rows = len(problem.y) * (problem.x.shape[1] + problem.linear_columns.shape[1] + 2)
    alone = 8 * (problem.n_projected**2 + n + (n + 1) ** 2 + COLUMNS + 4)
    return 8 * each * n_starts + np.dtype(real).itemsize * rows + alone


def _put(a: Any, kind: type = np.float64) -> Any:
    return cuda.to_device(np.ascontiguousarray(a, dtype=kind))


def _room(*size: int) -> Any:
    return cuda.device_array(size, np.float64)


def _grid(jobs: int) -> tuple[int, int]:
    threads = min(THREADS, jobs)
    return -(-jobs // threads), threads


class DeviceFits:
    """
    Series and the starts of their fits on the device.

    Parameters
    ----------
    problems : sequence of UnitProblem
        Series of any lengths and forms.
    starts : sequence of ndarray, (n_starts, n_params)
        Start values of each problem.
    options : Options
        As in :func:`levenberg_marquardt.minimize`.
    device : {"cuda", "cuda:float32"}
        Numbers of the pass over the data.
    warm : bool
        As in :func:`levenberg_marquardt.minimize`.
    """

    def __init__(
        self,
        problems: Sequence[UnitProblem],
        starts: Sequence[np.ndarray],
        options: Options,
        device: str = "cuda",
        warm: bool = False,
    ):
        self.options, self.real, self.warm = options, DEVICES[device], warm
        forms = _forms_of(problems)
        self.forms = list(dict.fromkeys(forms))
        number = {form: k for k, form in enumerate(self.forms)}
        # series of one form are neighbours
        self.order = np.argsort([number[form] for form in forms], kind="stable")
        self.problems, self.starts = [problems[i] for i in self.order], [starts[i] for i in self.order]
        self.kinds = np.array([number[forms[i]] for i in self.order])
        self.bounds = np.concatenate([[0], np.cumsum([len(s) for s in self.starts])]).astype(np.int64)
        self.most = max(len(form.group) for form in self.forms)
        work = sum(len(p.y) * len(s) for p, s in zip(self.problems, self.starts, strict=True))
        n_sums = (self.most + 1) * (self.most + 2) // 2
        self.kernels = compiled(self.forms, self.real, work >= WORTHWHILE * n_sums)
        self._load()

    @quiet_launches()
    def _load(self) -> None:
        """Move what is read only to the device."""
        problems, forms = self.problems, self.forms
        rows = np.concatenate([[0], np.cumsum([len(p.y) for p in problems])]).astype(np.int64)
        groups, units = (
            np.cumsum([0, *map(len, parts)]) for parts in zip(*((f.group, f.units) for f in forms), strict=True)
        )
        sizes = np.array([
            [form.m, form.q, len(form.group), groups[k], units[k], units[k + 1], form.activation]
            for k, form in enumerate(forms)
        ])  # fmt: skip
        self.layout = _put(np.column_stack([rows[:-1], rows[1:], sizes[self.kinds]]), np.int64)
        # neither array may be empty
        self.units = _put([*(d for form in forms for d in form.units), 0], np.int64)
        self.group = _put([g for form in forms for g in form.group] or [0], np.int64)
        self.is_linear = _put([b for form in forms for b in form.linear] or [False], np.bool_)
        m, q = max(form.m for form in forms), max(form.q for form in forms)
        self.data = [
            _put(_side_by_side([p.x for p in problems], m), self.real),
            _put(_side_by_side([p.linear_columns for p in problems], q), self.real),
            _put(np.concatenate([p.y for p in problems]), self.real),
            _put(np.concatenate([p.weight for p in problems]), self.real),
        ]
        grams = np.zeros((len(problems), q, q))
        for gram, problem in zip(grams, problems, strict=True):
            gram[: problem.n_projected, : problem.n_projected] = problem.linear_gram
        self.linear_gram = _put(grams)

    @quiet_launches()
    def minimize(self) -> list[Solutions]:
        """Take all starts to their end; return what :func:`levenberg_marquardt.minimize` does, for each problem."""
        options, bounds, most = self.options, self.bounds, self.most
        evidence, n_groups, count = options.penalty is None, len(options.prior), int(bounds[-1])
        states = self._states()

        def joined(name: str, rows: int) -> Any:
            whole, at = np.zeros((rows, count)), 0
            for state in states:
                part = getattr(state, name)
                whole[: len(part), at : at + part.shape[1]] = part
                at += part.shape[1]
            return _put(whole)

        rows = {"theta": most, "alpha": n_groups, "table": N_FIELDS, "best": most + n_groups + N_FIELDS - OBJECTIVE}
        own = {name: joined(name, n) for name, n in rows.items()}
        trial = joined("trial", most)
        gram, trial_gram = _room((most + 1) ** 2, count), _room((most + 1) ** 2, count)
        series = _put(np.repeat(np.arange(len(self.problems)), np.diff(bounds)), np.int64)
        n_obs, edges = _put([p.n_obs for p in self.problems]), _put(bounds, np.int64)
        prior = _put(log_gamma_prior(options.prior) if evidence else np.zeros((n_groups, 3)))
        settings = (
            evidence, float(options.tol), int(options.maxiter), 0 if self.warm else int(options.patience)
        )  # fmt: skip
        columns, running, done = _put(np.arange(count), np.int64), count, 0
        while running:
            turns = min(options.review_every, options.maxiter - done)
            counts = np.zeros(turns + 1, dtype=np.int64)
            counts[0] = running
            counts = cuda.to_device(counts)
            for turn in range(turns):
                where = (columns, counts, turn, series, self.layout)
                self.kernels.evaluate[_grid(running)](
                    *where, self.units, trial, *self.data, self.linear_gram, trial_gram
                )
                self.kernels.step[_grid(running)](
                    *where, own["theta"], trial, gram, trial_gram, own["alpha"], self.group, prior, self.is_linear,
                    n_obs, own["table"], own["best"], *settings,
                )  # fmt: skip
                self.kernels.review[_grid(len(self.problems))](
                    own["table"], edges, turn + 1 == turns, done == 0, evidence, columns, counts, turn
                )
            running, done = int(counts.copy_to_host()[-1]), done + turns
        return self._solutions(states, {name: a.copy_to_host() for name, a in own.items()})

    def _states(self) -> list[State]:
        """Begin of all starts, for each form."""
        states = []
        for k, form in enumerate(self.forms):
            places = np.flatnonzero(self.kinds == k)
            starts = [self.starts[i] for i in places]
            variance = np.repeat([self.problems[i].variance for i in places], [len(s) for s in starts])
            shared = SimpleNamespace(group=np.array(form.group), linear=np.array(form.linear), variance=variance)
            joined = np.concatenate(starts).astype(float, copy=False).reshape(-1, len(form.group))
            states.append(State(joined, self.options, shared, self.warm))
        return states

    def _solutions(self, states: list[State], ended: dict[str, np.ndarray]) -> list[Solutions]:
        found: list[Any] = [None] * len(self.problems)
        at, place = 0, 0
        for state in states:
            width = state.theta.shape[1]
            for name, a in ended.items():
                setattr(state, name, np.ascontiguousarray(a[: len(getattr(state, name)), at : at + width]))
            whole = state.solutions(self.options.penalty is None)
            parts = [getattr(whole, field.name) for field in fields(Solutions)]
            end = at + width
            while place < len(self.problems) and self.bounds[place] < end:
                first, last = self.bounds[place] - at, self.bounds[place + 1] - at
                found[self.order[place]] = Solutions(*(part[first:last] for part in parts))
                place += 1
            at = end
        return found

    @quiet_launches()
    def products(self, params: Sequence[np.ndarray]) -> list[np.ndarray]:
        """
        Products M'M of M = [Jacobian, residual] at one parameter vector of each problem, in double precision.

        Parameters
        ----------
        params : sequence of ndarray, (n_params,)
            One for each problem, in the order in which they were given.

        Returns
        -------
        list of ndarray, (n_params + 1, n_params + 1)
        """
        if self.real is not np.float64:
            found: list[Any] = [None] * len(params)
            for place, problem in zip(self.order, self.problems, strict=True):
                found[place] = problem.products(params[place])
            return found
        count = len(self.problems)
        trial = np.zeros((self.most, count))
        for c, place in enumerate(self.order):
            trial[: len(params[place]), c] = params[place]
        everyone, gram = _put(np.arange(count), np.int64), _room((self.most + 1) ** 2, count)
        self.kernels.evaluate[_grid(count)](
            everyone, _put([count], np.int64), 0, everyone, self.layout, self.units, _put(trial), *self.data,
            self.linear_gram, gram,
        )  # fmt: skip
        lower = np.ascontiguousarray(gram.copy_to_host().T)
        found = [None] * count
        for k, form in enumerate(self.forms):
            here, size = np.flatnonzero(self.kinds == k), len(form.group) + 1
            whole = np.tril(lower[here, : size * size].reshape(-1, size, size))
            whole += np.tril(whole, -1).swapaxes(1, 2)
            for place, one in zip(self.order[here], whole, strict=True):
                found[place] = one
        return found


def _side_by_side(parts: list[np.ndarray], width: int) -> np.ndarray:
    """Rows of all parts one after the other; those with fewer columns are filled up with zeros."""
    if all(part.shape[1] == width for part in parts):
        return np.concatenate(parts)
    whole = np.zeros((sum(len(part) for part in parts), width))
    at = 0
    for part in parts:
        whole[at : at + len(part), : part.shape[1]] = part
        at += len(part)
    return whole


def on_tiles(
    problems: Sequence[Problem],
    starts: Sequence[np.ndarray],
    options: Options,
    device: str = "cuda",
    warm: bool = False,
    memory: int | None = None,
) -> Iterator[tuple[slice, DeviceFits]]:
    """
    Move problems and starts to the device, as many at a time as fit into its memory.

    Parameters
    ----------
    problems, starts, options, device, warm
        As for :class:`DeviceFits`; problems of long samples are taken, too.
    memory : int, optional
        Bytes of device memory to use; by default most of what is free.

    Yields
    ------
    slice
        Which of the problems.
    DeviceFits
        They and their starts on the device.
    """
    check_device(device)
    if not len(problems):
        return
    columns = [_with_columns(problem) for problem in problems]
    forms = list(dict.fromkeys(_forms_of(columns)))
    n_groups, real = len(options.prior), DEVICES[device]
    sizes = [_bytes(problem, len(s), n_groups, real) for problem, s in zip(columns, starts, strict=True)]  # type: ignore[arg-type]
    for tile in tiles(np.array(sizes, dtype=np.int64), memory, local_memory(forms)):
        yield tile, DeviceFits(columns[tile], starts[tile], options, device, warm)  # type: ignore[arg-type]


def minimize_many(
    problems: Sequence[Problem],
    starts: Sequence[np.ndarray],
    options: Options,
    device: str = "cuda",
    warm: bool = False,
    memory: int | None = None,
) -> list[Solutions]:
    """
    Minimise the penalised sums of squares of many problems on a CUDA device.

    Parameters
    ----------
    problems, starts, options, device, warm, memory
        See :func:`on_tiles`. What needs more memory than there is, is done in several tiles.

    Returns
    -------
    list of Solutions
        One for each problem.
    """
    found: list[Solutions] = []
    for _, fits in on_tiles(problems, starts, options, device, warm, memory):
        found += fits.minimize()
    return found
