"""Start values of a fit: images of ARMA models, and random units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pararnn_ts.estimation.problem import Problem
from pararnn_ts.estimation.starts import linear_start, random_starts
from pararnn_ts.models.arma_bridge import hannan_rissanen, units_from_arma
from pararnn_ts.specification import UnitWeights

__all__ = ["arma_blocks", "many_start_values", "start_values"]

# rows of a long series from which start values are estimated: their lags must not take more room than the series
ENOUGH = 20_000


def arma_blocks(problem: Problem) -> tuple[UnitWeights, ...]:
    """
    Linear units of an ARMA model of the series, largest first; none where such a model cannot be estimated.

    They depend on the series and on the number of states only, so that a search of models need not repeat them.

    Parameters
    ----------
    problem : Problem
        The standardised problem; the orders of the ARMA model are the number of states, at most four.

    Returns
    -------
    tuple of UnitWeights

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> from pararnn_ts.models.starting import arma_blocks
    >>> blocks = arma_blocks(prt.ParaRNN(prt.datasets.load_sunspots(), units=(2,))._problem())
    >>> sum(len(block.W) for block in blocks)
    2
    """
    spec = problem.specification
    order = min(sum(spec.units), 4)
    if not order or not spec.lags or spec.lags[0] != 1:
        return ()
    with np.errstate(all="ignore"):
        try:
            past = problem.target[spec.order_of_difference :][:ENOUGH]
            linear, _ = units_from_arma(*hannan_rissanen(past, order, order))
        except (ValueError, np.linalg.LinAlgError):
            # too few observations for the long autoregression: the random starts remain
            return ()
    blocks = [UnitWeights(u.W, u.U, np.zeros(len(u.v)), u.v) for u in linear]
    if not all(np.isfinite(part).all() for block in blocks for part in block):
        return ()
    return tuple(sorted(blocks, key=lambda block: -len(block.W)))


def start_values(
    problem: Problem,
    n_starts: int,
    rng: np.random.Generator,
    blocks: Sequence[UnitWeights] | None = None,
    drawn: np.ndarray | None = None,
) -> tuple[np.ndarray, list[str]]:
    """
    Start values on the standardised scale: images of fitted ARMA models first, then random ones.

    Parameters
    ----------
    problem : Problem
        The standardised problem.
    n_starts : int
        Number of starts; of four or more, up to two are images of ARMA models.
    rng : numpy.random.Generator
        Source of randomness.
    blocks : sequence of UnitWeights, optional
        From :func:`arma_blocks`, where they are known already.
    drawn : ndarray, (n_starts, P), optional
        The random starts that `rng` would draw as it is now, where they are known already.

    Returns
    -------
    starts : ndarray, (n_starts, P)
        One start a row.
    origin : list of str
        "arma" or "random" for each.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> from pararnn_ts.models.starting import start_values
    >>> problem = prt.ParaRNN(prt.datasets.load_sunspots(), units=(2,))._problem()
    >>> start_values(problem, 4, np.random.default_rng(0))[1]
    ['arma', 'arma', 'random', 'random']
    """
    spec = problem.specification
    images: list[np.ndarray] = []
    known: Sequence[UnitWeights] = ()
    if n_starts >= 4:
        known = arma_blocks(problem) if blocks is None else blocks
        with np.errstate(all="ignore"):
            found = [linear_start(spec, known, size, rng) for size in (0.1, 0.6)] if known else []
        images = [start for start in found if start is not None and np.isfinite(start).all()]
    # images that fill all units have drawn nothing
    if drawn is not None and sum(len(block.W) for block in known) in (0, sum(spec.units)):
        random = drawn[: n_starts - len(images)]
    else:
        random = random_starts(spec, n_starts - len(images), rng)
    return np.vstack([*images, random]), ["arma"] * len(images) + ["random"] * len(random)


def many_start_values(problems: Sequence[Problem], n_starts: int, seed: int) -> list[tuple[np.ndarray, list[str]]]:
    """
    Start values of several series of one model, those of each as if it were alone; see :func:`start_values`.

    Parameters
    ----------
    problems : sequence of Problem
        Problems of equal specification.
    n_starts : int
        Starts of each series.
    seed : int
        Seed of each series' source of randomness: the random starts of all series are the same.

    Returns
    -------
    list of (starts, origin)
    """
    if not problems:
        return []
    drawn = random_starts(problems[0].specification, n_starts, np.random.default_rng(seed))
    return [start_values(problem, n_starts, np.random.default_rng(seed), drawn=drawn) for problem in problems]
