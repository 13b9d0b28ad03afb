"""
Size and power of the linearity test, by simulation.

    python benchmarks/nonlinearity_test.py [--replications 2000] [--bootstrap-replications 1000] [--out FILE]
"""

import argparse
import platform
from collections.abc import Callable

import numpy as np
import scipy
from pieces import markdown

from pararnn_ts.results.nonlinearity import METHODS, linearity_test
from pararnn_ts.specification import UnitWeights

BURN_IN, N_BOOTSTRAP, LEVEL = 200, 99, 0.05
Step = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def simulate(step: Step, count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Series of a recursion ``y_t = step(y_{t-1}, y_{t-2}, e_t, e_{t-1})``, (count, n)."""
    shocks = rng.standard_normal((n + BURN_IN, count))
    y = np.zeros((n + BURN_IN, count))
    for t in range(2, n + BURN_IN):
        y[t] = step(y[t - 1], y[t - 2], shocks[t], shocks[t - 1])
    return y[BURN_IN:].T


def simulate_units(units: list[UnitWeights], direct: float, count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Series of a ParaRNN of tanh units on one lag beside one direct lag, (count, n)."""
    shocks = rng.standard_normal((n + BURN_IN, count))
    y, states = np.zeros((n + BURN_IN, count)), [np.zeros((len(u.v), count)) for u in units]
    for t in range(1, n + BURN_IN):
        states = [np.tanh(u.W @ h + u.U * y[t - 1] + u.b[:, None]) for u, h in zip(units, states, strict=True)]
        y[t] = direct * y[t - 1] + sum(u.v @ h for u, h in zip(units, states, strict=True)) + shocks[t]
    return y[BURN_IN:].T


def unit(w: list, u: list, b: list, v: list) -> UnitWeights:
    """Weights of one unit on one input."""
    return UnitWeights(np.array(w, float), np.array(u, float)[:, None], np.array(b, float), np.array(v, float))


def recursion(step: Step) -> Callable[[int, int, np.random.Generator], np.ndarray]:
    """Simulator of a recursion."""
    return lambda count, n, rng: simulate(step, count, n, rng)


def network(units: list[UnitWeights], direct: float) -> Callable[[int, int, np.random.Generator], np.ndarray]:
    """Simulator of a ParaRNN."""
    return lambda count, n, rng: simulate_units(units, direct, count, n, rng)


DECAYING = unit([[0.6]], [1.5], [0.3], [-1.5])
CYCLICAL = unit([[0.7, -0.5], [0.5, 0.7]], [1.0, 0.2], [0.2, -0.1], [1.5, -1.0])

LINEAR = {
    "AR(2), y = 0.5 y1 - 0.3 y2 + e": recursion(lambda y1, y2, e, e1: 0.5 * y1 - 0.3 * y2 + e),
    "AR(2), y = 1.3 y1 - 0.6 y2 + e": recursion(lambda y1, y2, e, e1: 1.3 * y1 - 0.6 * y2 + e),
    "ARMA(1,1), y = 0.7 y1 + e + 0.4 e1": recursion(lambda y1, y2, e, e1: 0.7 * y1 + e + 0.4 * e1),
    "ARMA(1,1), y = 0.5 y1 + e - 0.9 e1": recursion(lambda y1, y2, e, e1: 0.5 * y1 + e - 0.9 * e1),
}
NONLINEAR = {
    "SETAR, y = 0.9 y1 + e if abs(y1) <= 1, else -0.3 y1 + e": recursion(
        lambda y1, y2, e, e1: np.where(np.abs(y1) <= 1.0, 0.9, -0.3) * y1 + e
    ),
    "SETAR, y = -0.5 y1 + e if y1 <= 0, else 0.5 y1 + e": recursion(
        lambda y1, y2, e, e1: np.where(y1 <= 0.0, -0.5, 0.5) * y1 + e
    ),
    "SETAR, y = 1 + 0.6 y1 + e if y2 <= 0, else -1 + 0.4 y1 + e": recursion(
        lambda y1, y2, e, e1: np.where(y2 <= 0.0, 1.0 + 0.6 * y1, -1.0 + 0.4 * y1) + e
    ),
    "ParaRNN, one decaying unit (1)": network([DECAYING], 0.8),
    "ParaRNN, one cyclical unit (2)": network([CYCLICAL], 0.3),
    "ParaRNN, both units": network([DECAYING, CYCLICAL], 0.5),
}


def excess(process: Callable) -> float:
    """Error variance of an autoregression of order 12 over that of the process, less one, on a very long series."""
    y = process(20, 20000, np.random.default_rng(0))
    design = np.stack([np.ones_like(y[:, 12:]), *(y[:, 12 - k : -k] for k in range(1, 13))], axis=2).reshape(-1, 13)
    resid = y[:, 12:].ravel() - design @ np.linalg.lstsq(design, y[:, 12:].ravel())[0]
    return float(np.mean(resid**2)) - 1.0


def rejections(series: np.ndarray, method: str, bootstrap: int) -> tuple[float, ...]:
    """Share of series for which the F form and the bootstrap reject."""
    found = [linearity_test(y, method=method, bootstrap=bootstrap, rng=k) for k, y in enumerate(series)]
    return tuple(
        float(np.mean([getattr(f, name) <= LEVEL for f in found])) for name in ("f_pvalue", "bootstrap_pvalue")
    )


def table(
    processes: dict, n: int, replications: int, simulated: int, only: str, methods: tuple[str, ...]
) -> list[dict]:
    """Rejection rates, one row for each process and method."""
    rows = []
    for name, process in processes.items():
        if only not in name:
            continue
        series, beyond = process(replications, n, np.random.default_rng(n)), 100 * excess(process)
        for method in methods:
            asymptotic = 100 * rejections(series, method, 0)[0]
            bootstrap = 100 * rejections(series[:simulated], method, N_BOOTSTRAP)[1]
            rows.append({"process": name, "T": n, "method": method, "nonlinear part, %": f"{beyond:.0f}",
                         "F form": f"{asymptotic:.1f}", "bootstrap": f"{bootstrap:.1f}"})  # fmt: skip
            print(*rows[-1].values(), sep=" | ", flush=True)
    return rows


def main() -> None:
    """Simulate and print, or write, the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[200, 1000], help="lengths of the series")
    parser.add_argument("--only", default="", help="processes whose name contains this")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="methods of the test")
    parser.add_argument("--replications", type=int, default=2000, help="series for the F form")
    parser.add_argument("--bootstrap-replications", type=int, default=1000, help="series for the bootstrap")
    parser.add_argument("--out", help="file for the tables, as Markdown")
    args = parser.parse_args()
    count, simulated = args.replications, args.bootstrap_replications
    chosen = args.only, tuple(args.methods)
    size = [row for n in args.lengths for row in table(LINEAR, n, count, simulated, *chosen)]
    power = [row for n in args.lengths for row in table(NONLINEAR, n, count // 2, simulated // 5, *chosen)]
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / np.array([count, simulated]))
    lines = [
        "# Linearity test\n",
        "Rejections at the 5 % level, in per cent; `y1` is y one step back, `e` standard normal. The nonlinear part is "
        "what the best autoregression of order 12 adds to the variance of the errors.\n",
        f"Size, from {count} series (bootstrap: {simulated}, each with {N_BOOTSTRAP} simulated ones); standard error "
        f"{error[0]:.2f} (bootstrap: {error[1]:.2f}) points.\n",
        *markdown(size),
        f"\nPower, from {count // 2} series (bootstrap: {simulated // 5}).\n",
        *markdown(power),
        f"\nPython {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}; command: `python "
        "benchmarks/nonlinearity_test.py`.",
    ]
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
