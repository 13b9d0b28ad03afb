"""The linear map between the data's units and the standardised scale on which models are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pararnn_ts.specification import GROUPS, SeriesLayout

__all__ = [
    "STRETCH",
    "Scaling",
    "jacobians",
    "largest",
    "mean_square",
    "prior_mean",
    "standardise",
    "standardise_many",
]

# rows that are looked at together
STRETCH = 65_536


@dataclass(frozen=True)
class Scaling:
    """
    Locations and scales of target and inputs, and what they do to parameters.

    What is estimated are differences from the prior means, on the standardised scale.

    Parameters
    ----------
    center, scale : ndarray, (1 + n_inputs,)
        Of the target and of each input of the units.
    deterministic_scale : ndarray, (k,)
        Scale of each deterministic column.
    constant : ndarray, (k,)
        Weights w with D w = 1, by which locations are moved into the deterministic terms; zero when there are none.
    prior_mean : ndarray, (P,)
        From :func:`prior_mean`.
    """

    specification: SeriesLayout
    center: np.ndarray
    scale: np.ndarray
    deterministic_scale: np.ndarray
    constant: np.ndarray
    prior_mean: np.ndarray

    @cached_property
    def _jacobian(self) -> np.ndarray:
        return jacobians(self.specification, [self])[0]

    def jacobian(self) -> np.ndarray:
        """Matrix A of the map ``data = A standardised + shift``."""
        return self._jacobian.copy()

    def inverse(self) -> np.ndarray:
        """Inverse of :meth:`jacobian`, from its form: a diagonal plus a part N whose square is zero."""
        size = 1.0 / np.diag(self._jacobian)
        inverse = -size[:, None] * self._jacobian * size
        np.fill_diagonal(inverse, size)
        return inverse

    def location(self) -> np.ndarray:
        """What the location of the series adds to the parameters in the data's units."""
        location = np.zeros(self.specification.n_params)
        location[: self.specification.n_deterministic] = self.constant * self.center[0]
        return location

    def shift(self) -> np.ndarray:
        """Constant part of the map."""
        return self._jacobian @ self.prior_mean + self.location()

    def to_data(self, params: np.ndarray) -> np.ndarray:
        """Parameters in the data's units, of one vector or of rows of them."""
        return (params + self.prior_mean) @ self._jacobian.T + self.location()

    def to_standard(self, params: np.ndarray) -> np.ndarray:
        """Parameters on the standardised scale, of one vector or of rows of them."""
        return (params - self.shift()) @ self.inverse().T


def jacobians(specification: SeriesLayout, scalings: Sequence[Scaling]) -> np.ndarray:
    """
    Matrices of the maps from the standardised scale to the data's units, of several series of one model.

    Parameters
    ----------
    specification : SeriesLayout
        The model.
    scalings : sequence of Scaling
        Locations and scales of each series.

    Returns
    -------
    ndarray, (S, P, P)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.scaling import jacobians, standardise
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (), (1,), (), "tanh", ("const",))
    >>> y = np.array([1.0, 3.0, 1.0, 3.0])
    >>> jacobians(spec, [standardise(spec, y, np.zeros((4, 0)), np.ones((4, 1)), np.ones(1))])
    array([[[ 1., -2.],
            [ 0.,  1.]]])
    """
    center, scale, size, constant = (
        np.array([getattr(scaling, name) for scaling in scalings])
        for name in ("center", "scale", "deterministic_scale", "constant")
    )
    k, m, n = specification.n_deterministic, specification.n_inputs, specification.n_params
    lags, fed = len(specification.linear_lags), len(specification.lags)
    target = scale[:, 0]
    a = np.zeros((len(scalings), n, n))
    a[:, range(n), range(n)] = 1.0
    for i in range(k):
        a[:, i, i] = target / size[:, i]
    for j in range(lags + len(specification.exog_names)):
        # lags have the location and scale of the series, exogenous values their own
        at, rank = (0, specification.linear_lag_ranks[j]) if j < lags else (1 + fed + j - lags, 1.0)
        own = scale[:, at] * rank
        a[:, k + j, k + j] = target / own
        a[:, :k, k + j] = -constant * (center[:, at] * target / own)[:, None]
    for u, b in specification.input_blocks:
        a[:, range(u, u + m), range(u, u + m)] = 1.0 / scale[:, 1:]
        if b is not None:
            a[:, b, u : u + m] = -center[:, 1:] / scale[:, 1:]
    outputs = np.flatnonzero(specification.groups == GROUPS["output"])
    a[:, outputs, outputs] = target[:, None]
    return a


def _stretches(column: np.ndarray, seen: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of a column where `seen` holds, so that what is computed from a long one takes no room of its length."""
    for start in range(0, len(column), STRETCH):
        part = slice(start, start + STRETCH)
        yield column[part][seen[part]]


def largest(column: np.ndarray) -> float:
    """
    Largest absolute value of a column, missing ones left out; zero where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.scaling import largest
    >>> largest(np.array([1.0, np.nan, -3.0]))
    3.0
    """
    return max((float(np.abs(part).max(initial=0.0)) for part in _stretches(column, np.isfinite(column))), default=0.0)


def mean_square(column: np.ndarray, center: float, seen: np.ndarray) -> float:
    """
    Mean squared distance from a point, in stretches: no copy of a long column; zero where nothing is seen.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.scaling import mean_square
    >>> mean_square(np.array([1.0, np.nan, 3.0]), 2.0, np.array([True, False, True]))
    1.0
    """
    total, count = 0.0, 0
    for part in _stretches(column, seen):
        distance = part - center
        total += float(distance @ distance)
        count += len(distance)
    return total / count if count else 0.0


def prior_mean(specification: SeriesLayout, target: np.ndarray, variance: float) -> np.ndarray:
    """
    Prior means of the parameters on the standardised scale: those of a random walk, or zero.

    Where differences vary less than the series itself, the weight of the first direct lag has mean one (Litterman 1986,
    "Forecasting with Bayesian vector autoregressions", Journal of Business & Economic Statistics 4). Shrunk towards
    zero, forecasts of a short persistent series would be drawn to its mean.

    Parameters
    ----------
    specification : SeriesLayout
        The model.
    target : ndarray, (n,)
        The series after differencing, NaN where missing.
    variance : float
        Its variance.

    Returns
    -------
    ndarray, (P,)

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.scaling import prior_mean
    >>> from pararnn_ts.specification import Specification
    >>> specification = Specification("y", (), (1,), (), "tanh")
    >>> prior_mean(specification, np.arange(4.0), 1.25), prior_mean(specification, np.array([1.0, -1, 1, -1]), 1.0)
    (array([1.]), array([0.]))
    """
    mean = np.zeros(specification.n_params)
    if specification.linear_lags[:1] == (1,):
        total, count = 0.0, 0
        # in stretches: no copy of a long series
        for start in range(0, len(target) - 1, STRETCH):
            change = np.diff(target[start : start + STRETCH + 1])
            change = change[np.isfinite(change)]
            total += float(change @ change)
            count += len(change)
        if count and total < count * variance:
            mean[specification.n_deterministic] = 1.0
    return mean


def standardise(
    specification: SeriesLayout,
    target: np.ndarray,
    exog: np.ndarray,
    deterministic: np.ndarray,
    constant: np.ndarray | None,
    persistent: bool = False,
) -> Scaling:
    """
    Choose locations and scales from a sample.

    Parameters
    ----------
    specification : SeriesLayout
        The model.
    target : ndarray, (n,)
        The series after differencing, NaN where missing.
    exog, deterministic : ndarray, (n, e) and (n, k)
        Exogenous values and deterministic terms.
    constant : ndarray, (k,), or None
        Weights w with D w = 1 if the deterministic terms contain a constant; without one nothing is centred, because
        the model could not move the locations back.
    persistent : bool
        Whether a persistent series has the prior means of a random walk; see :func:`prior_mean`.

    Returns
    -------
    Scaling
        The map.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.estimation.scaling import standardise
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (1,), (1,), (), "tanh", ("const",))
    >>> scaling = standardise(spec, np.array([1.0, 5.0, 1.0, 5.0]), np.zeros((4, 0)), np.ones((4, 1)), np.ones(1))
    >>> scaling.center, scaling.scale
    (array([3., 3.]), array([2., 2.]))
    """
    centred = constant is not None

    def location_and_scale(column: np.ndarray) -> tuple[float, float]:
        seen = np.isfinite(column)
        count = int(np.count_nonzero(seen))
        center = sum(float(part.sum()) for part in _stretches(column, seen)) / count if centred and count else 0.0
        spread = float(np.sqrt(mean_square(column, center, seen)))
        # a column that does not vary stays as it is rather than being divided by rounding error
        level = largest(column)
        return center, spread if spread > 1e-13 * level and spread > 0.0 else max(level, 1.0)

    own = location_and_scale(target)
    pairs = [own] + [own] * len(specification.lags) + [location_and_scale(column) for column in exog.T]
    center, scale = np.array(pairs).T
    size = np.array([largest(column) for column in deterministic.T])
    return Scaling(
        specification=specification,
        center=center.copy(),
        scale=scale.copy(),
        deterministic_scale=np.where(size > 0.0, size, 1.0),
        constant=np.zeros(specification.n_deterministic) if constant is None else np.asarray(constant, float),
        prior_mean=prior_mean(specification, target, own[1] ** 2) if persistent else np.zeros(specification.n_params),
    )


def standardise_many(
    specification: SeriesLayout,
    target: np.ndarray,
    exog: np.ndarray,
    deterministic: np.ndarray,
    constant: np.ndarray | None,
    persistent: bool = False,
) -> list[Scaling]:
    """
    Choose locations and scales of several samples of up to `STRETCH` rows, none of them missing.

    They are those of :func:`standardise` to the bit.

    Parameters
    ----------
    specification : SeriesLayout
        The model.
    target : ndarray, (S, n)
        The series after differencing, rows lost to it left out.
    exog, deterministic : ndarray, (S, N, e) and (S, N, k)
        Exogenous values and deterministic terms.
    constant : ndarray, (k,), or None
    persistent : bool
        As for :func:`standardise`.

    Returns
    -------
    list of Scaling
        One for each series.
    """
    count, centred = len(target), constant is not None

    def locations_and_scales(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = columns.shape[1]
        center = columns.sum(axis=1) / n if centred and n else np.zeros(count)
        distance = columns - center[:, None]
        spread = np.sqrt([row @ row / max(n, 1) for row in distance])
        level = np.abs(columns).max(axis=1, initial=0.0)
        return center, np.where((spread > 1e-13 * level) & (spread > 0.0), spread, np.maximum(level, 1.0))

    own = locations_and_scales(target)
    pairs = [own] * (1 + len(specification.lags)) + [locations_and_scales(x) for x in np.moveaxis(exog, 2, 0)]
    center, scale = (np.column_stack(part) for part in zip(*pairs, strict=True))
    size = np.abs(deterministic).max(axis=1, initial=0.0)
    size = np.where(size > 0.0, size, 1.0)
    weights = np.zeros(specification.n_deterministic) if constant is None else np.asarray(constant, float)
    mean = np.zeros((count, specification.n_params))
    if persistent:
        mean[:] = [prior_mean(specification, row, spread**2) for row, spread in zip(target, own[1], strict=True)]
    return [Scaling(specification, center[s], scale[s], size[s], weights, mean[s]) for s in range(count)]
