"""Stability of the step: known values of the method's polynomial, sufficient bounds, what no eigenvalue tells."""

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts.cells import ODECell
from pararnn_ts.kernels.cells import linearise, work_size
from pararnn_ts.results.integrator_stability import integrator_stability, stability_function, step_bound


def series(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 1.2 * np.tanh(y[t - 1]) - 0.5 * y[t - 2] + 0.5 * rng.normal()
    return y


@pytest.mark.parametrize(("stages", "modulus"), [(1, 1.118), (2, 1.0078), (3, 0.9976), (4, 0.9999)])
def test_the_step_multiplies_an_undamped_mode_by_a_known_factor(stages, modulus):
    assert abs(stability_function(stages, 0.5j)) == pytest.approx(modulus, abs=6e-5)


def test_no_step_is_stable_on_the_imaginary_axis_for_one_or_two_stages_and_short_ones_are_for_three_and_four():
    y = np.linspace(1e-3, 5.0, 4000)
    for stages, limit in ((1, 0.0), (2, 0.0), (3, np.sqrt(3.0)), (4, 2.0 * np.sqrt(2.0))):
        stable = y[np.abs(stability_function(stages, 1j * y)) <= 1.0 + 1e-13]
        assert (stable.max() if len(stable) else 0.0) == pytest.approx(limit, abs=2e-3)


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_the_step_of_a_linear_field_has_the_factors_of_the_polynomial(stages):
    rng = np.random.default_rng(stages)
    cell = ODECell(3, 1, 2, stages, 0.4, (0.5, 0.9), "identity")
    own = 0.5 * rng.normal(size=len(cell.groups))
    a, b, g = np.zeros((6, 6)), np.zeros((6, 1)), np.zeros((6, len(own)))
    linearise(0, own, 0, cell.shape, cell.numbers, np.zeros(1), 0.4, np.zeros(6), np.zeros(work_size(0, cell.shape)),
              a, b, g)  # fmt: skip
    np.testing.assert_allclose(a, cell.step_jacobian(own, np.ones(3)), rtol=0, atol=1e-14)
    roots = np.linalg.eigvals(cell.field_jacobian(own, np.ones(3)))
    factors = np.sort(np.abs(stability_function(stages, 0.4 * roots)))
    np.testing.assert_allclose(np.sort(np.abs(np.linalg.eigvals(a))), factors, rtol=1e-10)


def test_eigenvalues_of_gated_antisymmetric_weights_are_imaginary():
    rng = np.random.default_rng(0)
    for d in (2, 5, 8):
        s = rng.normal(size=(d, d))
        roots = np.linalg.eigvals(rng.uniform(0.01, 1.0, d)[:, None] * (s - s.T))
        np.testing.assert_allclose(roots.real, 0.0, atol=1e-12 * np.abs(roots).max())


def test_the_bound_of_the_antisymmetric_network_holds_for_every_slope_and_is_sharp():
    rng = np.random.default_rng(0)
    for _ in range(500):
        d, gamma = int(rng.integers(2, 9)), float(rng.uniform(0.01, 2.0))
        cell = ODECell(d, 1, damping=(0.0,), antisymmetric=True, diffusion=gamma)
        own = rng.normal(size=len(cell.groups)) * rng.uniform(0.1, 3.0)
        step = step_bound(cell, own).largest
        k = cell.weights(own)[: d * d].reshape(d, d)
        slope = rng.uniform(0.0, 1.0, d) ** rng.uniform(0.1, 3.0)
        radius = np.abs(np.linalg.eigvals(np.eye(d) + step * slope[:, None] * k)).max()
        assert radius <= 1.0 + 1e-9
        assert np.abs(np.linalg.eigvals(np.eye(d) + 1.05 * step * k)).max() > 1.0


def test_the_bound_with_damping_holds_for_norms_of_steps():
    rng = np.random.default_rng(1)
    met = 0
    for _ in range(500):
        d, beta, antisymmetric = int(rng.integers(1, 9)), float(rng.uniform(0.5, 3.0)), bool(rng.integers(2))
        cell = ODECell(d, 1, damping=(beta,), antisymmetric=antisymmetric)
        own = rng.normal(size=len(cell.groups)) * rng.uniform(0.05, 0.8)
        step = step_bound(cell, own).largest
        if step == 0.0:
            continue
        met += 1
        k = cell.weights(own)[: d * d].reshape(d, d)
        slope = rng.uniform(0.0, 1.0, d)
        jacobian = slope[:, None] * k - beta * np.eye(d)
        assert np.linalg.norm(np.eye(d) + step * jacobian, 2) <= 1.0 + 1e-9
    assert met > 100


def test_there_is_no_bound_for_other_methods():
    assert step_bound(ODECell(2, 1, stages=2), np.zeros(8)) is None
    assert step_bound(ODECell(2, 1, 2, 1, 1.0, (1.0, 1.0)), np.zeros(12)) is None


def given(make, size=1.0, seed=0):
    model = make(series(400))
    return model.evaluate(size * np.random.default_rng(seed).normal(size=len(model.param_names)))


def test_stable_eigenvalues_are_no_proof():
    """RK4 on an antisymmetric field: no frozen factor above one, yet norms are, and changes grow along the path."""
    results = given(lambda y: prt.ODERNN(y, hidden=16, stages=4, step=0.3, damping=0.0, antisymmetric=True), 1.0)
    # weights small enough for the step: 0.3 times the largest frequency below 2.8
    params = np.array(results.params)
    part = results.model.specification.cell_slice
    s = results.model.specification.cell.weights(params[part])[:256].reshape(16, 16)
    params[part] *= 2.0 / (0.3 * np.linalg.norm(s, 2))
    found = results.model.evaluate(params).stability()
    assert found.verdict == "frozen-stable" and found.amplification <= 1.0 + 1e-9 < found.step_norm
    assert found.lyapunov > 1e-3 and found.gradients[-1] > 10.0
    assert "no proof" in found.explanation and "grow" in found.explanation


def test_a_damped_short_step_is_contractive_and_its_gradients_fade():
    results = given(lambda y: prt.ODERNN(y, hidden=3, step=0.2, damping=2.0), 0.2)
    found = results.stability()
    assert found.verdict == "contractive" and found.bound.met and found.step_norm <= 1.0
    assert found.lyapunov < 0.0 and found.log_norm < 0.0
    assert np.all(np.diff(found.gradients) <= 0.0)


def test_the_bound_is_for_the_longest_step_where_steps_differ():
    elapsed = np.ones((200, 1))
    elapsed[120] = 9.0
    y = np.random.default_rng(0).standard_normal(200)
    model = prt.ODERNN(y, elapsed, hidden=2, step=0.5, spacing=prt.ODERNN(y, elapsed).exog_labels[0])
    found = model.evaluate(np.zeros(len(model.param_names))).stability()
    # without weights a step multiplies the state by 1 - dt, of which dt <= 2 makes no more than one
    assert found.bound.largest == pytest.approx(2.0) and found.step_norm == pytest.approx(3.5)
    assert not found.bound.met
    elapsed[120] = 4.0
    found = prt.ODERNN(y, elapsed, hidden=2, step=0.5, spacing=model.spacing).evaluate(np.zeros(12)).stability()
    assert found.bound.met and found.verdict == "contractive"


def test_an_expanding_network_is_unstable():
    results = given(lambda y: prt.ODERNN(y, hidden=3, activation="identity", linear_lags=0), 1.0)
    params = np.array(results.params)
    params[1:10] = 1.05 * np.eye(3).ravel()
    found = results.model.evaluate(params).stability()
    assert found.verdict == "unstable" and found.lyapunov == pytest.approx(np.log(1.05), rel=1e-6)
    assert "grow by 5 % a step" in found.explanation
    assert found.gradients[-1] == pytest.approx(1.05 ** (len(found.gradients) - 1), rel=1e-6)


def test_one_step_that_expands_does_not_make_a_path_unstable_on_which_changes_die_out():
    y = np.zeros(60)
    y[:30] = np.random.default_rng(0).normal(0.0, 5.0, 30)
    model = prt.ODERNN(y, hidden=1, linear_lags=0, trend="n")
    # h+ = tanh(1.5 h + y) expands where its argument passes zero, and is saturated elsewhere
    results = model.evaluate([1.5, 1.0, 0.0, 1.0])
    found = results.stability()
    assert found.amplification > 1.0 and found.lyapunov < 0.0 and found.verdict == "frozen-unstable"
    assert "enlarges a change, but along this path changes die out" in found.explanation


@pytest.mark.parametrize("options", [{}, {"mode": "shared"}, {"tie": True, "couplings": "site"}], ids=str)
def test_rotations_preserve_norms_whatever_their_angles(options):
    found = given(lambda y: prt.QUNN(y, memory=8, **options)).stability()
    assert found.verdict == "norm-preserving" and found.norm_drift < 1e-12 and found.reversal_error < 1e-10
    np.testing.assert_allclose(found.gradients, 1.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.factors, 1.0, rtol=0, atol=1e-12)
    assert abs(found.lyapunov) < 1e-12 and found.step_norm == pytest.approx(1.0, abs=1e-12)
    assert "there and back" in str(found)
    # rounding errors are no growth
    assert [line.split()[-1] for line in str(found).splitlines() if "Lyapunov" in line] == ["0"]


def test_the_elman_network_and_the_vanilla_member_have_the_same_report():
    y = series()
    elman, ode = prt.ElmanRNN(y, hidden=3), prt.ODERNN(y, hidden=3)
    params = 0.5 * np.random.default_rng(0).normal(size=len(ode.param_names))
    ours, theirs = (integrator_stability(m.evaluate(params)) for m in (ode, elman))
    assert ours.step_norm == pytest.approx(theirs.step_norm) and ours.lyapunov == pytest.approx(theirs.lyapunov)
    assert ours.verdict == theirs.verdict
    np.testing.assert_allclose(ours.gradients, theirs.gradients, rtol=1e-8)


def test_the_gradient_profile_is_the_derivative_of_the_last_prediction():
    model = prt.LSTM(series(60), hidden=2)
    params = 0.5 * np.random.default_rng(0).normal(size=len(model.param_names))
    results = model.evaluate(params)
    profile, path = results.stability().gradients, model.path(params)
    back, h = 10, 1e-6
    row = 60 - back

    def last(state):
        reach = model.specification.reach
        part = slice(row - reach, 60)
        return model.path(params, model._y[part], np.zeros((back + reach, 0)), model._det[part], state=state).fitted[-1]

    gradient = [(last(path.states[row - 1] + h * e) - last(path.states[row - 1] - h * e)) / (2 * h) for e in np.eye(4)]
    size = np.linalg.norm(params[-2:])
    assert profile[back] == pytest.approx(np.linalg.norm(gradient) / size, rel=1e-5)


def test_numbers_by_name_and_a_report_that_reads():
    found = given(lambda y: prt.ODERNN.antisymmetric_rnn(y, hidden=3, step=0.05, diffusion=0.5), 0.3).stability()
    assert found.summary_frame()["meets_bound"] == found.bound.met
    text = str(found)
    assert "Stability of ODERNN(3), antisymmetric, order 1, stages 1" in text and f"Verdict: {found.verdict}." in text


def test_extended_and_gappy_results_have_a_report_too():
    y = series()
    y[50] = np.nan
    results = prt.ODERNN(y[:100], hidden=2).fit(n_starts=2, penalty=1.0)
    longer, tail = results.append(y[100:]).stability(), results.extend(y[100:]).stability()
    np.testing.assert_allclose(tail.gradients[:18], longer.gradients[:18], rtol=1e-10)


def test_a_linear_model_has_no_step():
    with pytest.raises(ValueError, match=r"^A linear model has no recurrent step.*\.$"):
        integrator_stability(prt.ParaRNN(series(), units=()).fit(penalty=0))
