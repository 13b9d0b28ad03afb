"""
What short persistent series gain by a prior whose mean is a random walk.

`select_order` in levels, otherwise with default settings, on simulated series of 80 to 240 observations, as it is and
with prior means of zero. Ratios are those of `accuracy.py`: squared one-step errors of the last quarter over those of
an autoregression, ratios below one half counted as one half; means are geometric.

    python benchmarks/random_walk_prior.py [--samples 8] [--out FILE]
"""

import argparse
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from accuracy import FLOOR, Case, autoregression
from pieces import markdown, versions
from scipy.signal import lfilter

import pararnn_ts as prt
from pararnn_ts.estimation import scaling

LENGTHS = (80, 120, 160, 240)
BURN = 200


def series(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Series with a unit root or near it, with a trend or a cycle, linear and not, and two that forget quickly."""
    total, time = n + BURN, np.arange(n)

    def ar(*coefficients: float, shocks: np.ndarray | None = None) -> np.ndarray:
        noise = rng.standard_normal(total) if shocks is None else shocks
        return lfilter([1.0], [1.0, *(-c for c in coefficients)], noise)

    def recursion(step, spread: float) -> np.ndarray:
        y, shocks = np.zeros(total), spread * rng.standard_normal(total)
        for t in range(2, total):
            y[t] = step(y[t - 1], y[t - 2]) + shocks[t]
        return y

    found = {
        "random walk": np.cumsum(rng.standard_normal(total)),
        "random walk with drift": np.cumsum(0.3 + rng.standard_normal(total)),
        "random walk, t shocks": np.cumsum(rng.standard_t(3.0, total)),
        "exponential of a random walk": np.exp(0.02 * np.cumsum(0.2 + rng.standard_normal(total))),
        "ARI(1, 1)": np.cumsum(0.1 + ar(0.5)),
        "IMA(1, 1)": np.cumsum(lfilter([1.0, -0.6], [1.0], rng.standard_normal(total))),
        "twice integrated": np.cumsum(np.cumsum(0.3 * rng.standard_normal(total))),
        "AR(1), 0.95": ar(0.95),
        "AR(1), 0.8": ar(0.8),
        "AR(2), cycle": ar(1.5, -0.8),
        "threshold": recursion(lambda y, _: (0.95 if y < 0.0 else 0.5) * y, 1.0),
        "saturating": recursion(lambda y, before: 1.2 * y - 0.3 * before - 0.4 * np.tanh(y), 0.5),
        "AR(1), 0.3": ar(0.3),
        "white noise": rng.standard_normal(total),
    }
    found = {name: y[-n:] for name, y in found.items()}
    season = 2.0 * np.sin(2.0 * np.pi * time / 12.0) + np.cos(4.0 * np.pi * time / 12.0)
    return found | {
        "trend and AR(1), 0.6": 0.05 * time + ar(0.6)[-n:],
        "season and random walk": season + np.cumsum(0.3 * rng.standard_normal(n)),
    }


def ratios(name: str, y: np.ndarray) -> dict[str, float]:
    """Log ratios of the selected model and of the average."""
    n = int(0.75 * len(y))
    selection = prt.select_order(y[:n], max_diff=0)
    bar = autoregression(Case(name, pd.Series(y), n))[0]
    found = {}
    for what, results in (("selected", selection.results), ("average", selection.average())):
        error = np.asarray(results.append(y[n:]).resid)[n:]
        found[what] = float(np.log(max(np.mean(error**2) / bar, FLOOR)))
    return found


def without_means(specification, target, variance) -> np.ndarray:
    """Prior means of zero, whatever the series."""
    return np.zeros(specification.n_params)


def main() -> None:
    """Simulate and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=8, help="of each process; their lengths take turns")
    parser.add_argument("--out", type=Path, help="file for the table, as Markdown")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for seed in range(args.samples):
        for name, y in series(np.random.default_rng(seed), LENGTHS[seed % len(LENGTHS)]).items():
            walk = ratios(name, y)
            with mock.patch.object(scaling, "prior_mean", without_means):
                zero = ratios(name, y)
            rows.append({"process": name} | {f"{what}, mean zero": zero[what] for what in zero} | walk)
    table = pd.DataFrame(rows)
    shown = np.exp(table.groupby("process", sort=False).mean())
    every = table.drop(columns="process")
    shown.loc["all"] = np.exp(every.mean())
    lines = markdown([{"process": name, **{k: f"{v:.3f}" for k, v in row.items()}} for name, row in shown.iterrows()])
    for what in ("selected", "average"):
        change = every[what] - every[f"{what}, mean zero"]
        lines.append(
            f"\nRatio of the errors, {what}: {np.exp(change.mean()):.3f}, standard error {change.sem():.3f}; "
            f"more than 1.25 times the autoregression's error: {(every[f'{what}, mean zero'] > np.log(1.25)).sum()} of "
            f"{len(every)} before, {(every[what] > np.log(1.25)).sum()} now."
        )
    text = "\n".join(lines)
    print(text)
    if args.out:
        foot = f"{versions()}; command: `python benchmarks/random_walk_prior.py --samples {args.samples}`.\n"
        args.out.write_text(f"# Prior means of a random walk on short series\n\n{text}\n\n{foot}")


if __name__ == "__main__":
    main()
