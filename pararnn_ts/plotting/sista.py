"""Sequential sparse models in pictures: codes over time, atoms, transition, and what was recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.plotting.canvas import (
    FITTED,
    MUTED,
    SERIES,
    colour_bar,
    complex_plane,
    draw_observed,
    heat_map,
    new_figure,
    set_time_axis,
    shortened,
    tidy,
    time_values,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_codes", "plot_dictionary", "plot_reconstruction", "plot_transition"]

# signals beyond which they are drawn as rows of a heat map instead of lines, and labels along an axis at most
MOST_LINES, MOST_LABELS = 6, 16


def plot_codes(
    results: Any, sequence: Any = None, *, fig: Figure | None = None, figsize: tuple[float, float] | None = None
) -> Figure:
    """
    Plot the codes of a sequence over time.

    Parameters
    ----------
    results : SISTAResults
        Results.
    sequence : label, optional
        Sequence of a panel of many; the first by default.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        A heat map of the codes, and below it the number of atoms in use.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=1.0, lam2=0.1).fit()
    >>> results.plot_codes().axes[1].get_ylabel()
    'atoms in use'
    """
    rows, index, title = _rows(results, sequence)
    codes = results.raw_codes[rows]
    fig = new_figure(fig, figsize or (9.0, 5.4))
    top, bottom = fig.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    x = time_values(index, len(codes))
    tidy(top, f"Codes{title}: {np.mean(codes != 0.0):.0%} not zero", "atom")
    colour_bar(heat_map(top, x, codes.T, _limit(codes)), top, "code")
    _name_axis(top.yaxis, results.model.atom_names)
    bottom.step(x, (codes != 0.0).sum(axis=1), where="mid", color=FITTED, linewidth=1.4)
    bottom.set_ylim(bottom=0.0)
    tidy(bottom, "", "atoms in use")
    set_time_axis(bottom, index)
    return fig


def plot_dictionary(
    results: Any,
    atoms: int | list[Any] = 9,
    *,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot atoms of the dictionary.

    Parameters
    ----------
    results : SISTAResults
        Results.
    atoms : int or list of labels
        Atoms to show; a number: those that explain most of the reconstruction.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        A panel for each atom, with the share of times at which it is in use. A grey line is the atom before training.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=1.0, lam2=0.1).fit()
    >>> len(results.plot_dictionary(4).axes)
    4
    """
    D, codes, names = results.dictionary.to_numpy(), results.raw_codes, results.model.atom_names
    if isinstance(atoms, (int, np.integer)):
        if atoms < 1:
            raise ValueError(f"atoms must be a positive number or a list of atoms, but is {atoms!r}.")
        power = (codes**2).sum(axis=0) * (D**2).sum(axis=0)
        chosen = np.argsort(-power, kind="stable")[: min(int(atoms), len(names))]
    else:
        absent = [atom for atom in atoms if atom not in names]
        if absent:
            raise ValueError(f"atoms has {absent[0]!r}, which is no atom of the dictionary.")
        if not len(atoms):
            raise ValueError("atoms is empty; leave it out, or name at least one.")
        chosen = names.get_indexer(list(atoms))
    columns = int(np.ceil(np.sqrt(len(chosen))))
    lines = -(-len(chosen) // columns)
    fig = new_figure(fig, figsize or (3.2 * columns, 0.6 + 1.9 * lines))
    axes = np.ravel(fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False))
    used = (codes != 0.0).mean(axis=0)
    place = np.arange(len(D))
    trained = results.training is not None
    for ax, atom in zip(axes, chosen, strict=False):
        if trained:
            ax.plot(place, results.training.start.D[:, atom], color=MUTED, linewidth=1.0, label="before training")
        ax.plot(place, D[:, atom], color=FITTED, linewidth=1.5, label="fitted")
        tidy(ax, f"{shortened(names[atom], 20)}, in use {used[atom]:.0%}")
    for ax in axes[len(chosen) :]:
        ax.remove()
    for ax in axes[max(len(chosen) - columns, 0) : len(chosen)]:
        ax.set_xlabel("signal")
        ax.tick_params(labelbottom=True)
        _name_axis(ax.xaxis, results.model.signal_names, 4)
    for ax in axes[: len(chosen) : columns]:
        ax.set_ylabel("weight")
    if trained:
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False, fontsize="small")
    return fig


def plot_transition(results: Any, *, fig: Figure | None = None, figsize: tuple[float, float] | None = None) -> Figure:
    """
    Plot the transition of the signals.

    Parameters
    ----------
    results : SISTAResults
        Results.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        A heat map of the matrix, from columns to rows; a circle marks the largest entry of each column, which says
        where a value moves to within one step. Beside it the eigenvalues in the unit circle.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=1.0, lam2=0.1).fit()
    >>> results.plot_transition().axes[0].get_xlabel()
    'from signal'
    """
    F = results.transition.to_numpy()
    names = results.model.signal_names
    fig = new_figure(fig, figsize or (10.0, 4.6))
    left, right = fig.subplots(1, 2, width_ratios=[1.15, 1.0])
    tidy(left, "Transition\ncircled: largest of a column", "to signal", "from signal")
    colour_bar(heat_map(left, np.arange(len(F)), F, _limit(F)), left, "weight")
    left.plot(
        np.arange(len(F)), np.abs(F).argmax(axis=0), linestyle="none", marker="o", markeredgewidth=0.7,
        markersize=np.clip(160.0 / len(F), 2.0, 12.0), markerfacecolor="none", markeredgecolor="black",
    )  # fmt: skip
    left.set_aspect("equal")
    left.invert_yaxis()
    _name_axis(left.xaxis, names, 6)
    _name_axis(left.yaxis, names, 6)
    values = np.linalg.eigvals(F)
    complex_plane(right, "Eigenvalues", float(np.abs(values).max()))
    right.plot(values.real, values.imag, linestyle="none", marker="o", markersize=5, color=SERIES[1], alpha=0.8)
    return fig


def plot_reconstruction(
    results: Any,
    target: Any = None,
    sequence: Any = None,
    *,
    signals: list[Any] | None = None,
    fig: Figure | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """
    Plot what was recovered of a sequence.

    Parameters
    ----------
    results : SISTAResults
        Results.
    target : DataFrame or array_like, optional
        True signals; those of the training by default.
    sequence : label, optional
        Sequence of a panel of many; the first by default.
    signals : list of labels, optional
        Signals to show; all by default. Up to six are drawn as lines, more as rows of heat maps.
    fig : Figure, optional
        An empty figure to draw in.
    figsize : tuple of float, optional
        Width and height in inches of a new figure.

    Returns
    -------
    Figure
        Recovered signals, beside true ones and the errors where these are known.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=1.0, lam2=0.1).fit()
    >>> [ax.get_title(loc="left") for ax in results.plot_reconstruction(signals=["y3"]).axes]
    ['y3']
    """
    from pararnn_ts.models.panels import read_rows

    rows, index, title = _rows(results, sequence)
    names = results.model.signal_names
    truth = results._target if target is None else read_rows(target, "target", results.frame, names)
    absent = [name for name in signals or [] if name not in names]
    if absent:
        raise ValueError(f"signals has {absent[0]!r}, which is no signal of the model.")
    if signals is not None and not len(signals):
        raise ValueError("signals is empty; leave it out, or name at least one.")
    chosen = np.arange(len(names)) if signals is None else names.get_indexer(signals)
    found = results.decode(results.raw_codes)[rows][:, chosen]
    known = None if truth is None else truth[rows][:, chosen]
    x = time_values(index, len(found))
    if len(chosen) <= MOST_LINES:
        measured = results.model.measurement is None
        seen = results.frame.panel.x[rows][:, chosen] if measured else None
        return _lines(fig, figsize, x, index, names[chosen], found, known, seen, title)
    parts = {"Recovered": found} if known is None else {"True": known, "Recovered": found, "Error": known - found}
    fig = new_figure(fig, figsize or (3.4 * len(parts) + 1.2, 4.4))
    axes = np.ravel(fig.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False))
    limit = _limit(found if known is None else np.concatenate([found, known]))
    for ax, (name, values) in zip(axes, parts.items(), strict=True):
        tidy(ax, name)
        mesh = heat_map(ax, x, values.T, limit)
        set_time_axis(ax, index)
    axes[0].set_ylabel("signal")
    _name_axis(axes[0].yaxis, names[chosen])
    colour_bar(mesh, list(axes), "value")
    fig.suptitle(f"Reconstruction{title}", fontsize="large")
    return fig


def _lines(
    fig: Figure | None, figsize: Any, x: np.ndarray, index: pd.Index, names: pd.Index, found: np.ndarray,
    known: np.ndarray | None, seen: np.ndarray | None, title: str,
) -> Figure:  # fmt: skip
    """A panel of lines for each signal."""
    fig = new_figure(fig, figsize or (9.0, 1.0 + 1.7 * len(names)))
    axes = fig.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for k, ax in enumerate(axes):
        if known is not None:
            draw_observed(ax, x, known[:, k], "true")
        if seen is not None:
            ax.plot(x, seen[:, k], linestyle="none", marker=".", markersize=4, color=MUTED, label="measured")
        ax.plot(x, found[:, k], color=FITTED, linewidth=1.4, label="recovered")
        tidy(ax, shortened(names[k]), "value")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False, fontsize="small")
    if title:
        fig.suptitle(f"Reconstruction{title}", fontsize="large", x=0.02, ha="left")
    set_time_axis(axes[-1], index)
    return fig


def _rows(results: Any, sequence: Any) -> tuple[slice, pd.Index, str]:
    """Rows and times of a sequence, and its name for titles."""
    frame = results.frame
    if frame.keys is None:
        if sequence is not None:
            raise ValueError(f"sequence={sequence!r} cannot be chosen: the sample has one sequence only; leave it out.")
        return slice(0, len(frame.panel.x)), frame.times[0], ""
    n = 0 if sequence is None else frame.position(sequence)
    if n is None:
        raise ValueError(f"sequence={sequence!r} is none of the panel, whose first is {frame.keys[0]!r}.")
    return (
        slice(frame.panel.offsets[n], frame.panel.offsets[n + 1]),
        frame.times[n],
        f" of sequence {shortened(frame.keys[n])}",
    )


def _limit(values: np.ndarray) -> float:
    """Largest absolute value, for a colour scale around zero; a few extreme ones are left to saturate."""
    size = np.abs(values[np.isfinite(values)])
    size = size[size > 0.0]
    return float(np.quantile(size, 0.995)) if len(size) else 1.0


def _name_axis(axis: Any, names: pd.Index, most: int = MOST_LABELS) -> None:
    """Write names at an axis of positions, all of them or every second, third, ... one."""
    step = -(-len(names) // most)
    places = np.arange(0, len(names), step)
    labels = [shortened(name, 16) for name in names[places]]
    slanted = axis.axis_name == "x" and max(map(len, labels), default=0) > 6
    options = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axis.set_ticks(places, labels, fontsize="small", **options)
