"""Results can be looked through: editors and documentation tools ask for every attribute."""

import copy
import inspect
import io
import pickle

import numpy as np
import pytest
from index_kinds import KINDS, N
from test_contract import MODELS, VALUES
from test_contract import fitted as fitted_series
from test_panel_contract import VALUES as PANEL
from test_panel_contract import fitted as fitted_panel

import pararnn_ts as prt

KIND = "monthly periods"


def stored(results):
    file = io.BytesIO()
    results.save(file)
    file.seek(0)
    return prt.load(file)


def removed(results):
    # the data are those of the model, which other tests share
    own = copy.deepcopy(results)
    own.remove_data()
    return own


STATES = {
    "fitted": lambda results: results,
    "in a file": stored,
    "unpickled": lambda results: pickle.loads(pickle.dumps(results)),
    "extended": lambda results: results.extend(KINDS[KIND].rows(VALUES, N, N + 3)),
    "appended": lambda results: results.append(KINDS[KIND].rows(VALUES, N, N + 3)),
    "too short for residuals": lambda results: results.apply(VALUES[:6]),
    "without data": removed,
    "without data, in a file": lambda results: stored(removed(results)),
    "without data, unpickled": lambda results: pickle.loads(pickle.dumps(removed(results))),
}


def assert_readable(results):
    for one in (results, getattr(results, "_results", results)):
        names = {name for name, _ in inspect.getmembers(one)}
        assert {"params", "forecast", "summary"} <= names
        # dir promises them and none fails but by saying that it is not there
        assert all(hasattr(one, name) or name not in names for name in dir(one))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", MODELS)
def test_every_attribute_can_be_asked_for(name, state):
    assert_readable(STATES[state](fitted_series(name, KIND)))


@pytest.mark.parametrize("name", MODELS)
def test_looking_through_results_estimates_nothing(name, monkeypatch):
    results = pickle.loads(pickle.dumps(fitted_series(name, KIND)))
    monkeypatch.setattr(type(results.model), "fit", lambda *args, **options: pytest.fail("parameters were estimated"))
    assert_readable(results)


@pytest.mark.parametrize("state", ["fitted", "in a file", "unpickled"])
def test_every_attribute_of_a_panel_can_be_asked_for(state):
    assert_readable(STATES[state](fitted_panel(KIND)))


def test_a_panel_whose_iteration_diverges_or_whose_weights_were_freed_can_be_looked_through():
    wild = prt.SISTARNN(PANEL, dictionary="dct", lam1=0.01, lam2=0.3, alpha=1e-3).fit(maxiter=300)
    with pytest.raises(ValueError, match="The iteration diverged"):
        _ = wild.codes
    freed = prt.SISTARNN(PANEL, dictionary="dct", lam1=0.01, lam2=0.3).fit("rnn", target=PANEL, tied=False, epochs=2)
    with pytest.raises(ValueError, match="The weights of this network were freed"):
        _ = freed.transition
    for results in (wild, freed):
        assert_readable(results)


@pytest.mark.parametrize("name", ["ODERNN", "QUNN", "LSTM"])
def test_what_only_units_have_is_refused_in_the_same_sentence_as_before(name):
    results = fitted_series(name, KIND)
    for attribute in ("recurrence_features", "identification"):
        assert not hasattr(results, attribute)
        with pytest.raises(TypeError, match=rf"^Recurrence features belong to .* not to {name}; .*\.$"):
            getattr(results, attribute)
    with pytest.raises(AttributeError, match=r"^The data of these results were removed; .*\.$"):
        _ = removed(results).resid


def test_what_is_there_is_found_where_units_are():
    results = fitted_series("ParaRNN", KIND)
    assert np.isfinite(results.recurrence_features["modulus"]).all() and hasattr(results, "identification")
