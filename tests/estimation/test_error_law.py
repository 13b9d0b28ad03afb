"""The law of the shocks: Student's t against scipy, its derivatives, and what is estimated from residuals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from pararnn_ts.estimation.errors import ErrorLaw, concentrated_loglike, log_volume, student_gain, student_law

dofs = st.floats(2.2, 60.0)
spreads = st.floats(1e-3, 1e3)


@given(spread=spreads, dof=dofs)
def test_the_law_is_that_of_scipy(spread, dof):
    law = ErrorLaw(spread, dof)
    resid = spread * np.linspace(-9.0, 9.0, 7)
    np.testing.assert_allclose(law.loglikeobs(resid), stats.t.logpdf(resid, dof, scale=spread), rtol=1e-9, atol=1e-9)
    assert law.variance == pytest.approx(stats.t.var(dof, scale=spread), rel=1e-9)
    np.testing.assert_allclose(law.distribution().logpdf(resid), law.loglikeobs(resid), rtol=1e-9, atol=1e-9)


@given(spread=spreads, dof=dofs)
def test_weights_and_curvature_are_derivatives_of_the_log_density(spread, dof):
    law, step = ErrorLaw(spread, dof), 1e-4 * spread
    resid = spread * np.linspace(-4.0, 4.0, 9)
    slope = (law.loglikeobs(resid + step) - law.loglikeobs(resid - step)) / (2 * step)
    np.testing.assert_allclose(-law.weights(resid) * resid / spread**2, slope, atol=1e-6 / spread)
    bend = (law.loglikeobs(resid + step) - 2 * law.loglikeobs(resid) + law.loglikeobs(resid - step)) / step**2
    np.testing.assert_allclose(law.curvature(resid), -bend, atol=1e-5 / spread**2)


@pytest.mark.parametrize("dof", [2.5, 4.0, 30.0])
def test_the_information_is_the_expected_curvature(dof):
    law = ErrorLaw(1.7, dof)
    density = law.distribution().pdf
    expected = integrate.quad(lambda r: float(law.curvature(np.array([r]))[0] * density(r)), -np.inf, np.inf)[0]
    assert law.information == pytest.approx(expected, rel=1e-6)
    weight = integrate.quad(lambda r: float(law.weights(np.array([r]))[0] * density(r)), -np.inf, np.inf)[0]
    assert weight == pytest.approx(1.0, rel=1e-6)


def test_many_degrees_of_freedom_are_the_normal_law():
    resid = np.linspace(-3.0, 3.0, 13)
    normal, nearly = ErrorLaw(1.3), ErrorLaw(1.3, 1e9)
    for name in ("loglikeobs", "weights", "curvature"):
        np.testing.assert_allclose(getattr(nearly, name)(resid), getattr(normal, name)(resid), atol=1e-6)
    assert nearly.variance == pytest.approx(normal.variance)
    assert nearly.information == pytest.approx(normal.information)


def test_draws_have_the_law():
    law = ErrorLaw(2.0, 5.0)
    draws = law.draw(np.random.default_rng(0), (20_000,))
    assert stats.kstest(draws, law.distribution().cdf).pvalue > 0.01


@pytest.mark.parametrize("dof", [3.0, 6.0, 12.0])
def test_the_estimate_is_at_the_maximum_of_the_likelihood(dof):
    resid = ErrorLaw(0.7, dof).draw(np.random.default_rng(1), (4000,))
    law = student_law(resid, 0.0, sweeps=60)
    best, _, spread = stats.t.fit(resid, floc=0.0)
    assert law.loglikeobs(resid).sum() >= stats.t.logpdf(resid, best, scale=spread).sum() - 0.05
    assert law.spread == pytest.approx(0.7, rel=0.06)
    assert law.dof == pytest.approx(dof, rel=0.25)


def test_the_estimate_does_not_depend_on_units():
    resid = np.random.default_rng(2).standard_t(4, 300)
    one, other = student_law(resid, 3.0), student_law(1e6 * resid, 3.0)
    assert other.dof == pytest.approx(one.dof)
    assert other.spread == pytest.approx(1e6 * one.spread)


def test_the_concentrated_likelihood_is_the_largest_over_spreads():
    resid = np.random.default_rng(3).standard_t(4, 200)
    for dof in (4.0, np.inf):
        found = concentrated_loglike(resid, dof)
        others = [ErrorLaw(s, dof).loglikeobs(resid).sum() for s in np.linspace(0.3, 3.0, 400)]
        assert max(others) == pytest.approx(found, abs=0.01)
        assert found >= max(others) - 1e-6


def test_not_knowing_the_degrees_of_freedom_costs_little_but_something():
    resid = np.random.default_rng(4).standard_t(4, 400)
    law = student_law(resid, 0.0, sweeps=20)
    assert -4.0 < log_volume(resid, 0.0, law) < 0.0


def test_outliers_are_what_students_law_gains_from():
    rng = np.random.default_rng(5)
    normal = rng.standard_normal(400)
    spiked = normal.copy()
    spiked[::40] *= 8.0
    assert student_gain(normal) < 1.0
    assert student_gain(spiked) > 20.0


def test_a_law_of_residuals_that_are_mostly_rounding_can_be_computed():
    for resid in (np.r_[np.full(9, 1e-200), 1.0], np.r_[np.zeros(9), 1.0], np.zeros(5), np.full(7, 1e-180)):
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            law = student_law(resid, 0.0)
            assert np.isfinite(law.loglikeobs(resid)).all()
        assert law.spread > 0.0


def test_the_spread_of_a_law_is_no_smaller_than_rounding():
    for resid in (np.zeros(9), np.full(7, 1e-60)):
        law = student_law(resid, 0.0, least=1e-16)
        assert law.spread == 1e-16
        assert log_volume(resid, 0.0, law, 1e-16) == pytest.approx(0.0, abs=3.0)
    # where residuals are larger it has no part
    resid = np.random.default_rng(0).standard_t(4, 200)
    assert student_law(resid, 2.0, least=1e-16) == student_law(resid, 2.0)
