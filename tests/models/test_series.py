"""The base of the models: options, copies of itself, samples that go on, and what statsmodels makes of it."""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.base.tsa_model import TimeSeriesModel

from pararnn_ts.models.series import SeriesModel

N = 36
MONTHS = pd.date_range("2001-01-01", periods=N + 12, freq="MS")
Y = pd.Series(np.random.default_rng(0).normal(size=N + 12), index=MONTHS, name="sales")
X = pd.DataFrame({"a": np.arange(N + 12.0), "b": np.cos(np.arange(N + 12))}, index=MONTHS)


class Toy(SeriesModel):
    """A model with options of its own."""

    def __init__(self, endog, exog=None, *, lags=1, units=(2,), **series):
        super().__init__(endog, exog, **series)
        self.lags, self.units = lags, tuple(units)


class ToyOfToy(Toy):
    """One level further down."""

    def __init__(self, endog, exog=None, *, depth=1, **series):
        super().__init__(endog, exog, **series)
        self.depth = depth


class Same(Toy):
    """No constructor of its own."""


class TestOptions:
    def test_the_signature_has_the_options_of_all_bases(self):
        names = list(inspect.signature(Toy).parameters)
        assert names[:4] == ["endog", "exog", "lags", "units"]
        assert {"trend", "seasonal", "period", "diff", "dates", "freq", "missing"} <= set(names)
        assert "series" not in names and "kwargs" not in names
        assert list(inspect.signature(ToyOfToy).parameters)[2:5] == ["depth", "lags", "units"]
        assert inspect.signature(Same) == inspect.signature(Toy)
        assert inspect.signature(Toy).parameters["trend"].default == "c"

    def test_options_are_remembered_but_not_the_labels(self):
        model = ToyOfToy(Y, lags=3, depth=2, trend="ct", seasonal=True, diff=1)
        options = model._get_init_kwds()
        assert set(model._init_keys) == set(options)
        assert options["lags"] == 3 and options["depth"] == 2 and options["trend"] == "ct" and options["diff"] == 1
        assert "dates" not in options and "freq" not in options

    def test_statsmodels_way_to_make_it_again(self):
        model = ToyOfToy(Y, X, lags=3, depth=2)
        again = model.__class__(model.data.orig_endog, model.data.orig_exog, **model._get_init_kwds())
        assert again.option_values() == model.option_values()

    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("lag", "'lags'"),
            ("exogenous", "exog"),
            ("seasonl", "'seasonal'"),
            ("zzz", "its options are"),
            ("_x", "its options"),
        ],
    )
    def test_an_unknown_name_is_refused_with_the_nearest_one(self, name, word):
        with pytest.raises(TypeError, match=f"Toy has no argument '{name}'.*{word}"):
            Toy(Y, **{name: 1})

    def test_what_statsmodels_hands_on_is_accepted(self):
        assert Toy(Y, hasconst=None, missing_idx=None).nobs == N + 12

    def test_missing_observations_may_be_refused_but_not_dropped(self):
        with pytest.raises(ValueError, match="missing='drop' would break the time axis"):
            Toy(Y, missing="drop")
        with pytest.raises(ValueError, match="missing must be"):
            Toy(Y, missing="skip")
        assert Toy(Y, missing="raise").nobs == N + 12
        with pytest.raises(ValueError, match="2 missing values, the first at 2001-04"):
            Toy(Y.mask(Y.index.isin(MONTHS[[3, 5]])), missing="raise")


class TestAttributes:
    def test_the_sample_is_held_in_contiguous_arrays_of_floats(self):
        model = Toy(Y, X, trend="ct", diff=1)
        assert isinstance(model, TimeSeriesModel)
        assert model._y.shape == (48,) and model._x.shape == (48, 2) and model._det.shape == (48, 2)
        for array in (model._y, model._x, model._det):
            assert array.dtype == float and array.flags.c_contiguous and array.flags.writeable
        assert model.difference.tolist() == [1, -1]
        assert (model.endog_name, model.exog_labels, model.is_pandas) == ("sales", ["a", "b"], True)
        assert Toy(Y)._x is None

    def test_as_statsmodels_sees_it(self):
        model = Toy(Y, X)
        assert model.endog_names == "sales" and model.exog_names == ["a", "b"]
        assert model.data.row_labels.equals(model.index)
        assert model._index.equals(model.index)
        np.testing.assert_array_equal(model.endog, Y)
        np.testing.assert_array_equal(model.exog, X)

    def test_notes_say_what_was_inferred_and_filled_in(self):
        plain = pd.DatetimeIndex(list(MONTHS))
        assert Toy(Y.set_axis(plain)).summary_notes == ["frequency MS inferred from the index"]
        assert Toy(Y).summary_notes == []
        with pytest.warns(UserWarning):
            model = Toy(Y.drop(MONTHS[[4, 9]]))
        assert model.summary_notes[1].startswith("2 labels were absent from the index of frequency MS")
        assert model.summary_notes[2] == "2 of 48 observations missing"

    @pytest.mark.parametrize("copier", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_copies_go_on_where_the_original_does(self, copier):
        model = copier(Toy(Y[:N], X[:N], lags=2, trend="ct", seasonal=True))
        assert model.future_index(1)[0] == MONTHS[N]
        assert model.appended(Y[N:], X).nobs == N + 12
        np.testing.assert_array_equal(model.future_deterministic(12), Toy(Y, trend="ct", seasonal=True)._det[N:])


class TestCloneWith:
    def test_a_clone_has_the_options_and_other_data(self):
        model = Toy(Y, X, lags=4, trend="t", seasonal_diff=1)
        other = model.clone_with(Y * 2, X)
        assert type(other) is Toy and other.option_values() == model.option_values()
        np.testing.assert_array_equal(other._y, 2 * model._y)
        assert model.clone_with(Y, X, lags=1, trend="c").deterministic_names == ["const"]
        assert model.clone_with(Y, X, lags=1, trend="c").lags == 1

    def test_columns_are_found_by_name(self):
        model = Toy(Y, X)
        other = model.clone_with(Y[:9], X[["b", "a"]].assign(c=1.0))
        np.testing.assert_array_equal(other._x, X[:9])
        with pytest.raises(ValueError, match="lacks the columns 'b'"):
            model.clone_with(Y, X[["a"]])
        np.testing.assert_array_equal(model.clone_with(Y, X.to_numpy())._x, X)
        assert model.clone_with(Y, X.to_numpy()).exog_labels == ["a", "b"]
        with pytest.raises(ValueError, match="exog is needed"):
            model.clone_with(Y)
        with pytest.raises(ValueError, match="no exogenous columns"):
            Toy(Y).clone_with(Y, X)

    def test_a_few_rows_take_the_frequency(self):
        model = Toy(Y[:N])
        plain = pd.DatetimeIndex(list(MONTHS[N : N + 2]))
        other = model.clone_with(Y[N : N + 2].set_axis(plain))
        assert other.index.freqstr == "MS" and other.future_index(1)[0] == MONTHS[N + 2]

    def test_a_clone_may_have_labels_of_another_kind(self):
        model = Toy(Y)
        assert model.clone_with(np.arange(5.0)).is_pandas is False
        quarters = pd.Series(np.arange(9.0), index=pd.period_range("2001Q1", periods=9, freq="Q"))
        assert model.clone_with(quarters).index.equals(quarters.index)
        days = pd.Series(np.arange(9.0), index=pd.DatetimeIndex(list(pd.date_range("2001", periods=9))))
        assert model.clone_with(days).index.freqstr == "D"
        odd = pd.Series(np.arange(9.0), index=pd.RangeIndex(0, 27, 3))
        assert Toy(pd.Series(np.arange(9.0), index=range(0, 18, 2))).clone_with(odd).future_index(1)[0] == 27


INDEXES = {
    "months": MONTHS,
    "periods": pd.period_range("2001-01", periods=48, freq="M"),
    "range": pd.RangeIndex(48),
    "step": pd.RangeIndex(3, 3 + 48 * 5, 5),
    "days across a clock change": pd.date_range("2020-03-01", periods=48, freq="D", tz="Europe/Berlin"),
    "business days": pd.bdate_range("2001-01-01", periods=48),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
class TestJoined:
    def test_a_series_that_follows(self, index):
        y = Y.set_axis(index)
        for new in (y[N:], y[N:].to_frame(), y[N:].to_numpy(), y[N:].to_list(), y[N:].rename("other")):
            endog, exog = Toy(y[:N]).joined(new)
            pd.testing.assert_series_equal(endog, y, check_freq=True)
            assert exog is None
        one, _ = Toy(y[:N]).joined(y.iloc[N])
        pd.testing.assert_series_equal(one, y[: N + 1])

    def test_without_a_frequency_of_its_own(self, index):
        y = Y.set_axis(index)
        for k in (1, 2, 12):
            new = y[N : N + k].set_axis(
                type(index)(list(index[N : N + k])) if hasattr(index, "tz") else index[N : N + k]
            )
            pd.testing.assert_series_equal(Toy(y[:N]).joined(new)[0], y[: N + k])
            text = new.set_axis(new.index.astype(str))
            if not hasattr(index, "tz") or index.tz is None:
                pd.testing.assert_series_equal(Toy(y[:N]).joined(text)[0], y[: N + k])

    def test_gaps_within_are_filled(self, index):
        y = Y.set_axis(index)
        with pytest.warns(UserWarning, match="inserted as missing"):
            endog, _ = Toy(y[:N]).joined(y[N:].drop(index[N + 3]))
        pd.testing.assert_series_equal(endog, y.where(index != index[N + 3]))

    def test_what_does_not_follow_the_sample_is_refused(self, index):
        y = Y.set_axis(index)
        for new in (y[N + 1 :], y[N - 1 :], y[:5]):
            with pytest.raises(ValueError, match="endog must continue the sample at") as raised:
                Toy(y[:N]).joined(new)
            assert str(index[N]) in str(raised.value)

    def test_exogenous_values_are_joined_by_label_and_name(self, index):
        y, x = Y.set_axis(index), X.set_axis(index)
        model = Toy(y[:N], x[:N])
        for new in (x[N:], x, x[["b", "a"]], x[N:].to_numpy()):
            endog, exog = model.joined(y[N:], new)
            pd.testing.assert_frame_equal(exog, x, check_freq=True)
        assert model.clone_with(endog, exog).nobs == 48
        with pytest.raises(ValueError, match="exog is needed"):
            model.joined(y[N:])
        with pytest.raises(ValueError, match="lacks 1 of the 12"):
            model.joined(y[N:], x[:-1])

    def test_a_continuation_has_the_values_and_labels_of_the_new_rows(self, index):
        y, x = Y.set_axis(index), X.set_axis(index)
        new = Toy(y[:N], x[:N]).continuation(y[N:], x)
        np.testing.assert_array_equal(new.y, y[N:])
        np.testing.assert_array_equal(new.x, x[N:])
        assert new.index.equals(index[N:])


class TestJoinedArrays:
    def test_arrays_are_joined_end_to_end(self):
        y, x = Toy(np.arange(9.0), np.arange(9.0)).joined([9, None], [9, 10])
        np.testing.assert_array_equal(y, [*range(10), np.nan])
        assert x[:, 0].tolist() == list(range(11))

    def test_labels_mean_nothing_to_a_model_of_arrays(self):
        y, _ = Toy(np.arange(9.0)).joined(Y[:2])
        np.testing.assert_array_equal(y[-2:], Y[:2])

    def test_unknown_labels_are_joined_as_they_are(self):
        with pytest.warns(UserWarning, match="unsupported"):
            model = Toy(pd.Series([1.0, 2.0], index=["a", "b"]))
        assert model.joined(pd.Series([3.0], index=["c"]))[0].index.tolist() == ["a", "b", "c"]
        with pytest.raises(ValueError, match="No supported index"):
            model.joined([3.0])

    def test_notes_of_the_sample_stay_with_the_longer_one(self):
        plain = pd.DatetimeIndex(list(MONTHS[:N]))
        assert Toy(Y[:N].set_axis(plain)).appended(Y[N:]).summary_notes == ["frequency MS inferred from the index"]


class TestRequireSample:
    def test_a_sample_that_can_be_fitted_passes(self):
        Toy(Y, X, diff=1).require_sample(48)

    @pytest.mark.parametrize(
        ("endog", "options", "word"),
        {
            "all missing": (np.full(20, np.nan), {}, "all of its 20 values are missing"),
            "too short": (np.arange(5.0), {}, "endog has 5 observations, but this model needs at least 8"),
            "too many missing": ([*range(5), None, None], {}, r"has 5 observations \(2 more are missing\)"),
            "constant": (np.full(20, 3.7), {}, "endog is constant"),
            "constant but missing": ([3.7, None] * 10, {}, "endog is constant"),
            "line": (np.arange(20.0), {"diff": 1}, "constant after differencing"),
            "seasons": (np.tile(np.arange(4.0), 5), {"seasonal_diff": 1, "period": 4}, "constant after differencing"),
        }.values(),
    )
    def test_samples_that_nothing_can_be_fitted_to_are_refused(self, endog, options, word):
        model = Toy(endog, **options)
        with pytest.raises(ValueError, match=word):
            model.require_sample(8)

    def test_a_constant_column_is_refused_beside_a_constant_only(self):
        x = X.assign(const=1.0)
        with pytest.raises(ValueError, match="'const' is constant.*trend='n'"):
            Toy(Y, x).require_sample()
        Toy(Y, x, trend="n").require_sample()
        Toy(Y, x, trend="t").require_sample()
        with pytest.raises(ValueError, match="'const' is constant"):
            Toy(Y, x, trend="n", seasonal=True).require_sample()


@pytest.mark.parametrize("first", ["1500-01-01", "2250-01-01"])
def test_dates_beyond_those_of_nanoseconds_go_on(first):
    index = pd.date_range(first, periods=40, freq="YS", unit="s")
    model = SeriesModel(pd.Series(np.arange(30.0) % 7, index[:30]), trend="t")
    later = pd.Series([1.0, 2.0], index[30:32])
    assert model.appended(later).index.equals(index[:32])
    np.testing.assert_array_equal(model.clone_with(later)._det[:, 0], [31, 32])
    assert model.row_of(index[35], "start") == 35 and model.future_index(10).equals(index[30:])
