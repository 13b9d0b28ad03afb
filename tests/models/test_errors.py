"""
Bad input gets one clear sentence that names the argument, never a result that is not a number.

A case is a call, the beginning of its message, and what the message must mention.
"""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt

N = 80
GOOD = np.cumsum(np.random.default_rng(0).normal(size=N))
MONTHS = pd.period_range("2000-01", periods=N, freq="M")
Y = pd.Series(GOOD, MONTHS, name="y")
X = pd.DataFrame(np.random.default_rng(1).normal(size=(N, 2)), MONTHS, ["rain", "sun"])


def para(endog=Y, exog=None, **options):
    return prt.ParaRNN(endog, exog, **{"units": (1,), **options})


def fit(endog=Y, exog=None, options=None, **settings):
    return para(endog, exog, **(options or {})).fit(**{"n_starts": 2, **settings})


def with_value(value, at=10):
    y = GOOD.copy()
    y[at] = value
    return y


def with_labels(labels):
    return pd.Series(GOOD, labels, name="y")


DAYS = pd.date_range("2020-01-01", periods=N, freq="D")

CASES = {
    # ------------------------------------------------------------------------------------------------- the series
    "text": (lambda: para(list("abcdefghij") * 8), "endog", "numeric"),
    "text among numbers": (lambda: para(pd.Series([*GOOD[:-1], "many"])), "endog", "'many'"),
    "complex": (lambda: para(GOOD + 1j), "endog", "real"),
    "dates as values": (lambda: para(pd.Series(DAYS)), "endog", "numeric"),
    "nothing": (lambda: para(None), "endog", "NoneType"),
    "a number": (lambda: para(3.0), "endog", "float"),
    "empty": (lambda: para([]), "endog", "empty"),
    "two columns": (lambda: para(X), "endog", "2 columns"),
    "a matrix": (lambda: para(np.ones((40, 2))), "endog", "shape"),
    "a cube": (lambda: para(np.ones((4, 2, 3))), "endog", "shape"),
    "infinite": (lambda: para(with_value(np.inf)), "endog", "infinite"),
    "minus infinity with a label": (lambda: para(pd.Series(with_value(-np.inf), MONTHS)), "endog", "2000-11"),
    "constant": (lambda: fit(np.full(N, 7.0)), "endog", "constant"),
    "constant but for gaps": (lambda: fit(np.where(np.arange(N) % 7, 7.0, np.nan)), "endog", "constant"),
    "constant after differencing": (lambda: fit(np.arange(N), options={"diff": 1}), "endog", "after differencing"),
    "all missing": (lambda: fit(np.full(N, np.nan)), "endog", "missing"),
    "too short": (lambda: fit(GOOD[:3]), "endog", "at least"),
    "too short for its lags": (lambda: fit(GOOD[:12], options={"lags": 11}), "endog", "lags"),
    "too short for differencing": (
        lambda: fit(GOOD[:13], options={"seasonal_diff": 1, "period": 12}), "endog", "at least"),
    "too few observed": (lambda: fit(np.where(np.arange(N) < N - 2, np.nan, GOOD)), "endog", "at least"),
    "nothing observed after the rows held back": (
        lambda: fit(np.where(np.arange(N) > 20, np.nan, GOOD), options={"hold_back": 20}), "endog", "more are missing"),
    "too few observations for least squares": (
        lambda: fit(GOOD[:7], options={"units": (2,)}, penalty=0), "endog", "penalty"),
    "values whose squares overflow": (lambda: fit(GOOD * 1e300), "endog", "rescale"),
    "values whose squares vanish": (lambda: fit(GOOD * 1e-300), "endog", "rescale"),
    "missing values when they are refused": (lambda: para(with_value(np.nan), missing="raise"), "endog", "missing"),
    # -------------------------------------------------------------------------------------------------- the index
    "duplicate dates": (lambda: para(with_labels(DAYS.repeat(2)[:N])), "endog", "duplicate"),
    "decreasing dates": (lambda: para(with_labels(DAYS[::-1])), "endog", "not increasing"),
    "unordered dates": (
        lambda: para(with_labels(DAYS[np.random.default_rng(0).permutation(N)])), "endog", "not increasing"),
    "missing labels": (lambda: para(with_labels(DAYS.where(np.arange(N) != 4))), "endog", "missing labels"),
    "names as labels": (lambda: para(with_labels([f"o{i}" for i in range(N)])), "endog", "index"),
    "irregular dates": (
        lambda: para(with_labels(pd.DatetimeIndex(np.cumsum(np.random.default_rng(0).integers(1, 10**15, N))))),
        "endog", "index"),
    "unequal integers": (lambda: para(with_labels(np.cumsum(np.arange(N) ** 2 + 1))), "endog", "index"),
    "two levels": (lambda: para(with_labels(pd.MultiIndex.from_product([range(8), range(10)]))), "endog", "level"),
    "too few dates": (lambda: para(GOOD, dates=DAYS[:-1]), "dates", "79"),
    "dates that are none": (lambda: para(GOOD, dates=["x"] * N), "dates", "'x'"),
    "freq without dates": (lambda: para(GOOD, freq="D"), "freq", "dates"),
    "unknown freq": (lambda: para(with_labels(DAYS), freq="fortnightly"), "freq", "fortnightly"),
    # ---------------------------------------------------------------------------------------- exogenous values
    "exog of another length": (lambda: para(GOOD, np.ones((N - 1, 1))), "exog", "79"),
    "exog of other dates": (lambda: para(Y, X.set_axis(MONTHS + 40)), "exog", "lacks"),
    "exog that lacks a date": (lambda: para(Y, X.drop(MONTHS[5])), "exog", "2000-06"),
    "exog with a date twice": (lambda: para(Y, pd.concat([X, X[:1]])), "exog", "duplicate"),
    "exog with two columns of a name": (lambda: para(Y, X.set_axis(["a", "a"], axis=1)), "exog", "'a'"),
    "exog missing": (lambda: para(Y, X.assign(rain=np.where(np.arange(N) == 7, np.nan, 0.1))), "exog", "'rain'"),
    "exog infinite": (lambda: para(Y, X.replace(X.iloc[3, 1], np.inf)), "exog", "'sun'"),
    "exog text": (lambda: para(Y, pd.Series(["a"] * N, MONTHS, name="z")), "exog", "numeric"),
    "exog constant beside a constant": (lambda: fit(Y, pd.Series(1.0, MONTHS, name="one")), "exog", "'one'"),
    "exog of three dimensions": (lambda: para(GOOD, np.ones((N, 2, 2))), "exog", "dimensions"),
    "no exog for a forecast": (lambda: fit(Y, X).forecast(2), "exog", "rain"),
    "exog for a model without": (lambda: fit(Y).forecast(2, exog=np.ones((2, 1))), "exog", "no exogenous"),
    "exog of other names for a forecast": (
        lambda: fit(Y, X).forecast(2, exog=X[:2].set_axis(MONTHS[:2] + N).drop(columns="sun")), "exog", "'sun'"),
    "exog of other dates for a forecast": (
        lambda: fit(Y, X).forecast(2, exog=X[:2]), "exog", "lacks"),
    "too few rows of exog for a forecast": (
        lambda: fit(Y, X).forecast(3, exog=np.ones((2, 2))), "exog", "2 rows"),
    "too few columns of exog for a forecast": (
        lambda: fit(Y, X).forecast(2, exog=np.ones((2, 3))), "exog", "columns"),
    "exog missing in a forecast": (
        lambda: fit(Y, X).forecast(2, exog=np.full((2, 2), np.nan)), "exog", "missing"),
    # ----------------------------------------------------------------------------------------------------- options
    "unknown option": (lambda: para(lag=2), "ParaRNN", "'lags'"),
    "lags below zero": (lambda: para(lags=-1), "lags", "-1"),
    "lags of zero": (lambda: para(lags=[0, 1]), "lags", "[0, 1]"),
    "lags twice": (lambda: para(lags=[1, 1]), "lags", "different"),
    "lags in words": (lambda: para(lags="two"), "lags", "'two'"),
    "lags in fractions": (lambda: para(lags=1.5), "lags", "1.5"),
    "no lags": (lambda: para(lags=0), "lags", "input"),
    "linear lags": (lambda: para(linear_lags=[-3]), "linear_lags", "[-3]"),
    "units below zero": (lambda: para(units=-1), "units", "-1"),
    "a unit of dimension zero": (lambda: para(units=(1, 0)), "units", "(1, 0)"),
    "units in words": (lambda: para(units="two"), "units", "'two'"),
    "unknown activation": (lambda: para(activation="sigmoid"), "activation", "'logistic'"),
    "activation that is no name": (lambda: para(activation=np.tanh), "activation", "'tanh'"),
    "unknown trend": (lambda: para(trend="linear"), "trend", "'linear'"),
    "season that is no answer": (lambda: para(seasonal="no"), "seasonal", "True or False"),
    "locations that are no numbers": (lambda: prt.QUNN(GOOD, input_location="x"), "input_location", "1 finite numbers"),
    "seasonal dummies of unknown period": (lambda: para(GOOD, seasonal=True), "seasonal", "period"),
    "period of one": (lambda: para(seasonal=True, period=1), "period", "1"),
    "diff below zero": (lambda: para(diff=-1), "diff", "-1"),
    "diff in fractions": (lambda: para(diff=0.4), "diff", "0.4"),
    "seasonal differences of unknown period": (lambda: para(GOOD, seasonal_diff=1), "seasonal_diff", "period"),
    "deterministic of another kind": (lambda: para(deterministic="ct"), "deterministic", "DeterministicProcess"),
    "hold_back below the reach": (lambda: para(lags=4, hold_back=3), "hold_back", "at least 4"),
    "hold_back in words": (lambda: para(hold_back="3"), "hold_back", "'3'"),
    "hold_back in fractions": (lambda: para(hold_back=3.5), "hold_back", "3.5"),
    "hold_back of everything": (lambda: fit(options={"hold_back": N}), "endog", "80"),
    "missing dropped": (lambda: para(missing="drop"), "missing", "'drop'"),
    "missing unknown": (lambda: para(missing="ignore"), "missing", "'ignore'"),
    # ----------------------------------------------------------------------------------------------------- the fit
    "penalty below zero": (lambda: fit(penalty=-1.0), "penalty", "-1.0"),
    "penalty of another name": (lambda: fit(penalty="ridge"), "penalty", "'evidence'"),
    "penalty not a number": (lambda: fit(penalty=np.nan), "penalty", "nan"),
    "penalty infinite": (lambda: fit(penalty=np.inf), "penalty", "inf"),
    "penalty missing": (lambda: fit(penalty=None), "penalty", "None"),
    "penalty in a list": (lambda: fit(penalty=[1.0]), "penalty", "[1.0]"),
    "no starts": (lambda: fit(n_starts=0), "n_starts", "0"),
    "starts in fractions": (lambda: fit(n_starts=2.5), "n_starts", "2.5"),
    "starts true": (lambda: fit(n_starts=True), "n_starts", "True"),
    "maxiter of zero": (lambda: fit(maxiter=0), "maxiter", "0"),
    "maxiter in words": (lambda: fit(maxiter="many"), "maxiter", "'many'"),
    "tolerance below zero": (lambda: fit(tol=-1e-8), "tol", "-1e-08"),
    "tolerance not a number": (lambda: fit(tol=np.nan), "tol", "nan"),
    "tolerance zero": (lambda: fit(tol=0), "tol", "0"),
    "tolerance in words": (lambda: fit(tol="small"), "tol", "'small'"),
    "rng in words": (lambda: fit(rng="lucky"), "rng", "'lucky'"),
    "rng below zero": (lambda: fit(rng=-1), "rng", "-1"),
    "unknown device": (lambda: fit(device="tpu"), "device", "'tpu'"),
    "too few start_params": (lambda: fit(start_params=[1.0, 2.0]), "start_params", "6"),
    "start_params of two dimensions": (lambda: fit(start_params=np.ones((6, 1))), "start_params", "(6, 1)"),
    "start_params not numbers": (lambda: fit(start_params=["a"] * 6), "start_params", "6"),
    "start_params missing": (lambda: fit(start_params=[np.nan] * 6), "start_params", "finite"),
    "start_params of other names": (
        lambda: fit(start_params=pd.Series(np.ones(6), list("abcdef"))), "start_params", "const"),
    "unknown covariance": (lambda: fit(cov_type="HC7"), "cov_type", "HC7"),
    "too few params": (lambda: para().evaluate([1.0]), "params", "6"),
    "params not finite": (lambda: para().evaluate([np.inf] * 6), "params", "finite"),
    "params not numbers": (lambda: para().evaluate(["a"] * 6), "params", "6"),
    # ------------------------------------------------------------------------------------------------ predictions
    "forecasts of no steps": (lambda: fit().forecast(0), "steps", "0"),
    "forecasts of less than none": (lambda: fit().forecast(-3), "steps", "-3"),
    "forecasts in fractions": (lambda: fit().forecast(2.5), "steps", "2.5"),
    "a start that is no date": (lambda: fit().predict("someday"), "start", "someday"),
    "an end before the start": (lambda: fit().predict(20, 10), "end", "start"),
    "an unknown method": (lambda: fit().get_forecast(2, method="magic"), "method", "magic"),
    "no simulations": (lambda: fit().get_forecast(2, n_sims=0), "n_sims", "0"),
    "data that do not follow": (lambda: fit().append(Y), "endog", "continue"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_one_sentence(name):
    call, beginning, mentioned = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises((TypeError, ValueError, KeyError)) as caught:
            call()
    message = str(caught.value.args[0])
    assert re.match(rf"{beginning}\b", message), message
    assert mentioned in message, message
    assert "\n" not in message and message.rstrip().endswith((".", "?")), message
    assert len(message) < 320, message


@pytest.mark.parametrize(
    "y",
    [
        GOOD * 1e120,
        GOOD * 1e-120,
        GOOD + 1e9,
        np.r_[np.zeros(40), 1.0, np.zeros(39)],
        np.tile([0.0, 1.0], 40),
        np.arange(80.0),
        np.exp(np.arange(80.0)),
        np.random.default_rng(0).standard_cauchy(80) ** 3,
        np.where(np.arange(80) % 2, np.nan, GOOD),
        np.where(np.arange(80) < 60, np.nan, GOOD),
        GOOD > 0,
        GOOD.astype(np.float32),
        np.round(GOOD).astype(int),
    ],
    ids=["huge", "tiny", "far from zero", "one spike", "alternating", "a line", "explosive", "heavy tails",
         "every other missing", "mostly missing", "true and false", "single precision", "integers"],
)  # fmt: skip
@pytest.mark.parametrize("penalty", ["evidence", 0.0])
def test_odd_but_legal_series_give_finite_results(y, penalty):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.filterwarnings("ignore", message="The best start did not converge")
        results = prt.ParaRNN(y, units=(1,)).fit(penalty=penalty, n_starts=4)
        assert np.isfinite(results.params).all() and np.isfinite(results.llf) and np.isfinite(results.scale)
        assert np.isfinite(results.fittedvalues[1:]).all()
        assert np.isfinite(results.forecast(3)).all()
        assert penalty == 0.0 or np.isfinite(results.log_evidence)
