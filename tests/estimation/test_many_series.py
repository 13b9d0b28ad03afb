"""Problems and reports of many series at once are those of each series."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import twin
from problems import nonlinear_series

from pararnn_ts.datasets import load_lynx, load_nile
from pararnn_ts.estimation.estimate import best_of, estimate, make_problem
from pararnn_ts.estimation.levenberg_marquardt import Options, minimize
from pararnn_ts.estimation.many_series import estimates, make_problems, with_passed_over
from pararnn_ts.estimation.problem import Sample
from pararnn_ts.estimation.racing import passed_over, with_odds
from pararnn_ts.estimation.starts import random_starts
from pararnn_ts.models.pararnn import ParaRNN

ARRAYS = ("target", "x", "linear_columns", "weight", "y", "linear_gram", "variance", "n_obs")
SCALES = ("center", "scale", "deterministic_scale", "constant")


def solved(problem, starts, options=Options()):  # noqa: B008
    """Where starts end, by the evidence that they are compared by."""
    return with_odds(problem, minimize(problem, starts, options), options)


def sample_of(spec, n, seed):
    rng = np.random.default_rng(seed)
    weight = np.ones(n)
    weight[: spec.hold_back] = 0.0
    exog = rng.normal(size=(n, len(spec.exog_names)))
    return Sample(nonlinear_series(n, seed), exog, np.ones((n, spec.n_deterministic)), weight)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("difference", [(1.0,), (1.0, -1.0), (1.0, 0.0, 0.0, 0.0, -1.0)], ids=str)
def test_problems_of_many_series_are_those_of_each(difference, constant):
    spec = twin.specification((2, 1), "tanh", (1, 3), (1, 2), int(constant), 1, difference)
    samples = [sample_of(spec, n, seed) for seed, n in enumerate((60, 50, 60, 60, 50))]
    samples[2].y[40] = np.nan
    weights = np.ones(1) if constant else None
    for threads in (1, 3):
        for found, sample in zip(make_problems(spec, samples, weights, threads), samples, strict=True):
            expected = make_problem(spec, sample, weights)
            assert type(found) is type(expected)
            for name in SCALES:
                np.testing.assert_array_equal(getattr(found.scaling, name), getattr(expected.scaling, name), name)
            for name in ARRAYS if hasattr(expected, "x") else ("target", "variance", "n_obs"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def test_constant_series_keep_their_scale():
    spec = twin.specification((1,), "tanh", (1,), (1,), 1, 0)
    samples = [sample_of(spec, 30, seed) for seed in range(2)]
    samples[0].y[:] = 7.0
    found = make_problems(spec, samples, np.ones(1))
    for one, sample in zip(found, samples, strict=True):
        expected = make_problem(spec, sample, np.ones(1))
        assert (one.scaling.scale[0], one.variance) == (expected.scaling.scale[0], expected.variance)


@pytest.mark.parametrize("penalty", [None, 0.3, 0.0])
def test_reports_of_many_series_are_those_of_each(penalty):
    options = Options(penalty=penalty, maxiter=40)
    problems, starts = [], []
    for seed, units in enumerate([(2,), (1, 1), (2,), (), (2, 1, 2)]):
        spec = twin.specification(units, "tanh", (1, 2) if units else (), (1,), 1, 0)
        problems.append(make_problem(spec, sample_of(spec, 90, seed), np.ones(1)))
        starts.append(random_starts(spec, 3 + seed, np.random.default_rng(seed)))
    solutions = [solved(p, s, options) for p, s in zip(problems, starts, strict=True)]

    def products(params):
        return [p.products(one) for p, one in zip(problems, params, strict=True)]

    found = estimates(problems, solutions, products, options, threads=2)
    for one, problem, ended in zip(found, problems, solutions, strict=True):
        expected = best_of(problem, ended, options)
        assert (one.best, one.n_best, one.converged, set(one.alpha)) == (
            expected.best, expected.n_best, expected.converged, set(expected.alpha)
        )  # fmt: skip
        np.testing.assert_allclose(one.params, expected.params, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(one.log_evidence, expected.log_evidence, rtol=1e-10)
        np.testing.assert_allclose(list(one.alpha.values()), list(expected.alpha.values()), rtol=1e-12)
        np.testing.assert_allclose(one.law.spread, expected.law.spread, rtol=1e-10)
        size = np.sqrt(np.diag(expected.curvature.precision))
        gap = (one.curvature.precision - expected.curvature.precision) / np.outer(size, size)
        assert np.abs(gap).max() < 1e-9
        np.testing.assert_array_equal(one.curvature.to_data, expected.curvature.to_data)
        np.testing.assert_allclose(one.curvature[2:], expected.curvature[2:], rtol=1e-8)


def test_starts_that_were_passed_over_go_on_as_they_do_for_each_series(monkeypatch):
    # the processor in place of a device
    stand_in = SimpleNamespace(
        minimize_many=lambda problems, starts, options, device: list(map(minimize, problems, starts, [options]))
    )
    monkeypatch.setitem(sys.modules, "pararnn_ts.estimation.cuda", stand_in)
    problems, starts = [], []
    for y in (load_nile(), load_lynx()):
        model = ParaRNN(y, units=(1,))
        problems.append(model._problem())
        starts.append(model._starts(problems[-1], 16, np.random.default_rng(0))[0])
    solutions = [solved(problem, start) for problem, start in zip(problems, starts, strict=True)]
    kept = [passed_over(problem, one, Options()) for problem, one in zip(problems, solutions, strict=True)]
    assert [len(one) > 0 for one in kept] == [True, False]
    found = with_passed_over(problems, list(solutions), Options(), "cuda")
    for one, problem, start in zip(found, problems, starts, strict=True):
        expected = estimate(problem, start, Options())
        np.testing.assert_array_equal(one.params, expected.starts.params)
        np.testing.assert_array_equal(one.iterations, expected.starts.iterations)


def with_products(problems, solutions):
    def products(params):
        return [p.products(one) for p, one in zip(problems, params, strict=True)]

    return estimates(problems, solutions, products, Options())


def test_a_series_whose_starts_all_diverged_is_an_error_and_the_others_are_as_without_it():
    spec = twin.specification((1,), "relu", (1,), (1,), 1, 0)
    problems = [make_problem(spec, sample_of(spec, 40, seed), np.ones(1)) for seed in range(3)]
    starts = [random_starts(spec, 2, np.random.default_rng(0)) for _ in problems]
    starts[1][:, spec.n_linear] = 1e200
    solutions = [solved(problem, start) for problem, start in zip(problems, starts, strict=True)]
    first, error, last = with_products(problems, solutions)
    assert isinstance(error, ValueError) and "every start diverged" in str(error)
    for one, alone in zip((first, last), with_products(problems[::2], solutions[::2]), strict=True):
        np.testing.assert_array_equal(one.params, alone.params)
        np.testing.assert_array_equal(one.curvature.precision, alone.curvature.precision)


def test_a_series_without_statistics_is_an_error_and_the_others_have_theirs():
    spec = twin.specification((1,), "tanh", (1,), (1,), 1, 0)
    problems = [make_problem(spec, sample_of(spec, 40, seed), np.ones(1)) for seed in range(3)]
    starts = random_starts(spec, 2, np.random.default_rng(0))
    solutions = [solved(problem, starts) for problem in problems]
    grams = [p.products(s.params[0]) for p, s in zip(problems, solutions, strict=True)]
    grams[0] = np.full_like(grams[0], np.inf)
    error, *others = estimates(problems, solutions, lambda _: grams, Options())
    assert isinstance(error, ValueError) and "beyond every number" in str(error)
    assert all(np.isfinite(one.params).all() for one in others)
