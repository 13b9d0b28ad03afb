r"""
The mathematics of recurrence: Jacobians of recurrent units along a path, their eigenvalues and lag responses.

Along the fitted path, unit k moves by its Jacobian :math:`D_{k,t} = \mathrm{diag}(act'(z_{k,t})) W_k`. Its *lag
response*

.. math:: R_k(j; t) = v_k' D_{k,t} D_{k,t-1} \cdots D_{k,t-j+1} \mathrm{diag}(act'(z_{k,t-j})) U_k

is what the component at time t still owes to the input j steps back; the average over t, :math:`R_k(j)`, is the unit's
recurrence function. The eigenvalues of the averaged Jacobian classify the unit: a positive real one decays (*regular*),
a negative one changes sign at every step (*alternating*), a complex pair oscillates (*cyclical*).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pararnn_ts.specification import Specification, UnitWeights

__all__ = [
    "Eigen",
    "averaged_jacobians",
    "averaged_response",
    "dominant_eigenvalue",
    "local_response",
    "memory_length",
    "slopes",
    "variance_shares",
]

# A unit whose averaged Jacobian has no eigenvalue beyond this modulus forgets an input within one step.
NO_MEMORY = 0.01
# A response has died out where it has fallen by this factor.
NEGLIGIBLE = 1e-8


class Eigen(NamedTuple):
    """The dominant eigenvalue of an averaged Jacobian and its distance from those that could take its place."""

    kind: str
    modulus: float
    angle: float
    separation: float  # squared distance from the nearest other eigenvalue: zero where pairs turn real
    lead: float  # modulus beyond that of the largest eigenvalue of another kind


def slopes(activation: str, states: np.ndarray) -> np.ndarray:
    """
    Slope of the activation at states it produced.

    Parameters
    ----------
    activation : {"tanh", "relu", "logistic", "identity"}
        Name of the activation.
    states : ndarray
        Values act(z).

    Returns
    -------
    ndarray
        act'(z), of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.responses import slopes
    >>> slopes("tanh", np.array([0.0, 0.6])).round(2)
    array([1.  , 0.64])
    """
    if activation == "tanh":
        return 1.0 - states**2
    if activation == "logistic":
        return states * (1.0 - states)
    if activation == "relu":
        return (states > 0).astype(float)
    return np.ones_like(states)


def averaged_jacobians(specification: Specification, params: np.ndarray, states: np.ndarray) -> list[np.ndarray]:
    """
    Average of each unit's Jacobian over time.

    Parameters
    ----------
    specification : Specification
        The model.
    params : ndarray, (P,)
        Its parameters.
    states : ndarray, (n, sum of unit dimensions)
        States at the rows to average over.

    Returns
    -------
    list of ndarray, (d, d)
        One matrix for each unit.
    """
    slope = slopes(specification.activation, states).mean(axis=0)
    last = np.cumsum(specification.units)
    weights = specification.unit_weights(params)
    return [slope[end - len(unit.v) : end, None] * unit.W for end, unit in zip(last, weights, strict=True)]


def averaged_response(weights: UnitWeights, slope: np.ndarray, origins: np.ndarray, max_lag: int) -> np.ndarray:
    """
    Recurrence function of one unit: its lag response averaged over time.

    Parameters
    ----------
    weights : UnitWeights
        Weights of the unit.
    slope : ndarray, (rows, d)
        Slopes of its activations, from the first row at which it has inputs.
    origins : ndarray of int
        Rows of `slope` to average over, ascending; those with fewer than j rows before them do not enter at lag j.
    max_lag : int
        Last lag; no larger than the last origin.

    Returns
    -------
    ndarray, (max_lag + 1, m)
        Response to each input 0, ..., max_lag steps back.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.responses import averaged_response
    >>> from pararnn_ts.specification import UnitWeights
    >>> unit = UnitWeights(np.array([[0.5]]), np.array([[2.0]]), np.zeros(1), np.array([0.3]))
    >>> averaged_response(unit, np.ones((10, 1)), np.arange(10), 3).T
    array([[0.6  , 0.3  , 0.15 , 0.075]])
    """
    gated = [columns.mean(axis=1) for columns in _gated(weights, slope, origins, max_lag)]
    return np.array(gated) @ weights.U


def local_response(weights: UnitWeights, slope: np.ndarray, origins: np.ndarray, max_lag: int) -> np.ndarray:
    """
    Lag response of one unit at each row, see :func:`averaged_response`.

    Returns
    -------
    ndarray, (len(origins), max_lag + 1, m)
        NaN where the sample does not reach back far enough.
    """
    response = np.full((len(origins), max_lag + 1, weights.U.shape[1]), np.nan)
    for lag, columns in enumerate(_gated(weights, slope, origins, max_lag)):
        response[len(origins) - columns.shape[1] :, lag] = columns.T @ weights.U
    return response


def variance_shares(fitted: np.ndarray, components: np.ndarray) -> np.ndarray:
    """
    Share of the variance of the fitted values that each component accounts for, cov(f_k, f) / var(f).

    Shares of components that add up to the fitted values add up to one; a component that works against the others has a
    negative share.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.responses import variance_shares
    >>> components = np.array([[0.0, 1.0], [3.0, 1.5], [6.0, 2.0]])
    >>> print(variance_shares(components.sum(axis=1), components).round(4))
    [0.8571 0.1429]
    """
    centred = fitted - fitted.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return centred @ components / (centred @ centred)


def _gated(weights: UnitWeights, slope: np.ndarray, origins: np.ndarray, max_lag: int) -> Iterator[np.ndarray]:
    """
    Yield, lag by lag, v' D_t ... D_{t-j+1} diag(act'(z_{t-j})) as columns, for the origins that reach back far enough.

    These are the last of the origins. Long rows of few states are what numpy multiplies and averages fast.
    """
    along, back = np.ascontiguousarray(slope.T), weights.W.T
    columns = np.broadcast_to(weights.v[:, None], (len(weights.v), len(origins)))
    for lag in range(max_lag + 1):
        kept = origins[np.searchsorted(origins, lag) :]
        gated = columns[:, columns.shape[1] - len(kept) :] * along[:, kept - lag]
        yield gated
        columns = back @ gated


def memory_length(weights: UnitWeights, slope: np.ndarray, origins: np.ndarray, longest: int) -> int:
    """
    Lag at which the response of one unit has died out, at most `longest`; see :func:`averaged_response`.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.responses import memory_length
    >>> from pararnn_ts.specification import UnitWeights
    >>> unit = UnitWeights(np.array([[0.2]]), np.array([[2.0]]), np.zeros(1), np.array([0.3]))
    >>> memory_length(unit, np.ones((30, 1)), np.arange(30), 20)
    12
    """
    first = 0.0
    for lag, columns in enumerate(_gated(weights, slope, origins, longest)):
        size = np.abs(columns).mean()
        first = max(first, size)
        if size <= NEGLIGIBLE * first:
            return lag
    return longest


def dominant_eigenvalue(jacobian: np.ndarray) -> Eigen:
    """
    Classify an averaged Jacobian by its eigenvalue of largest modulus.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.responses import dominant_eigenvalue
    >>> eigen = dominant_eigenvalue(np.array([[0.0, -0.9], [0.9, 0.0]]))
    >>> eigen.kind, round(eigen.modulus, 6), round(eigen.angle / np.pi, 6)
    ('cyclical', 0.9, 0.5)
    """
    if not np.isfinite(jacobian).all():
        # an explosive path across gaps leaves the range of numbers
        return Eigen("none", np.nan, np.nan, np.nan, np.nan)
    roots = np.linalg.eigvals(jacobian)
    # a conjugate pair speaks through its upper half; ties go to the positive real root
    upper = roots[roots.imag >= 0]
    upper = upper[np.lexsort((-upper.real, -np.abs(upper)))]
    root = complex(upper[0])
    others = np.delete(roots, np.flatnonzero(roots == upper[0])[0])
    kinds = np.array([_kind(complex(other)) for other in upper])
    rivals = np.abs(upper[kinds != kinds[0]])
    return Eigen(
        kind="none" if abs(root) < NO_MEMORY else str(kinds[0]),
        modulus=abs(root),
        angle=float(np.angle(root)),
        separation=float((np.abs(others - root) ** 2).min()) if len(others) else np.inf,
        lead=float(abs(root) - rivals.max()) if len(rivals) else np.inf,
    )


def _kind(root: complex) -> str:
    if root.imag != 0:
        return "cyclical"
    return "regular" if root.real >= 0 else "alternating"
