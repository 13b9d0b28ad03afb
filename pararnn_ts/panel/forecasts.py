"""Forecasts of all series of a panel in one long data frame."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import OutputWarning

from pararnn_ts._compat import warn_user
from pararnn_ts.estimation.estimate import n_threads
from pararnn_ts.models.arguments import check_count, check_generator
from pararnn_ts.models.labels import extend_index
from pararnn_ts.models.values import shown
from pararnn_ts.panel.engines import on_threads
from pararnn_ts.panel.frame import LongFrame, future_rows
from pararnn_ts.panel.task import UNFIT, UNFITTED, Fitted
from pararnn_ts.results.intervals import check_method
from pararnn_ts.results.prediction import is_explosive

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = [
    "Ahead",
    "Intervals",
    "check_intervals",
    "check_levels",
    "fill_ahead",
    "fitted_frame",
    "forecast_frame",
    "future_values",
    "joined",
    "warn_of",
]


class Ahead(NamedTuple):
    """Forecasts of one series: labels (None where they do not follow from its own), values, what is to be said."""

    labels: pd.Index | None
    values: np.ndarray
    lost: str = ""
    explosive: bool = False


class Intervals(NamedTuple):
    """Which intervals are wanted, and where they come from."""

    levels: tuple[float, ...]
    method: str
    n_sims: int
    seed: int

    def names(self, name: str) -> list[str]:
        """Columns of points and of ends of intervals."""
        return [name, *(f"{name}-{end}-{one:g}" for one in self.levels for end in ("lo", "hi"))]


def check_intervals(level: Any, method: Any, n_sims: Any, rng: Any) -> Intervals:
    """
    Arguments of a forecast, or one sentence about the first that is wrong.

    Examples
    --------
    >>> from pararnn_ts.panel.forecasts import check_intervals
    >>> check_intervals(90, "bootstrap", 1000, 0).names("ParaRNN")
    ['ParaRNN', 'ParaRNN-lo-90', 'ParaRNN-hi-90']
    """
    levels, paths = check_levels(level), check_count(n_sims, "n_sims", 2)
    check_method(method)
    generator = check_generator(rng)
    drawn = rng is None or isinstance(rng, np.random.Generator)
    return Intervals(levels, method, paths, int(generator.integers(2**62)) if drawn else int(rng))


def fill_ahead(values: np.ndarray, results: Any, x: Any, index: Any, wanted: Intervals) -> tuple[pd.Index, bool]:
    """
    Fill in points and ends of intervals of the steps after a sample; points stay where there are no intervals.

    Returns
    -------
    Index, bool
        Labels of the steps, and whether a forecast or one of the paths behind intervals is explosive.
    """
    steps = len(values)
    points = results.forecast(steps, x, index)
    values[:, 0] = points
    explosive = bool(results.explosive)
    if wanted.levels:
        found = results.get_forecast(steps, x, index, method=wanted.method, n_sims=wanted.n_sims, rng=wanted.seed)
        # the alpha of 80 per cent is 0.2, which 1 - 80 / 100 is not
        ends = [np.asarray(found.conf_int((100.0 - level) / 100.0)) for level in wanted.levels]
        values[:, 1:] = np.column_stack(ends)
        paths = np.asarray(found.simulations).T
        explosive |= bool(is_explosive(paths, results.tail.low, results.tail.high).any())
    return points.index, explosive


def check_levels(level: Any) -> tuple[float, ...]:
    """
    Coverages in per cent, one or several.

    Examples
    --------
    >>> from pararnn_ts.panel.forecasts import check_levels
    >>> check_levels(None), check_levels(90), check_levels([80, 97.5])
    ((), (90,), (80, 97.5))
    """
    if level is None:
        return ()
    levels = tuple(level) if isinstance(level, Iterable) and not isinstance(level, str) else (level,)
    for one in levels:
        if isinstance(one, (bool, np.bool_)) or not isinstance(one, Real) or not 1 <= float(one) < 100:
            raise ValueError(
                f"level must hold per cents between 1 and 100, but holds {one!r}; pass for example [80, 95]."
            )
    if len(set(levels)) < len(levels):
        raise ValueError(f"level must hold different numbers, but is {list(levels)}.")
    return levels


def forecast_frame(panel: Panel, h: Any, exog: Any, level: Any, method: str, n_sims: Any, rng: Any) -> Any:
    """Forecasts of a panel, see `Panel.forecast`."""
    steps, wanted = check_count(h, "h"), check_intervals(level, method, n_sims, rng)
    columns, n = panel._frame.columns, len(panel)
    future = future_values(panel._frame, panel.fitted_ids, exog, steps)
    fitted = [isinstance(outcome, Fitted) for outcome in panel._outcomes]
    names = wanted.names(panel.model.__name__)

    def one(k: int) -> Ahead:
        values = np.full((steps, len(names)), np.nan)
        if not fitted[k]:
            return Ahead(_labels(panel._frame, k, steps), values, UNFITTED)
        results = panel._results(k)._results
        labels, index = None, None
        if not results.model._extendable:
            labels, index = _labels(panel._frame, k, steps), pd.RangeIndex(steps)
            if labels is None:
                return Ahead(None, values, "its times do not go on; give them a frequency with freq, or number them.")
        try:
            own, explosive = fill_ahead(values, results, future[k], index, wanted)
        except UNFIT as error:
            return Ahead(results.model.future_index(steps) if labels is None else labels, values, str(error))
        return Ahead(own if labels is None else labels, values, explosive=explosive)

    ahead = on_threads(one, n, n_threads(), lambda _: None)
    warn_of(panel.ids, ahead)
    kept = [k for k in range(n) if ahead[k].labels is not None]
    table = {columns.ids: panel.ids[np.repeat(kept, steps)], columns.time: joined([ahead[k].labels for k in kept])}
    values = np.concatenate([ahead[k].values for k in kept])
    found = pd.DataFrame({**table, **dict(zip(names, values.T, strict=True))})
    return panel._frame.handed_out(found, [columns.time])


def fitted_frame(panel: Panel) -> Any:
    """One-step predictions inside the samples, see `Panel.fittedvalues`."""
    columns, name = panel._frame.columns, panel.model.__name__
    known = [k for k, outcome in enumerate(panel._outcomes) if isinstance(outcome, Fitted)]

    def one(i: int) -> tuple[pd.Index, np.ndarray]:
        results = panel._results(known[i])._results
        return results.model.index, np.column_stack([results.model._y, results.fittedvalues])

    found = on_threads(one, len(known), n_threads(), lambda _: None)
    values = np.concatenate([both for _, both in found])
    table = pd.DataFrame({
        columns.ids: panel.ids[np.repeat(known, [len(index) for index, _ in found])],
        columns.time: joined([index for index, _ in found]),
        columns.target: values[:, 0],
        name: values[:, 1],
    })  # fmt: skip
    return panel._frame.handed_out(table, [columns.time])


def _labels(frame: LongFrame, k: int, steps: int) -> pd.Index | None:
    """Labels after a series, by its own index or by the frequency of the others; None where neither tells."""
    try:
        return extend_index(frame.completed(k).index, steps)
    except ValueError:
        pass
    return None if frame.calendar is None else frame.calendar.after(frame.labels(k), steps)


def future_values(frame: LongFrame, names: pd.Index, exog: Any, steps: int) -> list[Any]:
    """
    Exogenous values of the steps after some series of a frame, or one sentence about the first that is absent.

    Parameters
    ----------
    frame : LongFrame
        The series.
    names : Index
        Names of those that are to be forecast.
    exog : DataFrame or None
        Exogenous values after the series, see `Panel.forecast`.
    steps : int
        Number of steps.

    Returns
    -------
    list of DataFrame or None
        One for each series of the frame, None for those that are not to be forecast and without exogenous columns.
    """
    columns = frame.columns
    if exog is None and columns.exog:
        wanted = ", ".join(map(str, columns.exog))
        raise ValueError(f"exog is needed: a long data frame with the columns {wanted} for the {steps} steps.")
    if exog is None:
        return [None] * len(frame)
    if not columns.exog:
        raise ValueError("exog was given, but the panel has no exogenous columns; leave it out.")
    tables = future_rows(frame, exog)
    absent = [name for name in names if name not in tables]
    if absent:
        raise ValueError(
            f"exog has no rows for {len(absent)} of {len(names)} series, the first {shown(absent[0])}; give it {steps} "
            "rows for each."
        )
    found: list[Any] = [None] * len(frame)
    for name, k in zip(names, frame.ids.get_indexer(names).tolist(), strict=True):
        labels = _labels(frame, k, steps)
        try:
            rows = found[k] = tables[name] if labels is None else tables[name].loc[labels]
        except KeyError:
            missing = labels[~labels.isin(tables[name].index)]  # type: ignore[index, union-attr]
            raise ValueError(
                f"exog lacks {len(missing)} of the {steps} steps of series {shown(name)}, the first {missing[0]}; "
                "give it a row for each."
            ) from None
        absent = ~np.isfinite(rows.to_numpy())
        if absent.any():
            row, column = np.argwhere(absent)[0]
            raise ValueError(
                f"exog has no number in column {rows.columns[column]!r} for {rows.index[row]} of series {shown(name)}; "
                "fill it in first."
            )
    return found


def joined(parts: list[pd.Index]) -> pd.Index:
    """Labels of all rows; those that differ in kind as they are."""
    if not parts:
        return pd.Index([])
    if isinstance(parts[0], pd.RangeIndex):
        return pd.Index(np.concatenate([part.to_numpy() for part in parts]))
    return parts[0].append(parts[1:])


def warn_of(ids: pd.Index, ahead: list[Ahead]) -> None:
    """Say once which forecasts are not numbers, and which go astray; raise where there is none at all."""
    if all(one.lost for one in ahead):
        first = next((k for k, one in enumerate(ahead) if one.lost != UNFITTED), 0)
        raise ValueError(
            f"None of the {len(ids)} series could be forecast; the first, {shown(ids[first])}: {ahead[first].lost}"
        )
    lost = [k for k, one in enumerate(ahead) if one.lost and one.labels is not None]
    wild = [k for k, one in enumerate(ahead) if one.explosive]
    unknown = [k for k, one in enumerate(ahead) if one.labels is None]
    parts = []
    if lost:
        first = lost[0]
        parts.append(f"{len(lost)} have NaN, the first that of {shown(ids[first])} ({ahead[first].lost.rstrip('.')})")
    if wild:
        parts.append(f"{len(wild)} are explosive, the first that of {shown(ids[wild[0]])}, see its stability()")
    if unknown:
        first = unknown[0]
        parts.append(f"{len(unknown)} are left out since their times do not go on, the first that of "
                     f"{shown(ids[first])}")  # fmt: skip
    if parts:
        warn_user(f"Of the forecasts of {len(ids)} series {'; '.join(parts)}.", OutputWarning)
