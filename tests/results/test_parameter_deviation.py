"""What parameters add to the standard errors of predictions, against the textbook model with an imaginary step."""

import cell_twin
import numpy as np
import pandas as pd
import pytest
import twin

import pararnn_ts as prt
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.trajectory import MEMORY
from pararnn_ts.results.uncertainty import covariance_root, parameter_deviation

MODELS = {
    "units": lambda y, x: ParaRNN(y, x, lags=2, units=(2, 1), trend="ct"),
    "differences": lambda y, x: ParaRNN(y, x, units=(1,), diff=1, seasonal_diff=1, period=4),
    "linear": lambda y, x: ParaRNN(y, x, units=()),
    "LSTM": lambda y, x: prt.LSTM(y, x, hidden=1, trend="c"),
    "ODERNN": lambda y, x: prt.ODERNN(y, x, hidden=2),
}
# first row, first that uses no observations, row after the last
WINDOWS = {
    "sample": (20, 60, 50),
    "sample and forecast": (0, 60, 72),
    "far forecast": (66, 60, 72),
    "dynamic": (35, 35, 55),
    "dynamic later": (35, 47, 68),
}


def textbook(raw, y, x, det):
    """Predictions of all rows as a function of the parameters, which may be complex."""
    spec = raw.model.specification
    if hasattr(spec, "cell"):
        ones, location = np.ones(len(y)), np.zeros(spec.n_inputs)
        return lambda params: cell_twin.run(spec, params, y, x, det, ones, location).fitted
    return lambda params: twin.run(spec, params, y, x, det).fitted


@pytest.fixture(scope="module", params=MODELS)
def case(request, sales):
    """Results of a sample with gaps, and the values of the exogenous variable in it and after it."""
    y, x = sales[:60].copy(), pd.DataFrame({"price": np.sin(np.arange(72.0))}, sales.index[:72])
    y.iloc[[0, 30, 31, 32, 41, 58]] = np.nan
    return MODELS[request.param](y, x[:60]).fit(penalty=1.0, n_starts=2)._results, x.to_numpy()


@pytest.mark.parametrize("window", WINDOWS)
def test_what_parameters_add_is_the_exact_derivative_along_the_axes_of_their_covariance(case, window):
    (results, x), (start, origin, stop) = case, WINDOWS[window]
    held_back = results.first_row
    y = np.full(stop, np.nan)
    known = min(origin, stop)
    y[:known] = results.model._y[:known]
    y[:held_back] = results.path.filled[:held_back]
    det = np.concatenate([results.model._det, results.model.future_deterministic(12)])[:stop]
    slopes = twin.imaginary_step(textbook(results, y, x[:stop], det), results.params)[start:]
    slopes[: max(held_back - start, 0)] = np.nan
    expected = np.linalg.norm(slopes @ covariance_root(results), axis=1)
    found = parameter_deviation(results, start, origin, stop, x[60:stop] if stop > 60 else None)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_long_sample_is_run_from_a_row_that_no_longer_matters(tanh_series):
    y = tanh_series(MEMORY + 300)
    long = ParaRNN(y, units=(1,)).fit(penalty=1.0, n_starts=1)._results
    whole = long.model.jacobian(long.params, np.append(y, np.nan), np.empty((len(y) + 1, 0)), np.ones((len(y) + 1, 1)),
                                missing=True)  # fmt: skip
    expected = np.linalg.norm(whole[-1] @ covariance_root(long))
    found = parameter_deviation(long, len(y), len(y), len(y) + 1, None)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
