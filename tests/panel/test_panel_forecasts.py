"""Forecasts of a panel are those of the single results, in one table."""

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, one, price, values
from statsmodels.tools.sm_exceptions import ModelWarning, OutputWarning

import pararnn_ts as prt

LENGTHS = {"a": 60, "b": 45}


@pytest.fixture(scope="module")
def panel():
    return prt.fit_panel(long(LENGTHS), **QUICK)


def test_forecasts_are_those_of_the_single_results(panel):
    table = panel.forecast(5)
    assert table.columns.tolist() == ["unique_id", "ds", "ParaRNN"]
    for name in panel:
        mine = table[table["unique_id"] == name].set_index("ds")["ParaRNN"]
        expected = panel[name].forecast(5)
        np.testing.assert_array_equal(mine, expected)
        assert mine.index.tolist() == expected.index.tolist()


@pytest.mark.parametrize("method", ["bootstrap", "gaussian", "conformal"])
def test_intervals_are_those_of_the_single_results(panel, method):
    table = panel.forecast(3, level=[80, 90.5], method=method, n_sims=50, rng=4)
    assert table.columns.tolist()[3:] == [
        "ParaRNN-lo-80", "ParaRNN-hi-80", "ParaRNN-lo-90.5", "ParaRNN-hi-90.5",
    ]  # fmt: skip
    for name in panel:
        mine = table[table["unique_id"] == name]
        expected = panel[name].get_forecast(3, method=method, n_sims=50, rng=4)
        np.testing.assert_array_equal(mine.iloc[:, 3:5], expected.conf_int(0.2))
        np.testing.assert_array_equal(mine.iloc[:, 5:7], expected.conf_int(0.095))


def test_what_differencing_took_out_is_put_back():
    df = long(LENGTHS, freq="QS")
    df["y"] = df.groupby("unique_id")["y"].cumsum() + np.arange(len(df))
    panel = prt.fit_panel(df, diff=1, seasonal_diff=1, **QUICK)
    for name in panel:
        alone = prt.ParaRNN(one(df, name), diff=1, seasonal_diff=1, units=(1,)).fit(n_starts=2)
        mine = panel.forecast(6)
        np.testing.assert_array_equal(mine.loc[mine["unique_id"] == name, "ParaRNN"], alone.forecast(6))


LABELS = {
    "month": pd.date_range("2020-01-31", periods=34, freq="ME"),
    "day": pd.date_range("2020-01-01", periods=34, freq="D"),
    "daylight saving": pd.date_range("2024-03-01", periods=34, freq="D", tz="Europe/Berlin"),
    "hour": pd.date_range("2024-03-30", periods=34, freq="h", tz="Europe/Berlin"),
    "business day": pd.date_range("2024-03-01", periods=34, freq="B"),
    "seconds": pd.date_range("2024-03-01", periods=34, freq="D", unit="s"),
    "period": pd.period_range("2001Q1", periods=34, freq="Q"),
    "integer": pd.RangeIndex(100, 100 + 5 * 34, 5),
    "text": pd.Index([f"{2001 + k // 12}-{k % 12 + 1:02d}" for k in range(34)]),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_times_go_on_where_the_series_end(labels):
    parts = [
        pd.DataFrame({"unique_id": name, "ds": labels[first:last], "y": values(last - first, first)})
        for name, first, last in (("a", 0, 30), ("b", 2, 24))
    ]
    table = prt.fit_panel(pd.concat(parts), **QUICK).forecast(4)
    expected = labels[30:].append(labels[24:28])
    if labels.dtype == object or pd.api.types.is_string_dtype(labels.dtype):
        expected = pd.DatetimeIndex(expected)
    assert table["ds"].tolist() == expected.tolist()
    assert str(table["ds"].dtype) == str(expected.dtype)


def test_future_exogenous_values_are_matched_by_series_time_and_name():
    df = long(LENGTHS, price=price, wage=lambda n, seed: price(n, seed + 9))
    panel = prt.fit_panel(df[df["ds"] < "2018-06"], exog_cols=["price", "wage"], **QUICK)
    future = df[["wage", "ds", "price", "unique_id"]].sample(frac=1.0, random_state=0)
    table = panel.forecast(3, future)
    for name in panel:
        rows = df[df["unique_id"] == name].set_index("ds")[["price", "wage"]]
        expected = panel[name].forecast(3, rows)
        np.testing.assert_array_equal(table.loc[table["unique_id"] == name, "ParaRNN"], expected)


def test_mistakes_in_future_exogenous_values_are_one_sentence():
    df = long(LENGTHS, price=price)
    panel = prt.fit_panel(df[df["ds"] < "2018-06"], exog_cols="price", **QUICK)
    future = df[df["ds"] >= "2018-06"].drop(columns="y")
    with pytest.raises(ValueError, match="exog is needed: .*columns price for the 3 steps"):
        panel.forecast(3)
    with pytest.raises(ValueError, match="exog lacks 1 of the 5 steps of series 'b', the first 2018-10-01"):
        panel.forecast(5, future)
    with pytest.raises(ValueError, match="exog has no rows for 1 of 2 series, the first 'a'"):
        panel.forecast(2, future[future["unique_id"] == "b"])
    with pytest.raises(ValueError, match="exog has no column 'price'"):
        panel.forecast(2, future.drop(columns="price"))
    with pytest.raises(TypeError, match=r"exog column 'ds' holds times of dtype period\[M\], but .*; convert them"):
        panel.forecast(2, future.assign(ds=future["ds"].dt.to_period("M")))
    with pytest.raises(TypeError, match="exog must be a DataFrame"):
        panel.forecast(2, future["price"])
    with pytest.raises(ValueError, match="exog has 1 rows of which series and time are there already"):
        panel.forecast(2, pd.concat([future, future[:1]]))
    with pytest.raises(ValueError, match="exog has no number in column 'price' for 2018-06-01 .* of series 'a'"):
        panel.forecast(2, future.assign(price=[np.nan, *future["price"][1:]]))
    with pytest.raises(ValueError, match="exog was given, but the panel has no exogenous columns"):
        prt.fit_panel(df, **QUICK).forecast(1, future)


def test_a_series_that_was_not_fitted_has_no_numbers_and_that_is_said():
    df = pd.concat([long(LENGTHS), long({"few": 2, "flat": 20}).assign(y=1.0)])
    with pytest.warns(ModelWarning, match="2 could not be fitted"):
        panel = prt.fit_panel(df, **QUICK)
    with pytest.warns(OutputWarning, match=r"Of the forecasts of 4 series 2 have NaN, the first that of 'few' \(not"):
        table = panel.forecast(2, level=90)
    lost = table[table["unique_id"].isin(["few", "flat"])]
    assert lost.iloc[:, 2:].isna().all(axis=None)
    assert lost["ds"].tolist() == [*pd.date_range("2015-03-01", periods=2, freq="MS"),
                                   *pd.date_range("2016-09-01", periods=2, freq="MS")]  # fmt: skip
    assert table[table["unique_id"].isin(list(LENGTHS))].notna().all(axis=None)


def test_a_series_whose_times_do_not_go_on_is_left_out_and_that_is_said():
    scattered = pd.DataFrame({"unique_id": "z", "ds": [1, 2, 40, 41, 77, 80, 93, 94, 99, 200], "y": range(10)})
    df = pd.concat([pd.DataFrame({"unique_id": "a", "ds": range(40), "y": values(40, 0)}), scattered])
    with pytest.warns(ModelWarning, match="not equally spaced"):
        panel = prt.fit_panel(df, **QUICK)
    with pytest.warns(OutputWarning, match="1 are left out since their times do not go on, the first that of 'z'"):
        table = panel.forecast(2)
    assert table["unique_id"].tolist() == ["a", "a"]


def test_labels_that_nobody_can_know_are_none():
    known = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": values(40, 0)})
    # with these among them, the integers of the panel have no step in common
    far = pd.DataFrame({"unique_id": "b", "ds": [100, 103, 1007, 1008, 5000, 9000], "y": values(6, 1)})
    panel = prt.fit_panel(pd.concat([known, far]), units=(), n_starts=1)
    with pytest.warns(OutputWarning, match="series 1 are left out since their times do not go on, the first .* 'b'"):
        assert panel.forecast(2)["unique_id"].tolist() == ["a", "a"]
    with pytest.raises(ValueError, match="None of the 1 series could be forecast; the first, 'b': its times do not go"):
        prt.fit_panel(far, units=(), n_starts=1).forecast(2)


@pytest.mark.parametrize("level", [80, 90, 95, 97.5, 99])
def test_the_ends_of_an_interval_are_those_of_the_level_as_it_is_written(panel, level):
    table = panel.forecast(2, level=level, n_sims=80, rng=1)
    alpha = {80: 0.2, 90: 0.1, 95: 0.05, 97.5: 0.025, 99: 0.01}[level]
    expected = panel["a"].get_forecast(2, n_sims=80, rng=1).conf_int(alpha)
    np.testing.assert_array_equal(table[table["unique_id"] == "a"].iloc[:, 3:], expected)


def test_an_explosive_forecast_is_said():
    growing = pd.DataFrame({"unique_id": "grows", "ds": range(40), "y": 1.3 ** np.arange(40)})
    panel = prt.fit_panel(
        pd.concat([growing, pd.DataFrame({"unique_id": "a", "ds": range(40), "y": values(40, 0)})]),
        units=(), trend="n", penalty=0,
    )  # fmt: skip
    with pytest.warns(OutputWarning, match="1 are explosive, the first that of 'grows', see its stability"):
        panel.forecast(2)
    with pytest.warns(OutputWarning, match="1 have NaN, the first that of 'grows' .*leaves the range of numbers"):
        table = panel.forecast(3000)
    assert table.loc[table["unique_id"] == "grows", "ParaRNN"].isna().all()
    assert table.loc[table["unique_id"] == "a", "ParaRNN"].notna().all()


def test_points_are_kept_where_a_sample_is_too_short_for_intervals():
    panel = prt.fit_panel(long({"a": 120, "b": 30}), **QUICK)
    with pytest.warns(OutputWarning, match="1 have NaN, the first that of 'b' .*needs 39 calibration errors"):
        table = panel.forecast(1, level=97.5, method="conformal")
    assert table.isna().to_numpy().tolist() == [[False] * 5, [False] * 3 + [True] * 2]
    with pytest.raises(ValueError, match="None of the 2 series could be forecast; the first, 'a': method='exact'"):
        panel.forecast(2, level=90, method="exact")


MISTAKES = {
    "steps": ({"h": 0}, ValueError, "h must be a positive integer"),
    "text": ({"h": "2020"}, TypeError, "h must be a positive integer"),
    "100": ({"level": 100}, ValueError, "between 1 and 100"),
    "a share": ({"level": 0.9}, ValueError, "per cents between 1 and 100, but holds 0.9"),
    "level of text": ({"level": "90"}, ValueError, "between 1 and 100"),
    "twice": ({"level": [90, 90]}, ValueError, "level must hold different numbers"),
    "method": ({"level": 90, "method": "x"}, ValueError, "method must be one of"),
    "n_sims": ({"level": 90, "n_sims": 1}, ValueError, "n_sims must be"),
    "rng": ({"level": 90, "rng": "x"}, TypeError, "rng must be None"),
}


@pytest.mark.parametrize(("options", "kind", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_an_argument_is_one_sentence(panel, options, kind, words):
    with pytest.raises(kind, match=words):
        panel.forecast(**options)
