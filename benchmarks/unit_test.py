"""
Size and power of the bootstrap test that one unit fewer would do, beside the chi-squared test that would be wrong.

    python benchmarks/unit_test.py [--replications 200] [--out FILE]
"""

import argparse
import platform
import warnings

import numpy as np
from pieces import markdown
from scipy import stats
from scipy.signal import lfilter

from pararnn_ts import ParaRNN

N, N_BOOTSTRAP, N_STARTS, LEVEL = 200, 39, 8, 0.05


def linear(rng: np.random.Generator) -> np.ndarray:
    """AR(2)."""
    return lfilter([1.0], [1.0, -0.5, 0.3], rng.standard_normal(N + 100))[100:]


def saturating(rng: np.random.Generator) -> np.ndarray:
    """One tanh unit of dimension 1 beside a direct lag."""
    e, y, h = rng.standard_normal(N + 100), np.zeros(N + 100), 0.0
    for t in range(1, N + 100):
        h = np.tanh(0.6 * h + 1.5 * y[t - 1] + 0.3)
        y[t] = 0.8 * y[t - 1] - 1.5 * h + e[t]
    return y[100:]


def rejections(process, penalty, replications: int) -> tuple[float, float]:
    """Share of series on which the bootstrap and the chi-squared distribution reject the model without the unit."""
    simulated, naive = 0, 0
    for seed in range(replications):
        y = process(np.random.default_rng(seed))
        res = ParaRNN(y, units=(1,), linear_lags=2).fit(penalty=penalty, n_starts=N_STARTS)
        row = res.test_units(bootstrap=N_BOOTSTRAP, rng=seed).iloc[0]
        simulated += row["bootstrap_pvalue"] <= LEVEL
        naive += stats.chi2.sf(row["likelihood_ratio"], max(row["effective"], 1.0)) <= LEVEL
    return simulated / replications, naive / replications


def main() -> None:
    """Simulate and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=200, help="series for each row")
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name, process in (("AR(2), no unit", linear), ("one decaying unit", saturating)):
        for penalty in ("evidence", 0.0):
            simulated, naive = rejections(process, penalty, args.replications)
            rows.append({"process": name, "penalty": penalty or "none", "bootstrap": f"{100 * simulated:.1f}",
                         "chi-squared": f"{100 * naive:.1f}"})  # fmt: skip
            print(*rows[-1].values(), sep=" | ", flush=True)
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / args.replications)
    text = [
        "# Test of a unit\n",
        f"Rejections at the 5 % level, in per cent, of the model without its unit (dimension 1); T = {N}, "
        f"{args.replications} series, {N_BOOTSTRAP} simulated ones for each; standard error at 5 %: {error:.1f} "
        "points. The chi-squared distribution has as many degrees of freedom as the unit adds effective parameters; it "
        "is shown because it is tempting.\n",
        *markdown(rows),
        f"\nPython {platform.python_version()}, numpy {np.__version__}; command: `python benchmarks/unit_test.py "
        f"--replications {args.replications}`.",
    ]
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
