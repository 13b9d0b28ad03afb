"""How a search ended: what is a warning, what is a note, and what is neither."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools.sm_exceptions import ConvergenceWarning, ModelWarning

import pararnn_ts as prt
from pararnn_ts.models.convergence import has_settled, not_converged
from pararnn_ts.models.recurrent import RecurrentModel

NOTE = "went back to where the evidence was largest (past its peak)"


def retvals(status, converged=False, decrement=0.0):
    return {"status": status, "converged": converged, "decrement": decrement, "iterations": 30}


@pytest.fixture
def searches_end(monkeypatch):
    """Let the search of every fit end in a given way."""
    true = RecurrentModel._details

    def end(status, converged, decrement):
        def details(*args, **options):
            found = true(*args, **options)
            return replace(found, mle_retvals={**found.mle_retvals, **retvals(status, converged, decrement)})

        monkeypatch.setattr(RecurrentModel, "_details", details)

    return end


def fit():
    return prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)


def panel():
    y = np.random.default_rng(0).normal(size=60)
    df = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 30), "ds": np.tile(range(30), 2), "y": y})
    return prt.fit_panel(df, units=(1,), n_starts=2)


def text_of(summary):
    return " ".join(summary.as_text().split())


@pytest.mark.parametrize(
    ("found", "settled"),
    [
        (retvals("converged", True), True),
        (retvals("evaluated", True), True),
        (retvals("past its peak", True, 0.05), True),
        (retvals("past its peak", False, 0.9), True),
        (retvals("past its peak", False, 1.1), False),
        (retvals("stopped at maxiter", False, 0.2), False),
        (retvals("stalled"), False),
        ({"status": "past its peak"}, False),
        ({}, False),
    ],
)
def test_a_search_has_settled_at_an_optimum_or_close_to_it_at_the_peak_of_its_evidence(found, settled):
    assert has_settled(found) == settled


@pytest.mark.parametrize(("converged", "decrement"), [(True, 0.05), (False, 0.9)])
def test_a_peak_close_to_the_optimum_is_a_note_and_no_warning(searches_end, converged, decrement):
    searches_end("past its peak", converged, decrement)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        results = fit()
    text = text_of(results.summary())
    assert results.converged == converged and NOTE in text and "did not converge" not in text


def test_a_peak_far_from_the_optimum_is_a_warning_that_names_the_distance(searches_end):
    searches_end("past its peak", False, 5.4321)
    with pytest.warns(ConvergenceWarning, match=r"could fall by about 5\.4 log-likelihood units .* larger maxiter"):
        results = fit()
    assert "did not converge (past its peak)" in text_of(results.summary())


def test_an_optimum_is_neither():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        results = fit()
    assert results.mle_retvals["status"] == "converged" and NOTE not in text_of(results.summary())


def test_a_panel_counts_peaks_apart_from_what_needs_the_user(searches_end):
    searches_end("past its peak", False, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = panel()
    assert not found.table["converged"].any() and (found.table["message"] == "").all()
    text = text_of(found.summary())
    assert "2 series went back to where their evidence was largest" in text and "did not converge" not in text
    searches_end("past its peak", False, 1.5)
    with pytest.warns(ModelWarning, match="2 did not converge"):
        found = panel()
    assert (found.table["message"] == not_converged(retvals("past its peak", False, 1.5))).all()
    assert "2 series did not converge (past its peak)" in text_of(found.summary())
