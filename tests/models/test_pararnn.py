"""The ParaRNN: what it nests, and how it behaves under changes of units."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA

import pararnn_ts as prt


def series(n=150, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.7 * y[t - 2] + rng.normal()
    return pd.Series(3.0 + y[50:], pd.period_range("2000-01", periods=n, freq="M"), name="y")


# ----------------------------------------------------------------------------------- autoregressions are nested


@pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
@pytest.mark.parametrize("lags", [1, 4, [1, 3, 12]], ids=str)
def test_without_units_it_is_an_autoregression(lags, trend):
    y = series()
    ours = prt.ParaRNN(y, lags=1, units=(), linear_lags=lags, trend=trend).fit(penalty=0)
    theirs = AutoReg(y, lags, trend=trend).fit()
    assert_allclose(ours.params, theirs.params, rtol=0, atol=1e-8)
    assert_allclose(ours.fittedvalues.dropna(), theirs.fittedvalues, rtol=0, atol=1e-8)
    assert_allclose(ours.resid.dropna(), theirs.resid, rtol=0, atol=1e-8)
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-8)
    for criterion in ("aic", "bic", "hqic"):
        assert getattr(ours, criterion) == pytest.approx(getattr(theirs, criterion), abs=1e-6)
    assert ours.df_model == pytest.approx(theirs.df_model)
    assert ours.converged


def test_exogenous_values_and_seasonal_dummies_of_an_autoregression():
    y = series()
    x = pd.DataFrame(np.random.default_rng(1).normal(size=(150, 2)) * [1.0, 1e4], y.index, ["a", "b"])
    ours = prt.ParaRNN(y, x, units=(), linear_lags=2, seasonal=True).fit(penalty=0)
    theirs = AutoReg(y, 2, exog=x, seasonal=True, period=12).fit()
    expected = theirs.params.rename(lambda name: f"linear.{name}" if name in ("y.L1", "y.L2", "a", "b") else name)
    assert_allclose(ours.params[expected.index], expected, rtol=1e-7, atol=1e-8)
    # homoskedastic standard errors; AutoReg divides by nobs, a regression by its degrees of freedom
    ratio = np.sqrt(ours.df_resid / ours.nobs)
    assert_allclose(ours.bse[expected.index] * ratio, theirs.bse, rtol=1e-6)


def test_a_unit_can_only_lower_the_sum_of_squares():
    y = series()
    linear = prt.ParaRNN(y, lags=2, units=()).fit(penalty=0)
    assert prt.ParaRNN(y, lags=2, units=(1,)).fit(penalty=0, maxiter=1000).sse <= linear.sse + 1e-8


def test_identity_units_find_what_an_arma_finds():
    # conditional least squares of an MA(1) through its only unit
    rng = np.random.default_rng(4)
    e = rng.normal(size=401)
    y = e[1:] + 0.6 * e[:-1]
    fit = prt.ParaRNN(y, lags=1, units=(1,), linear_lags=0, activation="identity", trend="n").fit(
        penalty=0, maxiter=500
    )
    arma, exact = fit.to_arma(), ARIMA(y, order=(1, 0, 1)).fit()
    assert_allclose([*arma.arparams, *arma.maparams], [*exact.arparams, *exact.maparams], rtol=0, atol=0.02)


# ------------------------------------------------------------------------------------------------- change of units


@pytest.mark.parametrize("penalty", ["evidence", 0.5])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_measurement_do_not_matter(scale, penalty):
    y = series()
    model, other = prt.ParaRNN(y, lags=2, units=(1,)), prt.ParaRNN(scale * y + 40.0 * scale, lags=2, units=(1,))
    one, two = (m.fit(penalty=penalty, n_starts=8, tol=1e-11, maxiter=1000) for m in (model, other))
    assert_allclose(two.fittedvalues / scale - 40.0, one.fittedvalues, rtol=0, atol=1e-4)
    assert two.llf == pytest.approx(one.llf - one.nobs * np.log(scale), abs=1e-3)
    assert two.df_model == pytest.approx(one.df_model, abs=1e-3)
    assert_allclose(two.tvalues["unit1.v"], one.tvalues["unit1.v"], rtol=1e-2)
    forecasts = [np.asarray(r.forecast(5)) for r in (one, two)]
    assert_allclose(forecasts[1] / scale - 40.0, forecasts[0], rtol=0, atol=1e-3)
    if penalty == "evidence":
        assert two.log_evidence == pytest.approx(one.log_evidence - one.nobs * np.log(scale), abs=1e-3)


def test_the_index_does_not_matter():
    y = series()
    found = [
        prt.ParaRNN(other, units=(1,)).fit(n_starts=4).params
        for other in (y, y.to_numpy(), y.to_timestamp(), y.reset_index(drop=True), list(y))
    ]
    for params in found[1:]:
        np.testing.assert_array_equal(params, found[0])


def test_a_trend_in_time_begins_at_the_first_observation():
    y = series() + 0.3 * np.arange(1, 151)
    fit = prt.ParaRNN(y, units=(), linear_lags=1, trend="ct").fit(penalty=0)
    slope = fit.params["trend"] / (1.0 - fit.params["linear.y.L1"])
    assert slope == pytest.approx(0.3, abs=0.05)


# --------------------------------------------------------------------------------------------------------- naming


def test_parameters_have_names_a_reader_understands():
    y = series().rename("sales")
    x = pd.Series(np.arange(150.0), y.index, name="price")
    model = prt.ParaRNN(y, x, units=(1, 2), seasonal=False)
    assert model.param_names[:3] == ["const", "linear.sales.L1", "linear.price"]
    assert model.param_names[3:8] == ["unit1.W", "unit1.U[sales.L1]", "unit1.U[price]", "unit1.b", "unit1.v"]
    assert "unit2.W[2,1]" in model.param_names and "unit2.U[2,price]" in model.param_names
    assert list(model.fit(n_starts=2).params.index) == model.param_names


def test_a_formula_makes_the_same_model():
    y = series()
    frame = pd.DataFrame({"y": y, "x": np.random.default_rng(0).normal(size=150)}, y.index)
    by_formula = prt.ParaRNN.from_formula("y ~ x", frame, units=(1,)).fit(n_starts=4)
    directly = prt.ParaRNN(frame["y"], frame[["x"]], units=(1,)).fit(n_starts=4)
    pd.testing.assert_series_equal(by_formula.params, directly.params)


def test_the_example_of_the_design_runs():
    results = prt.ParaRNN(prt.datasets.load_sunspots(), lags=2, units=(2,)).fit()
    assert results.converged
    assert results.forecast(3).index.equals(pd.period_range("2009", periods=3, freq="Y"))
