"""
Small versions of the studies in docs/inference_studies.md.

Intervals cover, errors fall like the root of the sample size, and regression on the past finds the curve.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter
from statsmodels.tsa.arima_process import arma2ma

from pararnn_ts.models.pararnn import ParaRNN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ConvergenceWarning"),
]

PHI, THETA = 0.8, -0.4


def arma(n, seed, phi=PHI, theta=THETA):
    """ARMA(1,1) samples after a burn-in, one in each row for a list of seeds."""
    shocks = np.array([np.random.default_rng([1, s]).standard_normal(n + 200) for s in np.atleast_1d(seed)])
    return lfilter([1.0, theta], [1.0, -phi], shocks, axis=1)[:, 200:]


def binomial_range(share, n, error=1e-3):
    """Shares that n independent trials stay within, but for a probability of `error`."""
    return np.array(stats.binom.interval(1 - error, n, share)) / n


@pytest.mark.parametrize("penalty", ["evidence", 0])
def test_intervals_of_what_is_identified_cover(penalty):
    """W = -theta and v U = phi + theta; U and v by themselves are not identified."""
    hits = []
    for y in arma(500, range(250)):
        results = ParaRNN(y, units=(1,), activation="identity", linear_lags=0).fit(penalty=penalty)
        cov = np.asarray(results.cov_params())
        _, W, U, _, v = results.params
        product = np.array([0.0, 0.0, v, 0.0, U])
        errors = np.array([W + THETA, v * U - PHI - THETA])
        hits.append(np.abs(errors) <= 1.96 * np.sqrt([cov[1, 1], product @ cov @ product]))
    low, high = binomial_range(0.95, len(hits))
    shares = np.mean(hits, axis=0)
    assert (shares >= low).all() and (shares <= high).all()


@pytest.mark.parametrize("param_uncertainty", [False, True])
def test_forecast_intervals_cover_at_all_horizons(param_uncertainty):
    """The probability of the interval under the true predictive distribution, known for an ARMA, averages to 95 %."""
    horizon = 12
    weights = arma2ma([1, -PHI], [1, THETA], horizon)
    spread = np.sqrt(np.cumsum(weights**2))
    shares = []
    for seed, y in enumerate(arma(500, range(80))):
        shock = lfilter([1.0, -PHI], [1.0, THETA], y)[-1]
        mean = PHI ** np.arange(horizon) * (PHI * y[-1] + THETA * shock)
        results = ParaRNN(y, units=(1,), activation="identity", linear_lags=0).fit()
        bounds = results.get_forecast(horizon, rng=seed, param_uncertainty=param_uncertainty).conf_int()
        shares.append(np.diff(stats.norm.cdf((bounds - mean[:, None]) / spread[:, None]))[:, 0])
    assert (np.abs(np.mean(shares, axis=0) - 0.95) < 0.02).all()


def test_errors_fall_with_the_root_of_the_sample_size():
    """Sixteen times the sample, a quarter of the error: a ratio of two chi-squared sums of squares."""
    n, sizes = 80, (250, 4000)
    square = []
    for size in sizes:
        fits = (ParaRNN(y, units=(1,), activation="identity", linear_lags=0).fit() for y in arma(size, range(n)))
        square.append(np.mean([(results.params[1] + THETA) ** 2 for results in fits]))
    low, high = stats.f.interval(0.999, n, n)
    assert low < square[0] / square[1] / (sizes[1] / sizes[0]) < high


def test_regression_on_the_past_comes_nearer_to_the_curve():
    """The excess error falls at least fourfold over sixteen times the sample, below that of the best linear filter."""

    def curve(x):
        return 3.0 * np.tanh(0.8 * lfilter([1.0], [1.0, -0.8], x))

    later = np.random.default_rng(99).standard_normal(3000)
    truth = curve(later)
    lags = np.column_stack([np.concatenate([np.zeros(k), later[: len(later) - k]]) for k in range(30)])
    linear = np.mean((truth - lags @ np.linalg.lstsq(lags, truth)[0]) ** 2)
    errors = []
    for n in (125, 2000):
        row = []
        for seed in range(5):
            rng = np.random.default_rng([n, seed])
            x = rng.standard_normal(n)
            y = curve(x) + rng.standard_normal(n)
            results = ParaRNN(y, x[:, None], lags=0, units=(2,)).fit()
            predicted = results.apply(np.zeros(len(later)), later[:, None]).fittedvalues
            row.append(np.mean((predicted - truth)[100:] ** 2))
        errors.append(np.median(row))
    assert errors[1] < errors[0] / 4
    assert errors[1] < linear / 10
