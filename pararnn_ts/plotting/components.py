"""The fitted values taken apart, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.models.window import steps_ahead
from pararnn_ts.plotting.canvas import (
    BAND,
    FITTED,
    FORECAST,
    MUTED,
    SERIES,
    coverage,
    draw_observed,
    legend_outside,
    new_figure,
    plain,
    set_time_axis,
    shortened,
    step_name,
    tidy,
)
from pararnn_ts.plotting.prediction import positions
from pararnn_ts.results.features import recurrence_features
from pararnn_ts.specification import Specification

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["describe_unit", "plot_components", "unit_features"]

_TITLES = {
    "level": "Carried over by differencing",
    "trend": "Trend",
    "seasonal": "Seasonal terms",
    "linear": "Linear path",
}


def plot_components(
    results: Any,
    components: Sequence[str] | None = None,
    *,
    steps: Any = None,
    exog: Any = None,
    alpha: float | None = 0.05,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
    **options: Any,
) -> Figure:
    """
    Plot the observations with fitted values and forecasts, and below them the parts that add up to these.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    components : sequence of str, optional
        Columns of ``results.components`` to plot; by default all that vary.
    steps : int, str or label, optional
        Steps to forecast, or the last label, as in ``results.get_forecast``; they are shaded. None: the sample alone.
    exog : Series, DataFrame or array_like, optional
        Exogenous values of the steps.
    alpha : float or None
        One less the coverage of the pointwise bands around the components, see ``results.get_components``; None: no
        bands. Where the covariance of the parameters is not known, and for results that extend others, they are for the
        shocks to come alone.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.
    **options
        Further arguments of ``results.get_components``, such as `method`, `n_sims` or `rng`.

    Returns
    -------
    Figure
        One panel for the series and one for each component; those of units are centred, and each has its own scale.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    >>> len(results.plot_components(steps=10, rng=0).axes)
    3
    """
    raw = plain(results)
    model, table, n = raw.model, raw.components, raw.model.nobs
    chosen = _chosen(table, components)
    units = [name for name in table.columns if name.startswith("unit")]
    # networks that are one cell have no recurrence features of units
    readable = isinstance(model.specification, Specification)
    some = readable and any(name in units for name in chosen)
    features = unit_features(raw) if some else pd.DataFrame()
    ahead = 0 if steps is None else steps_ahead(steps, model.index, model._extendable)
    whole = _with_bands(raw, n + ahead - 1, exog, alpha, options)
    panels = len(chosen) + 1
    fig = new_figure(fig, figsize or (8.0, 1.6 + 1.45 * panels))
    axes = fig.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=[1.6] + [1.0] * len(chosen))[:, 0]
    index = table.index
    sample_x, x = positions(model, model.prediction_window(0, n + ahead - 1, index=options.get("index")))

    draw_observed(tidy(axes[0], "Observed and fitted"), sample_x, model._y)
    axes[0].plot(sample_x, raw.fittedvalues, color=FITTED, linewidth=1.0, label="fitted", zorder=3)
    if ahead:
        total = whole.xs("mean", axis=1, level=1).to_numpy().sum(axis=1)
        few = "o" if ahead == 1 else None
        axes[0].plot(
            x[n:], total[n:], color=FORECAST, linewidth=1.6, marker=few, markersize=4, label="forecast", zorder=4
        )
        for ax in axes:
            ax.axvspan(x[n - 1], x[-1], color=MUTED, alpha=0.12, linewidth=0, zorder=0)
    wide = alpha is not None and bool((whole.xs("mean_se", axis=1, level=1).to_numpy() > 0).any())
    if alpha is not None and wide:
        axes[0].fill_between([], [], color=MUTED, alpha=BAND, label=f"{coverage(alpha)} band of a component")
    legend_outside(axes[0])
    for ax, name in zip(axes[1:], chosen, strict=True):
        values = whole[name]["mean"].to_numpy()
        if name in units:
            number = units.index(name)
            colour = SERIES[number % len(SERIES)]
            title = describe_unit(name, features.iloc[number], step_name(index)) if readable else model.label
            tidy(ax, title)
            ax.axhline(0.0, color=MUTED, linewidth=0.7)
        else:
            colour = MUTED
            tidy(ax, _TITLES.get(name, name)).axhline(np.nanmean(values[:n]), color=MUTED, linewidth=0.7)
        if wide:
            low, high = (whole[name][f"mean_ci_{side}"].to_numpy() for side in ("lower", "upper"))
            ax.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)
        ax.plot(x, values, color=colour, linewidth=1.1)
    set_time_axis(axes[-1], index)
    axes[-1].margins(x=0.01)
    # all panels are in units of the series, whose name may be longer than one of them is high
    fig.supylabel(shortened(model.endog_name), fontsize="medium")
    return fig


def _with_bands(raw: Any, end: int, exog: Any, alpha: float | None, options: dict[str, Any]) -> pd.DataFrame:
    """Components up to a row; parameters are uncertain where bands are wanted and it is known how much."""
    known = alpha is not None and raw.past is None and bool(np.isfinite(raw.cov_params()).all())
    level = {} if alpha is None else {"alpha": alpha}
    return raw.get_components(0, end, exog, **{"param_uncertainty": known, **level, **options})


def unit_features(raw: Any) -> pd.DataFrame:
    """Recurrence features of the sample at hand; results of `extend` keep those of the sample they were fitted to."""
    return raw.recurrence_features if raw.past is None else recurrence_features(raw)


def describe_unit(name: str, row: pd.Series, steps: str) -> str:
    """
    One line about a unit from its row of the recurrence features.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.plotting.components import describe_unit
    >>> row = {"kind": "cyclical", "period": 9.74, "half_life": 4.21, "share": 0.132}
    >>> describe_unit("unit1", pd.Series(row), "years")
    'unit1: cyclical, period 9.7, half-life 4.2 years, share of variance 0.13'
    """
    parts = [str(row["kind"])] if row["kind"] != "none" else ["no memory"]
    if row["kind"] == "cyclical":
        parts.append(f"period {row['period']:.1f}")
    if row["kind"] != "none":
        parts.append(f"half-life {row['half_life']:.1f} {steps}" if np.isfinite(row["half_life"]) else "no decay")
    parts.append(f"share of variance {round(row['share'], 2) + 0.0:.2f}")
    return f"{name}: {', '.join(parts)}"


def _chosen(table: pd.DataFrame, components: Sequence[str] | None) -> list[str]:
    if components is None:
        spread = table.max() - table.min()
        scale = table.abs().max().max()
        return [str(name) for name in table.columns if spread[name] > 1e-9 * scale]
    chosen = [components] if isinstance(components, str) else list(components)
    unknown = [name for name in chosen if name not in table.columns]
    if unknown:
        raise ValueError(f"components has {unknown[0]!r}; choose among {', '.join(map(repr, table.columns))}.")
    return chosen
