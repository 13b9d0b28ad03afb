"""ODERNN: members that have names, the bridge from order to lags, damping, spacing."""

from math import comb

import numpy as np
import pandas as pd
import pytest

import pararnn_ts as prt
from pararnn_ts.cells import ODECell, runge_kutta
from pararnn_ts.kernels.cells import CELLS, run_inputs


def series(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 1.2 * np.tanh(y[t - 1]) - 0.5 * y[t - 2] + 0.5 * rng.normal()
    return y


def params_of(model, seed=0):
    return 0.4 * np.random.default_rng(seed).normal(size=len(model.param_names))


def states_of(cell, own, x, dt):
    states = np.empty((len(x), len(cell.initial_state)))
    run_inputs(CELLS["ode"], cell.weights(own), 0, cell.shape, cell.numbers, x, dt, cell.initial_state, states)
    return states


def by_hand(model, params, update):
    """One-step predictions of a network with two states and the update given, from lag 1 and a constant only."""
    named = dict(zip(model.param_names, params, strict=True))
    k, d = {key: value for key, value in named.items() if key[0] == "K"}, model.hidden
    matrices = [np.array([[k[f"K{j}[{a},{b}]"] for b in (1, 2)] for a in (1, 2)])
                for j in ([""] if model.order == 1 else range(1, model.order + 1))]  # fmt: skip
    u, b, v = (np.array([named[f"{name}[{a}{more}]"] for a in (1, 2)])
               for name, more in (("U", ",y.L1"), ("b", ""), ("v", "")))  # fmt: skip
    y, h, z = model._y, np.zeros(d), np.zeros(d)
    fitted = np.full(len(y), np.nan)
    for t in range(1, len(y)):
        h, z = update(matrices, u * y[t - 1] + b, h, z)
        fitted[t] = named["const"] + v @ h
    return fitted


@pytest.mark.parametrize("hidden", [1, 3])
def test_the_vanilla_member_is_the_elman_network(hidden):
    y = series()
    ode, elman = prt.ODERNN(y, hidden=hidden, lags=2), prt.ElmanRNN(y, hidden=hidden, lags=2)
    params = params_of(ode)
    np.testing.assert_allclose(ode.path(params).fitted, elman.path(params).fitted, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(
        prt.ODERNN.vanilla_rnn(y, hidden=hidden, lags=2).path(params).fitted, ode.path(params).fitted
    )
    np.testing.assert_allclose(ode.jacobian(params), elman.jacobian(params), rtol=0, atol=1e-13)


def test_it_finds_the_optimum_of_the_elman_network():
    y = series()
    ode = prt.ODERNN(y, hidden=1).fit(n_starts=8, penalty=1.0, tol=1e-15)
    elman = prt.ElmanRNN(y, hidden=1).fit(n_starts=8, penalty=1.0, tol=1e-15)
    assert ode.converged and ode.llf == pytest.approx(elman.llf, abs=1e-5)
    np.testing.assert_allclose(ode.params, elman.params, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ode.bse, elman.bse, rtol=1e-2)


@pytest.mark.parametrize("gaps", [False, True])
def test_its_evidence_is_that_of_the_elman_network_for_a_persistent_series(gaps):
    y = np.random.default_rng(3).standard_normal(150).cumsum()
    if gaps:
        y[40:43] = np.nan
    ode, elman = (make(y, hidden=1, linear_lags=2).fit(n_starts=8, tol=1e-13) for make in (prt.ODERNN, prt.ElmanRNN))
    assert ode.log_evidence == pytest.approx(elman.log_evidence, abs=1e-6)
    np.testing.assert_allclose(ode.forecast(5), elman.forecast(5), rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "update"),
    [
        (lambda y: prt.ODERNN.leaky_rnn(y, leak=0.3, hidden=2, linear_lags=0),
         lambda k, drive, h, z: (0.7 * h + 0.3 * np.tanh(k[0] @ h + drive), z)),
        (lambda y: prt.ODERNN.residual_rnn(y, step=0.2, hidden=2, linear_lags=0),
         lambda k, drive, h, z: (h + 0.2 * np.tanh(k[0] @ h + drive), z)),
    ],
    ids=["leaky", "residual"],
)  # fmt: skip
def test_members_of_order_one_have_their_textbook_updates(model, update):
    made = model(series())
    params = params_of(made)
    np.testing.assert_allclose(made.path(params).fitted, by_hand(made, params, update), rtol=1e-12)


def test_cornn_moves_the_velocity_first():
    made = prt.ODERNN.cornn(series(), step=0.3, stiffness=1.5, friction=0.4, hidden=2, linear_lags=0)
    params = params_of(made)

    def update(k, drive, h, z):
        z = z + 0.3 * (np.tanh(k[0] @ h + k[1] @ z + drive) - 1.5 * h - 0.4 * z)
        return h + 0.3 * z, z

    np.testing.assert_allclose(made.path(params).fitted, by_hand(made, params, update), rtol=1e-12)


def test_antisymmetric_weights_are_antisymmetric_less_the_diffusion():
    made = prt.ODERNN.antisymmetric_rnn(series(), hidden=3, diffusion=0.2)
    own = params_of(made)[made.specification.cell_slice]
    k = made.specification.cell.weights(own)[:9].reshape(3, 3)
    np.testing.assert_array_equal(k + k.T, -0.4 * np.eye(3))
    assert made.damping == (0.0,) and [n for n in made.param_names if n[0] == "S"] == ["S[1,2]", "S[1,3]", "S[2,3]"]


@pytest.mark.parametrize("t", [1, 2, 3, 4])
def test_eulers_method_of_order_t_is_a_recursion_with_t_lags(t):
    """Differences of h obey sum (-1)^(t-i) C(t, i) h_{k+i} = dt^t F(h_k, Dh_k / dt, ..., x_k), the state gone."""
    d, m, dt, rng = 2, 2, 0.3, np.random.default_rng(t)
    damping = tuple(rng.uniform(0.2, 1.0, t))
    cell = ODECell(d, m, t, 1, dt, damping)
    own, x = 0.6 * rng.normal(size=len(cell.groups)), rng.normal(size=(30, m))
    h = np.concatenate([np.zeros((1, d)), states_of(cell, own, x, dt)[:, :d]])
    k, u, b = np.split(own, [t * d * d, t * d * d + d * m])
    k, u = k.reshape(t, d, d), u.reshape(d, m)
    for row in range(len(x) - t):
        differences = [sum((-1) ** (j - i) * comb(j, i) * h[row + i] for i in range(j + 1)) / dt**j for j in range(t)]
        drive = np.tanh(sum(k[j] @ differences[j] for j in range(t)) + u @ x[row] + b)
        rate = drive - sum(damping[j] * differences[j] for j in range(t))
        left = sum((-1) ** (t - i) * comb(t, i) * h[row + i] for i in range(t + 1))
        np.testing.assert_allclose(left, dt**t * rate, rtol=0, atol=1e-12)


def test_with_the_identity_an_equation_of_order_p_is_an_autoregression_of_order_p():
    """Without K the driven oscillator h'' = x - b1 h - b2 h' by Euler has two fixed lags."""
    cell = ODECell(1, 1, 2, 1, 1.0, (0.3, 0.7), "identity")
    own, x = np.array([0.0, 0.0, 1.0, 0.0]), np.random.default_rng(0).normal(size=(50, 1))
    h = np.concatenate([[0.0], states_of(cell, own, x, 1.0)[:, 0]])
    for row in range(48):
        assert h[row + 2] - (2 - 0.7) * h[row + 1] + (1 - 0.7 + 0.3) * h[row] == pytest.approx(x[row, 0], abs=1e-12)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_methods_have_the_order_of_their_stages(stages):
    """Halving the step divides the error of the flow of a smooth field by 2^stages."""
    rng = np.random.default_rng(1)
    cell = ODECell(3, 1, 1, stages, 1.0, (0.5,))
    own = rng.normal(size=len(cell.groups))

    def at_one(n):
        return states_of(cell, own, np.ones((n, 1)), 1.0 / n)[-1]

    exact = states_of(ODECell(3, 1, 1, 4, 1.0, (0.5,)), own, np.ones((2048, 1)), 1.0 / 2048)[-1]
    errors = [np.linalg.norm(at_one(n) - exact) for n in (16, 32)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(stages, abs=0.3)
    a, b = runge_kutta(stages)
    assert b.sum() == pytest.approx(1.0) and np.all(np.triu(a) == 0.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hidden": 4}, 4 * 4 + 4 * 1 + 4 + 4 + 1),
        ({"hidden": 4, "stages": 4}, 4 * 4 + 4 * 1 + 4 + 4 + 1),
        ({"hidden": 3, "order": 3, "lags": 2}, 3 * 9 + 3 * 2 + 3 + 3 + 1),
        ({"hidden": 5, "antisymmetric": True}, 10 + 5 + 5 + 5 + 1),
    ],
)
def test_the_number_of_parameters_does_not_depend_on_the_stages(options, expected):
    model = prt.ODERNN(series(), linear_lags=0, **options)
    assert len(model.param_names) == len(set(model.param_names)) == expected
    network = expected - 1
    assert any(f"network has {network} parameters" in note for note in model.summary_notes)


def test_the_default_damping_forgets_within_ten_steps_whatever_the_order():
    for order in (2, 3):
        model = prt.ODERNN(series(), order=order, step=0.25)
        roots = np.roots([1.0, *model.damping[::-1]])
        np.testing.assert_allclose(roots, -1.0 / (10.0 * 0.25), rtol=1e-4)
    assert prt.ODERNN(series()).damping == (1.0,)


def test_equal_spacing_is_no_spacing():
    y = series()
    exog = pd.DataFrame({"elapsed": np.ones(len(y)), "rain": np.cos(np.arange(len(y)))})
    spaced = prt.ODERNN(y, exog, hidden=2, step=0.5, spacing="elapsed")
    plain = prt.ODERNN(y, exog[["rain"]], hidden=2, step=0.5)
    assert spaced.param_names == plain.param_names
    params = params_of(plain)
    np.testing.assert_array_equal(spaced.path(params).fitted, plain.path(params).fitted)
    twice = prt.ODERNN(y, exog * [0.5, 1.0], hidden=2, step=1.0, spacing="elapsed")
    np.testing.assert_array_equal(twice.path(params).fitted, plain.path(params).fitted)


def test_uneven_time_stamps_scale_the_step_in_fits_and_forecasts():
    rng = np.random.default_rng(0)
    elapsed = rng.uniform(0.2, 3.0, 130)
    y, level = np.zeros(130), 0.0
    for t in range(130):
        level = level * np.exp(-0.5 * elapsed[t]) + 0.3 * rng.normal()
        y[t] = level
    exog = pd.DataFrame({"elapsed": elapsed}, index=pd.RangeIndex(130))
    model = prt.ODERNN(pd.Series(y[:120]), exog[:120], hidden=2, step=0.2, spacing="elapsed", linear_lags=0)
    results = model.fit(n_starts=4)
    assert results.model.specification.exog_names == ()
    near, far = (results.forecast(1, exog=pd.DataFrame({"elapsed": [gap]}, index=[120])) for gap in (0.2, 3.0))
    assert not np.allclose(near, far)
    longer = results.append(pd.Series(y[120:], index=range(120, 130)), exog[120:])
    ahead = results.forecast(1, exog=exog[120:121])
    np.testing.assert_allclose(longer.fittedvalues[120], ahead[120], rtol=1e-12)
    assert results.simulate(5, anchor="end", exog=exog[120:125], rng=0).notna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stages": 5}, r"^stages must be 1, 2, 3 or 4, but is 5"),
        ({"order": 0}, r"^order must be a positive integer"),
        ({"step": -1.0}, r"^step must be a positive finite number"),
        ({"step": "long"}, r"^step must be a positive finite number"),
        ({"damping": (1.0, 2.0)}, r"^damping must have one number for each of the 1 orders"),
        ({"diffusion": 0.1}, r"^diffusion=0.1 belongs to antisymmetric=True"),
        ({"integrator": "leapfrog"}, r"^integrator must be 'explicit' or 'symplectic'"),
        ({"integrator": "symplectic", "stages": 2}, r"^integrator='symplectic' has one stage"),
        ({"antisymmetric": 1}, r"^antisymmetric must be True or False"),
        ({"activation": "sine"}, r"^activation must be one of"),
        ({"spacing": "elapsed"}, r"^spacing must be a column of exog"),
        ({"lags": 0}, r"^lags=0 leaves the cell without input"),
    ],
    ids=str,
)
def test_bad_options_are_refused_in_a_sentence(options, message):
    with pytest.raises((TypeError, ValueError), match=message + r".*\.$"):
        prt.ODERNN(series(), **options)


def test_a_step_too_short_for_the_default_damping_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^step=1e-300 and order=2 have a default damping .*; give damping, .*\.$"):
        prt.ODERNN(np.arange(20.0), order=2, step=1e-300)
    assert prt.ODERNN(np.arange(20.0), order=2, step=1e-300, damping=(1.0, 1.0)).damping == (1.0, 1.0)


def test_time_does_not_stand_still():
    with pytest.raises(ValueError, match=r"^exog column 'gap' must be positive.*\.$"):
        prt.ODERNN(series(), pd.DataFrame({"gap": np.zeros(120)}), spacing="gap")


def test_fits_do_not_depend_on_units_of_measurement():
    y = series()
    plain = prt.ODERNN(y, hidden=2, order=2, step=0.5).fit(n_starts=4)
    moved = prt.ODERNN(1000.0 + 50.0 * y, hidden=2, order=2, step=0.5).fit(n_starts=4)
    np.testing.assert_allclose(moved.fittedvalues, 1000.0 + 50.0 * plain.fittedvalues, rtol=1e-5)
    assert moved.log_evidence + len(y[1:]) * np.log(50.0) == pytest.approx(plain.log_evidence, abs=1e-2)
