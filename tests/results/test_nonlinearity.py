"""The linearity test: size, power, and what it must not depend on."""

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.nonlinearity import METHODS, NonlinearityTest, _random_units, _unit_states, linearity_test


def linear_series(n, seed):
    return lfilter([1, 0.5], [1, -0.7], np.random.default_rng(seed).standard_normal(n + 50))[50:]


@pytest.mark.parametrize("method", METHODS)
def test_pvalues_are_uniform_for_an_arma(method):
    found = [linearity_test(linear_series(200, seed), method=method, rng=seed).f_pvalue for seed in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.09


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_pvalues_are_uniform_for_an_arma(method):
    found = [
        linearity_test(linear_series(100, seed), method=method, bootstrap=39, rng=seed).bootstrap_pvalue
        for seed in range(80)
    ]
    assert stats.kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_it_has_power(tanh_series, method):
    found = [linearity_test(tanh_series(400, seed), method=method, bootstrap=19) for seed in range(10)]
    assert np.median([test.f_pvalue for test in found]) < 0.01
    assert np.median([test.bootstrap_pvalue for test in found]) == pytest.approx(1 / 20)
    assert found[0].pvalue == pytest.approx(found[0].f_pvalue, abs=0.01)


def test_it_sees_a_nonlinear_function_of_a_fading_memory():
    rng = np.random.default_rng(0)
    y, memory = np.zeros(1500), 0.0
    for t in range(1, 1500):
        memory = 0.5 * memory + 0.5 * y[t - 1]
        y[t] = -0.9 * abs(memory) + rng.standard_normal()
    assert linearity_test(y).f_pvalue < 0.01


def test_results_give_what_their_arrays_give(fitted):
    results = fitted.test_nonlinearity(bootstrap=19, rng=3)
    arrays = linearity_test(fitted.model._y, fitted.model._det, lags=(1, 2), linear_lags=(1, 2), bootstrap=19, rng=3)
    assert results == arrays and results.n_bootstrap == 19


def test_the_statistic_is_that_of_two_regressions():
    y = linear_series(300, 0)
    found = linearity_test(y, lags=1, method="terasvirta")
    rows = np.arange(12, 300)
    null = np.column_stack([np.ones(len(rows)), *(y[rows - lag] for lag in found.lags)])
    fitted = null @ np.linalg.lstsq(null, y[rows])[0]
    full = np.column_stack([null, y[rows - 1] ** 2, y[rows - 1] ** 3, fitted**2, fitted**3])
    ssr = [np.sum((y[rows] - x @ np.linalg.lstsq(x, y[rows])[0]) ** 2) for x in (null, full)]
    assert found.df_num == 4 and found.df_denom == len(rows) - full.shape[1]
    assert found.fvalue == pytest.approx((ssr[0] - ssr[1]) / 4 / (ssr[1] / found.df_denom), rel=1e-8)
    assert found.statistic == pytest.approx(len(rows) * (1 - ssr[1] / ssr[0]), rel=1e-8)


def test_linearity_test_with_gaps_exogenous_values_and_differences(gappy, differenced):
    for results in (gappy[0], differenced):
        test = results.test_nonlinearity(bootstrap=9)
        assert 0 < test.bootstrap_pvalue <= 1
        assert 0 <= test.pvalue <= 1 and test.df_num >= 2
        assert {1, *results.model.lags} <= set(test.lags)


def test_a_series_with_many_gaps_is_tested_with_the_lags_that_leave_enough_rows():
    rng = np.random.default_rng(3)
    y = linear_series(150, 1)
    y[rng.random(150) < 0.3] = np.nan
    found = linearity_test(y)
    assert found.lags[-1] < 12 and found.df_denom > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.test_nonlinearity("keenan"), "method must be one of 'units', 'terasvirta', 'white' or None"),
        (lambda r: r.test_nonlinearity(lags=[0]), "lags must be .* a list of different positive integers"),
        (lambda r: r.test_nonlinearity(bootstrap=-1), "bootstrap must be an integer of 0 or more"),
        (lambda r: r.apply(r.fittedvalues[2:10].to_numpy()).test_nonlinearity(), "needs more data"),
    ],
)
def test_errors_name_the_argument(fitted, call, message):
    with pytest.raises(ValueError, match=message):
        call(fitted)


@pytest.mark.parametrize("y", [np.tile(np.arange(4.0), 20) + np.arange(80.0), np.tile([0.0, 1.0], 40)])
def test_a_series_that_a_linear_model_fits_exactly_shows_no_nonlinearity(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        results = ParaRNN(y, units=(), linear_lags=5).fit(penalty=0.0)
        found = results.test_nonlinearity(bootstrap=5)
        assert found.pvalue > 0.99 and found.f_pvalue > 0.99 and found.bootstrap_pvalue == 1.0
        for test in (results.test_serial_correlation, results.test_heteroskedasticity, results.test_normality):
            test()


@pytest.mark.parametrize("factor", [1e-100, 1e100])
def test_it_does_not_depend_on_units(factor):
    y = linear_series(100, 0)
    one, other = (linearity_test(values, bootstrap=9) for values in (y, factor * y))
    np.testing.assert_allclose(one[:4], other[:4], rtol=1e-6)
    assert one.bootstrap_pvalue == other.bootstrap_pvalue


def test_a_short_series_is_said_to_be_short():
    results = ParaRNN(np.random.default_rng(0).standard_normal(9), lags=4, units=(1,)).fit(n_starts=2, maxiter=30)
    with pytest.raises(ValueError, match="needs more data"):
        results.test_nonlinearity()


def test_random_units_are_recurrent_units():
    rng = np.random.default_rng(0)
    weights, inputs = _random_units(3, rng), rng.standard_normal((40, 3))
    h, states = np.zeros(len(weights)), _unit_states(weights, inputs)
    for t, x in enumerate(inputs):
        h = np.tanh(weights[:, 0] * h + weights[:, 1:4] @ x + weights[:, 4])
        np.testing.assert_allclose(states[t], h, atol=1e-14)
    # every other unit reads one input, the others all
    assert (np.count_nonzero(weights[:, 1:4], axis=1).reshape(-1, 2) == [1, 3]).all()


def test_random_units_see_a_memory_that_few_lags_do_not():
    def series(seed):
        e, y, h = np.random.default_rng(seed).standard_normal(700), np.zeros(700), 0.0
        for t in range(1, 700):
            h = np.tanh(0.85 * h + 0.8 * y[t - 1])
            y[t] = -1.2 * h * (h > 0.0) + e[t]
        return y[100:]

    found = {
        method: np.mean([linearity_test(series(seed), method=method).f_pvalue < 0.05 for seed in range(40)])
        for method in ("units", "terasvirta")
    }
    assert found["units"] > 0.6
    assert found["units"] >= found["terasvirta"], found


def test_it_prints_its_statistics_degrees_of_freedom_and_pvalues():
    found = NonlinearityTest(92.16, 2e-15, 12.463, 7e-18, 10, 277, (1, 2, 5), 0.05, 19)
    lines = [line.split() for line in str(found).splitlines()]
    assert ["F", "form", "12.463", "10,", "277", "7e-18"] in lines
    assert ["the", "same,", "from", "19", "simulated", "series", "0.05"] in lines
    assert ["chi-squared", "form", "92.160", "10", "2e-15"] in lines
    assert "Lags of the autoregression: 1-2,5." in str(found)
    assert "simulated series" not in str(found._replace(n_bootstrap=0))
