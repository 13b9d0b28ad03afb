"""
The adding problem: remember two marked numbers out of T = 100 and add them.

Input (u_t, m_t): u uniform on (0, 1), standardised, and a mark in each half of the sequence; the target is the sum of
the marked u. Predicting its mean has squared error 1/6. Adam with a cosine schedule and gradient norm clipped at one,
batches of 64 sequences drawn anew, gradients by running backwards. For each model the learning rate is the best of
five (0.3, 1, 3, 10 and 30 times 0.3 / T) by the error of 2,000 other sequences after a trial of 3,000 updates, on a
seed that serves no other purpose; then three seeds with 6,000 updates, tested on 5,000 sequences.

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
T, BATCH, UPDATES, TRIAL = 100, 64, 6000, 3000
RATES = (0.3, 1.0, 3.0, 10.0, 30.0)
SEEDS, TRIAL_SEED = range(3), 100
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


def trial(name: str, rate: float) -> str:
    """Key of a trial."""
    return f"{name}|rate {rate:g}|trial {TRIAL_SEED}"


def run(store: dict, name: str, seed: int) -> str:
    """Key of a run with the chosen learning rate."""
    return f"{name}|rate {best_rate(store, name):g}|seed {seed}"


def best_rate(store: dict, name: str) -> float:
    """Learning rate with the least error after its trial."""
    return min(RATES, key=lambda rate: store[trial(name, rate)]["held"])


def next_task(store: dict) -> tuple[str, str, float, int, int] | None:
    """What is to be done next: key, model, learning rate, number of updates and seed."""
    for name in MODELS:
        for rate in RATES:
            if (key := trial(name, rate)) not in store:
                return key, name, rate, TRIAL, TRIAL_SEED
    for seed in SEEDS:
        for name in MODELS:
            if (key := run(store, name, seed)) not in store:
                return key, name, best_rate(store, name), UPDATES, seed
    return None


def report(store: dict) -> str:
    """Table as Markdown."""
    lines = [
        "| model | parameters | learning rate | test MSE by seed | median | gradient ratio, median (range) | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    if any(trial(name, rate) not in store for name in MODELS for rate in RATES):
        return "The learning rates are not chosen yet."
    for name in MODELS:
        runs = [store[key] for seed in SEEDS if (key := run(store, name, seed)) in store]
        if not runs:
            continue
        ratios = np.array([one["ratio"] for one in runs])
        spread = f"{np.median(ratios[:, 0]):.2g} ({ratios[:, 1].min():.2g} to {ratios[:, 2].max():.2g})"
        if name.startswith("QUNN"):
            spread = f"1 (off by {np.abs(ratios - 1.0).max():.0e} at most)"
        lines.append(
            f"| {name} | {runs[0]['parameters']} | {best_rate(store, name) * 0.3 / T:g} | "
            f"{', '.join(format(one['mse'], '.5f') for one in runs)} | {np.median([one['mse'] for one in runs]):.5f} | "
            f"{spread} | {np.median([one['seconds'] for one in runs]):.0f} |"
        )
    lines += ["", "Error of the other sequences after the trial, by learning rate:", ""]
    lines += [f"| model | {' | '.join(format(rate * 0.3 / T, 'g') for rate in RATES)} |", "|---|" + "---|" * len(RATES)]
    for name in MODELS:
        lines.append(f"| {name} | {' | '.join(format(store[trial(name, rate)]['held'], '.5f') for rate in RATES)} |")
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
    while (task := next_task(store)) and time.perf_counter() - began < args.seconds:
        key, name, rate, updates, seed = task
        store[key] = train(MODELS[name], rate, updates, seed)
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:48s} {store[key]}", flush=True)
    if args.out:
        Path(args.out).write_text("# The adding problem, T = 100\n\n" + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
