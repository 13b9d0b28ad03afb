"""A panel gives long data frames of the library, and with the types, of the one that it was given."""

import pickle
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt

pl = pytest.importorskip("polars", reason="polars comes with the test extra")

N = 36
QUICK = {"units": (1,), "n_starts": 2}
DAY = pl.lit(date(2020, 1, 1)) + pl.duration(days=pl.col("k"))
HOURS = pl.lit(datetime(2020, 3, 25)) + pl.duration(hours=12 * pl.col("k"))
TIMES = {
    "integers": pl.col("k"),
    "short integers": pl.col("k").cast(pl.Int16),
    "dates": DAY.cast(pl.Date),
    "milliseconds": DAY.cast(pl.Datetime("ms")),
    "nanoseconds": DAY.cast(pl.Datetime("ns")),
    "zoned": HOURS.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Vienna"),
}


def of(library, frame):
    if library == "pyarrow":
        pytest.importorskip("pyarrow", reason="pyarrow comes with fugue, of the extras distributed and bench")
        return frame.to_arrow()
    return frame


def back(frame):
    return frame if isinstance(frame, pl.DataFrame) else pl.from_arrow(frame)


@pytest.fixture
def long():
    rng = np.random.default_rng(0)
    k = np.tile(np.arange(N), 2)
    frame = pl.DataFrame({"unique_id": np.repeat(["b", "a"], N), "k": k, "y": rng.normal(size=2 * N)})
    return frame.with_columns(price=pl.Series(rng.normal(size=2 * N)))


def pandas_of(frame):
    return pd.DataFrame(frame.to_dict(as_series=False))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_forecasts_are_those_of_pandas_in_the_types_that_were_given(long, library, times):
    df = long.with_columns(ds=times)
    past, new = df.filter(pl.col("k") < N - 4), df.filter(pl.col("k") >= N - 4)
    options = {**QUICK, "exog_cols": "price"}
    panel, same = prt.fit_panel(of(library, past), **options), prt.fit_panel(pandas_of(past), **options)
    made = {
        "forecast": (panel.forecast(4, of(library, new), level=80), same.forecast(4, pandas_of(new), level=80)),
        "rolling": (panel.rolling_forecast(of(library, new), 2, 2), same.rolling_forecast(pandas_of(new), 2, 2)),
        "fitted": (panel.fittedvalues, same.fittedvalues),
        "appended": (panel.append(of(library, new)).fittedvalues, same.append(pandas_of(new)).fittedvalues),
    }
    for found, wanted in made.values():
        assert type(found) is type(of(library, df))
        found = back(found)
        assert found.columns == list(wanted.columns)
        for name in {"ds", "cutoff"} & set(found.columns):
            assert found.schema[name] == df.schema["ds"]
            assert list(map(pd.Timestamp, found[name])) == list(map(pd.Timestamp, wanted[name]))
        numbers = [name for name in found.columns if found.schema[name] == pl.Float64]
        assert numbers and not any(found[name].is_nan().any() for name in numbers)
        np.testing.assert_array_equal(found[numbers].to_numpy(), wanted[numbers].to_numpy())
    # what was given can be joined to what comes back
    assert len(back(made["forecast"][0]).join(new, on=["unique_id", "ds"])) == 8


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["b", "a", "z"])])
def test_names_of_series_keep_their_type(long, kind):
    df = long.with_columns(ds=pl.col("k"), unique_id=pl.col("unique_id").cast(kind))
    panel = pickle.loads(pickle.dumps(prt.fit_panel(df, **QUICK)))
    assert list(panel) == ["a", "b"]
    assert panel.forecast(1).schema["unique_id"] == df.schema["unique_id"]


@pytest.mark.filterwarnings("ignore:Of 2 series 2 had times inserted")
def test_days_that_go_on_by_the_hour_become_times(long):
    df = long.with_columns(ds=(pl.lit(datetime(2020, 1, 1)) + pl.duration(days=pl.col("k"))).cast(pl.Date))
    assert prt.fit_panel(df, freq="D", **QUICK).forecast(1).schema["ds"] == pl.Date
    twice_a_day = prt.fit_panel(df, freq="12h", **QUICK)
    assert twice_a_day.forecast(1)["ds"].dt.hour().to_list() == [12, 12]


@pytest.mark.filterwarnings("ignore:Of 3 series", "ignore:Of the forecasts of 3 series")
def test_null_stands_for_what_is_missing(long):
    short = pl.DataFrame({"unique_id": ["c"], "k": [0], "y": [1.0], "price": [0.0]})
    df = pl.concat([long, short]).with_columns(ds=pl.col("k"), y=pl.when(pl.col("k") != 5).then(pl.col("y")))
    panel = prt.fit_panel(df, **QUICK)
    assert panel.table["n_missing"].tolist()[:2] == [1, 1]
    assert panel.forecast(1)["ParaRNN"].null_count() == 1
    assert panel.fittedvalues["y"].null_count() == 2


def test_a_panel_of_pandas_stays_one_whatever_its_future_comes_in(long):
    df = long.with_columns(ds=pl.col("k"))
    past, new = df.filter(pl.col("k") < N - 2), df.filter(pl.col("k") >= N - 2)
    panel = prt.fit_panel(pandas_of(past), exog_cols="price", **QUICK)
    pd.testing.assert_frame_equal(panel.forecast(2, new), panel.forecast(2, pandas_of(new)))
    assert isinstance(panel.rolling_forecast(new), pd.DataFrame) and isinstance(
        panel.append(new).fittedvalues, pd.DataFrame
    )


def test_the_engine_makes_no_difference(long):
    from concurrent.futures import ThreadPoolExecutor

    df = long.with_columns(ds=DAY.cast(pl.Date))
    with ThreadPoolExecutor(1) as engine:
        assert prt.fit_panel(df, engine=engine, **QUICK).forecast(2).equals(prt.fit_panel(df, **QUICK).forecast(2))


HOSTILE = {
    "no name": ({"unique_id": pl.when(pl.col("k") != 3).then(pl.col("unique_id"))}, "'unique_id' has 2 missing values"),
    "no time": ({"ds": pl.when(pl.col("k") != 3).then(pl.col("k"))}, "'ds' has 2 missing values"),
    "words": ({"y": pl.lit("much")}, "column 'y' must be numeric"),
}


@pytest.mark.parametrize(("change", "words"), HOSTILE.values(), ids=HOSTILE)
def test_mistakes_are_named_as_in_pandas(long, change, words):
    with pytest.raises((TypeError, ValueError), match=words):
        prt.fit_panel(long.with_columns(ds=pl.col("k")).with_columns(**change), **QUICK)


def test_a_column_that_is_absent_is_named(long):
    with pytest.raises(ValueError, match="df has no column 'ds'; its columns are 'unique_id', 'k'"):
        prt.fit_panel(long, **QUICK)
