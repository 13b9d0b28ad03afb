"""Forecasters of sktime pass its own checks, and predict what the models behind them predict."""

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt

pytest.importorskip("sktime", reason="the forecasters need the extra sktime, which holds pandas below 3.1")

from sktime.forecasting.base import ForecastingHorizon
from sktime.utils.estimator_checks import check_estimator

from pararnn_ts.adapters.sktime import AutoParaRNNForecaster, ParaRNNForecaster

MONTHS = pd.period_range("2001-01", periods=90, freq="M")
RNG = np.random.default_rng(5)
X = pd.DataFrame({"x": RNG.standard_normal(90), "z": RNG.standard_normal(90)}, MONTHS)
Y = pd.Series(2.0 * np.tanh(X["x"].shift(1, fill_value=0.0)) + X["z"] + RNG.standard_normal(90), MONTHS, name="sales")
OPTIONS = {"lags": 2, "units": (1,), "trend": "ct"}
SAMPLE, STEPS = 80, [1, 2, 3]


def forecaster(**options):
    return ParaRNNForecaster(**{**OPTIONS, "n_starts": 2, **options})


@pytest.fixture(scope="module")
def results():
    return prt.ParaRNN(Y[:SAMPLE], X[:SAMPLE], **OPTIONS).fit(n_starts=2)


@pytest.fixture(scope="module")
def fitted():
    return forecaster(n_sims=200, random_state=0).fit(Y[:SAMPLE], X[:SAMPLE])


@pytest.mark.slow
@pytest.mark.parametrize("forecaster_class", [ParaRNNForecaster, AutoParaRNNForecaster])
def test_every_check_of_sktime_passes(forecaster_class):
    outcomes = check_estimator(forecaster_class, raise_exceptions=True, verbose=False)
    assert len(outcomes) > 700


def test_forecasts_are_those_of_the_model(fitted, results):
    expected = results.forecast(3, exog=X[SAMPLE:])
    found = fitted.predict(STEPS, X=X[SAMPLE:])
    pd.testing.assert_series_equal(found, expected, check_names=False, check_freq=False, check_exact=True)
    assert found.name == "sales"


@pytest.mark.parametrize("relative", [True, False])
def test_a_horizon_may_have_holes_and_reach_into_the_sample(fitted, results, relative):
    steps = [-79, -10, 0, 2, 5]
    fh = ForecastingHorizon(steps if relative else MONTHS[np.add(SAMPLE - 1, steps)], is_relative=relative)
    expected = results.predict(0, SAMPLE + 4, exog=X[SAMPLE:]).iloc[np.add(SAMPLE - 1, steps)]
    found = fitted.predict(fh, X=X[SAMPLE:])
    np.testing.assert_array_equal(found, expected)
    assert (found.index == expected.index).all()
    assert np.isnan(found.iloc[0])


@pytest.mark.parametrize("method", ["bootstrap", "gaussian", "conformal"])
def test_intervals_and_variances_are_those_of_the_model(results, method):
    settings = {"method": method, "n_sims": 200}
    found = forecaster(**settings, random_state=0).fit(Y[:SAMPLE], X[:SAMPLE])
    expected = results.get_forecast(3, exog=X[SAMPLE:], rng=0, **settings)
    intervals = found.predict_interval(STEPS, X=X[SAMPLE:], coverage=[0.5, 0.8])
    for coverage in (0.5, 0.8):
        np.testing.assert_allclose(intervals["sales", coverage], expected.conf_int(1 - coverage), rtol=1e-12)
    np.testing.assert_allclose(found.predict_var(STEPS, X=X[SAMPLE:])["sales"], expected.se_mean**2, rtol=1e-12)


def test_quantiles_are_those_of_the_simulated_paths(fitted, results):
    paths = results.get_forecast(3, exog=X[SAMPLE:], rng=0, n_sims=200).simulations
    levels = [0.05, 0.3, 0.5, 0.95]
    found = fitted.predict_quantiles(STEPS, X=X[SAMPLE:], alpha=levels)
    np.testing.assert_allclose(found, paths.quantile(levels, axis=1).T, rtol=1e-6)


@pytest.mark.parametrize("update_params", [True, False])
def test_an_update_is_an_append(fitted, results, update_params):
    longer = results.append(Y[SAMPLE:85], X[SAMPLE:85], refit=update_params)
    # observations of the sample come again, as they do in a sliding window
    found = fitted.clone().fit(Y[:SAMPLE], X[:SAMPLE]).update(Y[70:85], X[70:85], update_params=update_params)
    pd.testing.assert_series_equal(found.results_.params, longer.params, check_exact=True)
    np.testing.assert_array_equal(found.predict(STEPS, X=X[85:]), longer.forecast(3, exog=X[85:]))
    assert (longer.params == results.params).all() != update_params


def test_exogenous_values_are_matched_by_column_and_label(fitted):
    # other columns first, rows of the sample before those of the steps
    pd.testing.assert_series_equal(fitted.predict(STEPS, X=X[SAMPLE:]), fitted.predict(STEPS, X=X.iloc[:, ::-1]))
    with pytest.raises(ValueError, match="exog lacks 1 of the 3 periods to be forecast, the first 2007-09"):
        fitted.predict(STEPS, X=X[SAMPLE + 1 :])
    with pytest.raises(ValueError, match="exog is needed; pass the columns x, z of the model"):
        fitted.predict(STEPS)


def test_absent_dates_are_missing_values():
    absent = [20, 21, 50]
    missing = Y.copy()
    missing.iloc[absent] = np.nan
    with pytest.warns(UserWarning, match="3 labels were absent"):
        found = forecaster().fit(Y.drop(MONTHS[absent]))
    np.testing.assert_array_equal(found.predict([-60, 0, 1]), forecaster().fit(missing).predict([-60, 0, 1]))


def test_integer_labels_that_are_two_apart_are_not_mistaken_for_steps():
    found = forecaster().fit(pd.Series(Y.to_numpy(), np.arange(0, 180, 2)))
    np.testing.assert_array_equal(found.predict([2, 4]), found.results_.forecast(2))
    with pytest.raises(
        ValueError, match=r"labels that continue those of y, which are 2 apart; pass for example fh=\[2\]"
    ):
        found.predict([1, 2])


def test_the_automatic_forecaster_forecasts_as_the_chosen_model():
    options = {"max_lags": 1, "max_linear_lags": 2, "max_units": 1, "n_starts": 2}
    found = AutoParaRNNForecaster(**options).fit(Y[:SAMPLE], X[:SAMPLE])
    selection = prt.select_order(Y[:SAMPLE], X[:SAMPLE], **options)
    assert found.selection_.best == selection.best
    np.testing.assert_array_equal(found.predict(STEPS, X=X[SAMPLE:]), selection.results.forecast(3, exog=X[SAMPLE:]))


def test_fitted_parameters_are_those_of_the_results(fitted, results):
    expected = {**results.params, "bic": results.bic, "scale": results.scale}
    assert expected.items() <= fitted.get_fitted_params().items()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.predict([-SAMPLE]), "fh reaches back beyond the first observation, by 1"),
        (lambda f: f.predict_var([1], X=X[SAMPLE:], cov=True), "cov=True asks for covariances"),
    ],
)
def test_what_cannot_be_had_is_refused(fitted, call, message):
    with pytest.raises(ValueError, match=message):
        call(fitted)
