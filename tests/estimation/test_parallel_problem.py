"""The evaluator in parallel over time beside the sequential one, and what it records."""

import numpy as np
import pytest
import twin
from problems import make, nonlinear_series

import pararnn_ts as prt
from pararnn_ts.estimation import parallel_in_time
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.parallel_in_time import LARGEST_UNIT, ParallelInTimeProblem, in_parallel
from pararnn_ts.estimation.problem import UnitProblem
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.parallel_in_time import LIMIT
from pararnn_ts.models import recurrent


def pair(n=300, units=(2, 1), chunk=16):
    spec = twin.specification(units, "tanh", (1, 2), (1,), 1)
    problem = make(spec, nonlinear_series(n))
    return problem, ParallelInTimeProblem(spec, problem.sample, problem.scaling, "cpu", chunk=chunk)


def test_both_evaluators_fill_the_same_normal_equations_in_every_lane():
    sequential, parallel = pair()
    rng = np.random.default_rng(0)
    theta = np.array([twin.random_params(sequential.specification, rng) for _ in range(LANES)])
    theta[3] = theta[2]
    size = theta.shape[1] + 1
    ours, expected = np.full(size * size * LANES, np.nan), np.empty(size * size * LANES)
    flat = np.ascontiguousarray(theta.T).ravel()
    parallel.evaluator()(flat, ours)
    sequential.evaluator()(flat, expected)
    ours, expected = ours.reshape(size, size, LANES), expected.reshape(size, size, LANES)
    for lane in range(LANES):
        scale = np.sqrt(np.diag(expected[:, :, lane]))
        scale = np.outer(scale, scale)
        np.testing.assert_allclose(np.tril(ours[:, :, lane]) / scale, np.tril(expected[:, :, lane]) / scale, rtol=0,
                                   atol=1e-12)  # fmt: skip
    assert parallel.record.evaluations == LANES - 1  # the copy was not evaluated


def test_a_fit_finds_the_same_optimum_and_records_how_the_states_were_found():
    sequential, parallel = pair()
    starts = random_starts(sequential.specification, 3, np.random.default_rng(1))
    options = Options(maxiter=60)
    expected, found = minimize(sequential, starts, options), minimize(parallel, starts, options)
    best = int(np.argmax(expected.log_evidence))
    assert int(np.argmax(found.log_evidence)) == best
    assert abs(found.log_evidence[best] - expected.log_evidence[best]) < 1e-6
    np.testing.assert_allclose(found.params[best], expected.params[best], rtol=0, atol=1e-4)
    record = parallel.record.retvals()
    assert record["parallel_runs"] + record["sequential_runs"] == 2 * parallel.record.evaluations
    assert 1.0 <= record["newton_iterations"] <= record["most_newton_iterations"] <= LIMIT


def test_a_unit_that_cannot_forget_is_recorded_as_a_sequential_run():
    # the recurrence alone decides: it holds whichever of two states it falls into
    _, parallel = pair(400, (1,), 4)
    params = np.zeros(parallel.specification.n_params)
    params[parallel.specification.n_linear :] = [6.0, 0.2, 0.2, 0.0, 1.0]
    parallel.products(params)
    assert parallel.record.retvals()["sequential_runs"] == 1
    assert parallel.record.retvals()["parallel_runs"] == 0


def test_only_long_samples_without_gaps_and_large_units_go_to_the_device(monkeypatch):
    sequential, _ = pair(300)
    assert in_parallel(sequential, "cpu") is sequential
    monkeypatch.setattr(parallel_in_time, "LONG_SERIES", 200)
    parallel = in_parallel(sequential, "cpu")
    assert type(parallel) is ParallelInTimeProblem
    assert type(parallel.head(150)) is UnitProblem
    longer, weighted = parallel.head(250), parallel.reweighted(np.full(parallel.n_obs, 0.25))
    for part in (longer, weighted):
        assert type(part) is ParallelInTimeProblem and part.record is parallel.record
    params = twin.random_params(sequential.specification, np.random.default_rng(2))
    np.testing.assert_allclose(weighted.products(params), 0.25 * parallel.products(params), rtol=1e-12)
    y = nonlinear_series(300)
    y[100] = np.nan
    gapped = make(sequential.specification, y)
    for units in ((), (1, LARGEST_UNIT + 1)):
        other = make(twin.specification(units, "tanh", (1,) if units else (), (1,), 1), nonlinear_series(300))
        assert in_parallel(other, "cpu") is other
    assert in_parallel(gapped, "cpu") is gapped


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_lanes_that_are_not_numbers_do_not_touch_the_others(bad):
    sequential, parallel = pair(60)
    rng = np.random.default_rng(3)
    theta = np.array([twin.random_params(sequential.specification, rng) for _ in range(LANES)])
    clean, spoiled = np.empty((2, (theta.shape[1] + 1) ** 2 * LANES))
    parallel.evaluator()(np.ascontiguousarray(theta.T).ravel(), clean)
    theta[3] = bad
    parallel.evaluator()(np.ascontiguousarray(theta.T).ravel(), spoiled)
    others = np.arange(LANES) != 3
    np.testing.assert_array_equal(spoiled.reshape(-1, LANES)[:, others], clean.reshape(-1, LANES)[:, others])
    assert not np.isfinite(spoiled.reshape(-1, LANES)[-1, 3])


def test_a_fit_of_a_long_series_says_how_its_states_were_found(monkeypatch, tmp_path):
    # the device is played by the processor, and three hundred observations are many
    monkeypatch.setattr(parallel_in_time, "LONG_SERIES", 250)
    monkeypatch.setattr(recurrent, "check_device", lambda device: None)
    monkeypatch.setattr(recurrent, "in_parallel", lambda problem: in_parallel(problem, "cpu"))
    model = prt.ParaRNN(nonlinear_series(300), lags=2, units=(1,))
    expected, ours = model.fit(n_starts=2), model.fit(n_starts=2, device="cuda")
    assert ours.converged and abs(ours.log_evidence - expected.log_evidence) < 1e-5
    assert ours.mle_retvals["parallel_runs"] > 0 and ours.mle_retvals["sequential_runs"] >= 0
    assert "parallel_runs" not in expected.mle_retvals
    ours.save(tmp_path / "ours")
    assert prt.load(tmp_path / "ours").mle_retvals == ours.mle_retvals
    given = {"start_params": expected.params}
    assert abs(model.fit(**given, device="cuda").log_evidence - model.fit(**given).log_evidence) < 1e-5
    held = model.fit_constrained({model.param_names[0]: 1.0}, device="cuda", n_starts=2)
    assert held.params[0] == 1.0 and held.mle_retvals["parallel_runs"] > 0
