"""
Speed as ratios measured in one run, medians of repeated calls.

    python benchmarks/speed.py [--out FILE]
"""

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import numba
import numpy as np
import pandas as pd
import statsmodels
from statsmodels.tsa.arima.model import ARIMA

import pararnn_ts as prt
from pararnn_ts.kernels.lanes import LANES


def series(n: int) -> pd.Series:
    """A cyclical, mildly nonlinear series."""
    rng = np.random.default_rng(0)
    y, e = np.zeros(n + 100), rng.standard_normal(n + 100)
    for t in range(2, n + 100):
        y[t] = 1.4 * np.tanh(y[t - 1]) - 0.6 * y[t - 2] + e[t]
    return pd.Series(y[100:], pd.RangeIndex(n), name="y")


def median_time(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, the first one left out."""
    function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def fit_rows() -> list[str]:
    """Default fit beside the faster of two ARIMA(1,0,1) estimators."""
    rows = []
    for n, repeats in ((1_000, 9), (100_000, 3)):
        y = series(n)
        ours = median_time(lambda y=y: prt.ParaRNN(y).fit(), repeats)
        arma = {
            method: median_time(lambda y=y, method=method: ARIMA(y, order=(1, 0, 1)).fit(method=method), repeats)
            for method in ("innovations_mle", "statespace")
        }
        fastest = min(arma, key=arma.get)
        rows.append(
            f"| default fit, 16 starts, T = {n:,} | {ours:.4f} s | {arma[fastest]:.4f} s (ARIMA, {fastest}) "
            f"| {ours / arma[fastest]:.3f} |"
        )
    return rows


def kernel_row() -> str:
    """One pass of a unit of dimension 2 with its normal equations beside numpy's tanh over as many activations."""
    n = 1_000
    problem = prt.ParaRNN(series(n), units=(2,))._problem()
    size = problem.specification.n_params
    theta, gram = 0.1 * np.ones(size * LANES), np.empty((size + 1) ** 2 * LANES)
    evaluate = problem.evaluator()
    ours = median_time(lambda: evaluate(theta, gram), 200) / (LANES * n)
    values, out = np.linspace(-3, 3, 2 * LANES * n), np.empty(2 * LANES * n)
    plain = median_time(lambda: np.tanh(values, out=out), 200) / (LANES * n)
    return (
        f"| one pass of a (2,) unit, a step | {1e9 * ours:.1f} ns | {1e9 * plain:.1f} ns (numpy tanh) "
        f"| {ours / plain:.2f} |"
    )


def main() -> None:
    """Measure and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = ["| what | pararnn_ts | beside | ratio |", "|---|---|---|---|", *fit_rows(), kernel_row(), ""]
    lines.append(
        f"{numba.get_num_threads()} threads; Python {platform.python_version()}, numba {numba.__version__}, numpy "
        f"{np.__version__}, statsmodels {statsmodels.__version__}; command: `python benchmarks/speed.py`. Medians of "
        "repeated warm calls."
    )
    text = "\n".join(lines)
    print(text)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write("# Speed\n\n" + text + "\n")


if __name__ == "__main__":
    main()
