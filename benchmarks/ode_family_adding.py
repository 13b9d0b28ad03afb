"""
The adding problem: remember two marked numbers out of T = 100 and add them.

Input (u_t, m_t): u uniform on (0, 1), standardised, and a mark in each half of the sequence; the target is the sum of
the marked u. Predicting its mean has squared error 1/6. Adam with a cosine schedule and gradient norm clipped at one,
batches of 64 sequences drawn anew, gradients by running backwards. For each model the learning rate is the best of
three (0.3, 1 and 3 times 0.3 / T) after 500 updates on a seed of its own, by the error of 2,000 other sequences; then
three seeds with 6,000 updates, tested on 5,000 sequences.

    python benchmarks/ode_family_adding.py [--seconds S] [--out FILE]

Results are kept in a JSON file, so that the study can be continued; `--seconds` stops it after a while.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numba
import numpy as np
from cell_training import descend, draw, squared_error

from pararnn_ts.cells import Cell, LSTMCell, ODECell, QUNNCell

STORE = Path(__file__).parent / "results" / "ode_family_adding.json"
T, BATCH, UPDATES, TRIAL = 100, 64, 6000, 500
RATES = (0.3, 1.0, 3.0)
SEEDS = range(3)
MODELS: dict[str, Cell] = {
    "QUNN, 2 qubits, 3 layers": QUNNCell(2, 2, couplings="site", mode="shared", layers=3),
    "vanilla RNN, 16 states": ODECell(16, 2),
    "LSTM, 3 cells": LSTMCell(3, 2),
    "AntisymmetricRNN, 16 states": ODECell(16, 2, 1, 1, 10.0 / T, (0.0,), "tanh", True, 0.01),
}


def sequences(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, T, 2) and targets."""
    u, x = rng.random((n, T)), np.zeros((n, T, 2))
    first, second = rng.integers(0, T // 2, n), rng.integers(T // 2, T, n)
    rows = np.arange(n)
    x[:, :, 0] = (u - 0.5) * np.sqrt(12.0)
    x[rows, first, 1] = x[rows, second, 1] = 1.0
    return x, u[rows, first] + u[rows, second]


def train(cell: Cell, rate: float, updates: int, seed: int) -> dict:
    """Train from one seed."""
    fresh = np.random.default_rng([seed, 2])
    start = draw(cell, 1.0, np.random.default_rng([seed, 1]))
    held = sequences(2000, np.random.default_rng([seed, 3]))
    began = time.process_time()
    found, ratios = descend(cell, start, lambda: sequences(BATCH, fresh), held, rate * 0.3 / T, updates)
    seconds = time.process_time() - began
    mse = squared_error(cell, found.params, *sequences(5000, np.random.default_rng([seed, 4])))
    return {"mse": mse, "held": found.score, "seconds": seconds, "parameters": len(found.params),
            "ratio": [float(np.median(ratios)), float(np.min(ratios)), float(np.max(ratios))]}  # fmt: skip


def tasks() -> list[str]:
    """Keys of the store in the order in which they are filled."""
    tries = [f"{name}|try {rate:g}" for name in MODELS for rate in RATES]
    return tries + [f"{name}|seed {seed}" for seed in SEEDS for name in MODELS]


def best_rate(store: dict, name: str) -> float:
    """Learning rate with the least error after the trial."""
    return min(RATES, key=lambda rate: store[f"{name}|try {rate:g}"]["held"])


def run_task(store: dict, key: str) -> dict:
    """One training run."""
    name, what = key.split("|")
    if what.startswith("try"):
        return train(MODELS[name], float(what.split()[1]), TRIAL, 100)
    return train(MODELS[name], best_rate(store, name), UPDATES, int(what.split()[1]))


def report(store: dict) -> str:
    """Table as Markdown."""
    lines = [
        "| model | parameters | learning rate (of 3 tried) | test MSE by seed | gradient ratio, median (range) | "
        "seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name in MODELS:
        runs = [store[key] for seed in SEEDS if (key := f"{name}|seed {seed}") in store]
        if not runs:
            continue
        ratios = np.array([run["ratio"] for run in runs])
        spread = f"{np.median(ratios[:, 0]):.2g} ({ratios[:, 1].min():.2g} to {ratios[:, 2].max():.2g})"
        if name.startswith("QUNN"):
            spread = f"1 (off by {np.abs(ratios - 1.0).max():.0e} at most)"
        lines.append(
            f"| {name} | {runs[0]['parameters']} | {best_rate(store, name) * 0.3 / T:g} | "
            f"{', '.join(format(run['mse'], '.5f') for run in runs)} | {spread} | "
            f"{np.median([run['seconds'] for run in runs]):.0f} |"
        )
    lines += [
        "",
        f"Predicting the mean has 0.1667. Seconds of processor time for {UPDATES} updates. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}; command: "
        "`python benchmarks/ode_family_adding.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Continue the study and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further run after so long")
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    began = time.perf_counter()
    for key in tasks():
        if key in store:
            continue
        if time.perf_counter() - began > args.seconds:
            break
        store[key] = run_task(store, key)
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:40s} {store[key]}", flush=True)
    if args.out:
        Path(args.out).write_text("# The adding problem, T = 100\n\n" + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
