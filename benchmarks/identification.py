"""
How often `results.identification` finds a unit that is or is not there, and how often the observed information fails.

    python benchmarks/identification.py [--replications 100] [--out FILE]
"""

import argparse
import platform
import warnings

import numpy as np
from pieces import markdown
from scipy.signal import lfilter

from pararnn_ts import ParaRNN, datasets

N = 300


def linear(rng: np.random.Generator) -> np.ndarray:
    """AR(2)."""
    return lfilter([1.0], [1.0, -0.5, 0.3], rng.standard_normal(N + 100))[100:]


def saturating(rng: np.random.Generator) -> np.ndarray:
    """One tanh unit of dimension 1 beside a direct lag."""
    e, y, h = rng.standard_normal(N + 100), np.zeros(N + 100), 0.0
    for t in range(1, N + 100):
        h = np.tanh(0.6 * h + y[t - 1] + 0.3)
        y[t] = 0.5 * y[t - 1] - 1.5 * h + e[t]
    return y[100:]


def share_identified(process, units: tuple[int, ...], penalty, replications: int) -> float:
    """Share of series in whose fit the first unit counts as identified."""
    found = 0
    for seed in range(replications):
        y = process(np.random.default_rng(seed))
        res = ParaRNN(y, units=units, linear_lags=2).fit(n_starts=4, penalty=penalty)
        found += bool(res.identification["identified"].iloc[0])
    return found / replications


def indefinite() -> tuple[int, int, int]:
    """Fits of shipped series, those whose observed information is indefinite, and those of them that converged."""
    series = [
        np.log10(datasets.load_lynx()),
        np.sqrt(datasets.load_sunspots()),
        datasets.load_nile(),
        datasets.load_unemployment(),
        datasets.load_nino(),
    ]
    fits, failed, converged = 0, 0, 0
    for y in series:
        for units in ((1,), (2,), (2, 1)):
            res = ParaRNN(y, units=units, linear_lags=2).fit(n_starts=8, cov_type="oim")
            fits += 1
            if res.bse.isna().all():
                failed += 1
                converged += res.converged
    return fits, failed, converged


def main() -> None:
    """Simulate and print, or write, the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=100, help="series for each row")
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name, process in (("AR(2), no unit", linear), ("one decaying unit", saturating)):
        for d in (1, 2):
            for penalty in ("evidence", 0.0):
                share = 100 * share_identified(process, (d,), penalty, args.replications)
                row = {"process": name, "unit of dimension": d, "penalty": penalty or "none"}
                rows.append(row | {"identified, %": f"{share:.0f}"})
                print(*rows[-1].values(), sep=" | ", flush=True)
    fits, failed, converged = indefinite()
    text = [
        "# Identification\n",
        f"Share of {args.replications} series of length {N} in whose fit the unit counts as identified.\n",
        *markdown(rows),
        f"\nThe observed information was indefinite in {failed} of {fits} default fits of five shipped series with "
        f"units (1), (2) and (2, 1); {converged} of these {failed} had converged.",
        f"\nPython {platform.python_version()}, numpy {np.__version__}; command: `python "
        "benchmarks/identification.py`.",
    ]
    print(text[-2])
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
