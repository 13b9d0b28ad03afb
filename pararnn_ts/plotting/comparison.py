"""Models side by side: their forecasts beside the observations, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.plotting.canvas import (
    LINES,
    MUTED,
    SERIES,
    draw_observed,
    legend_outside,
    new_figure,
    set_time_axis,
    shortened,
    tidy,
    time_values,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_comparison"]

# how scores are called, and whether they are in units of the series
TITLES = {
    "rmse": ("RMSE", True),
    "mae": ("MAE", True),
    "mase": ("MASE", False),
    "crps": ("CRPS", True),
    "coverage": ("coverage at 95%", False),
}


def plot_comparison(
    comparison: Any,
    *,
    scores: str | Sequence[str] = ("rmse", "mase"),
    models: Sequence[str] | None = None,
    step: int | None = None,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot the forecasts of several models beside the observations, and their scores.

    Parameters
    ----------
    comparison : Comparison
        What :func:`pararnn_ts.compare` returns.
    scores : str or sequence of str
        Columns of ``comparison.table`` to plot.
    models : sequence of str, optional
        Models to plot; all by default.
    step : int, optional
        Steps ahead of the forecasts that are drawn; by default the horizon, to which the scores belong.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        Forecasts on top. Below them the squared errors of each model added up over time, less those of the reference: a
        line falls where its model forecasts better. Then a panel for each score, the best model by the first one on
        top.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from statsmodels.tsa.ar_model import AutoReg
    >>> lynx = np.log10(prt.datasets.load_lynx())
    >>> models = {"AR": AutoReg(lynx, 2), "one unit": prt.ParaRNN(lynx, lags=2, units=(1,))}
    >>> figure = prt.compare(lynx, holdout=14, models=models).plot(scores="rmse")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['observed', 'AR', 'one unit']
    """
    table = comparison.table
    scores = [scores] if isinstance(scores, str) else list(scores)
    names = list(table.index) if models is None else list(models)
    for argument, given, known in (("scores", scores, table.columns), ("models", names, table.index)):
        unknown = [name for name in given if name not in known]
        if unknown or not given:
            wrong = f"has {unknown[0]!r}" if unknown else "is empty"
            raise ValueError(f"{argument} {wrong}; choose among {', '.join(map(repr, known))}.")
    step = comparison.horizon if step is None else step
    actual, means = _forecasts(comparison, step)
    x, series = time_values(actual.index, len(actual)), comparison.endog.name
    labels = {name: shortened(name, 24) for name in table.index}
    # lines that differ without their colours, too
    style: dict[str, dict[str, Any]] = {
        name: {"color": SERIES[i % len(SERIES)], "linestyle": LINES[(i + i // 12) % len(LINES)], "linewidth": 1.2}
        for i, name in enumerate(table.index)
    }

    height = 0.6 + 0.3 * len(names)
    fig = new_figure(fig, figsize or (9.0, 5.6 + height))
    grid = fig.add_gridspec(3, len(scores), height_ratios=[3.2, 1.8, height])
    top = tidy(fig.add_subplot(grid[0, :]), f"Forecasts {step} step{'s' if step > 1 else ''} ahead", shortened(series))
    # a single forecast makes no line
    mark: dict[str, Any] = {"marker": "o", "markersize": 4} if len(x) == 1 else {}
    draw_observed(top, x, actual.to_numpy(), **mark)
    title = f"Cumulative squared error less that of {labels[comparison.reference]}"
    gain = tidy(fig.add_subplot(grid[1, :], sharex=top), title, f"{shortened(series, 14)}²")
    errors = (means.sub(actual, axis=0) ** 2).dropna()
    for name in names:
        top.plot(x, means[name].to_numpy(), label=labels[name], zorder=3, **style[name], **mark)
        lead = (errors[name] - errors[comparison.reference]).cumsum().reindex(means.index).ffill()
        gain.plot(x, lead.to_numpy(), **style[name], **mark)
    top.tick_params(labelbottom=False)
    set_time_axis(gain, actual.index)
    top.set_xlabel("")
    top.margins(x=0.01)
    lengths = [len(labels[name]) + 5 for name in names]
    legend_outside(top, columns=len(names) + 1 if sum(lengths) < 60 else 80 // max(lengths))
    fig.align_ylabels([top, gain])

    ranked = table.loc[names].sort_values(scores[0], ascending=False, na_position="first")
    colours = [style[name]["color"] for name in ranked.index]
    for column, score in enumerate(scores):
        ax = fig.add_subplot(grid[2, column])
        values = ranked[score].set_axis([labels[name] if column == 0 else "" for name in ranked.index])
        _score_panel(ax, values, colours, room=0.1 + 0.07 * len(scores))
        title, in_units = TITLES.get(score, (score, False))
        tidy(ax, f"{title} ({shortened(series, max(8, 48 // len(scores)))})" if in_units else title).grid(False)
    return fig


def _forecasts(comparison: Any, step: int) -> tuple[pd.Series, pd.DataFrame]:
    """Observations, and beside them the forecasts of each model so many steps ahead."""
    forecasts = comparison.forecasts
    shown = forecasts[forecasts["step"] == step]
    if shown.empty:
        raise ValueError(f"step={step!r} is not among the forecasts; choose 1 to {comparison.horizon}.")
    means = shown.pivot(index="target", columns="model", values="mean").sort_index()
    actual = shown.drop_duplicates("target").set_index("target")["actual"].reindex(means.index)
    # the index of the series knows its frequency and its name, labels in a column do not
    index = comparison.endog.index
    known = index[index.isin(means.index)]
    if len(known) == len(means):
        actual.index = means.index = known
    return actual, means


def _score_panel(ax: Axes, values: pd.Series, colours: list[str], *, room: float) -> None:
    """Draw one score of all models as dots on lines, with room for numbers beside them, as a share of the width."""
    rows, numbers = np.arange(len(values)), values.to_numpy(dtype=float)
    known = numbers[np.isfinite(numbers)]
    low, high = min(0.0, known.min(initial=0.0)), known.max(initial=0.0)
    ax.hlines(rows, low, numbers, color=MUTED, linewidth=0.8)
    ax.scatter(numbers, rows, c=colours, s=45, zorder=3)
    for row, number in zip(rows, numbers, strict=True):
        text, at = (f"{number:#.4g}", number) if np.isfinite(number) else ("not available", low)
        ax.annotate(text, (at, row), (7, 0), textcoords="offset points", va="center", fontsize="small")
    ax.set_yticks(rows, values.index)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(low, high + room * (high - low or 1.0))
