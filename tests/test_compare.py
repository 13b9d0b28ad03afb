"""Rolling forecasts, scores and criteria are what one computes by hand."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.tools.sm_exceptions import OutputWarning
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.structural import UnobservedComponents

from pararnn_ts import datasets
from pararnn_ts._compat import ValueWarning
from pararnn_ts.comparison import compare, rolling_forecast
from pararnn_ts.comparison.arma import order_of_integration, select_ar, select_arma
from pararnn_ts.comparison.inspection import describe, exog_columns
from pararnn_ts.comparison.sample import aligned, split_sample
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.scores import crps_gaussian, crps_sample, diebold_mariano
from pararnn_ts.selection import select_order


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_blas_thread():
        yield


@pytest.fixture(scope="module")
def lynx():
    return np.log10(datasets.load_lynx())


@pytest.fixture(scope="module")
def with_exog():
    rng = np.random.default_rng(1)
    x = pd.DataFrame({"a": rng.standard_normal(120), "b": rng.standard_normal(120)})
    y = pd.Series(0.0, pd.period_range("2001-01", periods=120, freq="M"), name="y")
    for t in range(1, 120):
        y.iloc[t] = 0.6 * y.iloc[t - 1] + x["a"].iloc[t] + 0.5 * rng.standard_normal()
    return y, x.set_index(y.index)


@pytest.fixture(scope="module")
def default(lynx):
    return compare(lynx, holdout=14)


def naive(endog, exog=None, lag=1):
    return ParaRNN(endog, units=(), lags=0, linear_lags=[lag], trend="n").evaluate([1.0])


def fitted(kind, y, x=None):
    if kind == "ARIMA":
        return ARIMA(y, x, order=(1, 0, 0)).fit()
    if kind == "AutoReg":
        return AutoReg(y, 2, exog=x).fit()
    if kind == "UnobservedComponents":
        return UnobservedComponents(y, "llevel", exog=x).fit(disp=False)
    return ParaRNN(y, x, lags=1, units=(1,)).fit(n_starts=2)


# ------------------------------------------------------------------------------------------------ rolling origin


@pytest.mark.parametrize("kind", ["ARIMA", "AutoReg", "UnobservedComponents", "ParaRNN"])
@pytest.mark.parametrize("exogenous", [False, True])
@pytest.mark.parametrize(("h", "step"), [(1, 1), (3, 2)])
def test_rolling_forecast_is_a_loop_of_append_and_forecast(kind, exogenous, h, step, with_exog):
    y, x = with_exog if exogenous else (with_exog[0], None)
    n = 108
    results = fitted(kind, y[:n], None if x is None else x[:n])
    found = rolling_forecast(results, y[n:], None if x is None else x[n:], h=h, step=step)
    rows = []
    for origin in range(n, 120, step):
        end = min(origin + h, 120)
        known = () if x is None else (x[n:origin],)
        current = results.append(y[n:origin], *known) if origin > n else results
        points = current.forecast(end - origin, **({} if x is None else {"exog": x[origin:end]}))
        rows += [(y.index[origin - 1], k + 1, y.index[origin + k], point) for k, point in enumerate(points)]
    expected = pd.DataFrame(rows, columns=["origin", "step", "target", "mean"])
    pd.testing.assert_frame_equal(found[["origin", "step", "target"]], expected[["origin", "step", "target"]])
    np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-8)
    np.testing.assert_array_equal(found["actual"], y.loc[found["target"]])


@pytest.mark.parametrize("given", ["dates", "periods", "text", "days", "array"])
@pytest.mark.parametrize("own", ["dates", "periods", "text"])
def test_origins_and_targets_have_labels_of_the_sample_whatever_those_of_new_observations(own, given):
    periods = pd.period_range("2001-01", periods=46, freq="M")
    dates = periods.to_timestamp()
    kinds = {"dates": dates, "periods": periods, "text": dates.strftime("%Y-%m-%d"), "days": pd.Index(dates.date)}
    values = np.sin(np.arange(46.0))
    results = ParaRNN(pd.Series(values[:40], kinds[own][:40]), units=()).fit()
    new = values[40:] if given == "array" else pd.Series(values[40:], kinds[given][40:])
    found, labels = rolling_forecast(results, new, h=2, step=2), results.append(new).fittedvalues.index
    assert found["target"].tolist() == labels[40:].tolist()
    assert found["origin"].tolist() == labels[[39, 39, 41, 41, 43, 43]].tolist()


@pytest.mark.parametrize("n", [4, 10])
def test_a_sample_that_is_numbered_goes_on_whatever_number_new_observations_begin_with(n):
    results = ParaRNN(pd.Series(np.sin(np.arange(40.0))), units=()).fit()
    found = rolling_forecast(results, pd.Series(np.cos(np.arange(n)), range(1960, 1960 + n)))
    assert found["origin"].tolist() == list(range(1959, 1959 + n))
    assert found["target"].tolist() == list(range(1960, 1960 + n))


@pytest.mark.parametrize("refit", [False, 3])
def test_a_model_made_from_a_formula_takes_raw_data_at_every_origin(refit):
    rng = np.random.default_rng(0)
    index = pd.period_range("2001-01", periods=66, freq="M")
    data = pd.DataFrame({"y": rng.normal(size=66), "price": rng.uniform(1.0, 2.0, 66)}, index)
    data["shop"] = rng.choice(["a", "b"], 66)
    formula = "y ~ np.log(price) + lag(price, 1) + C(shop)"
    results = ParaRNN.from_formula(formula, data[:60], units=()).fit()
    for new in ((data[60:],), (data["y"][60:], data[60:])):
        found = rolling_forecast(results, *new, h=2, step=2, refit=refit)
        current, means = results, []
        for origin in range(60, 66, 2):
            if refit and origin == 64:
                current = results.append(data[60:63], refit=True).append(data[63:64])
            elif origin > 60:
                current = results.append(data[60:origin])
            means += current.forecast(2, data[origin:]).tolist()
        np.testing.assert_allclose(found["mean"], means, rtol=1e-8)


@pytest.mark.parametrize("options", [{}, {"errors": "t"}, {"diff": 1}])
def test_distributions_of_each_origin_are_those_of_a_forecast_from_there(options, with_exog):
    """Also across gaps and before the end, where fewer steps are left."""
    y, x = with_exog[0].copy(), with_exog[1]
    y.iloc[[109, 112, 113]] = np.nan
    results = ParaRNN(y[:108], x[:108], units=(1,), **options).fit(n_starts=2)
    found = rolling_forecast(results, y[108:], x[108:], h=4, step=3, alpha=0.2, rng=5)
    rng = np.random.default_rng(5)
    for origin in range(108, 120, 3):
        end = min(origin + 4, 120)
        current = results.append(y[108:origin], x[108:origin]) if origin > 108 else results
        forecast = current.get_forecast(end - origin, x[origin:end], rng=rng)
        ours = found[found["origin"] == y.index[origin - 1]].set_index("target")
        table = forecast.summary_frame(0.2).rename_axis("target")
        np.testing.assert_allclose(ours[["mean", "se", "lower", "upper"]], table, rtol=1e-10)
        seen = y[origin:end].notna()
        score = crps_sample(y[origin:end][seen], forecast.simulations[seen], average=False)
        np.testing.assert_allclose(ours["crps"][seen], score, rtol=1e-10)
        assert ours.index.equals(y.index[origin:end]) and ours["crps"][~seen].isna().all()


@pytest.mark.parametrize("kind", ["ARIMA", "AutoReg", "ParaRNN"])
def test_a_series_needs_no_name(kind, lynx):
    named, unnamed = (rolling_forecast(fitted(kind, y[:100]), y[100:], h=2) for y in (lynx, lynx.rename(None)))
    pd.testing.assert_frame_equal(named, unnamed)


@pytest.mark.parametrize("kind", ["ARIMA", "ParaRNN"])
def test_refitting_takes_the_observations_up_to_the_origin(kind, lynx):
    results = fitted(kind, lynx[:100])
    found = rolling_forecast(results, lynx[100:], refit=5)
    for start in (0, 5, 10):
        current = results.append(lynx[100 : 100 + start], refit=True) if start else results
        expected = rolling_forecast(current, lynx[100 + start : 100 + start + 5])
        pd.testing.assert_frame_equal(found[start : start + 5].reset_index(drop=True), expected)


def test_refit_true_refits_at_every_origin(lynx):
    results = AutoReg(lynx[:100], 1).fit()
    found = rolling_forecast(results, lynx[100:104], refit=True)
    points = [AutoReg(lynx[:n], 1).fit().forecast(1).iloc[0] for n in range(100, 104)]
    np.testing.assert_allclose(found["mean"], points)


def test_forecasts_of_arrays_are_those_of_series(lynx):
    by_label = rolling_forecast(fitted("ParaRNN", lynx[:100]), lynx[100:], h=2)
    by_position = rolling_forecast(fitted("ParaRNN", lynx[:100].to_numpy()), lynx[100:].to_numpy(), h=2)
    numbers = ["step", "actual", "mean", "se", "lower", "upper", "crps"]
    pd.testing.assert_frame_equal(by_label[numbers], by_position[numbers])
    assert by_position["target"].tolist()[:3] == [100, 101, 101] and by_position["origin"].tolist()[:3] == [99, 99, 100]


def test_gaussian_forecasts_have_the_gaussian_score(lynx):
    found = rolling_forecast(fitted("ARIMA", lynx[:100]), lynx[100:], h=2)
    np.testing.assert_allclose(found["crps"], crps_gaussian(found["actual"], found["mean"], found["se"], average=False))


def test_a_model_that_gives_points_only_has_no_interval_and_no_score(lynx):
    class Last:
        def __init__(self, y):
            self.y = y

        def append(self, endog, exog=None, refit=False):
            return Last(pd.concat([self.y, endog]))

        def forecast(self, steps, exog=None):
            return np.full(steps, self.y.iloc[-1])

    found = rolling_forecast(Last(lynx[:100]), lynx[100:], h=2)
    np.testing.assert_array_equal(found["mean"][found["step"] == 1], lynx[99:-1])
    assert found[["se", "lower", "upper", "crps"]].isna().all(axis=None)


def test_exponential_smoothing_takes_part_as_the_docs_say(lynx):
    text = (Path(__file__).parents[1] / "docs" / "forecasts.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    results = names["Smoothing"](lynx[:100])
    found = rolling_forecast(results, lynx[100:106], h=2)
    for row in range(6):
        origin = ETSModel(lynx[: 100 + row], error="add", trend="add").smooth(results.results.params)
        expected = origin.forecast(min(2, 6 - row))
        np.testing.assert_allclose(found.loc[found["origin"] == expected.index[0] - 1, "mean"], expected)
    assert not rolling_forecast(results, lynx[100:106], refit=2)["mean"].isna().any()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"h": 0}, "h must"),
        ({"step": 1.5}, "step must"),
        ({"refit": -1}, "refit must"),
        ({"refit": pd.Series([1, 2])}, "but is a Series"),
        ({"h": pd.Series([1, 2])}, "but is a Series"),
        ({"alpha": 95}, "alpha must"),
        ({"progress": 2}, "progress must"),
    ],
)
def test_wrong_options_are_named(options, word, lynx):
    with pytest.raises((TypeError, ValueError), match=word):
        rolling_forecast(fitted("AutoReg", lynx[:100]), lynx[100:], **options)


def test_results_that_cannot_be_appended_are_refused(lynx):
    with pytest.raises(TypeError, match="append"):
        rolling_forecast(object(), lynx)


def test_a_model_is_fitted_before_its_origin_rolls(lynx):
    model = ParaRNN(lynx[:100], units=())
    pd.testing.assert_frame_equal(rolling_forecast(model, lynx[100:]), rolling_forecast(model.fit(), lynx[100:]))
    with pytest.raises(TypeError, match="type has no append"):
        rolling_forecast(ParaRNN, lynx[100:])


# -------------------------------------------------------------------------------------------------------- scores


def test_naive_scores_are_those_computed_by_hand(lynx):
    table = compare(lynx, holdout=14, models={"naive": naive}).table.loc["naive"]
    errors = lynx.diff()
    assert table["rmse"] == pytest.approx(np.sqrt((errors[100:] ** 2).mean()))
    assert table["mae"] == pytest.approx(errors[100:].abs().mean())
    assert table["mase"] == pytest.approx(errors[100:].abs().mean() / errors[1:100].abs().mean())
    assert table["nobs"] == 99 and table["k"] == 1


def test_seasonal_naive_scales_the_error_of_seasonal_series():
    y = datasets.load_nino()[:120]
    comparison = compare(y, holdout=24, models={"seasonal": lambda endog, exog: naive(endog, lag=12)})
    scale = (y[:96] - y[:96].shift(12)).abs().mean()
    assert comparison.period == 12
    assert comparison.table.loc["seasonal", "mase"] == pytest.approx((y - y.shift(12))[96:].abs().mean() / scale)


def test_criteria_are_those_autoreg_reports_on_the_same_rows(lynx):
    models = {"AR": AutoReg(lynx, 3, hold_back=5), "other": AutoReg(lynx, 1, hold_back=5)}
    comparison = compare(lynx, holdout=14, models=models)
    for name, results in comparison.results.items():
        row = comparison.table.loc[name]
        assert (row["llf"], row["aic"], row["bic"]) == pytest.approx((results.llf, results.aic, results.bic))


def test_criteria_are_those_pararnn_reports_on_the_same_rows(lynx):
    comparison = compare(lynx, holdout=14, models={"one": ParaRNN(lynx, lags=2, units=(1,))})
    results, row = comparison.results["one"], comparison.table.loc["one"]
    assert (row["aic"], row["bic"], row["nobs"]) == pytest.approx((results.aic, results.bic, results.nobs))
    assert row["log_evidence"] == results.log_evidence


def test_all_rows_are_judged_on_the_same_observations(lynx):
    models = {"AR(7)": AutoReg(lynx, 7), "d": ARIMA(lynx, order=(0, 1, 1)), "naive": naive}
    table = compare(lynx, holdout=14, models=models).table
    assert table["nobs"].tolist() == [93, 93, 93] and table["n_forecasts"].tolist() == [14, 14, 14]


def test_a_model_cannot_be_told_from_itself(lynx):
    table = compare(lynx, holdout=14, models={"a": AutoReg(lynx, 2), "b": AutoReg(lynx, 2)}).table
    assert np.isnan(table.loc["a", "dm_pvalue"]) and table.loc["b", "dm_pvalue"] == 1


def test_the_test_of_equal_accuracy_is_that_of_the_errors(lynx):
    comparison = compare(lynx, holdout=20, models={"AR": AutoReg(lynx, 2), "naive": naive}, horizon=2)
    chosen = comparison.forecasts[comparison.forecasts["step"] == 2].assign(error=lambda f: f["actual"] - f["mean"])
    errors = [part["error"].to_numpy() for _, part in chosen.groupby("model", sort=False)]
    assert comparison.table.loc["naive", "dm_pvalue"] == pytest.approx(diebold_mariano(*errors[::-1], horizon=2).pvalue)


def test_missing_observations_are_left_out_for_all_models(lynx):
    y = lynx.copy()
    y.iloc[[105, 110]] = np.nan
    models = {"ARMA": ARIMA(y, order=(2, 0, 0)), "naive": naive}
    comparison = compare(y, holdout=14, models=models)
    assert comparison.table["n_forecasts"].tolist() == [12, 12]
    assert comparison.table.loc["naive", "rmse"] == pytest.approx(np.sqrt(((y - y.ffill().shift())[100:] ** 2).mean()))
    assert np.isfinite(comparison.table.drop(columns=["log_evidence", "dm_pvalue"])).all(axis=None)
    assert "2 observations of the holdout that are missing" in " ".join(str(comparison).split())


def test_targets_that_one_model_does_not_forecast_are_left_out_for_all(lynx):
    class Gappy:
        def __init__(self, results):
            self.results, self.fittedvalues = results, results.fittedvalues

        def append(self, endog, exog=None, refit=False):
            return Gappy(self.results.append(endog))

        def forecast(self, steps, exog=None):
            value = self.results.forecast(steps)
            return value.where(value > 2.5)

    models = {"naive": naive, "gappy": lambda endog, exog: Gappy(naive(endog))}
    comparison = compare(lynx, holdout=14, models=models)
    count = int((lynx[99:-1] > 2.5).sum())
    assert 0 < count < 14 and comparison.table["n_forecasts"].tolist() == [count, count]
    assert comparison.table.loc["naive", "rmse"] == comparison.table.loc["gappy", "rmse"]
    assert f"{14 - count} observations that some do not forecast" in " ".join(str(comparison).split())


def test_scores_at_the_horizon_are_those_of_the_table(lynx):
    comparison = compare(lynx, holdout=14, models={"AR": AutoReg(lynx, 2), "naive": naive}, horizon=3)
    pd.testing.assert_frame_equal(
        comparison.by_step.loc[3], comparison.table[comparison.by_step.columns], check_names=False
    )
    assert comparison.by_step["n_forecasts"].loc[1].tolist() == [14, 14]


def test_refitting_leaves_models_without_estimates_alone(lynx):
    models = {"AR": AutoReg(lynx, 2), "naive": naive}
    once, often = (compare(lynx, holdout=14, models=models, refit_every=every).table for every in (None, 4))
    assert once.loc["naive", "rmse"] == often.loc["naive", "rmse"]
    assert once.loc["AR", "rmse"] != often.loc["AR", "rmse"]


# -------------------------------------------------------------------------------------------------- what is compared


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(100, 214),
        pd.RangeIndex(0, 1140, 10),
        pd.Index(range(100, 214)),
        pd.date_range("2001-01-31", periods=114, freq="ME"),
        pd.DatetimeIndex(pd.date_range("2001", periods=114).strftime("%Y-%m-%d")),
        pd.date_range("2024-10-01", periods=114, freq="h", tz="Europe/Berlin"),
        pd.period_range("1950Q1", periods=114, freq="Q"),
        None,
    ],
    ids=str,
)
def test_scores_do_not_depend_on_the_labels(index, lynx):
    y = lynx.to_numpy() if index is None else lynx.set_axis(index)
    models = {"AR": AutoReg(lynx, 2), "one": ParaRNN(lynx, units=(1,)), "naive": naive}
    found, expected = (compare(endog, holdout=14, models=models, horizon=2) for endog in (y, lynx))
    columns = ["nobs", "aic", "rmse", "mae", "crps", "coverage"]
    pd.testing.assert_frame_equal(found.table[columns], expected.table[columns])
    targets = found.forecasts.query("model == 'AR' and step == 1")["target"].tolist()
    assert targets == (list(range(100, 114)) if index is None else list(index[100:]))


def test_dates_of_an_array_are_those_of_a_series(lynx):
    models = {"AR": AutoReg(lynx, 2), "one": ParaRNN(lynx, units=(1,))}
    found = compare(lynx.to_numpy(), dates=lynx.index, holdout="1921", models=models)
    pd.testing.assert_frame_equal(found.forecasts, compare(lynx, holdout="1921", models=models).forecasts)
    with pytest.raises(ValueError, match=r"^dates has 113 labels"):
        compare(lynx.to_numpy(), dates=lynx.index[1:], holdout=14, models=models)


def test_a_frequency_that_labels_do_not_tell_can_be_given(lynx):
    stamps = lynx.set_axis(pd.DatetimeIndex(lynx.index.to_timestamp(), freq=None))[["1900", "1902", "1904", "1910"]]
    with pytest.warns(ValueWarning, match="inserted"):
        series, _ = aligned(stamps, freq="YS")
    assert series.index.freqstr == "YS-JAN" and len(series) == 11


@pytest.mark.parametrize("holdout", [14, np.int64(14), 14 / 114, "1921", pd.Period("1921", "Y")])
def test_a_holdout_can_be_said_in_several_ways(holdout, lynx):
    assert split_sample(lynx, None, holdout).n_train == 100


@pytest.mark.parametrize("holdout", [0, 114, -3, 1.5, 0.0, "2050", "nonsense", True, None, 100, pd.Series([1, 2])])
def test_a_holdout_that_makes_no_sense_is_refused(holdout, lynx):
    with pytest.raises((ValueError, TypeError), match=r"^holdout") as refused:
        split_sample(lynx, None, holdout)
    assert "\n" not in str(refused.value)


def test_models_are_made_again_for_the_sample_whatever_data_they_hold(lynx):
    def models(part):
        return {"AR": AutoReg(part, 2), "ARMA": ARIMA(part, order=(1, 0, 1)), "RNN": ParaRNN(part, units=(1,))}

    whole, half = (compare(lynx, holdout=14, models=models(part)) for part in (lynx, lynx[:60]))
    pd.testing.assert_frame_equal(whole.table.drop(columns="fit_time"), half.table.drop(columns="fit_time"))
    assert all(len(results.model.endog) == 100 for results in whole.results.values())


def test_each_model_gets_the_exogenous_columns_it_has(with_exog):
    y, x = with_exog
    models = {
        "both": ARIMA(y, x, order=(1, 0, 0)),
        "b": ARIMA(y, x[["b"]], order=(1, 0, 0)),
        "none": ARIMA(y, order=(1, 0, 0)),
        "AR": AutoReg(y, 1, exog=x[["a"]]),
        "RNN": ParaRNN(y, x[["a"]], units=(1,)),
        "function": lambda endog, exog: ARIMA(endog, exog[["a"]], order=(1, 0, 0)).fit(),
    }
    comparison = compare(y, x, holdout=20, models=models, horizon=2)
    assert comparison.table["rmse"].idxmax() in ("b", "none")
    by_hand = rolling_forecast(ARIMA(y[:100], x[:100], order=(1, 0, 0)).fit(), y[100:], x[100:], h=2)
    both = comparison.forecasts[comparison.forecasts["model"] == "both"]
    np.testing.assert_allclose(both["mean"], by_hand["mean"], rtol=1e-6)
    assert exog_columns(comparison.results["b"].model, x) == ["b"]


def test_rows_of_exog_are_matched_by_label(with_exog):
    y, x = with_exog
    shuffled = x.sample(frac=1, random_state=0)
    models = {"AR": AutoReg(y, 1, exog=x)}
    first, second = (compare(y, frame, holdout=20, models=models).forecasts for frame in (x, shuffled))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize(
    ("models", "word"),
    [
        ({}, "models must"),
        ({"a": 3}, "models"),
        ([1], "models must"),
        ({"a": lambda y, x: 3}, "'a'"),
        ("ARMA", "models"),
    ],
)
def test_models_that_are_none_are_refused_by_name(models, word, lynx):
    with pytest.raises((TypeError, ValueError), match=word):
        compare(lynx, holdout=14, models=models)


@pytest.mark.parametrize(
    ("name", "value"),
    [("horizon", 0), ("horizon", 15), ("refit_every", 0), ("horizon", 2.0), ("rng", "x"), ("progress", 1)],
)
def test_wrong_numbers_are_named(name, value, lynx):
    with pytest.raises((TypeError, ValueError), match=f"^{name}"):
        compare(lynx, holdout=14, models={"naive": naive}, **{name: value})


def test_warnings_of_a_model_are_told_in_the_summary_and_not_raised(lynx):
    def loud(endog, exog):
        warnings.warn("this was hard", UserWarning, stacklevel=1)
        return naive(endog)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = compare(lynx, holdout=14, models={"loud": loud})
    assert comparison.warnings == {"loud": ("this was hard",)} and "loud: this was hard" in str(comparison)


# ------------------------------------------------------------------------------------------------- default models


def test_default_models_are_those_promised(default):
    assert default.table.index.tolist() == ["ParaRNN", "Elman RNN", "ARMA", "AR", "naive"]
    assert default.reference == "ARMA" and np.isnan(default.table.loc["ARMA", "dm_pvalue"])
    assert default.table["nobs"].nunique() == 1 and (default.table["fit_time"] > 0).all()
    rnn, elman = default.results["ParaRNN"].model, default.results["Elman RNN"].model
    assert elman.hidden == (sum(rnn.units) or 2) and elman.linear_lags == rnn.linear_lags


def test_a_comparison_is_repeatable(default, lynx):
    again = compare(lynx, holdout=14)
    pd.testing.assert_frame_equal(default.forecasts, again.forecasts)
    pd.testing.assert_frame_equal(default.table.drop(columns="fit_time"), again.table.drop(columns="fit_time"))


def test_origins_with_the_same_warning_give_it_once(lynx):
    model = ParaRNN(lynx[:60], units=(), linear_lags=1, lags=0, trend="n")
    with pytest.warns(OutputWarning, match="The forecast is explosive") as caught:
        rolling_forecast(model.evaluate([1.5]), lynx[60:70], h=3)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_the_summary_names_models_reference_and_best(default):
    text = " ".join(str(default).split())
    best = default.table["rmse"].idxmin()
    assert all(name in text for name in default.table.index)
    if best == "ARMA":
        assert "No model has a smaller RMSE than ARMA" in text
    else:
        assert (
            f"{best} has the smallest RMSE, {1 - default.table['rmse'].min() / default.table['rmse']['ARMA']:.1%}"
            in text
        )
    for form in (default.summary().as_html(), default.summary().as_latex(), default._repr_html_()):
        assert all(name in form for name in default.table.index)


def test_models_that_are_the_same_share_what_is_said_of_the_best(lynx):
    # the noise of rounding must not choose between a model and one with a unit that does nothing
    same = {name: ParaRNN(lynx, units=(), lags=0, linear_lags=2) for name in ("one", "other")}
    comparison = compare(lynx, holdout=8, models={"naive": naive, **same}, horizon=8)
    comparison.table.loc["naive", ["rmse", "crps"]] = 9.0
    figures = ["rmse", "crps", "aic", "bic", "log_evidence"]
    comparison.table.loc["other", figures] += [-1e-9, 1e-9, -1e-6, 1e-6, -1e-6]
    text = " ".join(str(comparison).split())
    assert "one and other have the smallest RMSE" in text
    assert "AIC and BIC prefer one and other." in text
    assert "By CRPS" not in text
    assert "On the holdout: 1 forecast from" in text
    comparison.table.loc["naive", "rmse"] = comparison.table.loc["one", "rmse"]
    assert "No model has a smaller RMSE than naive" in " ".join(str(comparison).split())


def test_the_tables_of_the_summary_are_equally_wide(default):
    rules = {len(line) for line in str(default).splitlines() if set(line) == {"="}}
    assert len(rules) == 1


def test_no_neighbouring_order_has_a_smaller_aic(lynx):
    y = lynx[:60]
    best = select_arma(y, max_order=2)
    (p, d, q), trend = best.model.order, best.model.trend
    assert d == 0
    for i, j in [(p + 1, q), (p - 1, q), (p, q + 1), (p, q - 1)]:
        if 0 <= min(i, j) and max(i, j) <= 2:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                other = ARIMA(y, order=(i, d, j), trend=trend).fit()
            roots = np.concatenate([np.abs(1 / other.arroots), np.abs(1 / other.maroots)])
            assert (roots > 1 / 1.01).any() or best.aic <= other.aic + 1e-8


def test_differencing_is_chosen_for_a_random_walk_and_not_for_noise_around_regressors():
    rng = np.random.default_rng(0)
    walk = pd.Series(rng.standard_normal(200).cumsum(), name="y")
    assert order_of_integration(walk) == 1
    assert order_of_integration(walk.cumsum()) == 2
    assert order_of_integration(walk + rng.standard_normal(200), walk.to_frame("x")) == 0


def test_a_seasonal_lag_is_taken_where_there_is_a_season():
    rng = np.random.default_rng(0)
    y = pd.Series(rng.standard_normal(300))
    for t in range(20, 300):
        y.iloc[t] += 0.8 * y.iloc[t - 20]
    assert 20 in select_ar(y, max_lag=2, seasonal_lags=(20,)).model.ar_lags
    noise = pd.Series(rng.standard_normal(300))
    assert 20 not in (select_ar(noise, max_lag=2, seasonal_lags=(20,)).model.ar_lags or [])


def test_gaps_move_the_autoregression_to_exact_likelihood(lynx):
    y = lynx[:60].copy()
    y.iloc[30] = np.nan
    assert describe(select_ar(lynx)) == "AR(2), constant"
    assert describe(select_ar(y, max_lag=2)).startswith("ARMA(2,0)")


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (lambda y: ARIMA(y, order=(2, 1, 1), trend="t").fit(), "ARIMA(2,1,1), drift"),
        (lambda y: ARIMA(y, order=([1, 3], 0, 0)).fit(), "ARMA([1,3],0), constant"),
        (lambda y: ARIMA(y, order=(1, 0, 0), seasonal_order=(1, 0, 0, 4)).fit(), "ARIMA(1,0,0)(1,0,0)[4], constant"),
        (lambda y: AutoReg(y, [1, 2, 3, 7]).fit(), "AR([1-3,7]), constant"),
        (lambda y: AutoReg(y, 1, "ct", seasonal=True, period=4).fit(), "AR(1), constant and trend, seasonal dummies"),
        (
            lambda y: ParaRNN(y, lags=3, units=(2, 1), linear_lags=0).fit(n_starts=1),
            "units (2, 1), lags 1-3, linear lags none",
        ),
        (lambda y: UnobservedComponents(y, "llevel").fit(disp=False), "UnobservedComponents"),
        (
            lambda y: ParaRNN(y, units=(), trend="n", diff=2).fit(),
            "no units, linear lags 1, 2 differences, no constant",
        ),
        (
            lambda y: ParaRNN(y, units=(), trend="ct", seasonal=True, period=4).fit(),
            "no units, linear lags 1, constant and trend, seasonal dummies",
        ),
        (
            lambda y: ParaRNN(y, units=(), seasonal_diff=1, period=4).fit(),
            "no units, linear lags 1, 1 seasonal difference",
        ),
        (
            lambda y: select_order(y, max_lags=1, max_linear_lags=0, max_diff=0, max_units=0).average(),
            "average of 1 model",
        ),
    ],
)
def test_models_are_described_by_their_orders(results, words, lynx):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert describe(results(lynx[:60])) == words


def test_a_model_that_cannot_be_made_again_is_refused_with_a_reason():
    """ETSModel has a clone method that is not implemented, and results without append."""
    nile = datasets.load_nile()
    with pytest.raises(ValueError, match="'ets' could not be fitted \\(ETSModel cannot be applied to other data"):
        compare(nile, holdout=20, models={"ets": ETSModel(nile)})
    with pytest.raises(ValueError, match="'odd' could not be fitted \\(NotImplementedError\\)"):
        compare(nile, holdout=20, models={"odd": not_implemented})


def not_implemented(endog, exog):
    raise NotImplementedError


def test_the_notes_name_the_largest_log_evidence_where_criteria_prefer_another():
    nile = datasets.load_nile()
    models = {"linear": ParaRNN(nile, units=()), "unit": ParaRNN(nile, units=(1,)), "AR": AutoReg(nile, 1)}
    found = compare(nile, holdout=20, models=models)

    def notes(aic, evidence):
        changed = found.table.assign(aic=aic, bic=aic, log_evidence=evidence)
        return " ".join(str(replace(found, table=changed)).split())

    assert "prefer unit; of the log evidences that of linear is the largest." in notes([2, 1, 3], [-1, -2, np.nan])
    assert "prefer linear." in notes([1, 2, 3], [-1, -2, np.nan])
    assert "prefer AR." in notes([2, 3, 1], [-1, np.nan, np.nan])


def test_log_evidences_of_different_observations_are_not_ranked():
    nile = datasets.load_nile()
    short, long = (ParaRNN(nile, units=(), lags=1, linear_lags=1, hold_back=n) for n in (None, 20))
    said = {}
    for name, first in (("different", short), ("same", ParaRNN(nile, units=(), lags=1, linear_lags=1, hold_back=20))):
        found = compare(nile, holdout=20, models={"long": long, "first": first})
        table = found.table.assign(aic=[1, 2], bic=[1, 2], log_evidence=[-2, -1])
        said[name] = " ".join(str(replace(found, table=table)).split())
    assert "of the log evidences" not in said["different"] and "(long 60, first 79)" in said["different"]
    assert "of the log evidences that of first is the largest" in said["same"] and "hold_back" not in said["same"]


def test_one_model_is_preferred_to_no_other():
    nile = datasets.load_nile()
    linear = ParaRNN(nile, units=())
    alone = " ".join(str(compare(nile, holdout=20, models={"linear": linear})).split())
    assert "prefer" not in alone and "smaller RMSE" not in alone
    # an average has no number of parameters
    average = {"average": lambda y, x: select_order(y, max_lags=1, max_linear_lags=1, max_units=0).average()}
    two = compare(nile, holdout=20, models={"linear": linear, **average})
    assert "prefer" not in " ".join(str(two).split())
    three = compare(nile, holdout=20, models={"linear": linear, **average, "AR": AutoReg(nile, 1)})
    assert "among the models whose parameters are counted" in " ".join(str(three).split())


@pytest.mark.parametrize("h", [1, 2])
@pytest.mark.parametrize("kind", ["ARIMA", "AutoReg", "UnobservedComponents", "concentrated", "ParaRNN", "average"])
def test_forecasts_do_not_know_what_comes_after_their_origin(kind, h, lynx):
    """An AutoReg and a scale that is concentrated out take the variance of the shocks from all they have seen."""
    other = lynx.copy()
    other.iloc[110:] = lynx.iloc[100:104].to_numpy()
    if kind == "concentrated":
        results = ARIMA(lynx[:100], order=(1, 0, 0), concentrate_scale=True).fit()
    elif kind == "average":
        results = select_order(lynx[:100], max_lags=1, max_linear_lags=2, max_units=0).average()
    else:
        results = fitted(kind, lynx[:100])
    tame, found = (rolling_forecast(results, y[100:], h=h) for y in (lynx, other))
    before = tame["target"] < lynx.index[110]
    columns = ["mean", "se", "lower", "upper", "crps"]
    np.testing.assert_allclose(tame.loc[before, columns], found.loc[before, columns], rtol=1e-9)


@pytest.mark.parametrize("h", [1, 3])
def test_an_autoregression_that_is_not_refitted_keeps_its_standard_errors(h, lynx):
    results = fitted("AutoReg", lynx[:100])
    found = rolling_forecast(results, lynx[100:], h=h)
    expected = results.get_prediction(100, 99 + h)
    last = found["step"].to_numpy() - 1
    np.testing.assert_allclose(found["se"], np.asarray(expected.se_mean)[last], rtol=1e-12)
    half = stats.norm.ppf(0.975) * found["se"]
    np.testing.assert_allclose(found[["lower", "upper"]], np.c_[found["mean"] - half, found["mean"] + half], rtol=1e-12)
    np.testing.assert_allclose(
        found["crps"], crps_gaussian(found["actual"], found["mean"], found["se"], average=False), rtol=1e-12
    )


def test_the_elman_network_of_an_integrated_series_has_the_differences_of_the_chosen_model():
    y = pd.Series(np.cumsum(0.5 + np.random.default_rng(0).standard_normal(90)), pd.RangeIndex(90), name="y")
    found = compare(y, holdout=10)
    assert found.results["ParaRNN"].model.diff == found.results["Elman RNN"].model.diff == 1
    assert found.summary().as_text().count("1 difference") == 2
