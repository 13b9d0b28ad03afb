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
from pararnn_ts.panel.frame import future_rows
from pararnn_ts.panel.task import UNFIT, Fitted
from pararnn_ts.results.intervals import check_method
from pararnn_ts.results.prediction import is_explosive

if TYPE_CHECKING:
    from pararnn_ts.panel.panel import Panel

__all__ = ["check_levels", "fitted_frame", "forecast_frame"]


class _Ahead(NamedTuple):
    """Forecasts of one series: labels (None where they do not follow from its own), values, what is to be said."""

    labels: pd.Index | None
    values: np.ndarray
    lost: str = ""
    explosive: bool = False


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


def forecast_frame(panel: Panel, h: Any, exog: Any, level: Any, method: str, n_sims: Any, rng: Any) -> pd.DataFrame:
    """Forecasts of a panel, see `Panel.forecast`."""
    steps, levels, n_paths = check_count(h, "h"), check_levels(level), check_count(n_sims, "n_sims", 2)
    check_method(method)
    generator = check_generator(rng)
    seed = int(generator.integers(2**62)) if rng is None or isinstance(rng, np.random.Generator) else int(rng)
    columns, n = panel._frame.columns, len(panel)
    future = _future(panel, exog, steps)
    fitted = [isinstance(outcome, Fitted) for outcome in panel._outcomes]

    def one(k: int) -> _Ahead:
        values, explosive = np.full((steps, 1 + 2 * len(levels)), np.nan), False
        if not fitted[k]:
            return _Ahead(_labels(panel, k, steps), values, "not fitted")
        results = panel._results(k)._results
        labels = None if results.model._extendable else _labels(panel, k, steps)
        if labels is None and not results.model._extendable:
            return _Ahead(None, values, "its times do not go on; give them a frequency with freq, or number them.")
        x, index = future[k], None if results.model._extendable else pd.RangeIndex(steps)
        try:
            points = results.forecast(steps, x, index)
            values[:, 0], labels = points, points.index if labels is None else labels
            explosive = results.explosive
            if levels:
                found = results.get_forecast(steps, x, index, method=method, n_sims=n_paths, rng=seed)
                values[:, 1:] = np.column_stack([np.asarray(found.conf_int((100.0 - one) / 100.0)) for one in levels])
                paths = np.asarray(found.simulations).T
                explosive |= bool(is_explosive(paths, results.tail.low, results.tail.high).any())
        except UNFIT as error:
            if labels is None:
                labels = results.model.future_index(steps)
            return _Ahead(labels, values, str(error), explosive)
        return _Ahead(labels, values, explosive=explosive)

    ahead = on_threads(one, n, n_threads(), lambda _: None)
    if all(one.lost for one in ahead):
        first = fitted.index(True)
        raise ValueError(
            f"None of the {n} series could be forecast; the first, {shown(panel.ids[first])}: {ahead[first].lost}"
        )
    _warn(panel, ahead)
    kept = [k for k in range(n) if ahead[k].labels is not None]
    name = panel.model.__name__
    table = {columns.ids: panel.ids[np.repeat(kept, steps)], columns.time: _joined([ahead[k].labels for k in kept])}
    values = np.concatenate([ahead[k].values for k in kept])
    names = [name, *(f"{name}-{end}-{one:g}" for one in levels for end in ("lo", "hi"))]
    return pd.DataFrame({**table, **dict(zip(names, values.T, strict=True))})


def fitted_frame(panel: Panel) -> pd.DataFrame:
    """One-step predictions inside the samples, see `Panel.fittedvalues`."""
    columns, name = panel._frame.columns, panel.model.__name__
    known = [k for k, outcome in enumerate(panel._outcomes) if isinstance(outcome, Fitted)]

    def one(i: int) -> tuple[pd.Index, np.ndarray]:
        results = panel._results(known[i])._results
        return results.model.index, np.column_stack([results.model._y, results.fittedvalues])

    found = on_threads(one, len(known), n_threads(), lambda _: None)
    values = np.concatenate([both for _, both in found])
    return pd.DataFrame({
        columns.ids: panel.ids[np.repeat(known, [len(index) for index, _ in found])],
        columns.time: _joined([index for index, _ in found]),
        columns.target: values[:, 0],
        name: values[:, 1],
    })  # fmt: skip


def _labels(panel: Panel, k: int, steps: int) -> pd.Index | None:
    """Labels after a series, by its own index or by the frequency of the others; None where neither tells."""
    frame = panel._frame
    try:
        return extend_index(frame.completed(k).index, steps)
    except ValueError:
        pass
    return None if frame.calendar is None else frame.calendar.after(frame.labels(k)[-1], steps)


def _future(panel: Panel, exog: Any, steps: int) -> list[Any]:
    """Exogenous values of the steps of each series; raises at once where they are absent."""
    columns, known = panel._frame.columns, panel.fitted_ids
    if exog is None and columns.exog:
        names = ", ".join(map(str, columns.exog))
        raise ValueError(f"exog is needed: a long data frame with the columns {names} for the {steps} steps.")
    if exog is None:
        return [None] * len(panel)
    if not columns.exog:
        raise ValueError("exog was given, but the panel has no exogenous columns; leave it out.")
    tables = future_rows(panel._frame, exog)
    absent = [name for name in known if name not in tables]
    if absent:
        raise ValueError(
            f"exog has no rows for {len(absent)} of {len(known)} series, the first {shown(absent[0])}; give it {steps} "
            "rows for each."
        )
    found: list[Any] = [None] * len(panel)
    for name in known:
        k = panel._position(name)
        labels = _labels(panel, k, steps)
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


def _joined(parts: list[pd.Index]) -> pd.Index:
    """Labels of all rows; those that differ in kind as they are."""
    if not parts:
        return pd.Index([])
    if isinstance(parts[0], pd.RangeIndex):
        return pd.Index(np.concatenate([part.to_numpy() for part in parts]))
    return parts[0].append(parts[1:])


def _warn(panel: Panel, ahead: list[_Ahead]) -> None:
    """Say once which forecasts are not numbers, and which go astray."""
    lost = [k for k, one in enumerate(ahead) if one.lost and one.labels is not None]
    wild = [k for k, one in enumerate(ahead) if one.explosive]
    unknown = [k for k, one in enumerate(ahead) if one.labels is None]
    parts = []
    if lost:
        first = lost[0]
        parts.append(
            f"{len(lost)} have NaN, the first that of {shown(panel.ids[first])} ({ahead[first].lost.rstrip('.')})"
        )
    if wild:
        parts.append(f"{len(wild)} are explosive, the first that of {shown(panel.ids[wild[0]])}, see its stability()")
    if unknown:
        first = unknown[0]
        parts.append(f"{len(unknown)} are left out since their times do not go on, the first that of "
                     f"{shown(panel.ids[first])}")  # fmt: skip
    if parts:
        warn_user(f"Of the forecasts of {len(panel)} series {'; '.join(parts)}.", OutputWarning)
