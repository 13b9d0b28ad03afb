"""
What it costs that the recursion begins at state zero where the process has been under way for long.

The case "tanh cycle" of `interval_coverage.py` under its true parameters: mean squared errors of the predictions that
come from the unknown first state, summed over the rows from a row on, in units of the variance of the shocks. Starts
are zero, the fixed point of the unit at the mean of its input, and the mean of its state, which is the best constant.

    python benchmarks/start_of_sample.py [--samples 4000] [--out FILE]
"""

import argparse
from pathlib import Path

import numpy as np
from interval_coverage import CYCLE
from pieces import markdown, versions

BEFORE, ROWS, SKIPPED = 200, 60, (0, 2, 5, 10, 25)


def main() -> None:
    """Simulate and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--out", type=Path, help="file for the table, as Markdown")
    args = parser.parse_args()
    W, U, b, v = (np.array(part, dtype=float) for part in CYCLE)
    inputs = np.random.default_rng(0).standard_normal((BEFORE + ROWS, args.samples, 1))

    def states(h: np.ndarray, x: np.ndarray) -> np.ndarray:
        found = []
        for row in x:
            h = np.tanh(h @ W.T + row @ U.T + b)
            found.append(h)
        return np.array(found)

    process = states(np.zeros((args.samples, 2)), inputs)
    starts = {
        "zero": np.zeros(2),
        "fixed point at the mean input": states(np.zeros((1, 2)), np.zeros((500, 1, 1)))[-1, 0],
        "mean state": process[BEFORE // 2 : BEFORE].mean(axis=(0, 1)),
    }
    rows = []
    for name, start in starts.items():
        path = states(np.broadcast_to(start, (args.samples, 2)), inputs[BEFORE:])
        errors = np.mean(((path - process[BEFORE:]) @ v) ** 2, axis=1)
        rows.append({"start": name, **{f"hold_back={m}": f"{errors[m:].sum():.3f}" for m in SKIPPED}})
    text = "\n".join(markdown(rows))
    print(text)
    if args.out:
        foot = f"{versions()}; command: `python benchmarks/start_of_sample.py --samples {args.samples}`.\n"
        args.out.write_text(f"# Predictions at the start of a sample\n\n{text}\n\n{foot}")


if __name__ == "__main__":
    main()
