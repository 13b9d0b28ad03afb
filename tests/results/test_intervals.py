"""Where intervals come from: closed forms, quantiles of paths, and errors over a calibration part of the sample."""

import numba
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.arima.model import ARIMA

from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.conformal import calibrate, calibration_errors, conformal_radius

SIMULATED = ["bootstrap", "gaussian", "simulated"]


# ------------------------------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize("name", ["fitted", "differenced", "linear"])
def test_one_step_is_normal_with_variance_scale(request, name):
    results = request.getfixturevalue(name)
    pred = results.get_forecast(1, method="exact")
    half = stats.norm.ppf(0.95) * np.sqrt(results.scale)
    bounds = np.asarray(pred.conf_int(0.1))[0]
    np.testing.assert_allclose(bounds, np.asarray(results.forecast(1)) + np.array([-half, half]))
    np.testing.assert_allclose(pred.se_mean, np.sqrt(results.scale))
    assert len(pred.simulations) == 0


def test_forecast_variance_of_an_arma_is_that_of_the_state_space_model(sales):
    arma = ARIMA(sales, order=(2, 0, 1)).fit()
    ours, theirs = ParaRNN.from_arma(arma).get_forecast(12, method="exact"), arma.get_forecast(12)
    relative = ours.se_mean / ours.se_mean.iloc[0]
    np.testing.assert_allclose(relative, theirs.se_mean / theirs.se_mean.iloc[0], rtol=1e-6)


def test_forecast_variance_of_an_integrated_model_is_that_of_the_state_space_model(sales):
    walk = sales.cumsum()
    arima = ARIMA(walk, order=(1, 1, 0), trend="n").fit()
    ours = (
        ParaRNN(walk, units=(), diff=1, trend="n").evaluate(arima.params.to_numpy()[:1]).get_forecast(8, method="exact")
    )
    theirs = arima.get_forecast(8)
    np.testing.assert_allclose(ours.se_mean / ours.se_mean.iloc[0], theirs.se_mean / theirs.se_mean.iloc[0], rtol=1e-6)


def test_missing_values_at_the_end_count_as_steps(linear, sales):
    gap = sales.to_numpy()[:124].copy()
    gap[120:] = np.nan
    after = linear.apply(gap).get_forecast(3, method="exact", param_uncertainty=False)
    np.testing.assert_allclose(after.se_mean, linear.get_forecast(7, method="exact").se_mean[4:])


def test_uncertain_parameters_of_least_squares_give_the_textbook_variance(linear, sales):
    """Scale times (1 + x'(X'X)^-1 x), for the next value and inside the sample."""
    y = sales.to_numpy()[:120]
    X = np.column_stack([np.ones(118), y[1:-1], y[:-2]])
    theirs = OLS(y[2:], X).fit().get_prediction(np.vstack([X, [1.0, y[-1], y[-2]]]))
    ours = linear.get_prediction(2, 120, method="exact", param_uncertainty=True)
    np.testing.assert_allclose(ours.se_mean, theirs.se_obs, rtol=1e-6)


def test_closed_form_and_paths_agree_on_parameters_and_shocks(linear):
    options = {"steps": 5, "param_uncertainty": True}
    exact, paths = (
        linear.get_forecast(method=method, n_sims=20_000, rng=0, **options) for method in ("exact", "gaussian")
    )
    np.testing.assert_allclose(exact.se_mean, paths.se_mean, rtol=0.02)
    np.testing.assert_allclose(exact.conf_int(0.1), paths.conf_int(0.1), atol=0.03 * exact.se_mean.max())


@pytest.mark.parametrize("penalty", ["evidence", 0])
def test_directions_without_information_do_not_widen_the_paths(tanh_series, penalty):
    """A change of basis leaves a unit with the identity as it is; its standard errors along it are large or unknown."""
    y = tanh_series(500)
    results = ParaRNN(y, units=(2,), activation="identity", linear_lags=0).fit(penalty=penalty)
    options = {"steps": 5, "rng": 0, "n_sims": 20_000, "param_uncertainty": True}
    exact, paths = (results.get_forecast(method=method, **options) for method in ("exact", "gaussian"))
    np.testing.assert_allclose(exact.se_mean, paths.se_mean, rtol=0.02)
    certain = results.get_forecast(5, method="exact")
    assert (paths.se_mean < 1.05 * certain.se_mean).all()


def test_a_nonlinear_model_has_no_closed_form_beyond_one_step(fitted, sales):
    with pytest.raises(ValueError, match="method='exact' is for one step .* but 2 steps are asked for"):
        fitted.get_forecast(2, method="exact")
    gap = sales[:120].copy()
    gap.iloc[-1] = np.nan
    with pytest.raises(ValueError, match="2 steps"):
        fitted.apply(gap).get_forecast(1, method="exact")
    assert len(fitted.get_prediction("2010-11", "2011-01", method="exact").conf_int()) == 3


# ------------------------------------------------------------------------------------------------ simulated paths


@pytest.mark.parametrize("param_uncertainty", [False, True])
@pytest.mark.parametrize("method", SIMULATED)
def test_intervals_are_quantiles_of_the_paths(fitted, method, param_uncertainty):
    pred = fitted.get_forecast(5, method=method, n_sims=300, rng=0, param_uncertainty=param_uncertainty)
    expected = pred.simulations.quantile([0.1, 0.9], axis=1).T
    np.testing.assert_array_equal(pred.conf_int(0.2), expected)
    np.testing.assert_allclose(pred.se_mean, pred.simulations.std(axis=1))
    assert list(pred.summary_frame()) == ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]


def test_gaussian_and_simulated_are_two_names(fitted):
    frames = [fitted.get_forecast(4, method=method, rng=0).simulations for method in ("gaussian", "simulated")]
    pd.testing.assert_frame_equal(*frames)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_simulated_step_is_nearly_exact_whatever_the_seed(fitted, seed):
    exact = fitted.get_forecast(1, method="exact").conf_int(0.1)
    paths = fitted.get_forecast(3, method="gaussian", rng=seed).conf_int(0.1)[:1]
    np.testing.assert_allclose(paths, exact, atol=0.02 * np.sqrt(fitted.scale))
    boot = fitted.get_forecast(3, rng=seed).conf_int(0.1)[:1] - fitted.forecast(1).iloc[0]
    np.testing.assert_allclose(boot, [np.quantile(fitted.shocks, [0.05, 0.95])], atol=0.1 * np.sqrt(fitted.scale))


@pytest.mark.parametrize("unit", [1e-12, 1e-5, 1e8, 1e12])
@pytest.mark.parametrize("method", ["bootstrap", "exact"])
def test_intervals_with_uncertain_parameters_do_not_depend_on_the_unit(sales, method, unit):
    """Variances of a constant and of an input weight differ by the fourth power of the unit."""
    results = ParaRNN(sales[:100], lags=2, units=(1,)).fit(n_starts=2)
    other = ParaRNN(sales[:100] * unit, lags=2, units=(1,)).fit(n_starts=2)
    options = {"steps": 1, "method": method, "param_uncertainty": True, "rng": 0}
    ours, theirs = other.get_forecast(**options).conf_int(), results.get_forecast(**options).conf_int()
    np.testing.assert_allclose(ours / unit, theirs, rtol=0.03 if method == "bootstrap" else 1e-4)


def test_uncertain_parameters_widen_rows_inside_the_sample(fitted):
    plain, wide = (
        fitted.get_prediction("2005-01", "2005-12", param_uncertainty=flag).summary_frame(0.1) for flag in (False, True)
    )
    assert (wide["mean_se"] > plain["mean_se"]).all()
    inflation = wide["mean_se"] / plain["mean_se"]
    np.testing.assert_allclose(
        wide["mean_ci_upper"] - wide["mean"], inflation * (plain["mean_ci_upper"] - plain["mean"])
    )


@pytest.mark.parametrize("method", [*SIMULATED, "conformal"])
def test_the_same_bits_for_any_number_of_threads(sales, method):
    before, frames = numba.get_num_threads(), []
    try:
        for threads in sorted({1, min(2, numba.config.NUMBA_NUM_THREADS)}):
            numba.set_num_threads(threads)
            results = ParaRNN(sales[:90], lags=2, units=(2,)).fit(n_starts=3)
            pred = results.get_forecast(6, method=method, n_sims=100, rng=1, param_uncertainty=True)
            frames.append((pred.summary_frame(0.1), pred.simulations))
    finally:
        numba.set_num_threads(before)
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame[0], frames[0][0], check_exact=True)
        pd.testing.assert_frame_equal(frame[1], frames[0][1], check_exact=True)


# ------------------------------------------------------------------------------------------------------ conformal


@pytest.mark.parametrize(("m", "alpha"), [(19, 0.05), (20, 0.05), (30, 0.1), (7, 0.5), (99, 0.01)])
def test_exchangeable_errors_are_covered_exactly_as_often_as_the_rank_says(m, alpha):
    """Each of m + 1 errors in turn is the new one: ceil((m + 1)(1 - alpha)) of them are covered."""
    errors = np.random.default_rng(m).standard_normal(m + 1)
    radius = [conformal_radius(np.delete(errors, i)[None], alpha)[0] for i in range(m + 1)]
    covered = np.mean(np.abs(errors) <= radius)
    assert covered == np.ceil((m + 1) * (1 - alpha) - 1e-9) / (m + 1)
    assert covered >= 1 - alpha - 1e-12


def test_missing_errors_do_not_count():
    errors = np.array([[3.0, np.nan, -1.0, 2.0, np.nan, -4.0]])
    np.testing.assert_array_equal(conformal_radius(errors, 0.2), conformal_radius(errors[:, [0, 2, 3, 5]], 0.2))
    with pytest.raises(
        ValueError, match="alpha=0.1 needs 9 calibration errors of each step, but of one there are only 4"
    ):
        conformal_radius(errors, 0.1)


@pytest.mark.parametrize("name", ["fitted", "differenced"])
def test_calibration_errors_are_those_of_a_model_that_has_not_seen_them(request, name):
    results = request.getfixturevalue(name)
    calibration = calibrate(results._results)
    n, first = results.model.nobs, calibration.first
    assert first == n - results.nobs // 3
    y = pd.Series(results.model._y, results.model.index)
    early = results.apply(y[:first], refit=True)
    errors = calibration_errors(calibration, 4)
    assert errors.shape == (4, n - first)
    for row in (first, first + 11, n - 2):
        steps = min(4, n - row)
        expected = y[row : row + steps] - early.apply(y[:row]).forecast(steps)
        np.testing.assert_allclose(errors[:steps, row - first], expected, atol=1e-9)
        assert np.isnan(errors[steps:, row - first]).all()


def test_conformal_intervals_are_the_quantiles_of_these_errors(fitted):
    pred = fitted.get_forecast(4, method="conformal")
    errors = calibration_errors(calibrate(fitted._results), 4)
    np.testing.assert_allclose(pred.conf_int(0.1)["upper"] - pred.predicted_mean, conformal_radius(errors, 0.1))
    np.testing.assert_allclose(pred.predicted_mean, fitted.forecast(4))
    inside = fitted.get_prediction("2005-01", "2005-03", method="conformal").conf_int(0.1)
    np.testing.assert_allclose(inside["upper"] - inside["lower"], 2 * conformal_radius(errors[:1], 0.1)[0])


def test_conformal_steps_count_from_the_last_observation(fitted, sales):
    gap = sales[:123].copy()
    gap.iloc[120:] = np.nan
    after = fitted.apply(gap)
    pred = after.get_forecast(2, method="conformal")
    errors = calibration_errors(calibrate(after._results), 5)
    np.testing.assert_allclose(pred.conf_int(0.2)["upper"] - pred.predicted_mean, conformal_radius(errors[3:], 0.2))
    dynamic = fitted.get_prediction("2010-07", "2010-10", dynamic=True, method="conformal").se_mean
    np.testing.assert_allclose(dynamic, fitted.get_forecast(4, method="conformal").se_mean)


def test_conformal_with_gaps_and_exogenous_values(gappy):
    results, future = gappy
    frame = results.get_forecast(3, exog=future, method="conformal").summary_frame(0.2)
    assert np.isfinite(frame).all(axis=None)


def test_parameters_that_were_given_are_not_estimated_for_the_calibration(sales):
    results = ParaRNN(sales, units=()).evaluate([0.0, 0.5])
    errors = calibration_errors(calibrate(results._results), 1)[0]
    np.testing.assert_allclose(errors, results.resid[-len(errors) :])


def test_extended_results_are_calibrated_on_all_they_have(fitted, sales):
    extended = fitted.extend(sales[120:])
    errors = calibration_errors(calibrate(extended._results), 1)[0]
    np.testing.assert_allclose(errors, extended.resid)


def test_conformal_refuses_short_samples(fitted, sales):
    with pytest.raises(ValueError, match="it has no error of a forecast 40 steps ahead; pass a longer series"):
        fitted.get_forecast(60, method="conformal")
    short = ParaRNN(sales[:30], units=()).fit()
    with pytest.raises(ValueError, match="alpha=0.05 needs 19 calibration errors"):
        short.get_forecast(1, method="conformal").conf_int()
    assert np.isfinite(short.get_forecast(1, method="conformal").conf_int(0.5)).all(axis=None)
    tiny = ParaRNN(sales[:5], lags=2, units=(1,)).fit(n_starts=1, penalty=1.0)
    with pytest.raises(ValueError, match="method='conformal' sets the last third .*; pass a longer series"):
        tiny.get_forecast(1, method="conformal")


@pytest.mark.parametrize("method", ["exact", "conformal"])
def test_an_average_has_paths_only(sales, method):
    from pararnn_ts.selection import select_order

    average = select_order(sales, max_lags=1, max_linear_lags=1, max_units=0).average()
    with pytest.raises(ValueError, match="method must be one of 'bootstrap', 'gaussian', 'simulated', but is"):
        average.get_forecast(2, method=method)


@pytest.mark.parametrize("method", ["bootstrap", "gaussian", "conformal"])
def test_coverage(tanh_series, method):
    """The true process is in the model class; nine of ten observations lie in the nine-in-ten interval."""
    inside = []
    for seed in range(60):
        y = tanh_series(256, seed)
        results = ParaRNN(y[:250], lags=2, units=(1,)).fit(n_starts=2)
        bounds = results.get_forecast(6, method=method, n_sims=300, rng=seed).conf_int(0.1)
        inside.append((bounds[:, 0] <= y[250:]) & (y[250:] <= bounds[:, 1]))
    assert 0.84 < np.mean(inside) < 0.95


# --------------------------------------------------------------------------------------------- missing values inside


@pytest.mark.parametrize(
    ("method", "param_uncertainty"), [("exact", False), ("exact", True), ("bootstrap", False), ("gaussian", False)]
)
def test_a_sample_that_ends_in_a_gap_is_a_shorter_sample_and_its_forecast(linear, sales, method, param_uncertainty):
    y = sales.to_numpy()[:120].copy()
    y[100:] = np.nan
    options = {"method": method, "rng": 0, "param_uncertainty": param_uncertainty}
    gap, cut = linear.apply(y), linear.apply(y[:100])
    inside = gap.get_prediction(90, 119, **options).summary_frame(0.5)
    forecast = cut.get_prediction(90, 119, **options).summary_frame(0.5)
    pd.testing.assert_frame_equal(inside, forecast)


def test_the_variance_grows_inside_a_gap_and_falls_back_after_it(sales):
    """As in the Kalman filter of an autoregression of order one, whose only memory is the last value."""
    y = sales.to_numpy()[:60].copy()
    y[[20, 30, 31, 32]] = np.nan
    arima = ARIMA(y, order=(1, 0, 0), trend="n").fit()
    phi = arima.params[0]
    ours = ParaRNN(y, units=(), trend="n").evaluate([phi]).get_prediction(15, 40, method="exact")
    theirs = arima.get_prediction(15, 40)
    np.testing.assert_allclose(ours.se_mean / ours.se_mean[0], theirs.se_mean / theirs.se_mean[0], rtol=1e-8)
    np.testing.assert_allclose(ours.predicted_mean, theirs.predicted_mean, rtol=1e-8)


def test_conformal_rows_in_a_gap_are_as_many_steps_ahead_as_they_are(gappy):
    results, _ = gappy
    se = results.get_prediction(38, 46, method="conformal").se_mean.to_numpy()
    errors = calibration_errors(calibrate(results._results), 4)
    by_step = np.sqrt(np.nanmean(errors**2, axis=1))
    np.testing.assert_allclose(se, by_step[[0, 0, 0, 1, 2, 3, 0, 0, 0]])
