"""The fitted values taken apart, over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from pararnn_ts.models.arguments import check_alpha
from pararnn_ts.plotting.canvas import (
    BAND,
    FITTED,
    MUTED,
    SERIES,
    coverage,
    draw_observed,
    legend_outside,
    new_figure,
    plain,
    set_time_axis,
    step_name,
    tidy,
    time_values,
)
from pararnn_ts.results.features import component_errors, recurrence_features
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
    alpha: float | None = 0.05,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot the observations with the fitted values, and below them the parts that add up to the fitted values.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    components : sequence of str, optional
        Columns of ``results.components`` to plot; by default all that vary.
    alpha : float or None
        One less the coverage of the pointwise bands around the components of the units (delta method, the observations
        held fixed); None: no bands.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        One panel for the series and one for each component; components are centred and have their own scales.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    >>> len(results.plot_components().axes)
    3
    """
    raw = plain(results)
    model, table = raw.model, raw.components
    chosen = _chosen(table, components)
    units = [name for name in table.columns if name.startswith("unit")]
    # networks that are one cell have no recurrence features of units, and no bands
    readable = isinstance(model.specification, Specification)
    some = readable and any(name in units for name in chosen)
    features = unit_features(raw) if some else pd.DataFrame()
    panels, series = len(chosen) + 1, str(model.endog_name)
    fig = new_figure(fig, figsize or (8.0, 1.6 + 1.45 * panels))
    axes = fig.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=[1.6] + [1.0] * len(chosen))[:, 0]
    index, x = table.index, time_values(table.index, len(table))

    draw_observed(tidy(axes[0], "Observed and fitted", series), x, model._y)
    axes[0].plot(x, raw.fittedvalues, color=FITTED, linewidth=1.0, label="fitted", zorder=3)
    half = np.full((len(table), len(units)), np.nan)
    if alpha is not None and some:
        errors = component_errors(raw).to_numpy() * norm.isf(check_alpha(alpha) / 2)
        half[len(half) - len(errors) :] = errors
        axes[0].fill_between([], [], color=MUTED, alpha=BAND, label=f"{coverage(alpha)} band of a unit")
    legend_outside(axes[0])
    for ax, name in zip(axes[1:], chosen, strict=True):
        values = table[name].to_numpy()
        if name in units:
            number = units.index(name)
            colour = SERIES[number % len(SERIES)]
            title = describe_unit(name, features.iloc[number], step_name(index)) if readable else model.label
            tidy(ax, title, series)
            ax.axhline(0.0, color=MUTED, linewidth=0.7)
            low, high = values - half[:, number], values + half[:, number]
            ax.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)
        else:
            colour = MUTED
            tidy(ax, _TITLES.get(name, name), series).axhline(np.nanmean(values), color=MUTED, linewidth=0.7)
        ax.plot(x, values, color=colour, linewidth=1.1)
    set_time_axis(axes[-1], index)
    axes[-1].margins(x=0.01)
    fig.align_ylabels()
    return fig


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
