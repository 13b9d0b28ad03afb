"""
The generic checks of results that statsmodels keeps for its own models, run on ours.

`check_predict_types` is not among them: it takes the first argument of `predict` for rows of exog, and says of itself
that it "Does not cover tsa".
"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.tools._testing import check_fitted, check_ftest_pvalues, check_ttest_tvalues

from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.pararnn import ParaRNN

COVARIANCES = {
    "default": {},
    "penalty 0": {"penalty": 0.0},
    "nonrobust": {"cov_type": "nonrobust"},
    "opg": {"cov_type": "opg"},
    "HC0": {"cov_type": "HC0"},
    "HAC": {"cov_type": "HAC", "cov_kwds": {"maxlags": 3}},
}
MODELS = {
    "unit": lambda y, x: ParaRNN(y, units=(1,)),
    "exog": lambda y, x: ParaRNN(y, x, units=(1,), trend="ct"),
    "linear": lambda y, x: ParaRNN(y, units=(), lags=2),
    "Elman": lambda y, x: ElmanRNN(y, hidden=1),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    rng = np.random.default_rng(3)
    index = pd.period_range("2001-01", periods=200, freq="M")
    x = pd.DataFrame({"x": rng.standard_normal(200)}, index)
    y = pd.Series(rng.standard_normal(200), index, name="y") + x["x"].to_numpy()
    for t in range(1, 200):
        y.iloc[t] += 0.8 * np.tanh(y.iloc[t - 1])
    return MODELS[request.param](y, x)


@pytest.fixture(scope="module", params=COVARIANCES)
def results(request, model):
    return model.fit(n_starts=2, **COVARIANCES[request.param])


@pytest.mark.parametrize("check", [check_ttest_tvalues, check_ftest_pvalues, check_fitted])
def test_generic_checks_of_statsmodels_pass(results, check):
    check(results)
