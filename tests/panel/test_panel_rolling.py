"""A rolling forecast of a panel is what each series says when the rows up to an origin have been appended."""

import io

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, price
from statsmodels.tools.sm_exceptions import ModelWarning, OutputWarning

import pararnn_ts as prt

LENGTHS = {"a": 60, "b": 45, "c": 50}


def parts(df, n):
    """Training rows, and the last ones of each series."""
    test = df.sort_values("ds").groupby("unique_id").tail(n)
    return df.drop(test.index), test


@pytest.fixture(scope="module")
def df():
    return long(LENGTHS, price=price)


def early(test, row):
    return test[test.groupby("unique_id").cumcount() < row]


@pytest.mark.parametrize("options", [{}, {"method": "conformal"}, {"refit": True}], ids=["stay", "conformal", "refit"])
def test_each_origin_is_a_forecast_of_what_was_appended(df, options):
    train, test = parts(df, 5)
    panel = prt.fit_panel(train, exog_cols="price", **QUICK)
    shared = {"level": [50, 80], "n_sims": 40, "rng": 3, "method": options.get("method", "bootstrap")}
    table = panel.rolling_forecast(test.sample(frac=1.0, random_state=0), 3, 2, refit="refit" in options, **shared)
    assert table.columns.tolist()[:5] == ["unique_id", "ds", "cutoff", "y", "ParaRNN"]
    assert len(table) == 3 * (3 + 3 + 1)
    observed = df.set_index(["unique_id", "ds"])["y"]
    assert table["y"].tolist() == observed[pd.MultiIndex.from_frame(table[["unique_id", "ds"]])].tolist()
    for row in (0, 2, 4):
        known = panel if row == 0 else panel.append(early(test, row), refit="refit" in options)
        steps = min(3, 5 - row)
        expected = known.forecast(steps, test, **shared)
        mine = table[table["cutoff"] == table["unique_id"].map(known.fittedvalues.groupby("unique_id")["ds"].max())]
        pd.testing.assert_frame_equal(
            mine.drop(columns=["cutoff", "y"]).reset_index(drop=True), expected, check_column_type=False
        )


def test_a_series_is_forecast_as_by_itself(df):
    train, test = parts(df, 6)
    panel = prt.fit_panel(train, diff=1, **QUICK)
    table = panel.rolling_forecast(test, 4).query("unique_id == 'b'")
    alone = prt.rolling_forecast(panel["b"], test.query("unique_id == 'b'").set_index("ds")["y"], h=4)
    np.testing.assert_allclose(table["ParaRNN"], alone["mean"], rtol=1e-12)
    assert table["cutoff"].tolist() == alone["origin"].tolist() and table["ds"].tolist() == alone["target"].tolist()
    np.testing.assert_array_equal(table["y"], alone["actual"])


@pytest.mark.parametrize("kind", ["period", "integer", "zone"])
def test_times_may_be_of_any_kind(df, kind):
    times = {
        "period": df["ds"].dt.to_period("M"),
        "integer": 7 + 3 * df.groupby("unique_id").cumcount(),
        "zone": df["ds"].dt.tz_localize("Asia/Tokyo"),
    }[kind]
    train, test = parts(df.assign(ds=times), 4)
    table = prt.fit_panel(train, **QUICK).rolling_forecast(test, 2, 2)
    test = test.sort_values(["unique_id", "ds"])
    assert table["ds"].tolist() == test["ds"].tolist() and table["ds"].dtype == test["ds"].dtype
    assert table["cutoff"].dtype == table["ds"].dtype and (table["cutoff"] < table["ds"]).all()


def test_absent_times_are_forecast_and_have_no_observation(df):
    train, test = parts(df, 5)
    gone = test.groupby("unique_id").cumcount() == 2
    panel = prt.fit_panel(train, **QUICK)
    table, whole = (panel.rolling_forecast(rows, 2) for rows in (test[~gone], test.assign(y=test["y"].mask(gone))))
    pd.testing.assert_frame_equal(table, whole)
    assert table["y"].isna().sum() == 6 and table["ParaRNN"].notna().all()


def test_what_cannot_be_forecast_is_said_and_series_without_new_rows_are_left_out(df):
    few = long({"few": 8}).assign(price=0.0)
    train, test = parts(pd.concat([df, few]).query("unique_id != 'c'").reset_index(drop=True), 6)
    train = pd.concat([train, df.query("unique_id == 'c'")])
    with pytest.warns(ModelWarning, match="1 could not be fitted"):
        panel = prt.fit_panel(train, **QUICK)
    with pytest.warns(OutputWarning, match=r"forecasts of 3 series 1 have NaN, the first that of 'few' \(not fitted\)"):
        table = panel.rolling_forecast(test, 6, 6, level=80)
    assert table["unique_id"].unique().tolist() == ["a", "b", "few"] and len(table) == 18
    assert table["ParaRNN"].isna().tolist() == (table["unique_id"] == "few").tolist()
    assert table["y"].notna().all()
    with pytest.raises(ValueError, match="None of the 1 series could be forecast; the first, 'few': not fitted"):
        panel.rolling_forecast(test.query("unique_id == 'few'"))


def test_a_loaded_panel_forecasts_alike_and_an_origin_does_not_change_it(df):
    train, test = parts(df, 4)
    panel = prt.fit_panel(train, **QUICK)
    file, before = io.BytesIO(), panel.table.copy()
    panel.save(file)
    table = panel.rolling_forecast(test, 2, level=90)
    pd.testing.assert_frame_equal(prt.load(file).rolling_forecast(test, 2, level=90), table)
    pd.testing.assert_frame_equal(panel.table, before)


MISTAKES = {
    "h": ({"h": 0}, ValueError, "h must be a positive integer"),
    "step": ({"step": 1.5}, TypeError, "step must be a positive integer"),
    "refit": ({"refit": 3}, TypeError, "refit must be True or False"),
    "level": ({"level": 0.9}, ValueError, "level must hold per cents"),
}


@pytest.mark.parametrize(("options", "kind", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_an_argument_is_one_sentence(df, options, kind, words):
    train, test = parts(df, 4)
    panel = prt.fit_panel(train, **QUICK)
    with pytest.raises(kind, match=words):
        panel.rolling_forecast(test, **options)
    with pytest.raises(ValueError, match="rows that do not follow the samples of their series"):
        panel.rolling_forecast(df)


def test_a_column_of_the_panel_is_not_lost_under_that_of_the_origins(df):
    train, test = parts(df.rename(columns={"y": "cutoff"}), 4)
    panel = prt.fit_panel(train, target_col="cutoff", **QUICK)
    with pytest.raises(ValueError, match="a column 'cutoff', the name of the last times known"):
        panel.rolling_forecast(test)


def test_the_function_for_one_series_points_to_the_method(df):
    train, test = parts(df, 4)
    with pytest.raises(TypeError, match="a method rolling_forecast of its own; call that"):
        prt.rolling_forecast(prt.fit_panel(train, **QUICK), test)
