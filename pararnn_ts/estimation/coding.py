"""Sequential sparse coding of panels, and the choice of its penalties on measurements that are held out."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pararnn_ts.estimation.sequences import Panel, padded
from pararnn_ts.estimation.sista import SISTAParams, lipschitz
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.sequential_coding import code_sequences

__all__ = ["Coded", "choose_penalties", "code"]

# penalties that are tried: on codes relative to the one at which the first code is zero, on departures from the
# transition relative to the squared norm of the dictionary as the sensors see it
LAM1 = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
LAM2 = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
# observations, iterations for each, and share of measurements held out in the search
SEARCH_ROWS, SEARCH_ITERATIONS, HELD_OUT = 1000, 30, 0.1
# inverse step relative to the Lipschitz constant where it is not given
SAFE = 1.05


class Coded(NamedTuple):
    """
    Outcome of :func:`code`.

    Parameters
    ----------
    codes : ndarray, (rows, H)
        Codes.
    iterations : ndarray of int, (rows,)
        Iterations of each observation.
    objective : ndarray, (rows,)
        Penalised objective of each observation.
    """

    codes: np.ndarray
    iterations: np.ndarray
    objective: np.ndarray


def code(
    params: SISTAParams, panel: Panel, tol: float = 1e-4, maxiter: int = 100, states: np.ndarray | None = None
) -> Coded:
    """
    Sparse codes of a panel, one observation after the other; nothing is trained.

    Parameters
    ----------
    params : SISTAParams
        Model.
    panel : Panel
        Observations.
    tol : float
        Relative decrease of the objective at which the iteration of an observation ends; 0: not before `maxiter`.
    maxiter : int
        Iterations for each observation.
    states : ndarray, (n, H), optional
        Codes before each sequence; by default h0.

    Returns
    -------
    Coded
    """
    rows, m = panel.x.shape
    h = params.D.shape[1]
    wide, tall = -(-h // LANES) * LANES, -(-m // LANES) * LANES
    D = params.D
    G, FD = params.A @ D, params.F @ D
    absent = np.isnan(panel.x)
    codes, iterations, objective = np.empty((rows, wide)), np.empty(rows, dtype=np.int64), np.empty(rows)
    code_sequences(
        padded(G, tall, wide), padded(G.T, wide, tall), padded(D.T @ D, wide, wide), padded(FD.T @ FD, wide, wide),
        padded(FD.T @ D, wide, wide), padded(np.where(absent, 0.0, panel.x), tall),
        np.pad(absent, ((0, 0), (0, tall - m))), panel.offsets,
        padded(params.h0[None] if states is None else states, wide),
        np.array([params.alpha, params.lam1, params.lam2]), float(tol), int(maxiter), codes, iterations, objective,
    )  # fmt: skip
    return Coded(codes[:, :h], iterations, objective)


def choose_penalties(
    params: SISTAParams, panel: Panel, lam1: float | None, lam2: float | None, alpha: float | None
) -> SISTAParams:
    """
    Fill in penalties and the inverse step that were not given.

    A tenth of the measurements of at most a thousand observations is held out; the penalties that predict it best from
    the others are taken. The inverse step is then a little more than the Lipschitz constant.

    Parameters
    ----------
    params : SISTAParams
        Model; its constants are not read.
    panel : Panel
        Observations.
    lam1, lam2, alpha : float or None
        Constants that are given, and None for those to be chosen.

    Returns
    -------
    SISTAParams

    Raises
    ------
    ValueError
        The iteration diverges with all penalties that are tried: the inverse step is too small, or the dictionary long.
    """
    if lam1 is None or lam2 is None:
        part = _beginning(panel)
        seen = np.isfinite(part.x)
        hidden = seen & (np.random.default_rng(0).random(part.x.shape) < HELD_OUT)
        if seen.any() and not hidden.any():
            # of few measurements the last one, which those before it predict
            hidden[tuple(np.argwhere(seen)[-1])] = True
        shown = Panel(part.offsets, np.where(hidden, np.nan, part.x))
        G = params.A @ params.D
        largest = float(np.abs(np.where(seen, part.x, 0.0) @ G).max(initial=0.0)) or 1.0
        size = float(np.linalg.norm(G, 2)) ** 2 or 1.0
        best, choice = np.inf, None
        for first in (lam1,) if lam1 is not None else [share * largest for share in LAM1]:
            for second in (lam2,) if lam2 is not None else [share * size for share in LAM2]:
                trial = _with_constants(params, first, second, alpha)
                with np.errstate(over="ignore", invalid="ignore"):
                    fitted = code(trial, shown, 0.0, SEARCH_ITERATIONS).codes @ G.T
                    error = float(np.sum((fitted - part.x)[hidden] ** 2))
                if error < best:
                    best, choice = error, (first, second)
        if choice is None:
            raise ValueError(
                f"The iteration diverges on endog whatever the penalties: {_why_divergent(params, alpha)}."
            )
        lam1, lam2 = choice
    return _with_constants(params, lam1, lam2, alpha)


def _why_divergent(params: SISTAParams, alpha: float | None) -> str:
    """What to change where no penalties keep the iteration from diverging."""
    bound = lipschitz(replace(params, lam2=0.0))
    if alpha is not None and alpha < bound:
        return f"alpha={alpha:g} is too small; leave alpha out, or pass more than {bound:.4g}"
    norm = float(np.linalg.norm(params.D, 2))
    return (
        f"it begins at D'F D h, which grows where the norm of the dictionary is above one, and that is {norm:.4g}; "
        "divide the dictionary by it"
    )


def _with_constants(params: SISTAParams, lam1: float, lam2: float, alpha: float | None) -> SISTAParams:
    given = replace(params, lam1=float(lam1), lam2=float(lam2))
    return replace(given, alpha=float(SAFE * lipschitz(given) or 1.0) if alpha is None else float(alpha))


def _beginning(panel: Panel) -> Panel:
    """First sequences of a panel, up to `SEARCH_ROWS` rows."""
    whole = int(np.searchsorted(panel.offsets, SEARCH_ROWS, side="right")) - 1
    if whole >= 1:
        return panel.take(range(min(whole, panel.n_sequences)))[0]
    rows = min(SEARCH_ROWS, int(panel.offsets[1]))
    return Panel(np.array([0, rows]), panel.x[:rows])
