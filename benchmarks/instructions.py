"""
Instructions of a pass over the data: what the mathematics asks for, what the compiler made of it, and what bounds it.

    python benchmarks/instructions.py [--out FILE]

A child process evaluates the normal equations of a vector of starts once and is stepped through by ptrace, one
instruction after the other (Linux on x86-64; needs capstone, which the `bench` extra has). What a pass over 128 rows
executes more than one over 64 belongs to the time loop, whatever the loops look like: no assembly is interpreted by
eye.

Two times measured beside the pass bound it: that of the recurrence alone, whose steps wait for each other, and that of
fused multiply-adds that wait for nothing.
"""

import collections
import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import capstone
import numpy as np
from numba import njit
from pieces import markdown, publish
from timing import machine, series, versions

import pararnn_ts as prt
from pararnn_ts.kernels.activations import tanh
from pararnn_ts.kernels.lanes import LANES, items, load, store

MODELS = ((1,), (2,), (3,), (2, 2), (2, 2, 2, 2))
ROWS = (64, 128)
# operations of `activations.tanh` besides its division: limits 2, scaling 1, powers 2, numerator 5, denominator 4,
# doubling twice 7
TANH = 21
VECTORS = ("zmm", "ymm", "xmm")
ARITHMETIC = ("add", "sub", "mul", "fmadd", "fmsub", "fnmadd", "fnmsub", "min", "max", "div", "sqrt")
_TRACE_ME, _PEEK_USER, _SINGLE_STEP, _INSTRUCTION_POINTER = 0, 3, 9, 16 * 8


def predicted(units: tuple[int, ...], m: int, q: int) -> dict[str, int]:
    """
    Operations on vectors that one step needs; a product and a sum that can be fused count once.

    Parameters
    ----------
    units : tuple of int
        Dimensions of the units.
    m, q : int
        Inputs of the units, and columns that enter linearly.
    """
    columns = 1 + sum(d * d + d * m + 2 * d for d in units)
    weights = {d: d * d + d * m + d for d in units}
    return {
        "predictions": q + 1 + sum(d * (d + m) + d for d in units),
        "tanh and slope": sum(d * (TANH + 1) for d in units),
        "sensitivities": sum(d * d + weights[d] * d * d + d * (d + m) for d in units),
        "Jacobian": sum(weights[d] * d for d in units),
        "products": columns * (columns + 1) // 2 + q * columns,
        "divisions": sum(units),
    }


def steps(function: Callable[[], object]) -> collections.Counter[int]:
    """Addresses of the instructions that a call executes, and how often, in a child that is stepped through."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    child = os.fork()
    if child == 0:
        libc.ptrace(_TRACE_ME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        function()
        os.kill(os.getpid(), signal.SIGSTOP)
    os.waitpid(child, 0)
    found: collections.Counter[int] = collections.Counter()
    while True:
        libc.ptrace(_SINGLE_STEP, child, None, None)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status) or os.WSTOPSIG(status) != signal.SIGTRAP:
            break
        found[libc.ptrace(_PEEK_USER, child, _INSTRUCTION_POINTER, None) & (2**64 - 1)] += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return found


def compiled_code() -> list[tuple[int, int]]:
    """Addresses of executable memory that belongs to no file: what numba has compiled or loaded."""
    parts = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    found = [part[0].split("-") for part in parts if "x" in part[1] and len(part) == 5]
    return [(int(first, 16), int(last, 16)) for first, last in found]


def evaluation(units: tuple[int, ...], n: int) -> tuple[Callable[[], None], int, int, int]:
    """A pass over n rows for a vector of starts; and m, q and the number of parameters."""
    model = prt.ParaRNN(series(n + 1), units=units)
    problem = model._problem()
    size = model.specification.n_params
    theta, gram = items(size), items((size + 1) ** 2)
    theta[:] = 0.1
    evaluate = problem.evaluator()
    return lambda: evaluate(theta, gram), problem.x.shape[1], problem.linear_columns.shape[1], size


def executed(units: tuple[int, ...]) -> dict[str, float]:
    """Instructions that a step executes, by kind."""
    counts = []
    for n in ROWS:
        call = evaluation(units, n)[0]
        call()
        counts.append(steps(call))
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    areas = compiled_code()
    found: dict[str, float] = collections.Counter()
    for address, count in counts[1].items():
        times = (count - counts[0][address]) / (ROWS[1] - ROWS[0])
        if any(first <= address < last for first, last in areas):
            instruction = next(disassembler.disasm(ctypes.string_at(address, 16), address))
            for kind in kinds(instruction.mnemonic, instruction.op_str):
                found[kind] += times
    return found


def kinds(name: str, operands: str) -> list[str]:
    """What an instruction counts as."""
    found = ["instructions"]
    vector = next((width for width in VECTORS if width in operands), None)
    stem = name.removeprefix("v")
    if stem.endswith(("pd", "sd")) and stem.startswith(ARITHMETIC):
        width = "scalar" if stem.endswith("sd") else vector
        found.append(f"{width} {'divisions' if stem.startswith('div') else 'arithmetic'}")
    elif vector is None:
        found.append("integers, addresses, jumps")
    else:
        found.append("moves")
    if "[" in operands and not name.startswith(("lea", "nop")):
        written = operands.partition(",")[0].endswith("]") and name not in ("cmp", "test")
        where = "vectors" if vector else "numbers"
        found.append(f"{'stores' if written else 'loads'} of {where}")
        if "rsp" in operands and vector:
            found.append("vectors spilled")
    if name == "call":
        found.append("calls")
    return found


@njit
def _recurrence_1(values, n):
    h = load(values, 0)
    for _ in range(n):
        h = tanh(load(values, 1) * h + load(values, 2))
    store(values, 0, h)


@njit
def _recurrence_2(values, n):
    h1, h2 = load(values, 0), load(values, 1)
    for _ in range(n):
        z1 = load(values, 2) + load(values, 3) * h1 + load(values, 4) * h2
        z2 = load(values, 2) + load(values, 4) * h1 + load(values, 3) * h2
        h1, h2 = tanh(z1), tanh(z2)
    store(values, 0, h1)
    store(values, 1, h2)


@njit
def _multiply_add(values, n):
    # twelve chains, so that none is waited for
    x, y = load(values, 0), load(values, 1)
    a0, a1, a2, a3, a4, a5 = x, x, x, x, x, x
    b0, b1, b2, b3, b4, b5 = x, x, x, x, x, x
    for _ in range(n):
        a0, a1, a2, a3, a4, a5 = y + a0 * x, y + a1 * x, y + a2 * x, y + a3 * x, y + a4 * x, y + a5 * x
        b0, b1, b2, b3, b4, b5 = x + b0 * y, x + b1 * y, x + b2 * y, x + b3 * y, x + b4 * y, x + b5 * y
    for i, a in enumerate((a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5)):
        store(values, 2 + i, a)


def nanoseconds(repeats: int = 200, n: int = 4_000) -> dict[str, float]:
    """
    Time of a step of a vector of starts: passes, recurrences alone, and one fused multiply-add, all by turns.

    The quickest call of each: a bound must not be raised by what else the machine does.
    """
    values, others = items(5), items(14)
    values[:], others[:] = 0.3, np.repeat(np.linspace(0.3, 0.5, 14), LANES)
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "recurrence 1": (lambda: _recurrence_1(values, n), n),
        "recurrence 2": (lambda: _recurrence_2(values, n), n),
        "multiply-add": (lambda: _multiply_add(others, n), 12 * n),
        **{str(units): (evaluation(units, n)[0], n) for units in MODELS},
    }
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats + 1):
        for name, (call, _) in calls.items():
            began = time.perf_counter()
            call()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    return {name: 1e9 * min(seconds[name]) / calls[name][1] for name in calls}


def rows() -> tuple[list[dict], list[dict], list[dict]]:
    """Tables: operations predicted, instructions found, and nanoseconds."""
    measured = nanoseconds()
    expected_rows, found_rows, time_rows = [], [], []
    for units in MODELS:
        _, m, q, size = evaluation(units, ROWS[0])
        expected, found = predicted(units, m, q), executed(units)
        divisions = expected.pop("divisions")
        arithmetic = sum(expected.values())
        widest = max(VECTORS, key=lambda width: found[f"{width} arithmetic"])
        model = {"units": str(units), "parameters": size}
        expected_rows.append({**model, **expected, "sum": arithmetic, "divisions": divisions})
        found_rows.append({
            **model,
            f"{widest} arithmetic": f"{found[f'{widest} arithmetic']:.0f}",
            "over predicted": f"{found[f'{widest} arithmetic'] / arithmetic:.2f}",
            "divisions": f"{found[f'{widest} divisions']:.0f}",
            "scalar arithmetic": f"{found['scalar arithmetic'] + found['scalar divisions']:.1f}",
            "vectors loaded": f"{found['loads of vectors']:.0f}",
            "stored": f"{found['stores of vectors']:.0f}",
            "of these spills": f"{found['vectors spilled']:.1f}",
            "integers, addresses, jumps": f"{found['integers, addresses, jumps']:.0f}",
            "calls": f"{found['calls']:.2f}",
            "all": f"{found['instructions']:.0f}",
        })  # fmt: skip
        products = expected["products"] * measured["multiply-add"]
        units_alone = (arithmetic - expected["products"]) * measured["multiply-add"]
        time_row = {
            **model,
            "arithmetic": products + units_alone,
            "recurrence": sum(measured[f"recurrence {min(d, 2)}"] for d in units),
            "a pass": measured[str(units)],
        }
        waits = sum(
            max(measured[f"recurrence {min(d, 2)}"], share)
            for d, share in zip(units, np.full(len(units), units_alone / len(units)), strict=True)
        )
        time_row["bound"] = products + waits
        time_row["pass over bound"] = time_row["a pass"] / time_row["bound"]
        time_rows.append({name: f"{v:.3g}" if isinstance(v, float) else v for name, v in time_row.items()})
    return expected_rows, found_rows, time_rows


def text() -> str:
    """The report as Markdown."""
    expected, found, times = rows()
    lines = [
        "# Instructions of a pass over the data",
        "",
        f"All counts are for one step in time of {LANES} starts, the lanes of one vector.",
        "",
        "## What the mathematics asks for",
        "",
        "Operations on vectors; a product and a sum that can be fused count once.",
        "",
        *markdown(expected),
        "",
        "## What is executed",
        "",
        f"Instructions that a pass over {ROWS[1]} rows executes more than one over {ROWS[0]}, by the difference. "
        "What the products execute beyond what is needed pads the columns to a multiple of four.",
        "",
        *markdown(found),
        "",
        "## Nanoseconds",
        "",
        "*Arithmetic*: the operations of the first table at the rate of fused multiply-adds that wait for nothing. "
        "*Recurrence*: the steps h <- tanh(W h + b) of all units one after the other, and nothing else (those of a "
        "unit of more than two states as if it had two). *Bound*: of each unit the longer of its recurrence and its "
        "arithmetic, and the products, which wait for it. The quickest of 200 calls that take turns.",
        "",
        *markdown(times),
        "",
        f"{machine()}; {versions()}. Command: `python benchmarks/instructions.py --out "
        "benchmarks/results/instructions.md`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    publish(text, __doc__)
