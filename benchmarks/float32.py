"""
Single precision on the CPU: what would it gain, and what would it cost?

    python benchmarks/float32.py [--out FILE]

The kernels of a pass are copied with other numbers of lanes and with float32 in place of float64, compiled, and timed
beside the original. Their sums of products are compared with those of the original, and so is what fits come to.
"""

import importlib
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from pieces import markdown, publish
from timing import machine, series, versions

import pararnn_ts as prt
import pararnn_ts.kernels
from pararnn_ts.estimation.levenberg_marquardt import CONVERGED, Options, minimize
from pararnn_ts.estimation.problem import Problem

FILES = ("lanes", "activations", "gram", "units")
CHANGES = (
    ("ir.DoubleType()", "ir.FloatType()"),
    ("types.float64", "types.float32"),
    ("float64x", "float32x"),
    ("f64", "f32"),
    ("align=8", "align=4"),
)
UNITS = ((1,), (2,), (2, 2), (2, 2, 2, 2))
N = 4_000


def copied(lanes: int, single: bool, folder: Path):
    """Kernels like ours for so many lanes, in single precision or not; the module of a pass."""
    source, name = Path(pararnn_ts.kernels.__path__[0]), f"lanes_{lanes}_{'single' if single else 'double'}"
    (folder / name).mkdir()
    for file in FILES:
        text = (source / f"{file}.py").read_text(encoding="utf-8")
        for old, new in CHANGES if single and file == "lanes" else ():
            assert old in text, f"{old} is no longer in {file}.py"
            text = text.replace(old, new)
        if file == "lanes":
            own = "LANES = 8 if has_wide_registers() else 4\n"
            assert own in text, "the number of lanes is no longer set where it was"
            text = text.replace(own, f"LANES = {lanes}\n")
        for other in FILES:
            text = text.replace(f"pararnn_ts.kernels.{other}", f"{name}.{other}")
        (folder / name / f"{file}.py").write_text(text, encoding="utf-8")
    (folder / name / "__init__.py").write_text("")
    return importlib.import_module(f"{name}.units")


class Pass:
    """
    A pass with the kernels of a module.

    Parameters
    ----------
    kernels : module
        `units` or a copy of it.
    lanes : int
        Its lanes.
    dtype : dtype
        Its numbers.
    units : tuple of int
        Dimensions of the units.
    x, linear, target, weight : ndarray
        Columns, as `kernels.units.accumulate` takes them.
    """

    def __init__(self, kernels, lanes: int, dtype, units, x, linear, target, weight):
        size = 1 + linear.shape[1] + sum(kernels.unit_size(d, x.shape[1]) for d in units)
        self.lanes, self.size, self.kernels, self.dtype = lanes, size, kernels, dtype
        self.gram = np.empty(size * size * lanes, dtype)
        self.theta = np.repeat(0.3 * np.random.default_rng(0).standard_normal(size - 1), lanes).astype(dtype)
        weighted = linear * weight[:, None]
        self.linear_gram = weighted.T @ weighted
        self.units, self.work = np.array(units), np.empty(kernels.work_size(np.array(units), x.shape[1]), dtype)
        self.columns = [np.ascontiguousarray(a, dtype) for a in (x, linear, target, weight)]
        self.others = (self.units, 0, *self.columns, self.linear_gram.astype(dtype), self.work)

    def __call__(self) -> None:
        self.kernels.accumulate(self.theta, *self.others, self.gram)

    def evaluate(self, theta: np.ndarray, gram: np.ndarray) -> None:
        """Products at other parameters, rounded to the numbers of the module."""
        self.kernels.accumulate(theta.astype(self.dtype), *self.others, self.gram)
        gram[:] = self.gram

    def evaluate_in_parts(self, theta: np.ndarray, gram: np.ndarray, rows: int = 256) -> None:
        """The same with sums of so many rows in the numbers of the module, and their sum in double precision."""
        theta, m = theta.astype(self.dtype), self.columns[0].shape[1]
        self.kernels.begin(self.units, m, 0.0 * self.others[-2], self.work, self.gram)
        gram[:] = 0.0
        square = gram.reshape(self.size, self.size, self.lanes)
        square[: len(self.linear_gram), : len(self.linear_gram)] = np.tril(self.linear_gram)[:, :, None]
        for first in range(0, len(self.columns[0]), rows):
            part = [column[first : first + rows] for column in self.columns]
            self.gram[:] = 0.0
            self.kernels.add_rows(theta, self.units, 0, *part, len(part[0]), self.work, self.gram)
            gram += self.gram

    def products(self) -> np.ndarray:
        """Lower triangle of the products of the first lane."""
        self()
        return np.tril(self.gram.reshape(self.size, self.size, self.lanes)[:, :, 0]).astype(float)


def passes(n: int, units: tuple[int, ...], modules: dict) -> dict[str, Pass]:
    """The same pass over a standardised series and its first lag by every module, at random parameters."""
    y = series(n + 1).to_numpy()
    y = (y - y.mean()) / y.std()
    columns = y[:-1, None], np.column_stack([np.ones(n), y[:-1]]), y[1:], np.ones(n)
    return {name: Pass(*arguments, units, *columns) for name, arguments in modules.items()}


def time_rows(modules: dict) -> list[dict]:
    """Nanoseconds of a step and start, by turns."""
    rows = []
    for units in UNITS:
        calls = passes(N, units, modules)
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for repeat in range(101):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                if repeat:
                    seconds[name].append((time.perf_counter() - began) / (N * call.lanes))
        median = {name: 1e9 * statistics.median(values) for name, values in seconds.items()}
        row = {"units": str(units), **{name: f"{value:.2f}" for name, value in median.items()}}
        first, *others = median
        rows.append({**row, **{f"{first} / {name}": f"{median[first] / median[name]:.2f}" for name in others}})
    return rows


def _damped_step(products: np.ndarray) -> np.ndarray:
    """Step of Levenberg-Marquardt with a damping of a thousandth of the diagonal."""
    whole = products + np.tril(products, -1).T
    square = whole[:-1, :-1]
    return np.linalg.solve(square + 1e-3 * np.diag(np.diag(square)), whole[-1, :-1])


def accuracy_rows(modules: dict) -> list[dict]:
    """Relative errors of the products, of the step that solves them, and of the sum of squares."""
    rows = []
    for units in ((2,), (2, 2)):
        for n in (1_000, 100_000, 1_000_000, 10_000_000):
            found = passes(n, units, modules)
            exact, last = found["8 x float64"].products(), found["8 x float32"].products()
            length = np.sqrt(np.diag(exact))
            expected, step = _damped_step(exact), _damped_step(last)
            rows.append({
                "units": str(units), "T": f"{n:,}",
                "products": f"{np.max(np.abs(last - exact) / np.outer(length, length)):.1e}",
                "sum of squares": f"{abs(last[-1, -1] / exact[-1, -1] - 1.0):.1e}",
                "step": f"{np.linalg.norm(step - expected) / np.linalg.norm(expected):.1e}",
            })  # fmt: skip
    return rows


def fit_rows(modules: dict) -> list[dict]:
    """What default fits from sixteen starts come to, with products of either precision."""
    rows = []
    for label, y, units in (
        ("simulated, T = 1,000", series(1_000), (2,)),
        ("simulated, T = 10,000", series(10_000), (2,)),
        ("laser, T = 1,000", prt.datasets.load_laser().iloc[:1_000].astype(float), (2, 2)),
        ("sunspots, T = 309", prt.datasets.load_sunspots(), (2, 2)),
    ):
        model = prt.ParaRNN(y, units=units)
        best = 0.0
        for precision, numbers, in_parts in (
            ("double", "8 x float64", False),
            ("single", "8 x float32", False),
            ("single, sums of 256 rows", "8 x float32", True),
        ):
            problem = model._problem()
            columns = problem.x, problem.linear_columns, problem.y, problem.weight
            call = Pass(*modules[numbers], units, *columns)
            evaluate = call.evaluate_in_parts if in_parts else call.evaluate
            problem.evaluator = lambda evaluate=evaluate: evaluate
            problem.advance = partial(Problem.advance, problem)
            starts = model._starts(problem, 16, np.random.default_rng(0))[0]
            found = minimize(problem, starts, Options())
            evidence = found.log_evidence.max()
            best = evidence if precision == "double" else best
            rows.append({
                "series": label, "units": str(units), "precision": precision,
                "converged": f"{int(np.sum(found.status == CONVERGED))} of 16",
                "evaluations": int(np.sum(found.iterations)),
                "log evidence lost": f"{best - evidence:.2g}",
            })  # fmt: skip
    return rows


def text() -> str:
    """The report as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        modules = {
            "8 x float64": (importlib.import_module("pararnn_ts.kernels.units"), 8, np.float64),
            "16 x float64": (copied(16, False, Path(folder)), 16, np.float64),
            "8 x float32": (copied(8, True, Path(folder)), 8, np.float32),
            "16 x float32": (copied(16, True, Path(folder)), 16, np.float32),
        }
        times, accuracy, fits = time_rows(modules), accuracy_rows(modules), fit_rows(modules)
    lines = [
        "# Single precision on the CPU",
        "",
        f"Nanoseconds of a step and start of a pass with normal equations, T = {N:,}, one thread:",
        "",
        *markdown(times),
        "",
        "What eight lanes of float32 do to the products M'M (relative to the lengths of the columns), to the sum of "
        "squares and to a damped step that is solved for in double precision:",
        "",
        *markdown(accuracy),
        "",
        "Default fits with products in single precision, altogether or in sums of 256 rows that are added up in double "
        "precision; everything else in double precision:",
        "",
        *markdown(fits),
        "",
        f"{machine()}; {versions()}. Command: `python benchmarks/float32.py --out benchmarks/results/float32.md`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    publish(text, __doc__)
