"""Does each unit earn its place? Comparison with the model fitted without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.models.arguments import MOST_DRAWS, check_count, check_generator
from pararnn_ts.results.bootstrap import refitted, sample_frames, simulate_samples
from pararnn_ts.results.prediction import is_explosive

if TYPE_CHECKING:
    from pararnn_ts.results.base import RecurrentResults

__all__ = ["test_units"]

N_STARTS = 8


def test_units(
    results: RecurrentResults, bootstrap: int = 0, n_starts: int | None = None, rng: Any = 0
) -> pd.DataFrame:
    """
    Compare the model with those that lack one of its units, fitted anew.

    Parameters
    ----------
    bootstrap : int
        Number of series to simulate from each model without the unit, for a p-value.
    n_starts : int, optional
        Starts of each fit; by default as many as the model was fitted with.
    rng : None, int or Generator
        Source of starts and series.

    Returns
    -------
    DataFrame
        One row per unit.

        likelihood_ratio
            Twice what the unit adds to the log likelihood.
        effective
            What it adds to the effective number of parameters.
        aic, bic
            By how much Akaike's and Schwarz's criterion fall with the unit; positive numbers speak for it.
        log_evidence
            What it adds to the log evidence, a log Bayes factor, where the penalty is chosen by evidence; above 3 is
            usually called strong, above 5 very strong.
        bootstrap_pvalue
            Share of series simulated from the model without the unit on which the unit adds as much to the log
            likelihood, the observed one counted among them; NaN where none were asked for.

    Notes
    -----
    There is no chi-squared p-value, because it would be wrong: without the unit its W, U and b are not identified, and
    the likelihood ratio is the largest of many, over all units that one might have tried (Davies 1977). Its quantiles
    are found by simulation. The series have the exogenous values, the gaps and the first rows of the observed one.

    Units of one dimension can take each other's place when the model is fitted without one of them, so their rows are
    the same: the question is whether one fewer would do.

    References
    ----------
    .. [1] Davies, R. B. "Hypothesis testing when a nuisance parameter is present only under the alternative."
       Biometrika 64 (1977): 247-254.
    .. [2] Kass, R. E., and A. E. Raftery. "Bayes factors." Journal of the American Statistical Association 90 (1995):
       773-795.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_sunspots(), lags=1, units=(2,), linear_lags=2).fit(n_starts=8, rng=0)
    >>> bool(res.test_units()["log_evidence"].iloc[0] > 5)
    True
    """
    results.require_data()
    model, details = results.model, results.details
    if "units" not in model.option_names:
        raise TypeError(
            f"test_units belongs to models with a choice of units (ParaRNN), not to {type(model).__name__}."
        )
    if details.penalty is None or results.inherited is not None:
        raise ValueError("test_units compares fits, but these parameters were not estimated on this sample; fit first.")
    if details.held:
        raise ValueError("test_units fits models with fewer parameters, and cannot hold any at a value; fit without.")
    bootstrap = check_count(bootstrap, "bootstrap", 0, MOST_DRAWS)
    tried = int(results.mle_retvals.get("n_starts", 1))
    starts = (tried if tried > 1 else N_STARTS) if n_starts is None else n_starts
    found: dict[int, dict[str, float]] = {}
    streams = check_generator(rng).spawn(len(model.units))
    for d, stream in zip(model.units, streams, strict=True):
        if d in found:
            continue
        # the table does not depend on the number of simulated series
        own, simulating = stream.spawn(2)
        without = _fitted_without(results, d, starts, own)
        ratio = 2.0 * (results.llf - without.llf)
        found[d] = {
            "likelihood_ratio": ratio,
            "effective": results.df_model - without.df_model,
            "aic": without.aic - results.aic,
            "bic": without.bic - results.bic,
            "log_evidence": results.log_evidence - without.log_evidence,
            "bootstrap_pvalue": np.nan,
        }
        if bootstrap:
            simulated = _simulated_ratios(results, without._results, bootstrap, starts, simulating)
            found[d]["bootstrap_pvalue"] = (1 + np.count_nonzero(~(simulated < ratio))) / (1 + len(simulated))
    columns = ["likelihood_ratio", "effective", "aic", "bic", "log_evidence", "bootstrap_pvalue"]
    names = pd.Index([f"unit{number}" for number in range(1, len(model.units) + 1)], name="unit", dtype=object)
    return pd.DataFrame([found[d] for d in model.units], index=names, columns=columns)


def _fitted_without(results: RecurrentResults, d: int, n_starts: int, rng: np.random.Generator) -> Any:
    """Best fit without a unit of dimension `d`, on the same rows, from what is left of the fit and from new starts."""
    model, spec, penalty = results.model, results.model.specification, results.details.penalty
    places = [place for place, own in enumerate(spec.units) if own == d]
    dims = spec.units[: places[-1]] + spec.units[places[-1] + 1 :]
    y, x = sample_frames(results, model._y)
    smaller = model.clone_with(y, x, units=dims, hold_back=spec.hold_back)
    units, linear = spec.unit_weights(results.params), results.params[: spec.n_linear]
    fits = [smaller.fit(n_starts=n_starts, rng=rng, penalty=penalty)]
    for place in places:
        left = smaller.specification.join(linear, units[:place] + units[place + 1 :])
        fits.append(smaller.fit(start_params=left, penalty=penalty))
    return max(fits, key=lambda fit: fit.log_evidence if np.isfinite(fit.log_evidence) else fit.llf)


def _simulated_ratios(
    results: RecurrentResults, without: RecurrentResults, count: int, n_starts: int, rng: np.random.Generator
) -> np.ndarray:
    """Likelihood ratios of a unit on series simulated from the model without it."""
    ratios = np.empty(count)
    for row, sample in enumerate(simulate_samples(without, count, rng)):
        # what explodes or cannot be fitted counts against the unit
        ratios[row] = np.inf
        if is_explosive(sample[~np.isnan(results.model._y)], without.tail.low, without.tail.high):
            continue
        try:
            smaller = refitted(without, sample)
            larger = refitted(results, sample, start_params=None, n_starts=n_starts, rng=rng)
        except ValueError:
            continue
        ratios[row] = 2.0 * (larger.llf - smaller.llf)
    return ratios
