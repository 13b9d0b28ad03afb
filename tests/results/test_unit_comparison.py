"""Leaving units out: what the comparison finds in cases where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.pararnn import ParaRNN


@pytest.fixture(scope="module")
def saturating():
    """A series with one tanh unit in it, in dimension 2 for room."""
    rng = np.random.default_rng(0)
    y = np.zeros(400)
    for t in range(1, 400):
        y[t] = -1.5 * np.tanh(1.5 * y[t - 1] + 0.3) + 0.8 * y[t - 1] + rng.standard_normal()
    return y[100:]


def test_a_unit_of_the_process_earns_its_place_and_another_does_not(saturating):
    one = ParaRNN(saturating, units=(1,)).fit(n_starts=8).test_units()
    assert one["log_evidence"].iloc[0] > 3 and one["bic"].iloc[0] > 0
    two = ParaRNN(saturating, units=(1, 1)).fit(n_starts=8).test_units()
    # either of them can take the place of the other
    assert (two.iloc[0] - two.iloc[1]).dropna().eq(0).all()
    assert two["log_evidence"].iloc[1] < 3 and two["effective"].iloc[1] < 4


def test_differences_are_those_of_the_model_without_the_unit(saturating):
    results = ParaRNN(saturating, units=(1,), linear_lags=2).fit(n_starts=8)
    linear = ParaRNN(saturating, units=(), linear_lags=2).fit()
    row = results.test_units().loc["unit1"]
    assert row["likelihood_ratio"] == pytest.approx(2 * (results.llf - linear.llf), rel=1e-6)
    assert row["aic"] == pytest.approx(linear.aic - results.aic, rel=1e-6)
    assert row["log_evidence"] == pytest.approx(results.log_evidence - linear.log_evidence, rel=1e-6)
    assert np.isnan(row["bootstrap_pvalue"])


def test_rows_stay_the_same_when_longer_lags_leave_with_the_unit(saturating):
    results = ParaRNN(saturating, lags=5, units=(1,), linear_lags=1).fit(n_starts=2)
    same_rows = ParaRNN(saturating, units=(), linear_lags=1, hold_back=5).fit()
    expected = 2 * (results.llf - same_rows.llf)
    assert results.test_units()["likelihood_ratio"].iloc[0] == pytest.approx(expected, rel=1e-6)


def test_bootstrap_knows_that_a_search_finds_something_in_noise(saturating):
    y = lfilter([1], [1, -0.5, 0.3], np.random.default_rng(1).standard_normal(200))
    noise = ParaRNN(y, units=(1,), linear_lags=2).fit(n_starts=4, penalty=0, maxiter=60)
    real = ParaRNN(saturating, units=(1,)).fit(n_starts=4)
    found = noise.test_units(bootstrap=19)
    assert found["likelihood_ratio"].iloc[0] > 0 and found["bootstrap_pvalue"].iloc[0] > 0.1
    assert real.test_units(bootstrap=19)["bootstrap_pvalue"].iloc[0] == pytest.approx(1 / 20)
    pd.testing.assert_frame_equal(found, noise.test_units(bootstrap=19))
    columns = ["likelihood_ratio", "aic"]
    pd.testing.assert_frame_equal(found[columns], noise.test_units()[columns])


def test_gaps_and_exogenous_values(gappy):
    assert np.isfinite(gappy[0].test_units(bootstrap=2)).all().all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda y: ElmanRNN(y, hidden=2).fit(n_starts=2).test_units(), TypeError, "not to ElmanRNN"),
        (lambda y: ParaRNN(y, units=(1,)).fit(n_starts=2).apply(y[:50]).test_units(), ValueError, "fit first"),
        (lambda y: ParaRNN(y, units=(1,)).fit(n_starts=2).test_units(-1), ValueError, "bootstrap must be an integer"),
    ],
)
def test_what_cannot_be_compared_is_refused(saturating, make, error, message):
    with pytest.raises(error, match=message):
        make(saturating)
