"""What is done with each series of a panel: the model, how it is fitted, and what is kept of it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import pandas as pd
from statsmodels.tsa.deterministic import DeterministicProcess

from pararnn_ts.kernels.cuda.target import NoDeviceError
from pararnn_ts.models.arguments import check_count, check_generator, optimiser_options
from pararnn_ts.models.cell_model import EARLY_STOPPING, CellModel
from pararnn_ts.models.convergence import has_settled, not_converged
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.models.recurrent import RecurrentModel
from pararnn_ts.models.values import shown
from pararnn_ts.panel.frame import LongFrame, OneSeries
from pararnn_ts.results.covariance import check_covariance
from pararnn_ts.results.details import FitDetails

__all__ = ["CHOSEN", "FORM", "UNFIT", "UNFITTED", "Fitted", "Outcome", "Task", "Unfitted", "alone", "make_task"]

# what a panel says by other means
_DATA = {"endog", "exog", "dates", "freq"}
_NOT_OF_A_PANEL = {
    "start_params": "a panel has parameters of its own for each series",
    "disp": "panel.table says how each fit went",
    "dates": "the times of a panel are those in time_col",
    "formula": "a panel has exogenous columns, which exog_cols names",
    "n_jobs": "threads are as many as numba.set_num_threads says, and processes are an engine",
}
# what a series that cannot be fitted may raise; anything else is a mistake of ours and goes on its way
UNFIT = (ValueError, ArithmeticError, np.linalg.LinAlgError)
# status of a series that could not be fitted
UNFITTED = "not fitted"
# what a selection decides
CHOSEN = ("lags", "units", "linear_lags", "errors", "hold_back")
# options that may be given, and are chosen where they are not
FORM = ("diff", "seasonal_diff", "seasonal")


class Fitted(NamedTuple):
    """
    What is kept of a fit.

    Attributes
    ----------
    params : ndarray, (P,)
        Parameters.
    details : FitDetails
        How they were estimated.
    chosen : dict or None
        Options of the model that a selection has chosen.
    figures : dict
        Figures of the table.
    device : str
        Where it was fitted.
    """

    params: np.ndarray
    details: FitDetails
    chosen: dict[str, Any] | None
    figures: dict[str, Any]
    device: str = "cpu"


class Unfitted(NamedTuple):
    """
    Why a series was not fitted.

    Attributes
    ----------
    message : str
        A sentence.
    n_missing : int
        Rows without a value.
    """

    message: str
    n_missing: int


Outcome = Fitted | Unfitted


@dataclass(frozen=True)
class Task:
    """
    What is done with each series.

    Parameters
    ----------
    model : type
        Class of the models.
    options : mapping
        Options of its constructor.
    fit : mapping
        Arguments of `fit`, or of `select_order` with `select`.
    select : bool
        Whether lags and units of each series are chosen.
    seed : int
        Seed of every fit.
    device : str
        Where starts run.
    """

    model: type[RecurrentModel]
    options: Mapping[str, Any]
    fit: Mapping[str, Any]
    select: bool
    seed: int
    device: str

    def make(self, series: OneSeries, chosen: Mapping[str, Any] | None = None) -> RecurrentModel:
        """Model of one series."""
        model = self.model(series.endog, series.exog, **{**self.options, **(chosen or {})})
        model._notes = series.notes
        return model

    def run(self, frame: LongFrame, k: int) -> Outcome:
        """Fit one series on the processor, by one thread."""
        try:
            series = frame.series(k)
            if self.select:
                return self._select(series)
            results = self.make(series).fit(rng=self.seed, **self.fit)._results
            return Fitted(results.params, results.details, None, figures(results))
        except UNFIT as error:
            return unfitted(frame, k, error)
        except Exception as error:
            error.add_note(f"This happened while series {shown(frame.ids[k])} of the panel was fitted.")
            raise

    def _select(self, series: OneSeries) -> Fitted:
        from pararnn_ts.selection import select_order

        selection = select_order(
            series.endog, series.exog, rng=self.seed, device=self.device, **self.options, **self.fit
        )
        results = selection.results._results
        chosen = {name: getattr(results.model, name) for name in (*CHOSEN, *FORM)}
        chosen |= {name: list(chosen[name]) for name in ("lags", "linear_lags")}
        return Fitted(results.params, results.details, chosen, figures(results), self.device)


def figures(results: Any) -> dict[str, Any]:
    """Figures of the table that follow from results."""
    return {
        "nobs": results.nobs,
        "n_missing": int(np.count_nonzero(np.isnan(results.model._y))),
        "n_params": len(results.params),
        "df_model": results.df_model,
        "llf": results.llf,
        "aic": results.aic,
        "bic": results.bic,
        "log_evidence": results.log_evidence,
        "scale": results.scale,
        "n_best": int(results.mle_retvals["n_best"]),
        "converged": results.converged,
        "status": str(results.mle_retvals["status"]),
        "message": "" if has_settled(results.mle_retvals) else not_converged(results.mle_retvals),
    }


def unfitted(frame: LongFrame, k: int, error: Exception) -> Unfitted:
    """Outcome of a series that could not be fitted."""
    y = frame.y[frame.offsets[k] : frame.offsets[k + 1]]
    text = " ".join(str(error).split()) or type(error).__name__
    # the user of a panel has a column where that of a model has a series
    return Unfitted(text.replace("endog", repr(frame.columns.target)), int(np.count_nonzero(np.isnan(y))))


@contextmanager
def alone() -> Iterator[None]:
    """Let numerical work inside the block use one thread: the series are what is shared out."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def make_task(
    frame: LongFrame,
    model: Any,
    select: bool,
    rng: Any,
    device: Any,
    options: Mapping[str, Any],
    elsewhere: bool = False,
) -> Task:
    """
    Check everything that can be wrong before a series is looked at.

    Parameters
    ----------
    frame : LongFrame
        The panel.
    model : type or None
        Class of the models; None: ParaRNN.
    select : bool
        Whether lags and units of each series are chosen.
    rng : None, int or Generator
        Source of randomness.
    device : str
        Where starts run.
    options : mapping
        Options of the model, and arguments of its `fit` or of `select_order`.
    elsewhere : bool
        Whether the work is done on other machines, which may have a device where this one has none.

    Returns
    -------
    Task
    """
    model = ParaRNN if model is None else model
    if not (isinstance(model, type) and issubclass(model, RecurrentModel)):
        raise TypeError(f"model must be a class of models such as prt.ParaRNN, but is {model!r}.")
    if model.__name__ in frame.columns[:3]:
        raise ValueError(
            f"df has a column {model.__name__!r}, which is the name of forecasts by this model; rename the column."
        )
    if not isinstance(select, (bool, np.bool_)):
        raise TypeError(f"select must be True or False, but is {select!r}.")
    if select and model is not ParaRNN:
        raise ValueError(f"select=True chooses lags and units of a ParaRNN, but model is {model.__name__}.")
    seed = int(rng) if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) else None
    generator = check_generator(rng)
    seed = int(generator.integers(2**62)) if seed is None else seed
    own, fit = _sorted(model, bool(select), options)
    task = Task(model, own, fit, bool(select), seed, device)
    (_try_selection if select else _try_model)(task, frame, elsewhere)
    return task


def _sorted(
    model: type[RecurrentModel], select: bool, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the constructor, and arguments of the fit; a name that is neither is refused."""
    from pararnn_ts.selection import select_order

    target = select_order if select else model.fit
    shared = {"endog", "exog", "rng", "device", "self", "progress", *_NOT_OF_A_PANEL}
    parameters = inspect.signature(target).parameters
    for_fit = [name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD and name not in shared]
    of_model = [name for name in model.option_names if name not in for_fit]
    if select:
        of_model = [name for name in of_model if name not in CHOSEN]
    for name in options:
        if name in _NOT_OF_A_PANEL:
            raise TypeError(f"fit_panel has no argument {name!r}: {_NOT_OF_A_PANEL[name]}.")
        if name in for_fit or name in of_model:
            continue
        if select and name in CHOSEN:
            raise TypeError(f"fit_panel has no argument {name!r} with select=True, which chooses it; leave it out.")
        known = [*of_model, *for_fit, "id_col", "time_col", "target_col", "exog_cols", "engine", "rng", "device"]
        near = difflib.get_close_matches(name, known, n=1)
        which = f"select_order has {', '.join(for_fit)}" if select else f"{model.__name__} has {', '.join(of_model)}"
        hint = f"did you mean {near[0]!r}?" if near else f"{which}."
        raise TypeError(f"fit_panel has no argument {name!r}; {hint}")
    return {n: v for n, v in options.items() if n in of_model}, {n: v for n, v in options.items() if n in for_fit}


def _trial(frame: LongFrame, deterministic: Any, constant: bool) -> tuple[pd.Series, pd.DataFrame | None]:
    """Made-up values of the shape of the longest series, on which options can be tried."""
    index: Any = None
    if isinstance(deterministic, DeterministicProcess):
        index = deterministic.index
    else:
        try:
            index = frame.completed(int(np.argmax(frame.lengths))).index
        except ValueError:
            pass
        if not isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex, pd.RangeIndex)):
            index = pd.RangeIndex(50)
    values = np.zeros(len(index)) if constant else np.sin(np.arange(len(index)) ** 1.5)
    columns = list(frame.columns.exog)
    # neither constant nor alike
    x = np.cos(np.arange(len(index))[:, None] ** (1.3 + 0.1 * np.arange(len(columns))))
    return pd.Series(values, index, name=frame.columns.target), pd.DataFrame(x, index, columns) if columns else None


def _try_model(task: Task, frame: LongFrame, elsewhere: bool) -> None:
    """Raise for options that no series could be fitted with."""
    endog, exog = _trial(frame, task.options.get("deterministic"), False)
    model = task.model(endog, exog, **task.options)
    try:
        model._check_device(task.device)
    except NoDeviceError:
        if not elsewhere:
            raise
    arguments = {p.name: p.default for p in inspect.signature(task.model.fit).parameters.values()}
    arguments |= dict(task.fit)
    penalty = arguments["penalty"]
    # the penalty that only models with a cell have
    if not (issubclass(task.model, CellModel) and penalty == EARLY_STOPPING):
        groups = len(model.specification.group_names)
        optimiser_options(penalty, arguments["maxiter"], arguments["tol"], groups)
    check_count(arguments["n_starts"], "n_starts")
    details = FitDetails(penalty, np.empty((0, 0)), 1.0, 0.0, cov_type=arguments["cov_type"])
    check_covariance(details.covariance_name, arguments["cov_kwds"] or {})


def _try_selection(task: Task, frame: LongFrame, elsewhere: bool) -> None:
    """Raise for arguments of a selection that no series could be searched with."""
    from pararnn_ts.selection import select_order

    check_count(task.fit.get("n_starts", 1), "n_starts")
    endog, exog = _trial(frame, task.options.get("deterministic"), True)
    try:
        # a constant series is refused once all arguments are found to be in order
        select_order(endog, exog, rng=task.seed, device=task.device, **task.options, **task.fit)
    except NoDeviceError:
        if not elsewhere:
            raise
    except ValueError as error:
        if not str(error).startswith(("endog is constant", "endog has")):
            raise
