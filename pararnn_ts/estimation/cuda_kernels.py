"""
Kernels of Levenberg-Marquardt on a CUDA device: a thread is a start.

An evaluation is two launches. The first passes over the data; there is one such kernel for all models, and for a model
that is fitted to very many series one of its own in straight-line code (:mod:`kernels.cuda.straight`). The second, the
same for all models, is :func:`kernels.damped_steps.advance`. A third lists the starts that go on and, between stretches
of evaluations, retires others.

Arrays that belong to a start hold item ``i`` of start ``c`` at ``[i, c]``: neighbouring threads read neighbouring
numbers. The starts of a series are neighbours, too, so that what they read of the series is read once.
"""

# types of numba.cuda are those of the host
# mypy: disable-error-code="operator"

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from pararnn_ts.kernels.cuda.straight import straight_pass
from pararnn_ts.kernels.cuda.target import SCALAR, compiled_kernel, on_device, simulated
from pararnn_ts.kernels.damped_steps import advance
from pararnn_ts.kernels.reviews import review_series
from pararnn_ts.kernels.start_state import RUNNING, STATUS
from pararnn_ts.kernels.units import accumulate, n_columns, n_states

__all__ = ["COLUMNS", "Form", "compiled", "local_memory", "looped_scratch", "step_scratch"]

# what a row of the layout says of one series: its rows among the data; inputs of its units, columns of its linear path,
# parameters; where its groups and its units begin, where the units end; activation
FIRST, LAST, INPUTS, LINEAR, PARAMS, GROUP, UNITS, END, ACTIVATION = range(9)
COLUMNS = 9

# rows of a block where the pass is a loop over arrays: caches are small
ROWS = 8
# shortest scratch space that a kernel is compiled with
LEAST_ROOM = 256
# what of a change of the objective is rounding where residuals are single
FLAT_SINGLE = 1e-6


class Form(NamedTuple):
    """What the problems that share straight-line code have in common."""

    units: tuple[int, ...]
    activation: int
    m: int
    q: int
    group: tuple[int, ...]
    linear: tuple[bool, ...]


def looped_scratch(form: Form) -> int:
    """Length of the scratch space with which a thread passes over the data in loops."""
    sizes, largest = np.array(form.units, dtype=np.int64), max(form.units, default=0)
    columns = n_columns(sizes, form.m)
    return int(len(form.group) + n_states(sizes, form.m) + ROWS * (columns + 1) + largest * (largest + 6))


def step_scratch(form: Form) -> int:
    """Length of the scratch space of :func:`kernels.damped_steps.advance`."""
    return (len(form.group) + 3) * len(form.group) + 1


def build_straight(form: Form, real: type) -> Callable | None:
    """Pass over the data for one form in straight-line code, as :func:`build_looped`; None where it would be long."""
    number = np.float32 if real is np.float32 else None
    found = straight_pass(form.units, form.activation, form.m, form.q, number or float)
    if found is None:
        return None
    pass_over = on_device(found.function, real=number)
    length, n = found.scratch, len(form.group)

    def evaluate(columns, count, turn, series, layout, units, trial, x, linear, target, weight, linear_gram, gram):
        slot: int = cuda.grid(1)  # type: ignore[call-arg]
        if slot < count[turn]:
            c = columns[slot]
            s = series[c]
            sums = cuda.local.array(length, real)
            pass_over(trial[:n, c], x, linear, target, weight, layout[s, FIRST], layout[s, LAST], linear_gram[s], sums,
                      gram[:, c])  # fmt: skip

    return evaluate


def build_looped(length: int, real: type) -> Callable:
    """
    Pass over the data for any form, as a plain kernel.

    Parameters
    ----------
    length : int
        Length of the scratch space, at least :func:`looped_scratch`.
    real : type
        Numbers of the pass.

    Returns
    -------
    callable
        Its arguments are the starts that run and their number at each turn, and the turn; the series of each start;
        the layout of each series;
        the dimensions of units; parameters, a column for each start; the rows of all series one after the other;
        products of the linear columns of each series; and where the products go, a column for each start.
    """
    number = np.float32 if real is np.float32 else None
    add_up = on_device(accumulate, {**SCALAR, "ROWS": ROWS, "STRIDE": ROWS}, number)

    def evaluate(columns, count, turn, series, layout, units, trial, x, linear, target, weight, linear_gram, gram):
        slot: int = cuda.grid(1)  # type: ignore[call-arg]
        if slot < count[turn]:
            c = columns[slot]
            s = series[c]
            first, last, m, q = layout[s, FIRST], layout[s, LAST], layout[s, INPUTS], layout[s, LINEAR]
            n = layout[s, PARAMS]
            work = cuda.local.array(length, real)
            for i in range(n):
                work[i] = trial[i, c]
            add_up(
                work[:n], units[layout[s, UNITS] : layout[s, END]], layout[s, ACTIVATION], x[first:last, :m],
                linear[first:last, :q], target[first:last], weight[first:last], linear_gram[s, :q, :q], work[n:],
                gram[: (n + 1) * (n + 1), c],
            )  # fmt: skip

    return evaluate


def build_step(length: int, real: type) -> Callable:
    """
    Write the kernel that uses the normal equations of each running start, as a plain function.

    Parameters
    ----------
    length : int
        Length of the scratch space, at least :func:`step_scratch`.
    real : type
        Numbers of the pass over the data.

    Returns
    -------
    callable
        Its arguments are, as in :func:`build_looped`, the starts that run, their number, the turn, series and layout;
        the arrays of :func:`kernels.damped_steps.advance`, a column for each start or an item for each series; and its
        settings.
    """
    step = on_device(advance, SCALAR if real is np.float64 else {**SCALAR, "FLAT": FLAT_SINGLE})

    def use(columns, count, turn, series, layout, theta, trial, gram, trial_gram, alpha, group, prior, is_linear, n_obs,
            table, best, evidence, tolerance, maxiter, patience):  # fmt: skip
        slot: int = cuda.grid(1)  # type: ignore[call-arg]
        if slot < count[turn]:
            c = columns[slot]
            s = series[c]
            n, begin = layout[s, PARAMS], layout[s, GROUP]
            size = (n + 1) * (n + 1)
            work = cuda.local.array(length, np.float64)
            settings = (evidence, tolerance, maxiter, patience, layout[s, LINEAR])
            step(theta[:n, c], trial[:n, c], gram[:size, c], trial_gram[:size, c], alpha[:, c],
                 group[begin : begin + n], prior, is_linear[begin : begin + n], n_obs[s], table[:, c], best[:, c],
                 settings, work)  # fmt: skip

    return use


def build_review() -> Callable:
    """
    Write the kernel that lists the starts that go on and, where it is told to, retires others, as a plain function.

    Its arguments are the state of the starts, the first start of each series, whether to review and to retire the
    weaker half, whether starts are compared by their evidence, where the list goes, the number of starts that run at
    each turn, and the turn. Which slot a start gets is a matter of chance, what becomes of it is not.
    """
    review_one = on_device(review_series, {})

    def review(table, bounds, reviewing, halve, evidence, columns, count, turn):
        s: int = cuda.grid(1)  # type: ignore[call-arg]
        if s < bounds.shape[0] - 1:
            running = 0
            if reviewing:
                running = review_one(table, bounds[s], bounds[s + 1], halve, evidence)
            else:
                for c in range(bounds[s], bounds[s + 1]):
                    if table[STATUS, c] == RUNNING:
                        running += 1
            slot = cuda.atomic.add(count, turn + 1, running)
            for c in range(bounds[s], bounds[s + 1]):
                if table[STATUS, c] == RUNNING:
                    columns[slot] = c
                    slot += 1

    return review


class Kernels(NamedTuple):
    """Compiled kernels; see the functions that build them."""

    evaluate: Any
    step: Any
    review: Any


# compiling takes seconds; what is compiled depends on the arguments only
@lru_cache(maxsize=64)
def _straight(form: Form, real: type, simulator: bool) -> Any:
    kernel = build_straight(form, real)
    return None if kernel is None else compiled_kernel(kernel)


@lru_cache(maxsize=16)
def _looped(length: int, real: type, simulator: bool) -> Any:
    return compiled_kernel(build_looped(length, real))


@lru_cache(maxsize=16)
def _step(length: int, real: type, simulator: bool) -> Any:
    return compiled_kernel(build_step(length, real))


@lru_cache(maxsize=2)
def _review(simulator: bool) -> Any:
    return compiled_kernel(build_review())


def compiled(forms: list[Form], real: type, straight: bool) -> Kernels:
    """Kernels for these forms: with straight-line code where it is asked for, there is one form, and it exists."""
    evaluate = _straight(forms[0], real, simulated()) if straight and len(forms) == 1 else None
    return Kernels(
        evaluate or _looped(_room(forms, looped_scratch), real, simulated()),
        _step(_room(forms, step_scratch), real, simulated()),
        _review(simulated()),
    )


def local_memory(forms: list[Form]) -> int:
    """Bytes that a thread keeps to itself, at most."""
    return 8 * max(_room(forms, looped_scratch), _room(forms, step_scratch))


def _room(forms: list[Form], scratch: Callable[[Form], int]) -> int:
    """Scratch space for all forms, rounded up to a power of four so that few lengths are compiled."""
    length = LEAST_ROOM
    while length < max(scratch(form) for form in forms):
        length *= 4
    return length
