"""Repeated timing, the machine and the versions it was done with, and the series that is timed."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib import metadata

import numpy as np
import pandas as pd

PACKAGES = ("numba", "numpy", "scipy", "pandas", "statsmodels", "statsforecast", "torch", "jax", "optax")


def series(n: int) -> pd.Series:
    """A cyclical, mildly nonlinear series."""
    rng = np.random.default_rng(0)
    y, e = np.zeros(n + 100), rng.standard_normal(n + 100)
    for t in range(2, n + 100):
        y[t] = 1.4 * np.tanh(y[t - 1]) - 0.6 * y[t - 2] + e[t]
    return pd.Series(y[100:], pd.RangeIndex(n), name="y")


def times(function: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds of each call, the first one left out."""
    function()
    seconds = []
    for _ in range(repeats):
        began = clock()
        function()
        seconds.append(clock() - began)
    return seconds


def median_time(function: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Median seconds of a call, the first one left out."""
    return statistics.median(times(function, repeats, clock))


def together(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of several calls that take turns, so that a slow moment of the machine hits all; warm."""
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            began = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> str:
    """Processor, number of cores and the widest vector instructions."""
    name, flags = platform.processor() or platform.machine(), ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
        entries = {key.strip(): value.strip() for key, value in lines.items()}
        name, flags = entries.get("model name", name), entries.get("flags", "")
    width = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {width}"


def versions() -> str:
    """Python and the packages that were measured."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join([f"Python {platform.python_version()}", *found])
