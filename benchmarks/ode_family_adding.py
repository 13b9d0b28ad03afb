"""
The adding problem: remember two marked numbers out of T = 100 and add them.

Input (u_t, m_t): u uniform on (0, 1), standardised, and a mark in each half of the sequence; the target is the sum of
the marked u. Predicting its mean has squared error 1/6. Adam with a cosine schedule and gradient norm clipped at one,
batches of 64 sequences drawn anew, gradients by running backwards.

Every model starts in two ways: with the usual random weights, and with weights made for long sequences (see
`cell_training.draw_long`). For each start the learning rate is the best of seven (0.3, 1, 3, 10, 30, 100 and 300 times
0.3 / T) by the error of 2,000 other sequences after a trial of 3,000 updates, on a seed that serves no other purpose;
so does the trial choose between the two starts. Then five seeds with 6,000 updates, tested on 5,000 sequences. A third
table tells what helps a QUNN that starts in the usual way, on two seeds, of their own, at which it then learns nothing.

The sizes of the QUNN's long start were settled on seeds 100 to 103, after five others had been tried there.

    python benchmarks/ode_family_adding.py [--seconds S] [--out FILE]

Results are kept in a JSON file, so that the study can be continued; `--seconds` stops it after a while.
"""

import argparse
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
from cell_training import descend, draw, draw_long, squared_error
from pieces import markdown

from pararnn_ts.cells import Cell, LSTMCell, ODECell, QUNNCell

STORE = Path(__file__).parent / "results" / "ode_family_adding.json"
T, BATCH, UPDATES, TRIAL = 100, 64, 6000, 3000
RATES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
SEEDS, TRIAL_SEED = range(5), 100
USUAL, LONG = "", "|long start"
STARTS = {USUAL: "usual", LONG: "long"}
QUNN = "QUNN, 2 qubits, 3 layers"
MODELS: dict[str, Cell] = {
    QUNN: QUNNCell(2, 2, couplings="site", mode="shared", layers=3),
    "vanilla RNN, 16 states": ODECell(16, 2),
    "LSTM, 3 cells": LSTMCell(3, 2),
    "AntisymmetricRNN, 16 states": ODECell(16, 2, 1, 1, 10.0 / T, (0.0,), "tanh", True, 0.01),
}
# changes of the training of a QUNN from the usual start, at the rate of its trial, each on these seeds
REMEDY_SEEDS, AUDITIONS, AUDITION = (101, 103), 5, 600
REMEDIES: dict[str, dict] = {
    "none": {},
    "learning rate rises for 600 updates": {"warmup": 600},
    "gradient clipped at 0.1": {"clip_norm": 0.1},
    "batches of 128": {"batch": 128},
    "mark standardised": {"standardise": True},
    f"best of {AUDITIONS} starts after {AUDITION} updates, continued": {"auditions": AUDITIONS},
    "rotations of a sequence add up to one radian (the long start)": {"start": LONG},
}


def sequences(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, T, 2) and targets."""
    u, x = rng.random((n, T)), np.zeros((n, T, 2))
    first, second = rng.integers(0, T // 2, n), rng.integers(T // 2, T, n)
    rows = np.arange(n)
    x[:, :, 0] = (u - 0.5) * np.sqrt(12.0)
    x[rows, first, 1] = x[rows, second, 1] = 1.0
    return x, u[rows, first] + u[rows, second]


def standardised(data: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same sequences, the mark with mean zero and variance one."""
    x, y = data
    share = 2.0 / T
    return np.stack([x[:, :, 0], (x[:, :, 1] - share) / np.sqrt(share * (1.0 - share))], axis=2), y


def train(
    cell: Cell,
    rate: float,
    updates: int,
    seed: int,
    start: str = USUAL,
    batch: int = BATCH,
    standardise: bool = False,
    auditions: int = 1,
    **options: float,
) -> dict:
    """Train from one seed."""
    change = standardised if standardise else lambda data: data
    fresh = np.random.default_rng([seed, 2])
    held = change(sequences(2000, np.random.default_rng([seed, 3])))

    def batches() -> tuple[np.ndarray, np.ndarray]:
        return change(sequences(batch, fresh))

    began = time.process_time()
    candidates = []
    for i in range(auditions):
        rng = np.random.default_rng([seed, 1, i] if i else [seed, 1])
        params = draw(cell, 1.0, rng) if start == USUAL else draw_long(cell, 1.0, held[0], rng)
        candidates.append(params)
    if auditions > 1:
        heard = [descend(cell, params, batches, held, rate * 0.3 / T, AUDITION)[0] for params in candidates]
        candidates = [min(heard, key=lambda one: one.score).params]
    found, ratios = descend(cell, candidates[0], batches, held, rate * 0.3 / T, updates, **options)
    seconds = time.process_time() - began
    mse = squared_error(cell, found.params, *change(sequences(5000, np.random.default_rng([seed, 4]))))
    return {"mse": mse, "held": found.score, "seconds": seconds, "parameters": len(found.params),
            "ratio": [float(np.median(ratios)), float(np.min(ratios)), float(np.max(ratios))]}  # fmt: skip


def trial(name: str, start: str, rate: float) -> str:
    """Key of a trial."""
    return f"{name}{start}|rate {rate:g}|trial {TRIAL_SEED}"


def run(store: dict, name: str, start: str, seed: int) -> str:
    """Key of a run with the chosen learning rate."""
    return f"{name}{start}|rate {best_rate(store, name, start):g}|seed {seed}"


def remedied(store: dict, remedy: str, seed: int) -> str:
    """Key of a run of the QUNN with a remedy."""
    return f"{QUNN}|rate {best_rate(store, QUNN, USUAL):g}|{remedy}|seed {seed}"


def best_rate(store: dict, name: str, start: str) -> float:
    """Learning rate with the least error after its trial."""
    return min(RATES, key=lambda rate: store[trial(name, start, rate)]["held"])


def best_start(store: dict, name: str) -> str:
    """Start with the least error after its trial, at its best rate."""
    return min(STARTS, key=lambda start: store[trial(name, start, best_rate(store, name, start))]["held"])


def tasks(store: dict) -> Iterator[tuple[str, str, float, int, int, dict]]:
    """What is to be done, in order: key, model, learning rate, number of updates, seed and options."""
    for start in STARTS:
        for name in MODELS:
            for rate in RATES:
                yield trial(name, start, rate), name, rate, TRIAL, TRIAL_SEED, {"start": start}
    chosen = {name: best_start(store, name) for name in MODELS}
    other = {name: USUAL if start == LONG else LONG for name, start in chosen.items()}

    def runs(starts: dict[str, str]) -> Iterator[tuple[str, str, float, int, int, dict]]:
        for name, start in starts.items():
            rate = best_rate(store, name, start)
            for seed in SEEDS:
                yield run(store, name, start, seed), name, rate, UPDATES, seed, {"start": start}

    yield from runs(chosen)
    for seed in REMEDY_SEEDS:
        for remedy, options in REMEDIES.items():
            yield remedied(store, remedy, seed), QUNN, best_rate(store, QUNN, USUAL), TRIAL, seed, options
    yield from runs(other)


def report(store: dict) -> str:
    """Tables as Markdown."""
    if any(trial(name, start, rate) not in store for name in MODELS for start in STARTS for rate in RATES):
        return "The learning rates are not chosen yet."
    rows, trials, remedies = [], [], []
    for name in MODELS:
        for start, word in STARTS.items():
            runs = [store[key] for seed in SEEDS if (key := run(store, name, start, seed)) in store]
            if not runs:
                continue
            mse, ratios = [one["mse"] for one in runs], np.array([one["ratio"] for one in runs])
            spread = f"{np.median(ratios[:, 0]):.2g} ({ratios[:, 1].min():.2g} to {ratios[:, 2].max():.2g})"
            if name == QUNN:
                spread = f"1 (off by {np.abs(ratios - 1.0).max():.0e} at most)"
            mark, seconds = "*" if start == best_start(store, name) else "", np.median([one["seconds"] for one in runs])
            rows.append({
                "model": name,
                "parameters": runs[0]["parameters"],
                "start": word + mark,
                "learning rate": f"{best_rate(store, name, start) * 0.3 / T:g}",
                "test MSE by seed": ", ".join(f"{one:.6f}" for one in mse),
                "median": f"{np.median(mse):.6f}",
                "largest": f"{max(mse):.6f}",
                "gradient ratio, median (range)": spread,
                "seconds": f"{seconds:.0f}",
            })  # fmt: skip
    for name in MODELS:
        for start, word in STARTS.items():
            held = {f"{rate * 0.3 / T:g}": f"{store[trial(name, start, rate)]['held']:.5f}" for rate in RATES}
            trials.append({"model": name, "start": word} | held)
    seeds = f"test MSE at seeds {' and '.join(map(str, REMEDY_SEEDS))}"
    for remedy in REMEDIES:
        found = [store[key]["mse"] for seed in REMEDY_SEEDS if (key := remedied(store, remedy, seed)) in store]
        if found:
            remedies.append({"remedy": remedy, seeds: ", ".join(f"{one:.5f}" for one in found)})
    lines = [
        f"Settings tried for each model: {len(STARTS) * len(RATES)}, two starts and seven learning rates. * is the "
        "start that the trial chose.",
        "",
        *markdown(rows),
        "",
        "Error of the other sequences after the trial, by learning rate:",
        "",
        *markdown(trials),
    ]
    if remedies:
        lines += ["", f"What helps the QUNN from the usual start, after {TRIAL} updates:", "", *markdown(remedies)]
    lines += [
        "",
        f"Predicting the mean has 0.1667. Seconds of processor time for {UPDATES} updates. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}; command: "
        "`python benchmarks/ode_family_adding.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Continue the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further run after so long")
    parser.add_argument("--out", help="file for the tables, as Markdown")
    args = parser.parse_args()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    began = time.perf_counter()
    for key, name, rate, updates, seed, options in tasks(store):
        if key in store:
            continue
        if time.perf_counter() - began > args.seconds:
            break
        store[key] = train(MODELS[name], rate, updates, seed, **options)
        STORE.write_text(json.dumps(store, indent=1))
        print(f"{key:48s} {store[key]}", flush=True)
    if args.out:
        Path(args.out).write_text("# The adding problem, T = 100\n\n" + report(store) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
