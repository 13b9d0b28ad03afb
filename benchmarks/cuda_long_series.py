"""
One long series on a CUDA device: is it right, how long does it take, and how far from the ceilings of the device is it?

64 units of dimension 2 along a million rows (see parallel_in_time.py): states are compared with those of the sequential
kernel, the forward pass is timed beside it, and so are the normal equations of one parameter vector and of eight with a
single unit, beside the kernel that forms eight at once on a processor.

    python benchmarks/cuda_long_series.py [--rows 1000000] [--units 64] [--out FOLDER]

needs a device; with NUMBA_ENABLE_CUDASIM=1 and few rows it only shows that it runs.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from parallel_in_time import BYTES, INSTRUCTIONS, OPERATIONS, TANH, seconds, sequential, series, unit
from pieces import markdown, versions

from pararnn_ts.kernels.cuda.long_series import LongSeries
from pararnn_ts.kernels.cuda.target import cuda_module, simulated
from pararnn_ts.kernels.lanes import LANES
from pararnn_ts.kernels.units import accumulate, work_size

KIND = "contractive"


def device_seconds(repeats: int, function: Callable[[], Any]) -> float:
    """Median time of work on the device, after a call that compiles."""
    cuda, taken = cuda_module(), []
    function()
    for _ in range(repeats):
        cuda.synchronize()
        begin = time.perf_counter()
        function()
        cuda.synchronize()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def device_name() -> str:
    """What the device calls itself."""
    if simulated():
        return "numba's simulator"
    name = cuda_module().get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def forward(rows: int, units: int, repeats: int) -> dict[str, Any]:
    """Forward pass: error, iterations and times."""
    y = series(rows)
    x = np.ascontiguousarray(y[:-1, None])
    theta = np.concatenate([unit(KIND, number) for number in range(units)])
    device = LongSeries((2,) * units, TANH, x, np.empty((rows, 0)), y[1:], np.ones(rows))
    states, outcome = device.states(theta)
    error = float(np.abs(states - sequential(theta, units, y)).max())
    del states
    on_processor = seconds(repeats, sequential, theta, units, y)
    on_device = device_seconds(repeats, lambda: device.device_states(theta))
    passes, steps = int(outcome.iterations.max()) + 2, float(rows * units)
    return {
        "largest error": error, "iterations": int(outcome.iterations.max()),
        "sequential runs": int((~outcome.converged).sum()),
        "processor": on_processor, "device": on_device, "ratio": on_processor / on_device,
        "share of arithmetic": passes * steps * INSTRUCTIONS / (OPERATIONS / 2.0) / on_device,
        "share of memory": (passes * steps * 8.0 + steps * 16.0) / BYTES / on_device,
    }  # fmt: skip


def normal_equations(rows: int, units: int, starts: int, repeats: int) -> dict[str, Any]:
    """Normal equations of several starts: error and times beside the kernel of the processor."""
    y = series(rows)
    x, linear = np.ascontiguousarray(y[:-1, None]), np.ones((rows, 1))
    theta = np.array([
        np.concatenate([[0.1], *(unit(KIND, units * start + number) for number in range(units))])
        for start in range(starts)
    ])  # fmt: skip
    dimensions, size = np.full(units, 2), theta.shape[1] + 1
    device = LongSeries(dimensions, TANH, x, linear, y[1:], np.ones(rows))
    found, _ = device.products(theta)
    lanes = np.ascontiguousarray(theta[np.arange(LANES) % starts].T).ravel()
    work, gram = np.empty(work_size(dimensions, 1)), np.empty(size * size * LANES)

    def processor():
        accumulate(lanes, dimensions, TANH, x, linear, y[1:], np.ones(rows), linear.T @ linear, work, gram)

    on_processor = seconds(1, processor)
    expected = np.tril(np.moveaxis(gram.reshape(size, size, LANES), -1, 0))[:starts]
    lengths = np.sqrt(np.einsum("lii->li", expected))
    error = np.abs((found - expected) / (lengths[:, :, None] * lengths[:, None, :])).max()
    on_device = device_seconds(repeats, lambda: device.products(theta))
    products = starts * rows * size * (size + 1.0)
    return {
        "largest error": float(error), "processor": on_processor, "device": on_device,
        "ratio": on_processor / on_device, "share of arithmetic": products / OPERATIONS / on_device,
    }  # fmt: skip


def measure(rows: int = 1_000_000, units: int = 64, repeats: int = 5) -> dict[str, dict[str, Any]]:
    """Everything this benchmark measures, by name."""
    return {
        f"forward, {units} units": forward(rows, units, repeats),
        f"normal equations, {units} units, 1 start": normal_equations(rows, units, 1, repeats),
        f"normal equations, 1 unit, {LANES} starts": normal_equations(rows, 1, LANES, repeats),
    }


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for table and figures")
    args = parser.parse_args()
    found = measure(args.rows, args.units, args.repeats)
    rows = [
        {
            "what": name, "largest error": f"{value['largest error']:.1e}", "iterations": value.get("iterations", ""),
            "processor, one core (s)": f"{value['processor']:.4g}", "device (s)": f"{value['device']:.4g}",
            "ratio": f"{value['ratio']:.3g}", "share of peak arithmetic": f"{value['share of arithmetic']:.2f}",
            "share of peak memory": f"{value['share of memory']:.2f}" if "share of memory" in value else "",
        }
        for name, value in found.items()
    ]  # fmt: skip
    foot = (
        f"{device_name()}; {args.rows:,} rows; {versions()}; peaks are those of an H100 SXM; errors of normal "
        "equations are relative to the lengths of columns, and their arithmetic is that of the products; command: "
        "`python benchmarks/cuda_long_series.py`."
    )
    text = "\n".join([*markdown(rows), "", foot])
    print(text)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "cuda_long_series.md").write_text(f"# One long series on a device\n\n{text}\n", encoding="utf-8")
        (args.out / "cuda_long_series.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
