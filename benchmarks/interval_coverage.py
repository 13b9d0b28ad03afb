"""
Do intervals cover as often as they promise?

Samples of known models are fitted, and intervals of 95 % for what is identified, for the memory of the units and for
future observations are held against the truth.

    python benchmarks/interval_coverage.py [--samples 1000] [--cases NAME ...] [--jobs N] [--fresh] [--out FOLDER]

What is identified. With the identity, a unit enters the predictions through its transfer function
v'(I - W L)^-1 U L only: any regular matrix G turns (W, U, v) into (G W G^-1, G U, G^-T v) and changes nothing. Identified are
its denominator, hence trace and determinant of W and with them modulus and frequency, its numerator, by v'U and v'W U, and the
level c + sum v'(I - W)^-1 b, hence the mean of the series. With tanh, only permutations and changes of sign of the states are left (Albertini and Sontag
1993, "For neural networks, function determines form", Neural Networks 6), and the canonical form takes those away:
all parameters are identified.

Modulus and frequency are those of the Jacobian averaged along the path of the sample, which is what the features of a
fit estimate: the truth is that average at the true parameters. With the identity it does not depend on the sample.

The share of future observations inside a forecast interval is computed from 2,000 continuations of the sample under the
true model, so that its error is far below that of a count of samples.
"""

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pieces import compute, markdown, versions
from scipy import stats

import pararnn_ts as prt
from pararnn_ts.models.arma_bridge import units_from_arma
from pararnn_ts.specification import UnitWeights

NOBS, BURN, HORIZON, FUTURES = 500, 500, 12, 2000
PIECE = 50
CRITICAL = float(stats.norm.ppf(0.975))
# what fits are asked for: penalty and estimator of the covariance; None is the default of the penalty
SETTINGS = {
    "evidence": ("evidence", None),
    "nonrobust": (0, None),
    "robust": (0, "robust"),
    "HAC": (0, "HAC"),
    "opg": (0, "opg"),
}
FORECASTS = {
    "default": {},
    "gaussian": {"method": "gaussian"},
    "uncertain": {"param_uncertainty": True},
}


@dataclass(frozen=True)
class Case:
    """A model that is true: its units, activation, constant and weights (W, U, b, v of each unit)."""

    activation: str
    constant: float
    units: tuple[tuple[Any, Any, Any, Any], ...]

    def model(self, y: np.ndarray) -> Any:
        """The model of a sample."""
        dims = tuple(len(weights[3]) for weights in self.units)
        return prt.ParaRNN(y, units=dims, activation=self.activation, linear_lags=0)

    def params(self, model: Any) -> np.ndarray:
        """Parameters in the order of the model."""
        units = [UnitWeights(*(np.array(part, dtype=float) for part in weights)) for weights in self.units]
        return model.specification.join(np.array([self.constant]), units)

    def samples(self, n: int, seeds: range, sd: float = 1.0) -> np.ndarray:
        """Stationary samples of length `n`, one for each seed."""
        model = self.model(np.arange(20.0))
        shocks = np.array([np.random.default_rng([20, seed]).standard_normal(BURN + n) for seed in seeds])
        columns = np.ones((len(shocks[0]) + 1, 1))
        state = np.zeros(sum(model.units))
        return model.simulate_paths(self.params(model), np.zeros(1), columns, None, sd * shocks, state)[:, BURN:]


def arma(ar: list[complex], ma: list[complex], mean: float = 1.0) -> Case:
    """Linear case with the inverse roots of the AR and the MA polynomial; its states are zero at the mean."""
    polynomials = (np.real(np.poly(roots))[1:] for roots in (ar, ma))
    phi, theta = (-next(polynomials), next(polynomials))
    units, _ = units_from_arma(phi, theta)
    return Case("identity", mean, tuple((w.W, w.U, -mean * w.U[:, 0], w.v) for w in units))


def cycle(modulus: float, period: float) -> list[complex]:
    """A pair of inverse roots."""
    root = modulus * np.exp(2j * np.pi / period)
    return [root, root.conjugate()]


CASES = {
    "ARMA(1,1)": arma([0.8], [0.4]),
    "linear cycle": arma(cycle(0.7, 12), cycle(0.8, 5)),
    "tanh cycle": Case(
        "tanh", 0.5, (([[0.75, -0.7], [1.35, 0.75]], [[-0.4], [-0.2]], [0.6, 0.15], [3.5, 1.4]),)
    ),
    "damped tanh cycle": Case(
        "tanh", 0.6, (([[1.0, -0.55], [1.2, 1.0]], [[-0.4], [0.4]], [0.15, -0.75], [4.7, 1.4]),)
    ),
    "linear cycle and decay": arma([-0.6, *cycle(0.85, 10)], [*cycle(0.8, 4), 0.6]),
    "tanh cycle and decay": Case(
        "tanh",
        0.75,
        (
            ([[0.95, -0.9], [0.8, 0.95]], [[0.35], [0.6]], [0.1, -0.15], [5.7, 2.5]),
            ([[0.6]], [[-1.35]], [-0.2], [6.7]),
        ),
    ),
}


def transfer(results: Any) -> dict[str, Callable[[np.ndarray], float]]:
    """Functions of the parameters that identity units are identified by."""
    spec = results.model.specification

    def total(params: np.ndarray, read: Callable[[UnitWeights], np.ndarray]) -> float:
        units = spec.unit_weights(params)
        return float(sum(w.v @ np.linalg.solve(np.eye(len(w.v)) - w.W, read(w)) for w in units))

    def level(params: np.ndarray) -> float:
        return float(params[0]) + total(params, lambda w: w.b)

    def mean(params: np.ndarray) -> float:
        return level(params) / (1.0 - total(params, lambda w: w.U[:, 0]))

    def of(number: int, function: Callable[[UnitWeights], float]) -> Callable[[np.ndarray], float]:
        return lambda params: float(function(spec.unit_weights(params)[number]))

    functions = {"level": level, "mean": mean}
    for number, d in enumerate(spec.units):
        unit = f"unit{number + 1}"
        functions |= {f"{unit}.trace W": of(number, lambda w: np.trace(w.W)),
                      f"{unit}.v'U": of(number, lambda w: (w.v @ w.U)[0])}  # fmt: skip
        if d == 2:
            functions |= {f"{unit}.det W": of(number, lambda w: np.linalg.det(w.W)),
                          f"{unit}.v'WU": of(number, lambda w: (w.v @ w.W @ w.U)[0])}  # fmt: skip
    return functions


def delta(results: Any, function: Callable[[np.ndarray], float]) -> tuple[float, float]:
    """Estimate of a function of the parameters and its standard error by the delta method."""
    params, cov = np.asarray(results.params), np.asarray(results.cov_params())
    steps = 1e-6 * np.maximum(np.abs(params), 1e-3)
    gradient = [
        (function(params + step) - function(params - step)) / (2 * step.max()) for step in np.diag(steps)
    ]
    return function(params), float(np.sqrt(max(gradient @ cov @ gradient, 0.0)))


def estimates(results: Any) -> dict[str, tuple[float, float]]:
    """What is identified, with standard errors; NaN where the package gives none."""
    found = {}
    if results.model.activation == "identity":
        found |= {name: delta(results, function) for name, function in transfer(results).items()}
    else:
        found |= dict(zip(results.model.param_names, zip(results.params, results.bse, strict=True), strict=True))
    features = results.recurrence_features
    for number, (unit, row) in enumerate(features.iterrows()):
        found[f"{unit}.modulus"] = row["modulus"], row["modulus_se"]
        if results.model.units[number] > 1:
            found[f"{unit}.frequency"] = row["frequency"], row["frequency_se"]
    return {name: (float(value), float(error)) for name, (value, error) in found.items()}


def piece(name: str, first: int, last: int) -> list[dict[str, Any]]:
    """Estimates, standard errors and coverage of forecasts for the samples with these seeds."""
    warnings.simplefilter("ignore")
    case, rows = CASES[name], []
    for seed, y in zip(range(first, last), case.samples(NOBS, range(first, last)), strict=True):
        model = case.model(y)
        truth = model.evaluate(case.params(model))
        row: dict[str, Any] = {"truth": {key: value for key, (value, _) in estimates(truth).items()}, "seed": seed}
        future = np.asarray(truth.simulate(HORIZON, FUTURES, anchor="end", random_errors=stats.norm(), rng=[21, seed]))
        for setting, (penalty, cov_type) in SETTINGS.items():
            results = model.fit(penalty=penalty, cov_type=cov_type)
            row[setting] = {"estimates": estimates(results), "converged": results.converged}
            if cov_type is None:
                row[setting] |= {"scale": results.scale, "sse": results.sse, "effective": results.df_model}
                row[setting] |= {"forecasts": {}}
                for kind, options in FORECASTS.items():
                    bounds = np.asarray(results.get_forecast(HORIZON, rng=seed, **options).conf_int())
                    inside = (future >= bounds[:, :1]) & (future <= bounds[:, 1:])
                    row[setting]["forecasts"][kind] = inside.mean(axis=1).tolist()
        rows.append(row)
    return rows


def intervals(rows: list[dict[str, Any]], setting: str) -> list[dict[str, Any]]:
    """Bias, spread, mean standard error and coverage of each estimate."""
    table = []
    for name in rows[0]["truth"]:
        truth = np.array([row["truth"][name] for row in rows])
        value, error = np.array([row[setting]["estimates"][name] for row in rows]).T
        given = np.isfinite(error)
        hit = np.abs(value - truth)[given] <= CRITICAL * error[given]
        table.append({
            "estimate": name,
            "truth": float(truth.mean()),
            "bias": float(np.mean(value - truth)),
            "spread": float(np.std(value - truth)),
            "error": float(np.median(error[given])) if given.any() else np.nan,
            "given": float(given.mean()),
            "coverage": float(hit.mean()) if given.any() else np.nan,
        })  # fmt: skip
    return table


def forecasts(rows: list[dict[str, Any]], setting: str, kind: str) -> np.ndarray:
    """Mean coverage at each horizon and its standard error."""
    shares = np.array([row[setting]["forecasts"][kind] for row in rows])
    return np.array([shares.mean(axis=0), shares.std(axis=0) / np.sqrt(len(shares))])


def report(results: dict[str, list[dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """The tables as Markdown and the numbers in them."""
    lines, numbers = [], defaultdict(dict)
    for name, rows in results.items():
        lines += [f"## {name}, {len(rows)} samples of {NOBS}", ""]
        tables = {setting: intervals(rows, setting) for setting in SETTINGS}
        numbers[name]["intervals"] = tables
        lines += markdown([
            {
                "estimate": entry["estimate"],
                "truth": f"{entry['truth']:.3f}",
                "bias": f"{entry['bias']:+.3f}",
                "spread": f"{entry['spread']:.3f}",
                "median s.e.": f"{entry['error']:.3f}",
                **{s: f"{100 * tables[s][place]['coverage']:.1f}" for s in SETTINGS},
                "given": f"{100 * entry['given']:.1f}",
            }
            for place, entry in enumerate(tables["evidence"])
        ])  # fmt: skip
        lines += ["", "Forecasts:", ""]
        block = []
        for setting in ("evidence", "nonrobust"):
            for kind in FORECASTS:
                mean, _ = forecasts(rows, setting, kind)
                numbers[name][f"forecasts, {setting}, {kind}"] = mean.tolist()
                block.append({"penalty": SETTINGS[setting][0], "intervals": kind,
                              **{f"h={h + 1}": f"{100 * mean[h]:.1f}" for h in range(HORIZON)}})  # fmt: skip
        lines += [*markdown(block), ""]
        converged = {s: np.mean([row[s]["converged"] for row in rows]) for s in ("evidence", "nonrobust")}
        lines += [f"Converged: evidence {100 * converged['evidence']:.1f} %, "
                  f"no penalty {100 * converged['nonrobust']:.1f} %.", ""]  # fmt: skip
    return "\n".join(lines), dict(numbers)


def main() -> None:
    """Run the study and print, or write, its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="compute all pieces again")
    parser.add_argument("--out", type=Path, help="folder for the tables")
    args = parser.parse_args()
    keys = [(name, first, first + PIECE) for name in args.cases for first in range(0, args.samples, PIECE)]
    done = compute("coverage", keys, piece, jobs=args.jobs, fresh=args.fresh)
    results = {name: [row for key in keys if key[0] == name for row in done[key]] for name in args.cases}
    text, numbers = report(results)
    print(text)
    if args.out:
        foot = f"{versions()}; command: `python benchmarks/interval_coverage.py --samples {args.samples}`.\n"
        args.out.mkdir(exist_ok=True)
        (args.out / "interval_coverage.md").write_text(f"# Coverage of intervals of 95 %\n\n{text}\n{foot}")
        (args.out / "interval_coverage.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
