"""statsmodels' own test of results that are pickled and whose data are removed, run on ours."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.base.tests import test_shrink_pickle as suite

from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.base import RecurrentResults


class Suite(suite.RemoveDataPickle):
    """The suite fits a model of 1,000 observations and predicts at `xf`: here the second row after the sample."""

    model = ParaRNN
    options = {"units": (1,)}
    labels = None

    @pytest.fixture(autouse=True)
    def summary2(self, monkeypatch):
        """Models of time series have no second summary; the suite asks for one."""
        monkeypatch.setattr(RecurrentResults, "summary2", RecurrentResults.summary, raising=False)

    def setup_method(self):
        if hasattr(suite.RemoveDataPickle, "setup_method"):  # not in statsmodels 0.14, which takes self.results only
            super().setup_method()
        y = np.random.default_rng(0).standard_normal(len(self.exog))
        self.model_class = self.model
        self.model_args = (y if self.labels is None else pd.Series(y, self.labels),)
        self.model_kwargs = self.options
        self.fit_kwargs = {"n_starts": 2}
        self.xf = len(y) + 1
        self.results = self.model(*self.model_args, **self.options).fit(**self.fit_kwargs)


class TestArray(Suite):
    pass


class TestDates(Suite):
    labels = pd.date_range("2001-01-01", periods=1000, freq="h", tz="Europe/Berlin")


class TestLinear(Suite):
    options = {"units": (), "lags": 3}


class TestTrendSeasonDifference(Suite):
    labels = pd.period_range("1930-01", periods=1000, freq="M")
    options = {"units": (1,), "trend": "ct", "seasonal": True, "diff": 1}


class TestElman(Suite):
    model = ElmanRNN
    options = {"hidden": 2}


del Suite
