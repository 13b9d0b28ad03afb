"""Rows of a prediction, compared with what statsmodels finds for the same words."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.base.tsa_model import TimeSeriesModel

from pararnn_ts.models.series import SeriesModel

N = 30
DAYS = pd.date_range("2020-03-10", periods=N, freq="D")
MONTHS = pd.date_range("2000-01-01", periods=N, freq="MS")
INDEXES = {
    "range": pd.RangeIndex(N),
    "range with a step": pd.RangeIndex(5, 5 + 2 * N, 2),
    "days": DAYS,
    "months": MONTHS,
    "periods": pd.period_range("2000-01", periods=N, freq="M"),
    "hours": pd.date_range("2000-01-01", periods=N, freq="h"),
    "UTC": DAYS.tz_localize("UTC"),
    "clock change": pd.date_range("2020-03-10", periods=N, freq="D", tz="Europe/Berlin"),
}
POSITIONS = [(None, None), (0, 5), (3, None), (-4, -1), (-N, 0), (N - 1, N + 3), (N, N), (N + 2, N + 5), (N + 2, None)]
LABELS = [
    ("months", "2001", "2001-03"),
    ("months", "2001", "2001"),
    ("months", "2001-11", "2003"),
    ("months", datetime.datetime(2000, 2, 1), np.datetime64("2003-02-01")),
    ("months", pd.Timestamp("2002-05-01"), pd.Timestamp("2003-02-11")),
    ("periods", "2001", "2001-03"),
    ("periods", pd.Period("2000-03", "M"), pd.Period("2004-03", "M")),
    ("periods", "2001-05", "2002-10"),
    ("days", "2020-03", "2020-04-20"),
    ("days", datetime.datetime(2020, 3, 12), "2020-04-20"),
    ("hours", "2000-01-01", "2000-01-02"),
    ("UTC", pd.Timestamp("2020-03-12", tz="UTC"), pd.Timestamp("2020-05-01", tz="UTC")),
]


def same_as_statsmodels(index, start, end):
    y = pd.Series(np.arange(float(N)), index=index)
    first, last, outside, labels = TimeSeriesModel(y)._get_prediction_index(0 if start is None else start, end)
    window = SeriesModel(y).prediction_window(start, end)
    assert (window.start, window.end, window.out_of_sample) == (first, last, outside)
    assert window.index.equals(labels)
    assert len(window) == len(labels) == window.stop - window.start
    return window


@pytest.mark.parametrize(("start", "end"), POSITIONS)
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_positions_mean_the_rows_that_statsmodels_finds(index, start, end):
    window = same_as_statsmodels(index, start, end)
    if hasattr(index, "freq"):
        assert window.index.freq == index.freq


@pytest.mark.parametrize(("kind", "start", "end"), LABELS)
def test_labels_mean_the_rows_that_statsmodels_finds(kind, start, end):
    same_as_statsmodels(INDEXES[kind], start, end)


def test_naive_labels_are_local_time():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=INDEXES["clock change"]))
    window = model.prediction_window("2020-03-20", "2020-04-12")
    assert (window.start, window.out_of_sample) == (10, 4)
    assert window.index[-1] == pd.Timestamp("2020-04-12", tz="Europe/Berlin")
    assert model.prediction_window("2020-04", "2020-04").start == 22


def test_dates_of_the_datetime_module():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=DAYS))
    assert model.prediction_window(datetime.date(2020, 3, 12), datetime.date(2020, 4, 10)).start == 2


def test_quarters_are_found_by_their_names():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=pd.date_range("2000", periods=N, freq="QS")))
    assert model.prediction_window("2001Q2", "2001Q4").start == 5
    assert model.prediction_window("2001Q2", "2008Q1").out_of_sample == 3
    periods = SeriesModel(pd.Series(np.arange(float(N)), index=pd.period_range("2000Q1", periods=N, freq="Q")))
    assert periods.prediction_window("2001Q2", "2008Q1").out_of_sample == 3


@pytest.mark.parametrize("kind", ["days", "periods"])
@pytest.mark.parametrize("as_period", [False, True])
def test_a_quarter_among_months_is_its_first_month(kind, as_period):
    index = pd.period_range("2000-01", periods=N, freq="M")
    model = SeriesModel(pd.Series(np.arange(float(N)), index if kind == "periods" else index.to_timestamp()))
    start, end, beyond = (pd.Period(q) if as_period else q for q in ("2000Q2", "2001Q4", "2003Q1"))
    window = model.prediction_window(start, end)
    assert (window.start, window.end) == (3, 21)
    assert model.prediction_window(start, beyond).out_of_sample == 36 - N + 1


def test_a_date_within_a_period_is_that_period():
    model = SeriesModel(pd.Series(np.arange(float(N)), pd.period_range("2000-01", periods=N, freq="M")))
    for key in (str, pd.Timestamp):
        window = model.prediction_window(key("2000-03-15"), key("2001-02-01"))
        assert (window.start, window.end) == (2, 13)


def test_labels_of_periods_of_several_months_are_found():
    index = pd.period_range("2000-01", periods=N + 5, freq="2M")
    model = SeriesModel(pd.Series(np.arange(float(N)), index[:N]))
    for row in (0, 7, N - 1, N, N + 4):
        assert [model.row_of(key, "start") for key in (index[row], str(index[row]))] == [row, row]


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        ("1999", None, KeyError),
        ("2000-01-15", None, KeyError),
        (-N - 1, None, KeyError),
        ("nonsense", None, KeyError),
        (pd.Timestamp("2000-02-01", tz="UTC"), None, KeyError),
        (3.0, None, TypeError),
        (True, None, TypeError),
        (5, 4, ValueError),
    ],
)
def test_a_start_that_is_no_row_is_refused(start, end, error):
    model = SeriesModel(pd.Series(np.arange(float(N)), index=MONTHS))
    with pytest.raises(error, match="start"):
        model.prediction_window(start, end)


def test_integers_are_positions_and_strings_no_labels_of_a_range():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=pd.RangeIndex(100, 100 + N)))
    assert model.prediction_window(5, 6).index.tolist() == [105, 106]
    with pytest.raises(KeyError, match=r"end='110' is not in the index, which runs from 100 to 129"):
        model.prediction_window(0, "110")


class TestDynamic:
    model = SeriesModel(pd.Series(np.arange(float(N)), index=MONTHS))

    def start(self, dynamic, start=10, end=40):
        return self.model.prediction_window(start, end, dynamic).dynamic_start

    def test_dynamic_is_a_flag_an_offset_or_a_label(self):
        assert self.start(False) is None and self.start(None) is None and self.start(np.False_) is None
        assert self.start(True) == 10 and self.start(0) == 10 and self.start(np.True_) == 10
        assert self.start(5) == 15 and self.start(np.int64(5)) == 15
        assert self.start("2001-12") == 23 and self.start(pd.Timestamp("2001-12-01")) == 23

    def test_dynamic_before_the_first_row_is_refused(self):
        with pytest.raises(ValueError, match="begins before"):
            self.start("2000-02")
        with pytest.raises(ValueError, match="begins before"):
            self.start(-1)

    def test_dynamic_after_the_last_row_has_no_effect_and_warns(self):
        with pytest.warns(UserWarning, match="no effect") as caught:
            assert self.start(20, end=25) is None
        assert caught[0].filename == __file__


def test_labels_given_for_the_rows_are_taken_if_there_are_as_many():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=MONTHS))
    assert model.prediction_window(N, N + 1, index=["a", "b"]).index.tolist() == ["a", "b"]
    assert SeriesModel(np.arange(float(N))).prediction_window(N, N + 1, index=["a", "b"]).index.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="index has 1 labels, but the prediction has 2 rows"):
        model.prediction_window(N, N + 1, index=["a"])


def test_threads_may_share_a_model():
    model = SeriesModel(pd.Series(np.arange(float(N)), index=MONTHS))
    before = dict(vars(model.data))

    def ask(steps):
        return len(model.prediction_window(N, N + steps - 1).index) == steps

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, np.tile(np.arange(1, 25), 20).tolist()))
    assert vars(model.data).keys() == before.keys()
