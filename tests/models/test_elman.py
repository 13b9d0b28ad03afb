"""The vanilla recurrent network: a ParaRNN with a single unit."""

import numpy as np
import pytest

import pararnn_ts as prt


def series(n=100):
    return np.cumsum(np.random.default_rng(0).normal(size=n)) * 0.3


@pytest.mark.parametrize("hidden", [1, 2, 4])
def test_it_is_one_unit_of_many_states(hidden):
    y = series()
    elman, para = prt.ElmanRNN(y, hidden=hidden), prt.ParaRNN(y, units=(hidden,))
    assert elman.param_names == para.param_names and elman.units == (hidden,)
    ours, theirs = elman.fit(n_starts=4, penalty=1.0), para.fit(n_starts=4, penalty=1.0)
    np.testing.assert_array_equal(ours.params, theirs.params)
    assert ours.llf == theirs.llf


def test_eight_states_by_default():
    assert prt.ElmanRNN(series()).hidden == 8
    assert prt.ElmanRNN(series(), hidden=np.int64(3)).units == (3,)


@pytest.mark.parametrize("hidden", [0, -1, 1.5, "8", None, (2,), True], ids=repr)
def test_bad_numbers_of_states_are_named(hidden):
    with pytest.raises((TypeError, ValueError), match=r"^hidden must be a positive integer, but is .*\.$"):
        prt.ElmanRNN(series(), hidden=hidden)


def test_units_are_no_option():
    with pytest.raises(TypeError, match="units"):
        prt.ElmanRNN(series(), units=(2,))


def test_a_copy_keeps_its_options():
    copy = prt.ElmanRNN(series(), hidden=3, lags=2, activation="logistic").clone_with(series(60))
    assert copy.hidden == 3 and copy.lags == (1, 2) and copy.activation == "logistic" and copy.nobs == 60


def test_units_are_no_option_of_a_single_unit():
    with pytest.raises(TypeError, match="ElmanRNN has no argument 'units'; its options are lags, hidden"):
        prt.ElmanRNN(np.arange(20.0), units=(2,))
