"""Predictions are the recursion; intervals are quantiles of what may happen."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.tools.sm_exceptions import OutputWarning
from statsmodels.tsa.ar_model import AutoReg

from pararnn_ts.models.pararnn import ParaRNN


def test_in_sample_predictions_are_the_fitted_values(fitted):
    pd.testing.assert_series_equal(fitted.predict(), fitted.fittedvalues, check_names=False)
    pd.testing.assert_series_equal(
        fitted.predict("2003", "2003-04"), fitted.fittedvalues["2003-01":"2003-04"], check_names=False
    )


@pytest.mark.parametrize("name", ["fitted", "differenced", "linear"])
def test_predicting_a_range_is_predicting_its_parts(request, name):
    results = request.getfixturevalue(name)
    whole = np.asarray(results.predict(100, 130))
    parts = np.concatenate([results.predict(100, 119), results.predict(120, 125), results.predict(126, 130)])
    np.testing.assert_array_equal(whole, parts)
    np.testing.assert_array_equal(whole[20:], results.forecast(11))


def test_dynamic_predictions_forget_the_observations(fitted, sales):
    """They are the forecasts of the same parameters on the sample cut short."""
    dynamic = fitted.predict("2009-01", "2010-06", dynamic="2010-01")
    cut = fitted.apply(sales[:"2009-12"])
    pd.testing.assert_series_equal(dynamic["2010-01":], cut.forecast(6))
    pd.testing.assert_series_equal(dynamic[:"2009-12"], fitted.fittedvalues["2009-01":"2009-12"], check_names=False)


def test_dynamic_intervals_are_simulated(fitted, sales):
    dynamic = fitted.get_prediction("2010-01", "2010-06", dynamic=True, method="gaussian", rng=3)
    cut = fitted.apply(sales[:"2009-12"])
    pd.testing.assert_frame_equal(
        dynamic.summary_frame(), cut.get_forecast(6, method="gaussian", rng=3).summary_frame()
    )


def test_steps_may_be_a_label(fitted):
    pd.testing.assert_series_equal(fitted.forecast("2011-03"), fitted.forecast(3))
    assert len(fitted.get_forecast("2011-03", n_sims=10).predicted_mean) == 3


def test_exogenous_values_are_matched_by_label_and_name(gappy):
    results, future = gappy
    shuffled = pd.DataFrame({"other": 1.0, "price": future["price"]})[::-1]
    pd.testing.assert_series_equal(results.forecast(5, exog=shuffled), results.forecast(5, exog=future))
    with pytest.raises(ValueError, match="exog"):
        results.forecast(5)


def test_in_sample_standard_errors(fitted):
    frame = fitted.get_prediction("2005-01", "2005-06", method="gaussian").summary_frame(0.05)
    np.testing.assert_allclose(frame["mean_se"], np.sqrt(fitted.scale))
    np.testing.assert_allclose(frame["mean_ci_upper"] - frame["mean"], stats.norm.ppf(0.975) * np.sqrt(fitted.scale))
    boot = fitted.get_prediction("2005-01", "2005-06").conf_int(0.2)
    np.testing.assert_allclose(boot["upper"] - frame["mean"], np.quantile(fitted.shocks, 0.9))
    assert len(fitted.get_prediction("2005-01", "2005-06").simulations) == 0


def test_linear_gaussian_forecasts_have_the_known_variance(linear, sales):
    theirs = AutoReg(sales.to_numpy()[:120], 2).fit().get_prediction(120, 125)
    ours = linear.get_forecast(6, method="gaussian", n_sims=20_000, rng=0)
    np.testing.assert_allclose(ours.predicted_mean, theirs.predicted_mean, atol=1e-6)
    # statsmodels divides the sum of squares by the number of observations
    inflation = np.sqrt(118 / 115)
    np.testing.assert_allclose(ours.se_mean, theirs.se_mean * inflation, rtol=0.02)


def test_same_rng_same_numbers(fitted):
    for method in ("bootstrap", "gaussian"):
        first, second, other = (fitted.get_forecast(4, method=method, n_sims=40, rng=seed) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(first.simulations, second.simulations)
        assert not first.simulations.equals(other.simulations)
    generator = np.random.default_rng(1)
    pd.testing.assert_frame_equal(fitted.get_forecast(4, n_sims=40, rng=generator).simulations,
                                  fitted.get_forecast(4, n_sims=40, rng=1).simulations)  # fmt: skip


def test_after_missing_values_at_the_end_the_first_step_is_uncertain_already(sales):
    y = sales[:120].copy()
    y.iloc[-3:] = np.nan
    results = ParaRNN(y, units=(1,)).fit(n_starts=2)
    pred = results.get_forecast(1, method="gaussian", n_sims=2000, rng=0)
    assert pred.se_mean.iloc[0] > 1.05 * np.sqrt(results.scale)


def test_uncertain_parameters_widen_the_forecast(sales):
    results = ParaRNN(sales[:40], units=(1,)).fit(n_starts=2)
    plain, wide = (
        results.get_forecast(1, n_sims=4000, rng=0, param_uncertainty=flag).se_mean.iloc[0] for flag in (False, True)
    )
    assert wide > plain


def test_an_explosive_forecast_is_announced(sales):
    model = ParaRNN(sales[:60], units=())
    results = model.evaluate([0.0, 3.0])
    with pytest.warns(OutputWarning, match="The forecast is explosive"):
        results.forecast(40)
    with pytest.warns(OutputWarning, match="simulated paths leave the range"):
        results.get_forecast(40, n_sims=20, rng=0)
    for call in (results.forecast, results.get_forecast):
        with pytest.raises(ValueError, match="leaves the range of numbers at step 64"):
            call(2000)
    assert any("explosive" in note for note in results.summary_facts["notes"])


def test_a_tame_forecast_is_not(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.get_forecast(200, n_sims=50, rng=0)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"method": "normal"}, "method must be one of 'bootstrap', 'gaussian', 'simulated', 'exact', 'conformal'"),
        ({"n_sims": 1}, "n_sims must be an integer of 2 or more"),
        ({"steps": 0}, "steps must be at least 1"),
    ],
)
def test_errors_name_the_argument(fitted, kwargs, message):
    with pytest.raises(ValueError, match=message):
        fitted.get_forecast(**{"steps": 2, **kwargs})


def test_alpha_must_be_a_probability(fitted):
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        fitted.get_forecast(1, n_sims=10).conf_int(5)


def test_labels_for_an_index_that_cannot_be_extended(tanh_series):
    y = pd.Series(tanh_series(7), [f"obs{i}" for i in range(7)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = ParaRNN(y, units=()).fit(penalty=1.0)
    with pytest.raises(ValueError, match="pass index"):
        results.forecast(2)
    assert list(results.forecast(2, index=["a", "b"]).index) == ["a", "b"]


def test_uncertain_parameters_need_the_covariance_of_all_of_them(sales):
    results = ParaRNN(sales[:60], units=()).fit(cov_type="none")
    with pytest.raises(ValueError, match="that of 2 is not known, the first const; pass param_uncertainty=False"):
        results.get_forecast(2, param_uncertainty=True)
