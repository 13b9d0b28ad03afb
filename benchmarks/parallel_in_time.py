"""
How many Newton iterations does the recurrence in parallel over time need, and what does a pass cost?

64 random units of dimension 2 (tanh, one input: a standardised AR(1) with coefficient 0.7) run along series of 100 to
1,000,000 rows, in chunks of 256 rows and of one row, which is Newton's method on the whole trajectory. The spectral
radius of their recurrent matrices is 0.8 (contractive), 0.999 with inputs so small that activations are nearly linear
(nearly a unit root) or 1.3 (expansive). States are compared with those of the sequential kernel, which is also timed.
What a device would need is counted, not measured; `cuda_long_series.py` measures it where there is one.

    python benchmarks/parallel_in_time.py [--out FOLDER] [--fresh] [--times] [--iterations]
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from pieces import compute, markdown, versions

from pararnn_ts.kernels import parallel_in_time
from pararnn_ts.kernels.activations import ACTIVATIONS
from pararnn_ts.kernels.recursion import run_path

# spectral radius and size of the input weights
KINDS = {"contractive": (0.8, 1.0), "nearly a unit root": (0.999, 0.02), "expansive": (1.3, 1.0)}
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
CHUNKS = (256, 1)
UNITS = 64
TANH = ACTIVATIONS["tanh"]

# An H100 SXM, from NVIDIA's data sheet: double precision operations (a fused product and sum counts as two) and bytes
# per second.
OPERATIONS, BYTES = 34e12, 3.35e12
# Double-precision instructions of one step of a unit of dimension 2 with one input and of its 2 x 2 derivative, in the
# PTX of the kernel `shoot` for sm_90: fused, products, sums, and two divisions of about ten instructions each. All of
# the kernel is counted, also what is outside the loop over rows.
INSTRUCTIONS = 32 + 24 + 10 + 2 * 10


def series(rows: int) -> np.ndarray:
    """Return a standardised AR(1)."""
    shocks, y = np.random.default_rng(0).normal(size=rows + 1), np.zeros(rows + 1)
    for t in range(1, rows + 1):
        y[t] = 0.7 * y[t - 1] + shocks[t]
    return y * np.sqrt(1.0 - 0.7**2)


def unit(kind: str, number: int) -> np.ndarray:
    """Return the weights W, U, b, v of a random unit."""
    (radius, size), rng = KINDS[kind], np.random.default_rng([list(KINDS).index(kind), number])
    W = rng.normal(size=(2, 2))
    W *= radius / np.abs(np.linalg.eigvals(W)).max()
    return np.concatenate([W.ravel(), size * rng.normal(size=2), 0.3 * size * rng.normal(size=2), np.ones(2)])


def sequential(theta: np.ndarray, units: int, y: np.ndarray) -> np.ndarray:
    """States by the sequential kernel; the input of a row is the value of the row before."""
    n, none = len(y), np.empty((len(y), 0))
    states = np.empty((n, 2 * units))
    run_path(theta, np.full(units, 2), TANH, np.array([1]), np.arange(0), np.ones(1), none, none, y.copy(), np.zeros(n),
             1, 1, np.zeros(2 * units), states, np.empty(n), np.empty((n, units)))  # fmt: skip
    return states[1:]


def n_units(rows: int, chunk: int) -> int:
    """Return how many units are tried; eight of them where a pass over all rows is slowest."""
    return UNITS if chunk > 1 or rows < SIZES[-1] else 8


def piece(kind: str, rows: int, chunk: int) -> dict[str, Any]:
    """Iterations, failures and the largest error of units of one kind."""
    y = series(rows)
    x = np.ascontiguousarray(y[:-1, None])
    iterations, failed, errors = [], 0, []
    for number in range(n_units(rows, chunk)):
        theta = unit(kind, number)
        states, outcome = parallel_in_time.states(theta, (2,), TANH, x, chunk=chunk)
        errors.append(float(np.abs(states - sequential(theta, 1, y)).max()))
        if outcome.converged[0]:
            iterations.append(int(outcome.iterations[0]))
        else:
            failed += 1
    return {"iterations": iterations, "failed": failed, "error": max(errors)}


def seconds(repeats: int, function, *arguments, warm: bool = False) -> float:
    """Median processor time of a call, after one that compiles unless everything is `warm`."""
    if not warm:
        function(*arguments)
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        function(*arguments)
        taken.append(time.process_time() - begin)
    return float(np.median(taken))


def timings(rows: int, units: int) -> dict[str, float]:
    """Seconds of forward passes on one core: the sequential kernel, and the reference in parallel over time."""
    y = series(rows)
    x = np.ascontiguousarray(y[:-1, None])
    theta = np.concatenate([unit("contractive", number) for number in range(units)])
    z = np.random.default_rng(0).normal(size=1_000_000)
    parallel_in_time.states(theta, (2,) * units, TANH, x[:1000])
    return {
        "sequential": seconds(3, sequential, theta, units, y),
        "parallel": seconds(1, lambda: parallel_in_time.states(theta, (2,) * units, TANH, x), warm=True),
        "tanh": seconds(5, np.tanh, z) / len(z) * 2 * units * rows,
    }


def count(rows: int, units: int, passes: int) -> dict[str, float]:
    """Seconds a device needs at its ceilings for passes over the series and the states written at the end."""
    steps = float(rows * units)
    return {
        "arithmetic": passes * steps * INSTRUCTIONS / (OPERATIONS / 2.0),
        # every unit reads the inputs in each pass; they may come from the cache
        "memory": (passes * steps * 8.0 + steps * 16.0) / BYTES,
    }


def draw(found: dict, path: Path) -> None:
    """Draw the iterations against the number of rows."""
    figure, axes = plt.subplots(1, len(CHUNKS), figsize=(9.0, 3.8), sharey=True, layout="constrained")
    for axis, chunk in zip(axes, CHUNKS, strict=True):
        for number, kind in enumerate(KINDS):
            drawn = [n for n in SIZES if found[kind, n, chunk]["iterations"]]
            middle = [np.median(found[kind, n, chunk]["iterations"]) for n in drawn]
            most = [max(found[kind, n, chunk]["iterations"]) for n in drawn]
            axis.semilogx(drawn, middle, "o-", color=f"C{number}", markersize=10 - 3 * number, label=f"{kind}, median")
            axis.semilogx(drawn, most, "^:", color=f"C{number}", markersize=10 - 3 * number, label=f"{kind}, largest")
        title = "chunks of 256 rows" if chunk > 1 else "chunks of one row (eight units at the right end)"
        axis.set(xlabel="rows of the series", title=title, xticks=SIZES, ylim=(-0.5, parallel_in_time.LIMIT + 1))
        axis.axhline(parallel_in_time.LIMIT, color="grey", linewidth=0.8)
        if chunk > 1:
            axis.text(
                10_000, parallel_in_time.LIMIT - 0.4, "sequential from here on", color="grey", va="top", ha="center"
            )
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("Newton iterations of units that converge")
    axes[0].legend(frameon=False, loc="center left", bbox_to_anchor=(0.0, 0.62))
    figure.savefig(path, dpi=150)
    plt.close(figure)


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main() -> None:
    """Run the study and print, or write, its tables and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="compute all pieces again")
    parser.add_argument("--times", action="store_true", help="only take the times, on a quiet machine")
    parser.add_argument("--iterations", action="store_true", help="only count the iterations")
    parser.add_argument("--out", type=Path, help="folder for tables and figure")
    args = parser.parse_args()
    if args.times:
        compute("parallel_time_cost", [(SIZES[-1], UNITS)], timings, fresh=True)
        return
    keys = [(kind, rows, chunk) for chunk in CHUNKS for kind in KINDS for rows in SIZES]
    found = compute("parallel_time", keys, piece, fresh=args.fresh)
    if args.iterations:
        return
    timed = compute("parallel_time_cost", [(SIZES[-1], UNITS)], timings, fresh=args.fresh)
    rows = [
        {
            "rows of a chunk": chunk, "units": kind, "T": f"{n:,}",
            "iterations, median": f"{np.median(found[kind, n, chunk]['iterations'] or [np.nan]):g}",
            "largest": max(found[kind, n, chunk]["iterations"], default=""),
            "sequential": f"{found[kind, n, chunk]['failed']} of {n_units(n, chunk)}",
            "largest error": f"{found[kind, n, chunk]['error']:.1e}",
        }
        for chunk in CHUNKS for kind in KINDS for n in SIZES
    ]  # fmt: skip
    taken = timed[SIZES[-1], UNITS]
    passes = 2 + max(found["contractive", SIZES[-1], CHUNKS[0]]["iterations"])
    ceiling = count(SIZES[-1], UNITS, passes)
    least = ceiling["arithmetic"] + ceiling["memory"]
    costs = [
        {"forward pass": "sequential kernel, one core", "seconds": f"{taken['sequential']:.3f}", "how": "measured"},
        {"forward pass": "the tanh alone, by numpy's vector function, one core", "seconds": f"{taken['tanh']:.3f}",
         "how": "measured"},
        {"forward pass": "reference in parallel over time, one core", "seconds": f"{taken['parallel']:.3f}",
         "how": "measured"},
        {"forward pass": f"H100, arithmetic of {passes} passes", "seconds": f"{ceiling['arithmetic']:.5f}",
         "how": "counted, **not measured**"},
        {"forward pass": f"H100, memory: inputs of {passes} passes, states written",
         "seconds": f"{ceiling['memory']:.5f}", "how": "counted, **not measured**"},
        {"forward pass": "H100, one after the other, at a quarter of both ceilings", "seconds": f"{4 * least:.5f}",
         "how": f"counted, **not measured**: {taken['sequential'] / (4 * least):.0f} times faster than the sequential "
                f"kernel, {taken['tanh'] / (4 * least):.0f} times faster than the tanh alone"},
    ]  # fmt: skip
    text = "\n".join([
        *markdown(rows), "",
        f"Forward pass of {UNITS} contractive units of dimension 2 over {SIZES[-1]:,} rows:", "", *markdown(costs),
    ])  # fmt: skip
    print(text)
    if args.out:
        foot = (
            f"{processor()}, {os.cpu_count()} cores; {versions()}; command: `python benchmarks/parallel_in_time.py`. "
            "Times are of the processor, while others used the machine. "
            f"Counted: {INSTRUCTIONS} double-precision instructions for a unit and a row, 8 bytes of input a pass "
            f"and 16 of states; ceilings of an H100 SXM: {OPERATIONS / 1e12:g} TFLOP/s in double precision, "
            f"{BYTES / 1e12:g} TB/s."
        )
        (args.out / "parallel_in_time.md").write_text(
            "# The recurrence in parallel over time\n\n"
            f"{text}\n\n![Iterations](parallel_in_time.png)\n\n{foot}\n", encoding="utf-8"
        )  # fmt: skip
        (args.out / "parallel_in_time.json").write_text(
            json.dumps({"cost": taken, "found": [[*key, value] for key, value in found.items()]}) + "\n"
        )
        draw(found, args.out / "parallel_in_time.png")


if __name__ == "__main__":
    main()
