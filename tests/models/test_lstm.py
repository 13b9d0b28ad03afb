"""The LSTM baseline: its equations, its count of parameters, its face."""

import numpy as np
import pytest

import pararnn_ts as prt


def series(n=100):
    return np.cumsum(np.random.default_rng(0).normal(size=n)) * 0.3


@pytest.mark.parametrize(("hidden", "lags"), [(1, 1), (3, 2)])
def test_four_gates_of_weights_and_a_read_out(hidden, lags):
    model = prt.LSTM(series(), hidden=hidden, lags=lags, linear_lags=0)
    assert len(model.param_names) == 4 * hidden * (hidden + lags + 1) + hidden + 1
    assert prt.LSTM(series()).hidden == 8


def test_the_state_is_a_function_of_two_past_states():
    """c_{k-1} = artanh(h_{k-1} / o(h_{k-2}, x_{k-1})): h alone, with two lags, carries the memory (read as order 2)."""
    model = prt.LSTM(series(), hidden=2, linear_lags=0)
    params = 0.4 * np.random.default_rng(1).normal(size=len(model.param_names))
    states = model.path(params).states
    w, u, b = np.split(params[1:-2], [16, 24])
    w, u, b = w.reshape(4, 2, 2), u.reshape(4, 2), b.reshape(4, 2)
    h, y = states[:, :2], model._y
    for t in range(5, 60):
        o = 1.0 / (1.0 + np.exp(-(w[2] @ h[t - 2] + u[2] * y[t - 2] + b[2])))
        c = np.arctanh(h[t - 1] / o)
        i, f, out = (1.0 / (1.0 + np.exp(-(w[g] @ h[t - 1] + u[g] * y[t - 1] + b[g]))) for g in range(3))
        c = f * c + i * np.tanh(w[3] @ h[t - 1] + u[3] * y[t - 1] + b[3])
        np.testing.assert_allclose(h[t], out * np.tanh(c), rtol=0, atol=1e-13)


def test_order_and_sign_of_cells_do_not_matter():
    model = prt.LSTM(series(), hidden=3)
    params = np.random.default_rng(2).normal(size=len(model.param_names))
    same, _ = model._problem().canonical(params, np.empty(0))
    assert np.all(same[-3:] > 0.0) and np.all(np.diff(same[-3:]) <= 0.0) and not np.allclose(same, params)
    np.testing.assert_allclose(model.path(same).fitted, model.path(params).fitted, rtol=1e-12)


def test_it_takes_part_in_a_comparison():
    y = series(90)
    models = {"LSTM": prt.LSTM(y, hidden=1), "QUNN": prt.QUNN(y, memory=2, qubits=1), "ODERNN": prt.ODERNN(y, hidden=1)}
    with np.errstate(all="ignore"):
        found = prt.compare(y, holdout=10, models=models, rng=0)
    assert set(models) <= set(found.table.index)
    assert "LSTM(1), lags 1, linear lags 1" in found.summary().as_text()


@pytest.mark.parametrize("hidden", [0, 1.5, "8"], ids=repr)
def test_bad_numbers_of_cells_are_named(hidden):
    with pytest.raises((TypeError, ValueError), match=r"^hidden must be a positive integer, but is .*\.$"):
        prt.LSTM(series(), hidden=hidden)
