"""The likelihood of a recurrent model as a function of its parameters, and its derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pararnn_ts.estimation.curvature import in_data_units, observed_information
from pararnn_ts.estimation.errors import ErrorLaw, concentrated_loglike, likely_law
from pararnn_ts.models.arguments import check_params

if TYPE_CHECKING:
    from pararnn_ts.models.recurrent import RecurrentModel

__all__ = ["hessian", "loglike", "score"]


def loglike(model: RecurrentModel, params: Any) -> float:
    """
    Log likelihood, conditional on the rows held back and concentrated over the distribution of the shocks.

    It contains no penalty.

    Parameters
    ----------
    params : array_like, (P,)
        Parameters in the order of `param_names`.

    Returns
    -------
    float

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=())
    >>> results = model.fit()
    >>> model.loglike(results.params) == results.llf
    True
    """
    resid = _resid(model, check_params(params, model.param_names, "params"))
    return concentrated_loglike(resid, None if model.errors == "t" else np.inf)


def score(model: RecurrentModel, params: Any) -> np.ndarray:
    """
    Gradient of `loglike`, from the exact Jacobian of the predictions.

    Parameters
    ----------
    params : array_like, (P,)
        Parameters in the order of `param_names`.

    Returns
    -------
    ndarray, (P,)
        Zero at a maximum of the likelihood; at a penalised estimate it balances the pull of the penalty.

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=())
    >>> bool(np.allclose(model.score(model.fit(penalty=0).params), 0.0, atol=1e-6))
    True
    """
    params = check_params(params, model.param_names, "params")
    resid = _resid(model, params)
    # where the likelihood is largest over the law of the shocks, changes of the law do not change it
    return model.jacobian(params).T @ _law(model, resid).scores(resid)


def hessian(model: RecurrentModel, params: Any) -> np.ndarray:
    """
    Second derivatives of `loglike`, by fourth-order differences of `score`.

    The degrees of freedom of Student-t shocks are held at their estimate given `params`.

    Parameters
    ----------
    params : array_like, (P,)
        Parameters in the order of `param_names`.

    Returns
    -------
    ndarray, (P, P)

    Examples
    --------
    >>> import numpy as np, pararnn_ts as prt
    >>> model = prt.ParaRNN(prt.datasets.load_nile(), units=())
    >>> params = model.fit(penalty=0).params
    >>> model.hessian(params).shape
    (2, 2)
    """
    params = check_params(params, model.param_names, "params")
    law = _law(model, _resid(model, params))

    # steps that suit the standardised scale suit the data whatever their level
    to_data = model._problem().scaling.jacobian()

    def slope(move: np.ndarray) -> np.ndarray:
        at = params + to_data @ move
        resid = _resid(model, at)
        return (model.jacobian(at) @ to_data).T @ likely_law(resid, law.dof).scores(resid)

    precision = law.information * np.sum((model.jacobian(params) @ to_data) ** 2, axis=0)
    return -in_data_units(observed_information(slope, precision), to_data)


def _resid(model: RecurrentModel, params: np.ndarray) -> np.ndarray:
    """Residuals of the rows that enter the likelihood."""
    return (model._y - model.path(params).fitted)[model.used]


def _law(model: RecurrentModel, resid: np.ndarray) -> ErrorLaw:
    return likely_law(resid, None if model.errors == "t" else np.inf)
