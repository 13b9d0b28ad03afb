"""
A moving sparse field seen by few noisy sensors: what sequential sparse coding, trained and untrained, makes of it.

N sensors on a ring, sparse in a basis of periodic wavelets with Markov supports, move by 2**levels positions at every
step; M random mixtures of them are observed with noise. The transition is not known to any method.

    python benchmarks/sista_field.py grid [METHOD ...]    learning rates of every method, on realisation 2013, seed 0
    python benchmarks/sista_field.py runs [METHOD ...]    3 realisations x 3 training seeds at the rate chosen by `grid`
    python benchmarks/sista_field.py simple               ridge regression and the untrained iteration
    python benchmarks/sista_field.py table                results/sista_field.md from results/sista_field.json

Every run is appended to the JSON file as soon as it is done, and not repeated; `--limit` ends the command after the run
in which so many seconds have passed.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from pieces import markdown

from pararnn_ts.comparison.recovery import PENALTIES
from pararnn_ts.estimation.baselines import (
    LSTMLoss,
    StackedLoss,
    free_wiring,
    generic_network,
    generic_wiring,
    lagged_design,
    lagged_ridge,
    untied,
)
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.coding import choose_penalties, code
from pararnn_ts.estimation.dictionaries import wavelets
from pararnn_ts.estimation.sequences import Panel, SequenceLoss
from pararnn_ts.estimation.sista import PARAMETERS, SISTALoss, SISTAParams
from pararnn_ts.estimation.training import Budget, train

RESULTS = Path(__file__).parent / "results" / "sista_field.json"
REALISATIONS, SEEDS = (2013, 11, 12), (0, 1, 2)
# one grid for every method; the order of the factors is that of the search
RATES = (1e-3, 3e-3, 1e-2, 2e-2, 4e-2)
# training sequences and epochs: 500 and 2,000 updates of 50 sequences
SIZES = {50: 500, 800: 125}
BATCH = 50
METHODS = ("sista3", "sista6", "free", "generic", "lstm128")


def field(seed, n=64, m=24, steps=40, levels=3, sequences=(800, 100, 200), noise=0.5):
    """Measurements, signals, measurement matrix and dictionary of one realisation; training, validation, test."""
    rng = np.random.default_rng(seed)
    D = wavelets(n, "db4", levels)
    total = sum(sequences)
    active = rng.random((total, n)) < 0.05
    amplitude = 10.0 * rng.standard_normal((total, n))
    signal = np.empty((total, steps, n))
    for t in range(steps):
        if t:
            # births keep the share of active atoms at 0.05
            born = rng.random((total, n)) < 0.02 * 0.05 / 0.95
            active = np.where(active, rng.random((total, n)) >= 0.02, born)
            amplitude = 0.98 * amplitude + 10.0 * np.sqrt(1 - 0.98**2) * rng.standard_normal((total, n))
        signal[:, t] = np.roll((active * amplitude) @ D.T, t * 2**levels, axis=1)
    A = rng.choice([-1.0, 1.0], size=(m, n)) / np.sqrt(m)
    A /= np.linalg.norm(A, 2)
    x = signal @ A.T + noise * rng.standard_normal((total, steps, m))
    return x, signal, A, D


def losses(x, signal, n_train, sequences=(800, 100, 200)):
    """Training, validation and test data."""
    first, second = sequences[0], sequences[0] + sequences[1]
    parts = slice(0, n_train), slice(first, second), slice(second, None)
    made = []
    for part in parts:
        inputs, target = x[part], signal[part]
        offsets = np.arange(len(inputs) + 1) * x.shape[1]
        made.append(SequenceLoss(Panel(offsets, inputs.reshape(-1, x.shape[2])), target.reshape(-1, signal.shape[2])))
    return made


def problem_of(method, train_data, A, D, seed):
    """Loss, start values, clipping and number of weights of a method."""
    n, h = D.shape
    params = SISTAParams(A, D, np.eye(n), 0.8, 0.25, 0.05, np.zeros(h))
    if method.startswith("sista"):
        loss = SISTALoss(train_data, params, PARAMETERS, int(method[5:]))
        start = loss.pack(params)
        return loss, start, 10.0, len(start)
    rng = np.random.default_rng(seed)
    if method == "free":
        loss = StackedLoss(train_data, untied(params, 3), free_wiring(3))
        return loss, loss.pack(loss.start), 10.0, loss.n_params
    if method == "generic":
        loss = StackedLoss(train_data, generic_network(len(A), h, n, 3, rng), generic_wiring(3))
        return loss, loss.pack(loss.start), 1.0, loss.n_params
    # in single precision, as is usual for such networks, which halves its time
    loss = LSTMLoss(train_data, int(method[4:]), np.float32)
    return loss, loss.start(rng), 1.0, loss.n_params


def decibel(signal, error):
    return 10.0 * np.log10(np.mean(signal**2) / error)


def run(method, realisation, seed, n_train, rates, epochs=None):
    """One training with each rate; validation and test error of the best."""
    x, signal, A, D = field(realisation)
    train_data, valid, test = losses(x, signal, n_train)
    loss, start, clip, weights = problem_of(method, train_data, A, D, seed)
    began = time.perf_counter()
    with one_blas_thread():
        found = train(loss, start, valid, Budget(epochs or SIZES[n_train], BATCH, seed), rates, clip_norm=clip)
        error = loss.error(found.descent.params, test)
    record = {
        "method": method, "realisation": realisation, "seed": seed, "sequences": n_train, "rate": found.rate,
        "settings": len(rates), "weights": weights, "updates": found.descent.updates, "best": found.descent.best,
        "status": found.descent.status, "valid_mse": found.descent.score, "test_mse": error,
        "test_db": decibel(test.y, error), "seconds": time.perf_counter() - began,
        "valid_path": found.descent.history[:: max(1, len(found.descent.history) // 25), [0, 3]].round(5).tolist(),
    }  # fmt: skip
    if method.startswith("sista"):
        params = loss.unpack(found.descent.params)
        shift = (np.arange(len(D)) + 8) % len(D)
        record["on_shift"] = int(np.sum(np.abs(params.F).argmax(axis=0) == shift))
        record["constants"] = [params.alpha, params.lam1, params.lam2]
    return record


def simple(realisation, n_train):
    """The regression on measurements, and the iteration with the start values: nothing that a learning rate governs."""
    x, signal, A, D = field(realisation)
    train_data, valid, test = losses(x, signal, n_train)
    records = []
    for lags in (0, 1, 4, 8):
        began = time.perf_counter()
        weights, penalty, error = lagged_ridge(train_data, valid, lags, np.array(PENALTIES))
        found = float(np.mean((lagged_design(test.panel, lags) @ weights - test.y) ** 2))
        records.append((f"ridge{lags}", penalty, len(PENALTIES), weights.size, error, found, began))
    given = SISTAParams(A, D, np.eye(len(D)), 0.8, 0.25, 0.05, np.zeros(D.shape[1]))
    for steps in (3, 100):
        began = time.perf_counter()
        found = float(np.mean((code(given, test.panel, 0.0, steps).codes @ D.T - test.y) ** 2))
        records.append((f"untrained{steps}", 0.0, 0, 0, None, found, began))
        best = choose_penalties(given, train_data.panel, None, None, None)
        found = float(np.mean((code(best, test.panel, 0.0, steps).codes @ D.T - test.y) ** 2))
        records.append((f"chosen{steps}", 0.0, 36, 0, None, found, began))
    return [
        {"method": method, "realisation": realisation, "seed": 0, "sequences": n_train, "rate": rate, "settings": tried,
         "weights": weights, "updates": 0, "best": 0, "status": "finished", "valid_mse": error, "test_mse": found,
         "test_db": decibel(test.y, found), "seconds": time.perf_counter() - began, "valid_path": []}
        for method, rate, tried, weights, error, found, began in records
    ]  # fmt: skip


def read():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else []


def append(record, until):
    RESULTS.write_text(json.dumps([*read(), record], indent=None).replace("}, {", "},\n{") + "\n")
    print({k: v for k, v in record.items() if k != "valid_path"}, flush=True)
    if time.monotonic() > until:
        raise SystemExit("stopped at --limit; run again to go on")


def done(records, kind, **key):
    return any(r["kind"] == kind and all(r.get(k) == v for k, v in key.items()) for r in records)


def chosen_rate(records, method, n_train):
    tried = [r for r in records if r["kind"] == "grid" and r["method"] == method and r["sequences"] == n_train]
    if not {r["rate"] for r in tried} >= set(RATES):
        raise SystemExit(f"run `grid {method}` first")
    return min((r for r in tried if r["rate"] in RATES), key=lambda r: r["valid_mse"])["rate"]


def grid(methods, sizes, until):
    for n_train in sizes:
        for method in methods:
            for rate in RATES:
                key = {"method": method, "sequences": n_train, "rate": rate}
                if not done(read(), "grid", **key):
                    append({"kind": "grid", **run(method, REALISATIONS[0], 0, n_train, [rate])}, until)


def runs(methods, sizes, seeds, until):
    for n_train in sizes:
        for method in methods:
            rate = chosen_rate(read(), method, n_train)
            for realisation in REALISATIONS:
                for seed in seeds:
                    key = {"method": method, "sequences": n_train, "realisation": realisation}
                    key |= {"seed": seed, "rate": rate}
                    if not done(read(), "run", **key):
                        append({"kind": "run", **run(method, realisation, seed, n_train, [rate])}, until)


def simple_runs(sizes, until):
    for n_train in sizes:
        for realisation in REALISATIONS:
            if not done(read(), "run", method="ridge8", sequences=n_train, realisation=realisation):
                for record in simple(realisation, n_train):
                    append({"kind": "run", **record}, until)


NAMES = {
    "sista3": "**SISTA-RNN, K = 3**", "sista6": "**SISTA-RNN, K = 6**", "free": "SISTA start, all weights freed",
    "generic": "stacked soft-threshold RNN, 3 x 64", "lstm128": "LSTM, 128", "ridge8": "ridge on 9 measurements",
    "ridge0": "ridge on 1 measurement", "untrained3": "SISTA, 3 steps, same start, untrained",
    "untrained100": "SISTA, 100 steps, same start, untrained",
    "chosen3": "SISTA, 3 steps, penalties by held-out measurements",
    "chosen100": "SISTA, 100 steps, penalties by held-out measurements",
}  # fmt: skip


def cell(records, method, n_train):
    """Median and range over runs at the chosen rate, and how many there are."""
    own = [r for r in records if r["kind"] == "run" and r["method"] == method and r["sequences"] == n_train]
    tried = {r["rate"] for r in records if r["kind"] == "grid" and r["method"] == method and r["sequences"] == n_train}
    if method in METHODS:
        if not tried >= set(RATES):
            return "-", "-", "-"
        own = [r for r in own if r["rate"] == chosen_rate(records, method, n_train)]
    if not own:
        return "-", "-", "-"
    values = sorted(r["test_db"] for r in own)
    middle = f"{np.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f}; {len(own)})"
    settings = len(RATES) if method in METHODS else own[0]["settings"]
    rate = f"{own[0]['rate']:g}" if method in METHODS else "-"
    return middle, str(settings), rate


def table():
    records, rates = read(), ", ".join(f"{rate:g}" for rate in RATES)
    lines = [
        "# Moving sparse field",
        "",
        "Signal-to-noise ratio in decibels on 200 test sequences: median (range; number of runs) over three",
        "realisations of the data and up to three training seeds.",
        f"The learning rate of every method was chosen from one grid ({rates}) on the 100 validation",
        f"sequences of realisation {REALISATIONS[0]}, seed 0, and then used in all runs; 'tried' says how many",
        "settings were tried and 'rate' which was taken. All networks made the same number of updates of 50 sequences",
        "and kept the parameters of the best validation error. Seeds change the order of the sequences, and the start",
        "of the stacked network and of the LSTM; with 50 sequences, all in one batch, a network that starts at the",
        "model does not depend on the seed. The LSTM ran in single precision.",
        "",
        "| method | weights | 50 sequences, 500 updates | tried | rate | 800 sequences, 2,000 updates | tried | rate |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, name in NAMES.items():
        weights = next((f"{r['weights']:,}" for r in records if r["method"] == method and r["weights"]), "-")
        few, many = cell(records, method, 50), cell(records, method, 800)
        lines.append(f"| {name} | {weights} | {' | '.join(few)} | {' | '.join(many)} |".replace("| 0 |", "| - |"))
    lines += ["", "Columns of the learned transition whose largest entry lies on the true shift, of 64:", ""]
    for method, n_train in (("sista3", 50), ("sista3", 800), ("sista6", 800)):
        own = [r for r in records if r["kind"] == "run" and r["method"] == method and r["sequences"] == n_train]
        if own:
            shifts = sorted(r["on_shift"] for r in own)
            lines.append(
                f"- {NAMES[method].strip('*')}, {n_train} sequences: {shifts[0]} to {shifts[-1]} ({len(own)} runs)"
            )
    lines += [
        "",
        "Held-out error by learning rate (realisation 2013, seed 0):",
        "",
    ]
    rows = []
    for n_train in SIZES:
        for method in METHODS:
            found = {r["rate"]: r for r in records
                     if r["kind"] == "grid" and r["method"] == method and r["sequences"] == n_train}  # fmt: skip
            if found:
                rows.append({"method": NAMES[method].strip("*"), "sequences": n_train} | {
                    f"{rate:g}": "-" if rate not in found else f"{found[rate]['valid_mse']:.3f}"
                    + (" (diverged)" if found[rate]["status"] == "diverged" else "")
                    for rate in RATES
                })  # fmt: skip
    lines += [*markdown(rows), "", "Made by `python benchmarks/sista_field.py grid`, `runs`, `simple` and `table`.", ""]
    RESULTS.with_suffix(".md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["grid", "runs", "simple", "table"])
    parser.add_argument("methods", nargs="*", default=METHODS)
    parser.add_argument("--sequences", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--limit", type=float, default=float("inf"))
    options = parser.parse_args()
    until = time.monotonic() + options.limit
    methods = options.methods or METHODS
    if options.what == "grid":
        grid(methods, options.sequences, until)
    elif options.what == "runs":
        runs(methods, options.sequences, options.seeds, until)
    elif options.what == "simple":
        simple_runs(options.sequences, until)
    else:
        table()
