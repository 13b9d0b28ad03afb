"""Derivatives by the parameters of the model, the bounds that training keeps to, and what training achieves."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from pararnn_ts.estimation.baselines import LSTMLoss, StackedLoss, free_wiring, lagged_design, lagged_ridge, untied
from pararnn_ts.estimation.coding import choose_penalties, code
from pararnn_ts.estimation.dictionaries import wavelets
from pararnn_ts.estimation.sequences import Panel, SequenceLoss, run
from pararnn_ts.estimation.sista import (
    LEAST_STEP,
    PARAMETERS,
    SISTALoss,
    SISTAParams,
    lipschitz,
    stacked_wiring,
    unfold,
)
from pararnn_ts.estimation.training import Budget, train


def params(m, n, h, rng):
    D = rng.normal(size=(n, h)) / np.sqrt(n)
    A = rng.normal(size=(m, n)) / np.sqrt(n)
    F = np.linalg.qr(rng.normal(size=(n, n)))[0]
    alpha = np.linalg.norm(A @ D, 2) ** 2 + 0.3 * np.linalg.norm(D, 2) ** 2
    return SISTAParams(A, D, F, alpha, 0.1, 0.3, rng.normal(size=h))


def data(m, q, rng, absent=0.0, lengths=(6, 4, 7), pool=None):
    rows = sum(lengths)
    x, y = rng.normal(size=(rows, m)), rng.normal(size=(rows, q))
    x[rng.random(x.shape) < absent] = np.nan
    y[rng.random(y.shape) < absent] = np.nan
    return SequenceLoss(Panel(np.concatenate([[0], np.cumsum(lengths)]), x), y, pool=pool)


def assert_gradient(problem, theta, batch):
    value, slope = problem.gradient(theta, batch)
    steps = 1e-6 * np.eye(len(theta))
    numeric = [(problem.gradient(theta + s, batch)[0] - problem.gradient(theta - s, batch)[0]) / 2e-6 for s in steps]
    assert np.isfinite(value) and np.abs(slope).max() > 1e-3
    assert_allclose(slope, numeric, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


@pytest.mark.parametrize("forecast", [False, True])
@pytest.mark.parametrize("size", [(7, 12, 12, 3), (7, 12, 10, 1), (5, 9, 16, 4)])
@pytest.mark.parametrize("absent", [0.0, 0.2])
def test_the_gradient_by_all_parameters_is_that_of_finite_differences(forecast, size, absent):
    rng = np.random.default_rng(sum(size))
    m, n, h, layers = size
    problem = SISTALoss(data(m, m if forecast else n, rng, absent), params(m, n, h, rng), PARAMETERS, layers, forecast)
    assert_gradient(problem, problem.pack(problem.start), np.array([0, 2]))


def test_what_is_not_trained_stays_and_has_no_derivative():
    rng = np.random.default_rng(1)
    start = replace(params(5, 8, 8, rng), lam2=0.0)
    problem = SISTALoss(data(5, 8, rng), start, ("F", "lam1", "lam2"), 3)
    theta = problem.pack(start)
    assert problem.train == ["F", "lam1"] and len(theta) == 65
    assert_gradient(problem, theta, np.arange(3))
    moved = problem.unpack(theta + 0.1)
    assert moved.lam2 == 0.0 and moved.alpha == start.alpha
    for name in ("A", "D", "h0"):
        assert_array_equal(getattr(moved, name), getattr(start, name))
    assert moved.lam1 == pytest.approx(start.lam1 * np.exp(0.1))


def test_unpacking_undoes_packing():
    rng = np.random.default_rng(2)
    start = params(5, 8, 10, rng)
    problem = SISTALoss(data(5, 8, rng), start, PARAMETERS, 2)
    again = problem.unpack(problem.pack(start))
    for name in PARAMETERS:
        assert_allclose(getattr(again, name), getattr(start, name), rtol=1e-14)


def test_projected_parameters_have_a_step_below_the_bound_and_a_contracting_transition():
    rng = np.random.default_rng(3)
    start = params(5, 8, 10, rng)
    problem = SISTALoss(data(5, 8, rng), start, PARAMETERS, 2)
    wild = replace(start, alpha=0.01, F=3.0 * start.F)
    tamed = problem.unpack(problem.project(problem.pack(wild)))
    assert np.linalg.norm(tamed.F, 2) == pytest.approx(1.0)
    bound = np.linalg.norm(tamed.A @ tamed.D, 2) ** 2 + tamed.lam2 * np.linalg.norm(tamed.D, 2) ** 2
    assert tamed.alpha == pytest.approx(LEAST_STEP * bound)
    assert lipschitz(tamed) <= bound * (1 + 1e-12)
    # what is admissible stays where it is
    theta = problem.project(problem.pack(wild))
    assert_allclose(problem.project(theta), theta, rtol=1e-12)


def test_a_step_stays_admissible_when_the_dictionary_grows():
    rng = np.random.default_rng(4)
    start = params(5, 8, 10, rng)
    problem = SISTALoss(data(5, 8, rng), start, PARAMETERS, 2)
    theta = problem.pack(start)
    grown = problem.unpack(theta + np.r_[np.zeros(40), theta[40:120], np.zeros(len(theta) - 120)])
    assert_allclose(grown.D, 2.0 * start.D)
    assert lipschitz(grown) / grown.alpha == pytest.approx(lipschitz(start) / start.alpha, rel=1e-10)


def test_the_other_networks_have_exact_gradients():
    rng = np.random.default_rng(5)
    loss = data(4, 6, rng, 0.2)
    free = StackedLoss(loss, untied(params(4, 6, 6, rng), 2), free_wiring(2))
    assert_gradient(free, free.pack(free.start), np.array([2, 0]))
    lstm = LSTMLoss(loss, 5)
    assert_gradient(lstm, lstm.start(rng), np.array([2, 0]))
    assert lstm.n_params == 4 * 5 * (4 + 5 + 1) + 6 * (5 + 1)
    theta = lstm.start(rng)
    assert np.mean((lstm.outputs(theta, loss) - loss.y)[loss.weight] ** 2) == pytest.approx(lstm.error(theta))


def test_freed_weights_start_at_the_model():
    rng = np.random.default_rng(6)
    start, panel = params(4, 6, 9, rng), data(4, 6, rng).panel
    freed = run(untied(start, 3), free_wiring(3), panel)
    assert_allclose(freed, run(unfold(start, 3), stacked_wiring(3), panel), atol=1e-13)


def test_the_regression_on_lags_solves_its_normal_equations_and_finds_an_exact_relation():
    rng = np.random.default_rng(7)
    loss = data(3, 2, rng, lengths=(60, 50))
    X = lagged_design(loss.panel, 2)
    assert (X[0, 3:9] == 0.0).all() and (X[60, 3:9] == 0.0).all() and (X[:, -1] == 1.0).all()
    weights = rng.normal(size=(10, 2))
    exact = SequenceLoss(loss.panel, X @ weights)
    found, penalty, error = lagged_ridge(exact, exact, 2, np.array([1e-12, 1.0]))
    assert_allclose(found, weights, atol=1e-6)
    assert penalty == 1e-12 and error < 1e-10


def test_sums_do_not_depend_on_the_threads():
    rng = np.random.default_rng(8)
    lengths = (40,) * 60
    start = params(6, 16, 16, rng)
    alone = SISTALoss(data(6, 16, np.random.default_rng(0), 0.05, lengths), start, PARAMETERS, 3)
    theta, batch = alone.pack(start), np.arange(60)
    value, slope = alone.gradient(theta, batch)
    for threads in (2, 3):
        with ThreadPoolExecutor(threads) as pool:
            shared = SISTALoss(data(6, 16, np.random.default_rng(0), 0.05, lengths, pool), start, PARAMETERS, 3)
            for _ in range(5):
                again = shared.gradient(theta, batch)
                assert again[0] == value
                assert_array_equal(again[1], slope)


def moving_field(rng, n=32, m=20, sequences=60, steps=15, shift=4):
    """Sparse signals that move along a ring, seen by some mixtures of them with noise."""
    D = wavelets(n, "db4", 2)
    codes = 5.0 * rng.normal(size=(sequences, n)) * (rng.random((sequences, n)) < 0.1)
    signal = np.stack([np.roll(codes @ D.T, shift * t, axis=1) for t in range(steps)], axis=1)
    A = rng.normal(size=(m, n)) / np.sqrt(m)
    A /= np.linalg.norm(A, 2)
    x = signal @ A.T + 0.2 * rng.normal(size=(sequences, steps, m))
    return x, signal, A, D


def test_penalties_chosen_on_held_out_measurements_recover_nearly_as_well_as_the_best_of_the_grid():
    x, signal, A, D = moving_field(np.random.default_rng(9))
    F = np.roll(np.eye(32), 4, axis=0)
    panel = Panel(np.arange(61) * 15, x.reshape(-1, 20))
    given = SISTAParams(A, D, F, 1.0, 0.0, 0.0, np.zeros(32))

    def error(p):
        return np.mean((code(p, panel, 0.0, 100).codes @ D.T - signal.reshape(-1, 32)) ** 2)

    chosen = choose_penalties(given, panel, None, None, None)
    assert chosen.lam1 > 0 and chosen.lam2 > 0
    assert chosen.alpha == pytest.approx(1.05 * lipschitz(chosen))
    best = min(
        error(choose_penalties(given, panel, lam1, lam2, None))
        for lam1 in (0.01, 0.03, 0.1, 0.3, 1.0)
        for lam2 in (0.0, 0.03, 0.1, 0.3)
    )
    assert error(chosen) < 1.5 * best
    # what is given is kept
    kept = choose_penalties(given, panel, 0.3, None, 2.0)
    assert kept.lam1 == 0.3 and kept.alpha == 2.0


def test_training_lowers_the_held_out_error_and_repeats_with_its_seed():
    x, signal, A, D = moving_field(np.random.default_rng(10))
    parts = []
    for rows in (slice(0, 45), slice(45, 60)):
        offsets = np.arange(rows.stop - rows.start + 1) * 15
        parts.append(SequenceLoss(Panel(offsets, x[rows].reshape(-1, 20)), signal[rows].reshape(-1, 32)))
    problem = SISTALoss(parts[0], SISTAParams(A, D, np.eye(32), 0.8, 0.1, 0.05, np.zeros(32)), PARAMETERS, 3)
    start = problem.project(problem.pack(problem.start))
    budget = Budget(epochs=60, batch=15, seed=3)
    found = train(problem, start, parts[1], budget, (1e-4, 5e-3))
    assert found.rate == 5e-3 and len(found.tried) == 2
    assert found.descent.updates == budget.updates(45) == 180
    assert problem.error(found.descent.params, parts[1]) == found.descent.score < 0.5 * problem.error(start, parts[1])
    again = train(problem, start, parts[1], budget, (5e-3,))
    assert_array_equal(again.descent.params, found.descent.params)
