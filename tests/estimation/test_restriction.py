"""Parameters held at values in the data's units, on a standardised scale."""

import numpy as np
import pytest
from problems import make, nonlinear_series

from pararnn_ts.estimation.estimate import estimate
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.restriction import RestrictedProblem
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.specification import Specification

SPEC = Specification("y", (1, 2), (1, 2), (2, 1), "tanh", ("const",), (), (1.0,), 2)
# the constant and two biases carry locations of the inputs; a weight of each other kind beside them
HELD = {0: 1.5, 2: -0.25, 3: 0.5, 11: 0.3, SPEC.n_params - 2: -0.4, SPEC.n_params - 1: 2.0}


@pytest.fixture(scope="module")
def problem():
    return make(SPEC, nonlinear_series(150))


def test_held_parameters_have_their_values_whatever_the_others_are(problem):
    restricted = RestrictedProblem(problem, HELD)
    free = np.random.default_rng(0).standard_normal((5, len(restricted.free)))
    data = problem.scaling.to_data(restricted.expand(free))
    for position, value in HELD.items():
        np.testing.assert_allclose(data[:, position], value, atol=1e-10)


def test_normal_equations_are_those_of_the_free_parameters(problem):
    restricted = RestrictedProblem(problem, HELD)
    rng = np.random.default_rng(1)
    theta = 0.3 * rng.standard_normal((len(restricted.free), LANES))
    size = len(theta) + 1
    gram = np.empty(size * size * LANES)
    restricted.evaluator()(theta.ravel(), gram)
    step = 1e-6
    for lane in (0, LANES - 1):
        resid = restricted.residuals(theta[:, lane])
        columns = []
        for i in range(len(theta)):
            up, down = theta[:, lane].copy(), theta[:, lane].copy()
            up[i] += step
            down[i] -= step
            columns.append((restricted.residuals(down) - restricted.residuals(up)) / (2 * step))
        stacked = np.column_stack([*columns, resid])
        expected = np.tril(stacked.T @ stacked)
        np.testing.assert_allclose(np.tril(gram.reshape(size, size, LANES)[:, :, lane]), expected, rtol=1e-5, atol=1e-5)


def test_holding_parameters_at_their_estimates_changes_nothing(problem):
    whole = estimate(problem, random_starts(SPEC, 8, np.random.default_rng(0)), Options(penalty=1.0, tol=1e-12))
    held = {i: float(whole.params[i]) for i in (0, 1, 5, 12)}
    restricted = RestrictedProblem(problem, held)
    start = problem.scaling.to_standard(whole.params)[restricted.free]
    again = estimate(restricted, start[None], Options(penalty=0.0, tol=1e-12), warm=True)
    # without a penalty the free ones may only improve on the penalised fit
    sse = [float(np.sum(problem.residuals(problem.scaling.to_standard(p)) ** 2)) for p in (whole.params, again.params)]
    assert sse[1] <= sse[0] + 1e-9
    for position, value in held.items():
        assert again.params[position] == pytest.approx(value, abs=1e-10)


def test_letting_parameters_go_can_only_improve_the_fit(problem):
    starts = random_starts(SPEC, 8, np.random.default_rng(0))
    restricted = RestrictedProblem(problem, {1: 0.0})
    less = estimate(restricted, np.delete(starts, 1, axis=1), Options(penalty=0.0))
    start = problem.scaling.to_standard(less.params)
    more = estimate(problem, start[None], Options(penalty=0.0), warm=True)
    sse = [float(np.sum(problem.residuals(problem.scaling.to_standard(p)) ** 2)) for p in (less.params, more.params)]
    assert sse[1] < sse[0]
    assert less.params[1] == pytest.approx(0.0, abs=1e-12)
    assert (less.curvature.to_data[1] == 0.0).all()


def test_a_held_constant_is_not_moved_to_centre_the_residuals():
    spec = Specification("y", (), (1,), (), "tanh", ("const",), (), (1.0,), 1)
    rng = np.random.default_rng(2)
    y = 2.0 + rng.standard_exponential(300)
    problem = RestrictedProblem(make(spec, y), {0: 1.0})
    found = estimate(problem, np.zeros((1, 1)), Options(), errors="t")
    assert found.params[0] == pytest.approx(1.0, abs=1e-10)
