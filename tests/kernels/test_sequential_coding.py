"""Sequential sparse coding is the iteration of the paper, unfolds to the network, and minimises its objective."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sparse_twin import objective, sequential_codes
from test_sparse_network import measurements, params

from pararnn_ts.estimation.coding import code
from pararnn_ts.estimation.sequences import Panel, run
from pararnn_ts.estimation.sista import lipschitz, stacked_wiring, unfold


@pytest.mark.parametrize("absent", [0.0, 0.3])
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_codes_are_those_of_the_definition_and_of_the_network_with_explicit_weights(absent, steps):
    rng = np.random.default_rng(steps)
    for size in ((7, 12, 12), (5, 9, 20)):
        p, panel = params(*size, rng), measurements(size[0], rng, absent)
        found = code(p, panel, tol=0.0, maxiter=steps)
        network = run(unfold(p, steps), stacked_wiring(steps), panel)
        assert_allclose(found.codes, network, atol=1e-12)
        assert (found.iterations == steps).all()
        for first, last in zip(panel.offsets, panel.offsets[1:], strict=False):
            assert_allclose(found.codes[first:last], sequential_codes(p, panel.x[first:last], steps), atol=1e-12)
        before = np.vstack([p.h0, found.codes[:-1]])
        before[panel.offsets[1:-1]] = p.h0
        expected = [objective(p, *row) for row in zip(panel.x, found.codes, before, strict=True)]
        assert_allclose(found.objective, expected, rtol=1e-12)


def test_the_objective_falls_at_every_step_when_the_inverse_step_is_the_lipschitz_constant():
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = params(6, 10, 14, rng)
        p = replace(p, alpha=lipschitz(p), lam1=rng.uniform(0, 1), lam2=rng.uniform(0, 1))
        panel = measurements(6, rng, 0.2, lengths=(1,))
        path = [code(p, panel, 0.0, k).objective[0] for k in range(1, 40)]
        assert (np.diff(path) <= 1e-12 * path[0]).all()


def test_a_step_of_three_times_the_bound_may_raise_the_objective():
    rng = np.random.default_rng(1)
    p = params(6, 10, 14, rng)
    p = replace(p, alpha=lipschitz(p) / 3.0, lam1=0.01)
    panel = measurements(6, rng, lengths=(1,))
    path = [code(p, panel, 0.0, k).objective[0] for k in range(1, 40)]
    assert (np.diff(path) > 0).any()


def test_codes_meet_the_conditions_of_the_optimum_once_converged():
    rng = np.random.default_rng(2)
    p = replace(params(8, 12, 12, rng), lam1=0.4)
    panel = measurements(8, rng, 0.2)
    h = code(p, panel, tol=0.0, maxiter=20000).codes
    before = np.vstack([p.h0, h[:-1]])
    before[panel.offsets[1:-1]] = p.h0
    G = p.A @ p.D
    misfit = np.nan_to_num(h @ G.T - panel.x)
    slope = misfit @ G + p.lam2 * (h @ p.D.T - before @ (p.F @ p.D).T) @ p.D
    active = h != 0.0
    assert 0.1 < active.mean() < 0.9
    assert_allclose(slope[active], -p.lam1 * np.sign(h[active]), atol=1e-9)
    assert (np.abs(slope[~active]) <= p.lam1 + 1e-9).all()


def test_without_memory_each_code_is_a_lasso():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn comes with the test extra")
    rng = np.random.default_rng(3)
    p = replace(params(9, 12, 12, rng), lam1=0.3, lam2=0.0, F=np.zeros((12, 12)))
    panel = measurements(9, rng, lengths=(8,))
    found = code(p, panel, tol=0.0, maxiter=20000).codes
    lasso = linear_model.Lasso(alpha=p.lam1 / 9, fit_intercept=False, tol=1e-12, max_iter=100000)
    expected = np.array([lasso.fit(p.A @ p.D, x).coef_ for x in panel.x])
    assert_allclose(found, expected, atol=1e-7)


def test_a_large_penalty_leaves_no_atom():
    rng = np.random.default_rng(4)
    p, panel = params(6, 10, 10, rng), measurements(6, rng)
    assert not code(replace(p, lam1=1e6), panel).codes.any()


def test_an_observation_is_left_when_the_objective_hardly_falls():
    rng = np.random.default_rng(5)
    p, panel = params(6, 10, 10, rng), measurements(6, rng)
    loose, tight = (code(p, panel, tol, 5000) for tol in (1e-3, 1e-10))
    assert (loose.iterations < tight.iterations).all() and (tight.iterations < 5000).all()
    assert (tight.objective[:1] <= loose.objective[:1]).all()


def test_absent_sensors_are_sensors_that_are_not_there():
    rng = np.random.default_rng(6)
    p, panel = params(6, 10, 10, rng), measurements(6, rng, lengths=(7,))
    off = [1, 4]
    masked, kept = panel.x.copy(), np.delete(panel.x, off, axis=1)
    masked[:, off] = np.nan
    fewer = replace(p, A=np.delete(p.A, off, axis=0))
    assert_allclose(
        code(p, Panel(panel.offsets, masked), 0.0, 30).codes, code(fewer, Panel(panel.offsets, kept), 0.0, 30).codes,
        atol=1e-12,
    )  # fmt: skip
