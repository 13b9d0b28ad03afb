"""
Nonparametric regression on the past of an input: how fast does the error fall with the sample?

y_t = m(x_t, x_{t-1}, ...) + e_t with exogenous values only, standard normal x and e, and nonlinear m: one of two lags,
one that saturates on a decaying memory, one that saturates on a cycle, and one that is an even function of a cycle. The
excess prediction error is the mean of (prediction - m)^2 over 5,000 later rows: what is lost beyond the variance of the
noise.

- ParaRNN: units of dimension 2 (one to three of them), 3 (one or two) or 4 (one), chosen by evidence.
- Elman RNN: as many states as the ParaRNN that was chosen, the same penalty.
- linear distributed lag: least squares, 0 to 40 lags by BIC.

    python benchmarks/regression_curve.py [--samples 8] [--jobs N] [--fresh] [--out FOLDER]
"""

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from pieces import compute, markdown, versions
from scipy.signal import lfilter

import pararnn_ts as prt

SIZES = (125, 250, 500, 1000, 2000, 4000)
BURN, TEST, MOST_LAGS = 200, 5000, 40
UNITS = ((2,), (2, 2), (2, 2, 2), (3,), (3, 3), (4,))


def product(x: np.ndarray) -> np.ndarray:
    """Two lags that act together."""
    before = np.concatenate([[0.0], x[:-1]])
    return 1.5 * np.sin(1.5 * x) + 1.5 * np.tanh(x * before)


def saturation(x: np.ndarray) -> np.ndarray:
    """A decaying memory that saturates; half-life 3 steps."""
    return 3.0 * np.tanh(0.8 * lfilter([1.0], [1.0, -0.8], x))


def cycle(x: np.ndarray) -> np.ndarray:
    """A cycle of period 12 and half-life 7 steps."""
    modulus, angle = 0.9, 2 * np.pi / 12
    return lfilter([1.0, -modulus * np.cos(angle)], [1.0, -2 * modulus * np.cos(angle), modulus**2], x)


def resonance(x: np.ndarray) -> np.ndarray:
    """A cycle that saturates."""
    return 3.0 * np.tanh(0.8 * cycle(x))


def amplitude(x: np.ndarray) -> np.ndarray:
    """The size of a cycle: an even function of the past."""
    return 4.0 * cycle(x) ** 2 / (2.0 + cycle(x) ** 2)


CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "two lags together": product,
    "saturating decay": saturation,
    "saturating cycle": resonance,
    "size of a cycle": amplitude,
}
METHODS = ("ParaRNN", "Elman RNN", "linear distributed lag")


def distributed_lag(x: np.ndarray, y: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Predictions of the later rows by least squares on lags whose number minimises BIC on common rows."""
    most = min(MOST_LAGS, len(y) // 5)
    columns = [np.concatenate([np.zeros(k), x[: len(x) - k]]) for k in range(most + 1)]
    best, found = np.inf, None
    for order in range(most + 1):
        design = np.column_stack([np.ones(len(x)), *columns[: order + 1]])[most:]
        beta, (sse, *_), *_ = np.linalg.lstsq(design, y[most:], rcond=None)
        bic = len(design) * np.log(sse / len(design)) + design.shape[1] * np.log(len(design))
        if bic < best:
            best, found = bic, beta
    shifted = [np.concatenate([np.zeros(k), later[: len(later) - k]]) for k in range(len(found) - 1)]
    return np.column_stack([np.ones(len(later)), *shifted]) @ found


def piece(name: str, n: int, seed: int) -> dict[str, Any]:
    """Excess errors of each method on one sample, and the units of the ParaRNN."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([30, list(CURVES).index(name), n, seed])
    x = rng.standard_normal(BURN + n + BURN + TEST)
    m = CURVES[name](x)
    y = m[BURN : BURN + n] + rng.standard_normal(n)
    inside, later, truth = x[BURN : BURN + n], x[BURN + n :], m[BURN + n + BURN :]

    def excess(results: prt.ParaRNN) -> float:
        predicted = results.apply(np.zeros(len(later)), later[:, None]).fittedvalues
        return float(np.mean((predicted[BURN:] - truth) ** 2))

    options = {"lags": 0, "linear_lags": 0}
    fits = [prt.ParaRNN(y, inside[:, None], units=units, **options).fit() for units in UNITS]
    chosen = max(fits, key=lambda fit: fit.log_evidence)
    states = sum(chosen.model.units)
    elman = prt.ElmanRNN(y, inside[:, None], hidden=states, **options).fit()
    linear = distributed_lag(inside, y, later)
    errors = (excess(chosen), excess(elman), float(np.mean((linear[BURN:] - truth) ** 2)))
    return {**dict(zip(METHODS, errors, strict=True)), "units": list(chosen.model.units)}


def draw(errors: dict[str, dict[str, np.ndarray]], path: Path) -> None:
    """Draw medians and quartiles of the excess errors, one panel for each curve."""
    figure, axes = plt.subplots(1, 4, figsize=(13.0, 3.8), layout="constrained", sharey=True)
    for (name, table), axis in zip(errors.items(), axes, strict=True):
        for number, method in enumerate(METHODS):
            low, middle, high = np.quantile(table[method], [0.25, 0.5, 0.75], axis=1)
            axis.fill_between(SIZES, low, high, color=f"C{number}", alpha=0.15, linewidth=0)
            axis.loglog(SIZES, middle, ("o-", "^--", "s-.")[number], color=f"C{number}", label=method)
        last = np.median(table["ParaRNN"], axis=1)[-1]
        axis.loglog(SIZES, 0.6 * last * SIZES[-1] / np.array(SIZES), ":", color="grey", label="slope −1")
        axis.set(title=name, xlabel="observations", xticks=SIZES, xticklabels=[f"{n:,}" for n in SIZES])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("excess prediction error\n(variance of the noise = 1)")
    axes[0].legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Run the study and print, or write, its table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="compute all pieces again")
    parser.add_argument("--out", type=Path, help="folder for table and figure")
    args = parser.parse_args()
    keys = [(name, size, seed) for size in SIZES for name in CURVES for seed in range(args.samples)]
    done = compute("regression", keys, piece, jobs=args.jobs, fresh=args.fresh)
    errors = {
        name: {
            kind: np.array([[done[name, size, seed][kind] for seed in range(args.samples)] for size in SIZES])
            for kind in METHODS
        }
        for name in CURVES
    }
    rows = [
        {"curve": name, "method": method,
         **{f"T = {n:,}": f"{v:.4f}" for n, v in zip(SIZES, np.median(errors[name][method], axis=1), strict=True)}}
        for name in CURVES for method in METHODS
    ]  # fmt: skip
    chosen = {
        name: Counter(
            "+".join(map(str, done[name, n, seed]["units"])) for n in SIZES[-3:] for seed in range(args.samples)
        ).most_common(2)
        for name in CURVES
    }
    units = "; ".join(
        f"{name}: " + ", ".join(f"{dims} ({count})" for dims, count in pairs) for name, pairs in chosen.items()
    )
    text = "\n".join([*markdown(rows), "", f"Dimensions of the units chosen most often from T = 1,000 on: {units}."])
    print(text)
    if args.out:
        foot = f"{versions()}; command: `python benchmarks/regression_curve.py --samples {args.samples}`.\n"
        title = f"# Excess prediction error, medians of {args.samples} samples"
        (args.out / "regression_curve.md").write_text(
            f"{title}\n\n{text}\n\n![Errors](regression_curve.png)\n\n{foot}", encoding="utf-8"
        )
        numbers = {name: {kind: values.tolist() for kind, values in table.items()} for name, table in errors.items()}
        (args.out / "regression_curve.json").write_text(
            json.dumps({"sizes": SIZES, "errors": numbers}, indent=1) + "\n"
        )
        draw(errors, args.out / "regression_curve.png")


if __name__ == "__main__":
    main()
