"""A long data frame is read whatever its order, and every mistake in it is one sentence."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import QUICK, long, price
from statsmodels.tools.sm_exceptions import ModelWarning

import pararnn_ts as prt
from pararnn_ts.models.labels import complete_index
from pararnn_ts.panel.frame import read_long

NAMES = ("unique_id", "ds", "y")


@pytest.fixture
def df():
    return long({"a": 30, "b": 20})


@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["date", "period", "integer"]))
@settings(max_examples=30, deadline=None)
def test_rows_may_come_in_any_order(seed, kind):
    df = long({"a": 9, "b": 12})
    if kind == "period":
        df["ds"] = df["ds"].dt.to_period("M")
    elif kind == "integer":
        df["ds"] = df.groupby("unique_id").cumcount() * 3
    frame = read_long(df, *NAMES)
    shuffled = read_long(df.sample(frac=1.0, random_state=seed), *NAMES)
    for k in range(2):
        pd.testing.assert_series_equal(frame.series(k).endog, shuffled.series(k).endog)
    assert frame.series(0).endog.tolist() == df.loc[df["unique_id"] == "a", "y"].tolist()


FREQUENCIES = (
    "D",
    "B",
    "W-WED",
    "2W-SUN",
    "MS",
    "ME",
    "QS",
    "QE-NOV",
    "YS",
    "YE-JUN",
    "h",
    "15min",
    "2MS",
    "6h",
    "BME",
)


@given(
    freq=st.sampled_from(FREQUENCIES),
    start=st.dates(pd.Timestamp("1990-01-01").date(), pd.Timestamp("2010-01-01").date()),
    first=st.integers(0, 30),
    length=st.integers(8, 30),
)
@settings(max_examples=150, deadline=None)
def test_part_of_a_calendar_is_what_the_labels_alone_would_be_completed_to(freq, start, first, length):
    dates = pd.date_range(start, periods=60, freq=freq)
    part = dates[first : first + length]
    ids = np.repeat(["long", "part"], [60, length])
    df = pd.DataFrame({"unique_id": ids, "ds": dates.append(part), "y": 0.0})
    done = read_long(df, *NAMES).completed(1)
    alone = complete_index(pd.DatetimeIndex(part.to_numpy()))
    assert done.index.equals(alone.index) and done.index.freq == alone.index.freq
    assert (done.rows is None) == (alone.rows is None) and done.notes == alone.notes


def test_a_short_series_has_the_frequency_of_the_others():
    frame = read_long(long({"long": 20, "short": 3}), *NAMES)
    assert frame.completed(1).index.freqstr == "MS"
    assert frame.part(1, 2).completed(0).index.freqstr == "MS"


MONTHS = pd.date_range("2020-01-01", periods=40, freq="MS")
CALENDARS = {
    "date": MONTHS,
    "period": MONTHS.to_period("M"),
    "zone": pd.date_range("2024-03-20", periods=40, tz="Europe/Berlin"),
    "integer": pd.RangeIndex(100, 300, 5),
}


@pytest.mark.parametrize("labels", CALENDARS.values(), ids=CALENDARS)
def test_gaps_of_a_short_series_are_missing_values_as_those_of_a_long_one(labels):
    rows = [20, 21, 22, 24, 25, 26]
    df = pd.DataFrame({"unique_id": "long", "ds": labels, "y": np.sin(np.arange(40))})
    short = df.iloc[rows].assign(unique_id="short")
    frame = read_long(pd.concat([df, short]), *NAMES)
    endog, _, notes, n_inserted = frame.series(1)
    assert endog.index.equals(labels[20:27]) and n_inserted == 1 and "inserted as missing" in notes[-1]
    np.testing.assert_array_equal(np.flatnonzero(endog.isna()), [3])
    with pytest.warns(ModelWarning, match="1 had times inserted as missing, the first 'short'"):
        panel = prt.fit_panel(pd.concat([df, short]), units=(), n_starts=1)
    assert panel.forecast(2).query("unique_id == 'short'")["ds"].tolist() == labels[27:29].tolist()


def test_a_short_series_of_equal_steps_says_its_own_frequency():
    for labels, step in ((MONTHS, 3), (pd.RangeIndex(40), 2)):
        df = pd.DataFrame({"unique_id": "long", "ds": labels, "y": np.sin(np.arange(40))})
        sparse = df.iloc[10 : 10 + 6 * step : step].assign(unique_id="sparse")
        panel = prt.fit_panel(pd.concat([df, sparse]), units=(), n_starts=1)
        assert panel.table.at["sparse", "n_missing"] == 0
        ahead = panel.forecast(2).query("unique_id == 'sparse'")["ds"]
        assert ahead.tolist() == labels[10 + 6 * step :: step][:2].tolist()


@pytest.mark.parametrize("kind", ["date", "zone", "integer"])
def test_a_panel_of_short_series_has_the_step_of_all_their_times(kind):
    labels = CALENDARS[kind]
    rows = {"a": [3, 4, 5, 6, 7, 8], "b": [3, 5, 6, 7, 8]}
    df = pd.concat([
        pd.DataFrame({"unique_id": name, "ds": labels[own], "y": np.sin(own)}) for name, own in rows.items()
    ])  # fmt: skip
    with pytest.warns(ModelWarning, match="Of 2 series 1 had times inserted as missing, the first 'b'"):
        panel = prt.fit_panel(df, units=(), n_starts=1)
    assert panel.table["n_missing"].tolist() == [0, 1]
    assert panel.forecast(2)["ds"].tolist() == 2 * labels[9:11].tolist()


def test_a_calendar_goes_on_from_its_own_labels_only():
    for labels in CALENDARS.values():
        calendar, later = (
            read_long(pd.DataFrame({"unique_id": "a", "ds": own, "y": 0.0}), *NAMES).calendar
            for own in (labels, labels[1:])
        )
        assert calendar.after(labels[:31], 4).equals(labels[31:35])
        assert len(calendar.until(labels[-1]).index) == 40
        assert later.after(labels[:1], 4) is None


def test_every_series_may_have_a_frequency_of_its_own():
    df = pd.concat([long({"month": 20}), long({"day": 25}, freq="D"), long({"year": 12}, freq="YE")])
    frame = read_long(df, *NAMES)
    assert [frame.completed(k).index.freqstr for k in range(3)] == ["D", "MS", "YE-DEC"]


@pytest.mark.parametrize("kind", ["string", "Int64", "int8", "category", "boolean", "datetime64[ns]"])
def test_names_of_series_may_be_of_any_kind_that_has_an_order(df, kind):
    df["unique_id"] = (df["unique_id"] == "b").astype(int)
    df["unique_id"] = df["unique_id"].astype(kind)
    panel = prt.fit_panel(df, **QUICK)
    first, second = panel
    assert panel[first].nobs == 29 and panel[second].nobs == 19
    assert panel.forecast(2)["unique_id"].nunique() == 2


def test_categories_are_what_they_stand_for(df):
    plain = df.assign(unique_id=(df["unique_id"] == "b").astype(int), ds=df.groupby("unique_id").cumcount())
    panel = prt.fit_panel(plain.astype({"unique_id": "category", "ds": "category"}), **QUICK)
    pd.testing.assert_frame_equal(panel.forecast(2), prt.fit_panel(plain, **QUICK).forecast(2))
    for column in ("unique_id", "ds"):
        codes = plain[column].to_numpy().copy()
        codes[4] = -1
        gone = pd.Categorical.from_codes(codes, range(plain[column].max() + 1))
        with pytest.raises(ValueError, match=f"column '{column}' has 1 missing values, the first in row 4"):
            prt.fit_panel(plain.assign(**{column: gone}))


def test_names_that_arrow_keeps_in_a_dictionary_are_text(df):
    arrow = pytest.importorskip("pyarrow", reason="pyarrow comes with fugue, of the extras distributed and bench")
    kind = pd.ArrowDtype(arrow.dictionary(arrow.int32(), arrow.string()))
    panel = prt.fit_panel(df.astype({"unique_id": kind}), **QUICK)
    file = io.BytesIO()
    panel.save(file)
    assert list(prt.load(file)) == list(panel) == ["a", "b"]


def test_names_in_messages_are_written_without_the_types_of_numpy(df):
    df["unique_id"] = df["unique_id"].map({"a": 7, "b": 10})
    with pytest.warns(ModelWarning, match=r"could not be fitted, the first 7 \("):
        panel = prt.fit_panel(df.assign(y=df["y"].where(df["unique_id"] == 10)), **QUICK)
    with pytest.raises(KeyError, match="no series 8; its 2 series begin with 7"):
        panel[8]
    with pytest.raises(ValueError, match=r"the first 7 at "):
        prt.fit_panel(pd.concat([df, df[:1]]), **QUICK)


def test_columns_may_have_any_names(df):
    renamed = df.rename(columns={"unique_id": "shop", "ds": 1, "y": "sales"})
    panel = prt.fit_panel(renamed, id_col="shop", time_col=1, target_col="sales", **QUICK)
    pd.testing.assert_frame_equal(
        panel.table, prt.fit_panel(df, **QUICK).table.rename_axis("shop").replace("'y'", "'sales'")
    )
    assert panel.forecast(1).columns.tolist() == ["shop", 1, "ParaRNN"]
    assert "linear.sales.L1" in panel.params


def test_the_data_frame_is_left_as_it_was(df):
    copy = df.copy(deep=True)
    panel = prt.fit_panel(df, **QUICK)
    panel.forecast(2)
    pd.testing.assert_frame_equal(df, copy)
    df["y"] = 0.0
    assert panel["a"].resid.abs().sum() > 0


def change(column, row, value):
    def changed(df):
        df[column] = df[column].astype(object)
        df.iloc[row, df.columns.get_loc(column)] = value
        return df

    return changed


class Polars:
    """A frame of another library."""

    def to_pandas(self):
        raise AssertionError


HOSTILE = {
    "no frame": (lambda df: df["y"], {}, TypeError, "must be a DataFrame, but is a pandas.Series; pass a"),
    "other frame": (lambda df: Polars(), {}, TypeError, r"pass df.to_pandas\(\)"),
    "empty": (lambda df: df[:0], {}, ValueError, "df is empty"),
    "no column": (lambda df: df, {"time_col": "time"}, ValueError, "no column 'time'; .*the one to use with time_col"),
    "in the index": (lambda df: df.set_index("ds"), {}, ValueError, r"'ds' in its index; pass df.reset_index\(\)"),
    "twice the same": (lambda df: df, {"time_col": "y"}, ValueError, "column 'y' is asked for twice"),
    "two columns": (lambda df: pd.concat([df, df[["y"]]], axis=1), {}, ValueError, "2 columns named 'y'"),
    "duplicate": (lambda df: pd.concat([df, df[3:5]]), {}, ValueError, "2 rows .*, the first 'a' at 2015-04-01"),
    "nameless": (change("unique_id", 4, None), {}, ValueError, "'unique_id' has 1 missing values, the first in row 4"),
    "mixed names": (change("unique_id", 4, 7), {}, TypeError, r"different kinds \(int, str\)"),
    "timeless": (change("ds", 4, None), {}, ValueError, r"'ds' has 1 missing values, .* row 4 \(series 'a'\)"),
    "text": (change("y", 4, "much"), {}, TypeError, "column 'y' must be numeric, but holds 'much'"),
    "complex": (lambda df: df.assign(y=1j), {}, TypeError, "column 'y' must be real"),
    "words for times": (lambda df: df.assign(ds="monday"), {}, TypeError, "'ds' must hold dates, periods or integers"),
    "fractions": (lambda df: df.assign(ds=np.arange(50) / 2), {}, TypeError, "must hold dates, periods or integers"),
    "true and false": (lambda df: df.assign(ds=True), {}, TypeError, "'ds' must hold dates, periods or integers"),
    "no exog": (lambda df: df, {"exog_cols": "price"}, ValueError, "no column 'price'; .*with exog_cols"),
    "number for exog": (lambda df: df, {"exog_cols": 3}, TypeError, "exog_cols must be names of columns"),
    "target for exog": (lambda df: df, {"exog_cols": ["y"]}, ValueError, "column 'y' is asked for twice"),
    "text for exog": (lambda df: df.assign(p="x"), {"exog_cols": ["p"]}, TypeError, "column 'p' must be numeric"),
    "name of forecasts": (lambda df: df.rename(columns={"y": "ParaRNN"}), {"target_col": "ParaRNN"}, ValueError,
                          "column 'ParaRNN', which is the name of forecasts by this model; rename"),
    "freq of integers": (lambda df: df.assign(ds=range(50)), {"freq": "D"}, ValueError, "freq='D' needs dates"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "options", "kind", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_mistake_in_the_data_frame_is_one_sentence(df, make, options, kind, words):
    with pytest.raises(kind, match=words) as caught:
        prt.fit_panel(make(df), **options)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text


@pytest.mark.filterwarnings("ignore:Of 2 series")
def test_exogenous_values_that_are_missing_stop_one_series():
    df = long({"a": 30, "b": 30, "c": 30}, price=price)
    df.loc[3, "price"] = np.nan
    df = df.drop(index=35)
    panel = prt.fit_panel(df, exog_cols="price", **QUICK)
    assert panel.fitted_ids.tolist() == ["c"]
    assert "exog column 'price' has 1 missing values" in panel.table.at["a", "message"]
    assert "1 labels that are absent from 'ds', the first 2015-06-01" in panel.table.at["b", "message"]


def test_what_is_said_of_a_wide_frame_makes_it_long():
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.standard_normal((30, 2)), pd.date_range("2001", periods=30, freq="MS"), ["a", "b"])
    with pytest.raises(ValueError, match="make a wide frame long") as refused:
        prt.fit_panel(wide)
    recipe = re.search(r"long with (df\..*)\.$", str(refused.value)).group(1)
    panel = prt.fit_panel(eval(recipe, {"df": wide}), units=(), n_starts=1)
    assert list(panel.ids) == ["a", "b"]
    np.testing.assert_array_equal(np.ravel(panel["b"].model.endog), wide["b"])
