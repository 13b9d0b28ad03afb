"""A series on its grid: the kinds of index, gaps, the numbers, and one sentence for everything else."""

import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.sm_exceptions import ValueWarning

from pararnn_ts.models.grid import complete_grid
from pararnn_ts.models.labels import MIN_EVIDENCE, as_dates, complete_index, extend_index
from pararnn_ts.models.series import SeriesModel

N = 80
NOW, MINUTE = 1_700_000_000_000_000_000, 60_000_000_000


def days(**kwargs):
    return pd.date_range("2000-01-01", periods=N, freq="D", **kwargs)


def without_freq(index):
    return pd.DatetimeIndex(list(index), name=index.name)


def series(index):
    return pd.Series(np.sin(np.arange(len(index))), index=index, name="y")


# kind: index, first label after the sample, number of labels that a complete index has
KINDS = {
    "RangeIndex": (pd.RangeIndex(N), 80, N),
    "RangeIndex with a step": (pd.RangeIndex(5, 5 + 2 * N, 2), 165, N),
    "integers from 0": (pd.Index(np.arange(N)), 80, N),
    "integers from 100": (pd.Index(np.arange(100, 100 + N)), 180, N),
    "integers as floats": (pd.Index(1700.0 + np.arange(N)), 1780, N),
    "integers as strings": (pd.Index([str(k) for k in range(N)]), 80, N),
    "nanoseconds": (pd.Index(NOW + MINUTE * np.arange(N)), NOW + MINUTE * N, N),
    "integers with a gap": (pd.Index(np.delete(np.arange(N + 1), 5)), 81, N + 1),
    "dates with a frequency": (pd.date_range("2000", periods=N, freq="MS"), "2006-09-01", N),
    "dates without": (without_freq(pd.date_range("2000", periods=N, freq="MS")), "2006-09-01", N),
    "dates with a gap": (pd.date_range("2000", periods=N + 1, freq="D").delete(40), "2000-03-22", N + 1),
    "months with a gap": (pd.date_range("2000", periods=N + 1, freq="ME").delete(40), "2006-10-31", N + 1),
    "quarters with a gap": (pd.date_range("2000", periods=N + 1, freq="QS-NOV").delete(9), "2020-05-01", N + 1),
    "weeks with a gap": (pd.date_range("2000", periods=N + 1, freq="W-WED").delete(40), "2001-07-25", N + 1),
    "years with a gap": (pd.date_range("1900", periods=N + 1, freq="YE-APR").delete(40), "1981-04-30", N + 1),
    "two months with a gap": (pd.date_range("2000", periods=N + 1, freq="2MS").delete(40), "2013-07-01", N + 1),
    "two weeks with a gap": (
        pd.date_range("2000-01-03", periods=N + 1, freq="2W-MON", tz="Europe/Berlin").delete(40),
        "2003-02-10 00:00+01:00",
        N + 1,
    ),
    "ten days with a gap": (
        pd.date_range("2000", periods=N + 1, freq="10D", tz="America/New_York").delete(40),
        "2002-03-21 00:00-05:00",
        N + 1,
    ),
    "hours with a gap": (pd.date_range("2000", periods=N + 1, freq="h").delete(40), "2000-01-04 09:00", N + 1),
    "business days": (without_freq(pd.bdate_range("2000-01-03", periods=N)), "2000-04-24", N),
    "business days with holidays": (pd.bdate_range("2000-01-03", periods=N).delete([9, 40]), "2000-04-24", N),
    "periods": (pd.period_range("2000", periods=N, freq="M"), "2006-09", N),
    "periods with a gap": (pd.period_range("2000", periods=N + 1, freq="M").delete(40), "2006-10", N + 1),
    "two-month periods with a gap": (pd.period_range("2000-01", periods=N, freq="2M").delete(40), "2013-05", N),
    "hours in UTC": (pd.date_range("2000-03-20", periods=N, freq="h", tz="UTC"), "2000-03-23 08:00+00:00", N),
    "days across a clock change": (
        pd.date_range("2020-03-01", periods=N, freq="D", tz="Europe/Berlin"),
        "2020-05-20 00:00+02:00",
        N,
    ),
    "days across it without a frequency": (
        without_freq(pd.date_range("2020-03-01", periods=N, freq="D", tz="Europe/Berlin")),
        "2020-05-20 00:00+02:00",
        N,
    ),
    "days across it with a gap": (
        pd.date_range("2020-03-01", periods=N, freq="D", tz="Europe/Berlin").delete(28),
        "2020-05-20 00:00+02:00",
        N,
    ),
    "half hours across it with a gap": (
        pd.date_range("2020-10-24", periods=N, freq="30min", tz="Europe/Berlin").delete(60),
        "2020-10-25 15:00+01:00",
        N,
    ),
    "date strings": (pd.date_range("2000", periods=N, freq="MS").strftime("%Y-%m-%d"), "2006-09-01", N),
    "quarter strings": (pd.Index([f"{y}-Q{q}" for y in range(1980, 2000) for q in (1, 2, 3, 4)]), "2000-01-01", N),
    "year strings": (pd.Index([str(year) for year in range(1900, 1980)]), "1980-01-01", N),
    "dates of the datetime module": (
        pd.Index([datetime.date(2000, 1, 1) + datetime.timedelta(k) for k in range(N)]),
        "2000-03-21",
        N,
    ),
}


def first_forecast(model):
    return model.prediction_window(model.nobs, model.nobs).index[0]


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_begin_one_step_after_the_last_label(kind):
    index, expected, n = KINDS[kind]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SeriesModel(series(index))
    after = first_forecast(model)
    if isinstance(expected, str):
        expected = pd.Period(expected, after.freq) if isinstance(after, pd.Period) else pd.Timestamp(expected)
    if isinstance(after, pd.Timestamp) and after.tz is not None:
        expected = expected.tz_convert(after.tz)
    assert after == expected
    assert model.nobs == len(model.index) == n
    gaps = n - len(index)
    assert [w.category for w in caught] == [ValueWarning] * bool(gaps)
    assert np.isnan(model._y).sum() == gaps
    assert bool(gaps) == any("inserted as missing" in note for note in model.summary_notes)


@pytest.mark.parametrize("kind", KINDS)
def test_observations_keep_their_labels(kind):
    index, _, _ = KINDS[kind]
    given = series(index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = complete_grid(given)
    np.testing.assert_array_equal(grid.y[~np.isnan(grid.y)], given.to_numpy())
    rows = np.arange(len(index)) if grid.rows is None else grid.rows
    if kind == "quarter strings":
        index = pd.PeriodIndex(index, freq="Q").to_timestamp()
    if not isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        index = pd.DatetimeIndex(index) if isinstance(grid.index, pd.DatetimeIndex) else index.astype(float)
    assert list(grid.index[rows]) == list(index)


@pytest.mark.parametrize("kind", KINDS)
def test_the_completed_index_extends_like_a_longer_one(kind):
    index, _, _ = KINDS[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = complete_grid(series(index)).index
    again = full[:-10].append(extend_index(full[:-10], 10))
    assert again.equals(full)


def test_days_written_before_months_are_read_where_months_before_days_make_no_date():
    dates = pd.date_range("2000-01-01", periods=N)
    assert SeriesModel(series(dates.strftime("%d/%m/%Y"))).index.equals(dates)
    assert SeriesModel(series(dates.strftime("%m/%d/%Y"))).index.equals(dates)
    firsts = pd.date_range("2000-01-01", periods=12)  # either reading makes dates
    assert SeriesModel(series(firsts.strftime("%m/%d/%Y"))).index.equals(firsts)


def test_the_only_level_of_an_index_is_the_index():
    dates = pd.date_range("2000", periods=N + 2, freq="MS", name="month")
    levels = pd.MultiIndex.from_arrays([dates])
    plain, wrapped = (SeriesModel(series(labels[:N]), series(labels[:N])) for labels in (dates, levels))
    assert wrapped.index.equals(plain.index) and wrapped.index.name == "month"
    later = series(levels[N:])
    np.testing.assert_array_equal(wrapped.appended(later, later)._x, plain.appended(later, later)._x)


def test_arrays_count_from_zero():
    model = SeriesModel(np.arange(10.0))
    assert model.index.equals(pd.RangeIndex(10))
    assert not model.is_pandas
    assert model.prediction_window(8, 12).index is None


@pytest.mark.parametrize(
    ("index", "words"),
    {
        "decreasing": (days()[::-1], ["endog", "not increasing", "2000-03-20", "sort_index"]),
        "decreasing range": (pd.RangeIndex(N)[::-1], ["not increasing", "sort_index"]),
        "duplicate dates": (
            pd.DatetimeIndex(np.repeat(days()[:40], 2)),
            ["40 duplicate", "2000-01-01", "duplicated()"],
        ),
        "duplicate integers": (pd.Index(np.repeat(np.arange(40), 2)), ["40 duplicate", "the first 0"]),
        "strings": (pd.Index([f"o{k}" for k in range(N)]), ["strings", "'o0'", "reset_index"]),
        "strings like times": (pd.Index([f"t{k}" for k in range(N)]), ["strings", "'t0'"]),
        "floats": (pd.Index(np.arange(N) * 0.5), ["floats", "reset_index"]),
        "two levels": (pd.MultiIndex.from_product([["a"], range(N)]), ["one index level", "2"]),
        "missing label": (days()[:-1].insert(0, pd.NaT), ["missing labels"]),
        "irregular": (days()[np.cumsum(np.arange(12))], ["no regular frequency", "freq="]),
        "irregular integers": (pd.Index(np.arange(12) ** 2), ["not equally spaced", "reset_index"]),
        "trading hours": (
            pd.DatetimeIndex([d + pd.Timedelta(minutes=30 * k) for d in days()[:5] for k in range(16)]),
            ["no regular frequency"],
        ),
    }.values(),
)
def test_bad_index_gets_one_sentence(index, words):
    with pytest.raises(ValueError) as raised:
        SeriesModel(series(index))
    message = str(raised.value)
    assert all(word in message for word in words), message
    assert message.endswith(".") and "\n" not in message


def test_an_explicit_frequency_fills_what_could_not_be_guessed():
    sparse = series(days()[np.cumsum(np.arange(12))])
    with pytest.warns(ValueWarning, match="inserted as missing") as caught:
        model = SeriesModel(sparse, freq="D")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert model.nobs == 67
    assert np.isnan(model._y).sum() == 67 - 12


@pytest.mark.parametrize(
    ("index", "freq", "word"),
    [
        (days(), "W", "contradicts"),
        (without_freq(days()), "W", "does not fit"),
        (without_freq(days()), "NONSENSE", "not a frequency"),
        (pd.period_range("2000", periods=N, freq="M"), "Q", "contradicts"),
        (pd.RangeIndex(N), "D", "needs dates"),
        (without_freq(days()), "us", "6825600000001 labels"),
    ],
)
def test_a_frequency_that_does_not_fit(index, freq, word):
    with pytest.raises(ValueError, match=word):
        SeriesModel(series(index), freq=freq)


@pytest.mark.parametrize("freq", ["M", pd.offsets.MonthEnd()])
def test_a_frequency_that_fits_periods(freq):
    if isinstance(freq, str) or pd.__version__ < "3":
        model = SeriesModel(series(pd.period_range("2000", periods=N, freq="M")), freq=freq)
        assert model.index.freqstr == "M"


def test_dates_label_an_array():
    model = SeriesModel(np.arange(N), dates=days())
    assert model.is_pandas
    assert first_forecast(model) == pd.Timestamp("2000-03-21")
    with pytest.raises(ValueError, match="dates has 79 labels, but endog has 80"):
        SeriesModel(np.arange(N), dates=days()[1:])
    with pytest.raises(ValueError, match="must hold dates"):
        SeriesModel(np.arange(N), dates=np.arange(N))
    with pytest.raises(ValueError, match="needs dates"):
        SeriesModel(np.arange(N), freq="D")


def test_dates_replace_an_index_and_may_have_gaps():
    with pytest.warns(ValueWarning, match="complete the index of dates"):
        model = SeriesModel(pd.Series(np.arange(N - 1.0)), dates=days().delete(7))
    assert np.flatnonzero(np.isnan(model._y)).tolist() == [7]


def test_exog_labels_an_array():
    model = SeriesModel(np.arange(N), pd.DataFrame({"x": np.arange(N)}, index=days()))
    assert first_forecast(model) == pd.Timestamp("2000-03-21")


class TestFewLabels:
    """Fewer than eight labels are left to statsmodels, whose own suite says how."""

    def test_eight_labels_are_enough_to_refuse_strings(self):
        assert complete_grid(series(pd.Index(list("abcdefg")))).deferred
        with pytest.raises(ValueError, match="strings"):
            complete_grid(series(pd.Index(list("abcdefgh"))))
        assert MIN_EVIDENCE == 8

    def test_warning_points_here_and_forecasts_need_labels(self):
        with pytest.warns(ValueWarning, match="unsupported index") as caught:
            model = SeriesModel(series(pd.Index(list("abcde"))))
        assert caught[0].filename == __file__
        assert list(model.prediction_window(-2).index) == ["d", "e"]
        assert model.prediction_window("b", "d").start == 1
        with pytest.raises(ValueError, match=r"No supported index.*pass index"):
            model.prediction_window(3, 5)
        assert list(model.prediction_window(5, 6, index=["f", "g"]).index) == ["f", "g"]

    def test_a_frequency_that_was_given_counts(self):
        model = SeriesModel(series(days()[:3]))
        assert first_forecast(model) == pd.Timestamp("2000-01-04")
        model = SeriesModel(series(without_freq(days()[:1])), freq="D")
        assert first_forecast(model) == pd.Timestamp("2000-01-02")

    def test_periods_are_filled_all_the_same(self):
        with pytest.warns(ValueWarning, match="2000-02"):
            model = SeriesModel(series(pd.PeriodIndex(["2000-01", "2000-03"], freq="M")))
        assert model.nobs == 3


def nullable(values):
    return pd.Series(values, dtype="Float64")


@pytest.mark.parametrize(
    "endog",
    {
        "list": [1, 2, None, 4],
        "tuple": (1.0, 2.0, np.nan, 4.0),
        "float32": np.array([1, 2, np.nan, 4], dtype=np.float32),
        "column": np.array([[1.0], [2.0], [np.nan], [4.0]]),
        "strided": np.repeat([1.0, 2.0, np.nan, 4.0], 2)[::2],
        "masked": np.ma.MaskedArray([1, 2, 3, 4], mask=[0, 0, 1, 0]),
        "objects": np.array([1, 2.0, None, np.int8(4)], dtype=object),
        "decimals": pd.Series([Decimal(1), Decimal(2), None, Decimal("4.0")]),
        "objects with NA": pd.Series([1, 2.0, pd.NA, True + 3], dtype=object),
        "Int64": pd.Series([1, 2, None, 4], dtype="Int64"),
        "Float64": nullable([1, 2, None, 4]),
        "extension array": pd.array([1, 2, None, 4]),
        "frame": pd.DataFrame({"y": [1, 2, np.nan, 4]}),
        "sparse": pd.Series(pd.arrays.SparseArray([1, 2, np.nan, 4])),
    }.values(),
)
def test_numbers_however_they_are_held(endog):
    model = SeriesModel(endog)
    np.testing.assert_array_equal(model._y, [1, 2, np.nan, 4])
    assert model._y.dtype == np.float64
    assert model._y.flags.writeable and model._y.flags.c_contiguous


@pytest.mark.parametrize("dtype", [bool, "boolean", np.int8, np.uint64, "UInt8"])
def test_flags_and_whole_numbers_become_floats(dtype):
    np.testing.assert_array_equal(SeriesModel(pd.Series([1, 0, 1, 1], dtype=dtype))._y, [1, 0, 1, 1])


def test_the_user_keeps_his_data():
    endog = np.arange(10.0)
    SeriesModel(endog)._y[:] = 0
    frame = pd.Series(endog)
    SeriesModel(frame)._y[:] = 0
    np.testing.assert_array_equal(endog, np.arange(10.0))
    np.testing.assert_array_equal(frame, np.arange(10.0))


def test_a_series_without_a_name_is_called_y():
    assert SeriesModel(np.arange(9)).endog_name == "y"
    assert SeriesModel(pd.Series(np.arange(9), name="sales")).endog_name == "sales"
    assert SeriesModel(pd.DataFrame({"sales": np.arange(9)})).endog_name == "sales"


@pytest.mark.parametrize(
    ("endog", "error", "word"),
    {
        "text": (list("abcdefgh"), TypeError, "must be numeric"),
        "numbers as text": (pd.Series(["1", "2"]), TypeError, "must be numeric"),
        "text among numbers": (pd.Series([1, 2.0, "x"], dtype=object), TypeError, "'x'"),
        "categories": (pd.Series([1, 2], dtype="category"), TypeError, "category"),
        "dates": (pd.Series(days()), TypeError, "datetime64"),
        "complex": (np.array([1j, 2]), TypeError, "must be real"),
        "complex objects": (np.array([1j, 2], dtype=object), TypeError, "must be real"),
        "scalar": (3.0, TypeError, "not float"),
        "None": (None, TypeError, "not NoneType"),
        "dict": ({"y": [1, 2]}, TypeError, "not dict"),
        "table": (np.zeros((5, 2)), ValueError, r"shape \(5, 2\)"),
        "row": (np.zeros((1, 5)), ValueError, r"shape \(1, 5\)"),
        "frame": (pd.DataFrame({"a": [1.0], "b": [2.0]}), ValueError, "2 columns"),
        "ragged": ([[1, 2], [3]], ValueError, "different lengths"),
        "empty": ([], ValueError, "empty"),
        "empty series": (pd.Series(dtype=float), ValueError, "empty"),
        "infinite": (
            pd.Series([1.0, np.inf, 2.0], index=days()[:3]),
            ValueError,
            "1 infinite values, the first at 2000-01-02",
        ),
        "infinite array": ([1.0, -np.inf, np.inf], ValueError, "2 infinite values, the first at position 1"),
    }.values(),
)
def test_bad_numbers_get_one_sentence(endog, error, word):
    with pytest.raises(error, match=word) as raised:
        SeriesModel(endog)
    assert str(raised.value).startswith("endog ")
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("zone", "last", "lost"),
    [("Africa/Cairo", "2024-04-20", "2024-04-26"), ("America/Havana", "2024-10-30", "2024-11-03")],
    ids=["midnight is skipped", "midnight comes twice"],
)
def test_a_midnight_that_a_time_zone_does_not_have_once_is_told_in_one_sentence(zone, last, lost):
    days = pd.date_range(end=last, periods=N, freq="D", tz=zone)
    assert len(extend_index(days, 3)) == 3
    with pytest.raises(ValueError, match=rf"There is no one date {lost} 00:00:00 in {zone}, .* endog.tz_localize"):
        extend_index(days, 20)
    with pytest.raises(ValueError, match=rf"There is no one date {lost} 00:00:00 in {zone}"):
        complete_index(days.append(days[-1:] + pd.Timedelta("20D")), "D")


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y"])
def test_dates_with_the_day_first_are_read_without_a_word(form):
    days = pd.date_range("2001-12-25", periods=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_dates(pd.Index(days.strftime(form))).equals(days)


def test_between_points_the_day_comes_first():
    months = pd.date_range("2001-01-01", periods=12, freq="MS")
    for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%y"):
        assert as_dates(pd.Index(months.strftime(form))).equals(months)
