"""How a search ended: what is a warning, what is a note, and what is neither."""

import warnings

import pandas as pd
import pytest
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import pararnn_ts as prt
from pararnn_ts.models.convergence import has_settled, not_converged

NOTE = "went back to where the evidence was largest (past its peak)"


def retvals(status, converged=False, decrement=0.0):
    return {"status": status, "converged": converged, "decrement": decrement, "iterations": 30}


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


def test_what_does_not_need_the_user_is_a_note_and_no_warning():
    series = prt.datasets.load_gasoline()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        results = prt.ParaRNN(series, lags=2, units=(2, 2)).fit()
    assert results.mle_retvals["status"] == "past its peak" and 0.1 < results.mle_retvals["decrement"] < 1.0
    text = " ".join(results.summary().as_text().split())
    assert not results.converged and NOTE in text and "did not converge" not in text


def test_an_optimum_has_neither():
    results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=4)
    assert results.mle_retvals["status"] == "converged" and NOTE not in " ".join(str(results.summary()).split())


def test_far_from_the_optimum_the_distance_is_named_and_what_to_try():
    text = not_converged(retvals("past its peak", False, 5.4321))
    assert "could fall by about 5.4 log-likelihood units" in text and "try a larger maxiter" in text


def test_a_panel_counts_apart_what_needs_the_user():
    series = {"gas": prt.datasets.load_gasoline(), "nile": prt.datasets.load_nile()}
    parts = [y.reset_index(drop=True).rename("y").rename_axis("ds").reset_index() for y in series.values()]
    df = pd.concat(part.assign(unique_id=name) for name, part in zip(series, parts, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = prt.fit_panel(df, lags=2, units=(2, 2))
    loose = panel.table[~panel.table["converged"]]
    assert len(loose) and set(loose["status"]) == {"past its peak"} and (loose["message"] == "").all()
    text = " ".join(panel.summary().as_text().split())
    assert (
        f"{len(loose)} series went back to where their evidence was largest" in text and "did not converge" not in text
    )
