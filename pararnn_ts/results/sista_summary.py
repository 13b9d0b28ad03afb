"""The summary of a sequential sparse model: what was recovered, the constants, what was learnt and how stable it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from statsmodels.iolib.table import SimpleTable
from statsmodels.iolib.tableformatting import fmt_2cols, fmt_params

from pararnn_ts.estimation.coding import SAFE
from pararnn_ts.estimation.sista import SISTAParams, lipschitz
from pararnn_ts.results.summary import RecurrentSummary, align_tables, listed, short_label

if TYPE_CHECKING:
    from pararnn_ts.results.sista import SISTAResults

__all__ = ["make_summary", "moves"]

# a recovered signal so many times as large as the measurements explain is a sign of an unstable network
LARGE = 10.0


def make_summary(results: SISTAResults) -> RecurrentSummary:
    """Lay out the summary, see `SISTAResults.summary`."""
    summary = RecurrentSummary()
    tables = [_two_columns(_left(results), _right(results), "SISTARNN Results")]
    if results.tied:
        tables += [_constants(results), _transition_table(results)]
    align_tables(tables)
    summary.tables = tables
    summary.add_extra_txt(["Notes:", *(f"[{i}] {note}" for i, note in enumerate(_notes(results), start=1))])
    return summary


def _two_columns(left: list[tuple[str, str]], right: list[tuple[str, str]], title: str) -> SimpleTable:
    rows = max(len(left), len(right))
    left, right = ([*part, *[("", "")] * (rows - len(part))] for part in (left, right))
    table = SimpleTable(
        [[value] for _, value in left], stubs=[name for name, _ in left], title=title, txt_fmt=fmt_2cols
    )
    table.extend_right(SimpleTable([[v] for _, v in right], stubs=[f"  {n:<22}" for n, _ in right], txt_fmt=fmt_2cols))
    return table


def _left(results: SISTAResults) -> list[tuple[str, str]]:
    model, frame = results.model, results.frame
    lengths = frame.panel.lengths
    n, missing = len(lengths), int(np.isnan(frame.panel.x).sum())
    spans = f"{lengths.min()}" if lengths.min() == lengths.max() else f"{lengths.min()} to {lengths.max()}"
    if n == 1:
        sample = f"{short_label(frame.times[0][0])} - {short_label(frame.times[0][-1])}"
    else:
        sample = f"{n} sequences of {spans}"
    dictionary = model.dictionary if isinstance(model.dictionary, str) else "given"
    return [
        ("Model:", f"SISTA-RNN, {model.n_layers} layers" if results.training else "SISTA, not trained"),
        ("Sample:", sample),
        ("Sensors:", f"{len(frame.columns)}"),
        ("Signals:", f"{len(model.signal_names)}"),
        ("Atoms:", f"{len(model.atom_names)} ({dictionary})"),
        ("Missing:", f"{missing} of {frame.panel.x.size} ({missing / frame.panel.x.size:.1%})"),
        ("Trained:", _trained(results)),
    ]


def _trained(results: SISTAResults) -> str:
    if results.training is None:
        return "nothing"
    if not results.tied:
        return "all weights, freed"
    return ", ".join(results.training.plan.train)


def _right(results: SISTAResults) -> list[tuple[str, str]]:
    training = results.training
    rows = [
        ("Nonzero codes", f"{results.sparsity:.1%}"),
        ("Active atoms, mean", f"{results.active_atoms.mean():.2f}"),
        ("MSE of measurements", f"{np.nanmean(results.resid.to_numpy() ** 2):.5g}"),
    ]
    if results.tied:
        rows.append(("MSE of one-step pred.", f"{_one_step_error(results):.5g}"))
    if training is None:
        coded = results.coded
        rows += [
            ("Objective", f"{results.objective:.5g}"),
            ("Iterations, mean", f"{0.0 if coded is None else coded.iterations.mean():.1f} of {results.maxiter}"),
        ]
        return rows
    return [
        *rows,
        ("MSE, training", f"{training.train_mse:.5g}"),
        ("MSE, held out", f"{training.valid_mse:.5g}" if np.isfinite(training.valid_mse) else "-"),
        ("Updates", f"{training.updates}, best {training.best_update}"),
    ]


def _one_step_error(results: SISTAResults) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nanmean((results.frame.panel.x - results.one_step_values()) ** 2))


def _number(value: float) -> str:
    return f"{value:.4g}"


def _values(params: SISTAParams) -> list[float]:
    bound = lipschitz(params)
    return [params.alpha, params.lam1, params.lam2, bound, bound / params.alpha]


def _constants(results: SISTAResults) -> SimpleTable:
    """Constants before and after the training, and the inverse step against its bounds."""
    now = results.values
    before = now if results.training is None else results.training.start
    rows, stubs = (
        [],
        ["alpha (inverse step)", "lam1 (sparsity)", "lam2 (continuity)", "L (Lipschitz constant)", "L / alpha"],
    )
    for old, new in zip(*(_values(params) for params in (before, now)), strict=True):
        rows.append([_number(old), _number(new)])
    meaning = [
        "at least L: the objective falls", "threshold of codes is lam1 / alpha", "weight of the transition", "",
        "up to 1: falls; from 2: may expand",
    ]  # fmt: skip
    cells = [[*row, f"  {text}"] for row, text in zip(rows, meaning, strict=True)]
    return SimpleTable(
        cells, ["start", "fitted", ""], stubs,
        txt_fmt={**fmt_params, "data_fmts": ["%s"] * 3, "data_aligns": "rrl"},
    )  # fmt: skip


def moves(results: SISTAResults) -> pd.DataFrame:
    """
    What the transition does to each signal.

    Returns
    -------
    DataFrame
        Indexed by signal: the signal that its value moves to ("to"), how many places further that is ("shift"), the
        entry ("weight") and its share of the column's absolute sum ("share").
    """
    F, names = results.values.F, results.model.signal_names
    size = np.abs(F)
    to = size.argmax(axis=0)
    n = len(F)
    shift = (to - np.arange(n) + n // 2) % n - n // 2
    total = np.maximum(size.sum(axis=0), 1e-300)
    return pd.DataFrame(
        {"to": names[to], "shift": shift, "weight": F[to, np.arange(n)], "share": size[to, np.arange(n)] / total}, names
    )


def _transition_table(results: SISTAResults) -> SimpleTable:
    """What the transition does, and how far training moved the matrices."""
    table = moves(results)
    common = table["shift"].mode().iloc[0]
    agree = int((table["shift"] == common).sum())
    F = results.values.F
    left = [
        ("Transition: |F|", _number(float(np.linalg.norm(F, 2)))),
        ("Spectral radius", _number(float(np.abs(np.linalg.eigvals(F)).max()))),
        ("Commonest shift", f"{common:+d} for {agree} of {len(F)}" if common else f"0 (stays) for {agree} of {len(F)}"),
        ("Mass on largest", f"{table['share'].mean():.1%}"),
    ]
    before = results.values if results.training is None else results.training.start
    right = []
    for name, what in (("A", "measurement"), ("D", "dictionary"), ("F", "transition")):
        old, new = getattr(before, name), getattr(results.values, name)
        right.append((f"Change of {what}", f"{_relative_change(old, new):.1%}"))
    right.append(("Largest |code|", _number(float(np.abs(results.raw_codes).max(initial=0.0)))))
    return _two_columns(left, right, "")


def _relative_change(old: np.ndarray, new: np.ndarray) -> float:
    return float(np.linalg.norm(new - old)) / max(float(np.linalg.norm(old)), 1e-300)


def _notes(results: SISTAResults) -> list[str]:
    """Sentences on what was chosen, on the training and on what to be wary of."""
    model, training = results.model, results.training
    notes = [note if note.endswith(".") else f"{note}." for note in (_capital(n) for n in results.frame.notes[:3])]
    before = "" if training is None else ", before the training"
    chosen = [name for name in ("lam1", "lam2") if getattr(model, name) is None]
    if chosen:
        verb, found = ("was", "it has the value that predicts") if len(chosen) == 1 else ("were", "they predict")
        notes.append(f"{listed(chosen)} {verb} not given: {found} held-out measurements best{before}.")
    if model.alpha is None:
        notes.append(f"alpha was not given: it is {SAFE:g} times the Lipschitz constant{before}.")
    notes.append("No standard errors are known for these estimates; get_forecast gives intervals by bootstrap.")
    if training is None:
        coded = results.coded
        short = 0.0 if coded is None else float((coded.iterations == results.maxiter).mean())
        if results.tol > 0 and short > 0.01:
            notes.append(f"{short:.0%} of the observations did not meet tol within maxiter={results.maxiter} steps.")
    else:
        notes += _training_notes(results, training)
    if results.tied and lipschitz(results.values) / results.values.alpha > 2.0:
        notes.append("The step is longer than twice the inverse Lipschitz constant: the iteration may expand.")
    if results.tied and np.linalg.norm(results.values.F, 2) > 1.0 + 1e-9:
        notes.append("The transition has norm above one: forecasts may grow without bound.")
    largest = float(np.nanmax(np.abs(results.frame.panel.x)))
    if np.abs(results.fittedvalues.to_numpy()).max(initial=0.0) > LARGE * largest:
        notes.append("Fitted measurements are far larger than those observed: the network is unstable on these data.")
    return notes


def _training_notes(results: SISTAResults, training: Any) -> list[str]:
    what = "predict the next measurement" if training.forecast else "recover the target"
    tried = len(training.tried)
    notes = [
        f"Trained to {what}, at learning rate {training.learning_rate:g}"
        + (f", the best of {tried} on held-out data." if tried > 1 else ", the only one tried.")
    ]
    if results.tied and _one_step_error(results) > float(np.nanmean(results.frame.panel.x**2)):
        notes.append(
            "Predictions of the next measurement are no better than zero; for forecasts, train a model that starts "
            "from this measurement, dictionary and transition once more, without a target."
        )
    if not np.isfinite(training.valid_mse):
        notes.append("Nothing was held out: the training error says little about other data.")
    if not training.converged:
        notes.append(f"The training diverged after {training.updates} updates; the best parameters before are kept.")
    if training.best_update == 0:
        notes.append("No update improved on the start values.")
    if not results.tied:
        notes.append("The weights were freed from the model: there is no transition, and absent sensors count as zero.")
    return notes


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
