"""Exogenous values go where their labels and column names say, or are refused in one sentence."""

import numpy as np
import pandas as pd
import pytest

from pararnn_ts.models.exogenous import align_exog
from pararnn_ts.models.grid import complete_grid
from pararnn_ts.models.series import SeriesModel

N = 24
MONTHS = pd.date_range("2001-01-01", periods=N + 6, freq="MS")
Y = pd.Series(np.arange(N, dtype=float), index=MONTHS[:N], name="y")
X = pd.DataFrame({"price": np.arange(N + 6.0), "promo": np.arange(N + 6) % 2}, index=MONTHS)


def values(model):
    return model._x[:, 0].tolist()


class TestInSample:
    def test_rows_are_matched_by_label(self):
        for exog in (X, X[::-1], X.sample(frac=1, random_state=0), X.set_axis(X.index.to_period("M"))):
            model = SeriesModel(Y, exog)
            assert values(model) == list(range(N))
            assert model.exog_labels == ["price", "promo"]
            assert model._x.flags.c_contiguous

    def test_strings_match_dates(self):
        text = X.set_axis(X.index.strftime("%Y-%m-%d"))
        assert values(SeriesModel(Y, text)) == list(range(N))
        assert values(SeriesModel(Y.set_axis(text.index[:N]), X)) == list(range(N))

    def test_periods_match_dates(self):
        assert values(SeriesModel(Y.to_period("M"), X[::-1])) == list(range(N))

    def test_integers_match_in_any_order(self):
        y = pd.Series(np.arange(10.0), index=np.arange(100, 110))
        x = pd.Series(np.arange(20.0), index=np.arange(119, 99, -1), name="x")
        assert values(SeriesModel(y, x)) == list(range(19, 9, -1))

    def test_later_tables_may_have_other_columns_of_any_kind(self):
        model = SeriesModel(Y, X)
        wide = X.assign(shop="north", opened=MONTHS[0], price2=None)
        np.testing.assert_array_equal(model.clone_with(Y, wide)._x, model._x)
        np.testing.assert_array_equal(model.future_exog(wide, 6), X[N:])
        with pytest.raises(TypeError, match="exog column 'shop' must be numeric"):
            SeriesModel(Y, wide)

    def test_arrays_go_by_position(self):
        model = SeriesModel(Y, np.arange(N))
        assert model.exog_labels == ["x1"] and values(model) == list(range(N))
        model = SeriesModel(np.arange(N), [[k, 1.0 / (k + 1)] for k in range(N)])
        assert model.exog_labels == ["x1", "x2"]

    def test_a_series_gives_its_name(self):
        assert SeriesModel(Y, X["price"]).exog_labels == ["price"]
        assert SeriesModel(Y, X["price"].rename(None)).exog_labels == ["x1"]

    def test_gaps_take_the_rows_that_exog_has(self):
        with pytest.warns(UserWarning, match="inserted as missing"):
            model = SeriesModel(Y.drop(Y.index[5]), X)
        assert np.isnan(model._y[5]) and values(model) == list(range(N))

    def test_labels_given_as_dates_match_either_table(self):
        y = Y.reset_index(drop=True)
        x = X[:N].reset_index(drop=True)[::-1]
        assert values(SeriesModel(y, x, dates=MONTHS[:N])) == list(range(N))
        assert values(SeriesModel(y, X[::-1], dates=MONTHS[:N])) == list(range(N))

    def test_nullable_integers_and_flags_become_floats(self):
        x = pd.DataFrame({"a": pd.array([1] * N, "Int64"), "b": pd.array([True] * N, "boolean"), "c": [False] * N})
        model = SeriesModel(Y, x.set_axis(Y.index))
        assert model._x.dtype == float and model._x[0].tolist() == [1.0, 1.0, 0.0]

    @pytest.mark.parametrize(
        ("endog", "exog", "error", "words"),
        {
            "missing labels": (Y, X[3:], ValueError, ["3 of the 24", "2001-01-01"]),
            "other dates": (Y, X.set_axis(X.index.shift(600)), ValueError, ["24 of the 24"]),
            "time zone": (Y, X.tz_localize("UTC"), ValueError, ["24 of the 24"]),
            "no labels": (Y, X.reset_index(drop=True)[:N], ValueError, ["24 of the 24"]),
            "duplicate labels": (Y, pd.concat([X, X[:2]]), ValueError, ["2 duplicate", "2001-01-01"]),
            "rows of an array": (Y, np.zeros(N - 1), ValueError, ["23 rows", "24 observations"]),
            "three dimensions": (Y, np.zeros((N, 1, 1)), ValueError, ["(24, 1, 1)"]),
            "missing value": (
                Y,
                X.assign(price=X.price.where(X.price != 4)),
                ValueError,
                ["'price'", "1 missing", "2001-05"],
            ),
            "infinite value": (Y, X.assign(promo=X.promo.replace(1, np.inf)), ValueError, ["'promo'", "12 infinite"]),
            "text": (Y, X.assign(promo="a"), TypeError, ["'promo'", "numeric"]),
            "text array": (Y, np.array(["a"] * N), TypeError, ["exog", "numeric"]),
            "duplicate columns": (Y, X.set_axis(["a", "a"], axis=1), ValueError, ["'a'", "more than one"]),
        }.values(),
    )
    def test_values_that_fit_no_row_or_are_no_numbers_are_refused(self, endog, exog, error, words):
        with pytest.raises(error) as raised:
            SeriesModel(endog, exog)
        message = str(raised.value)
        assert all(word in message for word in words), message
        assert message.startswith("exog") and message.endswith(".")

    @pytest.mark.parametrize("exog", [X.drop(X.index[5]), np.arange(N - 1)])
    def test_gaps_for_which_exog_has_no_rows_are_refused(self, exog):
        with pytest.warns(UserWarning), pytest.raises(ValueError, match=r"inserted to fill gaps.*2001-06-01"):
            SeriesModel(Y.drop(Y.index[5]), exog)

    def test_no_columns_are_no_exog(self):
        model = SeriesModel(Y, pd.DataFrame(index=Y.index))
        assert model._x is None and model.exog_labels == []


class TestBeyondTheSample:
    model = SeriesModel(Y, X)

    def ahead(self, exog, steps=3, **kwargs):
        return self.model.future_exog(exog, steps, **kwargs)[:, 0].tolist()

    def test_future_values_are_matched_by_label_and_name(self):
        expected = [24.0, 25.0, 26.0]
        for exog in (X, X[N:], X[::-1], X[["promo", "price"]], X.assign(other="text")[["price", "promo"]]):
            assert self.ahead(exog) == expected
        assert self.ahead(X.set_axis(X.index.to_period("M"))) == expected
        assert self.ahead(X.set_axis(X.index.strftime("%Y-%m-%d"))) == expected

    def test_future_values_without_labels_go_by_position(self):
        assert self.ahead(X[N : N + 3].to_numpy()) == [24.0, 25.0, 26.0]
        assert self.ahead(X[N : N + 3].reset_index(drop=True)) == [24.0, 25.0, 26.0]
        assert self.ahead(X[N : N + 3].reset_index(drop=True)[["promo", "price"]]) == [24.0, 25.0, 26.0]
        assert self.ahead([[7, 0]], 1) == [7.0]

    def test_one_period_may_be_a_list_or_a_row(self):
        assert self.ahead([7, 0], 1) == [7.0]
        assert self.ahead(X.iloc[N], 1) == [24.0]
        assert self.ahead(X.iloc[N][["promo", "price"]], 1) == [24.0]
        assert SeriesModel(Y, X[["price"]]).future_exog(X.iloc[N], 1).tolist() == [[24.0]]
        levels = X.set_axis(pd.MultiIndex.from_product([["shop"], X.columns]), axis=1)
        assert SeriesModel(Y, levels).future_exog(levels.iloc[N], 1)[0, 0] == 24.0

    def test_the_date_of_a_row_is_its_label(self):
        row = X.iloc[N + 1]
        with pytest.raises(ValueError, match="lacks 1 of the 1 periods to be forecast"):
            self.ahead(row, 1)
        assert self.ahead(row.rename("next"), 1) == self.ahead(row.rename(None), 1) == [25.0]
        assert SeriesModel(Y.to_numpy(), X[:N].to_numpy()).future_exog(row.set_axis(["x1", "x2"]), 1)[0, 0] == 25.0

    def test_labels_given_by_the_user_match_rows(self):
        index = pd.Index(["a", "b"])
        assert self.ahead(X[:2].set_axis(["b", "a"]), 2, index=index) == [1.0, 0.0]

    def test_numbered_rows_of_a_longer_frame_are_labels(self):
        y = pd.Series(np.arange(10.0))
        x = pd.DataFrame({"x": np.arange(15.0)})
        model = SeriesModel(y, x)
        assert model.future_exog(x, 3)[:, 0].tolist() == [10.0, 11.0, 12.0]
        assert model.future_exog(x[:3], 3)[:, 0].tolist() == [0.0, 1.0, 2.0]
        with pytest.raises(ValueError, match="lacks 3 of the 3"):
            model.future_exog(x[:5], 3)

    def test_a_single_column_may_be_a_series_or_a_list(self):
        model = SeriesModel(Y, X["price"])
        assert model.future_exog(X["price"], 2)[:, 0].tolist() == [24.0, 25.0]
        assert model.future_exog([1, 2], 2)[:, 0].tolist() == [1.0, 2.0]
        with pytest.raises(ValueError, match=r"lacks the columns 'price'.*'promo'"):
            model.future_exog(X["promo"], 2)

    def test_models_of_arrays_go_by_position(self):
        model = SeriesModel(np.arange(10.0), np.arange(10.0))
        assert model.future_exog(X["price"][:2], 2)[:, 0].tolist() == [0.0, 1.0]
        with pytest.raises(ValueError, match="5 rows, but 2 periods"):
            model.future_exog(np.arange(5), 2)

    @pytest.mark.parametrize(
        ("exog", "words"),
        {
            "none": (None, ["exog is needed", "price, promo"]),
            "wrong dates": (X.set_axis(X.index - pd.DateOffset(years=11)), ["3 of the 3", "2003-01-01"]),
            "too short": (X[: N + 2], ["1 of the 3", "2003-03-01"]),
            "missing column": (X[["price"]], ["'promo'", "'price'"]),
            "wrong name": (X.rename(columns={"promo": "Promo"}), ["'promo'", "'Promo'"]),
            "array with few columns": (np.zeros((3, 1)), ["1 columns", "'price', 'promo'"]),
            "array with few rows": (np.zeros((2, 2)), ["2 rows", "3 periods"]),
            "missing value": (X.assign(price=np.nan), ["'price'", "2003-01-01"]),
            "numbered rows": (X.reset_index(drop=True)[:5], ["3 of the 3"]),
        }.values(),
    )
    def test_future_values_that_are_absent_or_misnamed_are_refused(self, exog, words):
        with pytest.raises(ValueError) as raised:
            self.model.future_exog(exog, 3)
        message = str(raised.value)
        assert all(word in message for word in words), message
        assert message.startswith("exog") and message.endswith(".")

    def test_a_model_without_exog_takes_none(self):
        assert SeriesModel(Y).future_exog(None, 3) is None
        with pytest.raises(ValueError, match="no exogenous columns"):
            SeriesModel(Y).future_exog(X, 3)


class ArrowTable:
    """The parts of an Arrow table that matter: `columns` are values there, names are apart."""

    column_names = ("price", "rain")

    def __init__(self, values):
        self.values = values
        self.columns = list(values.T)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def test_columns_of_a_table_of_another_library_keep_their_names():
    table = ArrowTable(np.random.default_rng(0).standard_normal((20, 2)))
    assert SeriesModel(np.arange(20.0), table).exog_labels == ["price", "rain"]


@pytest.mark.parametrize("columns", [1, 2])
def test_the_values_of_a_frame_are_the_models_own(columns):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, columns)), columns=list("ab")[:columns])
    values, _ = align_exog(frame, complete_grid(np.arange(30.0)))
    assert values.flags.writeable and values.flags.c_contiguous
    assert not np.shares_memory(values, frame.to_numpy())
