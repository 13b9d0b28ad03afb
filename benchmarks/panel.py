"""
Many series: what a fit costs in a panel, alone, on two threads, on two processes, and what AutoARIMA takes.

    python benchmarks/panel.py                       # everything but the peer, then results/panel.md
    python benchmarks/panel.py --peer PYTHON         # the same with statsforecast, run by an interpreter that has it
    python benchmarks/panel.py --peer-only FILE      # what that interpreter is asked to do

Times are the least of several that take turns: other work on the machine lengthens them, nothing shortens them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from timing import machine, versions

RESULTS = Path(__file__).parent / "results" / "panel.md"
# rows of a series, and how many of them
SIZES = {100: 200, 200: 200, 500: 120, 1_000: 60}
REPEATS = 5
# a search of models and AutoARIMA take far longer
SEARCHED = 4
PEERS = 12
MONTHS = 12


def frame(n_series: int, rows: int) -> pd.DataFrame:
    """A long frame of monthly series, every other one linear."""
    dates, parts = pd.date_range("1950-01-01", periods=rows, freq="MS"), []
    for k in range(n_series):
        e = np.random.default_rng([k, rows]).standard_normal(rows + 100)
        y = np.zeros(rows + 100)
        for t in range(2, rows + 100):
            past = y[t - 1] if k % 2 else 1.3 * np.tanh(y[t - 1])
            y[t] = 0.9 * past - 0.3 * y[t - 2] + e[t] + 0.4 * e[t - 1]
        parts.append(pd.DataFrame({"unique_id": f"s{k:05d}", "ds": dates, "y": 50.0 + 5.0 * y[100:]}))
    return pd.concat(parts, ignore_index=True)


def least(functions, repeats: int) -> dict:
    """Least milliseconds, of wall and of processor time, of several calls that take turns; warm."""
    for function in functions.values():
        function()
    found: dict = {name: [np.inf, np.inf] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            now = 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)
            found[name] = [min(old, new) for old, new in zip(found[name], now, strict=True)]
    return found


def own(rows: int, n_series: int) -> dict:
    """Milliseconds a series of everything that this package does."""
    import numba

    import pararnn_ts as prt
    from pararnn_ts.models.pararnn import ParaRNN

    # statsmodels has set filters of its own by now
    warnings.simplefilter("ignore")
    df = frame(n_series, rows)
    dates = pd.date_range("1950-01-01", periods=rows, freq="MS")
    single = [pd.Series(group["y"].to_numpy(), dates, name="y") for _, group in df.groupby("unique_id")]
    panel = prt.fit_panel(df)

    def threads(count, function):
        def run():
            numba.set_num_threads(count)
            function()

        return run

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        times = least(
            {
                "alone": threads(1, lambda: [ParaRNN(y).fit() for y in single]),
                "one": threads(1, lambda: prt.fit_panel(df)),
                "two": threads(2, lambda: prt.fit_panel(df)),
                "processes": threads(1, lambda: prt.fit_panel(df, engine=pool)),
                "forecast": threads(1, lambda: panel.forecast(MONTHS)),
                "intervals": threads(1, lambda: panel.forecast(MONTHS, level=90)),
            },
            REPEATS,
        )
    few = frame(SEARCHED, rows)
    times["search"] = [
        value * n_series / SEARCHED for value in least({"": threads(1, lambda: prt.fit_panel(few, select=True))}, 1)[""]
    ]
    found = {name: [value / n_series for value in pair] for name, pair in times.items()}
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held = prt.fit_panel(df)
    found["bytes"] = (tracemalloc.get_traced_memory()[0] - before) / len(held)
    tracemalloc.stop()
    return found


def peer(rows: int) -> dict:
    """Milliseconds a series of AutoARIMA, without and with a season."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoARIMA

    df = frame(PEERS, rows)

    def run(season):
        return lambda: StatsForecast([AutoARIMA(season_length=season)], freq="MS", n_jobs=1).fit(df)

    times = least({"plain": run(1)}, 2) | (least({"season": run(MONTHS)}, 1) if rows <= 500 else {})
    return {name: [value / PEERS for value in pair] for name, pair in times.items()}


def ask_peer(python: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "peer.json"
        subprocess.run([python, __file__, "--peer-only", str(target)], check=True)
        return json.loads(target.read_text())


def write(found: dict, rival: dict | None) -> None:
    lines = ["# Many series\n", "Milliseconds for each series, wall time; processor time in parentheses.\n"]
    lines += [
        "| rows | series | fit alone, in a loop | in a panel | two threads | two processes | 12 forecasts "
        "| with intervals | `select=True` |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for rows, row in found.items():
        cells = [f"{row[name][0]:.2f} ({row[name][1]:.2f})" for name in ("alone", "one", "two")]
        cells += [f"{row['processes'][0]:.2f}", *(f"{row[name][0]:.2f}" for name in ("forecast", "intervals"))]
        lines.append(f"| {rows} | {SIZES[int(rows)]} | {' | '.join(cells)} | {row['search'][1]:.0f} |")
    lines.append("\nThe loop makes models and fits them, from series whose index has a frequency; the panel also sorts "
                 "the rows, finds the frequency and makes the table.\n")  # fmt: skip
    kept = ", ".join(f"{row['bytes'] / 1024:.1f} ({rows} rows)" for rows, row in found.items())
    lines.append(f"Kept in memory for each series, its values and labels included, kB: {kept}.\n")
    if rival is not None:
        lines += [
            "## AutoARIMA of statsforecast\n",
            "The same series, one core, milliseconds of processor time for each series. AutoARIMA chooses orders, "
            "which `fit_panel` does with `select=True` only.\n",
            "| rows | AutoARIMA | AutoARIMA, season of 12 | `fit_panel` | `fit_panel(select=True)` |",
            "|---|---|---|---|---|",
        ]
        for rows, row in rival["times"].items():
            season = f"{row['season'][1]:,.0f}" if "season" in row else "not measured"
            mine = found[rows]
            lines.append(
                f"| {rows} | {row['plain'][1]:,.0f} | {season} | {mine['one'][1]:.1f} | {mine['search'][1]:,.0f} |"
            )
        lines.append(f"\nPeer: {rival['versions']}.\n")
    lines += [f"{machine()}, shared with other work; {versions()}.\n", "Made by `python benchmarks/panel.py`."]
    if rival is not None:
        lines[-1] = "Made by `python benchmarks/panel.py --peer PYTHON`."
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer")
    parser.add_argument("--peer-only")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.peer_only:
        times = {str(rows): peer(rows) for rows in SIZES}
        Path(arguments.peer_only).write_text(json.dumps({"times": times, "versions": versions()}))
        return
    found = {}
    for rows, n_series in SIZES.items():
        found[str(rows)] = own(rows, n_series)
        print(rows, found[str(rows)], file=sys.stderr)
    write(found, ask_peer(arguments.peer) if arguments.peer else None)


if __name__ == "__main__":
    main()
