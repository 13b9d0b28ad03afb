"""Deterministic terms against statsmodels' own, at any position of time."""

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.deterministic import CalendarFourier, DeterministicProcess, Fourier

from pararnn_ts.models.deterministics import TRENDS, Deterministics, constant_representation, infer_period
from pararnn_ts.models.series import SeriesModel

N = 40
MONTHS = pd.date_range("2001-01-01", periods=N + 20, freq="MS")
QUARTERS = pd.period_range("2001Q1", periods=N, freq="Q")


@pytest.mark.parametrize(("trend", "seasonal"), list(itertools.product(TRENDS, [False, True])))
@pytest.mark.parametrize("index", [pd.RangeIndex(N), MONTHS[:N], QUARTERS])
def test_terms_are_those_of_statsmodels(trend, seasonal, index):
    constant, order = TRENDS[trend]
    theirs = DeterministicProcess(index, constant=constant, order=order, seasonal=seasonal, period=5)
    model = SeriesModel(pd.Series(np.arange(N), index=index), trend=trend, seasonal=seasonal, period=5)
    assert model.deterministic_names == list(theirs.in_sample().columns)
    np.testing.assert_array_equal(model._det, theirs.in_sample().to_numpy())
    if model.deterministic_names:
        np.testing.assert_array_equal(model.future_deterministic(7), theirs.out_of_sample(7).to_numpy())


@pytest.mark.parametrize("trend", TRENDS)
def test_terms_continue_in_an_appended_sample(trend):
    y = pd.Series(np.arange(N + 20), index=MONTHS)
    whole = SeriesModel(y, trend=trend, seasonal=True)
    part = SeriesModel(y[:N], trend=trend, seasonal=True)
    np.testing.assert_array_equal(part.appended(y[N:])._det, whole._det)
    np.testing.assert_array_equal(part.clone_with(y[N:])._det, whole._det[N:])
    np.testing.assert_array_equal(part.clone_with(y[N:]).future_deterministic(9), whole.future_deterministic(9))
    np.testing.assert_array_equal(part.clone_with(y[7:9])._det, whole._det[7:9])
    np.testing.assert_array_equal(whole.clone_with(y[5:]).clone_with(y[3:])._det, whole._det[3:])


def test_terms_begin_anew_without_labels():
    model = SeriesModel(np.arange(10.0), trend="t")
    assert model.clone_with(np.arange(3.0))._det[:, 0].tolist() == [1, 2, 3]


def test_a_short_sample_keeps_all_seasons():
    y = pd.Series(np.arange(5), index=MONTHS[:5])
    assert SeriesModel(y, seasonal=True)._det.shape == (5, 12)


@pytest.mark.parametrize(
    ("freq", "period"),
    {
        **{"MS": 12, "QS": 4, "W": 52, "D": 7, "B": 5, "h": 24, "30min": 48, "2QS": 2, "2h": 12},
        **{"YS": None, "7D": None, "min": None, "s": None, "5MS": None},
    }.items(),
)
def test_the_frequency_tells_the_season(freq, period):
    index = pd.date_range("2001-01-01", periods=10, freq=freq)
    assert infer_period(index) == period
    if period is None:
        with pytest.raises(ValueError, match="pass period"):
            SeriesModel(pd.Series(np.arange(10), index=index), seasonal=True)
    else:
        assert SeriesModel(pd.Series(np.arange(10), index=index), seasonal=True).period == period


def test_only_an_index_with_a_frequency_tells_the_season():
    assert infer_period(QUARTERS) == 4
    assert infer_period(pd.RangeIndex(9)) is None
    with pytest.raises(ValueError, match="pass period"):
        SeriesModel(np.arange(10.0), seasonal=True)
    with pytest.raises(ValueError, match="pass period"):
        SeriesModel(np.arange(10.0), seasonal_diff=1)
    assert SeriesModel(pd.Series(np.arange(N), index=QUARTERS), seasonal_diff=1).difference.tolist() == [1, 0, 0, 0, -1]


class TestProcess:
    def process(self, index, **kwargs):
        return DeterministicProcess(index, constant=True, order=1, additional_terms=[Fourier(9.5, 2)], **kwargs)

    def test_terms_in_and_beyond_the_sample_are_those_of_the_process(self):
        y = pd.Series(np.arange(N), index=MONTHS[:N])
        process = self.process(y.index)
        model = SeriesModel(y, deterministic=process)
        assert model.deterministic_names == list(process.in_sample().columns)
        np.testing.assert_array_equal(model._det, process.in_sample())
        np.testing.assert_array_equal(model.future_deterministic(5), process.out_of_sample(5))

    def test_calendar_terms_go_on_in_an_appended_sample(self):
        y = pd.Series(np.arange(N + 20), index=MONTHS)
        process = DeterministicProcess(MONTHS[:N], constant=True, additional_terms=[CalendarFourier("YE", 2)])
        whole = DeterministicProcess(MONTHS, constant=True, additional_terms=[CalendarFourier("YE", 2)])
        model = SeriesModel(y[:N], deterministic=process)
        np.testing.assert_allclose(model.appended(y[N:])._det, whole.in_sample())
        np.testing.assert_allclose(model.clone_with(y[N + 3 :])._det, whole.in_sample()[N + 3 :])

    def test_a_process_of_a_longer_index_is_placed_by_label(self):
        process = self.process(MONTHS)
        model = SeriesModel(pd.Series(np.arange(20), index=MONTHS[10:30]), deterministic=process)
        np.testing.assert_array_equal(model._det, process.in_sample()[10:30])
        np.testing.assert_array_equal(model.future_deterministic(40)[:30], process.in_sample()[30:])

    def test_gaps_are_filled_and_absent_frequencies_found(self):
        full = pd.Series(np.arange(N), index=MONTHS[:N])
        y = full.drop(MONTHS[9])
        process = self.process(y.index)
        with pytest.warns(UserWarning, match="inserted"):
            model = SeriesModel(y, deterministic=process)
        np.testing.assert_allclose(model._det, self.process(full.index).in_sample())
        plain = pd.DatetimeIndex(list(MONTHS[:N]))
        model = SeriesModel(full.set_axis(plain), deterministic=self.process(plain))
        process = self.process(full.index)
        process.in_sample()  # statsmodels 0.14 must be asked in this order
        np.testing.assert_allclose(model.future_deterministic(3), process.out_of_sample(3))

    @pytest.mark.parametrize("index", [pd.RangeIndex(N), MONTHS[:N], QUARTERS])
    def test_arrays_go_by_position(self, index):
        process = self.process(index)
        model = SeriesModel(np.arange(N), deterministic=process)
        np.testing.assert_array_equal(model._det, process.in_sample())
        np.testing.assert_array_equal(model.future_deterministic(2), process.out_of_sample(2))

    def test_a_numbered_process_goes_with_any_numbered_series(self):
        process = self.process(pd.RangeIndex(N))
        model = SeriesModel(pd.Series(np.arange(N), index=range(100, 100 + N)), deterministic=process)
        np.testing.assert_array_equal(model._det, process.in_sample())

    def test_a_process_beside_other_terms_or_of_other_labels_is_refused(self):
        y = pd.Series(np.arange(N), index=MONTHS[:N])
        with pytest.raises(ValueError, match="leave these two at their defaults"):
            SeriesModel(y, deterministic=self.process(y.index), trend="ct")
        with pytest.raises(ValueError, match="leave these two at their defaults"):
            SeriesModel(y, deterministic=self.process(y.index), seasonal=True)
        with pytest.raises(TypeError, match="must be a statsmodels DeterministicProcess, not DataFrame"):
            SeriesModel(y, deterministic=self.process(y.index).in_sample())
        with pytest.raises(ValueError, match="does not fit endog"):
            SeriesModel(y, deterministic=self.process(QUARTERS))
        with pytest.raises(ValueError, match="sample begins 5 periods earlier"):
            SeriesModel(y, deterministic=self.process(MONTHS[5:]))
        assert SeriesModel(y, deterministic=self.process(y.index), trend="n").trend == "n"


@pytest.mark.parametrize("trend", ["", "C", "tc", 1, None, ["c"]])
def test_unknown_trends_are_refused(trend):
    with pytest.raises(ValueError, match="trend must be one of 'n', 'c', 't', 'ct', 'ctt'"):
        SeriesModel(np.arange(10.0), trend=trend)


@pytest.mark.parametrize("period", [1, 0, -4, 2.5, "12", True])
def test_a_period_is_an_integer_of_two_or_more(period):
    with pytest.raises((TypeError, ValueError), match="period must be an integer of 2 or more"):
        SeriesModel(np.arange(10.0), period=period)


@pytest.mark.parametrize(("trend", "seasonal"), list(itertools.product(TRENDS, [False, True])))
def test_the_constant_in_terms_of_the_columns(trend, seasonal):
    terms = Deterministics(trend, seasonal, 7)
    w = constant_representation(terms.rows(3, 60))
    if "c" in trend or seasonal:
        np.testing.assert_allclose(terms.rows(-10, 500) @ w, 1, atol=1e-9)
    else:
        assert w is None


def test_the_constant_of_odd_columns():
    fourier = DeterministicProcess(pd.RangeIndex(N), fourier=2, period=9).in_sample().to_numpy()
    assert constant_representation(fourier) is None
    assert constant_representation(np.zeros((5, 0))) is None
    assert constant_representation(np.zeros((0, 2))) is None
    assert constant_representation(np.zeros((5, 2))) is None
    np.testing.assert_array_equal(constant_representation(np.c_[np.arange(5.0), np.full(5, 4.0)]), [0, 0.25])
    assert SeriesModel(np.arange(9.0), trend="ct").constant_weights.tolist() == [1, 0]


@pytest.mark.parametrize("seasonal", [12, "yes", None])
def test_seasonal_is_no_length_of_a_season(seasonal):
    with pytest.raises(TypeError, match="seasonal must be True or False, but is .*; give the length of the season as"):
        SeriesModel(np.arange(40.0), seasonal=seasonal)
