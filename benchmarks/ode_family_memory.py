"""
Accuracy against the number of parameters when the memory is long: a nonlinear echo of t steps.

    x_k = 0.3 x_{k-1} + 0.9 tanh(1.5 x_{k-t}) cos(1.5 x_{k-1}) + e_k,   e ~ N(0, 0.09),   t = 10, 20, 40, 80.

1,500 rows to train, 500 to choose, 3,000 to test; the smallest possible test error is 0.09. All networks are fitted by
Levenberg-Marquardt with the penalty chosen by evidence, so that there is no learning rate to choose, from four starts
with at most 50 evaluations each; nothing but a constant enters beside them. The vanilla RNN and the LSTM, which then
stream along the series, are also trained in the usual way on windows of t rows: Adam, 3,000 updates with batches of 64
at each of eight learning rates (0.001 to 3), keeping the update with the least error on the 500 rows; of the nine fits
the one with the least error there is reported. The ridge of the Volterra model is the one of eight with the least error
there. The QUNN sees a window of t rows and is fitted once; the tied one also with one prior precision for the input
weights of all its memory steps, where it has one for each, to tell what these are worth.

    python benchmarks/ode_family_memory.py [--seconds S] [--out FILE]

Results are kept in a JSON file, so that the study can be continued, with more learning rates, too; `--seconds` stops
it after a while.
"""

import argparse
import json
import platform
import time
import warnings
from pathlib import Path
from unittest.mock import patch

import numba
import numpy as np
from cell_training import descend, draw, squared_error
from pieces import markdown

import pararnn_ts as prt
from pararnn_ts.cells import Cell, QUNNCell
from pararnn_ts.estimation.adam import minibatches

STORE = Path(__file__).parent / "results" / "ode_family_memory.json"
MEMORIES, SEEDS = (10, 20, 40, 80), range(5)
TRAIN, CHOOSE, TEST = 1500, 500, 3000
RATES, UPDATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), 3000
EVIDENCE = "evidence"
RIDGES = 10.0 ** np.arange(-2, 6)
BARS = {10: 0.0950, 20: 0.1010, 40: 0.1060, 80: 0.1205}
ONE_PRECISION = "QUNN, 3 qubits, uniform, tied, one precision"
NETWORKS = {
    "QUNN, 3 qubits, uniform, tied": lambda x, t: prt.QUNN(x, memory=t, tie=True, linear_lags=0),
    "vanilla RNN, 16 states": lambda x, t: prt.ODERNN.vanilla_rnn(x, hidden=16, linear_lags=0),
    "LSTM, 8 cells": lambda x, t: prt.LSTM(x, hidden=8, linear_lags=0),
    "QUNN, 3 qubits, uniform": lambda x, t: prt.QUNN(x, memory=t, linear_lags=0),
    "QUNN, 2 qubits, site": lambda x, t: prt.QUNN(x, memory=t, qubits=2, couplings="site", linear_lags=0),
    ONE_PRECISION: lambda x, t: prt.QUNN(x, memory=t, tie=True, linear_lags=0),
}
STREAMING = ("vanilla RNN, 16 states", "LSTM, 8 cells")
LINEAR = ("AR(t), least squares", "Volterra of degree 2, ridge")


def echo(t: int, seed: int, burn: int = 500) -> np.ndarray:
    """Simulate the series."""
    rng = np.random.default_rng([seed, t])
    n = TRAIN + CHOOSE + TEST
    x, e = np.zeros(n + burn + t), rng.normal(0.0, 0.3, n + burn + t)
    for k in range(t, len(x)):
        x[k] = 0.3 * x[k - 1] + 0.9 * np.tanh(1.5 * x[k - t]) * np.cos(1.5 * x[k - 1]) + e[k]
    return x[-n:]


def regression(x: np.ndarray, t: int, degree: int) -> dict:
    """Test error of a polynomial in the last t values: least squares, or a ridge chosen on the middle part."""
    lags = np.column_stack([x[t - j : len(x) - j] for j in range(1, t + 1)])
    if degree == 2:
        i, j = np.triu_indices(t)
        lags = np.column_stack([lags, lags[:, i] * lags[:, j]])
    train = slice(0, TRAIN - t)
    mean, size = lags[train].mean(axis=0), lags[train].std(axis=0)
    lags, target = (lags - mean) / size, x[t:]
    level = target[train].mean()
    x_train, y_train = lags[train], target[train] - level
    dual = x_train.shape[1] > x_train.shape[0]  # then the ridge is solved for the rows, the same thing
    square = x_train @ x_train.T if dual else x_train.T @ x_train

    def errors(ridge: float) -> tuple[float, float]:
        known = y_train if dual else x_train.T @ y_train
        solution = np.linalg.solve(square + ridge * np.eye(len(square)), known)
        solution = x_train.T @ solution if dual else solution
        error = (target - level - lags @ solution) ** 2
        return float(error[TRAIN - t : TRAIN + CHOOSE - t].mean()), float(error[TRAIN + CHOOSE - t :].mean())

    found = [errors(ridge) for ridge in (RIDGES if degree == 2 else (0.0,))]
    return {"mse": min(found)[1], "parameters": lags.shape[1] + 1, "settings": len(found)}


def on_windows(cell: Cell, x: np.ndarray, t: int, rate: float) -> dict:
    """Train a cell on windows of t rows by Adam."""
    level, size = x[:TRAIN].mean(), x[:TRAIN].std()
    z = (x - level) / size
    windows, target = np.lib.stride_tricks.sliding_window_view(z[:-1], t)[:, :, None], z[t:]
    middle, test = slice(TRAIN - t, TRAIN + CHOOSE - t), slice(TRAIN + CHOOSE - t, None)
    batches = minibatches(TRAIN - t, 64, np.random.default_rng(1))

    def batch() -> tuple[np.ndarray, np.ndarray]:
        rows = next(batches)
        return windows[rows], target[rows]

    began = time.process_time()
    start, held = draw(cell, 0.0, np.random.default_rng(0)), (windows[middle], target[middle])
    found, _ = descend(cell, start, batch, held, rate, UPDATES, 50)
    seconds = time.process_time() - began
    mse = size**2 * squared_error(cell, found.params, windows[test], target[test])
    return {"mse": float(mse), "choose": float(size**2 * found.score), "parameters": len(found.params),
            "seconds": seconds, "way": f"windows, rate {rate}"}  # fmt: skip


def by_evidence(model, x: np.ndarray) -> dict:
    """Fit a network by least squares and predict the rest of the series."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.process_time()
        results = model.fit(n_starts=4, maxiter=50, rng=0)
        seconds = time.process_time() - began
        error = results.append(x[TRAIN:]).resid ** 2
    return {"mse": float(error[TRAIN + CHOOSE :].mean()), "choose": float(error[TRAIN : TRAIN + CHOOSE].mean()),
            "parameters": len(results.params), "seconds": seconds, "way": EVIDENCE}  # fmt: skip


def ways(name: str) -> list[str]:
    """Settings that are tried for a network."""
    return [EVIDENCE, *(f"windows, rate {rate}" for rate in RATES if name in STREAMING)]


def network(name: str, x: np.ndarray, t: int, known: dict) -> dict:
    """Test error of a network, fitted in every way that was not tried before; the better on the middle part stays."""
    found, tried = [known] if known else [], known.get("tried", [])
    for way in ways(name):
        if way in tried:
            continue
        model = NETWORKS[name](x[:TRAIN], t)
        if way == EVIDENCE:
            found.append(by_evidence(model, x))
        else:
            found.append(on_windows(model.specification.cell, x, t, float(way.split()[-1])))
    return {**min(found, key=lambda row: row["choose"]), "tried": ways(name)}


def run_task(name: str, t: int, seed: int, known: dict) -> dict:
    """Measure one model on one series; `known`: what was found before."""
    x = echo(t, seed)
    if name in LINEAR:
        return regression(x, t, 1 + LINEAR.index(name))
    if name == ONE_PRECISION:
        with patch.object(QUNNCell, "relevance_names", ()):
            return network(name, x, t, known)
    return network(name, x, t, known)


def done(name: str, known: dict) -> bool:
    """Whether nothing is left to try."""
    return bool(known) if name in LINEAR else set(ways(name)) <= set(known.get("tried", []))


def tasks() -> list[tuple[str, int, int]]:
    """Model, memory and seed, in the order in which they are run."""
    first, *others = NETWORKS
    groups = [(*LINEAR, first), others]
    return [(name, t, seed) for group in groups for seed in SEEDS for t in MEMORIES for name in group]


def report(store: dict) -> str:
    """Table as Markdown."""
    rows, counts = [], []
    for name in (*LINEAR, *NETWORKS):
        cells, settings = {}, set()
        for t in MEMORIES:
            head = f"t = {t} (bar {BARS[t]:.4f})"
            found = [store[key] for seed in SEEDS if (key := f"{name}|{t}|{seed}") in store]
            if not found:
                cells[head] = "-"
                continue
            mse = np.array([row["mse"] for row in found])
            settings |= {row["settings"] if name in LINEAR else len(row["tried"]) for row in found}
            few = "" if len(found) == len(SEEDS) else f", {len(found)} seeds"
            spread = "one seed" if len(found) == 1 else f"{mse.min():.4f} to {mse.max():.4f}{few}"
            cells[head] = f"{np.median(mse):.4f} ({spread}), {found[0]['parameters']} par."
        rows.append({"model": name, "settings tried": ", ".join(map(str, sorted(settings)))} | cells)
    for name in STREAMING:
        for t in MEMORIES:
            best = [store[key]["way"] for seed in SEEDS if (key := f"{name}|{t}|{seed}") in store]
            counts.append({"model": f"{name}, t = {t}"} | {way: best.count(way) for way in ways(name)})
    lines = [
        *markdown(rows),
        "",
        "How often each setting was the best on the 500 rows:",
        "",
        *markdown(counts),
        "",
        f"Median and range over {len(SEEDS)} seeds, or what is said, of the squared test error; parameters. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}; command: "
        "`python benchmarks/ode_family_memory.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Continue the study and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further fit after so long")
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    began = time.perf_counter()
    for name, t, seed in tasks():
        key = f"{name}|{t}|{seed}"
        if done(name, store.get(key, {})):
            continue
        if time.perf_counter() - began > args.seconds:
            break
        store[key] = run_task(name, t, seed, store.get(key, {}))
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:48s} {store[key]}", flush=True)
    if args.out:
        Path(args.out).write_text("# A nonlinear echo of t steps\n\n" + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
