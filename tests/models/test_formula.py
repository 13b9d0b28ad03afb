"""Formulas keep missing rows and dates, and can be evaluated again on later rows."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.models.series import SeriesModel

N = 24
MONTHS = pd.date_range("2001-01-01", periods=N + 4, freq="MS")
rng = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "y": rng.normal(size=N + 4) + 9,
        "x": rng.normal(size=N + 4),
        "z": rng.uniform(1, 2, N + 4),
        "g": list("abca") * 7,
    },
    index=MONTHS,
)
PAST, FUTURE = DATA[:N], DATA[N:]


def halved(values):
    return values / 2


def before(values):
    return values.shift(1)


@pytest.mark.parametrize(
    ("formula", "trend", "labels"),
    [
        ("y ~ x", "c", ["x"]),
        ("y ~ 1", "c", []),
        ("y ~ 0 + x", "n", ["x"]),
        ("y ~ x - 1", "n", ["x"]),
        ("y ~ -1 + x + np.log(z)", "n", ["x", "np.log(z)"]),
        ("y ~ x*z", "c", ["x", "z", "x:z"]),
        ("y ~ g", "c", ["g[T.b]", "g[T.c]"]),
        ("y ~ 0 + g", "n", ["g[a]", "g[b]", "g[c]"]),
        ("y ~ halved(x)", "c", ["halved(x)"]),
    ],
)
def test_the_intercept_becomes_the_trend_and_terms_the_columns(formula, trend, labels):
    model = SeriesModel.from_formula(formula, PAST)
    assert (model.trend, model.exog_labels) == (trend, labels)
    assert model.index.equals(PAST.index) and model.index.freqstr == "MS"
    assert model.endog_name == "y"
    assert model.formula == formula
    np.testing.assert_array_equal(model._y, PAST.y)


def test_missing_observations_stay():
    data = PAST.assign(y=PAST.y.where(PAST.index != PAST.index[3]))
    model = SeriesModel.from_formula("y ~ x", data)
    assert np.flatnonzero(np.isnan(model._y)).tolist() == [3]
    assert model.nobs == N


def test_a_transformed_series_is_modelled_under_its_expression():
    model = SeriesModel.from_formula("np.log(y) ~ x", PAST)
    np.testing.assert_allclose(model._y, np.log(PAST.y))
    assert model.endog_name == "np.log(y)"


def test_options_subsets_and_dropped_columns_go_to_the_model():
    model = SeriesModel.from_formula("y ~ x", PAST, trend="ct", seasonal=True)
    assert model.deterministic_names[:2] == ["const", "trend"] and model.period == 12
    model = SeriesModel.from_formula("y ~ x + z", PAST, subset=PAST.index[4:], drop_cols="z")
    assert model.exog_labels == ["x"] and model.nobs == N - 4
    assert SeriesModel.from_formula("y ~ x", PAST.to_dict("list")).nobs == N
    with pytest.raises(ValueError, match="drop_cols holds 'w', which formula .* does not make; .* Intercept, x, z"):
        SeriesModel.from_formula("y ~ x + z", PAST, drop_cols=["z", "w"])


def test_a_formula_sees_the_variables_of_the_caller():
    factor = 3.0
    model = SeriesModel.from_formula("y ~ I(factor * x)", PAST)
    np.testing.assert_allclose(model._x[:, 0], 3 * PAST.x)
    np.testing.assert_allclose(model.future_exog(FUTURE, 4)[:, 0], factor * FUTURE.x)


class TestLaterRows:
    model = SeriesModel.from_formula("y ~ center(x) + np.log(z) + C(g)", PAST)

    def expected(self):
        rows = [FUTURE.x - PAST.x.mean(), np.log(FUTURE.z), FUTURE.g == "b", FUTURE.g == "c"]
        return np.column_stack(rows).astype(float)

    def test_raw_rows_are_transformed_as_the_sample_was(self):
        np.testing.assert_allclose(self.model.future_exog(FUTURE, 4), self.expected())
        np.testing.assert_allclose(self.model.future_exog(FUTURE[::-1].drop(columns="y"), 4), self.expected())
        np.testing.assert_allclose(self.model.future_exog(DATA, 4), self.expected())
        np.testing.assert_allclose(self.model.future_exog(FUTURE.reset_index(drop=True), 4), self.expected())

    def test_columns_of_the_formula_are_taken_as_they_are(self):
        frame = pd.DataFrame(self.expected(), FUTURE.index, self.model.exog_labels)
        np.testing.assert_array_equal(self.model.future_exog(frame, 4), self.expected())
        np.testing.assert_array_equal(self.model.future_exog(self.expected(), 4), self.expected())

    def test_other_dates_and_absent_variables_are_refused(self):
        with pytest.raises(ValueError, match=r"lacks 4 of the 4.*2003-01-01"):
            self.model.future_exog(PAST, 4)
        with pytest.raises(ValueError, match="exog lacks the columns"):
            self.model.future_exog(FUTURE[["z"]], 4)

    def test_appended_rows_are_transformed_as_the_sample_was(self):
        both = self.model.appended(FUTURE.y, FUTURE)
        np.testing.assert_allclose(both._x[N:], self.expected())
        np.testing.assert_allclose(self.model.appended(FUTURE)._x, both._x)
        assert both.index.equals(DATA.index) and both.trend == "c"

    def test_a_clone_transforms_other_data_as_the_sample_was(self):
        other = self.model.clone_with(FUTURE)
        np.testing.assert_allclose(other._x, self.expected())
        np.testing.assert_allclose(other._y, FUTURE.y)

    def test_transforms_survive_a_pickle(self):
        again = pickle.loads(pickle.dumps(self.model))
        np.testing.assert_allclose(again.future_exog(FUTURE, 4), self.expected())


@pytest.mark.parametrize("term", ["lag(x, 1)", "before(x)"])
class TestLookingBack:
    def test_the_first_row_has_no_past(self, term):
        model = SeriesModel.from_formula(f"y ~ {term}", PAST)
        assert model.nobs == N - 1 and model.index[0] == MONTHS[1]
        np.testing.assert_allclose(model._x[:, 0], PAST.x[:-1])
        assert any("first 1 row" in note for note in model.summary_notes)

    def test_later_rows_look_into_the_sample(self, term):
        model = SeriesModel.from_formula(f"y ~ {term}", PAST)
        np.testing.assert_allclose(model.future_exog(FUTURE, 4)[:, 0], DATA.x[N - 1 : -1])
        longer = model.appended(FUTURE.y[:2], FUTURE[:2])
        np.testing.assert_allclose(longer._x[:, 0], DATA.x[: N + 1])
        np.testing.assert_allclose(longer.future_exog(FUTURE[2:], 2)[:, 0], DATA.x[N + 1 : -1])

    def test_other_data_do_not(self, term):
        model = SeriesModel.from_formula(f"y ~ {term}", PAST)
        other = model.clone_with(DATA[10:])
        np.testing.assert_allclose(other._x[:, 0], DATA.x[10:-1])
        np.testing.assert_allclose(other._y, DATA.y[11:])
        np.testing.assert_allclose(model.clone_with(DATA.y[10:], DATA[10:])._y, DATA.y[11:])

    def test_of_appended_data_only_the_rows_that_are_appended_are_remembered(self, term):
        model = SeriesModel.from_formula(f"y ~ {term}", PAST)
        longer = model.appended(FUTURE.y[:2], FUTURE[::-1])  # all of the future, and out of order
        np.testing.assert_allclose(longer.future_exog(FUTURE[2:], 2)[:, 0], DATA.x[N + 1 : -1])

    def test_rows_of_which_only_the_columns_are_known_cannot_be_looked_back_at(self, term):
        model = SeriesModel.from_formula(f"y ~ {term}", PAST)
        made = pd.DataFrame({model.exog_labels[0]: DATA.x[N - 1 : N + 1].to_numpy()}, FUTURE.index[:2])
        longer = model.appended(FUTURE.y[:2], made)
        np.testing.assert_allclose(longer._x[:, 0], DATA.x[: N + 1])
        with pytest.raises(ValueError, match="has 1 missing values, the first at"):
            longer.future_exog(FUTURE[2:], 2)
        assert longer.appended(FUTURE.y[2:3], made[:1].set_axis(FUTURE.index[2:3])).nobs == N + 2


def test_functions_that_add_up_all_rows_go_on_adding():
    model = SeriesModel.from_formula("y ~ np.cumsum(x)", PAST)
    total = DATA.x.cumsum().to_numpy()
    np.testing.assert_allclose(model.future_exog(FUTURE, 4)[:, 0], total[N:])
    longer = model.appended(FUTURE.y[:2], FUTURE[:2])
    np.testing.assert_allclose(longer._x[:, 0], total[: N + 2])
    np.testing.assert_allclose(longer.future_exog(FUTURE[2:], 2)[:, 0], total[N + 2 :])


def test_as_many_rows_are_kept_as_a_formula_looks_back():
    for formula, rows in {
        "y ~ x": 0,
        "y ~ lag(x)": 1,
        "y ~ lag(x, 2):lag(lag(z))": 2,
        "y ~ x + lag(x, 3) + z": 3,
    }.items():
        history = SeriesModel.from_formula(formula, PAST)._design.history
        assert (0 if history is None else len(history)) == rows, formula


def test_missing_exog_is_no_missing_past():
    data = PAST.assign(x=PAST.x.where(PAST.index != PAST.index[0]))
    with pytest.raises(ValueError, match="'x' has 1 missing"):
        SeriesModel.from_formula("y ~ x", data)
    data = PAST.assign(x=PAST.x.where(PAST.index != PAST.index[5]))
    with pytest.raises(ValueError, match=r"'lag\(x, 1\)' has 1 missing.*2001-07"):
        SeriesModel.from_formula("y ~ lag(x, 1)", data)


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        ("y ~ nowhere", "'nowhere'|`nowhere`"),
        ("y ~ (x", "could not be evaluated"),
        ("y ~ x +", "could not be evaluated"),
        ("y ~ missing_function(x)", "missing_function"),
        ("~ x", "must name the series"),
        ("x", "must name the series"),
        ("y ~ x | z", "one right-hand side"),
        ("g ~ x", "one numeric series"),
    ],
)
def test_bad_formulas_get_one_sentence(formula, word):
    with pytest.raises(ValueError, match=word) as raised:
        SeriesModel.from_formula(formula, PAST)
    message = str(raised.value)
    assert message.startswith("formula ") and message.endswith(".") and "\n" not in message and "\x1b" not in message


def test_categories_that_the_sample_does_not_have_are_refused():
    """There is no column for them: they would pass for the reference category."""
    data = pd.DataFrame({"y": np.arange(20.0) % 7, "g": ["u", "v"] * 10})
    model = prt.ParaRNN.from_formula("y ~ C(g)", data, units=())
    assert model.future_exog(pd.DataFrame({"g": ["v"]}), 1).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="exog has categories that the sample does not have, {'w'}"):
        model.future_exog(pd.DataFrame({"g": ["w"]}), 1)


def test_data_that_are_no_table_are_refused():
    with pytest.raises(TypeError, match=r"data must be a DataFrame or a mapping .*, but is a builtins.int\.$"):
        prt.ParaRNN.from_formula("y ~ x", 5)
    with pytest.raises(ValueError, match=r"data must have columns of one length, with a value for each row\.$"):
        prt.ParaRNN.from_formula("y ~ x", {"y": [1.0, 2.0], "x": [1.0]})


def test_a_table_of_another_library_is_told_how_to_become_one_of_pandas():
    class Table:
        __module__ = "polars.dataframe"

        def to_pandas(self):
            raise NotImplementedError

    with pytest.raises(TypeError, match=r"but is a polars.Table; pass data.to_pandas\(\)\.$"):
        prt.ParaRNN.from_formula("y ~ x", Table())


def test_variables_of_the_future_come_as_those_of_the_sample_in_a_mapping():
    rng = np.random.default_rng(0)
    data = {"y": rng.standard_normal(30), "x": rng.standard_normal(30)}
    results = prt.ParaRNN.from_formula("y ~ np.exp(x)", data, units=()).fit()
    future = {"x": [0.5, -0.5]}
    np.testing.assert_array_equal(results.forecast(2, exog=future), results.forecast(2, exog=pd.DataFrame(future)))


def test_decimals_are_numbers_and_text_of_arrow_is_text():
    """Neither one column for each price nor a failure to make numbers of names."""
    y, price = np.arange(20.0) % 7, [Decimal(k % 5) for k in range(20)]
    assert prt.ParaRNN.from_formula("y ~ p", {"y": y, "p": price}, units=()).exog_labels == ["p"]
    text = pd.Series(["u", "v"] * 10, dtype="string")
    assert prt.ParaRNN.from_formula("y ~ s", {"y": y, "s": text}, units=()).exog_labels == ["s[T.v]"]


def test_a_lag_of_the_future_needs_no_labels_where_the_sample_has_none():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"y": rng.normal(size=40), "x": rng.normal(size=40)})
    results = prt.ParaRNN.from_formula("y ~ lag(x)", data, units=()).fit()
    future = pd.DataFrame({"x": [1.0, 2.0]})
    np.testing.assert_array_equal(results.forecast(2, future), results.forecast(2, future.set_axis([40, 41])))
