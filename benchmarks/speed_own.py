"""Pieces of `speed.py` that need this package, statsmodels and statsforecast: passes, fits, threads, selection."""

import importlib.util
import warnings
from functools import partial

import numba
import numpy as np
from statsmodels.tsa.arima.model import ARIMA
from timing import median_time, series, together

import pararnn_ts as prt
from pararnn_ts.estimation.levenberg_marquardt import Options
from pararnn_ts.estimation.threads import run_all
from pararnn_ts.kernels.lanes import LANES

ARIMA_METHODS = ("innovations_mle", "statespace")
UNIT_COUNTS = (1, 2, 4, 8, 16)
PASS_LENGTHS = tuple(10_000 * 2**k for k in range(7))
FIT_LENGTHS = tuple(1_000_000 // 2**k for k in range(6, -1, -1))


def _pass(n: int, n_units: int):
    """One pass over the data with the normal equations, for a block of lanes."""
    problem = prt.ParaRNN(series(n), units=n_units)._problem()
    size = problem.specification.n_params
    theta, gram = 0.1 * np.ones(size * LANES), np.empty((size + 1) ** 2 * LANES)
    evaluate = problem.evaluator()
    return lambda: evaluate(theta, gram)


def kernel() -> dict:
    """A pass of a (2,) unit beside numpy's tanh of as many activations, on one thread; nanoseconds a step and start."""
    n = 1_000
    values, out = np.linspace(-3, 3, 2 * LANES * n), np.empty(2 * LANES * n)
    found = together({"pass": _pass(n, 1), "tanh": lambda: np.tanh(values, out=out)}, 1_000)
    return {name: 1e9 * seconds / (LANES * n) for name, seconds in found.items()}


def passes() -> dict:
    """Seconds of a pass by number of units of dimension 2, T = 4,000, and by length of the series, one unit."""
    units = together({str(k): _pass(4_000, k) for k in UNIT_COUNTS}, 60)
    lengths = together({str(n): _pass(n, 1) for n in PASS_LENGTHS}, 15)
    return {"units": units, "lengths": lengths}


def _default_fit(y):
    return lambda: prt.ParaRNN(y).fit()


def _arima(y, method: str):
    return lambda: ARIMA(y, order=(1, 0, 1)).fit(method=method)


def fits(n: int, repeats: int) -> dict:
    """Default fit, 16 starts, beside both estimators of an ARIMA(1,0,1), all of them by turns."""
    y = series(n)
    return together({"fit": _default_fit(y), **{m: _arima(y, m) for m in ARIMA_METHODS}}, repeats)


def automatic(n: int, repeats: int) -> dict:
    """AutoARIMA of statsforecast, where it is installed, beside the default fit; AutoARIMA chooses its order."""
    y = series(n)
    calls = {"fit": _default_fit(y)}
    if importlib.util.find_spec("statsforecast"):
        from statsforecast.models import AutoARIMA

        calls["AutoARIMA"] = lambda: AutoARIMA().fit(y.to_numpy())
    return together(calls, repeats)


def long_fits() -> dict:
    """Seconds of the default fit by length of the series."""
    return {str(n): median_time(_default_fit(series(n)), 3 if n > 100_000 else 5) for n in FIT_LENGTHS}


def threads() -> dict:
    """
    Seconds of a fit from 16 starts on one and on two threads; whole, and until half of the starts are retired.

    What the machine gives at the time is measured by numpy's tanh, which threads share without a rest.
    """
    values = np.linspace(-3, 3, 2_000_000)
    halves = [(part, np.empty_like(part)) for part in np.split(values, 2)]

    def tanh(count):
        run_all(lambda half: np.tanh(half[0], out=half[1]), halves * 10, count)

    found = {"control": together({str(count): partial(tanh, count) for count in (1, 2)}, 9)}
    for n, units, repeats in ((1_000, 1, 25), (1_000, 4, 15), (10_000, 1, 15), (10_000, 4, 5), (100_000, 1, 3)):
        model = prt.ParaRNN(series(n), units=units)

        def fit(count, maxiter, model=model):
            numba.set_num_threads(count)
            model.fit(maxiter=maxiter)

        for maxiter, label in ((200, ""), (Options().review_every, ", until half of the starts retire")):
            calls = {str(count): partial(fit, count, maxiter) for count in (1, 2)}
            found[f"{(2,) * units}, T = {n:,}{label}"] = together(calls, repeats)
    return found


def selection() -> dict:
    """`select_order` on 300 points over its default grid beside AutoARIMA."""
    y = series(300)
    calls = {"select_order": lambda: prt.select_order(y)}
    if importlib.util.find_spec("statsforecast"):
        from statsforecast.models import AutoARIMA

        calls["AutoARIMA"] = lambda: AutoARIMA().fit(y.to_numpy())
    return {**together(calls, 7), "candidates": len(prt.select_order(y).table)}


warnings.simplefilter("ignore")
