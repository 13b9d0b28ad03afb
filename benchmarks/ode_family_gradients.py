"""
How the gradient of the last state travels back through T steps, for cells at random weights.

The ratio |dL/ds_0| / |dL/ds_T| for a random L linear in the last state; 16 states, one white-noise input, weights
W ~ N(0, gain^2 / d) (S = W - W' where antisymmetric), U ~ N(0, 1), b = 0; for the QUNN angles ~ N(0, 0.1^2).

    python benchmarks/ode_family_gradients.py [--seeds 10] [--out FILE]
"""

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import replace

import numba
import numpy as np
from pieces import markdown

from pararnn_ts.cells import Cell, ODECell, QUNNCell
from pararnn_ts.kernels.cell_gradient import sequence_gradient
from pararnn_ts.kernels.cells import CELLS
from pararnn_ts.results.integrator_stability import step_bound

LENGTHS = (10, 100, 1000, 5000)
D = 16


def ode(cell: ODECell, rng: np.random.Generator, gain: float = 1.0, bounded: bool = False) -> tuple[Cell, np.ndarray]:
    """Draw parameters; `bounded`: a step as long as the sufficient condition permits."""
    d = cell.hidden
    matrices = gain * rng.standard_normal((cell.order, d, d)) / np.sqrt(d)
    if cell.antisymmetric:
        own = [(w - w.T)[np.triu_indices(d, 1)] for w in matrices]
    else:
        own = [w.ravel() for w in matrices]
    params = np.concatenate([*own, rng.standard_normal(d), np.zeros(d)])
    if bounded:
        bound = step_bound(cell, params)
        assert bound is not None
        cell = replace(cell, step=bound.largest)
    return cell, params


def antisymmetric(stages: int, step: float, diffusion: float = 0.0) -> ODECell:
    """An undamped antisymmetric cell."""
    return ODECell(D, 1, 1, stages, step, (0.0,), "tanh", True, diffusion)


def qunn(rng: np.random.Generator) -> tuple[Cell, np.ndarray]:
    """Four sites, streaming."""
    cell = QUNNCell(4, 1, couplings="site", mode="shared")
    return cell, 0.1 * rng.standard_normal(len(cell.groups))


ROWS: dict[str, Callable[[np.random.Generator], tuple[Cell, np.ndarray]]] = {
    "vanilla RNN, gain 0.9": lambda rng: ode(ODECell(D, 1), rng, 0.9),
    "vanilla RNN, gain 1.5": lambda rng: ode(ODECell(D, 1), rng, 1.5),
    "antisymmetric, Euler, step 0.3": lambda rng: ode(antisymmetric(1, 0.3), rng),
    "antisymmetric, Heun, step 0.3": lambda rng: ode(antisymmetric(2, 0.3), rng),
    "antisymmetric, RK4, step 0.3": lambda rng: ode(antisymmetric(4, 0.3), rng),
    "antisymmetric, Euler, diffusion 0.1, step of the bound": lambda rng: ode(
        antisymmetric(1, 1.0, 0.1), rng, bounded=True
    ),
    "antisymmetric, RK4, step 0.01": lambda rng: ode(antisymmetric(4, 0.01), rng),
    "order 2, damping (1, 1), RK4, step 0.05": lambda rng: ode(ODECell(D, 1, 2, 4, 0.05, (1.0, 1.0)), rng),
    "QUNN, 4 sites, streaming": qunn,
}


def ratio(draw: Callable, length: int, seed: int) -> float:
    """Ratio of the norms of the first and the last gradient."""
    rng = np.random.default_rng([seed, length])
    cell, own = draw(rng)
    weights, norms = cell.weights(own), np.empty(length + 1)
    output = rng.standard_normal(len(cell.initial_state))
    step = cell.step if isinstance(cell, ODECell) else 1.0
    sequence_gradient(CELLS[cell.kind], weights, 0, cell.shape, cell.numbers, rng.standard_normal((length, 1)), step,
                      cell.initial_state, output, norms, np.zeros(len(weights)))  # fmt: skip
    return float(norms[0] / norms[-1])


def main() -> None:
    """Run the study and print, or write, its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", help="file for the table, as Markdown")
    args = parser.parse_args()
    began = time.perf_counter()
    rows = []
    for name, draw in ROWS.items():
        row = {"cell": name}
        for length in LENGTHS:
            found = np.array([ratio(draw, length, seed) for seed in range(args.seeds)])
            if name.startswith("QUNN"):
                row[f"T = {length}"] = f"1 (off by {np.abs(found - 1.0).max():.0e} at most)"
            else:
                row[f"T = {length}"] = f"{np.median(found):.2g} ({found.min():.2g} to {found.max():.2g})"
        rows.append(row)
        print(*row.values(), sep=" | ", flush=True)
    text = "\n".join(markdown(rows))
    note = (
        f"Median of {args.seeds} seeds, and range. {time.perf_counter() - began:.0f} s in all. Python "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}; command: "
        "`python benchmarks/ode_family_gradients.py`."
    )
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(f"# Gradients through T steps\n\n|dL/ds_0| / |dL/ds_T| at random weights.\n\n{text}\n\n{note}\n")


if __name__ == "__main__":
    main()
