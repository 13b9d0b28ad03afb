"""What a user passes by mistake or in spite is answered with numbers, or with one sentence that names the argument."""

import pickle
import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.sm_exceptions import OutputWarning

import pararnn_ts as prt
from pararnn_ts.models.labels import grid_offset
from pararnn_ts.results.intervals import RecurrentPrediction

N = 60
SHOCKS = np.random.default_rng(0).standard_normal((2, N))
MONTHS = pd.period_range("2001-01", periods=N, freq="M")
DAYS = pd.date_range("2001-01-01", periods=N, freq="D")
AHEAD = pd.period_range("2006-01", periods=3, freq="M")


def values() -> np.ndarray:
    y = SHOCKS[0].copy()
    for t in range(1, N):
        y[t] += 0.6 * y[t - 1]
    return y.round(3)


Y = values()
X = pd.DataFrame({"a": SHOCKS[1]}, MONTHS)
NEW = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, AHEAD)


def monthly(data=Y, **options):
    return pd.Series(data, MONTHS, name="y", **options)


def fit(endog, exog=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return prt.ParaRNN(endog, exog, **{"units": (1,), **options}).fit(n_starts=2, maxiter=30)


@pytest.fixture(scope="module")
def plain():
    return fit(monthly())


@pytest.fixture(scope="module")
def driven():
    return fit(monthly(), X)


class Table(dict):
    """A table of another library: names of its columns, and an array of its rows."""

    @property
    def columns(self):
        return list(self)

    def __array__(self, dtype=None, copy=None):
        return pd.DataFrame(dict(self)).to_numpy(dtype)


SAME = {
    "objects": lambda: list(Y.astype(object)),
    "Decimal": lambda: [Decimal(str(value)) for value in Y],
    "Fraction": lambda: [Fraction(str(value)) for value in Y],
    "longdouble": lambda: Y.astype(np.longdouble),
    "big endian": lambda: Y.astype(">f8"),
    "Float64": lambda: pd.array(Y, dtype="Float64"),
    "sparse": lambda: pd.Series(pd.arrays.SparseArray(Y)),
    "dates with a time zone": lambda: pd.Series(Y, DAYS.tz_localize("Europe/Berlin")),
    "one column": lambda: pd.DataFrame({"y": Y}, MONTHS),
    "a matrix": lambda: np.asmatrix(Y).T,
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_numbers_in_another_dress_give_the_same_forecasts(kind, plain):
    np.testing.assert_allclose(fit(SAME[kind]()).forecast(3), plain.forecast(3), rtol=1e-9)


def test_a_series_whose_name_is_empty_has_the_name_of_one_without():
    assert fit(pd.Series(Y, name="")).model.param_names == fit(pd.Series(Y)).model.param_names


def test_names_of_several_levels_are_joined_in_series_and_columns():
    columns = pd.MultiIndex.from_tuples([("sales", "y"), ("sales", "a")])
    table = pd.DataFrame(np.c_[Y, X], MONTHS, columns)
    model = prt.ParaRNN(table[[("sales", "y")]], table[[("sales", "a")]], units=())
    assert (model.endog_name, model.exog_labels) == ("sales_y", ["sales_a"])


@pytest.mark.parametrize("missing", ["masked", "NA"])
def test_missing_values_are_missing_however_they_are_written(missing):
    gone = Y > 1.0
    masked = np.ma.masked_array(Y, gone) if missing == "masked" else pd.array(Y, dtype="Float64")
    if missing == "NA":
        masked[gone] = pd.NA
    expected = fit(np.where(gone, np.nan, Y)).forecast(3)
    np.testing.assert_array_equal(fit(masked).forecast(3), expected)


@pytest.mark.parametrize("values", [Y > 0.0, (Y > 0.0).astype(int), (10.0 * Y).astype(int), Y.astype(np.float16)])
def test_numbers_of_little_precision_are_numbers(values):
    assert np.isfinite(fit(values).get_forecast(3, n_sims=20, rng=0).summary_frame()).all(axis=None)


def daily() -> pd.Series:
    return pd.Series(Y, pd.date_range("2006-01-01", periods=N))


def shuffled() -> pd.Series:
    return pd.Series(Y, DAYS[np.random.default_rng(1).permutation(N)])


REFUSED = {
    "one observation": (lambda: fit([1.0]), "endog has 1 observations, but this model needs at least 4"),
    "two observations": (lambda: fit([1.0, 2.0]), "endog has 2 observations"),
    "three among missing": (lambda: fit([1.0, 2.0, 3.0, *[np.nan] * 57]), "endog has 3 observations"),
    "none": (lambda: fit(np.full(N, np.nan)), "endog has no observations"),
    "empty": (lambda: fit([]), "endog is empty"),
    "constant": (lambda: fit(np.ones(N)), "endog is constant"),
    "infinite": (lambda: fit(np.r_[Y, np.inf]), "endog has 1 infinite values, the first at position 60"),
    "text": (lambda: fit(["a", "b"] * 20), "endog must be numeric"),
    "complex": (lambda: fit(Y + 1j), "endog must be real"),
    "dates as values": (lambda: fit(DAYS), "endog must be numeric"),
    "too large": (lambda: fit([10**400, *range(59)]), "endog holds integers beyond the range .*; rescale it"),
    "squares too large": (lambda: fit(1e300 * Y), "endog has values up to .*; rescale it"),
    "a number in an array": (lambda: fit(np.array(3.0)), "endog must be a Series, .*, not a single number"),
    "records": (lambda: fit(np.rec.fromarrays([Y, Y], names="a,b")), r"has records of a, b; select one"),
    "two columns": (lambda: fit(pd.DataFrame({"a": Y, "b": Y})), "endog must be a single series, but has 2 columns"),
    "duplicates": (lambda: fit(pd.Series(Y, DAYS[:-1].append(DAYS[-2:-1]))), "endog has 1 duplicate labels"),
    "unsorted": (lambda: fit(shuffled()), "endog has an index that is not increasing"),
    "missing label": (lambda: fit(pd.Series(Y, pd.DatetimeIndex([pd.NaT, *DAYS[1:]]))), "endog has missing labels"),
    "lags": (lambda: fit(Y, lags=100), "endog has 60 observations, but this model needs at least 103"),
    "no input": (lambda: fit(Y, lags=0), "lags=0 leaves the units without input"),
    "exog constant": (lambda: fit(Y, np.ones(N)), "exog column 'x1' is constant"),
    "exog missing": (lambda: fit(monthly(), X.mask(X > 2.0)), "exog column 'a' has 1 missing values, the first at"),
    "exog too large": (lambda: fit(monthly(), 1e300 * X), "exog column 'a' has values up to .*; rescale it"),
    "exog too short": (lambda: fit(monthly(), X.to_numpy()[:50]), "exog has 50 rows, but endog has 60 observations"),
    "exog a dict": (lambda: fit(Y, {"a": Y}), "exog must be a Series, a DataFrame or an array, not dict"),
    "exog of days": (lambda: fit(monthly(), X.set_axis(DAYS)), "exog lacks .* runs from 2001-01-01 .* to 2001-03-01"),
    "exog like a lag": (lambda: fit(monthly(), X.set_axis(["y.L1"], axis=1)), "exog column 'y.L1' has the name of"),
    "exog records": (lambda: fit(Y, np.rec.fromarrays([Y], names="a")), "exog must hold numbers, but has records of a"),
    "exog a number": (lambda: fit(Y, np.array(1.0)), "exog must be a Series, a DataFrame or an array, not a single"),
    "exog text in a table": (lambda: fit(Y, Table({"a": Y, "b": ["u"] * N})), "exog column 'b' must be numeric"),
    "exog names": (lambda: fit(monthly(), X[["a", "a"]]), "exog has more than one column named 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_that_cannot_be_fitted_is_refused_in_one_sentence(name):
    call, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    assert re.fullmatch(r"[^\n]+[.]", str(caught.value))


ASKED = {
    "steps negative": (lambda r, _: r.forecast(-1), "steps must be at least 1, but is -1"),
    "steps zero": (lambda r, _: r.get_forecast(0), "steps must be at least 1, but is 0"),
    "steps broken": (lambda r, _: r.forecast(1.5), "steps must be a positive integer or the last label"),
    "steps not there": (lambda r, _: r.forecast("tomorrow"), "steps='tomorrow' is not in the index"),
    "steps nothing": (lambda r, _: r.forecast(None), "steps must be a positive integer or the last label"),
    "steps back": (lambda r, _: r.get_forecast("2003"), "steps='2003' lies inside the sample, which ends at 2005-12"),
    "anchor not there": (lambda r, _: r.simulate(2, anchor="middle"), "anchor='middle' is not in the index"),
    "history broken": (lambda r, _: r.impulse_responses(2, history=1.5), "history must be an integer position or"),
    "shocks missing": (lambda r, _: r.simulate(1, random_errors=[np.nan]), "random_errors must be finite numbers"),
    "refit unclear": (lambda r, _: r.append(Y[:3], refit="no"), "refit must be True or False, but is 'no'"),
    "uncertainty unclear": (lambda r, _: r.get_forecast(2, param_uncertainty=0.5), "param_uncertainty must be True or"),
    "rng of paths": (lambda r, _: r.simulate(2, rng="lucky"), "rng must be None, an integer of 0 or more or a numpy"),
    "rng of intervals": (lambda r, _: r.get_forecast(2, rng=-1), "rng must be None, an integer of 0 or"),
    "rng of a test": (lambda r, _: r.test_nonlinearity(bootstrap=9, rng=1.5), "rng must be None, an integer of 0 or"),
    "rng of origins": (lambda r, _: prt.rolling_forecast(r, Y[:3], rng="lucky"), "rng must be None, an integer of 0"),
    "lag broken": (lambda r, _: r.lag_response(2.5), "max_lag must lie between 0 and 58"),
    "end first": (lambda r, _: r.predict(20, 10), "end must not come before start"),
    "end first, dates": (lambda r, _: r.predict("2003", "2002"), "end must not come before start"),
    "a date before": (lambda r, _: r.predict("1990", "1991"), "start='1990' is not in the index"),
    "no date": (lambda r, _: r.predict("x"), "start='x' is not in the index"),
    "exog not wanted": (lambda r, _: r.forecast(3, exog=NEW), "exog was given, but the model has no exogenous columns"),
    "exog absent": (lambda _, r: r.forecast(3), "exog is needed; pass the columns a"),
    "exog missing": (lambda _, r: r.forecast(3, exog=NEW.mask(NEW == 2.0)), "exog column 'a' has 1 missing values"),
    "exog short": (lambda _, r: r.forecast(3, exog=[1.0, 2.0]), "exog has 2 rows, but 3 periods"),
    "exog wide": (lambda _, r: r.forecast(3, exog=np.ones((3, 2))), "exog has 2 columns, but the model has 1"),
    "exog of other dates": (lambda _, r: r.forecast(3, exog=X[:3]), "exog lacks 3 of the 3 periods"),
    "exog of another name": (lambda _, r: r.forecast(3, exog=NEW.set_axis(["z"], axis=1)), "exog lacks the columns"),
    "alpha in per cent": (lambda r, _: r.get_forecast(1, n_sims=9).conf_int(95), "alpha must lie between 0 and 1"),
    "alpha of parameters": (lambda r, _: r.conf_int(95), "alpha must lie between 0 and 1, but is 95"),
    "alpha as text": (lambda r, _: r.get_forecast(1, n_sims=9).conf_int("5 %"), "alpha must lie between 0 and 1"),
    "alpha as a table": (lambda r, _: r.get_forecast(1, n_sims=9).conf_int(monthly()), "alpha .* but is a Series"),
    "method as a list": (lambda r, _: r.get_forecast(1, method=np.ones(2)), "method must be one of .*, but is array"),
    "a start of many": (lambda r, _: r.predict(monthly()), "start must be an integer position or a label .* a Series"),
    "an index of one": (lambda r, _: r.forecast(2, index=3), "index must hold one label for each row, but is 3"),
    "shocks as text": (lambda r, _: r.simulate(1, random_errors=["x"]), "random_errors must hold numbers"),
    "shocks not real": (lambda r, _: r.simulate(1, random_errors=[1j]), "random_errors must hold numbers and have"),
    "impulse nothing": (lambda r, _: r.impulse_responses(2, impulse=None), "impulse must be a finite number"),
    "sums unclear": (lambda r, _: r.impulse_responses(2, cumulative="yes"), "cumulative must be True or False"),
    "adjustment unclear": (lambda r, _: r.test_serial_correlation(df_adjust=2), "df_adjust must be True or False"),
    "ragged rows": (lambda r, _: r.append([[1.0, 2.0], [3.0]]), "endog must be a single series, but its"),
    "more lags than memory": (lambda r, _: r.test_serial_correlation(lags=10**9), "reaches back further than"),
    "half a lag": (lambda r, _: r.test_nonlinearity(lags=2.5), "lags must be a non-negative integer or a list of"),
    "lags before the sample": (lambda r, _: r.test_nonlinearity(lags=[1, 10**9]), "lags holds 1000000000, further"),
    "no dates": (lambda r, _: prt.ParaRNN(Y, dates=[]), "dates is empty, but endog has 60 observations"),
    "the past again": (lambda r, _: r.append(monthly()[-3:]), "endog must continue the sample at 2006-01"),
    "days after months": (lambda r, _: r.append(daily()), "at 2006-01, but .* frequency D where the sample has M"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_question_without_an_answer_is_refused_in_one_sentence(name, plain, driven):
    call, message = ASKED[name]
    with pytest.raises((ValueError, TypeError, KeyError), match=message) as caught:
        call(plain, driven)
    assert re.fullmatch(r"[^\n]+[.]", caught.value.args[0])


@pytest.mark.parametrize("way", ["append", "extend", "apply"])
def test_new_observations_that_cannot_be_computed_with_are_refused(way, plain, driven):
    with pytest.raises(ValueError, match="endog has values up to .* squares cannot be computed with; rescale it"):
        getattr(plain, way)(1e200 * Y)
    with pytest.raises(ValueError, match="exog column 'a' has values up to .*; rescale it"):
        getattr(driven, way)(Y[:3], 1e200 * X.to_numpy()[:3])
    # next to nothing is a number like any other where the scale of the series is known
    assert np.isfinite(getattr(plain, way)(1e-200 * Y[:3]).forecast(2)).all()


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_no_order_is_selected_for_a_series_that_cannot_be_computed_with(scale):
    with pytest.raises(ValueError, match="endog has values up to .* squares cannot be computed with; rescale it"):
        prt.select_order(scale * Y, max_lags=1, max_linear_lags=1, max_units=1, n_starts=2)


def test_exogenous_values_of_the_future_may_come_in_any_form(driven):
    expected = driven.forecast(3, exog=NEW)
    for exog in (NEW["a"], NEW.to_numpy(), NEW["a"].tolist(), NEW.astype("Float64"), NEW.astype(object)):
        np.testing.assert_array_equal(driven.forecast(3, exog=exog), expected)


def test_columns_without_names_in_the_sample_are_matched_by_position(driven):
    """An array has no names that a frame of the future could share; a frame with names is still matched by them."""
    expected = driven.forecast(3, exog=NEW)
    for exog in (X.to_numpy(), X["a"].rename(None)):
        unnamed = fit(monthly(), exog)
        np.testing.assert_array_equal(unnamed.forecast(3, exog=NEW), expected)
        np.testing.assert_array_equal(unnamed.apply(monthly(), X).forecast(3, exog=NEW), expected)
        with pytest.raises(ValueError, match="exog lacks the columns 'x1'"):
            unnamed.forecast(3, exog=NEW.assign(b=0.0))


def test_tests_of_terms_are_tests_of_parameters(driven):
    table = driven.wald_test_terms(scalar=True).table
    assert list(table.index) == list(driven.params.index)
    squares = driven.tvalues.to_numpy() ** 2
    np.testing.assert_allclose(table["statistic"][:3], squares[:3], rtol=1e-9)


def test_daily_observations_after_months_are_refused_where_they_leave_the_months():
    results = fit(monthly().set_axis(MONTHS.to_timestamp()))
    with pytest.raises(ValueError, match="at 2006-02-01 .* goes on from 2006-01-01 .* to 2006-01-02 .* frequency D"):
        results.append(daily())


def test_steps_between_time_differences_are_counted():
    hours = pd.timedelta_range("1h", periods=N, freq="h")
    assert grid_offset(hours, hours[5:]) == 5 and grid_offset(hours[5:], hours) == -5
    assert grid_offset(hours, hours + pd.Timedelta("30min")) is None


# -------------------------------------------------------------------------------------------- explosive fits


def explosive(growth: float, gap: int):
    """An autoregression that multiplies by `growth`, after a gap."""
    y = np.r_[Y[:30], np.full(gap, np.nan), Y[30:]]
    return prt.ParaRNN(y, units=(), trend="n").evaluate([growth])


def test_standard_errors_in_the_gap_of_an_explosive_fit_are_those_of_the_autoregression():
    results, gap = explosive(3.0, 200), 200
    with pytest.warns(OutputWarning, match="The fit is explosive: after missing values the standard errors"):
        se = results.get_prediction(30, 30 + gap - 1, n_sims=10, rng=0).se_mean
    # beyond 1e154 squares are no numbers, standard errors still are
    steps = np.arange(gap)
    expected = (
        np.log(results.scale) / 2 + steps * np.log(3.0) + 0.5 * np.log((1 - 9.0 ** -(steps + 1.0)) / (1 - 1 / 9.0))
    )
    np.testing.assert_allclose(np.log(se), expected, rtol=1e-9)


def test_predictions_that_are_no_numbers_are_refused_with_the_step():
    results = explosive(3.0, 1)
    with pytest.raises(ValueError, match="leaves the range of numbers at step 6[0-9][0-9]; predict fewer steps"):
        results.forecast(700)
    with pytest.raises(ValueError, match="leaves the range of numbers at step"):
        results.get_forecast(700, method="exact")


def test_paths_that_are_no_numbers_count_as_beyond_every_number():
    paths = np.r_[np.arange(95.0), [np.inf, np.inf, -np.inf, np.nan, np.nan]][:, None]
    prediction = RecurrentPrediction(np.zeros(1), np.ones(1), None, "bootstrap", paths=paths)
    lower, upper = prediction.conf_int(0.2)[0]
    finite = np.r_[np.full(3, -np.inf), np.arange(95.0), np.full(2, np.inf)]
    assert lower == np.quantile(finite, 0.1, method="lower")
    finite = np.r_[np.full(1, -np.inf), np.arange(95.0), np.full(4, np.inf)]
    assert upper == np.quantile(finite, 0.9, method="higher")
    with pytest.raises(ValueError, match="The interval of row 0 has no bound"):
        prediction.conf_int(0.05)


@pytest.mark.parametrize("errors", ["normal", "t"])
def test_a_fit_without_residuals_has_finite_information(errors):
    steps = np.where(np.arange(155) == 0, 0.0, 1e9)
    results = fit(
        steps, 1e12 * np.random.default_rng(155).standard_normal(155), lags=[12], linear_lags=1, errors=errors
    )
    assert results.scale >= (np.finfo(float).eps * 1e6) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert np.isfinite(results.ingredients.information()).all()
        assert "ParaRNN Results" in results.summary().as_text()


def test_a_model_without_parameters_is_a_model():
    """White noise: nothing to estimate, and still a likelihood, a forecast and a summary."""
    y = np.random.default_rng(0).standard_normal(20)
    results = prt.ParaRNN(y, units=(), linear_lags=0, trend="n").fit()
    assert results.params.shape == results.bse.shape == (0,)
    assert results.cov_params().shape == (0, 0) and results.conf_int().shape == (0, 2)
    labelled = prt.ParaRNN(pd.Series(y), units=(), linear_lags=0, trend="n").fit()
    assert labelled.conf_int().shape == (0, 2) and labelled.tvalues.empty
    np.testing.assert_array_equal(results.forecast(2), 0.0)
    for uncertain in (False, True):
        interval = results.get_forecast(2, param_uncertainty=uncertain, rng=0).conf_int()
        assert (interval[:, 0] < -1.5 * results.scale**0.5).all() and (interval[:, 1] > 1.2 * results.scale**0.5).all()
    assert pickle.loads(pickle.dumps(results)).append([1.0, 2.0]).extend([0.5]).nobs == 1
    assert "ParaRNN, linear" in str(results.summary())


WORDS = {
    "missing": lambda bad: prt.ParaRNN(Y, missing=bad),
    "trend": lambda bad: prt.ParaRNN(Y, trend=bad),
    "activation": lambda bad: prt.ParaRNN(Y, activation=bad),
    "errors": lambda bad: prt.ParaRNN(Y, errors=bad),
    "diff": lambda bad: prt.ParaRNN(Y, diff=bad),
    "seasonal_diff": lambda bad: prt.ParaRNN(Y, seasonal_diff=bad),
    "couplings": lambda bad: prt.QUNN(Y, memory=2, couplings=bad),
    "mode": lambda bad: prt.QUNN(Y, memory=2, mode=bad),
    "integrator": lambda bad: prt.ODERNN(Y, integrator=bad),
    "cov_type": lambda bad: prt.ParaRNN(Y).fit(cov_type=bad),
    "cov_kwds": lambda bad: prt.ParaRNN(Y).fit(cov_kwds=bad),
    "device": lambda bad: prt.ParaRNN(Y).fit(device=bad),
    "disp": lambda bad: prt.ParaRNN(Y).fit(disp=bad),
    "penalty": lambda bad: prt.LSTM(Y).fit(penalty=bad),
    "lam1": lambda bad: prt.SISTARNN(np.c_[Y, Y], dictionary="dct", lam1=bad),
    "use_f": lambda bad: prt.ParaRNN(Y).fit(n_starts=1).test_heteroskedasticity(use_f=bad),
    "local": lambda bad: prt.ParaRNN(Y).fit(n_starts=1).lag_response(3, local=bad),
    "n_paths": lambda bad: prt.ParaRNN(Y).fit(n_starts=1).stability(bad),
    "remove_data": lambda bad: prt.ParaRNN(Y).fit(n_starts=1).save("never written.npz", remove_data=bad),
}


@pytest.mark.parametrize("argument", WORDS)
@pytest.mark.parametrize("bad", [np.array(["none", "c"]), np.ones(2), pd.Series([1.0, 2.0]), ["none"]], ids=repr)
def test_an_array_in_place_of_a_word_is_refused_by_the_name_of_the_argument(argument, bad):
    with pytest.raises((TypeError, ValueError), match=f"^{argument} must be ") as refusal:
        WORDS[argument](bad)
    assert "\n" not in str(refusal.value)


HUGE = 10**9
TOO_MANY = {
    "units": lambda: prt.ParaRNN(Y, units=HUGE),
    "units ": lambda: prt.ParaRNN(Y, units=(HUGE,)),
    "hidden": lambda: prt.ElmanRNN(Y, hidden=HUGE),
    "order": lambda: prt.ODERNN(Y, order=HUGE),
    "memory": lambda: prt.QUNN(Y, memory=HUGE),
    "lags": lambda: prt.ParaRNN(Y, lags=HUGE),
    "linear_lags": lambda: prt.ParaRNN(Y, linear_lags=[HUGE]),
    "period": lambda: prt.ParaRNN(Y, period=HUGE, seasonal=True),
    "diff": lambda: prt.ParaRNN(Y, diff=HUGE),
    "n_starts": lambda: prt.ParaRNN(Y).fit(n_starts=HUGE),
    r"cov_kwds\['n_boot'\]": lambda: prt.ParaRNN(Y).fit(cov_type="bootstrap", cov_kwds={"n_boot": HUGE}),
    "The model has 90,902 parameters": lambda: prt.ParaRNN(Y, units=(300,), lags=1).fit(),
}


@pytest.mark.parametrize("argument", TOO_MANY)
def test_a_number_that_no_machine_has_room_for_is_refused_at_once(argument):
    with pytest.raises(ValueError, match=f"^{argument.strip()}"):
        TOO_MANY[argument]()


@pytest.mark.parametrize("argument", ["n_sims", "bootstrap", "repetitions"])
def test_more_draws_than_a_machine_has_room_for_are_refused_at_once(argument, plain):
    ask = {
        "n_sims": lambda: plain.get_forecast(2, n_sims=HUGE),
        "bootstrap": lambda: plain.test_nonlinearity(bootstrap=HUGE),
        "repetitions": lambda: plain.simulate(2, repetitions=HUGE),
    }
    with pytest.raises(ValueError, match=f"^{argument} must be at most 1,000,000"):
        ask[argument]()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda res: res.forecast(10**9), "steps must be at most 10,000,000, but is 1000000000"),
        (lambda res: res.get_forecast(10**9), "steps must be at most 10,000,000"),
        (lambda res: res.predict(0, 10**9), "end=1000000000 lies .* rows after the sample, but at most 10,000,000"),
        (lambda res: res.predict(10**9), "end=1000000000 lies"),
        (lambda res: res.get_components(end=10**9), "end=1000000000 lies"),
        (lambda res: res.simulate(10**9), "nsimulations must be at most 10,000,000"),
        (
            lambda res: res.simulate(10**4, 10**6),
            "repetitions=1,000,000 paths of 10,000 steps are more than 1,000,000,000",
        ),
        (lambda res: res.get_forecast(2000, n_sims=10**6), "n_sims=1,000,000 paths of 2,000 steps are more than"),
        (lambda res: res.get_components(end=3000, n_sims=10**6), "n_sims=1,000,000 paths of .* steps are more than"),
        (lambda res: res.impulse_responses(10**9), "steps must be at most 10,000,000"),
    ],
)
def test_more_rows_than_there_is_room_for_are_refused(call, words, plain):
    with pytest.raises(ValueError, match=f"^{words}"):
        call(plain)


@pytest.mark.parametrize("options", [{"lags": [1, 100_000]}, {"hold_back": 100_001}], ids=repr)
def test_whatever_can_be_fitted_can_be_loaded(options, tmp_path):
    y = np.resize(Y, 100_100) + np.tile(SHOCKS[1][:50], 2002)
    results = fit(y, units=(), linear_lags=1, **options)
    results.save(tmp_path / "long.npz")
    np.testing.assert_array_equal(prt.load(tmp_path / "long.npz").forecast(2), results.forecast(2))
