"""On long simulated series estimates agree with those of others, and with the truth."""

import numpy as np
import pytest
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.arima_process import arma_generate_sample

import pararnn_ts as prt


def test_the_linear_model_finds_what_arima_finds_on_20000_points():
    rng = np.random.default_rng(0)
    y = 5.0 + arma_generate_sample([1.0, -0.7], [1.0, 0.4], 20_000, distrvs=rng.standard_normal, burnin=200)
    ours = prt.ParaRNN(y, lags=1, units=(1,), linear_lags=0, activation="identity").fit(penalty=0, n_starts=4)
    assert ours.converged
    image = ours.to_arma()
    theirs = ARIMA(y, order=(1, 0, 1)).fit(method="innovations_mle")
    error = theirs.bse[1:3]
    difference = np.array([*image.arparams, *image.maparams]) - theirs.params[1:3]
    assert (np.abs(difference) < 3.0 * error).all()
    # conditional and exact likelihood differ by a term of order 1 / T
    assert (np.abs(difference) < 0.05 * error).all()
    assert ours.scale == pytest.approx(theirs.params[3], rel=1e-3)
    # W is minus the moving-average parameter, v U the sum of both
    assert ours.params[1] == pytest.approx(-theirs.params[2], abs=0.2 * error[1])
    # and the standard error of W, the only parameter that is identified alone, is that of theta
    assert ours.bse[1] == pytest.approx(error[1], rel=0.05)


@pytest.mark.parametrize(("ar", "ma"), [((1.2, -0.6), (0.8, 0.5)), ((0.5,), (0.9, 0.2))], ids=["complex", "real"])
def test_one_unit_of_two_states_finds_the_arma_of_two_roots(ar, ma):
    rng = np.random.default_rng(1)
    y = arma_generate_sample(np.r_[1.0, -np.array(ar)], np.r_[1.0, ma], 5000, distrvs=rng.standard_normal, burnin=200)
    ours = prt.ParaRNN(y, lags=1, units=(2,), linear_lags=0, activation="identity").fit(penalty=0, maxiter=1000)
    theirs = ARIMA(y, order=(2, 0, 2)).fit(method="innovations_mle")
    # at least the conditional likelihood of their estimates, and not much more: the units may begin otherwise
    assert 0.0 < ours.llf - prt.ParaRNN.from_arma(theirs).llf < 6.0
    assert ours.df_model == pytest.approx(7.0, abs=1e-3)  # four coefficients, the mean, two first states
    expected, found = np.asarray(theirs.fittedvalues)[500:], ours.fittedvalues[500:]
    assert np.std(found - expected) < 0.02 * np.std(y)


def test_a_nonlinear_truth_is_found():
    # a single tanh unit generated the data: the fit predicts as well as the truth does
    rng = np.random.default_rng(2)
    n, y, h, best = 4000, np.zeros(4000), 0.0, 0.0
    for t in range(1, n):
        h = np.tanh(0.5 * h - 1.5 * y[t - 1] + 0.3)
        shock = 0.5 * rng.normal()
        y[t] = 0.2 + 0.9 * h + shock
        best += shock**2
    results = prt.ParaRNN(y, lags=1, units=(1,), linear_lags=0).fit(penalty=0)
    assert results.converged
    # as many nats better than the truth as half the number of its parameters, give or take
    gained = 0.5 * (n - 1) * (np.log(best) - np.log(results.sse))
    assert -1.0 < gained < 10.0
    truth = np.array([0.2, 0.5, -1.5, 0.3, 0.9])
    assert (np.abs(results.params - truth) < 4.0 * results.bse).all()


def test_a_linear_truth_is_not_made_nonlinear():
    rng = np.random.default_rng(3)
    y = arma_generate_sample([1.0, -0.8], [1.0], 1500, distrvs=rng.standard_normal, burnin=200)
    linear = prt.ParaRNN(y, units=()).fit()
    with_unit = prt.ParaRNN(y, units=(1,)).fit()
    assert linear.log_evidence > with_unit.log_evidence - 1.0
    assert np.std(with_unit.fittedvalues[1:] - linear.fittedvalues[1:]) < 0.1 * np.std(linear.fittedvalues[1:])
