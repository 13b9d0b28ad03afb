"""What results of other models have and those of a sequential sparse model have not, and why."""

from __future__ import annotations

from typing import Any

from pararnn_ts.results.refusals import NotOfTheModel

__all__ = ["Refusals"]

_LIKELIHOOD = "there is no likelihood, because penalties are chosen and not estimated; compare mse, snr or one_step"
_ERRORS = "no standard errors are known for these estimates; get_forecast gives intervals of forecasts"
_RESIDUALS = "its tests are of a single series of residuals; pass a column of results.resid to those of statsmodels"
_SERIES = "it belongs to models of a single series; look at codes, dictionary, transition and network_weights()"

_WHY = {
    **dict.fromkeys(
        ("llf", "aic", "aicc", "bic", "hqic", "log_evidence", "df_model", "df_resid", "scale"), _LIKELIHOOD
    ),
    **dict.fromkeys(("bse", "tvalues", "pvalues", "conf_int", "cov_params", "t_test", "f_test", "wald_test"), _ERRORS),
    **dict.fromkeys(("test_normality", "test_serial_correlation", "test_heteroskedasticity"), _RESIDUALS),
    **dict.fromkeys(
        ("components", "recurrence_features", "lag_response", "impulse_responses", "stability", "starts",
         "test_nonlinearity", "get_prediction", "plot_components", "plot_recurrence", "plot_lag_response",
         "plot_predict", "plot_diagnostics", "to_arma"), _SERIES,
    ),
}  # fmt: skip


class Refusals:
    """
    Results that say in a sentence why they lack what others have; `hasattr` is False for it.

    Examples
    --------
    >>> from pararnn_ts.results.sista_refusals import Refusals
    >>> Refusals().bse
    Traceback (most recent call last):
    pararnn_ts.results.refusals.NotOfTheModel: SISTARNN has no bse: no standard errors are known for these estimates; \
get_forecast gives intervals of forecasts.
    """

    def __getattr__(self, name: str) -> Any:
        if name in _WHY:
            raise NotOfTheModel(f"SISTARNN has no {name}: {_WHY[name]}.")
        # a property that refuses in a sentence of its own comes here, too
        return object.__getattribute__(self, name)
