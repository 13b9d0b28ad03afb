"""
What statsmodels' state space tests assert of simulation, prediction and impulse responses, asserted of our models.

The models are autoregressions, where both packages condition on the same past once the first rows are over; each fact
is that of the test named beside it.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter
from statsmodels.tsa.statespace.sarimax import SARIMAX

from pararnn_ts.models.pararnn import ParaRNN

MONTHS = pd.date_range("2000-01-31", periods=40, freq="ME")


def autoregression(y, x=None, *, coefficients, **options):
    """A linear model at given parameters: deterministic terms, direct lags, exogenous columns."""
    options = {"trend": "n", "units": (), **options}
    return ParaRNN(y, x, **options).evaluate(coefficients)


# ------------------------------------------------------------------------------------------- test_simulate.py


def test_simulation_from_the_end_without_shocks():
    """test_sarimax_end_time_invariant_noshocks"""
    results = autoregression(np.arange(1.0, 11.0), coefficients=[0.5])
    actual = results.simulate(10, anchor="end", random_errors=np.zeros(10))
    assert_allclose(actual, 10 * 0.5 ** np.arange(1, 11))
    assert_allclose(actual, results.forecast(10))


def test_simulation_from_the_end_with_shocks():
    """test_sarimax_time_invariant_shocks"""
    shocks = np.arange(1.0, 11.0)
    results = autoregression(np.arange(1.0, 11.0), coefficients=[0.5])
    actual = results.simulate(10, anchor="end", random_errors=shocks)
    assert_allclose(actual, lfilter([1], [1, -0.5], shocks, zi=[5.0])[0])


def test_simulation_with_a_trend_goes_on_with_it():
    """test_sarimax_time_varying_trend_noshocks; the trend is 1 in our first row, in theirs in the second"""
    results = autoregression(np.arange(1.0, 11.0), trend="t", coefficients=[1.0, 0.2])
    actual = results.simulate(10, anchor="end", random_errors=np.zeros(10))
    assert_allclose(actual, lfilter([1], [1, -0.2], np.arange(11.0, 21.0), zi=[2.0])[0])
    assert_allclose(actual, results.forecast(10))


def test_simulation_with_exogenous_values_needs_those_of_the_future():
    """test_sarimax_time_varying_exog_noshocks"""
    x = np.arange(1.0, 21.0)[:, None] ** 2
    results = autoregression(np.arange(1.0, 11.0), x[:10], coefficients=[0.2, 1.0])
    actual = results.simulate(10, anchor="end", random_errors=np.zeros(10), exog=x[10:])
    assert_allclose(actual, lfilter([1], [1, -0.2], x[10:, 0], zi=[2.0])[0])
    assert_allclose(actual, results.forecast(10, exog=x[10:]))
    with pytest.raises(ValueError, match="exog"):
        results.simulate(10, anchor="end")


@pytest.mark.parametrize("labels", [pd.RangeIndex(40), MONTHS, MONTHS.to_period()], ids=["counter", "dates", "periods"])
def test_simulations_have_the_labels_of_their_rows(labels):
    """test_pandas_univariate_rangeindex, ..._dateindex, ..._repetitions"""
    y = np.zeros(39)
    y[0] = 1.0  # a constant series would be refused
    results = autoregression(pd.Series(y, labels[:39], name="sales"), coefficients=[0.5])
    path = results.simulate(3, random_errors=np.zeros(3))
    assert path.index.equals(labels[1:4]) and path.name == "sales"
    assert_allclose(path, [0.5, 0.25, 0.125])
    assert results.simulate(2, anchor=38, random_errors=np.zeros(2)).index.equals(labels[38:])
    several = results.simulate(2, 3, anchor=38, random_errors=np.zeros((2, 3)))
    assert several.index.equals(labels[38:]) and several.shape == (2, 3)
    assert_allclose(several, 0.0)


def test_anchors_may_be_positions_from_the_end_and_dates():
    """test_pandas_anchor"""
    y = pd.Series(np.random.default_rng(0).standard_normal(40), MONTHS)
    results = autoregression(y, coefficients=[0.5])
    desired = results.simulate(4, anchor=39, random_errors=np.zeros(4))
    assert desired.iloc[0] == 0.5 * y.iloc[38]
    for anchor in (MONTHS[39], -1, "2003-04", np.int64(39)):
        actual = results.simulate(4, anchor=anchor, random_errors=np.zeros(4))
        pd.testing.assert_series_equal(actual, desired)


# ------------------------------------------------------------------------------------------ test_prediction.py


@pytest.mark.parametrize("use_exog", [False, True])
@pytest.mark.parametrize("trend", ["n", "c", "t"])
def test_missing_values_at_the_end_are_predicted_as_forecasts(use_exog, trend):
    """test_concatenated_predict_sarimax: missing values at the end are predicted as if they were ahead."""
    y, x = np.sqrt(np.arange(100.0)), np.ones((100, 1)) if use_exog else None
    if x is not None:
        x[10:30] = 2.0
    coefficients = [0.1] * (trend != "n") + [0.5] + [1.2] * use_exog
    gap = y.copy()
    gap[-50:] = np.nan
    options = {"trend": trend, "diff": 1, "coefficients": coefficients}
    whole = autoregression(gap, x, **options)
    part = autoregression(y[:50], None if x is None else x[:50], **options)
    p1 = whole.get_prediction(method="exact").summary_frame()
    p2 = part.get_prediction(0, 99, exog=None if x is None else x[50:], method="exact").summary_frame()
    pd.testing.assert_frame_equal(p1, p2)
    assert_allclose(whole.fittedvalues[50:], part.forecast(50, exog=None if x is None else x[50:]))


def test_predictions_have_the_dates_of_the_sample_and_beyond():
    """test_predict_dates"""
    index = pd.date_range("1950-01-01", periods=11, freq="D")
    y = pd.Series(np.random.default_rng(0).standard_normal(10), index[:-1])
    for options in ({"diff": 0}, {"diff": 1}, {"diff": 2, "seasonal_diff": 1, "period": 4}):
        results = autoregression(y, coefficients=[0.3], **options)
        assert results.predict().index.equals(index[:-1])
        assert results.forecast().index.equals(index[-1:])
        assert results.predict(end=index[-1]).index.equals(index)


@pytest.mark.parametrize("begin", [3, "2002-01-31", MONTHS[24], True])
def test_dynamic_predictions_are_those_of_the_state_space_model(begin):
    y = pd.Series(np.random.default_rng(0).standard_normal(40), MONTHS)
    ours = autoregression(y, lags=2, coefficients=[0.5, -0.3])
    theirs = SARIMAX(y, order=(2, 0, 0)).filter([0.5, -0.3, ours.scale])
    options = {"start": MONTHS[20], "end": pd.Timestamp("2003-07-31"), "dynamic": begin}
    actual, desired = ours.get_prediction(**options, method="exact"), theirs.get_prediction(**options)
    pd.testing.assert_series_equal(actual.predicted_mean, desired.predicted_mean, check_freq=False, check_names=False)
    assert_allclose(actual.se_mean, desired.se_mean)
    assert_allclose(actual.conf_int(0.1), desired.conf_int(alpha=0.1))


# ------------------------------------------------------------------------------------ test_impulse_responses.py


def test_impulse_responses_are_counted_from_zero_and_not_dated():
    """test_pandas_univariate_rangeindex, test_pandas_univariate_dateindex"""
    for labels in (pd.RangeIndex(40), MONTHS):
        y = pd.Series(np.arange(40.0), labels)
        response = autoregression(y, coefficients=[0.5]).impulse_responses(2)
        assert_allclose(response, [1.0, 0.5, 0.25])
        assert response.index.equals(pd.RangeIndex(3))


@pytest.mark.parametrize("order", [(1, 0, 0), (2, 1, 0), (1, 2, 0)])
def test_impulse_responses_of_autoregressions(order):
    """test_sarimax"""
    coefficients = [0.5, -0.3][: order[0]]
    y = np.random.default_rng(0).standard_normal(40).cumsum()
    ours = autoregression(y, lags=order[0], diff=order[1], coefficients=coefficients)
    assert_allclose(ours.impulse_responses(10), SARIMAX(y, order=order).impulse_responses([*coefficients, 1.0], 10))
    assert_allclose(
        ours.impulse_responses(10, cumulative=True),
        SARIMAX(y, order=order).impulse_responses([*coefficients, 1.0], 10, cumulative=True),
    )


def test_histories_may_be_positions_from_the_end_and_dates():
    """test_pandas_anchor"""
    y = pd.Series(np.random.default_rng(0).standard_normal(40), MONTHS)
    results = ParaRNN(y, units=(1,)).evaluate([0.0, -0.3, 0.4, 1.0, 0.1, 1.2])
    desired = results.impulse_responses(4, 2.0, history=30)
    for history in (MONTHS[30], -10, "2002-07"):
        pd.testing.assert_series_equal(results.impulse_responses(4, 2.0, history=history), desired)
    assert np.abs(desired - results.impulse_responses(4, -2.0, history=30)).max() > 1e-3
