"""Adam finds minima, keeps the best parameters it passed, and says when it diverges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from pararnn_ts.estimation.adam import AdamOptions, adam, minibatches


def everything():
    while True:
        yield slice(None)


def quadratic(curvature, centre):
    def gradient(params, batch):
        error = params - centre
        return 0.5 * float(curvature @ error**2), curvature * error

    return gradient


def test_a_quadratic_is_minimised_whatever_its_scaling():
    centre = np.array([1.0, -2.0, 3.0])
    for curvature in (np.ones(3), np.array([1e-3, 1.0, 1e3])):
        gradient = quadratic(curvature, centre)
        found = adam(np.zeros(3), gradient, everything(), AdamOptions(0.05, 2000, clip_norm=np.inf))
        assert_allclose(found.params, centre, atol=1e-3)
        assert found.converged and found.updates == 2000


def test_the_first_step_is_the_learning_rate_against_the_sign_of_the_gradient():
    gradient = quadratic(np.array([1e-4, 1e4]), np.array([1.0, -1.0]))
    passed = []

    def project(params):
        passed.append(params.copy())
        return params

    adam(np.zeros(2), gradient, everything(), AdamOptions(0.25, 1, clip_norm=np.inf), project=project)
    assert_allclose(passed[0], [0.25, -0.25], rtol=1e-3)


def test_the_learning_rate_rises_in_the_warm_up_and_falls_to_zero_along_a_cosine():
    options = AdamOptions(0.4, 100, warmup=10)
    rates = np.array([options.rate(update) for update in range(101)])
    assert rates.max() == pytest.approx(0.4) and rates[4] == pytest.approx(0.2)
    assert (np.diff(rates[10:]) < 0).all() and rates[100] == pytest.approx(0.0, abs=1e-15)
    assert rates[55] == pytest.approx(0.2)


def test_the_best_score_is_kept_and_not_the_last():
    # the training loss pulls past the point that the held-out score likes best
    gradient = quadratic(np.ones(1), np.array([3.0]))
    found = adam(
        np.zeros(1), gradient, everything(), AdamOptions(0.1, 300, score_every=1), score=lambda p: (p[0] - 1) ** 2
    )
    assert abs(found.params[0] - 1.0) < 0.1
    assert found.score == np.nanmin(found.history[:, 3]) == pytest.approx((found.params[0] - 1.0) ** 2)
    assert found.history[np.nanargmin(found.history[:, 3]), 0] == found.best


def test_start_values_that_no_update_improves_are_returned():
    gradient = quadratic(np.ones(1), np.array([5.0]))
    found = adam(np.zeros(1), gradient, everything(), AdamOptions(0.1, 20), score=lambda p: p[0] ** 2)
    assert found.best == 0 and found.params[0] == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverging_run_stops_and_keeps_the_best_parameters(bad):
    calls = []

    def gradient(params, batch):
        calls.append(params.copy())
        return (bad if len(calls) > 5 else 1.0 / len(calls)), np.ones(2)

    found = adam(np.zeros(2), gradient, everything(), AdamOptions(0.1, 100, score_every=1))
    assert found.status == "diverged" and not found.converged and found.updates == 5
    assert np.isfinite(found.params).all()
    assert_array_equal(found.params, calls[4])


def test_long_gradients_are_shortened():
    seen = []

    def gradient(params, batch):
        seen.append(params.copy())
        # the average of gradients remembers a long one unless it is shortened
        return 1.0, np.array([1e6 if len(seen) == 1 else 1.0])

    adam(np.zeros(1), gradient, everything(), AdamOptions(0.1, 50, clip_norm=1.0, score_every=1))
    unclipped, seen = seen, []
    adam(np.zeros(1), gradient, everything(), AdamOptions(0.1, 50, clip_norm=np.inf, score_every=1))
    assert unclipped[-1][0] < 2 * seen[-1][0] < 0


def test_parameters_stay_where_they_are_projected():
    gradient = quadratic(np.ones(2), np.array([3.0, 0.5]))
    found = adam(
        np.zeros(2), gradient, everything(), AdamOptions(0.05, 500), project=lambda params: np.minimum(params, 1.0)
    )
    assert_allclose(found.params, [1.0, 0.5], atol=1e-3)


def test_batches_pass_through_all_examples_and_repeat_with_the_seed():
    first = minibatches(10, 3, np.random.default_rng(0))
    passes = [np.concatenate([next(first) for _ in range(3)]) for _ in range(40)]
    assert all(len(set(one)) == 9 for one in passes)
    assert set(np.concatenate(passes)) == set(range(10))
    again = minibatches(10, 3, np.random.default_rng(0))
    assert_array_equal(passes[0], np.concatenate([next(again) for _ in range(3)]))
    assert sorted(next(minibatches(4, 50, np.random.default_rng(0)))) == [0, 1, 2, 3]


def test_a_progress_bar_is_shown_on_request(capsys):
    adam(np.zeros(1), quadratic(np.ones(1), np.ones(1)), everything(), AdamOptions(0.1, 5), disp=True)
    assert "5/5" in capsys.readouterr().err
