"""Stability: known roots and Lyapunov exponents, and the same verdict wherever an explosive fit is used."""

import numpy as np
import pytest
from scipy.signal import lfilter
from statsmodels.tools.sm_exceptions import OutputWarning
from statsmodels.tsa.arima.model import ARIMA

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.stability import largest_linear_root, lyapunov_growth
from pararnn_ts.specification import UnitWeights

NOISE = np.random.default_rng(0).standard_normal(300)


def test_a_linear_model_has_the_exponent_of_its_largest_root():
    model = ParaRNN(lfilter([1], [1, -1.1, 0.28], NOISE), units=(), linear_lags=2, trend="n")
    found = model.evaluate([1.1, -0.28]).stability()
    assert found.linear_root == pytest.approx(0.7) and found.closed_loop_root == pytest.approx(0.7)
    assert found.lyapunov_skeleton == pytest.approx(np.log(0.7), abs=1e-9)
    assert found.lyapunov == pytest.approx(np.log(0.7), abs=1e-6)
    assert found.bounded and not found.explosive and found.attractor == "comes to rest at 0"
    assert "Stable" in str(found) and max(map(len, str(found).splitlines())) < 80


def test_a_cycle_of_a_linear_model_shrinks_with_its_modulus():
    model = ParaRNN(lfilter([1], [1, -1.2, 0.81], NOISE), units=(), linear_lags=2, trend="n")
    assert model.evaluate([1.2, -0.81]).stability().lyapunov == pytest.approx(np.log(0.9), abs=0.01)


def test_the_image_of_an_arma_has_its_autoregressive_root():
    arma = ARIMA(lfilter([1, 0.4], [1, -0.8], NOISE), order=(1, 0, 1)).fit()
    found = ParaRNN.from_arma(arma).stability()
    assert found.closed_loop_root == pytest.approx(arma.params[1], abs=1e-9)
    assert found.lyapunov == pytest.approx(np.log(arma.params[1]), abs=1e-6)


@pytest.mark.parametrize("slope", [1.5, 1.9])
def test_the_tent_map_has_the_logarithm_of_its_slope(slope):
    y = np.empty(200)
    y[0] = 0.37
    for t in range(1, len(y)):
        y[t] = slope * min(y[t - 1], 1.0 - y[t - 1])
    model = ParaRNN(y, units=(1,), activation="relu", trend="n")
    unit = UnitWeights(np.zeros((1, 1)), np.ones((1, 1)), np.array([-0.5]), np.array([-2.0 * slope]))
    found = model.evaluate(model.specification.join([slope], [unit]), cov_type="none").stability()
    # the disturbance of the state, larger on one branch than on the other, adds a term that fades like 1/n
    assert found.lyapunov_skeleton == pytest.approx(np.log(slope), abs=2e-3)
    assert found.lyapunov == pytest.approx(np.log(slope), abs=0.02)
    assert "Sensitive" in found.verdict and "sensitive to where it begins" in found.attractor


def test_growth_is_that_of_neighbouring_paths(fitted):
    model, params = fitted.model, fitted.params.to_numpy()
    spec, n, start = model.specification, 40, 10
    y = np.concatenate([fitted.fittedvalues.to_numpy()[start : start + 2], np.full(n, np.nan)])
    zeros = np.zeros((len(y), 0)), np.ones((len(y), 1))
    state = fitted._results.path.states[start]
    reach = spec.reach
    step = 1e-7 / np.sqrt(reach + len(state))
    base = model.path(params, y, *zeros, state=state)
    moved = model.path(params, y + step, *zeros, state=state + step)
    growth = lyapunov_growth(spec, params[None], base.states[None, reach:])[0]
    sizes = [
        np.hypot(
            np.linalg.norm((moved.filled - base.filled)[t + 1 - reach : t + 1]),
            np.linalg.norm((moved.states - base.states)[t]),
        )
        for t in range(reach, len(y))
    ]
    np.testing.assert_allclose(np.exp(np.cumsum(growth)), np.array(sizes) / 1e-7, rtol=1e-4)


def test_the_same_seed_gives_the_same_numbers(fitted):
    assert fitted.stability(n_paths=4, rng=1) == fitted.stability(n_paths=4, rng=1)


def test_disturbances_vanish_where_nothing_is_remembered():
    found = ParaRNN(NOISE, units=(), lags=0, linear_lags=0).fit().stability(n_paths=4)
    assert found.lyapunov == found.lyapunov_skeleton == -np.inf and found.sensitive_share == 0.0
    assert found.verdict.startswith("Stable")


def test_seasonal_lags_count_in_steps(fitted):
    spec = ParaRNN(NOISE, lags=1, units=(), linear_lags=[12]).specification
    assert largest_linear_root(spec, np.array([0.0, 0.5])) == pytest.approx(0.5 ** (1 / 12))


def test_an_explosive_fit_is_flagged_wherever_it_is_used():
    results = ParaRNN(lfilter([1], [1, -0.9], NOISE), units=(), trend="n").evaluate([1.1])
    assert results.explosive and results.stability().explosive
    assert results.stability().verdict.startswith("Explosive")
    assert "Forecasts are explosive" in results.summary().as_text()
    # the first step is still close to the data
    for call in (lambda: results.forecast(1), lambda: results.get_forecast(2, n_sims=20, rng=0)):
        with pytest.warns(OutputWarning, match="The forecast is explosive"):
            call()


def test_bounded_units_do_not_save_an_unstable_linear_path(sales):
    model = ParaRNN(sales, units=(1,), trend="n")
    spec = model.specification
    unit = UnitWeights(np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1), np.array([-1.0]))
    found = model.evaluate(spec.join([1.05], [unit]), cov_type="none").stability(n_paths=10)
    assert found.bounded is False and not found.explosive
    assert "The linear path has a root of 1.050" in found.verdict


@pytest.mark.parametrize("n_paths", [1, 2.5, True])
def test_number_of_paths_is_checked(fitted, n_paths):
    with pytest.raises((TypeError, ValueError), match="n_paths must be an integer of 2 or more"):
        fitted.stability(n_paths=n_paths)


def test_differences_gaps_and_continuations(differenced, gappy):
    for results in (differenced, gappy[0], differenced.extend(np.arange(5.0))):
        found = results.stability(n_paths=4)
        assert np.isfinite(found.lyapunov) and found.verdict


def test_a_fit_to_the_henon_map_has_its_exponent():
    # 0.4192 (Wolf, Swift, Swinney and Vastano 1985, "Determining Lyapunov exponents from a time series")
    y = np.full(400, 0.1)
    for t in range(2, len(y)):
        y[t] = 1.0 - 1.4 * y[t - 1] ** 2 + 0.3 * y[t - 2]
    found = ParaRNN(y[100:], lags=2, units=(1, 1, 1)).fit(n_starts=8).stability()
    assert found.lyapunov == pytest.approx(0.4192, abs=0.02)
    assert found.lyapunov_skeleton == pytest.approx(0.4192, abs=0.05)
    assert "Sensitive" in found.verdict
