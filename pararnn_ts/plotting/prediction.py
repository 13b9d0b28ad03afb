"""Predictions inside the sample and forecasts beyond it, beside the observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from pararnn_ts.models.arguments import check_alpha, check_count
from pararnn_ts.plotting.canvas import (
    BAND,
    FITTED,
    FORECAST,
    MUTED,
    coverage,
    draw_observed,
    legend_outside,
    new_figure,
    plain,
    set_time_axis,
    shortened,
    tidy,
    time_values,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_predict", "positions"]

# inches of axes that have room for a legend of four columns beside their title
WIDE = 5.0


def plot_predict(
    results: Any,
    start: Any = None,
    end: Any = None,
    dynamic: Any = False,
    exog: Any = None,
    *,
    alpha: float | None = 0.05,
    in_sample: bool = True,
    history: int | None = None,
    ax: Axes | None = None,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
    **options: Any,
) -> Figure:
    """
    Plot predictions with their intervals, and the observations.

    Parameters
    ----------
    results
        Results of any model of the package.
    start, end, dynamic, exog
        As in ``results.get_prediction``: the first and last row to predict, the sample by default.
    alpha : float or None
        One less the coverage of the intervals, drawn where predictions do not use the observations before them; None:
        no intervals.
    in_sample : bool
        Whether to draw one-step predictions inside the sample.
    history : int, optional
        Observations to draw before the first prediction; by default half as many as there are predictions, at least 20.
    ax : Axes, optional
        Axes to draw in.
    fig : Figure, optional
        An empty figure to draw in, where there are no axes.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.
    **options
        Further arguments of ``results.get_prediction``, such as `method`, `n_sims` or `rng`.

    Returns
    -------
    Figure
        One panel.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_lynx(), lags=2, units=(1,)).fit(n_starts=4)
    >>> figure = results.plot_predict("1920", "1944", rng=0)
    >>> [line.get_label() for line in figure.axes[0].lines[:3]]
    ['observed', 'one-step prediction', 'forecast']
    """
    raw = plain(results)
    model = raw.model
    if alpha is not None:
        check_alpha(alpha)
    history = None if history is None else check_count(history, "history", least=0)
    ax = _axes(ax, fig)
    window = model.prediction_window(start, end, dynamic, options.get("index"))
    n = model.nobs
    boundary = n if window.dynamic_start is None else min(max(window.dynamic_start, window.start), n)
    # rows after the last observation are forecasts, even if the sample goes on without values
    observed = np.flatnonzero(np.isfinite(model._y[:boundary]))
    boundary = int(observed[-1]) + 1 if len(observed) else boundary
    if not in_sample and window.stop <= boundary:
        raise ValueError(
            "in_sample=False leaves nothing to draw, since the prediction ends inside the sample; pass a later end."
        )
    prediction = raw.get_prediction(start, end, dynamic, exog, **options)
    mean = np.asarray(prediction.predicted_mean)
    inside = max(min(boundary, window.stop) - window.start, 0)
    name = "dynamic prediction" if window.dynamic_start is not None and window.dynamic_start < n else "forecast"

    before = min(window.start, n)
    before = min(before, max(20, len(mean) // 2) if history is None else history)
    first = min(window.start, n) - before
    sample_x, x = positions(model, window)
    shown = slice(first, min(window.stop, n))

    if ax is None:
        ax = new_figure(fig, figsize or (8.5, 4.0)).add_subplot()
    tidy(ax, "Predictions", shortened(model.endog_name))
    draw_observed(ax, sample_x[shown], model._y[shown])
    if in_sample and inside:
        ax.plot(x[:inside], mean[:inside], color=FITTED, linewidth=1.1, label="one-step prediction", zorder=3)
    if inside < len(mean):
        few = len(mean) - inside == 1
        if alpha is not None:
            lower, upper = np.asarray(prediction.conf_int(alpha))[inside:].T
            label = f"{coverage(alpha)} interval"
            # between the bounds of a single step there is no area
            if few:
                ax.vlines(x[inside:], lower, upper, color=FORECAST, alpha=BAND, linewidth=4.0, label=label, zorder=1)
            else:
                ax.fill_between(
                    x[inside:], lower, upper, color=FORECAST, alpha=BAND, linewidth=0, label=label, zorder=1
                )
        ax.plot(
            x[inside:], mean[inside:], color=FORECAST, linewidth=1.6, marker="o" if few else None, markersize=4,
            label=name, zorder=4,
        )  # fmt: skip
        if boundary > first:
            ax.axvline(sample_x[boundary - 1], color=MUTED, linewidth=0.8, linestyle="--", zorder=0)
    set_time_axis(ax, model.index)
    ax.margins(x=0.01)
    figure = cast("Figure", ax.get_figure())
    # four entries beside each other need the width of a page
    legend_outside(ax, columns=4 if ax.get_position().width * figure.get_figwidth() > WIDE else 2)
    return figure


def _axes(ax: Any, fig: Any) -> Any:
    """Axes that were given, or None; raises for anything else."""
    from matplotlib.axes import Axes

    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, not {type(ax).__name__}; make them with plt.subplots().")
    if ax is not None and fig is not None:
        raise ValueError("ax and fig were both given; pass the axes, or an empty figure.")
    return ax


def positions(model: Any, window: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the sample and of the predicted rows on one time axis."""
    rows = np.arange(window.start, window.stop)
    if window.index is None:
        return time_values(model.index, model.nobs), rows
    kinds = [isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)) for index in (model.index, window.index)]
    numeric = [pd.api.types.is_any_real_numeric_dtype(index.dtype) for index in (model.index, window.index)]
    if all(kinds) or all(numeric):
        return time_values(model.index, model.nobs), time_values(window.index, len(rows))
    # labels of the forecasts that do not go on from those of the sample
    return np.arange(model.nobs), rows
