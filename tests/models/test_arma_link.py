"""Fitted ARMA models, their images as sums of linear units, and the way back."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima.model import ARIMA

import pararnn_ts as prt


def simulated(ar, ma, n=160, mean=20.0, seed=0):
    rng = np.random.default_rng(seed)
    e, z = rng.normal(size=n + 200), np.zeros(n + 200)
    for t in range(30, n + 200):
        z[t] = sum(c * z[t - i] for i, c in enumerate(ar, 1)) + e[t] + sum(c * e[t - i] for i, c in enumerate(ma, 1))
    return pd.Series(mean + z[200:], pd.period_range("2000-01", periods=n, freq="M"), name="y")


def at(y, params, **options):
    """ARIMA results at given parameters; nothing is estimated, so that the roots are known."""
    return ARIMA(y, enforce_stationarity=False, enforce_invertibility=False, **options).smooth(params)


def conditional_predictions(z, ar, ma):
    """One-step predictions of an ARMA with mean zero, everything before the sample zero."""
    e, predicted = np.zeros(len(z)), np.zeros(len(z))
    for t in range(len(z)):
        predicted[t] = sum(c * z[t - i] for i, c in enumerate(ar, 1) if i <= t)
        predicted[t] += sum(c * e[t - i] for i, c in enumerate(ma, 1) if i <= t)
        e[t] = z[t] - predicted[t]
    return predicted


ARMAS = {
    "AR(1)": ([0.7], []),
    "AR(3)": ([0.5, -0.3, 0.2], []),
    "MA(1)": ([], [0.6]),
    "MA(2), complex roots": ([], [0.5, 0.6]),
    "ARMA(1,1)": ([0.8], [0.4]),
    "ARMA(1,1), negative root": ([0.8], [-0.5]),
    "ARMA(2,1)": ([1.1, -0.5], [0.4]),
    "ARMA(1,2), real roots": ([0.7], [0.9, 0.2]),
    "ARMA(1,2), complex roots": ([0.7], [0.5, 0.4]),
    "ARMA(2,2), real roots": ([1.2, -0.6], [0.3, -0.4]),
    "ARMA(2,2), complex roots": ([1.2, -0.6], [0.8, 0.5]),
    "ARMA(2,2), equal roots": ([1.2, -0.6], [1.0, 0.25]),
    "ARMA(4,2)": ([0.5, 0.1, -0.2, 0.2], [0.5, 0.4]),
    "ARMA(3,3)": ([0.5, 0.1, -0.3], [0.5, 0.4, 0.2]),
}


@pytest.mark.parametrize("trend", ["n", "c"])
@pytest.mark.parametrize("name", ARMAS)
def test_the_image_predicts_as_the_arma_does(name, trend):
    ar, ma = ARMAS[name]
    mean = 20.0 if trend == "c" else 0.0
    y = simulated(ar, ma, mean=mean)
    arma = at(y, [*([19.0] if trend == "c" else []), *ar, *ma, 1.0], order=(len(ar), 0, len(ma)), trend=trend)
    image = prt.ParaRNN.from_arma(arma)
    expected = conditional_predictions(y.to_numpy() - (19.0 if trend == "c" else 0.0), ar, ma)
    expected += 19.0 if trend == "c" else 0.0
    first = image.model.specification.hold_back
    assert first <= max(len(ar) - len(ma), 1)
    assert np.isnan(image.fittedvalues.iloc[:first]).all()
    np.testing.assert_allclose(image.fittedvalues.iloc[first:], expected[first:], rtol=0, atol=1e-10)
    assert image.fittedvalues.index.equals(y.index)
    assert sum(image.model.units) == len(ma) and image.model.activation == "identity"


@pytest.mark.parametrize("drift", [False, True], ids=["no drift", "drift"])
@pytest.mark.parametrize("name", ["ARMA(1,1)", "ARMA(2,2), complex roots", "ARMA(2,1)"])
def test_the_image_of_an_integrated_arma_predicts_alike(name, drift):
    ar, ma = ARMAS[name]
    y = simulated(ar, ma, mean=0.3).cumsum()
    arma = at(y, [*([0.25] if drift else []), *ar, *ma, 1.0], order=(len(ar), 1, len(ma)), trend="t" if drift else "n")
    image = prt.ParaRNN.from_arma(arma)
    w = np.diff(y.to_numpy())
    mean = 0.25 if drift else 0.0
    expected = y.to_numpy()[:-1] + mean + conditional_predictions(w - mean, ar, ma)
    first = image.model.specification.hold_back
    np.testing.assert_allclose(image.fittedvalues.iloc[first:], expected[first - 1 :], rtol=0, atol=1e-10)
    assert image.model.diff == 1 and image.model.trend == ("c" if drift else "n")


@pytest.mark.parametrize("trend", ["n", "t"])
def test_the_image_of_a_seasonal_arma_predicts_alike(trend):
    rng = np.random.default_rng(1)
    n = 150
    level = np.cumsum(rng.normal(size=n + 12))
    y = pd.Series(50.0 + level[12:] * 0.3 + 5.0 * np.sin(np.arange(n) * np.pi / 6.0) + rng.normal(size=n),
                  pd.period_range("2000-01", periods=n, freq="M"), name="y")  # fmt: skip
    phi, theta, seasonal = 0.6, 0.3, -0.5
    params = [*([0.02] if trend == "t" else []), phi, theta, seasonal, 1.0]
    arma = at(y, params, order=(1, 0, 1), seasonal_order=(0, 1, 1, 12), trend=trend)
    image = prt.ParaRNN.from_arma(arma)
    ma = np.convolve([1.0, theta], np.r_[1.0, np.zeros(11), seasonal])[1:]
    w = y.to_numpy()[12:] - y.to_numpy()[:-12]
    mean = 12 * 0.02 if trend == "t" else 0.0
    expected = y.to_numpy()[:-12] + mean + conditional_predictions(w - mean, [phi], ma)
    first = image.model.specification.hold_back
    assert first == 13 and sum(image.model.units) == 13
    np.testing.assert_allclose(image.fittedvalues.iloc[first:], expected[first - 12 :], rtol=0, atol=1e-9)


def test_a_seasonal_autoregression_needs_no_units():
    y = simulated([0.5], [], mean=3.0)
    arma = at(y, [3.0, 0.5, 0.3, 1.0], order=(1, 0, 0), seasonal_order=(1, 0, 0, 12))
    image = prt.ParaRNN.from_arma(arma)
    ar = -np.convolve([1.0, -0.5], np.r_[1.0, np.zeros(11), -0.3])[1:]
    expected = 3.0 + conditional_predictions(y.to_numpy() - 3.0, ar, [])
    assert image.model.units == ()
    np.testing.assert_allclose(image.fittedvalues.iloc[13:], expected[13:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("trend", ["n", "c"])
@pytest.mark.parametrize("lags", [1, 3, [1, 4, 12], [2]], ids=str)
def test_the_image_of_an_autoregression_predicts_alike_also_with_gaps_in_its_lags(lags, trend):
    y = simulated([0.5, 0.2], [], mean=3.0 if trend == "c" else 0.0)
    auto = AutoReg(y, lags, trend=trend).fit()
    image = prt.ParaRNN.from_arma(auto)
    np.testing.assert_allclose(image.fittedvalues.dropna(), auto.fittedvalues, rtol=0, atol=1e-10)
    assert image.llf == pytest.approx(auto.llf, abs=1e-8)


def test_missing_values_are_kept():
    y = simulated([0.8], [0.4])
    y.iloc[[30, 31, 90]] = np.nan
    arma = at(y, [20.0, 0.8, 0.4, 1.0], order=(1, 0, 1))
    image = prt.ParaRNN.from_arma(arma)
    z, e = y.to_numpy() - 20.0, np.zeros(160)
    for t in range(1, 160):
        predicted = 0.8 * z[t - 1] + 0.4 * e[t - 1] + (0.4 * z[0] if t == 1 else 0.0)
        assert image.fittedvalues.iloc[t] == pytest.approx(20.0 + predicted, abs=1e-10)
        z[t] = predicted if np.isnan(z[t]) else z[t]
        e[t] = z[t] - predicted


def test_arrays_give_arrays():
    y = simulated([0.8], [0.4]).to_numpy()
    image = prt.ParaRNN.from_arma(at(y, [20.0, 0.8, 0.4, 1.0], order=(1, 0, 1)))
    assert isinstance(image.fittedvalues, np.ndarray)


def test_the_tanh_image_is_close_and_not_fitted():
    y = simulated([1.2, -0.6], [0.8, 0.5])
    arma = at(y, [20.0, 1.2, -0.6, 0.8, 0.5, 1.0], order=(2, 0, 2))
    linear, tanh = prt.ParaRNN.from_arma(arma), prt.ParaRNN.from_arma(arma, activation="tanh")
    assert tanh.model.activation == "tanh"
    # states stay below 1e-3, where tanh is straight to a third of their square
    np.testing.assert_allclose(tanh.fittedvalues, linear.fittedvalues, rtol=0, atol=1e-4)
    assert np.nanmax(np.abs(tanh.fittedvalues - linear.fittedvalues)) > 0.0


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_a_fit_from_the_image_can_only_improve(activation):
    y = simulated([0.8], [0.4])
    image = prt.ParaRNN.from_arma(ARIMA(y, order=(1, 0, 1)).fit(), activation=activation)
    refined = image.model.fit(start_params=image.params, penalty=0)
    assert refined.llf >= image.llf - 1e-8
    assert list(refined.starts["origin"]) == ["given"]


# ---------------------------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize("name", ARMAS)
def test_the_image_leads_back_to_the_parameters_of_the_arma(name):
    ar, ma = ARMAS[name]
    y = simulated(ar, ma)
    params = [19.0, *ar, *ma]
    back = prt.ParaRNN.from_arma(at(y, [*params, 1.0], order=(len(ar), 0, len(ma)))).to_arma()
    np.testing.assert_allclose(np.asarray(back.params)[:-1], params, rtol=0, atol=1e-7)
    assert back.model.order == (len(ar), 0, len(ma))


def test_there_and_back_with_differences():
    y = simulated([0.8], [0.4], mean=0.3).cumsum()
    for trend, params in (("n", [0.8, 0.4]), ("t", [0.25, 0.8, 0.4])):
        back = prt.ParaRNN.from_arma(at(y, [*params, 1.0], order=(1, 1, 1), trend=trend)).to_arma()
        np.testing.assert_allclose(np.asarray(back.params)[:-1], params, rtol=0, atol=1e-8)
        assert back.model.order == (1, 1, 1)


def test_the_arma_of_a_fit_predicts_as_the_fit_does():
    y = simulated([1.2, -0.6], [0.8, 0.5], n=300)
    fit = prt.ParaRNN(y, lags=1, units=(2,), linear_lags=0, activation="identity").fit(n_starts=8)
    arma = fit.to_arma()
    # the exact predictions of the ARMA forget how they began
    np.testing.assert_allclose(arma.fittedvalues.iloc[100:], fit.fittedvalues.iloc[100:], rtol=0, atol=1e-6)
    assert arma.model.order[0] <= 2 and arma.model.order[2] == 2


def test_an_autoregression_comes_back_as_one():
    y = simulated([0.5, 0.2], [], mean=3.0)
    auto = AutoReg(y, [1, 4]).fit()
    back = prt.ParaRNN.from_arma(auto).to_arma()
    assert back.model.order == (4, 0, 0)
    ar = np.asarray(auto.params)[1:]
    np.testing.assert_allclose(np.asarray(back.params)[1:5], [ar[0], 0.0, 0.0, ar[1]], rtol=0, atol=1e-8)


@pytest.mark.parametrize("unit", [1.0, 1e9, 1e-9])
@pytest.mark.parametrize(
    ("ar", "ma"), [([0.5], [-1.0]), ([0.5], [0.4, 0.6]), ([0.5], [0.3, -1.3]), ([0.5, 0.2], [-0.4])], ids=str
)
def test_the_mean_comes_back_whatever_the_unit_and_where_an_ma_root_is_one(ar, ma, unit):
    y = unit * simulated(ar, ma)
    image = prt.ParaRNN.from_arma(at(y, [19.0 * unit, *ar, *ma, unit**2], order=(len(ar), 0, len(ma))))
    np.testing.assert_allclose(np.asarray(image.to_arma().params)[:-1], [19.0 * unit, *ar, *ma], rtol=1e-7)


def test_an_autoregression_with_a_unit_root_keeps_its_drift():
    line = AutoReg(np.arange(50.0), 1).fit()
    np.testing.assert_allclose(prt.ParaRNN.from_arma(line).forecast(5), np.arange(50.0, 55.0))


def test_with_a_unit_ar_root_every_mean_will_do_and_a_drift_has_none():
    y = simulated([0.5], [0.4]).cumsum()
    image = prt.ParaRNN.from_arma(at(y, [20.0, 1.0, 0.4, 1.0], order=(1, 0, 1)))
    back = image.to_arma()
    np.testing.assert_allclose(np.asarray(back.params)[1:3], [1.0, 0.4], atol=1e-9)
    np.testing.assert_allclose(back.forecast(5), image.forecast(5), rtol=1e-9)
    drifting = image.params + np.r_[0.1, np.zeros(len(image.params) - 1)]
    with pytest.raises(ValueError, match="to_arma needs a model with a mean, but the AR polynomial of this one"):
        image.model.evaluate(drifting).to_arma()


# ----------------------------------------------------------------------------------------------------------- errors


def test_what_has_no_image_is_refused_in_a_sentence():
    y = simulated([0.8], [0.4])
    x = np.arange(160.0)
    for results in (
        ARIMA(y, order=(1, 0, 0), exog=x).smooth([20.0, 0.0, 0.5, 1.0]),
        ARIMA(y, order=(1, 0, 0), trend="ct").smooth([20.0, 0.0, 0.5, 1.0]),
        AutoReg(y, 1, trend="ct").fit(),
        AutoReg(y, 1, seasonal=True, period=12).fit(),
        AutoReg(y, 1, exog=x).fit(),
    ):
        with pytest.raises(ValueError, match="arma_results must have no exogenous values and no trend but a constant"):
            prt.ParaRNN.from_arma(results)
    for wrong in (None, 3.0, y, prt.ParaRNN(y), "ARIMA"):
        with pytest.raises(TypeError, match="arma_results must be the results of a statsmodels ARIMA or AutoReg model"):
            prt.ParaRNN.from_arma(wrong)
    with pytest.raises(ValueError, match="activation must be 'identity' or 'tanh'"):
        prt.ParaRNN.from_arma(at(y, [20.0, 0.8, 0.4, 1.0], order=(1, 0, 1)), activation="relu")


def test_what_is_no_arma_is_refused_in_a_sentence():
    y = simulated([0.8], [0.4])
    x = np.random.default_rng(0).normal(size=160)
    for model, message in (
        (prt.ParaRNN(y, units=(1,)), "activation must be 'identity' for an ARMA to exist, but is 'tanh'"),
        (prt.ParaRNN(y, x, units=(1,), activation="identity"), "to_arma needs a model without exogenous values"),
        (prt.ParaRNN(y, units=(1,), activation="identity", trend="ct"), "to_arma needs a model without exogenous"),
    ):
        results = model.evaluate(np.full(model.specification.n_params, 0.1))
        with pytest.raises(ValueError, match=message):
            results.to_arma()
    twice = prt.ParaRNN(y, units=(1,), activation="identity", trend="n", diff=2)
    with pytest.raises(ValueError, match="hold the b of units at zero"):
        twice.evaluate(np.full(twice.specification.n_params, 0.1)).to_arma()
    with twice.fix_params({"unit1.b": 0.0}):
        assert twice.fit(n_starts=2).to_arma().model.order[1] == 2
