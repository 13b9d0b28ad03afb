"""How the best start of the optimiser ended, in words, and whether that asks for anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pararnn_ts.estimation.estimate import STATUS_WORDS
from pararnn_ts.estimation.levenberg_marquardt import LEAD, PEAKED

__all__ = ["PAST_ITS_PEAK", "has_settled", "is_past_its_peak", "not_converged"]

PAST_ITS_PEAK = (
    "The search went back to where the evidence was largest (past its peak). Beyond, the units follow the sample more "
    "closely than the evidence supports. Nothing has to be done; standard errors of the weights of units are "
    "approximate."
)


def is_past_its_peak(retvals: Mapping[str, Any]) -> bool:
    """
    Whether the best start went back to where its evidence was largest.

    Parameters
    ----------
    retvals : mapping
        `mle_retvals` of results.

    Examples
    --------
    >>> from pararnn_ts.models.convergence import is_past_its_peak
    >>> is_past_its_peak({"status": "past its peak"}), is_past_its_peak({"status": "converged"})
    (True, False)
    """
    return retvals.get("status") == STATUS_WORDS[PEAKED]


def has_settled(retvals: Mapping[str, Any]) -> bool:
    """
    Whether the best start ended as it was meant to: at an optimum, or at the peak of its evidence with little left.

    Parameters
    ----------
    retvals : mapping
        What the optimiser returned: `mle_retvals` of results.

    Examples
    --------
    >>> from pararnn_ts.models.convergence import has_settled
    >>> has_settled({"converged": False, "status": "past its peak", "decrement": 0.4})
    True
    >>> has_settled({"converged": False, "status": "stopped at maxiter", "decrement": 0.4})
    False
    """
    # with as little left to fall the optimiser itself gives up hope that the evidence rises once more
    little = retvals.get("decrement", float("inf")) < LEAD
    return bool(retvals.get("converged")) or (is_past_its_peak(retvals) and little)


def not_converged(retvals: Mapping[str, Any]) -> str:
    """
    Say why the best start did not converge, and what to try.

    Parameters
    ----------
    retvals : mapping
        `mle_retvals` of results.

    Examples
    --------
    >>> from pararnn_ts.models.convergence import not_converged
    >>> not_converged({"status": "stopped at maxiter", "iterations": 200})[:66]
    'The best start did not converge (stopped at maxiter after 200 eval'
    """
    if is_past_its_peak(retvals):
        return (
            "The best start did not converge (past its peak: it went back to where its evidence was largest, and the "
            f"penalised objective could fall by about {retvals['decrement']:.1f} log-likelihood units from there); "
            "standard errors are rough; try a larger maxiter, more starts, fewer units or states, or a fixed penalty, "
            "and see results.starts."
        )
    return (
        f"The best start did not converge ({retvals['status']} after {retvals['iterations']} evaluations); try a "
        "larger maxiter, more starts or fewer units or states, and see results.starts."
    )
