"""Where the recursion stands at a row of the sample, and how it goes on from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pararnn_ts.models.deterministics import Deterministics

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = [
    "At",
    "Gap",
    "Standpoint",
    "Tail",
    "continue_path",
    "covariates",
    "first_remembered",
    "gap_at_end",
    "make_tail",
    "model_exog",
    "place_in_time",
    "refit_states",
    "require_beginning",
    "response",
    "rows_from",
    "run_model",
    "shock_pool",
    "standpoint",
]

# shocks kept when the data are removed
MOST_SHOCKS = 120
# states under other parameters follow from at most this many rows before
MEMORY = 4096


class Standpoint(NamedTuple):
    """
    What is known before a row.

    Attributes
    ----------
    row : int
        The row.
    levels : ndarray, (reach,)
        Values of the series before it, gaps filled.
    state : ndarray, (sum of unit dimensions,)
        State of the units before it.
    """

    row: int
    levels: np.ndarray
    state: np.ndarray


@dataclass(frozen=True)
class Gap:
    """
    Missing rows with which a sample ends: those right before the sample of results that extend others.

    Parameters
    ----------
    standpoint : Standpoint
        After the last observation; its row is negative where the rows are those before a sample.
    deterministic : ndarray, (rows, k)
        Deterministic terms of the missing rows.
    exog : ndarray, (rows, e)
        Their exogenous values.
    """

    standpoint: Standpoint
    deterministic: np.ndarray
    exog: np.ndarray


@dataclass(frozen=True)
class Tail(Gap):
    """
    All that forecasts need of the sample: the missing rows with which it ends, which may be none, and what is beside.

    Parameters
    ----------
    standpoint, deterministic, exog
        As in `Gap`.
    end : Standpoint
        At the end of the sample.
    last_exog : ndarray, (1, e)
        Exogenous values of the last row of the sample.
    shocks : ndarray
        Shocks to draw from, see :func:`shock_pool`.
    low, high : float
        Smallest and largest observation, those included on which the parameters were estimated.
    """

    end: Standpoint
    last_exog: np.ndarray
    shocks: np.ndarray
    low: float
    high: float

    def thinned(self) -> Tail:
        """Return this tail with at most `MOST_SHOCKS` shocks, quantiles of all of them."""
        shocks = self.shocks
        if len(shocks) > MOST_SHOCKS:
            levels = (np.arange(MOST_SHOCKS) + 0.5) / MOST_SHOCKS
            kept = np.quantile(shocks, levels)
            kept = kept - kept.mean()
            size = np.sqrt(np.mean(kept**2))
            shocks = kept * (np.sqrt(np.mean(shocks**2)) / size) if size > 0 else kept
        return replace(self, shocks=shocks)


def shock_pool(resid: np.ndarray, scale: float) -> np.ndarray:
    """
    Shocks to draw from: residuals, centred, with variance `scale`.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.trajectory import shock_pool
    >>> shock_pool(np.array([np.nan, 0.0, 2.0]), 4.0)
    array([-2.,  2.])
    """
    pool = resid[np.isfinite(resid)]
    if len(pool) == 0:
        return np.zeros(1)
    pool = pool - pool.mean()
    size = np.sqrt(np.mean(pool**2))
    return pool * (np.sqrt(scale) / size) if size > 0 else pool


def place_in_time(model: Any, base_index: Any, origin: int) -> None:
    """Let the deterministic terms of a model begin `origin` periods after the start of `base_index`."""
    options = model.trend, model.seasonal, model.period, model.deterministic
    model._terms, model._base_index = Deterministics(*options, index=base_index), base_index
    model._origin = int(origin)
    model._det = model._terms.rows(model._origin, model._origin + model.nobs)


class At(NamedTuple):
    """What :func:`run_model` reads of results, at other parameters."""

    model: Any
    past: Any
    params: np.ndarray


def run_model(results: RecurrentResults | At, y: np.ndarray | None = None) -> Any:
    """Run the model along its sample, or along other values of it, from the standpoint before where there is one."""
    model, past = results.model, results.past
    if past is None:
        return model.path(results.params, y)
    reach = len(past.levels)
    own = model._y if y is None else y
    parts = (past.levels, own), *((np.zeros((reach, a.shape[1])), a) for a in (model_exog(model), model._det))
    path = model.path(results.params, *(np.concatenate(pair) for pair in parts), state=past.state)
    return path._replace(**{name: getattr(path, name)[reach:] for name in path._fields if name != "end_state"})


def model_exog(model: Any) -> np.ndarray:
    """Exogenous values of a model as a matrix, of no columns where it has none."""
    return np.empty((model.nobs, 0)) if model._x is None else model._x


def standpoint(results: RecurrentResults, row: int) -> Standpoint:
    """Levels and state before a row of the sample, the first row after it, or the gap before it."""
    if results.gap is not None and row == results.gap.standpoint.row:
        return results.gap.standpoint
    if results.data_removed:
        for known in (results.tail.standpoint, results.tail.end):
            if known.row == row:
                return known
        results.require_data()
    spec, path, past = results.model.specification, results.path, results.past
    levels = path.filled if past is None else np.concatenate([past.levels, path.filled])
    last = row + (0 if past is None else spec.reach)
    if row == results.model.nobs:
        state = path.end_state
    elif past is not None and row == 0:
        state = past.state
    elif past is None and row <= spec.first_state:
        state = spec.initial_state
    else:
        state = path.states[row - 1]
    return Standpoint(row, levels[last - spec.reach : last].copy(), np.array(state))


def make_tail(results: RecurrentResults) -> Tail:
    """Collect what forecasts need of the sample."""
    model = results.model
    observed = np.flatnonzero(np.isfinite(model._y))
    row = int(observed[-1]) + 1 if len(observed) else 0
    row = row if row > results.first_row else results.first_origin
    det, exog = covariates(results, row, model.nobs, None)
    seen = model._y[observed] if len(observed) else np.zeros(1)
    if results.inherited is not None:
        seen = np.append(seen, results.inherited.span)
    last = standpoint(results, row)
    return Tail(
        standpoint=last,
        # the same object where it is the same: it is then saved once
        end=last if row == model.nobs else standpoint(results, model.nobs),
        deterministic=det.copy(),
        exog=exog.copy(),
        last_exog=model_exog(model)[-1:].copy(),
        shocks=results.shocks,
        low=float(seen.min()),
        high=float(seen.max()),
    )


def gap_at_end(results: RecurrentResults) -> Gap | None:
    """Missing rows with which the sample ends, as results that extend it need them; None without any."""
    tail, n = results.tail, results.model.nobs
    if tail.standpoint.row == n:
        return None
    return Gap(tail.standpoint._replace(row=tail.standpoint.row - n), tail.deterministic, tail.exog)


def covariates(
    results: RecurrentResults, row: int, stop: int, exog: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Deterministic terms and exogenous values of the rows from `row` to `stop`; `exog` are those after the sample."""
    model = results.model
    n, beyond = model.nobs, max(stop - model.nobs, 0)
    if results.data_removed:
        first = results.tail.standpoint.row
        det, x = results.tail.deterministic[row - first : stop - first], results.tail.exog[row - first : stop - first]
    else:
        det, x = model._det[max(row, 0) : min(stop, n)], model_exog(model)[max(row, 0) : min(stop, n)]
        if results.gap is not None and row < 0:
            det, x = np.concatenate([results.gap.deterministic, det]), np.concatenate([results.gap.exog, x])
    if beyond:
        det = np.concatenate([det, model.future_deterministic(beyond)])
        if exog is not None:
            x = np.concatenate([x, exog[:beyond]])
    return det, x


def continue_path(
    results: RecurrentResults,
    start: Standpoint,
    steps: int,
    exog: np.ndarray | None = None,
    shocks: np.ndarray | None = None,
    params: np.ndarray | None = None,
    states: np.ndarray | None = None,
) -> np.ndarray:
    """
    Paths of the series from a standpoint on.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    start : Standpoint
        Where the paths begin.
    steps : int
        Their length.
    exog : ndarray, optional
        Exogenous values after the sample.
    shocks : ndarray, (S, steps), optional
        Shocks of each path; none for the one path without shocks.
    params, states : ndarray, (S, P) and (S, sum of unit dimensions), optional
        Parameters and states of each path in place of those of the results.

    Returns
    -------
    ndarray, (S, steps)
    """
    det, x = covariates(results, start.row, start.row + steps, exog)
    spec, reach = results.model.specification, len(start.levels)
    n_exog = len(results.model.exog_labels)
    fits = det.shape == (steps, spec.n_deterministic) and x.shape == (steps if n_exog else len(x), n_exog)
    # kernels do not look where they read
    if not fits or reach != spec.reach:
        raise ValueError(
            f"{steps} steps from row {start.row} on need as many rows of deterministic terms and exogenous values, and "
            f"{spec.reach} values before; there are {len(det)}, {len(x)} and {reach}."
        )
    with np.errstate(all="ignore"):
        return results.model.simulate_paths(
            results.params[None] if params is None else params,
            start.levels,
            np.concatenate([np.zeros((reach, det.shape[1])), det]),
            np.concatenate([np.zeros((reach, x.shape[1])), x]),
            np.zeros((1, steps)) if shocks is None else np.ascontiguousarray(shocks, dtype=float),
            start.state[None] if states is None else states,
        )


def rows_from(
    results: RecurrentResults, start: Standpoint, steps: int, exog: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Exogenous values and deterministic terms of so many rows from a standpoint on, with rows for what is before."""
    det, x = covariates(results, start.row, start.row + steps, exog)
    reach = len(start.levels)
    return np.concatenate([np.zeros((reach, x.shape[1])), x]), np.concatenate([np.zeros((reach, det.shape[1])), det])


def require_beginning(results: RecurrentResults) -> None:
    """Raise for results that do not have the rows from which states under other parameters follow."""
    results.require_data()
    if results.past is not None:
        raise ValueError(
            "param_uncertainty=True needs the sample from its beginning; use append instead of extend to keep it."
        )


def first_remembered(results: RecurrentResults, row: int) -> int:
    """Row from which the sample has to be run for the state before `row`: at most `MEMORY` predicted rows earlier."""
    require_beginning(results)
    return max(0, row - MEMORY - results.model.specification.hold_back)


def refit_states(results: RecurrentResults, row: int, params: np.ndarray) -> np.ndarray:
    """State before a row under each of several parameter vectors, from the rows before it (at most `MEMORY`)."""
    model, part = results.model, slice(first_remembered(results, row), row)
    rows = results.path.filled[part], model_exog(model)[part], model._det[part]
    return np.array([model.path(draw, *rows).end_state for draw in params]).reshape(len(params), -1)


def response(results: RecurrentResults, row: int, steps: int, size: float, exog: np.ndarray | None) -> np.ndarray:
    """Path of so many rows from a row on with a shock of this size in the first of them, less the path without it."""
    shocks = np.zeros((2, steps))
    shocks[0, 0] = size
    shocked, unshocked = continue_path(results, standpoint(results, row), steps, exog, shocks)
    return shocked - unshocked
