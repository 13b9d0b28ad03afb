"""What a user reads after a fit: parameters and inference, predictions, components, features and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import statsmodels.base.wrapper as wrap
from statsmodels.base.model import LikelihoodResultsWrapper

from pararnn_ts.estimation.errors import concentrated_loglike
from pararnn_ts.results import diagnostics, nonlinearity, persistence, prediction, simulation, units, updating
from pararnn_ts.results.component_bands import get_components
from pararnn_ts.results.components import components
from pararnn_ts.results.conformal import Calibration, calibrate
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.features import lag_response, recurrence_features
from pararnn_ts.results.graphics import PlotMethod
from pararnn_ts.results.identification import identification
from pararnn_ts.results.inference import Inherited, ParameterInference
from pararnn_ts.results.memory_intervals import recurrence_intervals
from pararnn_ts.results.refusals import DataRemoved, NotOfTheSample
from pararnn_ts.results.stability import leaves_the_data, stability
from pararnn_ts.results.summary import make_facts, make_summary
from pararnn_ts.results.trajectory import Gap, Standpoint, Tail, make_tail, run_model, shock_pool

if TYPE_CHECKING:
    from statsmodels.iolib.summary import Summary

__all__ = ["RecurrentResults", "RecurrentResultsWrapper"]


class RecurrentResults(ParameterInference):
    """
    Results of a recurrent model.

    Everything is computed when it is first asked for, and kept.

    Parameters
    ----------
    model : RecurrentModel
        The model.
    params : ndarray
        Its parameters.
    details : FitDetails
        How they were estimated.
    past : Standpoint, optional
        Levels and state before the sample, for results that extend others.
    gap : Gap, optional
        Missing rows right before the sample, for results that extend others whose sample ends with them.
    inherited : Inherited, optional
        Covariance and shocks, where the parameters were estimated on another sample.

    Attributes
    ----------
    params : Series
        Parameters.
    details : FitDetails
        Penalty, precision and other outcomes of the optimiser.
    mle_retvals : dict
        What the optimiser returned about the best start: `converged`, `status`, `iterations`, `decrement`, and how many
        starts there were (`n_starts`) and reached it (`n_best`).
    starts : DataFrame
        One row for each start of the optimiser.
    scale : float
        Variance of the shocks.
    df_model : float
        Effective number of parameters.
    log_evidence : float
        Log evidence of the model, NaN where the penalty was not chosen by evidence.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> y = np.random.default_rng(0).standard_normal(80)
    >>> res = prt.ParaRNN(y, units=(1,)).fit(n_starts=2)
    >>> res.nobs, len(res.fittedvalues), res.converged
    (79, 80, True)
    """

    def __init__(
        self,
        model: Any,
        params: np.ndarray,
        details: FitDetails,
        *,
        past: Standpoint | None = None,
        gap: Gap | None = None,
        inherited: Inherited | None = None,
    ):
        super().__init__(model, params, details)
        self._cache: dict[str, Any] = {}
        self.past, self.gap, self.inherited = past, gap, inherited
        self._calibration: Calibration | None = None
        self.data_removed = False
        self.df_model = float(details.effective)
        self.log_evidence = float(details.log_evidence)
        self.mle_retvals = dict(details.mle_retvals)

    @property
    def starts(self) -> pd.DataFrame:
        """
        One row for each start of the optimiser.

        Columns are `origin` ("arma": the image of a fitted ARMA, "random" or "given"), `status` (how it ended),
        `iterations` (evaluations), `sse` (sum of squared residuals, of the standardised series), `log_evidence`,
        `effective` (number of parameters), `decrement` (log-likelihood units by which a quadratic approximation of the
        penalised objective could still fall) and `best`.
        """
        return self.details.starts

    # ------------------------------------------------------------------------------------------ the sample

    def require_data(self) -> None:
        """Raise when the data were removed."""
        if self.data_removed or self.model._y is None:
            raise DataRemoved(
                "The data of these results were removed; forecasts and the summary are still there, for anything else "
                "apply the results to the data again with res.apply(endog)."
            )

    @cached_property
    def path(self) -> Any:
        """The model run along the sample: one-step predictions, components, states."""
        self.require_data()
        return run_model(self)

    @cached_property
    def tail(self) -> Tail:
        """What forecasts need of the sample."""
        return make_tail(self)

    @property
    def first_row(self) -> int:
        """First row that is predicted."""
        return 0 if self.past is not None else self.model.specification.hold_back

    @property
    def first_origin(self) -> int:
        """First row before which the series is known: the first that is predicted, or where a gap before it begins."""
        return self.first_row if self.gap is None else self.gap.standpoint.row

    @cached_property
    def used(self) -> np.ndarray:
        """Rows that are predicted and observed."""
        self.require_data()
        used = np.isfinite(self.model._y)
        used[: self.first_row] = False
        return used

    @cached_property
    def shocks(self) -> np.ndarray:
        """Shocks to draw from: centred residuals with variance `scale`."""
        return shock_pool(self.resid, self.scale) if self.inherited is None else self.inherited.shocks

    @cached_property
    def sorted_shocks(self) -> np.ndarray:
        """`shocks` in ascending order, which every forecast draws from by rank."""
        return np.sort(self.shocks)

    def _calibrated(self) -> Calibration:
        """What conformal intervals are calibrated with; the parameters are estimated once, when it is first needed."""
        # no property: editors read those of every object, and must not start an estimation
        if self._calibration is None:
            self.require_data()
            self._calibration = calibrate(self)
        return self._calibration

    @cached_property
    def nobs(self) -> int:
        """Observations that are predicted; missing ones and those held back do not count."""
        return int(np.count_nonzero(self.used))

    @property
    def df_resid(self) -> float:
        """Observations less the effective number of parameters."""
        return self.nobs - self.df_model

    @cached_property
    def fittedvalues(self) -> np.ndarray:
        """One-step predictions, NaN in the rows held back."""
        return self.path.fitted

    @cached_property
    def resid(self) -> np.ndarray:
        """Observations less one-step predictions, NaN where either is missing."""
        return np.where(self.used, self.model._y - self.fittedvalues, np.nan)

    def _labelled(self, values: np.ndarray, index: pd.Index | None, name: str | None) -> pd.Series | np.ndarray:
        """Values as a Series where there are labels for them."""
        return values if index is None else pd.Series(values, index=index, name=name)

    def _of_rows(self, values: np.ndarray) -> pd.Series | np.ndarray:
        """Values of the rows of the sample with their labels; statsmodels would make objects of a single one."""
        return self._labelled(values, self.model.data.row_labels, None)

    # ------------------------------------------------------------------------------------------- goodness of fit

    @cached_property
    def sse(self) -> float:
        """Sum of squared residuals."""
        return float(np.nansum(self.resid**2))

    @cached_property
    def llf(self) -> float:
        """Log likelihood of the predicted observations given those held back, as that of the model: without penalty."""
        law = self.details.law
        return concentrated_loglike(self.resid[self.used], law.dof if law.is_normal else None, law)

    @property
    def _n_estimated(self) -> float:
        # the spread of the shocks and, where they are not normal, their degrees of freedom
        return self.df_model + (1.0 if self.details.law.is_normal else 2.0)

    @property
    def aic(self) -> float:
        """Akaike's information criterion; variance and degrees of freedom of the shocks count as parameters."""
        return -2.0 * self.llf + 2.0 * self._n_estimated

    @property
    def aicc(self) -> float:
        """Akaike's information criterion with small-sample correction."""
        k, rest = self._n_estimated, self.nobs - self._n_estimated - 1.0
        return self.aic + 2.0 * k * (k + 1.0) / rest if rest > 0 else np.inf

    @property
    def bic(self) -> float:
        """Bayesian information criterion."""
        return -2.0 * self.llf + float(np.log(max(self.nobs, 1))) * self._n_estimated

    @property
    def hqic(self) -> float:
        """Hannan-Quinn information criterion."""
        return -2.0 * self.llf + 2.0 * float(np.log(np.log(max(self.nobs, 2)))) * self._n_estimated

    @property
    def converged(self) -> bool:
        """
        Whether the best start reached an optimum.

        At a start past its peak only if the penalised optimum is within a tenth of a log-likelihood unit; such a start
        has ended as it should in any case, see docs/inference.md.
        """
        return bool(self.mle_retvals.get("converged", False))

    @cached_property
    def score(self) -> np.ndarray:
        """Gradient of the log likelihood at the parameters: with normal errors, what a penalty holds back, or zero."""
        self.require_data()
        if self.past is not None:
            raise NotOfTheSample(
                "score needs the sample from its beginning, which extended results do not have; use append in place of "
                "extend."
            )
        return self.model.score(self.params)

    # ------------------------------------------------------------------------------------ what the model says

    @cached_property
    def components(self) -> pd.DataFrame:
        """
        Fitted values taken apart, one column for each part.

        Columns "const", "trend" and "seasonal" hold the deterministic terms, "linear" direct lags and exogenous values,
        "unit1", "unit2", ... the recurrent units, and "level" what differencing carries over. Each unit is centred
        over the sample and its mean moved to "const"; the columns add up to `fittedvalues`. `get_components` has them
        with bands, and beyond the sample.
        """
        return components(self)

    @cached_property
    def recurrence_features(self) -> pd.DataFrame:
        """What each unit remembers, and for how long: kind, modulus, period, half-life, gain and share of variance."""
        self.require_data()
        # paths that explode across gaps: what leaves the range of numbers has no standard error
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return recurrence_features(self)

    @cached_property
    def identification(self) -> pd.DataFrame:
        """What the data can tell about each unit: its size, what it explains, whether its weights are identified."""
        self.require_data()
        return identification(self)

    @cached_property
    def explosive(self) -> bool:
        """Whether forecasts without shocks leave the range of the data within 200 steps; see `stability`."""
        return leaves_the_data(self)

    @cached_property
    def summary_facts(self) -> dict[str, Any]:
        """Numbers in the summary that need the data."""
        self.require_data()
        return make_facts(self)

    def summary(self, alpha: float = 0.05) -> Summary:
        """
        Summary of the results.

        Parameters
        ----------
        alpha : float
            One less the coverage of the confidence intervals.

        Returns
        -------
        Summary
            Prints as text; has `as_text`, `as_html`, `as_latex` and `as_csv`.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
        >>> print(res.summary().as_text().splitlines()[0].strip())
        ParaRNN Results
        """
        return make_summary(self, alpha)

    predict = prediction.predict
    forecast = prediction.forecast
    get_prediction = prediction.get_prediction
    get_forecast = prediction.get_forecast
    get_components = get_components
    simulate = simulation.simulate
    impulse_responses = simulation.impulse_responses
    append = updating.append
    extend = updating.extend
    apply = updating.apply
    test_normality = diagnostics.test_normality
    test_serial_correlation = diagnostics.test_serial_correlation
    test_heteroskedasticity = diagnostics.test_heteroskedasticity
    test_nonlinearity = nonlinearity.test_nonlinearity
    test_units = units.test_units
    stability = stability
    recurrence_intervals = recurrence_intervals
    lag_response = lag_response
    plot_components = PlotMethod()
    plot_recurrence = PlotMethod()
    plot_lag_response = PlotMethod()
    plot_predict = PlotMethod()
    plot_diagnostics = PlotMethod()
    save = persistence.save

    @classmethod
    def load(cls, path: Any) -> RecurrentResults:
        """
        Read results from a file written by `save`, without labels; see `pararnn_ts.load`.

        Parameters
        ----------
        path : str, path or binary file
            Where to read.

        Returns
        -------
        RecurrentResults
            The results, whose arrays carry no labels; `pararnn_ts.load` gives them labelled.

        Examples
        --------
        >>> import io, pararnn_ts as prt
        >>> file = io.BytesIO()
        >>> prt.ParaRNN(prt.datasets.load_nile(), units=()).fit().save(file)
        >>> type(RecurrentResults.load(io.BytesIO(file.getvalue())).params).__name__
        'ndarray'
        """
        return persistence.load(path)._results

    def to_arma(self) -> Any:
        """
        Turn a model with identity activation into the ARMA it is, see `pararnn_ts.models.arma_link`.

        Returns
        -------
        ARIMAResults
            Of statsmodels, at the same parameters, not fitted again.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> model = prt.ParaRNN(prt.datasets.load_nile(), linear_lags=0, units=(1,), activation="identity")
        >>> model.fit(penalty=0).to_arma().model.order
        (1, 0, 1)
        """
        from pararnn_ts.models.arma_link import arma_from_pararnn

        return arma_from_pararnn(self)

    # ------------------------------------------------------------------------------------------- life of the object

    def _renewed(self, model: Any, past: Standpoint | None = None, gap: Gap | None = None) -> RecurrentResultsWrapper:
        """Results of the same parameters on another sample."""
        details = replace(self.details, log_evidence=float("nan"))
        covariance = replace(self.covariance, description=_elsewhere(self.covariance.description))
        inherited = Inherited(covariance, self.shocks, (self.tail.low, self.tail.high))
        return model._results(self.params, details, past=past, gap=gap, inherited=inherited)

    def remove_data(self) -> None:
        """
        Remove the data from results and model.

        What is left forecasts, prints its summary and can be extended. Shocks to draw from are thinned to 120
        quantiles. Other results of the same model lose their data, too.

        Examples
        --------
        >>> import pararnn_ts as prt
        >>> results = prt.ParaRNN(prt.datasets.load_nile(), units=(1,)).fit(n_starts=2)
        >>> before = results.forecast(3)
        >>> results.remove_data()
        >>> bool((results.forecast(3) == before).all())
        True
        """
        if self.data_removed:
            return
        # what must be known before the data go
        kept = {name: getattr(self, name) for name in ("covariance", "summary_facts", "nobs", "sse", "llf")}
        self._forget({**kept, "tail": self.tail.thinned()})

    def __getstate__(self) -> dict[str, Any]:
        """State for pickle and copies, without the data, which are those of the model."""
        return {name: value for name, value in self.__dict__.items() if name != "data"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the data of the model again."""
        self.__dict__.update(state, data=state["model"].data)

    def _forget(self, kept: dict[str, Any]) -> None:
        """Drop the data, and keep what was worked out from them."""
        super().remove_data()
        for name in ("path", "used", "resid", "fittedvalues", "components", "sorted_shocks"):
            self.__dict__.pop(name, None)
        self._calibration = None
        for name in ("normalized_cov_params", "bse", "tvalues", "pvalues"):  # made of the covariance when asked for
            self.__dict__.pop(name, None)
        # the covariance that was made of it is kept
        self.details = replace(self.details, precision=np.empty((0, 0)), to_data=np.empty((0, 0)))
        self.__dict__.update(kept, shocks=kept["tail"].shocks)
        if kept["summary_facts"]["features"] is not None:
            self.__dict__["recurrence_features"] = kept["summary_facts"]["features"]
        self.__dict__.pop("identification", None)
        if self.inherited is not None:
            self.inherited = replace(self.inherited, shocks=self.shocks)
        self.data_removed = True


def _elsewhere(description: str) -> str:
    added = "estimated on another sample"
    return description if added in description else f"{description[:-1]}, {added}."


class RecurrentResultsWrapper(LikelihoodResultsWrapper):
    """Results whose arrays have labels; everything else is that of `RecurrentResults`."""

    _wrap_attrs: Mapping[str, str] = {
        **{name: how for name, how in LikelihoodResultsWrapper._wrap_attrs.items() if how != "rows"},
        "score": "columns",
    }
    _wrap_methods: Mapping[str, str] = {
        name: how for name, how in LikelihoodResultsWrapper._wrap_methods.items() if name != "cov_params"
    }

    @property
    def fittedvalues(self) -> pd.Series | np.ndarray:
        """One-step predictions, NaN in the rows held back."""
        return self._results._of_rows(self._results.fittedvalues)

    @property
    def resid(self) -> pd.Series | np.ndarray:
        """Observations less one-step predictions, NaN where either is missing."""
        return self._results._of_rows(self._results.resid)

    def cov_params(
        self, r_matrix: Any = None, column: Any = None, scale: Any = None, cov_p: Any = None, other: Any = None
    ) -> Any:
        """
        Covariance matrix of the parameters, of linear combinations or of some of them, as statsmodels has it.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> res = prt.ParaRNN(np.random.default_rng(0).standard_normal(80), units=(1,)).fit(n_starts=2)
        >>> res.cov_params().shape, res.cov_params(column=[0, 1]).shape
        ((6, 6), (2, 2))
        """
        found = self._results.cov_params(r_matrix, column, scale, cov_p, other)
        # labels are those of all parameters, which statsmodels would give to anything
        return self._results.data.wrap_output(found, "cov") if r_matrix is None and column is None else found

    def save(self, path: Any, remove_data: bool = False) -> None:
        """Write the results to a file, see `RecurrentResults.save`."""
        self._results.save(path, remove_data)

    load = staticmethod(persistence.load)  # type: ignore[assignment]


wrap.populate_wrapper(RecurrentResultsWrapper, RecurrentResults)
