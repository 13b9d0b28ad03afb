"""Score and Hessian are derivatives of the log likelihood."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.tools.numdiff import approx_fprime, approx_hess3

import pararnn_ts as prt
from pararnn_ts.estimation.errors import ErrorLaw, concentrated_loglike, likely_law


def series(n=120, gaps=()):
    y = np.zeros(n)
    for t, shock in enumerate(np.random.default_rng(3).standard_normal(n)):
        y[t] = np.tanh(1.2 * y[t - 1] - 0.8 * y[t - 2]) + 0.4 * shock if t > 1 else shock
    y[list(gaps)] = np.nan
    return pd.Series(y, pd.period_range("2001-01", periods=n, freq="M"), name="y")


EXOG = pd.DataFrame({"x": np.random.default_rng(4).standard_normal(120)}, series().index)
MODELS = {
    "units": lambda: prt.ParaRNN(series(), lags=2, units=(2, 1)),
    "gaps, exogenous": lambda: prt.ParaRNN(series(gaps=(3, 40, 41)), EXOG, units=(2,), linear_lags=2),
    "differences, season": lambda: prt.ParaRNN(series(gaps=(50,)), units=(1,), diff=1, seasonal=True),
    "logistic": lambda: prt.ParaRNN(series(), units=(1,), activation="logistic", trend="ct", hold_back=6),
    "linear": lambda: prt.ParaRNN(series(), units=(), linear_lags=3),
    "Elman": lambda: prt.ElmanRNN(series(gaps=(7,)), hidden=3),
    "LSTM": lambda: prt.LSTM(series(gaps=(7,)), hidden=2),
    "ODE": lambda: prt.ODERNN(series(), hidden=2),
    "QUNN": lambda: prt.QUNN(series(), memory=3),
}


def drawn(model, size=0.4):
    rng = np.random.default_rng(5)
    return size * rng.standard_normal(len(model.param_names))


@pytest.mark.parametrize("name", MODELS)
def test_the_score_is_the_gradient_of_the_log_likelihood(name):
    model = MODELS[name]()
    params = drawn(model)
    expected = approx_fprime(params, model.loglike, epsilon=1e-6, centered=True).ravel()
    assert_allclose(model.score(params), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["units", "differences, season", "LSTM"])
def test_the_hessian_is_that_of_the_log_likelihood(name):
    model = MODELS[name]()
    params = drawn(model)
    expected = approx_hess3(params, model.loglike, epsilon=1e-4)
    found = model.hessian(params)
    assert_allclose(found, expected, rtol=0, atol=2e-4 * np.abs(expected).max())
    assert_allclose(found, found.T)


def test_score_and_hessian_of_student_shocks():
    y = series(400)
    y.iloc[::29] += 3.0
    model = prt.ParaRNN(y, units=(1,), errors="t")
    params = model.fit(n_starts=2).params.to_numpy() + 0.05
    expected = approx_fprime(params, model.loglike, epsilon=1e-3, centered=True).ravel()
    assert_allclose(model.score(params), expected, rtol=0, atol=1e-3 * np.abs(expected).max())

    def resid(at):
        return (model._y - model.path(at).fitted)[model.used]

    dof = likely_law(resid(params)).dof
    curve = approx_hess3(params, lambda at: concentrated_loglike(resid(at), dof), epsilon=1e-3)
    assert_allclose(model.hessian(params), curve, rtol=0, atol=1e-3 * np.abs(curve).max())


def test_the_log_likelihood_is_the_largest_over_the_spread():
    for dof in (2.1, 4.0, 30.0):
        resid = np.random.default_rng(0).standard_t(dof, 2000)
        law = likely_law(resid, dof)
        best = concentrated_loglike(resid, dof)
        assert best == pytest.approx(law.loglikeobs(resid).sum())
        for factor in (1 - 1e-3, 1 + 1e-3):
            assert ErrorLaw(factor * law.spread, dof).loglikeobs(resid).sum() < best
        slope = [ErrorLaw(f * law.spread, dof).loglikeobs(resid).sum() for f in (1 - 1e-5, 1 + 1e-5)]
        assert abs(slope[1] - slope[0]) / 2e-5 < 1e-3


def test_the_score_is_zero_at_a_maximum_and_not_at_a_penalised_estimate():
    model = prt.ParaRNN(series(), units=(1,), linear_lags=2)
    free, held = (model.fit(penalty=penalty, n_starts=4, tol=1e-14) for penalty in (0, 5.0))
    steps = [results.score * results.bse for results in (free, held)]  # in standard errors: log-likelihood units
    assert np.abs(steps[0]).max() < 1e-3 < 0.05 < np.abs(steps[1]).max()
    assert free.score.index.tolist() == model.param_names
    assert_allclose(free.score, model.score(free.params))


def test_the_hessian_of_a_linear_model_is_minus_its_information():
    model = prt.ParaRNN(series(), units=(), linear_lags=3)
    results = model.fit(penalty=0)
    design, variance = model.jacobian(results.params.to_numpy()), results.sse / results.nobs
    assert_allclose(model.hessian(results.params), -design.T @ design / variance, rtol=1e-6)


def test_a_score_needs_all_parameters_and_a_whole_sample():
    model = MODELS["units"]()
    for function in (model.loglike, model.score, model.hessian):
        with pytest.raises(ValueError, match="params must be .* finite numbers"):
            function([1.0, 2.0])
    results = prt.ParaRNN(series()[:100], units=(1,)).fit(n_starts=1)
    with pytest.raises(ValueError, match="score needs the sample from its beginning"):
        _ = results.extend(series()[100:]).score
    longer = results.append(series()[100:])
    assert_allclose(longer.score, longer.model.score(longer.params))
