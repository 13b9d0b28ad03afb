"""Where the series of a panel are fitted: threads, a CUDA device, other processes or machines."""

from __future__ import annotations

import base64
import pickle
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.estimate import Estimate, estimate_many, estimate_student, n_threads
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.problem import Problem
from pararnn_ts.estimation.student import robust_weights
from pararnn_ts.estimation.threads import run_all
from pararnn_ts.models.arguments import check_generator
from pararnn_ts.panel.frame import LongFrame
from pararnn_ts.panel.task import UNFIT, Fitted, Outcome, Task, alone, figures, unfitted

__all__ = ["check_engine", "fit_all", "on_threads"]

# series of a piece of work that is sent away: few enough to balance, enough to be worth the sending
MOST_PIECES, LARGEST_PIECE = 32, 64
# a search of models takes a hundred times as long as a fit
LARGEST_SEARCH = 2
# rows of the series that are prepared for a device at once
DEVICE_ROWS = 5_000_000


def check_engine(engine: Any) -> None:
    """Raise for an engine that is none, before any work is done."""
    if engine is None or isinstance(engine, Executor):
        return
    if isinstance(engine, (bool, int, float)):
        raise TypeError(
            f"engine must be None, an Executor or an engine of fugue such as 'spark', but is {engine!r}; the number of "
            "threads is numba's, see numba.set_num_threads."
        )
    _fugue()


def _fugue() -> Any:
    try:
        import fugue.api
    except ImportError as error:
        raise ImportError(
            "engine needs fugue unless it is an Executor; install pararnn-ts[distributed], or pass for example "
            "concurrent.futures.ProcessPoolExecutor()."
        ) from error
    return fugue.api


def fit_all(task: Task, frame: LongFrame, engine: Any, progress: bool) -> list[Outcome]:
    """
    Fit every series.

    Parameters
    ----------
    task : Task
        What to do with each.
    frame : LongFrame
        The series.
    engine : None, Executor or engine of fugue
        Where to do it; None: here, by as many threads as numba may use.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    list of Fitted or Unfitted
        One for each series; the engine makes no difference to them.
    """
    with tqdm(total=len(frame), desc="series", disable=not progress) as bar:
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
    done = _fugue().transform(
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


class _Prepared:
    """A series that is ready for a device."""

    def __init__(self, task: Task, frame: LongFrame, k: int):
        self.model = task.make(frame.series(k))
        defaults = {**(self.model.fit.__kwdefaults__ or {}), **task.fit}
        self.options: Options = self.model._fit_options(*(defaults[name] for name in ("penalty", "maxiter", "tol")))
        self.problem: Problem = self.model._problem()
        self.starts, self.origin = self.model._starts(self.problem, defaults["n_starts"], check_generator(task.seed))
        self.complete = bool(np.isfinite(self.problem.sample.y).all())
        self.arguments = defaults
        # with Student-t errors the starts minimise weighted squares
        weights = robust_weights(self.problem) if self.complete and self.model.errors == "t" else None
        self.weighted = self.problem if weights is None else self.problem.reweighted(weights)

    def finish(self, found: Estimate, device: str) -> Fitted:
        """Keep what was found."""
        if self.model.errors == "t":
            found = estimate_student(self.problem, found.starts, found.best, self.options)
        names = ("penalty", "cov_type", "cov_kwds")
        details = self.model._details(found, self.origin, *(self.arguments[name] for name in names))
        results = self.model._results(found.params, details)._results
        return Fitted(results.params, results.details, None, figures(results), device)


def _fit_on_device(task: Task, frame: LongFrame, threads: int) -> list[Outcome]:
    """Fit series of the same form all at once; those with gaps, which a device does not take, here."""
    ends: dict[int, Estimate | Exception] = {}

    def prepare(k: int) -> Any:
        try:
            return _Prepared(task, frame, k)
        except UNFIT as error:
            return unfitted(frame, k, error)

    def finish(k: int) -> Outcome:
        one, end = ready[k], ends.get(k)
        if not isinstance(one, _Prepared):
            return one
        if end is None:
            return task.run(frame, k)
        try:
            return unfitted(frame, k, end) if isinstance(end, Exception) else one.finish(end, task.device)
        except UNFIT as error:
            return unfitted(frame, k, error)

    ready = on_threads(prepare, len(frame), threads, lambda _: None)
    groups: dict[Any, list[int]] = {}
    for k, one in enumerate(ready):
        if isinstance(one, _Prepared) and one.complete:
            groups.setdefault((one.model.specification, one.options), []).append(k)
    for (_, options), members in groups.items():
        problems, starts = [ready[k].weighted for k in members], [ready[k].starts for k in members]
        ends.update(zip(members, _estimates(problems, starts, options, threads, task.device), strict=True))
    return on_threads(finish, len(frame), threads, lambda _: None)


def _estimates(
    problems: list[Problem], starts: list[np.ndarray], options: Options, threads: int, device: str
) -> list[Estimate | Exception]:
    """Estimates of all problems at once; where one cannot be fitted, the others are found without it."""
    try:
        return list(estimate_many(problems, starts, options, threads, device))
    except UNFIT as error:
        if len(problems) == 1:
            return [error]
    half = len(problems) // 2
    return [
        *_estimates(problems[:half], starts[:half], options, threads, device),
        *_estimates(problems[half:], starts[half:], options, threads, device),
    ]
