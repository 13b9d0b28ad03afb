"""What units remember: recurrence functions, eigenvalues, and lag responses over time."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from pararnn_ts.models.arguments import check_alpha
from pararnn_ts.plotting.canvas import (
    BAND,
    LINES,
    MUTED,
    SERIES,
    colour_bar,
    complex_plane,
    count_axis,
    coverage,
    heat_map,
    ink,
    new_figure,
    plain,
    set_time_axis,
    shortened,
    step_name,
    tidy,
    time_values,
)
from pararnn_ts.plotting.components import describe_unit, unit_features
from pararnn_ts.results.features import averaged_jacobian, lag_response, lag_response_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_lag_response", "plot_recurrence"]

MARKERS = ("o", "s", "^", "D", "v", "P")
# columns of a heat map beyond which it shows every second, third, ... time
MOST_COLUMNS = 1500
# responses that are of no account, in shocks to one standard deviation of the input
FAINT = 0.01
# lags shown by default
SHORTEST, LONGEST = 6, 40


def plot_recurrence(
    results: Any,
    max_lag: int | None = None,
    *,
    alpha: float | None = 0.05,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot the recurrence function of each unit, and the eigenvalues of the averaged Jacobians in the unit circle.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    max_lag : int, optional
        Last lag of the recurrence functions; by default where they have fallen to 1 % of their peak, between 6 and 40.
    alpha : float or None
        One less the coverage of the pointwise bands, see `results.features.lag_response_errors`; None: no bands.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        A panel for each unit and one for the eigenvalues. Responses to exogenous inputs have panels of their own, below
        those to lags of the series.

    Notes
    -----
    Eigenvalues on the right of the circle decay, those on the left change sign at every step, and complex pairs
    oscillate with the period their angle says; the closer to the circle, the longer the memory.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1, 2)).fit(n_starts=4)
    >>> len(results.plot_recurrence(max_lag=8).axes)
    3
    """
    raw = plain(results)
    response = _response(raw, max_lag)
    max_lag, features = len(response) - 1, unit_features(raw)
    names = list(features.index)
    errors = None if alpha is None else lag_response_errors(raw, max_lag) * norm.isf(check_alpha(alpha) / 2)
    exog = list(raw.model.specification.exog_names)
    own = [name for name in raw.model.specification.input_names if name not in exog]
    groups = [group for group in (own, exog) if group]
    steps = step_name(raw.model.index)
    rows = len(names) * len(groups)
    fig = new_figure(fig, figsize or (9.0, max(3.4, 1.0 + 1.75 * rows)))
    grid = fig.add_gridspec(rows, 2, width_ratios=[1.55, 1.0])
    first = None
    for number, name in enumerate(names):
        for part, group in enumerate(groups):
            ax = fig.add_subplot(grid[number * len(groups) + part, 0], sharex=first)
            first = first or ax
            _response_panel(ax, response[name][group], None if errors is None else errors[name][group], number)
            title = describe_unit(name, features.loc[name], steps) if part == 0 else f"{name}: exogenous inputs"
            # a longer line would run into the title of the eigenvalues
            tidy(ax, textwrap.fill(title, 66), f"response of {name}" if group is own else "per unit of input")
            last = number == len(names) - 1 and part == len(groups) - 1
            ax.tick_params(labelbottom=last)
            if last:
                ax.set_xlabel(f"lag of the input ({steps})")
    fig.align_ylabels(fig.axes)
    circle = fig.add_subplot(grid[:, 1])
    _eigenvalue_panel(circle, averaged_jacobian(raw))
    bands = "" if alpha is None or not np.isfinite(np.asarray(errors)).any() else f", {coverage(alpha)} bands"
    fig.suptitle(f"Recurrence of the units, {shortened(raw.model.endog_name)}{bands}", fontsize="large")
    return fig


def plot_lag_response(
    results: Any,
    max_lag: int | None = None,
    *,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot over time how each unit responds to an input so many steps back.

    Parameters
    ----------
    results
        Results of a model with recurrent units.
    max_lag : int, optional
        Last lag; by default where the average responses have fallen to 1 % of their peak, between 6 and 40.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        The series on top; below it a heat map for each unit and input, whose colour is the local lag response. A linear
        unit responds alike at all times; where the colours of a unit fade, it is saturated and forgets. A unit that
        hardly responds at all, less than a hundredth of a shock to a standard deviation of the input, stays pale.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    >>> figure = results.plot_lag_response(max_lag=5)
    >>> figure.axes[1].get_title(loc="left")
    'unit1, response to flow.L1'
    """
    raw = plain(results)
    average = _response(raw, max_lag)
    max_lag, pairs = len(average) - 1, list(average.columns)
    local = lag_response(raw, max_lag, local=True)
    model = raw.model
    fig = new_figure(fig, figsize or (8.5, 1.8 + 1.6 * (len(pairs) + 1)))
    axes = fig.subplots(len(pairs) + 1, 1, sharex=True, squeeze=False)[:, 0]
    index, x = model.index, time_values(model.index, len(model._y))
    title = f"Observed: {shortened(model.endog_name)}"
    tidy(axes[0], title).plot(x, model._y, color=ink(), linewidth=1.0)
    values = {pair: local.to_numpy()[:, [column[:2] == pair for column in local.columns]] for pair in pairs}
    lags_of_series = set(model.specification.input_names[: len(model.specification.lags)])
    shown = x[len(x) - len(local) :]
    step = -(-len(local) // MOST_COLUMNS)
    steps = step_name(index)
    for ax, pair in zip(axes[1:], pairs, strict=True):
        # a unit's responses to the series share one scale, those to an exogenous input have one each
        alike = [p for p in pairs if p[0] == pair[0] and ({p[1], pair[1]} <= lags_of_series or p == pair)]
        limit = max(_faintest(raw, pair[1]), *(np.nanmax(np.abs(values[p])) for p in alike))
        tidy(ax, f"{pair[0]}, response to {shortened(pair[1])}", f"lag ({steps})")
        colour_bar(heat_map(ax, shown[::step], values[pair][::step].T, limit), ax, aspect=12)
        # where the sample does not reach back
        ax.set_facecolor("0.93")
        count_axis(ax.yaxis)
    set_time_axis(axes[-1], index)
    axes[-1].set_xlim(x[0], x[-1])
    return fig


def _faintest(results: Any, name: str) -> float:
    """Response to an input that full colours are for at least: of no account, were it that of all lags."""
    names = list(results.model.specification.exog_names)
    if name not in names:
        return FAINT
    spread = float(np.std(results.model._exog[:, names.index(name)]))
    return FAINT * float(np.sqrt(results.scale)) / spread if spread > 0.0 else FAINT


def _response(results: Any, max_lag: int | None) -> pd.DataFrame:
    """Recurrence functions up to the lag asked for, or to where they have died out."""
    specification = getattr(results.model, "specification", None)
    if specification is not None and not getattr(specification, "units", ()):
        raise ValueError(
            "results are those of a model without units, which has no recurrence to plot; fit one with units."
        )
    if max_lag is not None:
        return lag_response(results, max_lag)
    response = lag_response(results, min(LONGEST, len(results.model._y) // 3))
    size = response.abs()
    alive = np.flatnonzero((size > 0.01 * size.max()).any(axis=1))
    return response.iloc[: max(SHORTEST, alive[-1] if len(alive) else 0) + 1]


def _response_panel(ax: Axes, response: pd.DataFrame, half: pd.DataFrame | None, number: int) -> None:
    """Draw the recurrence functions of one unit, a line for each input."""
    from matplotlib.ticker import MaxNLocator

    lags = response.index.to_numpy()
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    for position, name in enumerate(response.columns):
        colour = _shade(SERIES[number % len(SERIES)], position)
        values = response[name].to_numpy()
        if half is not None and np.isfinite(half[name]).all():
            width = half[name].to_numpy()
            ax.fill_between(lags, values - width, values + width, color=colour, alpha=BAND, linewidth=0)
        ax.plot(
            lags, values, color=colour, linestyle=LINES[position % len(LINES)], marker=MARKERS[position % len(MARKERS)],
            markersize=4, label=shortened(name),
        )  # fmt: skip
    ax.legend(frameon=False, fontsize="small", loc="best")
    count_axis(ax.xaxis)
    # ticks that change with the height of the panel would change the room that the layout has left for them
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def _shade(colour: str, position: int) -> tuple[float, float, float]:
    """Return the colour of a unit, paler for each further input."""
    from matplotlib.colors import to_rgb

    white = 1.0 - 0.62 ** min(position, 3)
    red, green, blue = (part + (1.0 - part) * white for part in to_rgb(colour))
    return red, green, blue


def _eigenvalue_panel(ax: Axes, table: pd.DataFrame) -> None:
    """Draw eigenvalues in the unit circle."""
    from matplotlib.transforms import ScaledTranslation

    complex_plane(ax, "Eigenvalues of the\naveraged Jacobians", float(table["modulus"].max()), (0.75, 0.5, 0.25))
    for number, (name, rows) in enumerate(table.groupby(level="unit", sort=False)):
        ax.plot(
            rows["real"], rows["imag"], linestyle="none", marker=MARKERS[number % len(MARKERS)], markersize=8,
            color=SERIES[number % len(SERIES)], label=str(name), markeredgecolor="white", zorder=3,
        )  # fmt: skip
    figure: Any = ax.get_figure()
    # below the label of the axis, whatever the height of the axes
    below = ax.transAxes + ScaledTranslation(0.0, -0.45, figure.dpi_scale_trans)
    ax.legend(
        frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0.0, 0.0), bbox_transform=below, ncols=4,
        borderaxespad=0.0,
    )  # fmt: skip
