"""Start values on the standardised scale."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, exp, log, pi, sin, sqrt

import numpy as np

from pararnn_ts.specification import Specification, UnitWeights

__all__ = ["random_starts", "random_unit"]


def random_unit(d: int, m: int, rng: np.random.Generator) -> UnitWeights:
    """
    Draw a unit whose memory, period and degree of nonlinearity vary over their useful ranges.

    Parameters
    ----------
    d, m : int
        Dimension and number of inputs.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    UnitWeights
        Recurrent weights with eigenvalues inside the unit circle; inputs scaled so that the state neither vanishes nor
        saturates whatever the memory; output weights zero, because the first step of the optimiser solves for them.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.starts import random_unit
    >>> unit = random_unit(2, 1, np.random.default_rng(0))
    >>> bool(np.abs(np.linalg.eigvals(unit.W)).max() < 1.0), unit.U.shape, unit.v
    (True, (2, 1), array([0., 0.]))
    """
    weights = np.zeros(d * (d + m + 2))
    _draw(d, m, rng, weights)
    w, u, b, v = np.split(weights, [d * d, d * (d + m), d * (d + m + 1)])
    return UnitWeights(w.reshape(d, d), u.reshape(d, m), b, v)


def _draw(d: int, m: int, rng: np.random.Generator, weights: np.ndarray) -> None:
    """Write the weights of :func:`random_unit` but those of the output to a vector, in their order there."""

    # the generator's own "uniform" takes several times as long for a single number
    def uniform(low: float, high: float) -> float:
        return low + (high - low) * rng.random()

    modulus = 1.0 - 10.0 ** uniform(-1.3, 0.0)
    if d == 1:
        weights[0] = modulus if rng.random() < 0.75 else -modulus
    elif d == 2 and rng.random() < 0.5:
        angle = pi * uniform(0.02, 0.98)
        weights[0] = weights[3] = modulus * cos(angle)
        weights[2] = modulus * sin(angle)
        weights[1] = -weights[2]
    else:
        recurrent = rng.standard_normal((d, d))
        weights[: d * d] = (recurrent * (modulus / _spectral_radius(recurrent))).ravel()
    gain = exp(uniform(log(0.3), log(2.0))) * sqrt((1.0 - modulus**2) / m)
    inputs = rng.standard_normal(d * (m + 1))
    inputs[: d * m] *= gain
    inputs[d * m :] *= 0.5
    weights[d * d : d * (d + m + 1)] = inputs


def _spectral_radius(matrix: np.ndarray) -> float:
    if len(matrix) == 1:
        return abs(float(matrix[0, 0]))
    if len(matrix) != 2:
        return float(np.max(np.abs(np.linalg.eigvals(matrix))))
    (a, b), (c, d) = matrix.tolist()
    half, determinant = 0.5 * (a + d), a * d - b * c
    # the roots of x^2 - 2 half x + determinant
    if half * half < determinant:
        return float(np.sqrt(determinant))
    return float(abs(half) + np.sqrt(half * half - determinant))


def random_starts(specification: Specification, n_starts: int, rng: np.random.Generator) -> np.ndarray:
    """
    Draw start values, one row each.

    Parameters
    ----------
    specification : Specification
        The model.
    n_starts : int
        Rows.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, (n_starts, n_params)
        Parameters on the standardised scale, those of the linear path zero.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.starts import random_starts
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (1,), (2,), "tanh", ("const",))
    >>> random_starts(spec, 3, np.random.default_rng(0)).shape == (3, spec.n_params)
    True
    """
    starts = np.zeros((n_starts, specification.n_params))
    parts = list(zip(specification.units, specification.unit_slices, strict=True))
    for start in starts:
        for d, part in parts:
            _draw(d, specification.n_inputs, rng, start[part])
    return starts


def linear_start(
    specification: Specification, blocks: Sequence[UnitWeights], size: float, rng: np.random.Generator
) -> np.ndarray | None:
    """
    Build the small-signal image of a linear model: units that work in the linear part of their activation.

    Parameters
    ----------
    specification : Specification
        The model.
    blocks : sequence of UnitWeights
        Linear units, largest dimension first; their input is the first input of the model.
    size : float
        Standard deviation of the states, for inputs with a standard deviation of one.
    rng : numpy.random.Generator
        Draws the units that the linear model leaves over.

    Returns
    -------
    ndarray, (P,), or None
        Parameters on the standardised scale with zero output weights; None where a block fits into no unit.
    """
    room = list(specification.units)
    m = specification.n_inputs
    units = [UnitWeights(np.zeros((d, d)), np.zeros((d, m)), np.zeros(d), np.zeros(d)) for d in room]
    used = [0] * len(room)
    for block in blocks:
        d = len(block.W)
        free = [k for k in range(len(room)) if room[k] - used[k] >= d]
        if not free:
            return None
        k = max(free, key=lambda k: used[k])
        place = slice(used[k], used[k] + d)
        units[k].W[place, place] = block.W
        modulus = min(_spectral_radius(block.W), 0.98)
        length = max(float(np.linalg.norm(block.U)), 1e-12)
        units[k].U[place, 0] = size * np.sqrt(1.0 - modulus**2) * block.U[:, 0] / length
        used[k] += d
    for k, d in enumerate(room):
        if used[k] == 0:
            units[k] = random_unit(d, m, rng)
        elif used[k] < d:
            spare = slice(used[k], d)
            drawn = random_unit(d - used[k], m, rng)
            units[k].W[spare, spare], units[k].U[spare], units[k].b[spare] = drawn.W, drawn.U, drawn.b
    return specification.join(np.zeros(specification.n_linear), units)
