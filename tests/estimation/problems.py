"""Small samples, and the standardised problem as the textbook sees it."""

import numpy as np
import twin

from pararnn_ts.estimation.estimate import make_problem
from pararnn_ts.estimation.problem import Sample


def nonlinear_series(n, seed=0):
    """A cyclical, mildly nonlinear series around 3."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.7 * y[t - 2] + rng.normal()
    return 3.0 + y[50:]


def make(spec, y, exog=None):
    """Problem for a series whose only deterministic term, if any, is a constant."""
    n = len(y)
    assert spec.n_deterministic < 2
    weight = np.isfinite(y).astype(float)
    weight[: spec.hold_back] = 0.0
    exog = np.zeros((n, 0)) if exog is None else exog
    sample = Sample(np.array(y, dtype=float), exog, np.ones((n, spec.n_deterministic)), weight)
    return make_problem(spec, sample, np.ones(1) if spec.n_deterministic else None)


def residuals(problem, params):
    """Weighted residuals of the standardised problem, by the twin; `params` may be complex."""
    spec, sample, scaling = problem.specification, problem.sample, problem.scaling
    run = twin.run(
        spec, np.asarray(params) + scaling.prior_mean, sample.y, sample.exog,
        sample.deterministic / scaling.deterministic_scale,
        center=scaling.center, scale=scaling.scale, ranks=spec.linear_lag_ranks,
    )  # fmt: skip
    used = sample.weight > 0.0
    return sample.weight[used] * (sample.y[used] - run.fitted[used]) / scaling.scale[0]


def derivatives(problem, params):
    """Weighted residuals and the Jacobian of the predictions."""
    return residuals(problem, params), -twin.imaginary_step(lambda p: residuals(problem, p), params)


def ridge_of(problem, alpha):
    """Prior precision of every parameter; zero where there is none."""
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), 4)
    return np.where(problem.group >= 0, alpha[np.maximum(problem.group, 0)], 0.0)
