"""Sums over Student-t residuals against scipy, with and without the compiler."""

import numpy as np
import pytest
from scipy import stats

from pararnn_ts.kernels.student import improved_spread, log_likelihood, settled_spread


def plain(function):
    """The same source without the compiler."""
    return getattr(function, "py_func", function)


@pytest.fixture(params=["compiled", "plain"])
def form(request):
    return (lambda function: function) if request.param == "compiled" else plain


RESID = {
    "ordinary": np.random.default_rng(0).standard_t(4, 300),
    "one gigantic": np.r_[np.random.default_rng(1).standard_normal(50), 1e200**0.5],
    "all far out": np.random.default_rng(2).standard_normal(400) * 1e60,
    "none": np.empty(0),
}


@pytest.mark.parametrize("resid", RESID.values(), ids=RESID)
@pytest.mark.parametrize("dof", [2.1, 5.0, 1e4])
def test_the_log_likelihood_is_that_of_scipy(form, resid, dof):
    expected = stats.t.logpdf(resid, dof, scale=0.7).sum()
    assert form(log_likelihood)(resid**2, 0.7, dof) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("dof", [2.5, 6.0, 50.0])
def test_sweeps_raise_the_likelihood_and_newton_ends_at_its_top(form, dof):
    square = RESID["ordinary"] ** 2
    near, before = 3.0, form(log_likelihood)(square, 3.0, dof)
    for _ in range(8):
        near = form(improved_spread)(square, len(square), near, dof, 1, 1e-150)
        now = form(log_likelihood)(square, near, dof)
        assert now >= before - 1e-9
        before = now
    top = form(settled_spread)(square, near, dof, 3)
    # the likelihood equation: the weighted mean square is the squared spread
    weights = (dof + 1.0) / (dof + square / top**2)
    assert np.mean(weights * square) == pytest.approx(top**2, rel=1e-12)
    assert form(settled_spread)(square, top, dof, 1) == pytest.approx(top, rel=1e-14)


def test_a_spread_never_falls_below_the_least(form):
    assert form(improved_spread)(np.zeros(5), 5.0, 1.0, 4.0, 3, 1e-3) == 1e-3
    # residuals that are all zero have no most likely spread, and Newton stays where it is
    assert form(settled_spread)(np.zeros(5), 0.2, 4.0, 3) == 0.2


def test_fewer_degrees_of_freedom_than_observations_widen_the_spread(form):
    square = RESID["ordinary"] ** 2
    wide = form(improved_spread)(square, len(square) - 100.0, 1.0, 4.0, 50, 1e-150)
    assert wide > form(improved_spread)(square, float(len(square)), 1.0, 4.0, 50, 1e-150)
