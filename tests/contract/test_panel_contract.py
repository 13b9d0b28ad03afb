"""What a model of many series at once promises for every kind of index."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from index_kinds import KINDS, LENGTH, REFUSED, N
from numpy.testing import assert_allclose, assert_array_equal

import pararnn_ts as prt

WIDTH = 4
VALUES = np.cumsum(np.random.default_rng(0).normal(size=(LENGTH, WIDTH)), axis=0)
NAMES = ["a", "b", "c", "d"]

contract = pytest.mark.parametrize("kind", KINDS)


def rows(kind, start, stop):
    """Rows of the table, with the labels that the user has."""
    if KINDS[kind].grid is None:
        return VALUES[start:stop]
    columns = [KINDS[kind].rows(VALUES[:, j], start, stop) for j in range(WIDTH)]
    return pd.concat(columns, axis=1, keys=NAMES)


@cache
def fitted(kind):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*inserted")
        return prt.SISTARNN(rows(kind, 0, N), dictionary="dct", lam1=0.01, lam2=0.3).fit()


def labels_of(kind, start, stop):
    grid = KINDS[kind].grid
    return pd.RangeIndex(start, stop) if grid is None else grid[start:stop]


def assert_labelled(table, kind, start, stop):
    expected = labels_of(kind, start, stop)
    assert isinstance(table.index, type(expected)) and table.index.equals(expected)
    assert getattr(table.index, "freq", None) == getattr(expected, "freq", None)


@contract
def test_what_is_recovered_is_labelled_as_the_table_is(kind):
    results = fitted(kind)
    for table in (results.reconstruction, results.fittedvalues, results.codes, results.one_step):
        assert_labelled(table, kind, 0, N)
        assert np.isfinite(table.to_numpy()).all()
    assert list(results.fittedvalues.columns) == (["y0", "y1", "y2", "y3"] if KINDS[kind].grid is None else NAMES)


@contract
def test_absent_labels_are_missing_rows(kind):
    results, absent = fitted(kind), list(KINDS[kind].absent)
    missing = np.flatnonzero(results.resid.isna().all(axis=1))
    assert missing.tolist() == absent
    assert results.model.nobs == N - len(absent)


@contract
def test_a_fit_does_not_depend_on_the_index(kind):
    if KINDS[kind].absent:
        pytest.skip("other data")
    assert_array_equal(fitted(kind).codes, fitted("array").codes)


@contract
def test_forecasts_continue_the_index(kind):
    results = fitted(kind)
    assert_labelled(results.forecast(3), kind, N, N + 3)
    assert_labelled(results.get_forecast(3, n_sims=20, rng=0).predicted_mean, kind, N, N + 3)
    assert_labelled(results.simulate(4, rng=0), kind, N, N + 4)


@contract
def test_forecasts_can_be_asked_for_up_to_a_label(kind):
    results, last = fitted(kind), labels_of(kind, N + 2, N + 3)[0]
    if isinstance(last, (int, np.integer)):
        pytest.skip("integers count steps")
    for label in (last, str(last)):
        assert_array_equal(results.forecast(label), results.forecast(3))
    assert_labelled(results.get_forecast(last, n_sims=20, rng=0).conf_int(), kind, N, N + 3)
    inside = labels_of(kind, N - 1, N)[0]
    with pytest.raises(ValueError, match=r"^steps=.* lies inside the sample, which ends at .*; name a later label\.$"):
        results.forecast(inside)


def test_what_is_no_number_of_steps_is_refused_as_by_the_other_results():
    results = fitted("monthly periods")
    for steps, error, message in (
        (0, ValueError, "steps must be at least 1, but is 0"),
        (1.5, TypeError, "steps must be a positive integer or the last label to forecast, not 1.5"),
        (True, TypeError, "steps must be a positive integer or the last label to forecast, not True"),
        ("never", KeyError, "steps='never' is not in the index"),
    ):
        for call in (results.forecast, results.get_forecast):
            with pytest.raises(error, match=message):
                call(steps)


@contract
def test_new_rows_are_appended_and_extended_from_the_code_at_the_end(kind):
    results, new = fitted(kind), rows(kind, N, N + 3)
    longer, tail = results.append(new), results.extend(new)
    assert_labelled(longer.reconstruction, kind, 0, N + 3)
    assert_labelled(tail.reconstruction, kind, N, N + 3)
    assert_array_equal(longer.codes.to_numpy()[:N], results.codes)
    assert_array_equal(longer.codes.to_numpy()[N:], tail.codes)
    assert_labelled(tail.forecast(2), kind, N + 3, N + 5)
    assert_array_equal(longer.forecast(2), tail.forecast(2))
    assert_allclose(longer.one_step.to_numpy()[N], results.forecast(1).to_numpy()[0], rtol=1e-12)
    # without labels they follow the sample
    assert_array_equal(results.append(np.asarray(new)).forecast(2), longer.forecast(2))


@contract
def test_results_are_applied_to_the_same_table(kind):
    results = fitted(kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*inserted")
        again = results.apply(rows(kind, 0, N))
    assert_array_equal(again.codes, results.codes)
    assert_labelled(again.forecast(2), kind, N, N + 2)


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "two levels"])
def test_labels_without_equal_spacing_are_refused_in_a_sentence(kind):
    labels, word = REFUSED[kind]
    with pytest.raises(ValueError, match=rf"^endog .*{word}.*\.$"):
        prt.SISTARNN(pd.DataFrame(VALUES[:N], labels), dictionary="dct")


def test_a_gap_in_the_index_is_filled_with_one_warning():
    for kind in ("days with a gap", "monthly periods with a gap"):
        with pytest.warns(UserWarning, match="inserted") as caught:
            prt.SISTARNN(rows(kind, 0, N), dictionary="dct")
        assert len(caught) == 1 and caught[0].filename == __file__
