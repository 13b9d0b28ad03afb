"""
How fits end by default, and how far an estimate past its peak is from the penalised optimum.

    python benchmarks/past_the_peak.py [--out FILE]

A start whose evidence fell on its way to the penalised optimum goes back to where the evidence was largest. Here the
precisions are held at what they are there, and the weights go on to their optimum. Series longer than 3,000 rows are
only counted.
"""

import warnings

import numpy as np
import pandas as pd
from pieces import markdown, publish, versions

from pararnn_ts import ParaRNN, datasets
from pararnn_ts.estimation.estimate import STATUS_WORDS, estimate
from pararnn_ts.models.arguments import check_generator

SHAPES = ((1,), (2,), (1, 1), (2, 2), (2, 2, 2))
LAGS = (1, 2)
LONGEST, TRAINING = 3000, 0.8
ENDINGS = {
    "converged": lambda row: row["status"] == "converged",
    "past its peak, less than 0.1 nats to go": lambda row: row["status"] == "past its peak" and row["converged"],
    "0.1 to 1": lambda row: row["status"] == "past its peak" and not row["converged"] and row["decrement"] < 1.0,
    "1 or more": lambda row: row["status"] == "past its peak" and row["decrement"] >= 1.0,
    "stopped at maxiter": lambda row: row["status"] == "stopped at maxiter",
}
QUANTILES = {"25 %": 0.25, "median": 0.5, "75 %": 0.75, "largest": 1.0}


def shipped() -> dict[str, np.ndarray]:
    """First column of every shipped series."""
    tables = {name: getattr(datasets, name)() for name in datasets.__all__}
    columns = {name: data.iloc[:, 0] if isinstance(data, pd.DataFrame) else data for name, data in tables.items()}
    return {name.removeprefix("load_"): data.to_numpy(float) for name, data in columns.items()}


def penalised_optimum(problem, theta: np.ndarray, precision: np.ndarray, beta: float) -> tuple[np.ndarray, float]:
    """Go on to the optimum with all precisions held; by how much the objective falls."""

    def at(point: np.ndarray) -> tuple[float, np.ndarray]:
        products = problem.products(point)
        return 0.5 * (beta * products[-1, -1] + np.sum(precision * point**2)), products

    objective, products = at(theta)
    first, damping = objective, 1e-3
    for _ in range(500):
        hessian = beta * products[:-1, :-1] + np.diag(precision)
        gradient = beta * products[:-1, -1] - precision * theta
        if 0.5 * gradient @ np.linalg.solve(hessian, gradient) < 1e-6:
            break
        trial = theta + np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), gradient)
        value, there = at(trial)
        if value < objective:
            theta, objective, products, damping = trial, value, there, max(damping / 5.0, 1e-9)
        else:
            damping *= 4.0
    return theta, first - objective


def distance(y: np.ndarray, lags: int, units: tuple[int, ...]) -> dict[str, float] | None:
    """Compare estimate and penalised optimum; None where the best start is not past its peak."""
    n = int(TRAINING * len(y))
    model = ParaRNN(y[:n], lags=lags, units=units)
    problem = model._problem()
    starts = model._starts(problem, 16, check_generator(0))[0]
    found = estimate(problem, starts, model._fit_options("evidence", 200, 1e-8))
    if STATUS_WORDS[found.starts.status[found.best]] != "past its peak":
        return None
    theta, beta = found.starts.params[found.best], found.starts.beta[found.best]
    alpha = found.starts.alpha[found.best]
    precision = np.where(problem.group >= 0, alpha[np.clip(problem.group, 0, None)], 0.0)
    optimum, fall = penalised_optimum(problem, theta, precision, beta)
    hessian = beta * problem.products(theta)[:-1, :-1] + np.diag(precision)
    weights = ~problem.linear
    z = np.abs((optimum - theta) / np.sqrt(np.diag(np.linalg.inv(hessian))))[weights]
    errors = [model.evaluate(problem.scaling.to_data(point)).append(y[n:]).resid[n:] for point in (theta, optimum)]
    return {
        "decrement": float(found.starts.decrement[found.best]),
        "fall of the objective, nats": fall,
        "distance of a weight, median (standard errors)": float(np.median(z)),
        "distance of a weight, largest (standard errors)": float(z.max()),
        "change of fitted values (standard deviations of the shocks)": float(
            np.sqrt(np.mean((problem.residuals(theta) - problem.residuals(optimum)) ** 2) * beta)
        ),
        "squared test error at the penalised optimum, over that of the estimate": float(
            np.nanmean(errors[1] ** 2) / np.nanmean(errors[0] ** 2)
        ),
    }


def study() -> tuple[dict[tuple[tuple[int, ...], str], int], pd.DataFrame]:
    """How many fits end in each way, by units, and the distances of those that end past the peak."""
    counts = dict.fromkeys(((units, ending) for units in SHAPES for ending in ENDINGS), 0)
    distances = []
    for name, y in shipped().items():
        print(name, flush=True)
        for units in SHAPES:
            for lags in LAGS:
                retvals = ParaRNN(y, lags=lags, units=units).fit().mle_retvals
                counts[units, next(word for word, test in ENDINGS.items() if test(retvals))] += 1
                if len(y) <= LONGEST and np.isfinite(y).all() and (found := distance(y, lags, units)):
                    distances.append(found)
    return counts, pd.DataFrame(distances)


def report() -> str:
    """Fit, compare, and return the tables as Markdown."""
    warnings.simplefilter("ignore")
    counts, table = study()
    endings = [
        {"units": f"({', '.join(map(str, units))})", **{ending: counts[units, ending] for ending in ENDINGS}}
        for units in SHAPES
    ]
    quartiles = [
        {"": column, **{name: f"{table[column].quantile(q):.2f}" for name, q in QUANTILES.items()}} for column in table
    ]
    return "\n".join([
        "# Estimates past the peak of their evidence\n",
        f"Default fits of the {len(shipped())} shipped series (the first column of tables), lags 1 and 2, by how the "
        "best start ended; what is left to go is half a squared Newton decrement:\n",
        *markdown(endings),
        f"\nThe {len(table)} of them that end past the peak when fitted to the first 80 % of a series of at most "
        f"{LONGEST:,} rows without gaps, against the penalised optimum with the same precisions; the test error is "
        "that of one-step forecasts of the last 20 %:\n",
        *markdown(quartiles),
        f"\n{versions()}; command: `python benchmarks/past_the_peak.py`.\n",
    ])  # fmt: skip


if __name__ == "__main__":
    publish(report, __doc__)
