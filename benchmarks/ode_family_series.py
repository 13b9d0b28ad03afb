"""
All recurrent models on the shipped series: one-step accuracy, parameters, time of a fit; and ParaRNN against ElmanRNN.

Every model has the linear path of the BIC-selected autoregression (with the exogenous values where there are any), and
a recurrent part that reads two lags (the QUNN: a memory of ten); parameters are estimated on the training part, its
last 1,500 rows where it is longer, from four starts with at most 60 evaluations each, and stay fixed. The first table
has recurrent parts of four states, or four amplitudes. The second sets ParaRNN (units of dimension two) beside ElmanRNN
at 4, 8, 16 and 32 states, on the last 1,500, 1,500, 600 and 600 rows, with at most 60, 60, 40 and 20 evaluations. The
autoregression that is the bar has the whole training part. Seconds are processor time on one thread; the two models of
a pair are fitted one right after the other.

More tables tell what hangs on these choices. `--times` measures the pairs of a few series again, to be run while the
machine does nothing else. `--longer` fits the pairs again with three times as many evaluations (at 16 and 32 states
those of every second and every fifth series in the order of their lengths). `--stability` asks the two models that do
worst on the lynx how stable they are.

    python benchmarks/ode_family_series.py [--times | --longer | --stability] [--only NAME ...] [--seconds S]
                                           [--out FILE]

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
from accuracy import Case, autoregression, cases
from pieces import markdown

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
PAIR = ("ParaRNN", "ElmanRNN")
MEASURED = ("parameters", "seconds")
# what is fitted besides: keys end so
AGAIN, LONGER, STABILITY = "|again", "|longer", "|stability"
TIMES_LONGER = 3
EVERY = {16: 2, 32: 5}
# errors are the same if they differ by less, relatively
SAME = 1e-6
DOUBTED = [("lynx, log10", "ODERNN, order 2, RK4, step 0.5"), ("lynx, log10", "AntisymmetricRNN, 4 states")]
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


def measure(make, case: Case, lags: list[int], size: int, more: str) -> dict:
    """Squared test error, parameters and processor seconds of one fit; `more`: what is different about it."""
    n = case.n_train
    first = max(0, n - ROWS[size] - max(lags))
    exog = (None, None) if case.exog is None else (case.exog.iloc[first:n], case.exog.iloc[n:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = case.y.iloc[first:n].reset_index(drop=True)
        x = None if exog[0] is None else exog[0].reset_index(drop=True)
        model = make(y, x, lags=2, linear_lags=lags)
        began = time.process_time()
        limit = EVALUATIONS[size] * (TIMES_LONGER if more == LONGER else 1)
        results = model.fit(n_starts=4, maxiter=limit, rng=0)
        seconds = time.process_time() - began
        new = None if exog[1] is None else exog[1].to_numpy()
        error = results.append(case.y.iloc[n:].to_numpy(), new).resid.iloc[len(y) :]
    found = {"mse": float(np.mean(error**2)), "parameters": len(results.params), "seconds": seconds,
             "converged": bool(results.converged)}  # fmt: skip
    if more == STABILITY:
        found |= {"verdict": results.stability().verdict, "lyapunov": float(results.stability().lyapunov)}
    return found


def tasks(more: str) -> list[tuple[str, str]]:
    """Pairs of series and models, the first table first, or those that are fitted once more."""
    names = [case.name for case in sorted(cases(), key=lambda case: case.n_train)]
    if more == AGAIN:
        return [(name, f"{kind} {size}") for size in SIZES for name in TIMED for kind in PAIR]
    if more == LONGER:
        part = {size: names[:: EVERY.get(size, 1)] for size in SIZES}
        return [(name, f"{kind} {size}") for size in SIZES for name in part[size] for kind in PAIR]
    if more == STABILITY:
        return DOUBTED
    small = [(case, model) for case in names for model in MODELS]
    large = [(case, f"{kind} {size}") for size in SIZES for case in names for kind in PAIR]
    return small + large


def run_task(case: Case, what: str, lags: list[int], more: str = "") -> dict:
    """Measure one pair."""
    if what in MODELS:
        return measure(MODELS[what], case, lags, 4, more)
    kind, size = what.split()
    n = int(size)

    def make(y, x, **options):
        if kind == "ParaRNN":
            return prt.ParaRNN(y, x, units=n // 2, **options)
        return prt.ElmanRNN(y, x, hidden=n, **options)

    return measure(make, case, lags, n, more)


def winsorised(ratios: np.ndarray, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Median, geometric mean of clipped ratios, and its 95% interval from a bootstrap over series."""
    logs = np.log(np.clip(ratios, LOW, HIGH))
    means = np.exp(rng.choice(logs, size=(10_000, len(logs))).mean(axis=1))
    return float(np.median(ratios)), float(np.exp(logs.mean())), *np.quantile(means, [0.025, 0.975])


def ratio_cells(ratio: tuple[float, float, float, float]) -> dict[str, str]:
    """What `winsorised` has found, as cells of a table."""
    median, mean, low, high = ratio
    return {
        "MSE ratio, median": f"{median:.3f}",
        "winsorised mean": f"{mean:.3f}",
        "95 % interval": f"{low:.3f} to {high:.3f}",
    }


def report_longer(store: dict) -> list[str]:
    """Ratios of the pairs whose fits had more evaluations, beside those of the same series before."""
    rows = []
    for size in SIZES:
        names = [c.name for c in cases() if all(f"{c.name}|{k} {size}{LONGER}" in store for k in PAIR)]
        for end, times in (("", 1), (LONGER, TIMES_LONGER)) if names else ():
            para, elman = ([store[f"{c}|{k} {size}{end}"] for c in names] for k in PAIR)
            rng = np.random.default_rng(0)
            ratio = winsorised(np.array([a["mse"] / b["mse"] for a, b in zip(para, elman, strict=True)]), rng)
            change, same = ["", ""], ""
            if end:
                gain = [
                    [store[f"{c}|{k} {size}{end}"]["mse"] / store[f"{c}|{k} {size}"]["mse"] for c in names]
                    for k in PAIR
                ]
                change = [f"{np.median(one):.3f} ({min(one):.2f} to {max(one):.2f})" for one in gain]
                same = " and ".join(str(int(np.sum(np.abs(np.array(one) - 1.0) < SAME))) for one in gain)
            rows.append({
                "states": size,
                "series": len(names),
                "evaluations": EVALUATIONS[size] * times,
                **ratio_cells(ratio),
                "error of the ParaRNN over that before, median (range)": change[0],
                "of the ElmanRNN": change[1],
                "the same errors": same,
            })  # fmt: skip
    return ["", f"The same with {TIMES_LONGER} times as many evaluations:", "", *markdown(rows)] if rows else []


def report_again(store: dict) -> list[str]:
    """Ratios of the seconds of the pairs that were timed twice."""
    rows = []
    for size in SIZES:
        for case in TIMED:
            if f"{case}|ElmanRNN {size}{AGAIN}" in store:
                first, again = (
                    store[f"{case}|ElmanRNN {size}{end}"]["seconds"] / store[f"{case}|ParaRNN {size}{end}"]["seconds"]
                    for end in ("", AGAIN)
                )
                rows.append({"states": size, "series": case, "above": f"{first:.1f}", "again": f"{again:.1f}"})
    return ["", "Ratio of seconds, above and measured again:", "", *markdown(rows)] if rows else []


def report_stability(store: dict) -> list[str]:
    """What `stability()` says of the two models that do worst on the lynx."""
    rows = [
        {
            "series": case,
            "model": model,
            "error over AR(X)": f"{one['mse'] / store[f'{case}|bar']['mse']:.3f}",
            "verdict of stability()": one["verdict"],
            "largest Lyapunov exponent": f"{one['lyapunov']:.3f}",
        }
        for case, model in DOUBTED
        if (one := store.get(f"{case}|{model}{STABILITY}"))
    ]
    return ["", *markdown(rows)] if rows else []


def report(store: dict) -> str:
    """All tables as Markdown, of the series for which all models are done."""
    rng = np.random.default_rng(0)
    done = [c.name for c in cases() if all(f"{c.name}|{m}" in store for m in MODELS)]
    if not done:
        return "No series is done yet."
    ratios = {m: np.array([store[f"{c}|{m}"]["mse"] / store[f"{c}|bar"]["mse"] for c in done]) for m in MODELS}
    table = [
        {"series": name, "AR(X) MSE": f"{store[f'{name}|bar']['mse']:.4g}"} | {m: f"{ratios[m][k]:.3f}" for m in MODELS}
        for k, name in enumerate(done)
    ]
    found = {m: winsorised(ratios[m], rng) for m in MODELS}
    middles = {m: {key: np.median([store[f"{c}|{m}"][key] for c in done]) for key in MEASURED} for m in MODELS}
    below = {
        "**median**": {m: f"**{found[m][0]:.3f}**" for m in MODELS},
        "winsorised mean": {m: f"{found[m][1]:.3f}" for m in MODELS},
        "its 95 % interval": {m: f"{found[m][2]:.3f} to {found[m][3]:.3f}" for m in MODELS},
        "parameters, median": {m: f"{middles[m]['parameters']:.0f}" for m in MODELS},
        "seconds, median": {m: f"{middles[m]['seconds']:.2f}" for m in MODELS},
    }
    table += [{"series": name, "AR(X) MSE": "", **cells} for name, cells in below.items()]
    pairs = []
    for size in SIZES:
        both = [c.name for c in cases() if all(f"{c.name}|{k} {size}" in store for k in PAIR)]
        if not both:
            continue
        para, elman = ([store[f"{c}|{k} {size}"] for c in both] for k in PAIR)
        ratio = winsorised(np.array([a["mse"] / b["mse"] for a, b in zip(para, elman, strict=True)]), rng)
        seconds = [b["seconds"] / a["seconds"] for a, b in zip(para, elman, strict=True)]
        middle = [[np.median([r[key] for r in rows]) for rows in (para, elman)] for key in MEASURED]
        pairs.append({
            "states": size,
            "series": len(both),
            **ratio_cells(ratio),
            "parameters": f"{middle[0][0]:.0f} and {middle[0][1]:.0f}",
            "median seconds": f"{middle[1][0]:.2f} and {middle[1][1]:.2f}",
            "ratio of seconds, median (range)": f"{np.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
        })  # fmt: skip
    return "\n".join([
        *markdown(table),
        "",
        "## ParaRNN against ElmanRNN",
        "",
        *markdown(pairs),
        *report_longer(store),
        *report_again(store),
        *report_stability(store),
        "",
        f"Ratios below one: the ParaRNN errs less. The last column is ElmanRNN over ParaRNN. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}, pandas {pd.__version__}; "
        "command: `python benchmarks/ode_family_series.py`, then with `--times`, `--longer`, `--stability`.",
    ])  # fmt: skip


def main() -> None:
    """Continue the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of series")
    once_more = parser.add_mutually_exclusive_group()
    for name, end, text in (
        ("--times", AGAIN, "measure the seconds of a few pairs again"),
        ("--longer", LONGER, "fit pairs again with more evaluations"),
        ("--stability", STABILITY, "stability of two models on the lynx"),
    ):
        once_more.add_argument(name, dest="more", action="store_const", const=end, default="", help=text)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further fit after so long")
    parser.add_argument("--out", help="file for the tables, as Markdown")
    args = parser.parse_args()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    known, began = {case.name: case for case in cases()}, time.perf_counter()
    warm = known["lynx, log10"]
    small = Case(warm.name, warm.y[:60], 50)
    for kind in (*(() if args.more else MODELS), "ParaRNN 4", "ElmanRNN 4"):  # compile before anything is timed
        if time.perf_counter() - began < args.seconds:
            run_task(small, kind, [1])
    for name, what in tasks(args.more):
        key = f"{name}|{what}{args.more}"
        if key in store or (args.only and name not in args.only):
            continue
        if time.perf_counter() - began > args.seconds:
            break
        if f"{name}|bar" not in store:
            mse, lags = autoregression(known[name])
            store[f"{name}|bar"] = {"mse": mse, "lags": lags}
        store[key] = run_task(known[name], what, store[f"{name}|bar"]["lags"], args.more)
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:62s} {store[key]}", flush=True)
    if args.out:
        text = "# Recurrent models on the shipped series\n\nSquared one-step test error over that of AR(X).\n\n"
        Path(args.out).write_text(text + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
