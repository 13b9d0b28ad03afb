"""Where the series of a panel are fitted: threads, a CUDA device, other processes or machines."""

from __future__ import annotations

import base64
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.estimate import estimate_student, n_threads
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.many_series import TOGETHER, estimate_on_device, make_problems
from pararnn_ts.estimation.problem import Problem
from pararnn_ts.estimation.student import robust_weights
from pararnn_ts.estimation.threads import run_all
from pararnn_ts.models.recurrent import RecurrentModel
from pararnn_ts.panel.frame import LongFrame
from pararnn_ts.panel.task import UNFIT, Fitted, Outcome, Task, alone, figures, unfitted

__all__ = ["find_engine", "fit_all", "on_threads"]

# series of a piece of work that is sent away: few enough to balance, enough to be worth the sending
MOST_PIECES, LARGEST_PIECE = 32, 64
# a search of models takes a hundred times as long as a fit
LARGEST_SEARCH = 2
# rows of the series that are prepared for a device at once
DEVICE_ROWS = 5_000_000


def find_engine(engine: Any) -> Any:
    """
    Engine that is meant, before any work is done.

    Parameters
    ----------
    engine : None, Executor, or anything that fugue takes for an engine
        See `fit_panel`.

    Returns
    -------
    None, Executor or fugue.ExecutionEngine

    Examples
    --------
    >>> from pararnn_ts.panel.engines import find_engine
    >>> find_engine(4)
    Traceback (most recent call last):
    TypeError: engine must be None, an Executor or an engine of fugue such as 'spark', but is 4; ...
    """
    if engine is None or isinstance(engine, Executor):
        return engine
    if isinstance(engine, (bool, int, float)):
        raise TypeError(
            f"engine must be None, an Executor or an engine of fugue such as 'spark', but is {engine!r}; the number of "
            "threads is numba's, see numba.set_num_threads."
        )
    try:
        import fugue
        import fugue.exceptions
    except ImportError as error:
        raise ImportError(
            "engine needs fugue unless it is an Executor; install pararnn-ts[distributed], or pass for example "
            "concurrent.futures.ProcessPoolExecutor()."
        ) from error
    try:
        return fugue.make_execution_engine(engine)
    except (fugue.exceptions.FugueError, ValueError, TypeError) as error:
        raise ValueError(
            f"engine={engine!r} is none that fugue finds here; install what it needs, such as fugue[spark] or "
            "fugue[dask], or pass an Executor."
        ) from error


def fit_all(task: Task, frame: LongFrame, engine: Any, progress: bool) -> list[Outcome]:
    """
    Fit every series.

    Parameters
    ----------
    task : Task
        What to do with each.
    frame : LongFrame
        The series.
    engine : None, Executor or fugue.ExecutionEngine
        From :func:`find_engine`; None: here, by as many threads as numba may use.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    list of Fitted or Unfitted
        One for each series; the engine makes no difference to them.
    """
    # an executor may have threads of this process, which leave filters of warnings as they find them at the end
    with warnings.catch_warnings(), tqdm(total=len(frame), desc="series", disable=not progress) as bar:
        if engine is None:
            return _fit_here(task, frame, n_threads(), bar.update)
        size = min(max(1, len(frame) // MOST_PIECES), LARGEST_SEARCH if task.select else LARGEST_PIECE)
        pieces = [frame.part(first, min(first + size, len(frame))) for first in range(0, len(frame), size)]
        found: list[Outcome] = []
        send = _with_executor if isinstance(engine, Executor) else _with_fugue
        for outcomes in send(task, pieces, engine):
            found += outcomes
            bar.update(len(outcomes))
        return found


def fit_piece(task: Task, frame: LongFrame) -> list[Outcome]:
    """Fit the series of a piece of work by one thread; what other processes are asked to do."""
    return _fit_here(task, frame, 1, lambda _: None)


def _with_executor(task: Task, pieces: list[LongFrame], engine: Executor) -> Iterator[list[Outcome]]:
    jobs = [engine.submit(fit_piece, task, piece) for piece in pieces]
    try:
        for job in jobs:
            yield job.result()
    finally:
        for job in jobs:
            job.cancel()


def _with_fugue(task: Task, pieces: list[LongFrame], engine: Any) -> Iterator[list[Outcome]]:
    # what is sent is text: engines differ in the types that they know, and some take bytes for text
    jobs = pd.DataFrame({"piece": range(len(pieces)), "work": [_pack((task, piece)) for piece in pieces]})
    import fugue.api

    done = fugue.api.transform(
        jobs, _fit_packed, schema="piece:long,work:str", partition={"num": len(pieces), "algo": "even"}, engine=engine,
        as_local=True, as_fugue=False,
    )  # fmt: skip
    table = pd.DataFrame(done) if isinstance(done, pd.DataFrame) else done.as_pandas()
    for text in table.sort_values("piece")["work"]:
        yield _unpack(text)


def _fit_packed(jobs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"piece": jobs["piece"], "work": [_pack(fit_piece(*_unpack(work))) for work in jobs["work"]]})


def _pack(value: Any) -> str:
    return base64.b64encode(pickle.dumps(value, protocol=5)).decode("ascii")


def _unpack(text: str) -> Any:
    return pickle.loads(base64.b64decode(text))


def on_threads(work: Callable[[int], Any], n: int, threads: int, tick: Callable[[int], Any]) -> list[Any]:
    """
    Results of a function of the numbers 0 to n - 1, each found by one thread.

    Warnings are not given: threads share their filters, so none can be caught for sure.
    """
    found: list[Any] = [None] * n

    def run(k: int) -> None:
        with alone():
            found[k] = work(k)
        tick(1)

    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore")
        run_all(run, range(n), threads)
    return found


def _fit_here(task: Task, frame: LongFrame, threads: int, tick: Callable[[int], Any]) -> list[Outcome]:
    if task.device == "cpu" or task.select:
        # a device takes one search after the other
        return on_threads(lambda k: task.run(frame, k), len(frame), threads if task.device == "cpu" else 1, tick)
    found: list[Outcome] = []
    most = max(1, int(DEVICE_ROWS / max(1, frame.lengths.max())))
    for first in range(0, len(frame), most):
        part = frame.part(first, min(first + most, len(frame)))
        found += _fit_on_device(task, part, threads)
        tick(len(part))
    return found


class _Models:
    """
    Models of the series of a panel, as fits need them.

    Without missing values, and with terms that depend on no dates, what a model is depends on the number of its rows
    and their frequency, and making one takes longer than its fit on a device: the first of a kind makes the others.
    """

    def __init__(self, task: Task, frame: LongFrame):
        self.task, self.frame = task, frame
        self.known: dict[Any, RecurrentModel] = {}

    def make(self, k: int) -> RecurrentModel:
        """Model of one series; raises where there is none."""
        done, (y, x) = self.frame.completed(k), self.frame.values(k)
        dated = done.deferred or self.task.options.get("deterministic") is not None
        if dated or done.rows is not None or not (np.isfinite(y).all() and (x is None or np.isfinite(x).all())):
            return self.task.make(self.frame.series(k))
        kind = len(y), getattr(done.index, "freq", None)
        if kind in self.known:
            return self.known[kind]._of_values(y, x)
        self.known[kind] = model = self.task.make(self.frame.series(k))
        return model


class _Ready(NamedTuple):
    """A series without gaps that is ready for a device."""

    k: int
    model: RecurrentModel
    options: Options


def _fit_on_device(task: Task, frame: LongFrame, threads: int) -> list[Outcome]:
    """Fit series of the same form all at once; those with gaps, which a device does not take, here."""
    models, arguments = _Models(task, frame), {**(task.model.fit.__kwdefaults__ or {}), **task.fit}

    def prepare(k: int) -> _Ready | Outcome:
        try:
            model = models.make(k)
            options = model._fit_options(*(arguments[name] for name in ("penalty", "maxiter", "tol")))
        except UNFIT as error:
            return unfitted(frame, k, error)
        return _Ready(k, model, options) if np.isfinite(model._y).all() else task.run(frame, k)

    found: list[Any] = on_threads(prepare, len(frame), threads, lambda _: None)
    groups: dict[Any, list[_Ready]] = {}
    for one in found:
        if isinstance(one, _Ready):
            weights = one.model.constant_weights
            form = one.model.specification, one.options, None if weights is None else weights.tobytes()
            groups.setdefault(form, []).append(one)
    for members in groups.values():
        for one, outcome in zip(members, _fit_group(task, frame, members, arguments, threads), strict=True):
            found[one.k] = outcome
    return found


def _fit_group(
    task: Task, frame: LongFrame, members: Sequence[_Ready], arguments: Mapping[str, Any], threads: int
) -> list[Outcome]:
    """Fit series of one form at once; where there is an error that nobody foresaw, without the series whose it is."""
    try:
        return _fit_together(task, frame, members, arguments, threads)
    except UNFIT as error:
        if len(members) == 1:
            return [unfitted(frame, members[0].k, error)]
    half = len(members) // 2
    parts = members[:half], members[half:]
    return [one for part in parts for one in _fit_group(task, frame, part, arguments, threads)]


def _fit_together(
    task: Task, frame: LongFrame, members: Sequence[_Ready], arguments: Mapping[str, Any], threads: int
) -> list[Outcome]:
    """Fit series of one form at once; one whose starts all diverge is no error but its outcome."""
    first, options = members[0].model, members[0].options
    with one_blas_thread():
        samples = [one.model._sample() for one in members]
        problems = make_problems(first.specification, samples, first.constant_weights, threads, options.penalty is None)
        starts = _starts(first, problems, arguments["n_starts"], task.seed, threads)
        weighted = problems if first.errors == "normal" else [_weighted(problem) for problem in problems]
        ends = estimate_on_device(weighted, [start for start, _ in starts], options, threads, task.device)

    def finish(i: int) -> Outcome:
        (k, model, _), (_, origin), end = members[i], starts[i], ends[i]
        try:
            if isinstance(end, ValueError):
                raise end
            if model.errors == "t":
                end = estimate_student(problems[i], end.starts, end.best, options)
            details = model._details(end, origin, *(arguments[name] for name in ("penalty", "cov_type", "cov_kwds")))
            results = model._results(end.params, details)._results
            return Fitted(results.params, results.details, None, figures(results), task.device)
        except UNFIT as error:
            return unfitted(frame, k, error)

    return on_threads(finish, len(members), threads, lambda _: None)


def _weighted(problem: Problem) -> Problem:
    """The weighted squares that the starts minimise with Student-t errors."""
    weights = robust_weights(problem)
    return problem if weights is None else problem.reweighted(weights)


def _starts(
    model: RecurrentModel, problems: Sequence[Problem], count: int, seed: int, threads: int
) -> list[tuple[np.ndarray, list[str]]]:
    """Start values of all problems, a batch of them at a time."""
    batches = [problems[i : i + TOGETHER] for i in range(0, len(problems), TOGETHER)]
    found = on_threads(lambda b: model._many_starts(batches[b], count, seed), len(batches), threads, lambda _: None)
    return [one for batch in found for one in batch]
