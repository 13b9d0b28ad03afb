"""What all figures share: colours that colour-blind readers can tell apart, clean axes, and time axes of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.models.arguments import check_alpha

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = [
    "BAND",
    "FITTED",
    "FORECAST",
    "LINES",
    "MUTED",
    "SERIES",
    "colour_bar",
    "complex_plane",
    "count_axis",
    "coverage",
    "draw_observed",
    "heat_map",
    "ink",
    "legend_outside",
    "new_figure",
    "plain",
    "set_time_axis",
    "shortened",
    "step_name",
    "tidy",
    "time_values",
]

# Okabe and Ito's palette
FITTED, FORECAST, MUTED = "#0072b2", "#d55e00", "#8a8a8a"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
LINES = ("-", "--", ":", "-.")
# opacity of intervals
BAND = 0.22

_STEPS = {
    "Y": "years",
    "Q": "quarters",
    "M": "months",
    "W": "weeks",
    "D": "days",
    "B": "business days",
    "H": "hours",
    "T": "minutes",
    "MIN": "minutes",
    "S": "seconds",
}


def new_figure(fig: Figure | None, figsize: tuple[float, float]) -> Figure:
    """Return the figure given, or a new one; one without axes arranges what is drawn in it."""
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure, FigureBase

    if isinstance(fig, FigureBase):
        if isinstance(fig, Figure) and not fig.axes and fig.get_layout_engine() is None:
            fig.set_layout_engine("constrained")
        return fig
    if fig is not None:
        raise TypeError(f"fig must be a matplotlib Figure, not {type(fig).__name__}; make one with plt.figure().")
    return plt.figure(figsize=figsize, layout="constrained")


def coverage(alpha: float) -> str:
    """
    Coverage of intervals in per cent, for legends.

    Examples
    --------
    >>> from pararnn_ts.plotting.canvas import coverage
    >>> coverage(0.05), coverage(0.001)
    ('95%', '99.9%')
    """
    return f"{100 * (1 - check_alpha(alpha)):.6g}%"


def shortened(name: Any, most: int = 36) -> str:
    """
    Name for a figure, its middle left out where it is long: what tells alike names apart, and lags, stand at the ends.

    Parameters
    ----------
    name
        Name of a series, a column or a model.
    most : int
        Characters that fit.

    Returns
    -------
    str
        With dollar signs that matplotlib does not take for formulas.

    Examples
    --------
    >>> from pararnn_ts.plotting.canvas import shortened
    >>> shortened("price of crude oil, end of month.L12", 20), shortened("sales", 20)
    ('price of cru…nth.L12', 'sales')
    """
    text = " ".join(str(name).split())
    if len(text) > most:
        tail = (most - 1) * 2 // 5
        text = f"{text[: most - 1 - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"
    return text.replace("$", r"\$")


def tidy(ax: Axes, title: str = "", ylabel: str = "", xlabel: str = "") -> Axes:
    """Give axes their texts, a light grid and no box."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(MUTED)
    ax.tick_params(color=MUTED)
    ax.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.8, linestyle="-")
    ax.set_axisbelow(True)
    if title:
        ax.set_title(title, loc="left", fontsize="medium")
    if ylabel:
        ax.set_ylabel(ylabel)
    if xlabel:
        ax.set_xlabel(xlabel)
    return ax


def count_axis(axis: Axis) -> None:
    """Let an axis have ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def ink() -> Any:
    """Return the colour of texts, which can be told from the background in any style."""
    import matplotlib

    return matplotlib.rcParams["text.color"]


def draw_observed(ax: Axes, x: np.ndarray, y: np.ndarray, label: str = "observed", **style: Any) -> None:
    """Draw observations as a broad, pale line on which fitted values can be seen."""
    ax.plot(x, y, color=ink(), alpha=0.4, linewidth=2.0, label=label, zorder=2, **style)


def legend_outside(ax: Axes, columns: int = 4) -> None:
    """Put the legend above the axes, at the right, where it hides nothing."""
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False, fontsize="small", borderaxespad=0.1,
        handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip


def heat_map(ax: Axes, x: np.ndarray, values: np.ndarray, limit: float) -> Any:
    """Draw a matrix, one row of it at each height, in colours that are white at zero and full at `limit`."""
    ax.grid(False)
    return ax.pcolormesh(
        x, np.arange(len(values)), values, cmap="RdBu_r", vmin=-limit, vmax=limit, shading="nearest", rasterized=True
    )


def colour_bar(mesh: Any, ax: Any, label: str = "", aspect: float = 25.0) -> None:
    """Say beside one or more axes what the colours of a heat map mean."""
    figure = (ax[0] if isinstance(ax, list) else ax).get_figure()
    figure.colorbar(mesh, ax=ax, pad=0.01, aspect=aspect, label=label).outline.set_visible(False)


def complex_plane(ax: Axes, title: str, largest: float, inner: tuple[float, ...] = ()) -> Axes:
    """Draw the unit circle and, finely, inner ones, in a plane that shows numbers of moduli up to `largest`."""
    angle = np.linspace(0.0, 2.0 * np.pi, 181)
    for radius in (1.0, *inner):
        style, width = ("-", 1.0) if radius == 1.0 else (":", 0.6)
        ax.plot(radius * np.cos(angle), radius * np.sin(angle), style, color=MUTED, linewidth=width)
    ax.axhline(0.0, color=MUTED, linewidth=0.6)
    ax.axvline(0.0, color=MUTED, linewidth=0.6)
    tidy(ax, title, "imaginary part", "real part").grid(False)
    reach = 1.08 * max(1.0, largest)
    ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    return ax


def time_values(index: pd.Index | None, length: int) -> np.ndarray:
    """
    Positions on the time axis of an index of any kind.

    Parameters
    ----------
    index : Index or None
        Labels; periods are placed at their beginning, labels that are neither dates nor numbers at 0, 1, ...
    length : int
        Number of positions where there is no index.

    Returns
    -------
    ndarray
        Dates or numbers, as matplotlib takes them.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.plotting.canvas import time_values
    >>> time_values(pd.RangeIndex(3, 9, 2), 3)
    array([3, 5, 7])
    """
    if index is None:
        return np.arange(length)
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        if index.tz is not None:
            index = index.tz_convert("UTC").tz_localize(None)
        return index.to_numpy()
    if isinstance(index, pd.TimedeltaIndex):
        return index.total_seconds().to_numpy()
    return index.to_numpy() if pd.api.types.is_numeric_dtype(index.dtype) else np.arange(len(index))


def set_time_axis(ax: Axes, index: pd.Index | None) -> None:
    """Format the x axis for an index; dates of a time zone are shown in it."""
    name = "observation" if index is None or isinstance(index, pd.RangeIndex) else "time"
    unit = " (seconds)" if isinstance(index, pd.TimedeltaIndex) else ""
    if isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        zone = getattr(index, "tz", None)
        locator = AutoDateLocator(tz=zone, minticks=4, maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        name, unit = "date", "" if zone is None else f" ({zone})"
    else:
        from matplotlib.ticker import MaxNLocator

        # few enough for six digits each
        ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    if index is not None and index.name is not None:
        name = shortened(index.name)
    ax.set_xlabel(name + unit)


def step_name(index: pd.Index | None) -> str:
    """
    Name of the steps between observations, for axes that count them.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.plotting.canvas import step_name
    >>> step_name(pd.period_range("2001", periods=3, freq="M")), step_name(pd.RangeIndex(3))
    ('months', 'steps')
    """
    freq = getattr(index, "freqstr", None)
    if not freq:
        return "steps"
    head = freq.split("-")[0].upper()
    if head[0].isdigit():
        return f"steps of {freq}"
    # period and timestamp frequencies, old and new spelling: M, ME, MS, BME, YS-JAN, A-DEC ...
    for known in (head, head.removeprefix("B").removesuffix("S").removesuffix("E")):
        known = "Y" if known == "A" else known
        if known in _STEPS:
            return _STEPS[known]
    return "steps"


def plain(results: Any) -> Any:
    """Results whose arrays have no labels, with their data."""
    raw = getattr(results, "_results", results)
    raw.require_data()
    return raw
