"""
Speed: every figure a ratio of medians of repeated warm calls, measured in one run.

    python benchmarks/speed.py [--only PREFIX ...] [--fresh] [--list]

Each piece runs in a process of its own and is kept in build/studies/; those that are there are not measured again.
`--only` names pieces by the beginning of their names, `--fresh` measures them anew ("own" needs no peer but statsmodels
and takes a few minutes). After each call the tables and the figure are written from what there is:
results/speed.md, speed.json and speed.png.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from speed_report import RESULTS, write
from timing import machine, versions

FOLDER = Path(__file__).parent.parent / "build" / "studies"
CURVE = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
SERIES = ("simulated", "laser")
LENGTHS = ("simulated 300", "simulated 3000")
ADAM = ("Adam, rate 0.003", "Adam, rate 0.01", "Adam, rate 0.03", "Adam, rate 0.1")
LBFGS = ("L-BFGS, backtracking", "L-BFGS of scipy")
REST = ("L-BFGS, zoom", "Levenberg-Marquardt")
# kinds of model, series, starts and optimisers in JAX; kinds of network, series and rates in torch
JAX = (
    ("ParaRNN", SERIES, "usual", (*ADAM, *LBFGS, *REST)),
    ("ParaRNN", SERIES, "own", (*ADAM[1:], *LBFGS)),
    ("ElmanRNN", SERIES, "usual", (*ADAM[1:], *LBFGS)),
    ("ParaRNN", LENGTHS, "usual", (*ADAM[2:], *LBFGS)),
)
TORCH = (
    ("nn.RNN", SERIES, (0.01, 0.03, 0.1)),
    ("nn.LSTM", SERIES, (0.01, 0.03, 0.1)),
    ("sum of nn.RNN", SERIES, (0.03, 0.1)),
    ("nn.RNN", LENGTHS, (0.03, 0.1)),
)


def pieces() -> dict[str, tuple]:
    """Module, function and arguments of each piece by its name, in the order in which they can be measured."""
    found: dict[str, tuple] = {
        "own kernel": ("speed_own", "kernel"),
        "own passes": ("speed_own", "passes"),
        **{f"own fits {n}": ("speed_own", "fits", n, 21 if n < 3_000 else 7 if n < 30_000 else 3) for n in CURVE},
        "own long fits": ("speed_own", "long_fits"),
        "own threads": ("speed_own", "threads"),
        "own selection": ("speed_own", "selection"),
        "own memory 1000000": ("speed_process", "memory", 1_000_000),
        "own memory 10000000": ("speed_process", "memory", 10_000_000),
        "own cold start": ("speed_process", "cold"),
    }
    for series in (*SERIES, *LENGTHS):
        for kind in ("ParaRNN", "ElmanRNN", "LSTM") if series in SERIES else ("ParaRNN",):
            found[f"goal {series} {kind}"] = ("speed_peers", "own", series, kind)
    for series in SERIES:
        for n_starts in (1, 16):
            found[f"peer own {series}, ElmanRNN, n_starts={n_starts}"] = ("speed_peers", "coupled", series, n_starts)
    for n in CURVE[:4]:
        found[f"peer AutoARIMA {n}"] = ("speed_own", "automatic", n, 3)
    for kind, names, starts, variants in JAX:
        for series in names:
            for variant in variants:
                name = f"peer JAX {series}, {kind}, {starts} starts, {variant}"
                found[name] = ("speed_peers", "jax", series, kind, variant, starts)
    for kind, names, rates in TORCH:
        for series in names:
            for rate in rates:
                found[f"peer torch {series}, {kind}, rate {rate:g}"] = ("speed_peers", "torch", series, kind, rate)
    return found


def file_of(name: str) -> Path:
    """File in which a piece is kept."""
    return FOLDER / f"speed_{name.replace(', ', '_').replace(' ', '-')}.json"


def measure(name: str) -> None:
    """Measure one piece in this process and keep it."""
    module, function, *arguments = pieces()[name]
    sys.path.insert(0, str(Path(__file__).parent))
    result = getattr(importlib.import_module(module), function)(*arguments)
    part = file_of(name).with_suffix(".part")
    part.write_text(json.dumps({**result, "measured": f"{machine()}; {versions()}"}))
    part.replace(file_of(name))


def stored() -> dict[str, dict]:
    """What has been measured so far; where it is not the work of this folder, that of the committed record."""
    record = RESULTS / "speed.json"
    found = json.loads(record.read_text())["pieces"] if record.exists() else {}
    found.update({name: json.loads(file_of(name).read_text()) for name in pieces() if file_of(name).exists()})
    return {name: found[name] for name in pieces() if name in found}


def main() -> None:
    """Measure what is missing and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of the names of pieces")
    parser.add_argument("--fresh", action="store_true", help="measure again what has been measured")
    parser.add_argument("--list", action="store_true", help="print the names and what is missing")
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if args.piece:
        measure(args.piece)
        return
    for name in pieces():
        if not name.startswith(tuple(args.only)):
            continue
        if args.list:
            print(name, "" if file_of(name).exists() else "(missing)")
        elif args.fresh or not file_of(name).exists():
            print(name, flush=True)
            cores = os.sched_getaffinity(0)
            if pieces()[name][0] == "speed_peers":
                os.sched_setaffinity(0, {max(cores)})
            subprocess.run([sys.executable, __file__, "--piece", name], check=True)
            os.sched_setaffinity(0, cores)
    if not args.list:
        write(stored())


if __name__ == "__main__":
    main()
