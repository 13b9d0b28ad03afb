"""Pieces of `speed.py` that need a process of their own: memory of long fits, and what a first fit costs."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

# The series is made without a loop and without temporary arrays that would hide in the peak.
_SAMPLE = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from scipy.signal import lfilter
def sample(n):
    e = np.random.default_rng(0).standard_normal(n)
    return pd.Series(lfilter([1.0], [1.0, -1.2, 0.5], e), name="y")
"""
_RESIDENT = (
    _SAMPLE
    + """
import pararnn_ts as prt
prt.ParaRNN(sample(50_000)).fit()
n = int(sys.argv[1])
y = sample(n)
def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) * 1024
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
began = time.perf_counter()
results = prt.ParaRNN(y).fit()
seconds = time.perf_counter() - began
print(json.dumps({"bytes": status("VmHWM") - before, "seconds": seconds, "converged": bool(results.converged)}))
"""
)
_TRACED = (
    _SAMPLE
    + """
import tracemalloc
import pararnn_ts as prt
prt.ParaRNN(sample(50_000)).fit()
y = sample(int(sys.argv[1]))
tracemalloc.start()
prt.ParaRNN(y).fit()
print(json.dumps({"bytes": tracemalloc.get_traced_memory()[1]}))
"""
)
_COLD = """
import json, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
y = pd.Series(np.random.default_rng(0).standard_normal(300)).rolling(3, min_periods=1).mean()
began = time.perf_counter()
import pararnn_ts as prt
imported = time.perf_counter()
prt.ParaRNN(y).fit()
fitted = time.perf_counter()
prt.ParaRNN(y).fit()
again = time.perf_counter()
print(json.dumps({"import": imported - began, "first fit": fitted - imported, "second fit": again - fitted}))
"""
_COLD_ARIMA = """
import json, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
y = pd.Series(np.random.default_rng(0).standard_normal(300)).rolling(3, min_periods=1).mean()
began = time.perf_counter()
from statsmodels.tsa.arima.model import ARIMA
imported = time.perf_counter()
ARIMA(y, order=(1, 0, 1)).fit()
print(json.dumps({"import": imported - began, "first fit": time.perf_counter() - imported}))
"""


def _run(code: str, *args: object, **environment: str) -> dict:
    """Run code in a fresh interpreter; what it prints last is its result."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def memory(n: int) -> dict:
    """
    Bytes that a default fit of n observations needs at its peak, beyond what the process held before.

    The input belongs to the caller; of its lags there are two columns, one that feeds the unit and one that enters
    linearly.
    """
    resident, traced = _run(_RESIDENT, n), _run(_TRACED, n)
    return {"resident": resident["bytes"], "traced": traced["bytes"], "lags": 2 * 8 * n, "seconds": resident["seconds"]}


def cold(repeats: int = 3) -> dict:
    """Seconds of import and first fit in a fresh process, with an empty and with a filled cache, and of an ARIMA."""
    empty, filled, arima = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            empty.append(_run(_COLD, NUMBA_CACHE_DIR=folder))
            filled.append(_run(_COLD, NUMBA_CACHE_DIR=folder))
        arima.append(_run(_COLD_ARIMA))
    return {
        name: {step: statistics.median(run[step] for run in runs) for step in runs[0]}
        for name, runs in (("empty cache", empty), ("filled cache", filled), ("ARIMA(1,0,1)", arima))
    }
