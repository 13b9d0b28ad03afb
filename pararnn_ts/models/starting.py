"""Start values of a fit: images of ARMA models, and random units."""

from __future__ import annotations

import warnings

import numpy as np

from pararnn_ts.estimation.problem import Problem
from pararnn_ts.estimation.starts import linear_start, random_starts
from pararnn_ts.models.arma_bridge import hannan_rissanen, units_from_arma
from pararnn_ts.specification import UnitWeights

__all__ = ["start_values"]

# rows of a long series from which start values are estimated: their lags must not take more room than the series
ENOUGH = 20_000


def start_values(problem: Problem, n_starts: int, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """
    Start values on the standardised scale: images of fitted ARMA models first, then random ones.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    n_starts : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    starts : ndarray, (n_starts, P)
        One start a row.
    origin : list of str
        "arma" or "random" for each.
    """
    spec = problem.specification
    images: list[np.ndarray] = []
    order = min(sum(spec.units), 4)
    if n_starts >= 4 and order and spec.lags and spec.lags[0] == 1:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                past = problem.target[spec.order_of_difference :][:ENOUGH]
                ar, ma = hannan_rissanen(past, order, order)
                linear, _ = units_from_arma(ar, ma)
                blocks = [UnitWeights(u.W, u.U, np.zeros(len(u.v)), u.v) for u in linear]
                blocks.sort(key=lambda block: -len(block.W))
                found = [linear_start(spec, blocks, size, rng) for size in (0.1, 0.6)]
                images = [start for start in found if start is not None and np.isfinite(start).all()]
            except (ValueError, np.linalg.LinAlgError):
                # too few observations for the long autoregression: the random starts remain
                images = []
    random = random_starts(spec, n_starts - len(images), rng)
    return np.vstack([*images, random]), ["arma"] * len(images) + ["random"] * len(random)
