"""
How often do 90 % forecast intervals contain the observation when the sample is short?

    python benchmarks/small_samples.py [--out FILE] [--samples N]
"""

import argparse
import platform
import warnings

import numba
import numpy as np
import statsmodels.api  # it resets the filters of warnings when it is first imported
from pieces import markdown

import pararnn_ts as prt

ALPHA, AHEAD = 0.1, 12
METHODS = (("bootstrap", False), ("bootstrap", True), ("gaussian", False), ("gaussian", True), ("conformal", False))


def tanh_cycle(rng: np.random.Generator, n: int) -> np.ndarray:
    """A nonlinear autoregression with a cycle."""
    y = np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.5 * np.tanh(y[t - 1]) - 0.7 * y[t - 2] + rng.standard_normal()
    return y[50:]


def arma(rng: np.random.Generator, n: int) -> np.ndarray:
    """An ARMA(1,1) with coefficients 0.7 and 0.4."""
    e, y = rng.standard_normal(n + 100), np.zeros(n + 100)
    for t in range(1, n + 100):
        y[t] = 0.7 * y[t - 1] + e[t] + 0.4 * e[t - 1]
    return y[100:]


PROCESSES = {"nonlinear cycle": (tanh_cycle, 2), "ARMA(1,1)": (arma, 1)}


def coverage(process, lags: int, n: int, samples: int) -> dict:
    """Share of covered observations by method and step, and the median width."""
    inside: dict = {key: [] for key in METHODS}
    width: dict = {key: [] for key in METHODS}
    for seed in range(samples):
        y = process(np.random.default_rng(seed), n + AHEAD)
        results = prt.ParaRNN(y[:n], lags=lags, units=(1,)).fit(n_starts=4)
        for method, uncertain in METHODS:
            options = {"method": method, "param_uncertainty": uncertain, "n_sims": 500, "rng": seed}
            try:
                low, high = np.asarray(results.get_forecast(AHEAD, **options).conf_int(ALPHA)).T
            except ValueError:  # too short for conformal intervals
                continue
            inside[method, uncertain].append((low <= y[n:]) & (y[n:] <= high))
            width[method, uncertain].append(high - low)
    return {
        key: (np.mean(inside[key], axis=0), float(np.median(width[key])))
        for key in METHODS
        if len(inside[key]) == samples
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out")
    parser.add_argument("--samples", type=int, default=200)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name, (process, lags) in PROCESSES.items():
        for n in (60, 120, 500):
            for (method, uncertain), (share, width) in coverage(process, lags, n, args.samples).items():
                words = f"{method}, uncertain parameters" if uncertain else method
                parts = {"step 1": share[0], "steps 2-4": share[1:4].mean(), "steps 5-12": share[4:].mean(),
                         "all": share.mean()}  # fmt: skip
                rows.append({"process": name, "T": n, "method": words,
                             **{steps: f"{100 * part:.1f} %" for steps, part in parts.items()},
                             "median width": f"{width:.2f}"})  # fmt: skip
                print(*rows[-1].values(), sep=" | ", flush=True)
    lines = [
        "# Coverage of 90 % forecast intervals in short samples",
        "",
        *markdown(rows),
        "",
        f"{args.samples} samples of each process, `ParaRNN(y, units=(1,)).fit(n_starts=4)`, 500 paths; standard error "
        f"of the share of step 1 about {100 * (0.09 / args.samples) ** 0.5:.1f} points. Conformal intervals for 12 "
        f"steps need more than 60 observations. Python {platform.python_version()}, numba {numba.__version__}, numpy "
        f"{np.__version__}, statsmodels {statsmodels.__version__}; command: `python benchmarks/small_samples.py`.",
    ]
    if args.out:
        with open(args.out, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
