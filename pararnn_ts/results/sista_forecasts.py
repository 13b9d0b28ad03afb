"""Forecasts of panels, their intervals by bootstrap, and simulated paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.sequences import Panel
from pararnn_ts.models.arguments import MOST_DRAWS, check_alpha, check_count, check_generator

if TYPE_CHECKING:
    from pararnn_ts.results.sista import SISTAResults

__all__ = ["PanelForecast", "forecast", "get_forecast", "simulate"]


class PanelForecast:
    """
    Forecasts of a panel with simulated paths around them.

    Parameters
    ----------
    predicted_mean : DataFrame
        Point forecasts.
    simulations : ndarray, (paths, rows, columns)
        Simulated continuations, rows and columns as in `predicted_mean`.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> forecast = prt.SISTARNN(x, lam1=0.1, lam2=0.1).fit().get_forecast(2, n_sims=100, rng=0)
    >>> forecast.predicted_mean.shape, forecast.conf_int(0.1).shape, forecast.summary_frame().shape
    ((2, 16), (2, 32), (2, 64))
    """

    def __init__(self, predicted_mean: pd.DataFrame, simulations: np.ndarray):
        self.predicted_mean, self.simulations = predicted_mean, simulations

    @property
    def se_mean(self) -> pd.DataFrame:
        """Standard deviation of the simulated paths."""
        return self._frame(self.simulations.std(axis=0))

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """
        Intervals between quantiles of the simulated paths.

        Parameters
        ----------
        alpha : float
            One less the nominal coverage.

        Returns
        -------
        DataFrame
            Columns ("lower", name) and ("upper", name).
        """
        alpha = check_alpha(alpha)
        low, high = np.quantile(self.simulations, [alpha / 2, 1 - alpha / 2], axis=0)
        return pd.concat({"lower": self._frame(low), "upper": self._frame(high)}, axis=1)

    def summary_frame(self, alpha: float = 0.05) -> pd.DataFrame:
        """
        Forecasts, standard deviations and intervals.

        Parameters
        ----------
        alpha : float
            One less the nominal coverage.

        Returns
        -------
        DataFrame
            Columns (name, "mean"), (name, "mean_se"), (name, "mean_ci_lower") and (name, "mean_ci_upper").
        """
        interval = self.conf_int(alpha)
        parts: dict[str, Any] = {
            "mean": self.predicted_mean, "mean_se": self.se_mean, "mean_ci_lower": interval["lower"],
            "mean_ci_upper": interval["upper"],
        }  # fmt: skip
        frames: Any = {
            name: pd.DataFrame({what: part[name] for what, part in parts.items()}) for name in self.predicted_mean
        }
        return pd.concat(frames, axis=1)

    def _frame(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, self.predicted_mean.index, self.predicted_mean.columns)


def forecast(results: SISTAResults, steps: Any = 1, *, signal: bool = False) -> pd.DataFrame:
    """
    Forecast the measurements: A F^h D h_T at h steps, h_T being the last code.

    Parameters
    ----------
    steps : int, str or label
        Steps after the end of each sequence, or the last label to forecast; a part of a date stands for the first label
        in it. Sequences that end earlier have more steps up to a label.
    signal : bool
        Whether to forecast the signals instead.

    Returns
    -------
    DataFrame
        Rows continue the index of the sample.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> prt.SISTARNN(x, lam1=0.1, lam2=1.0).fit().forecast(3).index
    RangeIndex(start=60, stop=63, step=1)
    >>> x = pd.DataFrame(x, pd.period_range("2001-01", periods=60, freq="M"))
    >>> len(prt.SISTARNN(x, lam1=0.1, lam2=1.0).fit().forecast("2006-03"))
    3
    """
    counts = results.frame.steps_ahead(steps)
    results.require_tied("a transition to forecast with")
    v = results.values
    moved, path = results.decode(results.last_codes), []
    for _ in range(counts.max()):
        moved = moved @ v.F.T
        path.append(moved)
    # (sequence, step, signal), by rows
    values = np.stack(path, axis=1)[_wanted(counts)]
    future = results.frame.future(counts.max())
    index = results.frame.joined([times[:count] for times, count in zip(future, counts, strict=True)])
    if signal:
        return pd.DataFrame(values, index, results.model.signal_names)
    return pd.DataFrame(values @ v.A.T, index, results.frame.columns)


def get_forecast(results: SISTAResults, steps: Any = 1, *, n_sims: int = 1000, rng: Any = None) -> PanelForecast:
    """
    Forecast the measurements with intervals by bootstrap.

    Parameters
    ----------
    steps : int, str or label
        As in `forecast`.
    n_sims : int
        Simulated paths.
    rng : None, int or Generator
        Seed of the paths.

    Returns
    -------
    PanelForecast

    Notes
    -----
    Paths are those of :func:`simulate`. Their spread is that of the one-step errors in the sample, all sensors at a
    time, so that the sensors stay as correlated as they are. It does not contain the uncertainty of the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> found = prt.SISTARNN(x, lam1=0.1, lam2=1.0).fit().get_forecast(3, n_sims=200, rng=0)
    >>> bool((found.conf_int()["lower"] < found.predicted_mean).all(axis=None))
    True
    """
    counts, n_sims = results.frame.steps_ahead(steps), check_count(n_sims, "n_sims", 2, MOST_DRAWS)
    paths = _paths(results, counts.max(), n_sims, results.last_codes, check_generator(rng))
    return PanelForecast(forecast(results, steps), paths[:, _wanted(counts).ravel()])


def _wanted(counts: np.ndarray) -> np.ndarray:
    """Which steps of each sequence are asked for, (sequences, steps)."""
    return np.arange(counts.max()) < counts[:, None]


def simulate(
    results: SISTAResults, nsimulations: int, *, repetitions: int = 1, anchor: str = "end", rng: Any = None
) -> pd.DataFrame:
    """
    Simulate measurements: one-step predictions plus errors drawn from those in the sample, fed back as they come.

    Parameters
    ----------
    nsimulations : int
        Steps of each path.
    repetitions : int
        Paths.
    anchor : {"end", "start"}
        Whether paths go on from the end of each sequence, or begin as the sample does.
    rng : None, int or Generator
        Seed.

    Returns
    -------
    DataFrame
        Columns are the sensors, and (repetition, sensor) for several paths.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> prt.SISTARNN(x, lam1=0.1, lam2=1.0).fit().simulate(5, repetitions=2, rng=0).shape
    (5, 32)
    """
    steps = check_count(nsimulations, "nsimulations")
    repetitions = check_count(repetitions, "repetitions", most=MOST_DRAWS)
    if anchor not in ("end", "start"):
        raise ValueError(f"anchor must be 'end' or 'start', not {anchor!r}.")
    frame = results.frame
    if anchor == "end":
        states, times = results.last_codes, frame.future(steps)
    else:
        n = frame.panel.n_sequences
        states = np.repeat(results.values.h0[None], n, axis=0) if results.states is None else results.states
        times = tuple(time[:steps] if len(time) >= steps else pd.RangeIndex(steps) for time in frame.times)
    paths = _paths(results, steps, repetitions, states, check_generator(rng))
    index = frame.joined(times)
    if repetitions == 1:
        return pd.DataFrame(paths[0], index, frame.columns)
    columns = pd.MultiIndex.from_product([range(repetitions), frame.columns], names=["repetition", frame.columns.name])
    return pd.DataFrame(np.moveaxis(paths, 0, 1).reshape(len(index), -1), index, columns)


def _paths(results: SISTAResults, steps: int, n_paths: int, states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulated measurements, (paths, sequences times steps, sensors)."""
    results.require_tied("a transition to forecast with")
    errors = _errors(results, rng)
    v = results.values
    ahead = (v.A @ v.F @ v.D).T
    n = len(states)
    codes = np.tile(states, (n_paths, 1))
    singles = np.arange(n_paths * n + 1)
    values = np.empty((n_paths * n, steps, len(v.A)))
    for step in range(steps):
        values[:, step] = codes @ ahead + errors[rng.integers(len(errors), size=len(codes))]
        if step + 1 < steps:
            codes = results.encode(Panel(singles, np.ascontiguousarray(values[:, step])), codes)
    return values.reshape(n_paths, n * steps, -1)


def _errors(results: SISTAResults, rng: np.random.Generator) -> np.ndarray:
    """Centred one-step errors of the sample, a row for each time; what is missing is drawn from the same sensor."""
    panel = results.frame.panel
    errors = panel.x - results.one_step_values()
    if results.states is None:
        # the first prediction of a sequence knows nothing but h0
        kept = np.ones(len(errors), dtype=bool)
        kept[panel.offsets[:-1]] = False
        errors = errors[kept]
    errors = errors[np.isfinite(errors).any(axis=1)]
    if len(errors) < 2:
        raise ValueError("endog has fewer than two one-step errors to draw from; pass longer sequences.")
    for column in errors.T:
        absent = np.isnan(column)
        known = column[~absent]
        column[absent] = rng.choice(known, absent.sum()) if len(known) else 0.0
    return errors - errors.mean(axis=0)
