"""The command line reads what people have, writes what it says, and complains in one sentence."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pararnn_ts import __version__, datasets
from pararnn_ts.cli import main
from pararnn_ts.cli.commands import app
from pararnn_ts.cli.reading import read_data, read_panel
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.panel import fit_panel
from pararnn_ts.results.persistence import load

testing = pytest.importorskip("typer.testing", reason="typer comes with the cli extra")


@pytest.fixture(scope="module", autouse=True)
def no_window():
    import matplotlib

    matplotlib.use("Agg")


@pytest.fixture
def nile(tmp_path):
    path = tmp_path / "nile.csv"
    datasets.load_nile().to_csv(path)
    return path


def run(*arguments):
    return testing.CliRunner().invoke(app, [str(part) for part in arguments])


def sentence(outcome):
    """The error, which must be a single line."""
    assert outcome.exit_code == 2 and outcome.stdout == ""
    assert re.fullmatch(r"Error: [^\n]+\n", outcome.stderr), outcome.stderr
    return outcome.stderr


# ----------------------------------------------------------------------------------------------------- commands


def test_panel_writes_what_the_panel_says(tmp_path):
    months = pd.period_range("2001-01", periods=40, freq="M").astype(str)
    values = np.random.default_rng(0).normal(size=(2, 40))
    parts = [pd.DataFrame({"shop": k, "month": months, "sales": y}) for k, y in zip("ab", values, strict=True)]
    pd.concat(parts).sample(frac=1.0, random_state=0).to_csv(tmp_path / "sales.csv", index=False)
    names = ("--id", "shop", "--time", "month", "--target", "sales")
    out = tmp_path / "out"
    outcome = run("panel", tmp_path / "sales.csv", *names, "-u", 1, "--steps", 3, "--level", 90, "-o", out)
    assert outcome.exit_code == 0, outcome.output
    panel = load(out / "panel.npz")
    alone = ParaRNN(pd.Series(values[1], pd.PeriodIndex(months, freq="M"), name="sales"), units=(1,)).fit()
    assert panel["b"].llf == alone.llf
    forecasts = pd.read_csv(out / "forecast.csv")
    assert forecasts.columns.tolist() == ["shop", "month", "ParaRNN", "ParaRNN-lo-90", "ParaRNN-hi-90"]
    np.testing.assert_allclose(forecasts["ParaRNN"], panel.forecast(3)["ParaRNN"])
    assert forecasts["month"].tolist() == ["2004-05", "2004-06", "2004-07"] * 2
    assert panel.summary().as_text() in outcome.stdout
    assert "--id shops" in sentence(run("panel", tmp_path / "sales.csv", "--id", "shops"))


def test_fit_writes_what_the_results_say(nile, tmp_path):
    outcome = run("fit", nile, "-c", "flow", "-i", "year", "-u", 1, "--lags", "1,3", "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    results = ParaRNN(datasets.load_nile(), units=(1,), lags=[1, 3]).fit()
    out = tmp_path / "out"
    assert (out / "summary.txt").read_text().rstrip() == results.summary().as_text().rstrip()
    assert results.summary().as_text() in outcome.stdout
    params = pd.read_csv(out / "params.csv", index_col=0)
    np.testing.assert_allclose(params["coef"], results.params)
    assert params.index.tolist() == results.model.param_names
    parts = pd.read_csv(out / "components.csv", index_col=0)
    np.testing.assert_allclose(parts.drop(columns=["fitted", "observed"]).sum(axis=1)[3:], parts["fitted"][3:])
    assert load(out / "model.npz").forecast(2).tolist() == results.forecast(2).tolist()
    said = outcome.stdout.strip().splitlines()[-1]
    assert all(file.name in said for file in out.iterdir())
    assert {"components.png", "recurrence.png", "diagnostics.png"} <= {file.name for file in out.iterdir()}


@pytest.mark.parametrize("units", [["-u", "2,1"], ["-u", "2", "-u", "1"]])
def test_units_are_a_list_or_one_after_the_other(nile, tmp_path, units):
    outcome = run("fit", nile, "-i", "year", *units, "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert load(tmp_path / "out" / "model.npz").model.units == (2, 1)


def test_the_version_is_that_of_the_package():
    assert run("--version").stdout == f"pararnn-ts {__version__}\n"


def test_fit_selects_the_order_unless_it_is_named(nile, tmp_path):
    outcome = run("fit", nile, "--index", "year", "--out", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    search = pd.read_csv(tmp_path / "out" / "selection.csv")
    model = load(tmp_path / "out" / "model.npz").model
    (chosen,) = search[search["chosen"]].to_dict("records")
    assert len(search) > 50 and chosen["units"] == str(model.units)
    assert chosen["linear_lags"] == str(model.linear_lags)


def test_rows_without_dates_are_told_the_length_of_their_season(tmp_path):
    season = np.array([0.0, 3.0, -1.0, -4.0, 2.0])
    series = pd.Series(season[np.arange(78) % 5] + np.random.default_rng(0).normal(scale=0.3, size=78), name="y")
    series.to_csv(tmp_path / "y.csv", index=False)
    assert "period" in sentence(run("fit", tmp_path / "y.csv", "--seasonal", "-o", tmp_path))
    for chosen in (["--select"], ["--seasonal", "--lags", "1", "--units", "0"]):
        outcome = run("forecast", tmp_path / "y.csv", "--period", 5, *chosen, "--steps", 10, "-o", tmp_path)
        assert outcome.exit_code == 0, outcome.output
        mean = pd.read_csv(tmp_path / "forecast.csv")["mean"]
        # each season goes on from the row at which the file ends
        assert np.abs(mean - season[(78 + np.arange(10)) % 5]).max() < 0.5


def test_forecast_writes_the_forecasts_of_the_model(nile, tmp_path):
    outcome = run("forecast", nile, "-i", "year", "-u", 1, "--steps", 4, "--alpha", 0.2, "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    found = pd.read_csv(tmp_path / "forecast.csv", index_col=0)
    expected = ParaRNN(datasets.load_nile(), units=(1,)).fit().get_forecast(4, rng=0).summary_frame(alpha=0.2)
    np.testing.assert_allclose(found, expected)
    assert found.index.tolist() == [1971, 1972, 1973, 1974] and (tmp_path / "forecast.png").stat().st_size > 1000


def test_compare_writes_scores_of_the_forecasts_it_writes(nile, tmp_path):
    outcome = run("compare", nile, "-i", "year", "--holdout", "1961", "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    table = pd.read_csv(tmp_path / "comparison.csv", index_col="model")
    forecasts = pd.read_csv(tmp_path / "comparison_forecasts.csv")
    assert table["n_forecasts"].tolist() == [10] * 5 and forecasts["target"].unique().tolist() == list(
        range(1961, 1971)
    )
    squares = (forecasts["actual"] - forecasts["mean"]) ** 2
    np.testing.assert_allclose(table["rmse"], np.sqrt(squares.groupby(forecasts["model"]).mean())[table.index])
    text = (tmp_path / "comparison.txt").read_text()
    assert "Forecast comparison: flow" in text and text.strip() in outcome.stdout
    assert (tmp_path / "comparison.png").stat().st_size > 1000


def test_report_is_one_html_file(nile, tmp_path):
    pytest.importorskip("jinja2", reason="jinja2 comes with the report extra")
    outcome = run("report", nile, "-i", "year", "-u", 1, "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["report.html"]


def test_future_rows_of_exogenous_columns_are_forecast(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": rng.standard_normal(64)}, index=pd.period_range("2001-01", periods=64, freq="M", name="month")
    )
    table["y"] = table["x"] + 0.3 * rng.standard_normal(64)
    table.iloc[60:, 1] = np.nan
    table.to_csv(tmp_path / "data.csv")
    shared = (tmp_path / "data.csv", "-c", "y", "-i", "month", "-x", "x", "-u", 0, "--lags", 1)
    outcome = run("forecast", *shared, "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    found = pd.read_csv(tmp_path / "forecast.csv", index_col=0)["mean"]
    model = ParaRNN(table["y"][:60], table[["x"]][:60], units=(), lags=1)
    np.testing.assert_allclose(found, model.fit().forecast(4, exog=table[["x"]][60:]))
    assert found.index.tolist() == ["2006-01", "2006-02", "2006-03", "2006-04"]
    assert "known for 4 periods" in sentence(run("forecast", *shared, "--steps", 5))


# ------------------------------------------------------------------------------------------------ saved models


@pytest.fixture
def saved(tmp_path):
    """Results of the Nile up to 1960 and the file that they were saved in."""
    results = ParaRNN(datasets.load_nile()[:"1960"], units=(1,)).fit(n_starts=1)
    results.save(tmp_path / "model.npz")
    return results, tmp_path / "model.npz"


def forecasts(outcome, folder):
    assert outcome.exit_code == 0, outcome.output
    return pd.read_csv(folder / "forecast.csv", index_col=0)


def test_a_saved_model_forecasts_as_it_did(saved, tmp_path):
    results, file = saved
    found = forecasts(run("forecast", "--model", file, "--steps", 3, "-o", tmp_path), tmp_path)
    np.testing.assert_allclose(found, results.get_forecast(3, rng=0).summary_frame())
    assert found.index.tolist() == [1961, 1962, 1963] and (tmp_path / "forecast.png").is_file()


@pytest.mark.parametrize("first", ["1961", "1871"], ids=["the rows since", "the whole series"])
@pytest.mark.parametrize("remove_data", [False, True], ids=["data kept", "data removed"])
def test_a_saved_model_goes_on_from_new_observations(first, remove_data, saved, tmp_path):
    results, file = saved
    results.save(file, remove_data=remove_data)
    series = datasets.load_nile()
    series[first:].to_csv(tmp_path / "since.csv")
    found = forecasts(run("forecast", tmp_path / "since.csv", "-m", file, "--steps", 2, "-o", tmp_path), tmp_path)
    expected = results.append(series["1961":]).forecast(2)
    np.testing.assert_allclose(found["mean"], expected)
    assert found.index.tolist() == [1971, 1972]
    again = load(tmp_path / "model.npz")  # the next run goes on from here
    np.testing.assert_allclose(again.forecast(2), expected)
    np.testing.assert_array_equal(again.params, results.params)


def test_rows_without_labels_follow_the_sample(tmp_path):
    y = np.random.default_rng(0).standard_normal(60)
    pd.DataFrame({"y": y[50:]}).to_csv(tmp_path / "since.csv", index=False)
    results = ParaRNN(y[:50], units=()).fit()
    results.save(tmp_path / "saved.npz")
    outcome = run("forecast", tmp_path / "since.csv", "-m", tmp_path / "saved.npz", "--steps", 2, "-o", tmp_path)
    np.testing.assert_allclose(forecasts(outcome, tmp_path)["mean"], results.append(y[50:]).forecast(2))


def test_a_saved_model_takes_its_exogenous_columns_from_the_file(tmp_path):
    rng = np.random.default_rng(1)
    months = pd.period_range("2001-01", periods=64, freq="M", name="month")
    table = pd.DataFrame({"x": rng.standard_normal(64)}, index=months)
    table["y"] = table["x"] + 0.3 * rng.standard_normal(64)
    results = ParaRNN(table["y"][:58], table[["x"]][:58], units=()).fit()
    results.save(tmp_path / "saved.npz")
    known = {"-m": tmp_path / "saved.npz", "-o": tmp_path}
    options = [part for pair in known.items() for part in pair]
    since = table.iloc[58:].copy()
    since.iloc[2:, 1] = np.nan
    since.to_csv(tmp_path / "since.csv")
    found = forecasts(run("forecast", tmp_path / "since.csv", *options), tmp_path)["mean"]
    longer = results.append(table["y"][58:60], table[["x"]][58:60])
    np.testing.assert_allclose(found, longer.forecast(4, exog=table[["x"]][60:]))
    assert found.index.tolist() == ["2006-01", "2006-02", "2006-03", "2006-04"]
    assert "known for 0 periods" in sentence(run("forecast", *options))
    # a file of the future only, nothing observed
    since.assign(y=np.nan).to_csv(tmp_path / "since.csv")
    outcome = run("forecast", tmp_path / "since.csv", "-m", tmp_path / "saved.npz", "-o", tmp_path, "--steps", 3)
    np.testing.assert_allclose(forecasts(outcome, tmp_path)["mean"], results.forecast(3, exog=table[["x"]][58:61]))


def test_what_does_not_follow_a_saved_model_is_told_in_one_sentence(saved, nile, tmp_path):
    _, file = saved
    series = datasets.load_nile()

    def told(rows, *options):
        rows.to_csv(tmp_path / "since.csv")
        return sentence(run("forecast", tmp_path / "since.csv", "-m", file, *options))

    assert "begins at 1963, but the saved model ends at 1960; give the rows from 1961" in told(series["1963":])
    revised = series.copy()
    revised["1950"] = 3.0
    assert "has 3 at 1950, where the saved model has 890" in told(revised)
    assert "--index year: " in told(series.rename_axis("time"))
    days = pd.date_range("2024-01-01", periods=30, name="year")
    assert "labels of the saved model are like 1960" in told(pd.Series(np.arange(30.0), days.astype(str), name="flow"))
    assert "--model has lags" in sentence(run("forecast", nile, "-m", file, "-u", 2))
    assert "no such file" in sentence(run("forecast", "-m", tmp_path / "none.npz"))
    assert "is not one" in sentence(run("forecast", "-m", nile))
    assert "DATA.CSV is needed" in sentence(run("forecast"))


def test_a_saved_panel_goes_on_from_new_observations(tmp_path):
    months = pd.period_range("2001-01", periods=44, freq="M")
    y = np.random.default_rng(0).normal(size=88)
    table = pd.DataFrame({"shop": np.repeat(["a", "b"], 44), "month": months.append(months), "sales": y})
    early = table["month"] < months[40]
    table[early].to_csv(tmp_path / "sales.csv", index=False)
    table[~early].to_csv(tmp_path / "since.csv", index=False)
    names, saved = ("--id", "shop", "--time", "month", "--target", "sales"), tmp_path / "first" / "panel.npz"
    assert run("panel", tmp_path / "sales.csv", *names, "-u", 1, "-o", tmp_path / "first").exit_code == 0
    panel = load(saved)
    longer = panel.append(table[~early])
    # the whole history, in any order and beginning earlier, says the same as what is new
    before = pd.DataFrame({"shop": ["a"], "month": [months[0] - 1], "sales": [7.0]})
    pd.concat([table, before]).sample(frac=1.0, random_state=0).to_csv(tmp_path / "all.csv", index=False)
    same = (tmp_path / "sales.csv",)
    for data, expected in (((), panel), (same, panel), (("since.csv",), longer), (("all.csv",), longer)):
        data = [tmp_path / name for name in data]
        outcome = run("panel", *data, "-m", saved, "--steps", 3, "-o", tmp_path / "next")
        assert outcome.exit_code == 0, outcome.output
        found = pd.read_csv(tmp_path / "next" / "forecast.csv")
        np.testing.assert_allclose(found["ParaRNN"], expected.forecast(3)["ParaRNN"])
        assert load(tmp_path / "next" / "panel.npz")["a"].nobs == expected["a"].nobs
    table.loc[50, "sales"] = 3.0
    table.to_csv(tmp_path / "revised.csv", index=False)
    error = sentence(run("panel", tmp_path / "revised.csv", "-m", saved))
    assert f"has 3 in column 'sales' for 'b' at 2001-07, where the saved panel has {y[50]:g}; fit the panel" in error
    table[:44].assign(shop="c").to_csv(tmp_path / "other.csv", index=False)
    error = sentence(run("panel", tmp_path / "other.csv", "-m", saved))
    assert "1 series that the panel does not have, the first 'c'" in error
    assert "the file holds a panel; forecast it with the command panel" in sentence(run("forecast", "-m", saved))
    assert "DATA.CSV is needed" in sentence(run("panel"))


def test_exogenous_columns_of_a_panel_and_their_future(tmp_path):
    rng, months = np.random.default_rng(0), pd.period_range("2001-01", periods=48, freq="M")
    table = pd.DataFrame({"shop": np.repeat(["a", "b"], 48), "month": months.append(months)})
    table["price"], table["rain"] = rng.normal(size=(2, 96))
    table["sales"] = table["price"] - 0.5 * table["rain"] + 0.3 * rng.normal(size=96)
    # the series end at different times, and one has a missing value inside
    table.loc[(table.index % 48 >= 44) & (table["shop"] == "a") | (table["month"] > months[42]), "sales"] = np.nan
    table.loc[(table["shop"] == "b") & (table["month"] == months[7]), "sales"] = np.nan
    table.loc[(table["shop"] == "b") & (table["month"] == months[43]), "sales"] = 0.2
    table.sample(frac=1.0, random_state=0).to_csv(tmp_path / "sales.csv", index=False)
    options = ("--id", "shop", "--time", "month", "--target", "sales", "-x", "price", "-x", "rain", "-u", 0)
    outcome = run("panel", tmp_path / "sales.csv", *options, "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.output
    last = table["month"].where(table["sales"].notna()).groupby(table["shop"]).transform("max")
    future = table[table["month"] > last]
    columns = {"id_col": "shop", "time_col": "month", "target_col": "sales", "exog_cols": ["price", "rain"]}
    panel = fit_panel(table[table["month"] <= last], **columns, units=())
    found, expected = pd.read_csv(tmp_path / "out" / "forecast.csv"), panel.forecast(4, exog=future)
    assert found["month"].tolist() == expected["month"].astype(str).tolist() and len(found) == 8
    np.testing.assert_allclose(found["ParaRNN"], expected["ParaRNN"])
    # a file that holds the future alone, and one that lacks it
    saved = tmp_path / "out" / "panel.npz"
    future.to_csv(tmp_path / "future.csv", index=False)
    outcome = run("panel", tmp_path / "future.csv", "-m", saved, "--steps", 2, "-o", tmp_path / "next")
    assert outcome.exit_code == 0, outcome.output
    found, expected = pd.read_csv(tmp_path / "next" / "forecast.csv"), panel.forecast(2, exog=future)
    np.testing.assert_allclose(found["ParaRNN"], expected["ParaRNN"])
    assert "known for 4 periods" in sentence(run("panel", tmp_path / "sales.csv", *options, "--steps", 5))
    assert "known for 0 periods after series 'a'" in sentence(run("panel", "-m", saved))
    # the file of the fit and the future once more
    outcome = run("panel", tmp_path / "sales.csv", "-m", saved, "--steps", 2, "-o", tmp_path / "next")
    assert outcome.exit_code == 0, outcome.output
    np.testing.assert_allclose(pd.read_csv(tmp_path / "next" / "forecast.csv")["ParaRNN"], expected["ParaRNN"])
    dearer = table.assign(price=table["price"].where(table.index != 60, 9.5))
    dearer.to_csv(tmp_path / "dearer.csv", index=False)
    error = sentence(run("panel", tmp_path / "dearer.csv", "-m", saved))
    assert "has 9.5 in column 'price' for 'b' at 2002-01, where the saved panel has" in error
    error = sentence(run("panel", tmp_path / "future.csv", "-m", saved, "-x", "price"))
    assert "--exog names 1 columns, where the saved panel has price, rain" in error
    # observations and the future behind them in one file
    since = future.assign(sales=future["sales"].where(future["month"] != last[future.index] + 1, 0.4))
    since.rename(columns={"rain": "wet"}).to_csv(tmp_path / "since.csv", index=False)
    outcome = run("panel", tmp_path / "since.csv", "-m", saved, "-x", "price", "-x", "wet", "-o", tmp_path / "next")
    assert outcome.exit_code == 0, outcome.output
    longer, rest = panel.append(since[since["sales"].notna()]), since[since["sales"].isna()]
    np.testing.assert_allclose(
        pd.read_csv(tmp_path / "next" / "forecast.csv")["ParaRNN"], longer.forecast(3, exog=rest)["ParaRNN"]
    )


BERLIN = pd.date_range("2020-03-20", periods=41, freq="D", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "times", "written"),
    [
        ("year", range(1980, 2021), "2020"),
        ("month", pd.date_range("2020-01-01", periods=41, freq="MS"), "2023-05"),
        ("month", pd.period_range("2020-01", periods=41, freq="M"), "2023-05-01"),
        ("day", BERLIN, "2020-04-29 00:00:00+02:00"),
        ("day", BERLIN, "2020-04-28 22:00:00Z"),
    ],
)
def test_times_of_a_file_are_taken_as_the_saved_ones_are(name, times, written, tmp_path):
    y = np.random.default_rng(0).normal(size=41)
    table = pd.DataFrame({"unique_id": "a", name: times, "y": y})
    panel = fit_panel(table[:40], time_col=name, units=(), n_starts=1)
    panel.save(tmp_path / "panel.npz")
    table[40:].assign(**{name: written}).to_csv(tmp_path / "since.csv", index=False)
    outcome = run("panel", tmp_path / "since.csv", "-m", tmp_path / "panel.npz", "--steps", 1, "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    expected = panel.append(table[40:]).forecast(1)["ParaRNN"]
    np.testing.assert_allclose(pd.read_csv(tmp_path / "forecast.csv")["ParaRNN"], expected)
    if name == "year":
        series = pd.Series(y, pd.RangeIndex(1980, 2021, name="year"), name="y")
        ParaRNN(series[:40], units=()).fit(n_starts=1).save(tmp_path / "model.npz")
        outcome = run("forecast", tmp_path / "since.csv", "-m", tmp_path / "model.npz", "--steps", 1, "-o", tmp_path)
        assert outcome.exit_code == 0, outcome.output
        np.testing.assert_allclose(pd.read_csv(tmp_path / "forecast.csv")["mean"], expected, rtol=0.1, atol=0.1)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "has no rows below its header"),
        ("a,2001,1\n,2002,1\n", "Column 'unique_id' is empty in line 3"),
        ("a,2001,1\nb,2001,1\na,2001,2\n", "has 'a' at 2001 again in line 4; keep one row"),
        ("a,2001,\na,2002,\n", "Column 'y' of"),
        (
            "a,2020-03-28 00:00+01:00,1\na,2020-03-30 00:00+02:00,1\n",
            "have different offsets from UTC (+01:00, +02:00)",
        ),
    ],
)
def test_rows_that_are_no_panel_are_told_in_one_sentence(rows, words, tmp_path):
    (tmp_path / "bad.csv").write_text(f"unique_id,ds,y\n{rows}")
    assert words in sentence(run("panel", tmp_path / "bad.csv", "-u", 0))


def test_dates_of_digits_are_dates_for_a_saved_panel_too(tmp_path):
    """20010101 is a date where a frequency says so, and the frequency is the panel's."""
    dates = pd.date_range("2001-01-01", periods=44, freq="MS")
    y = np.random.default_rng(0).normal(size=44)
    table = pd.DataFrame({"unique_id": 7, "ds": dates.strftime("%Y%m%d"), "y": y})
    table[:40].to_csv(tmp_path / "first.csv", index=False)
    table[40:].to_csv(tmp_path / "since.csv", index=False)
    saved = tmp_path / "panel.npz"
    assert run("panel", tmp_path / "first.csv", "--freq", "MS", "-u", 0, "-o", tmp_path).exit_code == 0
    outcome = run("panel", tmp_path / "since.csv", "-m", saved, "--steps", 1, "-o", tmp_path / "next")
    assert outcome.exit_code == 0, outcome.output
    assert pd.read_csv(tmp_path / "next" / "forecast.csv")["ds"].tolist() == ["2004-09-01"]
    table.assign(ds=dates)[:40].pipe(fit_panel, units=(), n_starts=1).save(saved)
    table[40:].assign(unique_id="x").to_csv(tmp_path / "since.csv", index=False)
    error = sentence(run("panel", tmp_path / "since.csv", "-m", saved, "--freq", "MS"))
    assert "has names such as 'x', where those of the saved panel are like 7; name another column" in error


def test_a_model_of_a_formula_does_not_go_on_from_a_file(nile, tmp_path):
    data = pd.DataFrame({"flow": datasets.load_nile(), "x": np.arange(100.0)})
    ParaRNN.from_formula("np.log(flow) ~ x", data, units=()).fit().save(tmp_path / "model.npz")
    assert "made from the formula 'np.log(flow) ~ x'" in sentence(run("forecast", nile, "-m", tmp_path / "model.npz"))


# ------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("year", "{}", pd.period_range("1900", "1929", freq="Y")),
        ("t", "{}", pd.RangeIndex(5, 35)),
        ("t", "{}", pd.RangeIndex(1900, 1930)),
        ("quarter", "{}", pd.period_range("1990Q1", periods=30, freq="Q")),
        ("month", "{}", pd.period_range("1990-01", periods=30, freq="M")),
        ("day", "{:%Y-%m-%d}", pd.date_range("2024-01-01", periods=30)),
        ("day", "{:%m/%d/%Y}", pd.date_range("2024-01-01", periods=30)),
        ("day", "{:%d/%m/%Y}", pd.date_range("2024-01-01", periods=30)),
        ("day", "{:%m/%d/%Y}", pd.date_range("2024-01-01", periods=12, freq="MS")),
        ("day", "{:%d.%m.%Y}", pd.date_range("2024-01-01", periods=12, freq="MS")),
        ("day", "{:%d.%m.%y}", pd.date_range("2024-01-01", periods=30)),
        ("time", "{}", pd.date_range("2024-01-01", periods=30, freq="h")),
    ],
)
def test_labels_become_the_index_that_they_mean(name, form, expected, tmp_path):
    labels = [form.format(label) for label in expected]
    pd.DataFrame({name: labels, "y": np.arange(float(len(labels)))}).to_csv(tmp_path / "a.csv", index=False)
    index = read_data(tmp_path / "a.csv", None, name).endog.index
    assert index.equals(expected) and getattr(index, "freqstr", None) == getattr(expected, "freqstr", None)


def test_empty_cells_and_absent_dates_are_missing(tmp_path):
    dates = pd.date_range("2024-01-01", periods=30)
    table = pd.DataFrame({"day": dates.delete(10), "y": np.arange(29.0)})
    table.loc[3, "y"] = np.nan
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(UserWarning, match="absent"):
        endog = read_data(tmp_path / "a.csv", "y", "day").endog
    assert endog.index.equals(dates) and np.flatnonzero(endog.isna()).tolist() == [3, 10]


def test_an_empty_line_is_a_missing_value_where_there_is_one_column(tmp_path):
    (tmp_path / "a.csv").write_text("y\n" + "1.0\n2.0\n\n4.0\n" * 5 + "\n\n")
    endog = read_data(tmp_path / "a.csv", None, None).endog
    assert len(endog) == 20 and np.flatnonzero(endog.isna()).tolist() == [2, 6, 10, 14, 18]


def test_what_a_spreadsheet_puts_around_a_table_is_no_part_of_it(tmp_path):
    """Spaces around names, a comma at the end of every line, and lines of nothing but commas at the end."""
    rows = [f"{2001 + k},{k % 5}" for k in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(["year,sales", *rows]))
    (tmp_path / "b.csv").write_text("\n".join(["year , sales ,", *(f"{row}," for row in rows), ",,", ",,", ""]))
    plain, padded = (read_data(tmp_path / name, "sales", "year").endog for name in ("a.csv", "b.csv"))
    pd.testing.assert_series_equal(plain, padded)
    assert read_data(tmp_path / "b.csv", None, "year").endog.equals(plain)


def test_a_series_of_a_panel_may_be_called_na(tmp_path):
    """Namibia's code, which other columns read as a missing value."""
    rows = [f"{name},{year},{(year * 7) % 5}" for name in ("DE", "NA") for year in range(2001, 2021)]
    path = tmp_path / "countries.csv"
    path.write_text("\n".join(["country,year,y", *rows, "DE,2021,NA"]))
    table = read_panel(path, "country", "year", "y")
    assert sorted(set(table["country"])) == ["DE", "NA"] and table["y"].isna().tolist() == [False] * 40 + [True]
    path.write_text("\n".join(["country,year,y", *rows, ",2021,1"]))
    with pytest.raises(ValueError, match="^Column 'country' is empty in line 42"):
        read_panel(path, "country", "year", "y")


def test_the_standard_input_and_a_pipe_are_files(tmp_path):
    rows = [f"{name},{year},{(year * 7) % 5}" for name in ("DE", "NA") for year in range(2001, 2021)]
    text = "\n".join(["country,year,y", *rows])
    options = ("--id", "country", "--time", "year", "-u", "0", "--steps", 2, "--out")
    outcome = testing.CliRunner().invoke(app, ["panel", "-", *map(str, options), str(tmp_path / "out")], input=text)
    assert outcome.exit_code == 0, outcome.output
    assert load(tmp_path / "out" / "panel.npz").ids.tolist() == ["DE", "NA"]
    os.mkfifo(pipe := tmp_path / "pipe")
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert set(read_panel(pipe, "country", "year", "y")["country"]) == {"DE", "NA"}
    writer.join()


def test_rows_are_numbered_where_no_index_is_named(tmp_path):
    pd.DataFrame({"y": np.arange(30.0)}).to_csv(tmp_path / "a.csv", index=False)
    assert read_data(tmp_path / "a.csv", None, None).endog.index.equals(pd.RangeIndex(30))


# ------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-c", "nothing"), "nile.csv has no such column; it has year, flow"),
        (("-c", "flow", "-i", "day"), "--index day"),
        ((), "--column is needed"),
        (("-c", "flow", "-x", "gas"), "--exog gas"),
        (("-i", "year", "--lags", "two"), "--lags two"),
        (("-i", "year", "--select", "--lags", "2"), "--select"),
        (("-i", "year", "--activation", "sinus", "--units", "1"), "activation"),
        (("-i", "year", "--units", "1", "--lags", "200"), "fewer lags"),
        (("-c", "flow", "-x", "flow"), "Column 'flow' is named twice, by --column and --exog, but has one use"),
        (("-c", "flow", "-i", "flow"), "Column 'flow' is named twice, by --column and --index, but has one use"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(options, words, nile):
    assert words in sentence(run("fit", nile, *options))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t,y\n1,2\n2,three\n", "'three' in line 3"),
        ("t,y\n1,2\n,3\n", "empty in line 3"),
        ("t,y\nred,2\nblue,3\n", "neither dates nor integers"),
        ("t,y\n1,2\n1,3\n" + "".join(f"{k},1\n" for k in range(2, 20)), "has 1 in line 3, after 1; sort the rows"),
        ("t,y\n2,2\n1,3\n", "has 1 in line 3, after 2; sort the rows"),
        ("t,y\n" + "".join(f"{k},1\n" for k in range(20)) + "Total,20\n", "'Total' in line 22"),
        ("t|y\n1|2\n2|3\n", "separated by vertical bars"),
        ("t\ty\n1\t2\n2\t3\n", "separated by tabs"),
        ("", "could not be read"),
        ("t,y,y\n1,2,3\n2,3,4\n", "has 2 columns of this name; rename them"),
        ("t,y\n2001-01-01,2\n2001-02-01,1\n01.03.2001,3\n", "'01.03.2001' in line 4"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(text, words, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    assert words in sentence(run("fit", tmp_path / "bad.csv", "-c", "y", "-i", "t"))


def test_options_that_a_report_would_not_use_are_refused(nile):
    assert "--holdout, too, or neither" in sentence(run("report", nile, "-i", "year", "-u", 1, "--horizon", 3))
    error = sentence(run("report", nile, "-i", "year", "--holdout", 20, "-u", 1))
    assert "--holdout compares models that it chooses itself" in error


def test_a_missing_file_and_a_bad_holdout_are_told_in_one_sentence(nile, tmp_path):
    assert "There is no file" in sentence(run("fit", tmp_path / "none.csv"))
    assert "holdout" in sentence(run("compare", nile, "-i", "year", "--holdout", "2050"))


def test_what_is_wrong_with_the_output_is_said_before_anything_is_fitted(nile, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise AssertionError("nothing should be fitted")

    for name in ("pararnn_ts.panel.panel.fit_all", "pararnn_ts.cli.fitting.fit_model", "pararnn_ts.comparison.compare"):
        monkeypatch.setattr(name, fit)
    for command in ("fit", "forecast", "compare", "report"):
        error = sentence(run(command, nile, "-i", "year", "-u0" if command != "compare" else "-cflow", "-o", nile))
        assert f"--out {nile}: {nile} is no folder that can be written to" in error
    assert "alpha must lie between 0 and 1" in sentence(run("forecast", nile, "-i", "year", "--alpha", "0"))
    series = nile.with_name("panel.csv")
    datasets.load_nile().rename("y").rename_axis("ds").reset_index().assign(unique_id="a").to_csv(series, index=False)
    assert "is no folder" in sentence(run("panel", series, "-o", nile / "results"))
    assert "level must hold per cents" in sentence(run("panel", series, "--level", "0.9", "-o", tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda future: future[future["ds"] != 1963], "lacks 1 of the 4 steps of series 'a', the first 1963"),
        (lambda future: future.assign(ds=future["ds"] + 2), "lacks 2 of the 5 steps of series 'a', the first 1961"),
        (lambda future: future.assign(x=future["x"].where(future["ds"] != 1962)), "no number in column 'x' for 1962"),
    ],
)
def test_gaps_in_the_future_are_told_before_anything_is_fitted(change, words, nile, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise AssertionError("nothing should be fitted")

    monkeypatch.setattr("pararnn_ts.panel.panel.fit_all", fit)
    monkeypatch.setattr("pararnn_ts.cli.fitting.fit_model", fit)
    table = datasets.load_nile()[:95].rename("y").rename_axis("ds").reset_index()
    table = table.assign(x=np.sin(np.arange(95.0)), unique_id="a", ds=np.arange(1871, 1966))
    table["y"] = table["y"].where(table["ds"] <= 1960)
    rows = pd.concat([table[table["ds"] <= 1960], change(table[table["ds"] > 1960])])
    rows.to_csv(nile, index=False)
    assert words in sentence(run("panel", nile, "-x", "x", "-o", tmp_path))
    error = sentence(run("forecast", nile, "-c", "y", "-i", "ds", "-x", "x", "-o", tmp_path))
    assert words.split()[-1] in error


@pytest.mark.parametrize("command", ["fit", "forecast", "panel", "compare", "report"])
def test_help_shows_an_example(command):
    outcome = testing.CliRunner(env={"COLUMNS": "80"}).invoke(app, [command, "--help"])
    assert outcome.exit_code == 0 and f"pararnn-ts {command} sales.csv" in " ".join(outcome.stdout.split())
    # sentences run on to the width of the terminal, whatever the lines of the source
    text = outcome.stdout.partition("Options")[0].splitlines()
    following = [after.split() for after in text[1:]]
    for line, after in zip(text, following, strict=False):
        wide = len(line.rstrip()) + len(after[0]) + 1 > 78 if line.strip() and after else True
        assert wide or line.lstrip().startswith(("Usage", "╭", "│", "╰")), line


def test_without_typer_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "pararnn_ts.cli.commands")
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'Error: the command line needs typer; run pip install "pararnn-ts[cli]".\n'


def test_the_module_is_the_command(nile, tmp_path):
    command = [sys.executable, "-m", "pararnn_ts"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    shared = {"capture_output": True, "text": True, "env": environment, "cwd": tmp_path}
    done = subprocess.run([*command, "fit", nile, "-i", "year", "-u", "0", "--lags", "1", "-o", "out"], **shared)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "summary.txt").is_file()
    failed = subprocess.run([*command, "fit", "nile.csv", "-i", "month"], **shared)
    assert failed.returncode == 2 and failed.stderr.startswith("Error: --index month") and failed.stdout == ""


@pytest.mark.parametrize(
    "text, mentioned",
    [
        ("month;y\n2001-01;1,5\n2001-02;2,5\n", "separated by semicolons"),
        ("month\n2001-01,1\n2001-02,2\n", "more fields"),
        ("1.5\n2.5\n3.5\n", "holds numbers"),
    ],
    ids=["decimal commas", "a name too few", "no header"],
)
def test_a_file_that_would_be_misread_is_refused(tmp_path, text, mentioned):
    path = tmp_path / "odd.csv"
    path.write_text(text)
    assert mentioned in sentence(run("fit", path, "-o", tmp_path / "out"))
