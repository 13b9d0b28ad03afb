"""Data of polars and Arrow are what the same data of pandas are, but for the labels that their rows do not have."""

import datetime
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.models.frames import as_pandas, with_labels
from pararnn_ts.models.panels import read_panel, read_rows
from pararnn_ts.models.series import SeriesModel

pl = pytest.importorskip("polars", reason="polars comes with the test extra")

LIBRARIES = ("polars", "pyarrow")
FIT = {"n_starts": 2}
DAYS = pd.date_range("2020-01-01", periods=64, name="day")


def of(library, frame):
    """A frame of polars as one of a library."""
    if library == "pyarrow":
        pytest.importorskip("pyarrow", reason="pyarrow comes with fugue, of the extras distributed and bench")
        return frame.to_arrow()
    return frame


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return pl.DataFrame({"day": DAYS.to_numpy(), "sales": rng.normal(size=64), "price": rng.normal(size=64)})


def plain(frame, index=None):
    return pd.DataFrame(frame.to_dict(as_series=False), index)


@pytest.mark.parametrize("library", LIBRARIES)
def test_estimates_and_forecasts_are_those_of_the_same_data_in_pandas(data, library):
    past, future = data[:60], data[60:]
    results = prt.ParaRNN(of(library, past)["sales"], of(library, past[["price"]]), units=(1,)).fit(**FIT)
    same = prt.ParaRNN(past["sales"].to_numpy(), past["price"].to_numpy(), units=(1,)).fit(**FIT)
    named = prt.ParaRNN(plain(past)["sales"], plain(past)[["price"]], units=(1,)).fit(**FIT)
    if library == "polars":  # a column of Arrow has no name
        pd.testing.assert_series_equal(results.params, named.params)
    np.testing.assert_array_equal(results.params, same.params)
    # the table of the future has more columns, in another order
    ahead = results.forecast(4, of(library, future[["price", "day"]]))
    np.testing.assert_array_equal(ahead, named.forecast(4, plain(future)["price"].to_numpy()))
    assert list(ahead.index) == [60, 61, 62, 63]


COLUMNS = {
    "integers": (pl.Series("y", [1, None, 3]), [1, np.nan, 3]),
    "short integers": (pl.Series("y", [1, None, 3], dtype=pl.UInt8), [1, np.nan, 3]),
    "floats": (pl.Series("y", [1.0, None, np.nan]), [1, np.nan, np.nan]),
    "truth": (pl.Series("y", [True, None, False]), [1, np.nan, 0]),
    "decimals": (pl.Series("y", [Decimal("1.5"), None, Decimal("2.25")]), [1.5, np.nan, 2.25]),
    "nothing": (pl.Series("y", [None, None, None]), [np.nan, np.nan, np.nan]),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("column", "values"), COLUMNS.values(), ids=COLUMNS)
def test_null_is_missing_in_a_column_of_any_type(library, column, values):
    model = SeriesModel(of(library, column.to_frame()))
    np.testing.assert_array_equal(model._y, values)
    assert model.endog_name == "y" and model.is_pandas


@pytest.mark.parametrize("library", LIBRARIES)
def test_dates_are_dates_with_their_time_zone(data, library):
    zoned = data["day"].dt.replace_time_zone("Europe/Vienna")
    columns = {
        "zoned": zoned,
        "day": data["day"].cast(pl.Date),
        "none": pl.Series([None] * 64, dtype=pl.Datetime("us")),
    }
    table = as_pandas(of(library, pl.DataFrame(columns)), "df")
    assert (pd.DatetimeIndex(table["zoned"]) == DAYS.tz_localize("Europe/Vienna")).all()
    assert (pd.DatetimeIndex(table["day"]) == DAYS).all() and table["none"].isna().all()
    model = SeriesModel(data["sales"], dates=of(library, pl.DataFrame(columns))["zoned"])
    assert model.index.freqstr == "D" and str(model.index.tz) == "Europe/Vienna"


@pytest.mark.parametrize("library", LIBRARIES)
def test_categories_with_null_are_what_they_stand_for(library):
    names = pl.Series("c", ["u", None, "w"], dtype=pl.Categorical)
    column = as_pandas(of(library, names.to_frame()), "df")["c"]
    assert column[0] == "u" and pd.isna(column[1]) and column[2] == "w"
    if library == "polars":
        levels = as_pandas(pl.Series(["w", "u"], dtype=pl.Enum(["w", "v", "u"])), "x")
        assert list(levels.cat.categories) == ["w", "v", "u"]


def test_a_column_that_holds_no_numbers_is_refused_by_name(data):
    with pytest.raises(TypeError, match="exog column 'day' must be numeric"):
        SeriesModel(data["sales"], data)
    with pytest.raises(ValueError, match="endog must be a single series, but has 3 columns"):
        SeriesModel(data)
    with pytest.raises(TypeError, match="endog must be numeric"):
        SeriesModel(pl.Series(["1", "2"]))


def test_rows_of_a_frame_without_labels_go_with_those_of_a_dated_series(data):
    model = SeriesModel(pd.Series(range(64), DAYS), data["price"])
    assert model.exog_labels == ["price"] and model.index.equals(DAYS)
    np.testing.assert_array_equal(model._x[:, 0], data["price"].to_numpy())
    assert with_labels(data, "exog")[1] is None
    with pytest.raises(ValueError, match="exog has 63 rows, but endog has 64"):
        SeriesModel(pd.Series(range(64), DAYS), data["price"][1:])
    dated = SeriesModel(data["sales"], pd.DataFrame({"x": range(64)}, DAYS))
    assert dated.index.equals(DAYS)


@pytest.mark.parametrize("labelled", [True, False])
def test_new_rows_without_labels_follow_the_sample(data, labelled):
    past, new = data[:60], data[60:]
    y = pd.Series(past["sales"].to_numpy(), DAYS[:60], name="sales") if labelled else past["sales"]
    results = prt.ParaRNN(y, past["price"].to_numpy(), units=(1,)).fit(**FIT)
    longer = results.append(new["sales"], new[["price"]].rename({"price": "x1"}))
    index = DAYS if labelled else pd.RangeIndex(64)
    assert longer.model.index.equals(index)
    after = results.extend(new["sales"], new["price"].to_numpy())
    np.testing.assert_allclose(after.fittedvalues, longer.fittedvalues.iloc[60:])
    other = results.apply(data["sales"], data["price"].to_numpy())
    np.testing.assert_allclose(other.fittedvalues, longer.fittedvalues)
    table = prt.rolling_forecast(results, new["sales"], new["price"].to_numpy())
    np.testing.assert_array_equal(table["actual"], new["sales"])


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_formula_takes_them(data, library):
    """Text, decimals and ordered levels, and a look back over the end of the sample."""
    rng = np.random.default_rng(1)
    data = data.with_columns(
        cost=pl.Series([Decimal(int(k)) for k in rng.integers(9, size=64)]),
        shop=pl.Series(["u", "v"] * 32),
    )
    formula = "sales ~ lag(price) + cost + shop"
    past, new = of(library, data[:60]), of(library, data[60:])
    results = prt.ParaRNN.from_formula(formula, past, units=()).fit()
    own = plain(data).assign(cost=plain(data)["cost"].astype(float))
    same = prt.ParaRNN.from_formula(formula, own[:60], units=()).fit()
    pd.testing.assert_series_equal(results.params, same.params)
    assert [name for name in results.params.index if "cost" in name] == ["linear.cost"]
    np.testing.assert_allclose(results.forecast(4, new), same.forecast(4, own[60:]))
    longer = results.append(new)
    assert longer.nobs == results.nobs + 4
    np.testing.assert_allclose(results.apply(of(library, data)).fittedvalues, longer.fittedvalues)
    dated = results.apply(pd.Series(data["sales"].to_numpy(), DAYS), of(library, data))
    assert dated.model.index.equals(DAYS[1:])
    np.testing.assert_allclose(dated.fittedvalues, longer.fittedvalues)


def test_rows_of_a_formula_may_be_chosen(data):
    chosen = pl.Series([True] * 50 + [False] * 14)
    assert len(prt.ParaRNN.from_formula("sales ~ price", data, subset=chosen, units=()).index) == 50


def test_dates_of_a_formula_are_given_as_dates(data):
    assert prt.ParaRNN.from_formula("sales ~ price", data, dates=data["day"], units=()).index.equals(DAYS)


def test_selection_and_comparison_take_them(data):
    search = {"max_lags": 1, "max_linear_lags": 1, "max_units": 1, "unit_dims": (1,), "n_starts": 1}
    found = prt.select_order(data["sales"], data[["price"]], **search)
    same = prt.select_order(plain(data)["sales"], plain(data)[["price"]], **search)
    pd.testing.assert_frame_equal(found.table, same.table)
    models = {"units": prt.ParaRNN(data["sales"], data[["price"]], units=(1,))}
    assert prt.compare(data["sales"], data[["price"]], holdout=4, models=models).forecasts.shape[0] == 4


def test_a_file_holds_results_of_them(data):
    results = prt.ParaRNN(data["sales"], data[["price"]], units=(1,)).fit(**FIT)
    file = io.BytesIO()
    results.save(file)
    file.seek(0)
    future = pl.DataFrame({"price": [0.0]})
    pd.testing.assert_series_equal(prt.load(file).forecast(1, future), results.forecast(1, future))


@pytest.mark.parametrize("library", LIBRARIES)
def test_many_sensors_keep_their_names(library):
    x = pl.DataFrame(np.cumsum(np.random.default_rng(0).normal(size=(40, 16)), axis=0), schema=list("abcdefghijklmnop"))
    x = x.with_columns(a=pl.when(pl.col("a") > 0).then(pl.col("a")))
    own = plain(x)
    model = prt.SISTARNN(of(library, x[:36]), lam1=0.1, lam2=0.1)
    results, same = model.fit(), prt.SISTARNN(own[:36], lam1=0.1, lam2=0.1).fit()
    pd.testing.assert_frame_equal(results.forecast(2), same.forecast(2))
    longer = results.append(of(library, x[36:]))
    np.testing.assert_allclose(longer.reconstruction, same.append(own[36:]).reconstruction)
    measurement = pl.DataFrame(np.eye(16), schema=[f"s{k}" for k in range(16)])
    assert prt.SISTARNN(own, measurement=of(library, measurement)).signal_names[0] == "s0"


def lazy_calls(data):
    lazy, results = data.lazy(), prt.ParaRNN(data["sales"], data["price"], units=()).fit()
    return {
        "endog": lambda: prt.ElmanRNN(lazy),
        "exog": lambda: prt.ParaRNN(data["sales"], lazy),
        "data": lambda: prt.ParaRNN.from_formula("sales ~ price", lazy),
        "df": lambda: prt.fit_panel(lazy),
        "future exog": lambda: results.forecast(1, lazy),
        "new endog": lambda: results.append(lazy),
        "new exog": lambda: results.append([1.0], lazy),
        "sensors endog": lambda: prt.SISTARNN(lazy),
    }


@pytest.mark.parametrize(
    "call", ["endog", "exog", "data", "df", "future exog", "new endog", "new exog", "sensors endog"]
)
def test_a_lazy_frame_is_refused_in_one_sentence(data, call):
    name = call.split()[-1]
    with pytest.raises(TypeError, match=rf"^{name} is lazy, a polars.LazyFrame .*pass {name}.collect\(\)\.$"):
        lazy_calls(data)[call]()


def test_a_row_of_dates_alone_is_no_series():
    with pytest.raises(TypeError, match="endog must be numeric"):
        SeriesModel(pl.Series([datetime.date(2020, 1, 1)]))


def test_rows_of_targets_go_with_those_of_a_dated_panel_by_position_and_columns_by_name(data):
    frame = read_panel(pd.DataFrame(np.zeros((64, 2)), DAYS))
    values = read_rows(data[["price", "sales"]], "target", frame, pd.Index(["sales", "price"]))
    np.testing.assert_array_equal(values, data[["sales", "price"]].to_numpy())
