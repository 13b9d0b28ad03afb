"""Eigenvalues of a recurrent step against the region where it is stable, and how gradients travel back in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pararnn_ts.plotting.canvas import FITTED, FORECAST, MUTED, count_axis, new_figure, plain, step_name, tidy
from pararnn_ts.results.integrator_stability import integrator_stability, stability_function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_stability"]

METHODS = {1: "Euler", 2: "Heun", 3: "Kutta, third order", 4: "Runge-Kutta, fourth order"}
# how far the stable region of each method reaches along the real and the imaginary axis, with a margin
REGIONS = {1: (-2.3, 1.3), 2: (-2.4, 2.0), 3: (-2.8, 2.7), 4: (-3.1, 3.2)}


def plot_stability(results: Any, *, fig: Figure | None = None, figsize: tuple[float, float] | None = None) -> Figure:
    """
    Plot eigenvalues of the step along the fitted path, and the gradient profile.

    Parameters
    ----------
    results
        Results of any recurrent model of the package.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        Left: z, step times eigenvalues of the vector field, at up to 200 rows, and the boundary |R(z)| = 1 of the
        method; for other steps, the eigenvalues of the step less one and the unit circle. Right: norm of the gradient
        of the last prediction with respect to the state so many steps before it.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> results = prt.ODERNN(prt.datasets.load_nile(), hidden=2, stages=4, step=0.5).fit(n_starts=2)
    >>> len(results.plot_stability().axes)
    2
    """
    raw = plain(results)
    found = integrator_stability(raw)
    fig = new_figure(fig, figsize or (10.0, 4.4))
    left, right = fig.subplots(1, 2)

    z = found.eigenvalues.ravel()
    reach, height = REGIONS[found.stages or 1]
    limit = max(height, 1.15 * float(np.abs(z.imag).max()))
    low, high = min(reach, 1.15 * float(z.real.min())), max(0.5, 1.3 * float(z.real.max()))
    grid_x, grid_y = np.meshgrid(np.linspace(low, high, 301), np.linspace(-limit, limit, 301))
    plane = grid_x + 1j * grid_y
    factor = np.abs(stability_function(found.stages or 1, plane))
    region = f"stable region, {METHODS[found.stages]}" if found.stages else "unit disc of the step"
    meaning = "step times an eigenvalue of the field" if found.stages else "an eigenvalue of the step less one"
    tidy(left, f"{found.label}\nfrozen steps; grey: {region}", "imaginary part", f"real part of z, {meaning}")
    left.contourf(grid_x, grid_y, factor, levels=[0.0, 1.0], colors=[MUTED], alpha=0.16)
    left.contour(grid_x, grid_y, factor, levels=[1.0], colors=[MUTED], linewidths=1.2)
    left.axhline(0.0, color=MUTED, linewidth=0.6, zorder=1)
    left.axvline(0.0, color=MUTED, linewidth=0.6, zorder=1)
    inside = found.factors.ravel() <= 1.0 + 1e-9
    for chosen, colour, name in ((inside, FITTED, "factor up to one"), (~inside, FORECAST, "factor above one")):
        if chosen.any():
            left.plot(z.real[chosen], z.imag[chosen], linestyle="none", marker="o", markersize=3.5, alpha=0.5,
                      color=colour, label=name)  # fmt: skip
    left.set_aspect("equal", adjustable="datalim")
    left.legend(frameon=False, fontsize="small", loc="upper left")

    tidy(right, "Gradient of the last prediction", "norm, last state = 1", f"{step_name(raw.model.index)} back")
    profile = found.gradients
    shown = profile > 0.0
    right.semilogy(np.arange(len(profile))[shown], profile[shown], color=FITTED, linewidth=1.4)
    if shown.any() and profile[shown].max() / profile[shown].min() < 10.0:
        right.set_ylim(0.1, 10.0)
    count_axis(right.xaxis)
    right.axhline(1.0, color=MUTED, linewidth=0.8, linestyle="--")
    right.text(
        0.98, 0.95, f"verdict: {found.verdict}", transform=right.transAxes, ha="right", va="top", fontsize="medium"
    )
    return fig
