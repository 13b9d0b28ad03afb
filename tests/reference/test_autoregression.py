"""
Without units and without a penalty the model is a statsmodels AutoReg: every number that both report is the same.

Two conventions differ and are part of the statements: `scale` divides by the degrees of freedom as a regression does,
where AutoReg divides by the number of observations; robust covariances and criteria do not depend on it.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.deterministic import CalendarFourier, DeterministicProcess

import pararnn_ts as prt

N, AHEAD = 180, 14
MONTHS = pd.date_range("2001-01-01", periods=N + AHEAD, freq="MS")
SHOCKS = np.random.default_rng(5).standard_normal((4, N + AHEAD))
X = pd.DataFrame({"price": SHOCKS[1], "rain": SHOCKS[2]}, MONTHS)
FOURIER = DeterministicProcess(
    MONTHS[:N], constant=True, order=1, additional_terms=[CalendarFourier("YE", 1)], drop=True
)  # fmt: skip


def sales():
    """An autoregression with a trend, a season, and shocks whose size changes."""
    y = np.zeros(N)
    for t in range(2, N):
        y[t] = 0.5 * y[t - 1] - 0.2 * y[t - 2] + (1 + abs(SHOCKS[3, t])) * SHOCKS[0, t] + 0.02 * t + np.sin(t / 2)
    return pd.Series(y, MONTHS[:N], name="sales")


SALES = sales()
CASES = {
    "no constant": {"lags": 2, "trend": "n"},
    "constant": {"lags": 3},
    "trend without constant": {"lags": 2, "trend": "t"},
    "trend": {"lags": 2, "trend": "ct"},
    "some lags": {"lags": [1, 4, 12], "trend": "ct"},
    "season": {"lags": 2, "seasonal": True, "trend": "ct"},
    "season without constant": {"lags": 1, "seasonal": True, "trend": "n"},
    "season of another length": {"lags": 1, "seasonal": True, "period": 4},
    "rows held back": {"lags": 2, "hold_back": 20},
    "exogenous": {"lags": 2, "exog": X[:N]},
    "exogenous only": {"lags": 0, "exog": X[:N]},
    "trend only": {"lags": 0, "trend": "ct"},
    "all": {"lags": [2, 5], "trend": "ct", "seasonal": True, "exog": X[:N], "hold_back": 8},
    "a deterministic process": {"lags": 1, "deterministic": FOURIER},
}


def both(name, **options):
    case = dict(CASES[name])
    exog, lags = case.pop("exog", None), case.pop("lags")
    ours = prt.ParaRNN(SALES, exog, units=(), lags=0, linear_lags=lags, **case).fit(penalty=0, **options)
    if "deterministic" in case:
        case["trend"] = "n"
    return ours, AutoReg(SALES, lags, exog=exog, **case).fit(**options)


def order(results):
    """AutoReg names seasonal terms otherwise, but orders parameters alike."""
    return np.asarray(results.params)


@pytest.mark.parametrize("name", CASES)
def test_estimates_likelihood_and_criteria_are_those_of_an_autoreg(name):
    ours, theirs = both(name)
    assert_allclose(order(ours), order(theirs), rtol=1e-7, atol=1e-10)
    for figure in ("llf", "aic", "bic", "hqic", "aicc", "nobs", "df_model", "df_resid"):
        assert_allclose(getattr(ours, figure), getattr(theirs, figure), rtol=1e-10, err_msg=figure)
    assert_allclose(ours.fittedvalues.loc[theirs.fittedvalues.index], theirs.fittedvalues, atol=1e-9)
    assert_allclose(ours.resid.loc[theirs.resid.index], theirs.resid, atol=1e-9)
    assert ours.fittedvalues.notna().sum() == len(theirs.fittedvalues)
    assert_allclose(ours.scale * ours.df_resid, theirs.sigma2 * theirs.nobs, rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_those_of_an_autoreg(name):
    ours, theirs = both(name)
    later, oos = ({"exog": X[N:]}, {"exog_oos": X[N:]}) if "exog" in CASES[name] else ({}, {})
    assert_allclose(ours.forecast(AHEAD, **later), theirs.forecast(AHEAD, **later), atol=1e-8)
    for dynamic in (False, 0, 7):
        arguments = {"start": 60, "end": N + AHEAD - 1, "dynamic": dynamic}
        assert_allclose(ours.predict(**arguments, **later), theirs.predict(**arguments, **oos), atol=1e-8)
    expected = theirs.get_prediction(N, N + AHEAD - 1, **oos)
    found = ours.get_forecast(AHEAD, method="exact", **later)
    ratio = np.sqrt(ours.scale / theirs.sigma2)
    assert_allclose(found.se_mean, ratio * expected.se_mean, rtol=1e-8)
    half = np.asarray(expected.conf_int(0.1)) - np.asarray(expected.predicted_mean)[:, None]
    assert_allclose(
        np.asarray(found.conf_int(0.1)) - np.asarray(found.predicted_mean)[:, None], ratio * half, rtol=1e-7
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("cov_type", "cov_kwds"), [("nonrobust", None), ("HC0", None), ("HAC", {"maxlags": 5})])
def test_standard_errors_are_those_of_an_autoreg(name, cov_type, cov_kwds):
    ours, theirs = both(name, cov_type=cov_type, cov_kwds=cov_kwds)
    ratio = np.sqrt(ours.scale / theirs.sigma2) if cov_type == "nonrobust" else 1.0
    assert_allclose(np.asarray(ours.bse), ratio * np.asarray(theirs.bse), rtol=1e-6)
    assert_allclose(np.asarray(ours.cov_params()), ratio**2 * np.asarray(theirs.cov_params()), rtol=1e-5, atol=1e-10)
    first = np.eye(len(ours.params))[-1:]
    statistic = ours.wald_test(first, scalar=True).statistic * ratio**2
    assert_allclose(statistic, theirs.wald_test(first, scalar=True).statistic, rtol=1e-6)


@pytest.mark.parametrize(("diff", "seasonal_diff"), [(1, 0), (2, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("trend", ["n", "c"])
def test_a_differenced_model_is_an_autoreg_of_the_differences(diff, seasonal_diff, trend):
    options = {"units": (), "linear_lags": 2, "lags": 0, "trend": trend, "diff": diff, "seasonal_diff": seasonal_diff}
    ours = prt.ParaRNN(SALES, **options).fit(penalty=0)
    moved = SALES.diff(12) if seasonal_diff else SALES
    for _ in range(diff):
        moved = moved.diff()
    theirs = AutoReg(moved.dropna(), 2, trend=trend).fit()
    assert_allclose(ours.params, theirs.params, rtol=1e-7, atol=1e-10)
    for figure in ("llf", "aic", "bic", "nobs"):
        assert_allclose(getattr(ours, figure), getattr(theirs, figure), rtol=1e-10)
    assert_allclose(ours.resid.loc[theirs.resid.index], theirs.resid, atol=1e-9)
    # forecasts of the differences, put back to levels one after the other
    level = SALES.to_list()
    polynomial = np.convolve(np.r_[1.0, np.zeros(11), -1.0] if seasonal_diff else [1.0], _power([1.0, -1.0], diff))
    for step in theirs.forecast(AHEAD):
        past = np.array(level[::-1][: len(polynomial) - 1])
        level.append(step - polynomial[1:] @ past)
    assert_allclose(ours.forecast(AHEAD), level[N:], rtol=1e-9)


def _power(polynomial, exponent):
    product = np.ones(1)
    for _ in range(exponent):
        product = np.convolve(product, polynomial)
    return product


def test_tests_of_hypotheses_are_those_of_a_regression():
    ours = prt.ParaRNN(SALES, X[:N], units=(), lags=0, linear_lags=2).fit(penalty=0)
    design = pd.DataFrame({"const": 1.0, "L1": SALES.shift(1), "L2": SALES.shift(2)}).join(X[:N]).iloc[2:]
    theirs = sm.OLS(SALES[2:], design).fit()
    assert_allclose(ours.bse, theirs.bse, rtol=1e-9)
    assert_allclose(ours.conf_int(), sm.OLS(SALES[2:], design).fit(use_t=False).conf_int(), rtol=1e-8)
    pair = np.eye(5)[3:]
    assert_allclose(ours.f_test(pair).fvalue, theirs.f_test(pair).fvalue, rtol=1e-8)
    assert_allclose(ours.f_test(pair).pvalue, theirs.f_test(pair).pvalue, rtol=1e-8)
    assert_allclose(
        ours.t_test("linear.price = linear.rain").effect, theirs.params["price"] - theirs.params["rain"], rtol=1e-8
    )
