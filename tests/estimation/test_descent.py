"""Early stopping: exact gradients backwards in time, the last fifth decides, the face of results without covariance."""

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts.estimation.descent import _Loss


def series(n=150, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 1.2 * np.tanh(y[t - 1]) - 0.5 * y[t - 2] + 0.5 * rng.normal()
    return 5.0 + y


MODELS = {
    "LSTM": lambda y, **o: prt.LSTM(y, hidden=2, **o),
    "ODERNN": lambda y, **o: prt.ODERNN.antisymmetric_rnn(y, hidden=3, **o),
    "QUNN": lambda y, **o: prt.QUNN(y, memory=3, qubits=2, tie=True, **o),
    "QUNN, shared": lambda y, **o: prt.QUNN(y, mode="shared", qubits=2, **o),
}
every = pytest.mark.parametrize("name", MODELS)


@every
@pytest.mark.parametrize("diff", [0, 1])
def test_the_gradient_of_the_loss_is_exact(name, diff):
    y = series(60)
    y[[20, 21, 40]] = np.nan
    model = MODELS[name](y, diff=diff)
    loss = _Loss(model._problem())
    theta = 0.3 * np.random.default_rng(1).normal(size=len(model.param_names))
    value, slope = loss.gradient(theta, None)
    h = 1e-6
    numeric = [(loss.gradient(theta + h * e, None)[0] - loss.gradient(theta - h * e, None)[0]) / (2 * h)
               for e in np.eye(len(theta))]  # fmt: skip
    np.testing.assert_allclose(slope, numeric, rtol=0, atol=1e-7 * max(1.0, np.abs(slope).max()))
    assert value > 0.0


@every
def test_the_last_fifth_of_the_observations_decides(name):
    y = series()
    results = MODELS[name](y).fit(penalty="early stopping", n_starts=3, maxiter=20)
    used = np.flatnonzero(np.isfinite(results.resid))
    held = used[int(np.ceil(0.8 * len(used))) :]
    assert results.scale == pytest.approx(np.mean(results.resid[held] ** 2), rel=1e-8)
    table = results.starts
    assert table["learning_rate"].tolist() == [0.01, 0.03, 0.003] and table["best"].sum() == 1
    assert table.loc[table["best"], "held_out_mse"].item() == table["held_out_mse"].min() == results.scale
    # it has learnt something: better than the mean
    assert results.scale < np.var(y)


def test_results_have_no_covariance_but_everything_else():
    y = series()
    model = MODELS["LSTM"](y[:140])
    results = model.fit(penalty="early stopping", n_starts=1, maxiter=10)
    assert np.isnan(results.bse).all() and np.isnan(results.aic) and results.cov_type == "none"
    text = " ".join(results.summary().as_text().split())
    assert "early stopping" in text and "not available, the descent was stopped before an optimum" in text
    assert np.isfinite(results.get_forecast(3, n_sims=50, rng=0).conf_int()).all()
    again = model.fit(penalty="early stopping", n_starts=1, maxiter=10)
    np.testing.assert_array_equal(again.params, results.params)
    longer = results.append(y[140:], refit=True, fit_kwargs={"maxiter": 5})
    assert longer.details.penalty == "early stopping" and longer.nobs == 149


def test_early_stopping_refuses_in_one_sentence_what_it_cannot_do():
    model = MODELS["LSTM"](series())
    with pytest.raises(ValueError, match=r"^cov_type is of no use with early stopping.*\.$"):
        model.fit(penalty="early stopping", cov_type="robust")
    with pytest.raises(ValueError, match=r"^errors='t' cannot be fitted by early stopping.*\.$"):
        prt.LSTM(series(), hidden=1, errors="t").fit(penalty="early stopping")
    with pytest.raises(ValueError, match=r"^linear\.y\.L1 cannot be held at a value by early stopping.*\.$"):
        prt.LSTM(series(), hidden=1).fit_constrained({"linear.y.L1": 0.1}, penalty="early stopping")
    with pytest.raises(ValueError, match=r"^endog has 14 observations to be predicted, too few to hold a fifth.*\.$"):
        MODELS["LSTM"](series(15)).fit(penalty="early stopping")
    with pytest.raises(ValueError, match="penalty must be"):
        prt.ElmanRNN(series()).fit(penalty="early stopping")
