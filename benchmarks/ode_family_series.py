"""
All recurrent models on the shipped series: one-step accuracy, parameters, time of a fit; and ParaRNN against ElmanRNN.

Every model has the linear path of the BIC-selected autoregression (with the exogenous values where there are any), and
a recurrent part that reads two lags (the QUNN: a memory of ten); parameters are estimated on the training part, its
last 1,500 rows where it is longer, from four starts with at most 60 evaluations each, and stay fixed. The first table
has recurrent parts of four states, or four amplitudes. The second sets ParaRNN (units of dimension two) beside ElmanRNN
at 4, 8, 16 and 32 states, on the last 1,500, 1,500, 600 and 600 rows, with at most 60, 60, 40 and 20 evaluations. The
autoregression that is the bar has the whole training part. Seconds are processor time on one thread; the two models of
a pair are fitted one right after the other. `--times` measures the pairs of a few series again, to be run while the
machine does nothing else.

    python benchmarks/ode_family_series.py [--only NAME ...] [--times] [--seconds S] [--out FILE]

Results are kept in a JSON file, so that the study can be continued; `--seconds` stops it after a while.
"""

import argparse
import json
import platform
import time
import warnings
from pathlib import Path

import numba
import numpy as np
import pandas as pd
from accuracy import MAX_ORDER, Case, cases

import pararnn_ts as prt

STORE = Path(__file__).parent / "results" / "ode_family_series.json"
SIZES = (4, 8, 16, 32)
# ratios are clipped to these before they are averaged, so that no single series decides
LOW, HIGH = 0.5, 2.0
# rows of the training part and evaluations, by number of states
ROWS = {4: 1500, 8: 1500, 16: 600, 32: 600}
EVALUATIONS = {4: 60, 8: 60, 16: 40, 32: 20}
# series whose pairs `--times` measures again
TIMED = ("Nile", "lynx, log10", "US GDP growth")
MODELS = {
    "ParaRNN, units (2, 2)": lambda y, x, **o: prt.ParaRNN(y, x, units=(2, 2), **o),
    "ElmanRNN, 4 states": lambda y, x, **o: prt.ElmanRNN(y, x, hidden=4, **o),
    "ODERNN, order 2, RK4, step 0.5": lambda y, x, **o: prt.ODERNN(y, x, hidden=2, order=2, stages=4, step=0.5, **o),
    "AntisymmetricRNN, 4 states": lambda y, x, **o: prt.ODERNN.antisymmetric_rnn(y, x, hidden=4, **o),
    "coRNN, 2 oscillators": lambda y, x, **o: prt.ODERNN.cornn(y, x, hidden=2, step=0.5, **o),
    "LSTM, 2 cells": lambda y, x, **o: prt.LSTM(y, x, hidden=2, **o),
    "QUNN, 2 qubits, memory 10, tied": lambda y, x, **o: prt.QUNN(
        y, x, qubits=2, memory=10, tie=True, **{**o, "lags": 1}
    ),
}


def bar(case: Case) -> tuple[float, list[int]]:
    """Squared test error of the autoregression of the order that minimises BIC, and its lags."""
    y, n = case.y.to_numpy(float), case.n_train
    start = max(MAX_ORDER, *case.seasonal_lags, 0)
    best: tuple[float, float, list[int]] = (np.inf, np.inf, [])
    for order in range(1, MAX_ORDER + 1):
        lags = sorted({*range(1, order + 1), *case.seasonal_lags})
        columns = [np.ones(len(y) - start), *(y[start - k : len(y) - k] for k in lags)]
        if case.exog is not None:
            columns += list(case.exog.to_numpy(float)[start:].T)
        design, target, train = np.column_stack(columns), y[start:], n - start
        beta = np.linalg.lstsq(design[:train], target[:train], rcond=None)[0]
        error = target - design @ beta
        bic = train * np.log(np.mean(error[:train] ** 2)) + design.shape[1] * np.log(train)
        best = min(best, (bic, float(np.mean(error[train:] ** 2)), lags))
    return best[1], best[2]


def measure(make, case: Case, lags: list[int], size: int) -> dict:
    """Squared test error, parameters and processor seconds of one fit."""
    n = case.n_train
    first = max(0, n - ROWS[size] - max(lags))
    exog = (None, None) if case.exog is None else (case.exog.iloc[first:n], case.exog.iloc[n:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = case.y.iloc[first:n].reset_index(drop=True)
        x = None if exog[0] is None else exog[0].reset_index(drop=True)
        model = make(y, x, lags=2, linear_lags=lags)
        began = time.process_time()
        results = model.fit(n_starts=4, maxiter=EVALUATIONS[size], rng=0)
        seconds = time.process_time() - began
        new = None if exog[1] is None else exog[1].to_numpy()
        error = results.append(case.y.iloc[n:].to_numpy(), new).resid.iloc[len(y) :]
    return {"mse": float(np.mean(error**2)), "parameters": len(results.params), "seconds": seconds,
            "converged": bool(results.converged)}  # fmt: skip


def tasks(again: bool) -> list[tuple[str, str]]:
    """Pairs of series and models, the first table first, or those that are timed again."""
    if again:
        return [(name, f"{kind} {size}") for size in SIZES for name in TIMED for kind in ("ParaRNN", "ElmanRNN")]
    names = [case.name for case in sorted(cases(), key=lambda case: case.n_train)]
    small = [(case, model) for case in names for model in MODELS]
    large = [(case, f"{kind} {size}") for size in SIZES for case in names for kind in ("ParaRNN", "ElmanRNN")]
    return small + large


def run_task(case: Case, what: str, lags: list[int]) -> dict:
    """Measure one pair."""
    if what in MODELS:
        return measure(MODELS[what], case, lags, 4)
    kind, size = what.split()
    n = int(size)

    def make(y, x, **options):
        if kind == "ParaRNN":
            return prt.ParaRNN(y, x, units=n // 2, **options)
        return prt.ElmanRNN(y, x, hidden=n, **options)

    return measure(make, case, lags, n)


def winsorised(ratios: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Median, geometric mean of clipped ratios, and its 95% interval from a bootstrap over series."""
    logs = np.log(np.clip(ratios, LOW, HIGH))
    means = np.exp(rng.choice(logs, size=(10_000, len(logs))).mean(axis=1))
    return float(np.median(ratios)), float(np.exp(logs.mean())), *np.quantile(means, [0.025, 0.975])


def report(store: dict) -> str:
    """Both tables as Markdown, of the series for which all models are done."""
    rng = np.random.default_rng(0)
    done = [c.name for c in cases() if all(f"{c.name}|{m}" in store for m in MODELS)]
    if not done:
        return "No series is done yet."
    lines = [
        f"| series | AR(X) MSE | {' | '.join(MODELS)} |",
        "|---|---|" + "---|" * len(MODELS),
    ]
    ratios = {m: np.array([store[f"{c}|{m}"]["mse"] / store[f"{c}|bar"]["mse"] for c in done]) for m in MODELS}
    for row, name in enumerate(done):
        values = " | ".join(f"{ratios[m][row]:.3f}" for m in MODELS)
        lines.append(f"| {name} | {store[f'{name}|bar']['mse']:.4g} | {values} |")
    found = {m: winsorised(ratios[m], rng) for m in MODELS}
    lines += [
        "| **median** | | " + " | ".join(f"**{found[m][0]:.3f}**" for m in MODELS) + " |",
        "| winsorised mean | | " + " | ".join(f"{found[m][1]:.3f}" for m in MODELS) + " |",
        "| its 95 % interval | | " + " | ".join(f"{found[m][2]:.3f} to {found[m][3]:.3f}" for m in MODELS) + " |",
        "| parameters, median | | "
        + " | ".join(f"{np.median([store[f'{c}|{m}']['parameters'] for c in done]):.0f}" for m in MODELS) + " |",
        "| seconds, median | | "
        + " | ".join(f"{np.median([store[f'{c}|{m}']['seconds'] for c in done]):.2f}" for m in MODELS) + " |",
        "",
        "## ParaRNN against ElmanRNN",
        "",
        "| states | series | MSE ratio, median | winsorised mean | 95 % interval | parameters | median seconds | "
        "ratio of seconds, median |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for size in SIZES:
        both = [c.name for c in cases() if all(f"{c.name}|{k} {size}" in store for k in ("ParaRNN", "ElmanRNN"))]
        if not both:
            continue
        para, elman = ([store[f"{c}|{k} {size}"] for c in both] for k in ("ParaRNN", "ElmanRNN"))
        ratio = winsorised(np.array([a["mse"] / b["mse"] for a, b in zip(para, elman, strict=True)]), rng)
        seconds = np.median([b["seconds"] / a["seconds"] for a, b in zip(para, elman, strict=True)])
        middle = [[np.median([r[key] for r in rows]) for rows in (para, elman)] for key in ("parameters", "seconds")]
        lines.append(
            f"| {size} | {len(both)} | {ratio[0]:.3f} | {ratio[1]:.3f} | {ratio[2]:.3f} to {ratio[3]:.3f} | "
            f"{middle[0][0]:.0f} and {middle[0][1]:.0f} | {middle[1][0]:.2f} and {middle[1][1]:.2f} | {seconds:.1f} |"
        )
    pairs = [(size, case) for size in SIZES for case in TIMED if f"{case}|ElmanRNN {size}|again" in store]
    if pairs:
        lines += ["", "Ratio of seconds, above and measured again:", "", "| states | series | above | again |"]
        lines += ["|---|---|---|---|"]
    for size, case in pairs:
        ratios = [store[f"{case}|ElmanRNN {size}{end}"]["seconds"] / store[f"{case}|ParaRNN {size}{end}"]["seconds"]
                  for end in ("", "|again")]  # fmt: skip
        lines.append(f"| {size} | {case} | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    lines += [
        "",
        f"Ratios below one: the ParaRNN errs less. The last column is ElmanRNN over ParaRNN. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}, pandas {pd.__version__}; "
        "command: `python benchmarks/ode_family_series.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Continue the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of series")
    parser.add_argument("--times", action="store_true", help="measure the seconds of a few pairs again")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further fit after so long")
    parser.add_argument("--out", help="file for the tables, as Markdown")
    args = parser.parse_args()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    known, began = {case.name: case for case in cases()}, time.perf_counter()
    warm = known["lynx, log10"]
    for kind in (*(() if args.times else MODELS), "ParaRNN 4", "ElmanRNN 4"):  # compile before anything is timed
        if time.perf_counter() - began < args.seconds:
            run_task(Case(warm.name, warm.y[:60], 50), kind, [1])
    for name, what in tasks(args.times):
        key = f"{name}|{what}|again" if args.times else f"{name}|{what}"
        if key in store or (args.only and name not in args.only):
            continue
        if time.perf_counter() - began > args.seconds:
            break
        if f"{name}|bar" not in store:
            mse, lags = bar(known[name])
            store[f"{name}|bar"] = {"mse": mse, "lags": lags}
        store[key] = run_task(known[name], what, store[f"{name}|bar"]["lags"])
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:62s} {store[key]}", flush=True)
    if args.out:
        text = "# Recurrent models on the shipped series\n\nSquared one-step test error over that of AR(X).\n\n"
        Path(args.out).write_text(text + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
