"""Appending to a panel appends to each of its series."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, one, price
from statsmodels.tools.sm_exceptions import ModelWarning

import pararnn_ts as prt

LENGTHS = {"a": 60, "b": 45, "c": 80}
# what each series has for the first fit
FIRST = {"a": 50, "b": 45, "c": 60}


def parts(df):
    """Rows of the first fit, and those that come later."""
    early = df.groupby("unique_id").cumcount() < df["unique_id"].map(FIRST)
    return df[early], df[~early]


def alike(ours, theirs, **future):
    """Results that say the same to the last bit."""
    np.testing.assert_array_equal(ours.params, theirs.params)
    np.testing.assert_array_equal(ours.bse, theirs.bse)
    np.testing.assert_array_equal(ours.fittedvalues, theirs.fittedvalues)
    assert ours.model.index.equals(theirs.model.index) and ours.scale == theirs.scale
    frames = [r.get_forecast(3, n_sims=50, rng=0, **future).summary_frame() for r in (ours, theirs)]
    pd.testing.assert_frame_equal(*frames)


@pytest.fixture(scope="module")
def df():
    return long(LENGTHS)


@pytest.fixture(scope="module")
def panel(df):
    return prt.fit_panel(parts(df)[0], **QUICK)


@pytest.fixture(scope="module")
def longer(df, panel):
    return panel.append(parts(df)[1].sample(frac=1.0, random_state=0))


def test_each_series_is_appended_to_as_alone(df, panel, longer):
    for name, n in FIRST.items():
        alone = panel[name] if n == LENGTHS[name] else panel[name].append(one(df, name)[n:])
        alike(longer[name], alone)
        row = longer.table.loc[name]
        assert (row["nobs"], row["llf"], row["aic"], row["scale"]) == (alone.nobs, alone.llf, alone.aic, alone.scale)
        assert row["status"] == panel.table.loc[name, "status"]
    forecast = longer.forecast(2, level=90)
    assert forecast["ds"].tolist() == [label for name in LENGTHS for label in longer[name].model.future_index(2)]
    np.testing.assert_array_equal(forecast["ParaRNN"][:2], longer["a"].forecast(2))
    fitted = longer.fittedvalues.set_index(["unique_id", "ds"])["ParaRNN"]
    np.testing.assert_array_equal(fitted["c"], longer["c"].fittedvalues)
    assert str(longer.table["nobs"].sum()) == str(sum(LENGTHS.values()) - 3)


def test_the_panel_that_is_appended_to_stays_as_it_was(df, panel, longer):
    again = prt.fit_panel(parts(df)[0], **QUICK)
    pd.testing.assert_frame_equal(panel.table, again.table)
    pd.testing.assert_frame_equal(panel.forecast(2), again.forecast(2))


def test_rows_may_come_bit_by_bit(df, panel, longer):
    later = parts(df)[1]
    half = later.groupby("unique_id").cumcount() < 4
    alike(panel.append(later[half]).append(later[~half])["c"], longer["c"])


def test_an_appended_panel_is_saved_with_what_it_was_estimated_on(longer, panel):
    for written in (longer, panel):
        file = io.BytesIO()
        written.save(file)
        file.seek(0)
        loaded = prt.load(file)
        pd.testing.assert_frame_equal(loaded.table, written.table)
        pd.testing.assert_frame_equal(loaded.forecast(2, level=80), written.forecast(2, level=80))
        alike(loaded["c"], written["c"])


def test_refitting_is_that_of_the_single_results(df, panel):
    found = panel.append(parts(df)[1], refit=True, fit_kwargs={"maxiter": 300})
    for name in ("a", "c"):
        alone = panel[name].append(one(df, name)[FIRST[name] :], refit=True, fit_kwargs={"maxiter": 300})
        alike(found[name], alone)
        assert found.table.loc[name, "log_evidence"] == alone.log_evidence
    alike(found["b"], panel["b"])


def test_absent_times_are_missing_values():
    df = long({"a": 40})
    panel = prt.fit_panel(df[:30], **QUICK)
    found = panel.append(df[30:].drop(index=[30, 34]))["a"]
    filled = one(df, "a")[30:].copy()
    filled.iloc[[0, 4]] = np.nan
    alike(found, panel["a"].append(filled))


@pytest.mark.parametrize("kind", ["integers", "periods", "time zone"])
def test_times_may_be_of_any_kind(kind):
    df = long({"a": 40, "b": 36}, freq="D")
    change = {
        "integers": lambda t: 3 * (t - t.min()).dt.days + 7,
        "periods": lambda t: t.dt.to_period("D"),
        "time zone": lambda t: t.dt.tz_localize("Europe/Berlin"),
    }
    df["ds"] = change[kind](df["ds"])
    early = df.groupby("unique_id").cumcount() < 30
    panel = prt.fit_panel(df[early], **QUICK)
    for name in "ab":
        new = one(df, name)[30:]
        alike(panel.append(df[~early])[name], panel[name].append(new))


def test_differences_seasons_and_exogenous_values_go_on():
    df = long({"a": 60, "b": 50}, price=price)
    early = df.groupby("unique_id").cumcount() < 40
    panel = prt.fit_panel(df[early], exog_cols="price", diff=1, seasonal=True, trend="n", **QUICK)
    longer = panel.append(df[~early])
    for name in "ab":
        new = df[(df["unique_id"] == name) & ~early].set_index("ds")
        ahead = pd.DataFrame({"price": [1.0, 2.0, 3.0]}, longer[name].model.future_index(3))
        alike(longer[name], panel[name].append(new["y"], new[["price"]]), exog=ahead)
    hole = df[~early].iloc[[0, 2]]
    with pytest.raises(ValueError, match="Series 'a' cannot be continued: exog has no values for 1 labels"):
        panel.append(hole)


def test_series_that_were_not_fitted_may_be_fitted_once_they_are_longer():
    df = long({"long": 40, "short": 30})
    early = (df["unique_id"] == "long") | (df.groupby("unique_id").cumcount() < 3)
    with pytest.warns(UserWarning, match="could not be fitted"):
        panel = prt.fit_panel(df[early], **QUICK)
    kept = panel.append(df[~early])
    assert kept.table.loc["short", "status"] == "not fitted"
    fitted = panel.append(df[~early], refit=True)
    alike(fitted["short"], prt.fit_panel(df, **QUICK)["short"])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda new: new.assign(unique_id="z"), ValueError, "1 series that the panel does not have, the first 'z'"),
        (lambda new: new.assign(ds=new["ds"] - pd.DateOffset(months=3)), ValueError,
         "do not follow the samples of their series, the first .* of 'a', whose sample ends at 2019-02-01"),
        (lambda new: new.assign(ds=range(len(new))), TypeError, "column 'ds' holds times of dtype int64"),
        (lambda new: new.assign(ds=new["ds"] + pd.DateOffset(days=3)), ValueError, "Series 'a' cannot be continued: "),
        (lambda new: new.drop(columns="y"), ValueError, "no column 'y'"),
        (lambda new: pd.concat([new, new]), ValueError, "there already"),
        (lambda new: new.to_dict(), TypeError, "must be a DataFrame"),
    ],
    ids=["unknown series", "overlap", "kind of times", "off the grid", "column", "twice", "no frame"],
)  # fmt: skip
def test_what_cannot_be_appended_is_one_sentence(df, panel, change, kind, words):
    with pytest.raises(kind, match=words) as caught:
        panel.append(change(parts(df)[1].query("unique_id == 'a'")))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="options of refit=True"):
        panel.append(parts(df)[1], fit_kwargs={"maxiter": 3})


def test_gaps_and_fits_that_fail_are_said_once(df, panel):
    new = parts(df)[1]
    late = pd.concat([new.query("unique_id == 'a'")[1:], new.query("unique_id == 'c'")])
    with pytest.warns(ModelWarning, match="^Of 3 series 1 had times inserted as missing, the first 'a'") as said:
        longer = panel.append(late)
    assert len(said) == 1 and longer.table.loc["a", "n_missing"] == 1
    # what was said is not said again
    after = longer.forecast(1).assign(y=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        longer.append(after)
    with pytest.warns(ModelWarning, match="^Of 3 series 1 could not be fitted, the first 'c' .'y' has 1 infinite"):
        failed = panel.append(after.query("unique_id == 'c'").assign(y=np.inf, ds=new["ds"].max()), refit=True)
    assert failed.fitted_ids.tolist() == ["a", "b"]
