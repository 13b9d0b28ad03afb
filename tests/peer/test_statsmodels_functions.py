"""Functions of statsmodels on our results: what docs/inference.md says of each."""

import numpy as np
import pytest
from statsmodels.iolib.summary2 import summary_col
from statsmodels.stats import diagnostic
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.stattools import jarque_bera

from pararnn_ts import datasets
from pararnn_ts.models.pararnn import ParaRNN


@pytest.fixture(scope="module")
def pair():
    """A linear model and one with a unit beside it, of the same observations."""
    lynx = np.log10(datasets.load_lynx())
    return ParaRNN(lynx, lags=2, units=()).fit(), ParaRNN(lynx, lags=2, units=(1,)).fit(n_starts=4)


@pytest.mark.filterwarnings("ignore:acorr_lm currently returns:FutureWarning")
def test_tests_of_residuals_take_those_that_are_there(pair):
    results = pair[1]
    resid = results.resid.dropna()
    ours = results.test_serial_correlation("ljungbox", lags=[1, 4])[0]
    theirs = diagnostic.acorr_ljungbox(resid - resid.mean(), lags=[1, 4])
    np.testing.assert_allclose(ours, theirs.to_numpy().T, rtol=1e-8)
    np.testing.assert_allclose(results.test_normality()[0], jarque_bera(resid))
    assert len(resid) == results.nobs and 0.0 <= diagnostic.het_arch(resid, 4)[1] <= 1.0
    columns = np.column_stack([np.ones(len(resid)), results.fittedvalues.dropna()])
    assert 0.0 <= diagnostic.het_white(resid, columns)[1] <= 1.0


def test_several_results_stand_side_by_side_in_one_table(pair):
    table = summary_col(list(pair), model_names=["linear", "one unit"]).tables[0]
    for results, name in zip(pair, ["linear", "one unit"], strict=True):
        for parameter, value in results.params.items():
            assert table.loc[parameter, name] == f"{value:.4f}"
    assert table.loc["unit1.W", "linear"] == ""


@pytest.mark.parametrize("name", ["linear_harvey_collier", "linear_rainbow", "linear_reset", "recursive_olsresiduals"])
def test_what_is_for_linear_regressions_is_refused(pair, name):
    with pytest.raises(TypeError, match="regression|linear model"):
        getattr(diagnostic, name)(pair[1])


@pytest.mark.parametrize("name", ["compare_cox", "compare_j", "compare_encompassing"])
def test_comparisons_of_linear_regressions_are_refused(pair, name):
    with pytest.raises(TypeError, match="must come from a linear regression model"):
        getattr(diagnostic, name)(*pair)


def test_there_is_no_analysis_of_variance_whose_distribution_would_be_wrong(pair):
    with pytest.raises(AttributeError, match="ssr"):
        anova_lm(*pair)
