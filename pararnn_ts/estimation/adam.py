"""Stochastic gradient descent for models whose Jacobian is too large for least squares: Adam, kept in check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pararnn_ts.progress import progress_bar

__all__ = ["AdamOptions", "Descent", "adam", "minibatches"]

CONVERGED, DIVERGED = "finished", "diverged"


@dataclass(frozen=True)
class AdamOptions:
    """
    Schedule of a descent.

    Parameters
    ----------
    learning_rate : float
        Largest step of a parameter per update; it falls to zero along half a cosine.
    updates : int
        Number of updates.
    clip_norm : float
        Gradients longer than this are shortened to it.
    warmup : int
        Updates in which the learning rate rises linearly before it falls.
    score_every : int
        Updates between two evaluations of the held-out score, and between two rows of the history.
    decay, decay_squared : float
        Memory of the averages of gradients and of their squares.

    Notes
    -----
    Adam as in Kingma and Ba (2015), Algorithm 1; the cosine is that of Loshchilov and Hutter (2017), without restarts.
    """

    learning_rate: float = 1e-3
    updates: int = 1000
    clip_norm: float = 10.0
    warmup: int = 0
    score_every: int = 10
    decay: float = 0.9
    decay_squared: float = 0.999

    def rate(self, update: int) -> float:
        """Learning rate of an update, counted from zero."""
        if update < self.warmup:
            return self.learning_rate * (update + 1) / self.warmup
        share = (update - self.warmup) / max(self.updates - self.warmup, 1)
        return 0.5 * self.learning_rate * (1.0 + float(np.cos(np.pi * share)))


@dataclass(frozen=True)
class Descent:
    """
    Where a descent ended and what it passed.

    Parameters
    ----------
    params : ndarray, (P,)
        Parameters with the best score.
    score : float
        Their score.
    best : int
        Number of updates after which they were reached.
    updates : int
        Number of updates that were made.
    status : str
        "finished", or "diverged" where a loss or a gradient was not finite.
    history : ndarray, (rows, 4)
        Updates made, learning rate, mean training loss since the row before, and score.
    """

    params: np.ndarray
    score: float
    best: int
    updates: int
    status: str
    history: np.ndarray

    @property
    def converged(self) -> bool:
        """Whether all updates were made."""
        return self.status == CONVERGED


def minibatches(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """
    Endless random subsets of n examples; each pass uses every example once, up to a last incomplete batch.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.adam import minibatches
    >>> batches = minibatches(4, 2, np.random.default_rng(0))
    >>> sorted(np.concatenate([next(batches), next(batches)]).tolist())
    [0, 1, 2, 3]
    """
    size = min(size, n)
    while True:
        order = rng.permutation(n)
        for first in range(0, n - size + 1, size):
            yield order[first : first + size]


def adam(
    params: np.ndarray,
    gradient: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    batches: Iterator[np.ndarray],
    options: AdamOptions,
    *,
    score: Callable[[np.ndarray], float] | None = None,
    project: Callable[[np.ndarray], np.ndarray] | None = None,
    disp: bool = False,
) -> Descent:
    """
    Descend from start values and keep the parameters with the best held-out score.

    Parameters
    ----------
    params : ndarray, (P,)
        Start values.
    gradient : callable
        Function ``(params, batch)`` that returns the loss of a batch and its gradient.
    batches : iterator of ndarray
        Batches, for example those of :func:`minibatches`; what they hold is between them and `gradient`.
    options : AdamOptions
        Learning rate, number of updates and what else governs the descent.
    score : callable, optional
        Function of the parameters, the smaller the better, on data that are not trained on. Without it the mean
        training loss since the last look is what counts.
    project : callable, optional
        Function that returns admissible parameters next to given ones; called after every update.
    disp : bool
        Whether to show a progress bar.

    Returns
    -------
    Descent
        A run that diverges ends early and keeps the best parameters it passed.

    References
    ----------
    Kingma and Ba (2015), Adam: a method for stochastic optimization, arXiv 1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.adam import AdamOptions, adam, minibatches
    >>> x = np.random.default_rng(0).normal(2.0, 1.0, 100)
    >>> def gradient(params, batch):
    ...     error = params[0] - x[batch]
    ...     return float(np.mean(error**2)), np.array([2.0 * error.mean()])
    >>> batches = minibatches(100, 20, np.random.default_rng(1))
    >>> found = adam(np.zeros(1), gradient, batches, AdamOptions(0.1, 200), score=lambda p: gradient(p, slice(None))[0])
    >>> bool(abs(found.params[0] - x.mean()) < 0.01)
    True
    """
    params = np.array(params, dtype=float)
    first, second = np.zeros_like(params), np.zeros_like(params)
    status, update = CONVERGED, 0
    losses: list[float] = []
    # without a held-out score the loss at the start is not known before the first batch
    value = np.inf if score is None else float(score(params))
    best, best_value, best_params = 0, value if np.isfinite(value) else np.inf, params.copy()
    history = [(0.0, options.rate(0), np.nan, np.nan if score is None else value)]
    with progress_bar(options.updates, "updates", disp) as done:
        while update < options.updates:
            with np.errstate(all="ignore"):
                loss, slope = gradient(params, next(batches))
                length = float(np.sqrt(slope @ slope))
            if not (np.isfinite(loss) and np.isfinite(length)):
                status = DIVERGED
                break
            losses.append(loss)
            if length > options.clip_norm:
                slope = slope * (options.clip_norm / length)
            rate = options.rate(update)
            update += 1
            first = options.decay * first + (1.0 - options.decay) * slope
            second = options.decay_squared * second + (1.0 - options.decay_squared) * slope**2
            unbiased = first / (1.0 - options.decay**update)
            spread = np.sqrt(second / (1.0 - options.decay_squared**update))
            before, params = params, params - rate * unbiased / (spread + 1e-8)
            if project is not None:
                with np.errstate(all="ignore"):
                    params = project(params)
            if update % options.score_every == 0 or update == options.updates:
                mean = float(np.mean(losses))
                value = mean if score is None else float(score(params))
                history.append((float(update), rate, mean, value))
                if value < best_value:
                    # a training loss is that of the parameters before the update
                    best, best_value, best_params = update, value, (before if score is None else params).copy()
                losses = []
            done(1)
    return Descent(best_params, best_value, best, update, status, np.array(history))
