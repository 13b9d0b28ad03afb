"""Training of the unfolded network: what is held out, what is scaled, and what is told about it afterwards."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from pararnn_ts._compat import warn_user
from pararnn_ts.estimation.baselines import StackedLoss, free_wiring, untied
from pararnn_ts.estimation.sequences import Panel, SequenceLoss
from pararnn_ts.estimation.sista import PARAMETERS, SISTALoss, SISTAParams
from pararnn_ts.estimation.training import Budget, train
from pararnn_ts.kernels.sparse_network import Network
from pararnn_ts.models.arguments import check_count, check_flag, check_generator, check_share, given

__all__ = ["Plan", "Split", "Training", "next_rows", "split_panel", "train_network"]

DEFAULT_UPDATES, DEFAULT_RATE = 500, 1e-2
# what a forecaster trains: errors of predictions do not tell a signal that is twice as large and a transition that
# halves it from the true ones, so that what defines the signal must stay
FORECASTER = ("F", "alpha", "lam1", "lam2", "h0")
# longest gradient, where the target has mean square one
CLIP_NORM = 2.0


@dataclass(frozen=True)
class Plan:
    """
    How a network is trained.

    Parameters
    ----------
    train : tuple of str
        Parameters that are trained.
    tied : bool
        Whether weights stay functions of the model.
    budget : Budget
        Epochs, size of batches and seed.
    rates : tuple of float
        Learning rates to try.
    valid_fraction : float
        Share that is held out.
    """

    train: tuple[str, ...]
    tied: bool
    budget: Budget
    rates: tuple[float, ...]
    valid_fraction: float

    @classmethod
    def checked(
        cls, *, train: Any, tied: bool, epochs: Any, lr: Any, batch: Any, valid_fraction: Any, rng: Any,
        supervised: bool, panel: Panel,
    ) -> Plan:  # fmt: skip
        """Return the plan for these arguments of `SISTARNN.fit`, or raise."""
        names = (PARAMETERS if supervised else FORECASTER) if train is None else _names(train)
        tied = check_flag(tied, "tied")
        if not tied and not supervised:
            raise ValueError(
                "tied=False frees the weights for the recovery of signals only; pass a target, or tied=True."
            )
        if not tied and train is not None:
            raise ValueError(
                "train chooses among the parameters of the model, which tied=False gives up; leave it out."
            )
        fraction = check_share(valid_fraction, "valid_fraction")
        rates = (DEFAULT_RATE,) if lr is None else _rates(lr)
        size = check_count(batch, "batch")
        n = len(_held_out(panel, fraction)[0]) if panel.n_sequences > 1 else 1
        budget = Budget(1, size, int(check_generator(rng).integers(2**31)))
        wanted = -(-DEFAULT_UPDATES // budget.per_epoch(n)) if epochs is None else check_count(epochs, "epochs")
        return cls(names, tied, budget._replace(epochs=wanted), rates, fraction)


def _rates(lr: Any) -> tuple[float, ...]:
    """Learning rates from one number or several."""
    wanted = f"lr must be a positive number or several of them, but is {given(lr)}."
    try:
        rates = np.array(lr, dtype=float).ravel()
    except (TypeError, ValueError):
        raise TypeError(wanted) from None
    if not len(rates) or not (np.isfinite(rates) & (rates > 0.0)).all():
        raise ValueError(wanted)
    return tuple(rates.tolist())


def _names(train: Any) -> tuple[str, ...]:
    names = (train,) if isinstance(train, str) else tuple(train)
    unknown = [name for name in names if name not in PARAMETERS]
    if unknown or not names:
        what = f"{unknown[0]!r} is none of them" if unknown else "nothing is named"
        raise ValueError(f"train must name parameters among {', '.join(map(repr, PARAMETERS))}, but {what}.")
    return names


@dataclass(frozen=True)
class Training:
    """
    What is remembered of a training.

    Parameters
    ----------
    plan : Plan
        How the network was trained.
    forecast : bool
        Whether it learnt to predict the next measurement.
    learning_rate : float
        The rate that was taken.
    tried : DataFrame
        Every rate with its least held-out error and its updates.
    history : DataFrame
        Training and held-out error by update.
    status : str
        "finished" or "diverged".
    updates, best_update : int
        Updates made, and the one whose parameters were kept.
    train_mse, valid_mse : float
        Errors of the parameters that were kept; the second is NaN where nothing was held out.
    start : SISTAParams
        Parameters before the training.
    """

    plan: Plan
    forecast: bool
    learning_rate: float
    tried: pd.DataFrame
    history: pd.DataFrame
    status: str
    updates: int
    best_update: int
    train_mse: float
    valid_mse: float
    start: SISTAParams

    @property
    def converged(self) -> bool:
        """Whether the training came to its end."""
        return self.status == "finished"

    def warn(self) -> None:
        """Warn of a training that diverged."""
        if not self.converged:
            warn_user(
                f"The training diverged after {self.updates} updates at learning rate {self.learning_rate:g}; the best "
                f"parameters before that, of update {self.best_update}, are kept. Pass a smaller lr.",
                ConvergenceWarning,
            )


@dataclass(frozen=True)
class Split:
    """
    Data to train on and data that are held out.

    Parameters
    ----------
    train : SequenceLoss
        Training sequences.
    valid : SequenceLoss or None
        What is held out; None where nothing is.
    """

    train: SequenceLoss
    valid: SequenceLoss | None


def _held_out(panel: Panel, fraction: float) -> tuple[range, range]:
    """Sequences to train on, and the last ones, held out."""
    n = panel.n_sequences
    out = min(max(round(fraction * n), 1), n - 1) if fraction > 0 else 0
    return range(n - out), range(n - out, n)


def next_rows(panel: Panel) -> np.ndarray:
    """Return the row after each row; missing after the last one of a sequence."""
    following = np.full_like(panel.x, np.nan)
    following[:-1] = panel.x[1:]
    following[panel.offsets[1:] - 1] = np.nan
    return following


def split_panel(panel: Panel, y: np.ndarray | None, fraction: float, pool: Executor | None = None) -> Split:
    """
    Hold out the last sequences, or the last rows of a single one, which the network then reaches with its state.

    Parameters
    ----------
    panel : Panel
        Measurements.
    y : ndarray, (rows, N), or None
        Targets; None: the next measurement.
    fraction : float
        Share that is held out.
    pool : Executor, optional
        Threads.
    """
    if panel.n_sequences > 1:
        parts = []
        for chosen in _held_out(panel, fraction):
            part, taken = panel.take(chosen)
            parts.append((part, next_rows(part) if y is None else y[taken]))
        train_part = SequenceLoss(*parts[0], pool=pool)
        return Split(train_part, SequenceLoss(*parts[1]) if parts[1][0].n_sequences else None)
    rows = len(panel.x)
    out = min(max(round(fraction * rows), 1), rows - 1) if fraction > 0 else 0
    first = Panel(np.array([0, rows - out]), panel.x[: rows - out])
    target = next_rows(panel) if y is None else y
    train_part = SequenceLoss(first, next_rows(first) if y is None else y[: rows - out], pool=pool)
    if not out:
        return Split(train_part, None)
    # of the next measurement, the one before the first that is held out is predicted, too
    seen = np.arange(rows) >= rows - out - (y is None)
    return Split(train_part, SequenceLoss(panel, target, seen))


def train_network(
    panel: Panel, y: np.ndarray | None, start: SISTAParams, n_layers: int, plan: Plan, pool: Executor | None, disp: bool
) -> tuple[Network | None, SISTAParams, Training]:
    """
    Train the unfolded network.

    Parameters
    ----------
    panel : Panel
        Measurements.
    y : ndarray or None
        Targets.
    start : SISTAParams
        Start values.
    n_layers : int
        Layers.
    plan : Plan
        How to train.
    pool : Executor or None
        Threads.
    disp : bool
        Whether to show a progress bar.

    Returns
    -------
    network : Network or None
        Free weights; None where they are functions of the parameters.
    params : SISTAParams
        Parameters.
    training : Training
    """
    known = panel.x if y is None else y
    # the fit does not depend on the unit of measurement: the target has mean square one
    unit = float(np.sqrt(np.nanmean(known**2))) if np.isfinite(known).any() else 0.0
    if not unit > 0.0:
        raise ValueError(f"{'endog' if y is None else 'target'} has no values other than zero to learn from.")
    scaled = Panel(panel.offsets, panel.x / unit)
    split = split_panel(scaled, None if y is None else y / unit, plan.valid_fraction, pool)
    for part, name in ((split.train, "training"), (split.valid, "held-out")):
        if part is not None and not part.weight.any():
            what = "next measurement" if y is None else "target"
            raise ValueError(
                f"The {name} part of the sample has no known {what}; pass longer sequences or another valid_fraction."
            )
    began = replace(start, lam1=start.lam1 / unit, h0=start.h0 / unit)
    problem: Any
    if plan.tied:
        problem = SISTALoss(split.train, began, plan.train, n_layers, forecast=y is None)
        theta = problem.project(problem.pack(began))
    else:
        problem = StackedLoss(split.train, untied(began, n_layers), free_wiring(n_layers))
        theta = problem.pack(problem.start)
    found = train(problem, theta, split.valid, plan.budget, plan.rates, clip_norm=CLIP_NORM, disp=disp)
    best = found.descent.params
    errors = [problem.error(best), np.nan if split.valid is None else problem.error(best, split.valid)]
    descent, square = found.descent, unit**2
    training = Training(
        plan, y is None, found.rate, _tried(found.tried, square), _history(descent.history, square), descent.status,
        descent.updates, descent.best, errors[0] * square, errors[1] * square, start,
    )  # fmt: skip
    if not plan.tied:
        network = problem.unpack(best)
        return _in_data_units(network, unit), start, training
    params = problem.unpack(best)
    return None, replace(params, lam1=params.lam1 * unit, h0=params.h0 * unit), training


def _in_data_units(network: Network, unit: float) -> Network:
    """Weights for data in units other than those of the training: what has the dimension of the data is multiplied."""
    return network._replace(threshold=network.threshold * unit, bias=network.bias * unit, state=network.state * unit)


def _tried(tried: np.ndarray, square: float) -> pd.DataFrame:
    table = pd.DataFrame(tried, columns=["learning_rate", "valid_mse", "updates"])
    table["valid_mse"] *= square
    table["updates"] = table["updates"].astype(int)
    return table


def _history(history: np.ndarray, square: float) -> pd.DataFrame:
    table = pd.DataFrame(history, columns=["update", "learning_rate", "train_mse", "valid_mse"])
    table[["train_mse", "valid_mse"]] *= square
    table["update"] = table["update"].astype(int)
    return table.set_index("update")
