"""
Do intervals cover as often as they promise?

Samples of known models are fitted, and intervals of 95 % for what is identified, for the memory of the units and for
future observations are held against the truth.

The robust estimators of the covariance are looked at in 200 samples.

    python benchmarks/interval_coverage.py [--first 0] [--samples 500] [--cases NAME ...] [--jobs N] [--fresh]
        [--out FOLDER] [--name interval_coverage]

What is identified. With the identity, a unit enters the predictions through its transfer function v'(I - W L)^-1 U L
only: any regular matrix G turns (W, U, v) into (G W G^-1, G U, G^-T v) and changes nothing. Identified are its
denominator, hence trace and determinant of W and with them modulus and frequency, its numerator, by v'U and v'W U,
and the level c + sum v'(I - W)^-1 b, hence the mean of the series. The determinant, like the modulus, lies between -1
and 1, and the standard error is the smaller, the nearer an estimate is to the ends: both have intervals on the scale
of Fisher's z. Rows marked "symmetric" have the estimate plus and minus 1.96 standard errors instead. With tanh, only
permutations and changes of sign of the states are left (Albertini and Sontag 1993, "For neural networks, function
determines form", Neural Networks 6), and the canonical form takes those away: all parameters are identified.

The recursion of the model begins at state zero. Samples of the nonlinear models begin there, too, except in two cases,
where the process has been under way for long: the first predictions are then off by what the state was.

Modulus and frequency are those of the averaged Jacobian of the process, from a sample of 50,000 under the true model.
With the identity they are those of W. Intervals are those of `recurrence_intervals`.

The share of future observations inside a forecast interval is computed from 2,000 continuations of the sample under the
true model, so that its error is far below that of a count of samples.
"""

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pieces import compute, markdown, versions
from scipy import stats

import pararnn_ts as prt
import pararnn_ts.results.features
from pararnn_ts.models.arma_bridge import units_from_arma
from pararnn_ts.results.memory_intervals import modulus_interval
from pararnn_ts.results.responses import averaged_jacobians, dominant_eigenvalue
from pararnn_ts.specification import UnitWeights

NOBS, BURN, HORIZON, FUTURES, LONG = 500, 500, 12, 2000, 50_000
PIECE, FEWER = 50, 200
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
    """
    A model that is true: its activation, the coefficients that enter linearly, the weights (W, U, b, v) of each unit.

    Units are fed by the last observation or, in a driven model, by the exogenous values of a standard normal series.
    Samples begin where the recursion begins, at state zero, or when the process has been under way for long.
    """

    activation: str
    linear: tuple[float, ...]
    units: tuple[tuple[Any, Any, Any, Any], ...]
    driven: bool = False
    under_way: bool = False
    hold_back: int | None = None

    def model(self, y: np.ndarray, x: np.ndarray) -> Any:
        """The model of a sample."""
        dims = tuple(len(weights[3]) for weights in self.units)
        options: dict[str, Any] = {"units": dims, "activation": self.activation, "hold_back": self.hold_back}
        if self.driven:
            return prt.ParaRNN(y, x[: len(y)], lags=0, **options)
        return prt.ParaRNN(y, linear_lags=0, **options)

    def params(self, model: Any) -> np.ndarray:
        """Parameters in the order of the model."""
        units = [UnitWeights(*(np.array(part, dtype=float) for part in weights)) for weights in self.units]
        return model.specification.join(np.array(self.linear), units)

    def sample(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """A sample of length `n`, and exogenous values of its rows and of those of the forecasts."""
        rng, before = np.random.default_rng([20, seed]), BURN if self.under_way else 0
        rows = before + n
        shocks, x = rng.standard_normal((1, rows)), rng.standard_normal((rows + HORIZON, 1))
        model = replace(self, hold_back=None).model(np.arange(20.0), x)
        reach, state = model.specification.reach, np.zeros(sum(model.units))
        inputs = x[:rows] if self.driven else np.zeros((reach + rows, 0))
        columns = np.ones((reach + rows, 1))
        y = model.simulate_paths(self.params(model), np.zeros(reach), columns, inputs, shocks, state)[0]
        # without a past the first observation is the zero that the recursion begins with
        return (y if self.under_way else np.concatenate([np.zeros(reach), y]))[before : before + n], x[before:]


def arma(ar: list[complex], ma: list[complex], mean: float = 1.0) -> Case:
    """Linear case with the inverse roots of the AR and the MA polynomial; its states are zero at the mean."""
    phi, theta = -np.real(np.poly(ar))[1:], np.real(np.poly(ma))[1:]
    units, _ = units_from_arma(phi, theta)
    return Case("identity", (mean,), tuple((w.W, w.U, -mean * w.U[:, 0], w.v) for w in units), under_way=True)


def cycle(modulus: float, period: float) -> list[complex]:
    """A pair of inverse roots."""
    root = modulus * np.exp(2j * np.pi / period)
    return [root, root.conjugate()]


CYCLE = ([[0.7, -0.9], [0.6, 0.7]], [[0.8], [0.3]], [0.4, -0.3], [6.0, 4.0])
ALTERNATION = ([[-0.7]], [[0.9]], [0.4], [4.0])
TANH_CYCLE = Case("tanh", (0.5, 1.0), (CYCLE,), driven=True)
CASES = {
    "ARMA(1,1)": arma([0.8], [0.4]),
    "linear cycle": arma(cycle(0.7, 12), cycle(0.8, 5)),
    "linear cycle and alternation": arma([0.9, *cycle(0.7, 3)], [*cycle(0.85, 6), -0.5]),
    "tanh cycle": TANH_CYCLE,
    "tanh cycle with feedback": Case(
        "tanh", (0.05,), (([[0.65, -0.65], [0.55, 0.65]], [[-0.5], [0.65]], [-0.35, -0.2], [2.9, 1.5]),)
    ),
    "tanh decay and alternation with feedback": Case(
        "tanh", (0.2,), (([[-0.42]], [[0.47]], [0.12], [5.2]), ([[0.62]], [[-0.14]], [0.03], [5.2]))
    ),
}
# where the conditions of the theory are strained: components that 500 observations hardly tell apart, and samples that
# begin when the process has been under way for long
STRAINED = {
    "linear cycle and weak decay": arma([-0.6, *cycle(0.85, 10)], [*cycle(0.8, 4), 0.6]),
    "tanh cycle and alternation": replace(TANH_CYCLE, units=(CYCLE, ALTERNATION)),
    "tanh cycle under way": replace(TANH_CYCLE, under_way=True),
    "tanh cycle under way, hold_back=25": replace(TANH_CYCLE, under_way=True, hold_back=25),
}
EVERY = CASES | STRAINED


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
    gradient = [(function(params + step) - function(params - step)) / (2 * step.max()) for step in np.diag(steps)]
    return function(params), float(np.sqrt(max(gradient @ cov @ gradient, 0.0)))


def memory(model: Any, params: np.ndarray) -> np.ndarray:
    """Modulus and frequency of each unit."""
    states = model.path(params).states[model.specification.hold_back :]
    roots = [dominant_eigenvalue(matrix) for matrix in averaged_jacobians(model.specification, params, states)]
    return np.array([[root.modulus, root.angle / (2 * np.pi)] for root in roots]).ravel()


def estimates(results: Any) -> dict[str, tuple[float, float]]:
    """What is identified, with standard errors."""
    if results.model.activation == "identity":
        found = {name: delta(results, function) for name, function in transfer(results).items()}
    else:
        found = dict(zip(results.model.param_names, zip(results.params, results.bse, strict=True), strict=True))
    return {name: (float(value), float(error)) for name, (value, error) in found.items()}


def features(results: Any) -> dict[str, tuple[float, float]]:
    """Modulus and frequency with standard errors, NaN where the package gives none."""
    found = {}
    for number, (unit, row) in enumerate(results.recurrence_features.iterrows()):
        found[f"{unit}.modulus"] = row["modulus"], row["modulus_se"]
        if results.model.units[number] > 1:
            found[f"{unit}.frequency"] = row["frequency"], row["frequency_se"]
    return {name: (float(value), float(error)) for name, (value, error) in found.items()}


def piece(name: str, first: int, last: int) -> list[dict[str, Any]]:
    """Estimates, standard errors and coverage of forecasts for the samples with these seeds."""
    warnings.simplefilter("ignore")
    # the gain, a sum over all lags, takes most of the time and is not looked at
    pararnn_ts.results.features.LONGEST = 2
    case, rows = EVERY[name], []
    long = case.model(*case.sample(LONG, 10**6))
    process = memory(long, case.params(long))
    for seed in range(first, last):
        y, x = case.sample(NOBS, seed)
        model, beyond = case.model(y, x), x[NOBS:] if case.driven else None
        truth = model.evaluate(case.params(model))
        known = {key: value for key, (value, _) in estimates(truth).items()}
        for number, d in enumerate(model.units):
            known[f"unit{number + 1}.modulus"] = float(process[2 * number])
            if d > 1:
                known[f"unit{number + 1}.frequency"] = float(process[2 * number + 1])
        row: dict[str, Any] = {"truth": known, "seed": seed, "sse": truth.sse}
        future = truth.simulate(HORIZON, FUTURES, anchor="end", random_errors=stats.norm(), exog=beyond, rng=[21, seed])
        for setting, (penalty, cov_type) in SETTINGS.items():
            if cov_type is not None and seed >= FEWER:
                continue
            results = model.fit(penalty=penalty, cov_type=cov_type)
            row[setting] = {"estimates": estimates(results)}
            if cov_type is None:
                row[setting]["estimates"] |= features(results)
                row[setting] |= {"scale": results.scale, "sse": results.sse, "effective": results.df_model}
                row[setting] |= {"converged": results.converged, "forecasts": {}}
                for kind, options in FORECASTS.items():
                    if kind == "default" or setting == "evidence":
                        forecast = results.get_forecast(HORIZON, exog=beyond, rng=seed, **options)
                        bounds = np.asarray(forecast.conf_int())
                        inside = (future >= bounds[:, :1]) & (future <= bounds[:, 1:])
                        row[setting]["forecasts"][kind] = np.asarray(inside).mean(axis=1).tolist()
        rows.append(row)
    return rows


def determinant_interval(value: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of 95 % on the scale of Fisher's z, symmetric where an estimate is not between -1 and 1."""
    inside = np.abs(value) < 1.0
    known = np.where(inside, value, 0.0)
    middle, half = np.arctanh(known), CRITICAL * error / (1.0 - known**2)
    lower, upper = (np.where(inside, np.tanh(middle + s * half), value + s * CRITICAL * error) for s in (-1, 1))
    return lower, upper


def intervals(rows: list[dict[str, Any]], setting: str) -> list[dict[str, Any]]:
    """Bias, spread, mean standard error and coverage of each estimate."""
    table = []
    for name in rows[0]["truth"]:
        known = [row for row in rows if name in row.get(setting, {}).get("estimates", ())]
        if not known:
            continue
        truth = np.array([row["truth"][name] for row in known])
        value, error = np.array([row[setting]["estimates"][name] for row in known]).T
        given = np.isfinite(error)
        symmetric = value - CRITICAL * error, value + CRITICAL * error
        bounds = {name: symmetric}
        if name.endswith("modulus"):
            bounds[name] = modulus_interval(value, error)
        elif name.endswith("det W"):
            bounds = {name: determinant_interval(value, error), f"{name}, symmetric": symmetric}
        for label, (lower, upper) in bounds.items():
            hit = ((lower <= truth) & (truth <= upper))[given]
            table.append({
                "estimate": label,
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
        shares = {s: {entry["estimate"]: f"{100 * entry['coverage']:.1f}" for entry in tables[s]} for s in SETTINGS}
        numbers[name]["intervals"] = tables
        lines += markdown([
            {
                "estimate": entry["estimate"],
                "truth": f"{entry['truth']:.3f}",
                "bias": f"{entry['bias']:+.3f}",
                "spread": f"{entry['spread']:.3f}",
                "median s.e.": f"{entry['error']:.3f}",
                **{s: shares[s].get(entry["estimate"], "") for s in SETTINGS},
                "given": f"{100 * entry['given']:.1f}",
            }
            for entry in tables["evidence"]
        ])  # fmt: skip
        lines += ["", "Forecasts:", ""]
        block = []
        for setting in ("evidence", "nonrobust"):
            for kind in rows[0][setting]["forecasts"]:
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
    parser.add_argument("--first", type=int, default=0, help="seed of the first sample, a multiple of 50")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--cases", nargs="*", choices=EVERY, default=list(EVERY))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="compute all pieces again")
    parser.add_argument("--out", type=Path, help="folder for the tables")
    parser.add_argument("--name", default="interval_coverage", help="name of the files there")
    args = parser.parse_args()
    counts = {name: args.samples if name in CASES else min(args.samples, FEWER) for name in args.cases}
    keys = [
        (name, first, first + PIECE)
        for name in args.cases
        for first in range(args.first, args.first + counts[name], PIECE)
    ]
    done = compute("coverage", keys, piece, jobs=args.jobs, fresh=args.fresh)
    results = {name: [row for key in keys if key[0] == name for row in done[key]] for name in args.cases}
    text, numbers = report(results)
    print(text)
    if args.out:
        options = f"--first {args.first} --samples {args.samples}"
        if args.cases != list(EVERY):
            options += " --cases " + " ".join(f'"{name}"' for name in args.cases)
        foot = f"{versions()}; command: `python benchmarks/interval_coverage.py {options}`.\n"
        args.out.mkdir(exist_ok=True)
        (args.out / f"{args.name}.md").write_text(f"# Coverage of intervals of 95 %\n\n{text}\n{foot}")
        (args.out / f"{args.name}.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
