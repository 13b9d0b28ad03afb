"""Components inside the sample and beyond it, with bands for what is uncertain about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.models.arguments import MOST_DRAWS, check_alpha, check_count, check_flag, check_generator
from pararnn_ts.results.components import column_of, part_names, parts, sample_parts, unit_means
from pararnn_ts.results.intervals import SIMULATED, check_method, path_quantiles
from pararnn_ts.results.prediction import future_exog, last_observed, last_origins, require_finite, warn_explosive
from pararnn_ts.results.trajectory import (
    Standpoint,
    continue_path,
    model_exog,
    require_beginning,
    rows_from,
    standpoint,
)
from pararnn_ts.results.uncertainty import Simulation, covariance_root, simulate_bundles, spread

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["component_paths", "get_components", "parameter_errors"]

# differences along the axes of the covariance, in standard deviations, and their weights: of fourth order, because
# parameters that the data hardly determine have wide ones, over which a component bends
STEP, WEIGHTS = 2e-4, {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}
# columns of each component, as a summary frame of predictions has them
COLUMNS = ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]


def get_components(
    results: RecurrentResults,
    start: Any = None,
    end: Any = None,
    exog: Any = None,
    alpha: float = 0.05,
    index: Any = None,
    *,
    method: str = "bootstrap",
    n_sims: int = 1000,
    rng: Any = None,
    param_uncertainty: bool = True,
) -> pd.DataFrame:
    """
    Take predictions apart, inside the sample and beyond, with bands: what each part of the model contributes.

    Parameters
    ----------
    start, end, exog, index
        As in `get_prediction`.
    alpha : float
        One less the coverage of the bands, each row by itself.
    method : {"bootstrap", "gaussian", "simulated"}
        Where the shocks of simulated rows come from, as in `get_prediction`.
    n_sims : int
        Number of paths.
    rng : None, int or Generator
        Source of randomness.
    param_uncertainty : bool
        Whether the parameters are uncertain, as in `get_prediction`. Without it the components of rows that use the
        observations before them are known.

    Returns
    -------
    DataFrame
        Columns (component, "mean"), (component, "mean_se"), (component, "mean_ci_lower") and (component,
        "mean_ci_upper"); the components are those of `components`, NaN in the rows held back.

    Raises
    ------
    ValueError
        If parameters are uncertain whose covariance is not known, or the results extend others.
    DataRemoved
        If the data were removed, with which the units are centred.

    Notes
    -----
    The means add up to `predict`. Units are centred over the sample, also beyond it. With differencing the sum is in
    levels: "level" is what earlier rows carry over, which beyond the sample are forecasts, and the other components are
    parts of the differenced series.

    Rows up to the first after the last observation depend on observations and parameters alone: their bands are the
    delta method's, with the exact Jacobian of the components. Where observations are missing, the predictions that fill
    them depend on the parameters, too: derivatives are then differences of fourth order along the axes of the
    covariance, and the shocks that were not observed are added as in `get_prediction`. Later rows also depend on shocks
    to come: their bands are quantiles over the paths that `get_forecast` draws with the same arguments, each path taken
    apart, so that in every path the components and the shock of the row add up to the path. That shock belongs to no
    component, and no band contains it.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2)
    >>> table = res.get_components("1969", "1973", rng=0)
    >>> table["linear"].columns.tolist()
    ['mean', 'mean_se', 'mean_ci_lower', 'mean_ci_upper']
    >>> means = table.xs("mean", axis=1, level=1)
    >>> bool((abs(means.sum(axis=1) - res.predict("1969", "1973")) < 1e-9).all())
    True
    """
    check_method(method, SIMULATED)
    n_sims, alpha = check_count(n_sims, "n_sims", 2, MOST_DRAWS), check_alpha(alpha)
    param_uncertainty = check_flag(param_uncertainty, "param_uncertainty")
    results.require_data()
    if param_uncertainty:
        require_beginning(results)
    model = results.model
    window = model.prediction_window(start, end, index=index)
    future = future_exog(results, window, exog, index)
    table, means = sample_parts(results)
    table[: results.first_row] = np.nan
    if window.out_of_sample:
        end_of_sample = standpoint(results, model.nobs)
        ahead = np.full((1, window.out_of_sample), np.nan)
        table = np.concatenate([table, _taken_apart(results, end_of_sample, ahead, future, means)[0]])
    mean = table[window.start : window.stop]
    require_finite(results, window, mean.sum(axis=1))

    # the first row after the last observation is the last whose components no shock to come moves
    origin = last_observed(results, model.nobs)
    stop = max(min(origin + 1, window.stop), window.start)
    known = stop - window.start
    errors, shifts = np.zeros((stop, mean.shape[1])), None
    if param_uncertainty:
        errors, shifts = parameter_errors(results, stop, future)
    se = np.full_like(mean, np.nan)
    if known:
        origins = last_origins(results, window, max(origin, window.start), origin)[:known]
        se[:known] = np.hypot(errors[window.start :], _gap_errors(results, origins, window.start, future, means))
    levels = np.array([alpha / 2, 1 - alpha / 2])
    with np.errstate(over="ignore", invalid="ignore"):
        bounds = mean[..., None] + se[..., None] * stats.norm.ppf(levels)
    if stop < window.stop:
        simulation = simulate_bundles(
            results, origin, window.stop, future, method, n_sims, check_generator(rng), param_uncertainty
        )
        paths = simulation.paths
        warn_explosive(results, paths[:, stop - origin :], "{} of {} simulated paths leave")
        drawn = component_paths(results, simulation, origin, future, means, shifts)[:, stop - origin :]
        flat = drawn.reshape(len(drawn), -1)
        se[known:] = spread(flat).reshape(drawn.shape[1:])
        bounds[known:] = path_quantiles(flat, levels).reshape(*drawn.shape[1:], 2)
    se[np.isnan(mean)] = np.nan
    bounds[np.isnan(mean)] = np.nan
    values = np.stack([mean, se, bounds[..., 0], bounds[..., 1]], axis=2).reshape(len(mean), -1)
    columns = pd.MultiIndex.from_product([part_names(model.specification), COLUMNS], names=["component", None])
    labels = pd.RangeIndex(window.start, window.stop) if window.index is None else window.index
    return pd.DataFrame(values, labels, columns)


def parameter_errors(
    results: RecurrentResults, stop: int, future: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """
    Standard deviation of the components that comes from the parameters, the observations held fixed.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model, with the sample from its beginning.
    stop : int
        Row after the last one that is wanted; at most the second after the sample.
    future : ndarray, optional
        Exogenous values after the sample.

    Returns
    -------
    errors : ndarray, (stop, columns)
        By the delta method; zero in the rows held back.
    shifts : ndarray, (K, P)
        Derivative of the mean of each unit along the axes of the covariance.
    """
    model, spec, n = results.model, results.model.specification, results.model.nobs
    beyond = max(stop - n, 0)
    det, x = model._det, model_exog(model)
    if beyond:
        det = np.concatenate([det, model.future_deterministic(beyond)])
        x = x if future is None else np.concatenate([x, future[:beyond]])
    if len(x) < len(det):
        x = np.empty((len(det), 0))
    with one_blas_thread():
        root = covariance_root(results)
        if np.isnan(model._y[spec.hold_back :]).any():
            y = np.concatenate([model._y, np.full(beyond, np.nan)])
            errors, shifts = _by_differences(results, root, y, x, det)
        else:
            # the row after the sample does not depend on what stands for its observation
            y = np.concatenate([model._with_history(model._y), np.zeros(beyond)])
            errors, shifts = _exact(results, root, model.jacobian(results.params, y, x, det))
    return errors[:stop], shifts


def _exact(results: RecurrentResults, root: np.ndarray, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors from the Jacobian of the predictions: without gaps each part has parameters of its own."""
    spec, first = results.model.specification, results.model.specification.hold_back
    sample = results.model.nobs - first
    units = [jacobian[:, own] @ root[own] for own in spec.unit_slices] if spec.units else []
    shifts = np.array([unit[:sample].mean(axis=0) for unit in units]).reshape(len(units), root.shape[1])
    slopes: dict[str, Any] = dict.fromkeys(part_names(spec), 0.0)
    for place, name in enumerate(spec.deterministic_names):
        slopes[column_of(name)] = slopes[column_of(name)] + jacobian[:, [place]] * root[place]
    if units:
        slopes["const"] = slopes["const"] + shifts.sum(axis=0)
    if "linear" in slopes:
        own = slice(spec.n_deterministic, spec.n_linear)
        slopes["linear"] = jacobian[:, own] @ root[own]
    for number, unit in enumerate(units):
        slopes[f"unit{number + 1}"] = unit - shifts[number]
    errors = np.zeros((first + len(jacobian), len(slopes)))
    for column, slope in enumerate(slopes.values()):
        errors[first:, column] = np.hypot.reduce(np.atleast_2d(slope), axis=1, initial=0.0) if np.ndim(slope) else 0.0
    return errors, shifts


def _by_differences(
    results: RecurrentResults, root: np.ndarray, y: np.ndarray, x: np.ndarray, det: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors where missing values are filled on the way, which makes every part depend on every parameter."""
    model, spec, first = results.model, results.model.specification, results.first_row
    errors, shifts = np.zeros((len(y), len(part_names(spec)))), np.zeros((len(spec.units), root.shape[1]))
    for place, axis in enumerate(root.T):
        slope = np.zeros_like(errors)
        with np.errstate(all="ignore"):
            for steps, weight in WEIGHTS.items():
                params = results.params + steps * STEP * axis
                path = model.path(params, y, x, det)
                means = unit_means(path.components[: model.nobs], first)
                shifts[:, place] += weight / STEP * means
                slope += weight / STEP * parts(spec, params, det, path, path.filled, means)
            errors[first:] = np.hypot(errors[first:], slope[first:])
    return errors, shifts


def _taken_apart(
    results: RecurrentResults,
    start: Standpoint,
    paths: np.ndarray,
    future: np.ndarray | None,
    means: np.ndarray,
    params: np.ndarray | None = None,
    states: np.ndarray | None = None,
) -> np.ndarray:
    """Components along paths that go on from a standpoint, (S, steps, columns); missing values are predicted."""
    model, (count, steps), reach = results.model, paths.shape, len(start.levels)
    params = results.params[None] if params is None else params
    states = start.state[None] if states is None else states
    x, det = rows_from(results, start, steps, future)
    found = np.empty((count, steps, len(part_names(model.specification))))
    with np.errstate(all="ignore"):
        for s, values in enumerate(paths):
            own = params[s if len(params) > 1 else 0]
            state = states[s if len(states) > 1 else 0]
            path = model.path(own, np.concatenate([start.levels, values]), x, det, state=state)
            table = parts(model.specification, own, det, path, path.filled, means)
            found[s] = table[reach:]
    return found


def component_paths(
    results: RecurrentResults,
    simulation: Simulation,
    origin: int,
    future: np.ndarray | None,
    means: np.ndarray,
    shifts: np.ndarray | None,
) -> np.ndarray:
    """
    Components along simulated paths; with the shocks they add up to the paths.

    Parameters
    ----------
    results : RecurrentResults
        Fitted model.
    simulation : Simulation
        Paths from row `origin` on.
    origin : int
        Their first row.
    future : ndarray or None
        Exogenous values after the sample.
    means, shifts : ndarray, (K,) and (K, P)
        Means of the units, and their derivatives along the axes of the covariance where parameters are uncertain.

    Returns
    -------
    ndarray, (S, steps, columns)
    """
    start = standpoint(results, origin)
    found = simulation.combine(
        [
            _taken_apart(results, start, bundle.paths, future, means, bundle.params, bundle.states)
            for bundle in simulation.bundles
        ]
    )
    if simulation.draws is not None and shifts is not None and len(means):
        names = part_names(results.model.specification)
        with one_blas_thread():
            moved = simulation.draws @ shifts.T
        found[:, :, len(names) - len(means) :] -= moved[:, None, :]
        found[:, :, names.index("const")] += moved.sum(axis=1)[:, None]
    return found


def _gap_errors(
    results: RecurrentResults, origins: np.ndarray, start: int, future: np.ndarray | None, means: np.ndarray
) -> np.ndarray:
    """Standard deviation of components that comes from shocks since the last observation, as `gap_deviation` has it."""
    steps = np.arange(start, start + len(origins)) - origins
    errors = np.zeros((len(origins), len(part_names(results.model.specification))))
    size = float(np.sqrt(results.scale))
    for origin in np.unique(origins[steps > 0]).tolist():
        rows = np.flatnonzero((origins == origin) & (steps > 0))
        shocks = np.zeros((2, int(steps[rows].max()) + 1))
        shocks[0, 0] = size
        place = standpoint(results, origin)
        paths = continue_path(results, place, shocks.shape[1], future, shocks)
        shocked, unshocked = _taken_apart(results, place, paths, future, means)
        with np.errstate(all="ignore"):
            errors[rows] = np.hypot.accumulate(shocked - unshocked, axis=0)[steps[rows]]
    return errors
