"""Plain values and back."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.offsets import CustomBusinessDay, CustomBusinessMonthEnd
from statsmodels.tsa.deterministic import (
    CalendarFourier,
    CalendarSeasonality,
    CalendarTimeTrend,
    DeterministicProcess,
    DeterministicTerm,
    Seasonality,
)

from pararnn_ts.models.index_code import LabelRule, decode_index, encode_index
from pararnn_ts.results.encoding import decode, encode

INDICES = {
    "range": pd.RangeIndex(5, 25, 2, name="t"),
    "months": pd.period_range("2000-01", periods=10, freq="M", name="month"),
    "years": pd.period_range("1900", periods=10, freq="Y-JUN"),
    "day": pd.date_range("2000", periods=10, freq="D"),
    "month starts": pd.date_range("2000", periods=10, freq="MS", name="date"),
    "business": pd.bdate_range("2000", periods=10),
    "summer time": pd.date_range("2020-03-25", periods=10, freq="D", tz="Europe/Berlin"),
    "hours": pd.date_range("2020-10-24 20:00", periods=30, freq="h", tz="Europe/Berlin"),
    "seconds": pd.date_range("2000", periods=10, freq="s", unit="s"),
    "holidays": pd.date_range("2000", periods=10, freq=CustomBusinessDay(holidays=["2000-01-05"])),
    "holidays to come": pd.date_range("2000", periods=10, freq=CustomBusinessDay(holidays=["2000-02-01"])),
    "another week": pd.date_range("2000", periods=10, freq=CustomBusinessDay(weekmask="Sun Mon Tue Wed Thu")),
    "last working days": pd.date_range("2000", periods=10, freq=CustomBusinessMonthEnd(holidays=["2000-01-31"])),
    "calendar steps": pd.date_range("2000", periods=10, freq=pd.DateOffset(months=1, days=2)),
    "before nanoseconds": pd.date_range("1500-01-01", periods=10, freq="YS", unit="s"),
    "no frequency": pd.DatetimeIndex(["2000-01-01", "2000-01-05", "2000-01-06"]),
    "no frequency, zone": pd.DatetimeIndex(["2000-01-01", "2000-07-05"], tz="Europe/Berlin"),
    "text": pd.Index(["a", "b"]),
    "integers": pd.Index([3, 1, 7]),
}


@pytest.mark.parametrize("name", INDICES)
def test_indices_come_back(name):
    index = INDICES[name]
    again = decode_index(encode_index(index))
    assert again.equals(index) and again.name == index.name
    assert type(again) is type(index) and again.dtype == index.dtype
    assert getattr(again, "freq", None) == getattr(index, "freq", None)


def test_a_week_written_in_numbers_comes_back():
    index = pd.date_range("2000", periods=10, freq=CustomBusinessDay(weekmask=[1, 1, 1, 1, 0, 0, 0]))
    again = decode_index(encode_index(index))
    later = [pd.date_range(index[-1], periods=9, freq=labels.freq) for labels in (index, again)]
    # pandas cannot compare such frequencies
    assert again.equals(index) and later[0].equals(later[1])


def test_dates_that_earlier_versions_wrote_in_nanoseconds_are_read():
    days = pd.date_range("2020-03-25", periods=10, freq="D", tz="Europe/Berlin")
    code = encode_index(days)
    moment = int(days[0].as_unit("ns").value)
    assert decode_index({**{name: value for name, value in code.items() if name != "first"}, "start": moment}).equals(
        days
    )


def test_a_frequency_that_has_no_code_is_refused_by_files_and_kept_by_pickle():
    index = pd.date_range("2000", periods=10, freq=pd.offsets.Easter())
    with pytest.raises(TypeError, match="frequency <Easter.*cannot be saved; keep the results with pickle"):
        encode_index(index)
    again = pickle.loads(pickle.dumps(LabelRule(index)))
    assert again.equals(index) and again.freq == index.freq


@pytest.mark.parametrize(
    "value", [None, 1, 0.1, "a", True, (1, (2, 3)), [1, "b"], {"a": (1, 2), "b": None}, np.float64(2.5)]
)
def test_plain_values_come_back(value):
    again = decode(encode(value))
    assert again == value and isinstance(again, type(value) if not isinstance(value, np.generic) else float)


def test_tables_come_back():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.1, np.nan], "c": ["x", "y"], "d": [True, False]}, index=["u", "v"])
    pd.testing.assert_frame_equal(decode(encode(frame)), frame)


@pytest.mark.parametrize(
    "options",
    [
        {"constant": True, "order": 2, "seasonal": True, "period": 12},
        {"order": 1, "fourier": 2, "period": 12, "drop": True},
        {"constant": True, "additional_terms": [Seasonality(4, 2)]},
        {"additional_terms": [CalendarFourier("YE", 1)]},
        {"additional_terms": [CalendarTimeTrend("YE", True, 1)]},
        {"additional_terms": [CalendarSeasonality("D", "W")]},
    ],
)
def test_deterministic_processes_come_back(options):
    process = DeterministicProcess(pd.date_range("2000", periods=24, freq="MS"), **options)
    again = decode(encode(process))
    pd.testing.assert_frame_equal(again.in_sample(), process.in_sample())
    pd.testing.assert_frame_equal(again.out_of_sample(5), process.out_of_sample(5))


def test_what_cannot_be_kept_is_refused():
    class Own(DeterministicTerm):
        def in_sample(self, index): ...
        def out_of_sample(self, steps, index, forecast_index=None): ...
        def __str__(self): ...
        @property
        def _eq_attr(self): return ()  # fmt: skip

    with pytest.raises(TypeError, match="deterministic has a Own term"):
        encode(DeterministicProcess(pd.RangeIndex(9), additional_terms=[Own()]))
    with pytest.raises(TypeError, match="lags holds a set"):
        encode({1, 2}, "lags")
    with pytest.raises(TypeError, match="labels that are not dates"):
        encode_index(pd.Index([(1, 2), None], dtype=object))
    with pytest.raises(ValueError, match="unknown kind 'lambda'"):
        decode({"lambda": "x"})
