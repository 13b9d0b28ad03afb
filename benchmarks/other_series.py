"""
One-step accuracy of `select_order`, with default settings, on series that are not shipped.

Short ones of statsmodels, many of them with a trend in which the last quarter lies outside the range of what came
before, and simulated ones of 120 observations. What is compared, and how, is in accuracy.py; the test part is the last
quarter.

    python benchmarks/other_series.py [--only NAME ...] [--out FILE]
"""

import numpy as np
import pandas as pd
from accuracy import Case, run
from scipy.signal import lfilter
from statsmodels import datasets

N, BURN = 120, 200


def observed() -> dict[str, pd.Series]:
    """Series of statsmodels, in levels and as growth rates."""
    macro = datasets.macrodata.load_pandas().data
    rates = datasets.interest_inflation.load_pandas().data
    found = {
        "copper consumption": datasets.copper.load_pandas().data["WORLDCONSUMPTION"],
        "El Nino, December": datasets.elnino.load_pandas().data["DEC"],
        "strikes": datasets.strikes.load_pandas().data["duration"],
        "German inflation": rates["Dp"],
        "German interest": rates["R"],
    }
    found |= {f"Denmark, {name}": column for name, column in datasets.danish_data.load_pandas().data.items()}
    levels = ("realgdp", "realcons", "realinv", "cpi", "m1", "tbilrate", "unemp", "infl", "realint", "pop")
    found |= {f"US {name}": macro[name] for name in levels}
    for name in ("realgdp", "realinv", "realgovt", "m1", "cpi"):
        found[f"US {name}, growth"] = 100.0 * np.log(macro[name]).diff()[1:]
    return {name: series.reset_index(drop=True).astype(float) for name, series in found.items()}


def simulated(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Linear and nonlinear processes, trends, seasons, counts, heavy tails and changing variances."""
    total = N + BURN

    def normal() -> np.ndarray:
        return rng.standard_normal(total)

    def recursion(step, shocks: np.ndarray) -> np.ndarray:
        y = np.zeros(total)
        for t in range(2, total):
            y[t] = step(y, t, shocks) + shocks[t]
        return y

    time = np.arange(total)
    found = {
        "white noise": normal(),
        "AR(1)": lfilter([1.0], [1.0, -0.3], normal()),
        "AR(2)": lfilter([1.0], [1.0, -1.5, 0.8], normal()),
        "near unit root": lfilter([1.0], [1.0, -0.985], normal()),
        "MA(1)": lfilter([1.0, -0.8], [1.0], normal()),
        "ARMA(1,1)": lfilter([1.0, 0.5], [1.0, -0.8], normal()),
        "ARMA(2,2)": lfilter([1.0, 0.6, 0.4], [1.0, -1.2, 0.8], normal()),
        "random walk": np.cumsum(normal()),
        "random walk with drift": np.cumsum(0.3 + normal()),
        "AR(2), t shocks": lfilter([1.0], [1.0, -0.9, 0.4], rng.standard_t(3.0, total)),
        "AR(1), heavy tails": lfilter([1.0], [1.0, -0.6], rng.standard_t(1.5, total)),
        "threshold": recursion(lambda y, t, e: 1 + 0.6 * y[t - 1] if y[t - 2] <= 0 else -1 + 0.4 * y[t - 1], normal()),
        "bilinear": recursion(lambda y, t, e: 0.4 * y[t - 1] * (1.0 + e[t - 1]), normal()),
        "exponential AR": recursion(
            lambda y, t, e: (0.3 + 0.8 * np.exp(-(y[t - 1] ** 2))) * y[t - 1] - 0.6 * y[t - 2], 0.6 * normal()
        ),
        "smooth transition": recursion(
            lambda y, t, e: 1.8 * y[t - 1] - 1.06 * y[t - 2]
            + (0.02 - 0.9 * y[t - 1] + 0.795 * y[t - 2]) / (1.0 + np.exp(-4.0 * (y[t - 1] - 0.02))),
            0.5 * normal(),
        ),
        "trend and sine": 0.02 * time + 2.0 * np.sin(2.0 * np.pi * time / 37.3) + 0.5 * normal(),
        "season with a break": 5.0 * np.sin(2.0 * np.pi * time / 12) + 3.0 * (time > BURN + N // 3) + normal(),
        "growing season": np.exp(0.004 * time + 0.2 * np.sin(2.0 * np.pi * time / 12) + np.cumsum(0.03 * normal())),
        "intermittent": rng.poisson(2.0, total) * (rng.random(total) < 0.3),
    }  # fmt: skip
    counts, henon, logistic, variance, state = np.zeros(total), np.full((total, 2), 0.1), np.full(total, 0.3), 1.0, 0
    returns, switching = np.zeros(total), np.zeros(total)
    for t in range(1, total):
        counts[t] = rng.poisson(1.0 + 0.6 * counts[t - 1])
        henon[t] = 1.0 - 1.4 * henon[t - 1, 0] ** 2 + henon[t - 1, 1], 0.3 * henon[t - 1, 0]
        logistic[t] = 3.9 * logistic[t - 1] * (1.0 - logistic[t - 1])
        variance = 0.1 + 0.15 * returns[t - 1] ** 2 + 0.8 * variance
        returns[t] = np.sqrt(variance) * rng.standard_normal()
        state = 1 - state if rng.random() < 0.05 else state
        switching[t] = 3.0 * state + 0.3 * switching[t - 1] + rng.standard_normal()
    found |= {
        "counts": counts,
        "Henon map with noise": henon[:, 0] + 0.05 * normal(),
        "logistic map with noise": logistic + 0.03 * normal(),
        "GARCH": returns,
        "log volatility": np.log(returns**2 + 0.01),
        "switching mean": switching,
    }
    return {name: np.asarray(series[-N:], dtype=float) for name, series in found.items()}


def cases() -> list[Case]:
    """All cases; the test part is the last quarter."""
    every = observed() | {name: pd.Series(y) for name, y in simulated(np.random.default_rng(0)).items()}
    return [Case(name, y, int(0.75 * len(y))) for name, y in every.items()]


if __name__ == "__main__":
    run(cases(), "One-step accuracy on series that are not shipped", "python benchmarks/other_series.py", __doc__)
