"""One representative for each set of parameters that describe the same model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from pararnn_ts.specification import Specification, UnitWeights

__all__ = [
    "ODD",
    "canonical_form",
    "canonical_order",
    "distinct_units",
    "exchanged",
    "log_symmetry",
    "n_expansive",
    "nearest_image",
    "nearest_states",
]

# activations for which flipping a state's sign, with its weights, leaves the model unchanged
ODD = ("tanh", "identity")
# nats that a unit must explain, beyond what others can take over, to be distinct from its mirror images
LEAST_NATS = 1.0
# share of the square of a column that may be left of it by rounding
ROUNDING = 1e-12


def exchanged(unit: UnitWeights, order: np.ndarray, sign: np.ndarray) -> UnitWeights:
    """Weights of a unit whose states have changed places and signs."""
    return UnitWeights(
        unit.W[np.ix_(order, order)] * np.outer(sign, sign),
        unit.U[order] * sign[:, None],
        unit.b[order] * sign,
        unit.v[order] * sign,
    )


def canonical_form(
    specification: Specification, params: np.ndarray, products: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Re-order units and states, and fix signs, without changing any prediction.

    Within a dimension the unit with the larger component comes first; within a unit the state with the larger output
    weight does, which is positive where the activation is odd.

    Parameters
    ----------
    specification : Specification
        The model; units of equal dimension may change places.
    params : ndarray, (S, P)
        Parameters of each series on any scale.
    products : ndarray, (S, P + 1, P + 1)
        Products M'M of M = [Jacobian, residual] there.

    Returns
    -------
    params, products : ndarray
        The representatives, and the products there: columns of the Jacobian change places and signs with their weights.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import canonical_form
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (), (1,), "tanh")
    >>> canonical_form(spec, np.array([[0.5, -1.0, 0.2, -3.0]]), np.eye(5)[None])[0]
    array([[ 0.5,  1. , -0.2,  3. ]])
    """
    size = np.empty((len(params), len(specification.units)))
    for k, (d, part) in enumerate(zip(specification.units, specification.unit_slices, strict=True)):
        # second moment of the component, from the columns of the output weights
        out = slice(part.stop - d, part.stop)
        size[:, k] = np.einsum("si,sij,sj->s", params[:, out], products[:, out, out], params[:, out])
    order, sign = canonical_order(specification, params, size)
    every = np.arange(len(params))[:, None]
    moved = params[every, order] * sign
    # the residual stays where it is
    order = np.column_stack([order, np.full(len(params), products.shape[1] - 1)])
    sign = np.column_stack([sign, np.ones(len(params))])
    products = products[every[:, :, None], order[:, :, None], order[:, None, :]]
    return moved, products * sign[:, :, None] * sign[:, None, :]


def canonical_order(
    specification: Specification, params: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Order and signs that :func:`canonical_form` gives to the parameters of several series.

    Parameters
    ----------
    specification : Specification
        The model.
    params : ndarray, (S, P)
        Parameters of each series.
    size : ndarray, (S, K)
        Variance of each unit's component.

    Returns
    -------
    order, sign : ndarray, (S, P)
        The representative of series s is ``params[s, order[s]] * sign[s]``.
    """
    m, odd, count = specification.n_inputs, specification.activation in ODD, len(params)
    series = np.arange(count)[:, None]
    places, signs = [], []
    for d, part in zip(specification.units, specification.unit_slices, strict=True):
        # within a unit the larger output weight first, and positive
        v = params[:, part.stop - d : part.stop]
        order = np.argsort(-np.abs(v), axis=1, kind="stable")
        sign = np.where(v[series, order] < 0.0, -1.0, 1.0) if odd else np.ones((count, d))
        row, column = order[:, :, None], order[:, None, :]
        first = part.start + np.array([0, d * d, d * (d + m), d * (d + m + 1)])
        pieces = (first[0] + row * d + column, first[1] + row * m + np.arange(m), first[2] + order, first[3] + order)
        scales = (sign[:, :, None] * sign[:, None, :], np.repeat(sign[:, :, None], m, axis=2), sign, sign)
        places.append(np.concatenate([piece.reshape(count, -1) for piece in pieces], axis=1))
        signs.append(np.concatenate([scale.reshape(count, -1) for scale in scales], axis=1))
    for d in set(specification.units):
        same = [k for k, own in enumerate(specification.units) if own == d]
        ranked = np.argsort(-size[:, same], axis=1, kind="stable")
        for blocks in (places, signs):
            stacked = np.stack([blocks[k] for k in same], axis=1)[series, ranked]
            for place, k in enumerate(same):
                blocks[k] = stacked[:, place]
    q = specification.n_linear
    return (
        np.concatenate([np.broadcast_to(np.arange(q), (count, q)), *places], axis=1),
        np.concatenate([np.ones((count, q)), *signs], axis=1),
    )


def nearest_image(
    specification: Specification, params: np.ndarray, target: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """
    Of the parameter vectors that describe the same model, find the one nearest to a given vector.

    States, then units of one dimension, change places by optimal assignment. Between states the distance takes their
    own weights into account, not those from one state to another.

    Parameters
    ----------
    specification : Specification
        The model.
    params, target : ndarray, (P,)
        Parameters to move, and those to be near to.
    precision : ndarray, (P,)
        Weights of squared differences.

    Returns
    -------
    ndarray, (P,)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import nearest_image
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (), (1,), "tanh")
    >>> nearest_image(spec, np.array([0.5, 1.0, -0.2, 3.0]), np.array([0.5, -1.0, 0.2, -3.0]), np.ones(4))
    array([ 0.5, -1. ,  0.2, -3. ])
    """
    odd = specification.activation in ODD
    found, wanted, weight = (specification.unit_weights(part) for part in (params, target, np.maximum(precision, 0.0)))
    units = list(found)
    for d in set(specification.units):
        same = [k for k, own in enumerate(specification.units) if own == d]
        images = [
            [exchanged(found[k], *nearest_states(found[k], wanted[place], weight[place], odd)) for k in same]
            for place in same
        ]
        cost = [[_distance(image, wanted[place], weight[place]) for image in row]
                for row, place in zip(images, same, strict=True)]  # fmt: skip
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            units[same[row]] = images[row][column]
    return specification.join(params[: specification.n_linear], units)


def _distance(unit: UnitWeights, target: UnitWeights, weight: UnitWeights) -> float:
    return float(sum(np.sum(w * (a - b) ** 2) for a, b, w in zip(unit, target, weight, strict=True)))


def nearest_states(
    unit: UnitWeights, target: UnitWeights, weight: UnitWeights, odd: bool
) -> tuple[np.ndarray, np.ndarray]:
    """
    Order and signs of the states of a unit that bring it near to another one.

    Parameters
    ----------
    unit, target : UnitWeights
        Weights of the unit and of the one to be near to.
    weight : UnitWeights
        Weights of squared differences.
    odd : bool
        Whether states may change sign.

    Returns
    -------
    order, sign : ndarray, (d,)
        See :func:`exchanged`.
    """
    own, aim, scales = (np.column_stack([np.diag(part.W), part.U, part.b, part.v]) for part in (unit, target, weight))

    def table(sign: float) -> np.ndarray:
        flip = np.array([1.0] + [sign] * (own.shape[1] - 1))
        return np.sum(scales[:, None] * (aim[:, None] - flip * own[None]) ** 2, axis=2)

    plain = table(1.0)
    flipped = table(-1.0) if odd else np.full_like(plain, np.inf)
    order = linear_sum_assignment(np.minimum(plain, flipped))[1]
    places = np.arange(len(order))
    return order, np.where(flipped[places, order] < plain[places, order], -1.0, 1.0)


# largest slope of each activation
_STEEPEST = {"tanh": 1.0, "relu": 1.0, "logistic": 0.25, "identity": 1.0}


def n_expansive(specification: Specification, params: np.ndarray) -> np.ndarray:
    """
    Count the units whose recurrence can expand: spectral radius of W times the steepest slope above one.

    Such a unit can latch into one of several states. One that has never left its state in the sample may do so after
    it, and no curvature at the optimum tells.

    Parameters
    ----------
    specification : Specification
        The model.
    params : ndarray, (S, P)
        Parameter vectors on any scale; recurrent weights have no unit.

    Returns
    -------
    ndarray of int, (S,)
        Count for each vector.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import n_expansive
    >>> from pararnn_ts.specification import Specification
    >>> n_expansive(Specification("y", (1,), (), (1,), "tanh"), np.array([[0.5, 1, 0, 1], [1.5, 1, 0, 1]]))
    array([0, 1])
    """
    count = np.zeros(len(params), dtype=int)
    for d, part in zip(specification.units, specification.unit_slices, strict=True):
        recurrent = params[:, part.start : part.start + d * d].reshape(-1, d, d)
        recurrent = np.where(np.isfinite(recurrent), recurrent, 0.0)
        count += _radius(recurrent) * _STEEPEST[specification.activation] > 1.0
    return count


def _radius(matrices: np.ndarray) -> np.ndarray:
    """Spectral radius of each of a stack of matrices."""
    d = matrices.shape[-1]
    if d != 2:
        return np.max(np.abs(np.linalg.eigvals(matrices) if d > 1 else matrices[:, 0]), axis=-1)
    size = np.abs(matrices).max(axis=(1, 2), initial=1e-300)
    (a, b), (c, d) = np.moveaxis(matrices / size[:, None, None], 0, -1)
    # the roots of x^2 - 2 half x + determinant
    half, determinant = 0.5 * (a + d), a * d - b * c
    square = half * half - determinant
    return size * np.where(square < 0.0, np.sqrt(np.abs(determinant)), np.abs(half) + np.sqrt(np.abs(square)))


def log_symmetry(specification: Specification, alive: Sequence[bool] | None = None) -> float:
    """
    Log of the number of parameter vectors that describe the same model.

    The Laplace approximation sees one of them; the evidence is that many times larger. Units of dimension d can change
    places, and within a unit the states can, each with either sign where the activation is odd.

    Parameters
    ----------
    specification : Specification
        The model.
    alive : sequence of bool, optional
        Which units contribute anything; all when not given. The mirror images of a unit at zero are one and the same.

    Returns
    -------
    float
        Log of the count.

    Examples
    --------
    >>> from pararnn_ts.estimation.identification import log_symmetry
    >>> from pararnn_ts.specification import Specification
    >>> round(log_symmetry(Specification("y", (1,), (), (2,), "tanh")), 4)  # log 8
    2.0794
    """
    total = 0.0
    units = [d for k, d in enumerate(specification.units) if alive is None or alive[k]]
    for d in set(units):
        count = units.count(d)
        total += float(np.sum(np.log(np.arange(1, count + 1))))
        own = float(np.sum(np.log(np.arange(1, d + 1))))
        total += count * (own + (d * float(np.log(2.0)) if specification.activation in ODD else 0.0))
    return total


def distinct_units(
    specification: Specification, params: np.ndarray, products: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """
    Tell which units have mirror images that are modes of their own.

    A unit and its mirror image are connected by the models in which it has shrunk to nothing. The two are distinct
    modes of the posterior if these models are improbable, which they are not where the linear path can take over what
    the unit does, or another unit can: then Laplace's approximation at one of them has counted the other, too.

    Parameters
    ----------
    specification : Specification
        The model.
    params : ndarray, (S, P)
        Standardised parameters of each series.
    products : ndarray, (S, P + 1, P + 1)
        Products M'M of M = [Jacobian, residual].
    precision : ndarray, (S,)
        One over the variance of the shocks.

    Returns
    -------
    ndarray of bool, (S, K)
        Units that explain a nat or more that neither the linear path nor larger distinct units can take over.

    Examples
    --------
    A unit whose only column is half that of the linear path:

    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import distinct_units
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (1,), (1,), "tanh")
    >>> columns = np.zeros((4, spec.n_params + 1))
    >>> columns[:, 0], columns[:, -2] = [2.0, 2, 2, 2], [1.0, 1, 1, 1]
    >>> distinct_units(spec, np.ones((1, spec.n_params)), (columns.T @ columns)[None], np.array([10.0]))
    array([[False]])
    """
    n, count = specification.n_linear, len(specification.units)
    # one column for each coefficient of the linear path and for each component
    columns = np.zeros((len(params), products.shape[1], n + count))
    columns[:, range(n), range(n)] = 1.0
    for k, (d, part) in enumerate(zip(specification.units, specification.unit_slices, strict=True)):
        output = slice(part.stop - d, part.stop)
        columns[:, output, n + k] = params[:, output]
    left = columns.swapaxes(1, 2) @ products @ columns
    whole = left[:, range(n + count), range(n + count)].copy()
    series = np.arange(len(params))

    def without(place: np.ndarray, taken: np.ndarray) -> None:
        """Leave the part of all columns that is at right angles to one of them, where it is taken."""
        pivot, column = left[series, place, place], left[series, place]
        taken = taken & (pivot > ROUNDING * whole[series, place])
        share = np.where(taken, 1.0 / np.where(taken, pivot, 1.0), 0.0)
        np.subtract(left, share[:, None, None] * column[:, :, None] * column[:, None, :], out=left)

    for j in range(n):
        without(np.full(len(params), j), np.ones(len(params), dtype=bool))
    distinct = np.zeros((len(params), count), dtype=bool)
    for place in np.argsort(-whole[:, n:], axis=1, kind="stable").T:
        own = left[series, n + place, n + place]
        large = (0.5 * precision * own > LEAST_NATS) & (own > ROUNDING * whole[series, n + place])
        distinct[series, place] = large
        without(n + place, large)
    return distinct
