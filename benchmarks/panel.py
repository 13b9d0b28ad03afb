"""
Many series: what a fit costs in a panel, alone, on two threads, on two processes, and what AutoARIMA takes.

    python benchmarks/panel.py own         # what this package does
    python benchmarks/panel.py peer        # AutoARIMA, by an interpreter that has statsforecast
    python benchmarks/panel.py write       # results/panel.md from what the others left in build/studies/

Times are the least of several that take turns: other work on the machine lengthens them, nothing shortens them.
"""

import argparse
import json
import sys
import time
import tracemalloc
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from pieces import markdown
from timing import machine, versions

RESULTS = Path(__file__).parent / "results" / "panel.md"
FOLDER = Path(__file__).parent.parent / "build" / "studies"
OWN, PEER = "panel_own.json", "panel_peer.json"
LENGTHS = (100, 200, 500, 1_000)
# few series many times: of so many short moments one finds the machine free
SERIES = 24
REPEATS = 30
# a search of models and AutoARIMA take far longer
SEARCHED = 4
PEERS = 4
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


def own(rows: int) -> dict:
    """Milliseconds a series of everything that this package does."""
    import numba

    import pararnn_ts as prt
    from pararnn_ts.models.pararnn import ParaRNN

    # statsmodels has set filters of its own by now
    warnings.simplefilter("ignore")
    df = frame(SERIES, rows)
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
        value * SERIES / SEARCHED for value in least({"": threads(1, lambda: prt.fit_panel(few, select=True))}, 1)[""]
    ]
    found = {name: [value / SERIES for value in pair] for name, pair in times.items()}
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

    times = least({"plain": run(1)}, 1) | (least({"season": run(MONTHS)}, 1) if rows <= 500 else {})
    return {name: [value / PEERS for value in pair] for name, pair in times.items()}


def write(mine: dict, rival: dict | None) -> None:
    """Write the tables."""
    found = mine["times"]
    columns = {"fit alone, in a loop": "alone", "in a panel": "one", "two threads": "two", "two processes": "processes",
               "12 forecasts": "forecast", "with intervals": "intervals"}  # fmt: skip
    lines = [
        "# Many series\n",
        "Milliseconds for each series, wall time; processor time in parentheses. Where the first is\n"
        "longer than the second on one thread, other work had the cores.\n",
        *markdown([
            {"rows": rows} | {
                head: f"{row[name][0]:.2f}" + f" ({row[name][1]:.2f})" * (name != "processes")
                for head, name in columns.items()
            }
            for rows, row in found.items()
        ]),
    ]  # fmt: skip
    kept = ", ".join(f"{row['bytes'] / 1024:.1f} ({rows} rows)" for rows, row in found.items())
    lines += [
        "\nThe loop makes models and fits them, from series whose index has a frequency; the panel also sorts the\n"
        "rows, finds the frequency and makes the table; every call checks its options on a made-up series, once.\n",
        f"Kept in memory for each series, values included, kB: {kept}.\n",
    ]
    if rival is not None:
        lines += [
            "## AutoARIMA of statsforecast\n",
            "Series of the same kind, one core, milliseconds of processor time for each. AutoARIMA chooses orders,\n"
            "which `fit_panel` does with `select=True` only.\n",
            *markdown([
                {"rows": rows, "AutoARIMA": f"{row['plain'][1]:,.0f}",
                 "AutoARIMA, season of 12": f"{row['season'][1]:,.0f}" if "season" in row else "not measured",
                 "`fit_panel`": f"{found[rows]['one'][1]:.1f}",
                 "`fit_panel(select=True)`": f"{found[rows]['search'][1]:,.0f}"}
                for rows, row in rival["times"].items()
            ]),
            f"\nPeer: {rival['versions']}.\n",
        ]  # fmt: skip
    lines += [
        f"{mine['machine']}, shared with other work; {mine['versions']}.\n",
        "Made by `python benchmarks/panel.py own`, `peer` and `write`.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["own", "peer", "write"])
    what = parser.parse_args().what
    warnings.simplefilter("ignore")
    if what == "write":
        write(*(json.loads(path.read_text()) if path.exists() else None for path in (FOLDER / OWN, FOLDER / PEER)))
        return
    measure = own if what == "own" else peer
    found = {"times": {}, "machine": machine(), "versions": versions()}
    for rows in LENGTHS:
        found["times"][str(rows)] = measure(rows)
        print(rows, found["times"][str(rows)], file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / (OWN if what == "own" else PEER)).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
