"""One way to train any network on sequences: the same budget, and a learning rate chosen on held-out data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from pararnn_ts.estimation.adam import AdamOptions, Descent, adam, minibatches
from pararnn_ts.estimation.sequences import SequenceLoss

__all__ = ["Budget", "Trained", "train"]


class TrainableLoss(Protocol):
    """What `train` asks of a loss."""

    loss: SequenceLoss

    def gradient(self, theta: np.ndarray, batch: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss of a batch of sequences, and its gradient."""

    def error(self, theta: np.ndarray, other: SequenceLoss | None = None) -> float:
        """Loss over all sequences, of these data or of others."""


class Budget(NamedTuple):
    """
    What a training may cost.

    Parameters
    ----------
    epochs : int
        Passes through the training sequences.
    batch : int
        Sequences in a batch.
    seed : int
        Seed of the order of the sequences.
    """

    epochs: int
    batch: int = 50
    seed: int = 0

    def per_epoch(self, n: int) -> int:
        """Updates in one pass through n sequences."""
        return max(n // min(self.batch, n), 1)

    def updates(self, n: int) -> int:
        """Updates of a training on n sequences."""
        return self.epochs * self.per_epoch(n)


class Trained(NamedTuple):
    """
    Outcome of a training.

    Parameters
    ----------
    descent : Descent
        The descent with the best held-out error.
    rate : float
        Its learning rate.
    tried : ndarray, (rates, 3)
        Learning rate, best held-out error and updates made, of every rate that was tried.
    """

    descent: Descent
    rate: float
    tried: np.ndarray


# updates between two looks at the held-out data, at least
LEAST_BETWEEN = 10


def train(
    problem: TrainableLoss,
    start: np.ndarray,
    valid: SequenceLoss | None,
    budget: Budget,
    rates: Sequence[float],
    *,
    clip_norm: float = 10.0,
    disp: bool = False,
) -> Trained:
    """
    Train once with each learning rate and keep what predicts the held-out sequences best.

    Parameters
    ----------
    problem : SISTALoss, StackedLoss or LSTMLoss
        Loss on the training sequences; a method `project` keeps its parameters admissible.
    start : ndarray
        Start values.
    valid : SequenceLoss or None
        Held-out data; None: the training loss decides.
    budget : Budget
        Epochs, size of batches and seed, the same for every rate.
    rates : sequence of float
        Learning rates to try.
    clip_norm : float
        Gradients longer than this are shortened.
    disp : bool
        Whether to show a progress bar.

    Returns
    -------
    Trained
    """
    n = problem.loss.n_sequences
    project: Any = getattr(problem, "project", None)
    found = []
    for rate in rates:
        options = AdamOptions(
            rate, budget.updates(n), clip_norm, score_every=max(budget.per_epoch(n), min(LEAST_BETWEEN, budget.epochs))
        )
        batches = minibatches(n, budget.batch, np.random.default_rng(budget.seed))
        score = None if valid is None else lambda theta: problem.error(theta, valid)
        found.append(adam(start, problem.gradient, batches, options, score=score, project=project, disp=disp))
    best = min(range(len(found)), key=lambda i: found[i].score)
    tried = np.array([(rate, one.score, one.updates) for rate, one in zip(rates, found, strict=True)])
    return Trained(found[best], float(rates[best]), tried)
