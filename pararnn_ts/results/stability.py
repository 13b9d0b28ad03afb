r"""
Where a fitted model goes when it is left to itself: roots of its linear path, linearisation, Lyapunov exponents.

With the observations replaced by its own predictions (plus shocks), the model is a dynamical system in the last values
of the series and the states of the units, the *closed loop*. Along a path it moves small disturbances by

.. math:: dh_{k,t} = \mathrm{diag}(act'(z_{k,t})) (W_k dh_{k,t-1} + U_k dx_t), \quad
          dy_t = a' dl_t + \sum_k v_k' dh_{k,t}.

The largest Lyapunov exponent is the average growth rate of the logarithm of their size.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_generator
from pararnn_ts.results.prediction import is_explosive
from pararnn_ts.results.responses import slopes
from pararnn_ts.results.trajectory import At, continue_path, rows_from, run_model, standpoint
from pararnn_ts.results.uncertainty import covariance_root
from pararnn_ts.specification import Specification

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["HORIZON", "Stability", "largest_linear_root", "leaves_the_data", "lyapunov_growth", "stability"]

# steps without shocks after which a path that is still near the data is taken to be stable
HORIZON = 200
# length of the path without shocks, whose second half is taken to be where it has settled
SKELETON_STEPS = 2000
# a path stands still, or repeats itself, when it moves by less than this share of the range of the data
STILL = 1e-6
LONGEST_CYCLE = 400
# a rate of growth below which a path without shocks is not called sensitive
SENSITIVE = 0.005
# a verdict is given when less than this share of the parameter draws speaks against it
UNLIKELY = 0.025
BOUNDED = ("tanh", "logistic")
# characters in a line of the summary
WIDTH = 79


@dataclass(frozen=True)
class Stability:
    """
    Stability of a fitted model in closed loop.

    Parameters
    ----------
    linear_root : float
        Modulus of the largest inverse root of the linear path's autoregressive polynomial, zero without direct lags.
    closed_loop_root : float
        Modulus of the largest eigenvalue of the closed loop, linearised where it comes to rest without shocks, or, if
        it does not, with slopes averaged over the sample.
    lyapunov_skeleton : float
        Largest Lyapunov exponent of the path without shocks from the end of the sample, per step.
    lyapunov, lyapunov_se : float
        Largest Lyapunov exponent of paths with shocks, per step, and its standard error, which takes in simulation and
        the uncertainty of the parameters (where their covariance is known). Minus infinity where disturbances vanish,
        as in a model without lags.
    sensitive_share : float
        Share of the paths with a positive exponent, when each has parameters of its own, drawn from their distribution.
    explosive_share : float
        Share of the simulated paths that leave the range of the observations.
    explosive : bool
        Whether the path without shocks leaves it within 200 steps.
    bounded : bool or None
        Whether no path can leave it for good, whatever the shocks: true when units are bounded and `linear_root` is
        below one; None where nothing is known.
    attractor : str
        Where the path without shocks settles.
    verdict : str
        All this in one or two sentences.
    n_paths : int
        Number of simulated paths, each as long as the sample.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> found = prt.ParaRNN(prt.datasets.load_nile(), units=()).fit().stability()
    >>> found.bounded, found.explosive, found.attractor.split(" at ")[0]
    (True, False, 'comes to rest')
    """

    linear_root: float
    closed_loop_root: float
    lyapunov_skeleton: float
    lyapunov: float
    lyapunov_se: float
    sensitive_share: float
    explosive_share: float
    explosive: bool
    bounded: bool | None
    attractor: str
    verdict: str
    n_paths: int

    def summary(self) -> str:
        """
        Return the numbers, one in each line, and the verdict.

        Returns
        -------
        str
            Text of at most 79 characters a line.
        """
        rows = [
            ("largest root of the linear path", f"{self.linear_root:.4f}"),
            ("largest root of the linearised closed loop", f"{self.closed_loop_root:.4f}"),
            ("Lyapunov exponent without shocks", f"{self.lyapunov_skeleton:.4f}"),
            ("Lyapunov exponent with shocks (std err)", f"{self.lyapunov:.4f} ({self.lyapunov_se:.4f})"),
            ("paths with a positive exponent", f"{100 * self.sensitive_share:.0f} %"),
            ("simulated paths that leave the data", f"{100 * self.explosive_share:.0f} % of {self.n_paths}"),
            ("the path without shocks", self.attractor),
        ]
        lines = [f"{name:<44}{value}" for name, value in rows]
        return "\n".join([*lines, *textwrap.wrap(self.verdict, WIDTH)])

    def __str__(self) -> str:
        return self.summary()


def stability(results: RecurrentResults, n_paths: int = 100, rng: Any = 0) -> Stability:
    """
    Say whether the fitted model is stable when it runs on its own predictions.

    Parameters
    ----------
    n_paths : int
        Number of paths with shocks to simulate.
    rng : None, int or Generator
        Source of the shocks.

    Returns
    -------
    Stability
        Roots, Lyapunov exponents and a verdict.

    Notes
    -----
    With differencing, all numbers are those of the differenced series; the levels have their unit roots besides. Paths
    with shocks begin at the start of the sample and have its deterministic terms and exogenous values; the first third
    of each only lets the disturbance turn into the direction that grows fastest. The path without shocks begins at the
    end of the sample; exogenous values stay as they were in the last row.

    A positive exponent says that paths which begin next to each other part: forecasts lose their information at that
    rate, though the series may stay bounded. With bounded units and a linear path whose roots are below one, the model
    is a stable linear one with a bounded input, so that no path can explode.

    References
    ----------
    .. [1] Eckmann, J.-P., and D. Ruelle. "Ergodic theory of chaos and strange attractors." Reviews of Modern Physics 57
       (1985): 617-656.
    .. [2] McCaffrey, D. F., S. Ellner, A. R. Gallant and D. W. Nychka. "Estimating the Lyapunov exponent of a chaotic
       system with nonparametric regression." Journal of the American Statistical Association 87 (1992): 682-695.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4, rng=0)
    >>> found = res.stability()
    >>> found.explosive, found.lyapunov < 0
    (False, True)
    """
    spec = results.model.specification
    if not isinstance(spec, Specification):
        raise TypeError(
            f"stability belongs to models with recurrent units (ParaRNN, ElmanRNN), not to "
            f"{type(results.model).__name__}; look at results.impulse_responses instead."
        )
    n_paths = check_count(n_paths, "n_paths", 2, MOST_DRAWS)
    results.require_data()
    params = np.asarray(results.params, dtype=float)
    skeleton, states = _skeleton(results)
    rest = _settled(results, skeleton)
    half = len(skeleton) // 2
    without = _rate(lyapunov_growth(spec, params[None], states[None])[:, half:])[0]

    generator = check_generator(rng)
    shocks = generator.choice(results.shocks, size=(int(n_paths), len(results.model._y) - results.first_row))
    rates, wild = _simulated_rates(results, np.tile(params, (int(n_paths), 1)), shocks)
    exponent, variance, share = _over_paths(rates)
    from_params = 0.0
    draws = _parameter_draws(results, int(n_paths), generator)
    if draws is not None and np.isfinite(variance):
        others, _ = _simulated_rates(results, draws, shocks)
        _, wider, own = _over_paths(others)
        # what the spread over paths with parameters of their own has beyond that over paths alone
        from_params = max(wider - variance, 0.0) if np.isfinite(wider) else 0.0
        share = share if np.isnan(own) else own
    explosive = leaves_the_data(results)
    linear = largest_linear_root(spec, params)
    found = Stability(
        linear_root=linear,
        closed_loop_root=_closed_loop_root(results, states[-1] if rest.kind == "rest" else None),
        lyapunov_skeleton=float(without),
        lyapunov=exponent,
        lyapunov_se=float(np.sqrt(variance / max(np.isfinite(rates).sum(), 1) + from_params)),
        sensitive_share=share,
        explosive_share=float(wild.mean()),
        explosive=explosive,
        bounded=_bounded(spec, linear),
        attractor="leaves the range of the observations" if explosive else rest.words(float(without)),
        verdict="",
        n_paths=int(n_paths),
    )
    return replace(found, verdict=_verdict(found))


def leaves_the_data(results: RecurrentResults) -> bool:
    """Whether the path without shocks from the end of the sample leaves the range of the data within 200 steps."""
    tail = results.tail
    steps = HORIZON + results.model.nobs - tail.standpoint.row
    future = np.repeat(tail.last_exog, steps, axis=0)
    return bool(is_explosive(continue_path(results, tail.standpoint, steps, future), tail.low, tail.high)[0])


def largest_linear_root(specification: Specification, params: np.ndarray) -> float:
    """
    Modulus of the largest inverse root of the linear path's autoregressive polynomial.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.stability import largest_linear_root
    >>> from pararnn_ts.specification import Specification
    >>> round(largest_linear_root(Specification("y", (), (2,), (), "tanh"), np.array([0.81])), 12)
    0.9
    """
    lags, k = specification.linear_lags, specification.n_deterministic
    if not lags:
        return 0.0
    polynomial = np.zeros(lags[-1] + 1)
    polynomial[0] = 1.0
    polynomial[list(lags)] = -params[k : k + len(lags)]
    if not np.isfinite(polynomial).all():
        return float("nan")
    return float(np.abs(np.roots(polynomial)).max(initial=0.0))


def lyapunov_growth(specification: Specification, params: np.ndarray, states: np.ndarray) -> np.ndarray:
    """
    Logarithms of the growth of a disturbance at each step along paths.

    Parameters
    ----------
    specification : Specification
        The model.
    params : ndarray, (R, P)
        Parameters of each path.
    states : ndarray, (R, n, sum of unit dimensions)
        States of the units along the paths.

    Returns
    -------
    ndarray, (R, n)
        Growth of the norm of the disturbance of the last values of the series and of the states.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.results.stability import lyapunov_growth
    >>> from pararnn_ts.specification import Specification
    >>> spec = Specification("y", (), (1,), (), "tanh")
    >>> np.exp(lyapunov_growth(spec, np.array([[0.5]]), np.empty((1, 3, 0))))
    array([[0.5, 0.5, 0.5]])
    """
    spec = specification
    count, n, n_states = states.shape
    k, reach = spec.n_deterministic, max([1, *spec.lags, *spec.linear_lags])
    units = [spec.unit_weights(row) for row in params]
    n_lags, last = len(spec.lags), np.cumsum(spec.units)
    # all units of a path side by side; exogenous inputs do not move
    recurrent = np.zeros((count, n_states, n_states))
    inputs, output = np.zeros((count, n_states, n_lags)), np.zeros((count, n_states))
    for path, weights in enumerate(units):
        for end, unit in zip(last, weights, strict=True):
            part = slice(end - len(unit.v), end)
            recurrent[path, part, part], inputs[path, part] = unit.W, unit.U[:, :n_lags]
            output[path, part] = unit.v
    direct = params[:, k : k + len(spec.linear_lags)]
    slope = slopes(spec.activation, states)
    lags, linear_lags = reach - np.array(spec.lags, int), reach - np.array(spec.linear_lags, int)
    moved = np.zeros((count, reach + n))
    moved[:, :reach] = 1.0 / np.sqrt(reach + n_states)
    dh = np.full((count, n_states), 1.0 / np.sqrt(reach + n_states))
    growth = np.empty((count, n))
    for t in range(n):
        pushed = np.einsum("rij,rj->ri", recurrent, dh) + np.einsum("rij,rj->ri", inputs, moved[:, t + lags])
        dh = slope[:, t] * pushed
        moved[:, reach + t] = np.sum(direct * moved[:, t + linear_lags], axis=1) + np.sum(output * dh, axis=1)
        window = moved[:, t + 1 : t + 1 + reach]
        size = np.sqrt(np.sum(window**2, axis=1) + np.sum(dh**2, axis=1))
        with np.errstate(divide="ignore"):
            growth[:, t] = np.log(size)
        size = np.where(size > 0.0, size, 1.0)
        window /= size[:, None]
        dh = dh / size[:, None]
    return growth


def _rate(growth: np.ndarray) -> np.ndarray:
    """Average growth; minus infinity where a disturbance has vanished, NaN where it has become too large."""
    with np.errstate(invalid="ignore"):
        return growth.mean(axis=1)


def _over_paths(rates: np.ndarray) -> tuple[float, float, float]:
    """
    Mean and variance of exponents, and the share of them that is positive; NaN, of paths that explode, left out.

    A path on which disturbances vanish has no finite exponent. It counts in the share, and in the mean if all are so.
    """
    known = rates[~np.isnan(rates)]
    finite = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan"), float("nan")
    mean = float(finite.mean()) if len(finite) else float("-inf")
    variance = float(finite.var(ddof=1)) if len(finite) > 1 else float("nan")
    return mean, variance, float(np.mean(known > 0.0))


def _simulated_rates(
    results: RecurrentResults, params: np.ndarray, shocks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lyapunov exponents of paths with shocks, NaN for those that explode, and which do."""
    first = results.first_row
    paths = continue_path(results, standpoint(results, first), shocks.shape[1], shocks=shocks, params=params)
    wild = is_explosive(paths, results.tail.low, results.tail.high)
    rates = np.full(len(paths), np.nan)
    if wild.all():
        return rates, wild
    states = []
    for path, own in zip(paths[~wild], params[~wild], strict=True):
        y = np.array(results.path.filled)
        y[first:] = path
        states.append(run_model(At(results.model, results.past, own), y).states[first:])
    growth = lyapunov_growth(results.model.specification, params[~wild], np.array(states))
    rates[~wild] = _rate(growth[:, growth.shape[1] // 3 :])
    return rates, wild


def _parameter_draws(results: RecurrentResults, count: int, rng: np.random.Generator) -> np.ndarray | None:
    if not np.isfinite(results.cov_params_default).all():
        return None
    root = covariance_root(results)
    return np.asarray(results.params) + rng.standard_normal((count, root.shape[1])) @ root.T


def _skeleton(results: RecurrentResults) -> tuple[np.ndarray, np.ndarray]:
    """Path without shocks from the end of the sample, and its states."""
    start, model = results.tail.standpoint, results.model
    future = np.repeat(results.tail.last_exog, SKELETON_STEPS, axis=0)
    x, det = rows_from(results, start, SKELETON_STEPS, future)
    reach = len(start.levels)
    levels = np.concatenate([start.levels, np.full(SKELETON_STEPS, np.nan)])
    with np.errstate(all="ignore"):
        path = model.path(results.params, levels, x, det, state=start.state)
    return path.filled[reach:], path.states[reach:]


class _Attractor(NamedTuple):
    kind: str
    period: int = 0
    level: float = 0.0

    def words(self, exponent: float) -> str:
        """What the path without shocks does in the end."""
        if self.kind == "rest":
            return f"comes to rest at {self.level:.5g}"
        if self.kind == "cycle":
            return f"repeats itself every {self.period} steps"
        if self.kind == "moving":
            return "moves with its deterministic terms"
        if abs(exponent) <= SENSITIVE:
            return "circles without ever repeating itself"
        return "never repeats itself" + (", and is sensitive to where it begins" if exponent > 0.0 else "")


def _settled(results: RecurrentResults, skeleton: np.ndarray) -> _Attractor:
    """Where the path without shocks ends up."""
    tail, end = results.tail, skeleton[len(skeleton) // 2 :]
    spread = (tail.high - tail.low) or 1.0
    if not np.isfinite(end).all():
        return _Attractor("none")
    if np.ptp(end) <= STILL * spread:
        return _Attractor("rest", level=float(end[-1]) if abs(end[-1]) > STILL * spread else 0.0)
    shown = end[len(end) // 2 :]
    for period in range(2, min(LONGEST_CYCLE, len(shown) // 2) + 1):
        if np.abs(shown[period:] - shown[:-period]).max() <= STILL * spread:
            return _Attractor("cycle", period=period)
    det = results.model.future_deterministic(len(skeleton))
    constant = det.shape[1] == 0 or bool(np.all(np.ptp(det, axis=0) == 0.0))
    drifting = results.model.specification.order_of_difference > 0
    return _Attractor("none" if constant and not drifting else "moving")


def _closed_loop_root(results: RecurrentResults, at_rest: np.ndarray | None) -> float:
    """Largest eigenvalue of the closed loop at given states, or with slopes averaged over the sample."""
    spec, params = results.model.specification, np.asarray(results.params)
    states = results.path.states[results.first_row :] if at_rest is None else at_rest[None]
    slope = slopes(spec.activation, states).mean(axis=0)
    reach, n_states = max([0, *spec.lags, *spec.linear_lags]), sum(spec.units)
    if reach + n_states == 0:
        return 0.0
    k = spec.n_deterministic
    matrix = np.zeros((reach + n_states, reach + n_states))
    end = 0
    for unit in spec.unit_weights(params):
        begin, end = end, end + len(unit.v)
        rows = slice(reach + begin, reach + end)
        matrix[rows, rows] = slope[begin:end, None] * unit.W
        for column, lag in enumerate(spec.lags):
            matrix[rows, lag - 1] += slope[begin:end] * unit.U[:, column]
        if reach:
            matrix[0] += unit.v @ matrix[rows]
    for coefficient, lag in zip(params[k : k + len(spec.linear_lags)], spec.linear_lags, strict=True):
        matrix[0, lag - 1] += coefficient
    for row in range(1, reach):
        matrix[row, row - 1] = 1.0
    return float(np.abs(np.linalg.eigvals(matrix)).max()) if np.isfinite(matrix).all() else float("nan")


def _bounded(spec: Specification, linear_root: float) -> bool | None:
    if spec.activation in BOUNDED or not spec.units:
        return bool(linear_root < 1.0)
    return None


def _verdict(found: Stability) -> str:
    if found.explosive:
        return "Explosive: without shocks the path leaves the range of the data; do not trust forecasts far ahead."
    sentences = []
    if found.sensitive_share >= 1.0 - UNLIKELY:
        sentences.append("Sensitive: small disturbances grow on average; forecasts lose their information fast.")
    elif found.sensitive_share <= UNLIKELY:
        factor = np.exp(found.lyapunov)
        sentences.append(f"Stable: small disturbances shrink by a factor of {factor:.3f} a step on average.")
    elif np.isfinite(found.sensitive_share):
        sentences.append("At the edge: whether small disturbances grow or shrink cannot be told from the data.")
    if found.bounded:
        sentences.append("No path can explode: the units are bounded, and the linear path is stable.")
    elif found.bounded is False:
        sentences.append(
            f"The linear path has a root of {found.linear_root:.3f}: far from the data, where units saturate, paths "
            "explode."
        )
    if found.explosive_share > 0:
        sentences.append(f"{100 * found.explosive_share:.0f} % of the paths with shocks leave the range of the data.")
    return " ".join(sentences)
