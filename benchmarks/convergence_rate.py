"""
Do modulus and frequency come nearer to the truth like the root of the sample size?

Samples of 250, 1,000 and 4,000 observations of a linear and of a nonlinear cycle are fitted with default settings, and
compared with the process (see interval_coverage.py). On logarithmic scales the root mean squared error falls on a line
of slope -1/2.

    python benchmarks/convergence_rate.py [--samples 500] [--jobs N] [--fresh] [--out FOLDER]
"""

import argparse
import json
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from interval_coverage import CASES, LONG, memory
from pieces import compute, markdown, versions

SIZES = (250, 1000, 4000)
NAMES = ("linear cycle", "tanh cycle")
QUANTITIES = ("modulus", "frequency")
PIECE = 50


def piece(name: str, size: int, first: int, last: int) -> list[list[float]]:
    """Errors of modulus and frequency for the samples with these seeds."""
    warnings.simplefilter("ignore")
    case, errors = CASES[name], []
    long = case.model(*case.sample(LONG, 10**6))
    process = memory(long, case.params(long))
    for seed in range(first, last):
        model = case.model(*case.sample(size, seed))
        found = np.asarray(model.fit().params)
        errors.append((memory(model, found) - process).tolist())
    return errors


def slope(rmse: list[float]) -> float:
    """Slope of a line through the errors, by least squares on logarithmic scales."""
    return float(np.polyfit(np.log(SIZES), np.log(rmse), 1)[0])


def draw(rmse: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw the errors on logarithmic scales beside lines of slope -1/2."""
    figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.6), layout="constrained")
    units = {"modulus": "RMSE of modulus (no unit)", "frequency": "RMSE of frequency (cycles per step)"}
    ticks = {"modulus": (0.005, 0.01, 0.02, 0.04), "frequency": (0.001, 0.002, 0.005, 0.01)}
    for quantity, axis in zip(QUANTITIES, axes, strict=True):
        for number, name in enumerate(NAMES):
            values = rmse[name][quantity]
            middle = np.exp(np.mean(np.log(values)) + 0.5 * np.mean(np.log(SIZES)))
            axis.loglog(SIZES, middle / np.sqrt(SIZES), ":", color="grey",
                        label=None if number else "slope −1/2")  # fmt: skip
            axis.loglog(SIZES, values, "o-", color=f"C{number}", label=f"{name}, slope −{-slope(values):.2f}")
        axis.set(xlabel="observations", ylabel=units[quantity], xticks=SIZES, xticklabels=[f"{n:,}" for n in SIZES])
        axis.set_yticks(ticks[quantity], [str(tick) for tick in ticks[quantity]])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Run the study and print, or write, its table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="compute all pieces again")
    parser.add_argument("--out", type=Path, help="folder for table and figure")
    args = parser.parse_args()
    keys = [(name, size, first, min(first + PIECE, args.samples)) for name in NAMES for size in SIZES
            for first in range(0, args.samples, PIECE)]  # fmt: skip
    done = compute("rate", keys, piece, jobs=args.jobs, fresh=args.fresh)
    rmse: dict[str, dict[str, list[float]]] = {name: {quantity: [] for quantity in QUANTITIES} for name in NAMES}
    for name in NAMES:
        for size in SIZES:
            errors = np.concatenate([done[key] for key in keys if key[:2] == (name, size)])
            for quantity, value in zip(QUANTITIES, np.sqrt(np.mean(errors**2, axis=0)), strict=True):
                rmse[name][quantity].append(float(value))
    rows = [
        {"model": name, "RMSE of": quantity, **{f"T = {n:,}": f"{v:.5f}" for n, v in zip(SIZES, values, strict=True)},
         "slope": f"{slope(values):.3f}"}
        for name in NAMES for quantity, values in rmse[name].items()
    ]  # fmt: skip
    text = "\n".join(markdown(rows))
    print(text)
    if args.out:
        foot = f"{versions()}; command: `python benchmarks/convergence_rate.py --samples {args.samples}`.\n"
        title = f"# Errors of modulus and frequency, {args.samples} samples of each size"
        (args.out / "convergence_rate.md").write_text(
            f"{title}\n\n{text}\n\n![Errors](convergence_rate.png)\n\n{foot}", encoding="utf-8"
        )
        (args.out / "convergence_rate.json").write_text(json.dumps({"sizes": SIZES, "rmse": rmse}, indent=1) + "\n")
        draw(rmse, args.out / "convergence_rate.png")


if __name__ == "__main__":
    main()
