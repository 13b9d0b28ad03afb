"""append, extend and apply agree wherever they say the same."""

import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.models.lstm import LSTM
from pararnn_ts.models.pararnn import ParaRNN


def same(a, b):
    np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), atol=1e-12, equal_nan=True)


def test_append_is_apply_to_the_joined_sample(fitted, sales):
    appended, applied = fitted.append(sales[120:]), fitted.apply(sales)
    pd.testing.assert_series_equal(appended.fittedvalues, applied.fittedvalues)
    assert appended.llf == applied.llf
    pd.testing.assert_frame_equal(appended.cov_params(), fitted.cov_params())
    assert appended.scale == fitted.scale
    assert np.isnan(appended.log_evidence)
    assert "estimated on another sample" in appended.cov_kwds["description"]
    pd.testing.assert_series_equal(appended.fittedvalues[:120], fitted.fittedvalues)


def test_appended_fitted_values_are_one_step_forecasts(fitted, sales):
    appended = fitted.append(sales[120:])
    first = fitted.forecast(1)
    assert appended.fittedvalues[120:121].equals(first.rename(None)) or np.isclose(
        appended.fittedvalues.iloc[120], first.iloc[0]
    )
    assert np.isclose(appended.fittedvalues.iloc[121], fitted.append(sales[120:121]).forecast(1).iloc[0])


def test_extend_is_the_tail_of_append(fitted, sales):
    appended, extended = fitted.append(sales[120:]), fitted.extend(sales[120:])
    pd.testing.assert_series_equal(extended.fittedvalues, appended.fittedvalues[120:])
    pd.testing.assert_series_equal(extended.resid, appended.resid[120:])
    pd.testing.assert_series_equal(extended.forecast(5), appended.forecast(5))
    assert extended.nobs == 12
    np.testing.assert_allclose(extended.components.sum(axis=1), extended.fittedvalues, atol=1e-12)


@pytest.mark.parametrize("name", ["fitted", "differenced", "linear"])
def test_extending_step_by_step_is_extending_at_once(request, sales, name):
    results = request.getfixturevalue(name)
    new = sales.cumsum()[120:] if name == "differenced" else sales[120:]
    new = new.to_numpy() if name == "linear" else new
    at_once = results.extend(new)
    step, fitted = results, []
    for t in range(len(new)):
        step = step.extend(new[t : t + 1])
        fitted.append(np.asarray(step.fittedvalues)[0])
    same(fitted, at_once.fittedvalues)
    same(step.forecast(4), at_once.forecast(4))
    same(results.extend(new[:5]).append(new[5:]).fittedvalues, at_once.fittedvalues)


def test_trend_and_gaps_go_on(gappy, sales):
    results, future = gappy
    new = sales[120:128].copy()
    new.iloc[[0, 3, 7]] = np.nan
    appended, extended = results.append(new, exog=future), results.extend(new, exog=future)
    same(extended.fittedvalues, appended.fittedvalues[120:])
    same(extended.forecast(3, exog=future), appended.forecast(3, exog=future))


def in_a_file(results, remove_data=False):
    file = io.BytesIO()
    results.save(file, remove_data)
    file.seek(0)
    return prt.load(file)


def without_data(results):
    results.remove_data()
    return pickle.loads(pickle.dumps(results))


@pytest.mark.filterwarnings("ignore:The best start did not converge")
@pytest.mark.parametrize("model", [ParaRNN, LSTM])
@pytest.mark.parametrize(
    "kept",
    [lambda results: results, in_a_file, lambda results: in_a_file(results, remove_data=True), without_data],
    ids=["as it is", "in a file", "without data, in a file", "without data"],
)
def test_a_gap_at_the_end_of_the_sample_goes_on_in_what_extends_it(sales, model, kept):
    """What is known of the series is as little, and intervals are as wide, in however many parts it comes."""
    x = pd.DataFrame({"price": np.sin(np.arange(132.0))}, sales.index)
    y = sales.copy()
    y.iloc[114:123] = np.nan
    options = {"units": (2,)} if model is ParaRNN else {"hidden": 1}
    results = model(sales[:110], x[:110], trend="ct", **options).fit(n_starts=2, penalty=1.0)
    step = results
    for first, stop in ((110, 116), (116, 117), (117, 121), (121, 122), (122, 126)):
        step = step.extend(y[first:stop], x[first:stop])
        whole = results.append(y[110:stop], x[110:stop])
        new = slice(-len(step.fittedvalues), None)
        errors = [one.get_prediction(n_sims=50, rng=0).se_mean[new] for one in (step, whole)]
        np.testing.assert_allclose(*errors, rtol=1e-10)
        tables = [one.get_components(n_sims=50, rng=0, param_uncertainty=False)[new] for one in (step, whole)]
        errors = [table["linear", "mean_se"] for table in tables]
        np.testing.assert_allclose(*errors, rtol=1e-10, atol=1e-14)
        future = x[stop : stop + 3]
        frames = [one.get_forecast(3, future, n_sims=50, rng=0).summary_frame() for one in (kept(step), whole)]
        pd.testing.assert_frame_equal(*frames)
        if step.data_removed:  # with those of the model
            step = results.extend(y[110:stop], x[110:stop])


def test_conformal_errors_begin_after_an_observation_also_where_the_sample_begins_after_a_gap(fitted, sales):
    gap = sales[120:121] * np.nan
    ahead = [results.extend(sales[121:]).get_forecast(2, method="conformal") for results in
             (fitted.append(gap), fitted.append(sales[120:121]))]  # fmt: skip
    assert [one._errors.shape[1] for one in ahead] == [10, 11]


@pytest.mark.filterwarnings("ignore:The best start did not converge")
@pytest.mark.parametrize("options", [{"units": (1,)}, {"units": (1,), "diff": 1}])
def test_a_single_row_has_numbers_and_features(sales, options):
    results = ParaRNN(sales[:120], **options).fit(n_starts=2)
    row = results.extend(sales[120:121])
    assert row.fittedvalues.dtype == row.resid.dtype == float
    pd.testing.assert_series_equal(row.fittedvalues, results.extend(sales[120:122]).fittedvalues[:1])
    assert row.components.shape[0] == row.recurrence_features.shape[0] == 1
    assert np.isfinite(row.recurrence_features["gain"]).all()


@pytest.mark.parametrize("values", [[7.0], [7.0, 7.0], [np.nan], [np.nan, 7.0]])
def test_the_summary_of_rows_that_do_not_vary_says_nothing_of_their_digits(sales, values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = ParaRNN(sales[:120], units=()).fit().extend(values).summary().as_text()
    assert "digits" not in text


def test_an_array_model_keeps_its_place_in_time(sales):
    y = np.arange(132) * 0.1 + sales.to_numpy()
    results = ParaRNN(y[:120], units=(1,), trend="ct", seasonal=True, period=12).fit(n_starts=2)
    appended, extended = results.append(y[120:]), results.extend(y[120:])
    assert isinstance(extended.fittedvalues, np.ndarray)
    same(extended.fittedvalues, appended.fittedvalues[120:])
    same(extended.forecast(13), appended.forecast(13))


def test_a_single_number_may_be_appended(fitted, sales):
    same(fitted.append(sales.iloc[120]).fittedvalues, fitted.append(sales[120:121]).fittedvalues)


@pytest.mark.parametrize("with_exog", [False, True])
def test_extending_runs_along_the_new_rows_only(sales, with_exog):
    """Rows are counted, not seconds: as many after 40 observations as after 120."""
    rows = []

    class Counting(ParaRNN):
        def path(self, params, y=None, *args, **kwargs):
            rows.append(self.nobs if y is None else len(y))
            return super().path(params, y, *args, **kwargs)

    x = pd.DataFrame({"x": np.cos(np.arange(132.0))}, sales.index) if with_exog else None
    counts = []
    for n in (40, 120):
        past, new, ahead = (None,) * 3 if x is None else (x[:n], x[n : n + 3], x[n + 3 : n + 5])
        results = Counting(sales[:n], past, lags=2, units=(1,)).fit(n_starts=1)
        results.forecast(1, exog=new)  # where the sample ends is worked out once
        rows.clear()
        extended = results.extend(sales[n : n + 3], exog=new)
        assert extended.model.nobs == extended.nobs == len(extended.model._det) == 3
        extended.forecast(2, exog=ahead)
        counts.append(list(rows))
    # two values of history before the three new ones
    assert counts == [[5], [5]]


def test_intervals_after_extending_use_the_shocks_of_the_fit(fitted, sales):
    extended = fitted.extend(sales[120:122])
    np.testing.assert_array_equal(extended.shocks, fitted.shocks)
    frames = [results.get_forecast(4, rng=0).summary_frame() for results in (extended, fitted.append(sales[120:122]))]
    pd.testing.assert_frame_equal(*frames)


def test_a_formula_that_looks_back_sees_the_rows_that_extend_the_sample(sales):
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"sales": sales, "price": rng.standard_normal(len(sales))})
    results = ParaRNN.from_formula("sales ~ lag(price, 2)", data[:120], units=(1,)).fit(n_starts=2)
    appended, extended = results.append(data[120:124]), results.extend(data[120:123]).extend(data[123:124])
    same(extended.forecast(8, exog=data[124:]), appended.forecast(8, exog=data[124:]))
    results.remove_data()
    same(results.extend(data[120:124]).forecast(8, exog=data[124:]), appended.forecast(8, exog=data[124:]))


def test_refitting_estimates_anew(sales):
    results = ParaRNN(sales[:100], units=(1,)).fit(n_starts=2)
    refitted = results.append(sales[100:], refit=True)
    assert refitted.nobs == 131
    assert not np.allclose(refitted.params, results.params)
    fresh = ParaRNN(sales, units=(1,)).fit(start_params=results.params)
    np.testing.assert_allclose(refitted.params, fresh.params)
    ridge = results.append(sales[100:], refit=True, fit_kwargs={"penalty": 5.0})
    assert ridge.details.penalty == 5.0


def test_new_observations_must_follow(fitted, sales):
    with pytest.raises(ValueError, match="must continue the sample at 2011-01"):
        fitted.append(sales[122:])


def test_removed_results_can_be_extended(sales):
    results = ParaRNN(sales[:120], units=(1,)).fit(n_starts=2)
    expected = results.extend(sales[120:]).fittedvalues
    results.remove_data()
    pd.testing.assert_series_equal(results.extend(sales[120:]).fittedvalues, expected)
    with pytest.raises(RuntimeError, match="data of these results were removed"):
        results.append(sales[120:])


def test_misuse_is_refused(fitted, sales):
    with pytest.raises(ValueError, match="fit_kwargs are options of refit=True"):
        fitted.append(sales[120:], fit_kwargs={"maxiter": 3})
    with pytest.raises(ValueError, match="refit=True needs the sample from its beginning"):
        fitted.extend(sales[120:125]).append(sales[125:], refit=True)
    with pytest.raises(ValueError, match="param_uncertainty=True needs the sample from its beginning"):
        fitted.extend(sales[120:]).get_forecast(2, param_uncertainty=True)
    with pytest.raises(TypeError, match="endog must be a Series.*, not NoneType"):
        fitted.append(None)


def test_parameters_apply_to_any_sample_that_has_the_rows_before_the_first_prediction(sales, fitted):
    shortest = fitted.apply(sales[:2])
    assert shortest.nobs == 0
    same(shortest.forecast(1), fitted.fittedvalues[2:3])
    with pytest.raises(ValueError, match="averages over the rows that are predicted, but the 2 rows"):
        shortest.recurrence_features  # noqa: B018
    with pytest.raises(ValueError, match="endog has 1 rows, but the model needs 2 before the first"):
        fitted.apply(sales[:1])
    with pytest.raises(ValueError, match="endog has no observations: all of its 132 values are missing"):
        fitted.apply(sales * np.nan)


def test_refitting_keeps_parameters_that_are_held(sales):
    model = ParaRNN(sales[:120], units=(), lags=2)
    with model.fix_params({"linear.sales.L2": -0.5}):
        results = model.fit(penalty=0)
    longer = results.append(sales[120:], refit=True)
    assert longer.params["linear.sales.L2"] == -0.5
    assert longer.params["linear.sales.L1"] != results.params["linear.sales.L1"]
