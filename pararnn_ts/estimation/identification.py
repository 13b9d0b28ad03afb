"""One representative for each set of parameters that describe the same model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from pararnn_ts.kernels.identification import distinct_components, representatives
from pararnn_ts.specification import Specification, UnitWeights

__all__ = [
    "ODD",
    "canonical_form",
    "canonical_order",
    "distinct_units",
    "exchanged",
    "log_symmetry",
    "log_unit_information",
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
    """
    Weights of a unit whose states have changed places and signs.

    Parameters
    ----------
    unit : UnitWeights
        The unit.
    order : ndarray of int, (d,)
        The state that takes each place.
    sign : ndarray, (d,)
        Sign that each of them gets, 1 or -1.

    Returns
    -------
    UnitWeights

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import exchanged
    >>> from pararnn_ts.specification import UnitWeights
    >>> unit = UnitWeights(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 1)), np.zeros(2), np.array([5.0, -6.0]))
    >>> exchanged(unit, np.array([1, 0]), np.array([-1.0, 1.0])).W
    array([[ 4., -3.],
           [-2.,  1.]])
    """
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
    order, sign = np.empty(params.shape, dtype=np.int64), np.empty(params.shape)
    representatives(
        np.array(specification.units, dtype=np.int64), specification.n_linear, specification.n_inputs,
        specification.activation in ODD, params, size, order, sign,
    )  # fmt: skip
    return order, sign


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
    for d in set(specification.units):
        parts = zip(specification.units, specification.unit_slices, strict=True)
        places = np.add.outer([part.start for own, part in parts if own == d], np.arange(d * d))
        recurrent = _STEEPEST[specification.activation] * params[:, places]
        recurrent[~np.isfinite(recurrent)] = 0.0
        count += np.count_nonzero(_can_expand(recurrent.reshape(len(params), -1, d, d)), axis=1)
    return count


def _can_expand(matrices: np.ndarray) -> np.ndarray:
    """Whether the spectral radius of each of a stack of matrices is above one."""
    d = matrices.shape[-1]
    if d == 1:
        return np.abs(matrices[..., 0, 0]) > 1.0
    if d > 2:
        return np.abs(np.linalg.eigvals(matrices)).max(axis=-1) > 1.0
    first, last = matrices[..., 0, 0], matrices[..., 1, 1]
    with np.errstate(over="ignore", invalid="ignore"):
        determinant = first * last - matrices[..., 0, 1] * matrices[..., 1, 0]
        # Jury's conditions for both roots of x^2 - trace x + determinant; what is too large to tell expands
        return ~((np.abs(determinant) <= 1.0) & (np.abs(first + last) <= 1.0 + determinant))


def log_unit_information(products: np.ndarray, group: np.ndarray, n_obs: float | np.ndarray) -> np.ndarray:
    """
    Log density of the prior of parameters without penalty, relative to that of a constant's.

    Their prior is flat. In the evidence a normal prior stands for it that tells as much about each of them as one
    observation of the standardised series would, were it noise (Kass and Wasserman 1995, "A reference Bayesian test for
    nested hypotheses and its relationship to the Schwarz criterion", Journal of the American Statistical Association
    90), so that models with different deterministic terms can be compared, however these are scaled.

    Parameters
    ----------
    products : ndarray, (..., F + 1, F + 1)
        Products of the Jacobian of the standardised predictions and of the residuals.
    group : ndarray of int, (F,)
        Prior group of each parameter, negative where it has no penalty.
    n_obs : float or ndarray, (...)
        Number of observations.

    Returns
    -------
    ndarray, (...)
        Half the sum of the logs of the mean squares of the terms; a term that is zero everywhere is not counted.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.identification import log_unit_information
    >>> products = np.diag([100.0, 25.0, 7.0])  # a constant, and a dummy of every fourth row
    >>> round(float(log_unit_information(products, np.array([-1, -1]), 100.0)), 4)  # log 0.5
    -0.6931
    """
    squares = np.diagonal(products, axis1=-2, axis2=-1)[..., :-1][..., group < 0] / np.asarray(n_obs)[..., None]
    return 0.5 * np.log(np.where(squares > 0.0, squares, 1.0)).sum(axis=-1)


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
    specification : Specification or CellSpecification
        The model: units, or one cell, whose output weights are the last of its parameters.
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
    distinct = np.empty((len(params), len(specification.units)), dtype=bool)
    ends = np.array([part.stop for part in specification.unit_slices], dtype=np.int64)
    distinct_components(
        np.array(specification.units, dtype=np.int64), ends, specification.n_linear, params, products, precision,
        LEAST_NATS, ROUNDING, distinct,
    )  # fmt: skip
    return distinct
