"""Residuals in four panels, as statsmodels shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from pararnn_ts.plotting.canvas import (
    BAND,
    FITTED,
    FORECAST,
    MUTED,
    count_axis,
    new_figure,
    plain,
    set_time_axis,
    shortened,
    step_name,
    tidy,
    time_values,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_diagnostics"]


def plot_diagnostics(
    results: Any,
    lags: int | None = None,
    *,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot standardised residuals over time, their distribution, normal quantiles and autocorrelation.

    Parameters
    ----------
    results
        Results of any model of the package.
    lags : int, optional
        Last lag of the correlogram; by default 20, or a fifth of a short sample.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        Clockwise from the top left: residuals over `scale` ** 0.5; histogram, kernel density and standard normal
        density; correlogram with the 95% band of white noise; normal quantile plot. Missing residuals are left out.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    >>> len(results.plot_diagnostics(lags=10).axes)
    4
    """
    from statsmodels.tsa.stattools import acf

    raw = plain(results)
    standardised = np.asarray(raw.resid, dtype=float) / np.sqrt(raw.scale)
    seen = np.isfinite(standardised)
    if seen.sum() < 3:
        raise ValueError(
            f"results have {int(seen.sum())} residuals, too few for diagnostic plots; fit a longer series."
        )
    values, first = standardised[seen], int(np.flatnonzero(seen)[0])
    index, n = raw.model.index, int(seen.sum())
    most = len(standardised) - first - 1
    lags = max(1, min(20, n // 5)) if lags is None else int(lags)
    if not 1 <= lags <= most:
        raise ValueError(f"lags must lie between 1 and {most}, the length of the residuals, but is {lags!r}.")

    fig = new_figure(fig, figsize or (10.0, 6.4))
    axes = fig.subplots(2, 2)
    x = time_values(index, len(standardised))
    ax = tidy(axes[0, 0], f"Standardised residuals, {shortened(raw.model.endog_name, 24)}", "standard deviations")
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    dots: dict[str, Any] = {"marker": ".", "markersize": 3} if n <= 400 else {}
    ax.plot(x[first:], standardised[first:], color=FITTED, linewidth=0.7, alpha=0.85, **dots)
    set_time_axis(ax, index)
    ax.margins(x=0.01)

    ax = tidy(axes[0, 1], "Distribution", "density", "standard deviations")
    reach = max(3.5, float(np.abs(values).max()) * 1.05)
    support = np.linspace(-reach, reach, 301)
    ax.hist(values, bins="auto" if n < 5000 else 60, density=True, color=FITTED, alpha=BAND, label="histogram")
    if values.std() > 0:
        ax.plot(support, stats.gaussian_kde(values)(support), color=FITTED, linewidth=1.6, label="kernel density")
    ax.plot(support, stats.norm.pdf(support), color=FORECAST, linestyle="--", linewidth=1.4, label="N(0, 1)")
    ax.legend(frameon=False, fontsize="small")

    ax = tidy(axes[1, 0], "Normal quantiles", "sample quantiles", "theoretical quantiles")
    theory = stats.norm.ppf((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    ax.plot(theory, theory, color=FORECAST, linestyle="--", linewidth=1.4)
    ax.plot(theory, np.sort(values), linestyle="none", marker="o", markersize=3, color=FITTED, alpha=0.7)

    ax = tidy(axes[1, 1], "Correlogram", "autocorrelation", f"lag ({step_name(index)})")
    correlation = acf(standardised[first:], nlags=lags, fft=True, missing="conservative")[1:]
    at, noise = np.arange(1, lags + 1), stats.norm.isf(0.025) / np.sqrt(n)
    ax.axhspan(-noise, noise, color=FORECAST, alpha=BAND, linewidth=0, label="95% band of white noise")
    ax.axhline(0.0, color=MUTED, linewidth=0.8)
    ax.vlines(at, 0.0, correlation, color=FITTED, linewidth=1.4)
    ax.plot(at, correlation, linestyle="none", marker="o", markersize=4, color=FITTED)
    limit = max(0.3, 1.15 * noise, 1.15 * float(np.nanmax(np.abs(correlation))))
    ax.set(xlim=(0.4, lags + 0.6), ylim=(-limit, limit))
    count_axis(ax.xaxis)
    ax.legend(frameon=False, fontsize="small", loc="upper right")
    return fig
