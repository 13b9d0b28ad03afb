r"""
Whether the data can tell what each recurrent unit is.

A unit whose component is zero has no weights: the data say nothing about them, and their z statistics compare an
arbitrary number with an arbitrary error (Davies 1977). Two units that are equal have no output weights of their own,
only a sum. Near such points the estimates are not normal, however large the sample looks.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from pararnn_ts._compat import ValueWarning, warn_user
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.identification import ODD, exchanged, nearest_states
from pararnn_ts.results.covariance import estimable, invert
from pararnn_ts.results.details import FitDetails
from pararnn_ts.results.features import FittedUnits
from pararnn_ts.results.refusals import NotOfTheSample
from pararnn_ts.specification import Specification, UnitWeights

__all__ = [
    "contrasts_of",
    "effective_parameters",
    "identification",
    "warn_of_unidentified",
    "warn_of_unmeasured",
    "without_unidentified",
]

LEVEL = 0.05


@one_blas_thread()
def identification(results: Any) -> pd.DataFrame:
    r"""
    Table of what the data can tell about each unit.

    Parameters
    ----------
    results
        Results of a model with recurrent units.

    Returns
    -------
    DataFrame
        One row per unit.

        size
            Standard deviation of the unit's component over the sample, in units of the series.
        deviance
            What leaving the component out would add to -2 log likelihood if the linear path and the other units could
            adjust, by a quadratic approximation.
        parameters, effective
            Number of the unit's parameters, and how many of them the data determine, the others being held by the
            penalty or not at all: the trace of its block of the covariance times the information of the data.
        twin
            The unit that it cannot be told from, if there is one.
        identified
            Whether z statistics of the unit's parameters mean anything.
        note
            Why not.

    Raises
    ------
    NotOfTheSample
        If the parameters were estimated on another sample.

    Notes
    -----
    A component counts as zero when its deviance is below the 95 % quantile of the chi-squared distribution with as many
    degrees of freedom as the unit has effective parameters. In a fit without a penalty, where nothing limits the search
    over inner weights that the data say nothing about, it must also pay the price of Schwarz's criterion, log(nobs) for
    each of them. This is a rule for reading the table and not a test of the unit; that is `test_units`.

    Two units are twins when a Wald test at 5 % does not tell their W, U and b from each other, in whatever order and
    sign of the states, when together they are not zero, and neither could be left out rather than the other. Without a
    penalty, a parameter that moves along a direction without information is not identified either.

    References
    ----------
    .. [1] Davies, R. B. "Hypothesis testing when a nuisance parameter is present only under the alternative."
       Biometrika 64 (1977): 247-254.
    .. [2] MacKay, D. J. C. "Bayesian interpolation." Neural Computation 4 (1992): 415-447.

    Examples
    --------
    >>> import pararnn_ts as prt
    >>> res = prt.ParaRNN(prt.datasets.load_sunspots(), lags=1, units=(2,), linear_lags=2).fit(n_starts=8, rng=0)
    >>> res.identification["identified"].tolist()
    [True]
    """
    if results.inherited is not None:
        raise NotOfTheSample(
            "identification is a matter of the sample on which the parameters were estimated; ask the results of the "
            "fit."
        )
    fitted = FittedUnits(results)
    spec, names = fitted.specification, fitted.unit_names
    details, information = results.details, results.ingredients.information()
    effective = _shares(details, information)
    known = estimable(details.precision, details.to_data)
    known[list(results.details.held)] = True

    def told_from_zero(deviance: float, *units: int) -> bool:
        count = max(sum(float(effective[spec.unit_slices[k]].sum()) for k in units), 1.0)
        price = stats.chi2.ppf(1.0 - LEVEL, count)
        if results.details.penalty == 0.0:
            price = max(price, count * np.log(results.nobs))
        return bool(deviance > price)

    rows = []
    for number, part in enumerate(spec.unit_slices):
        notes, deviance = [], _deviance(fitted, details, information, number)
        if not fitted.contributes(number):
            notes.append("its component is zero")
        elif not told_from_zero(deviance, number):
            notes.append("its component cannot be told from zero")
        if not known[part].all():
            lost = np.flatnonzero(~known[part]) + part.start
            shown = ", ".join(spec.param_names[place] for place in lost[:4]) + (", ..." if len(lost) > 4 else "")
            notes.append(f"directions without information move {shown}")
        rows.append(
            {
                "size": float(fitted.path.components[fitted.start :, number].std()),
                "deviance": deviance,
                "parameters": part.stop - part.start,
                "effective": float(effective[part].sum()),
                "twin": "",
                "identified": not notes,
                "note": "; ".join(notes),
            }
        )
    for one, other in combinations(range(len(rows)), 2):
        if rows[one]["identified"] != rows[other]["identified"] or spec.units[one] != spec.units[other]:
            continue
        if _alike(fitted, one, other) and told_from_zero(
            _deviance(fitted, details, information, one, other), one, other
        ):
            for number, twin in ((one, names[other]), (other, names[one])):
                note = f"it cannot be told from {twin}, only the sum of their output weights counts"
                rows[number] |= {"twin": twin, "identified": False, "note": note}
    columns = ["size", "deviance", "parameters", "effective", "twin", "identified", "note"]
    return pd.DataFrame(rows, index=pd.Index(names, name="unit", dtype=object), columns=columns)


def effective_parameters(results: Any) -> np.ndarray:
    """
    Share of each parameter that the data determine: diagonal of the inverse precision times the information.

    Both are those of the standardised scale, where the prior is.

    Returns
    -------
    ndarray, (P,)
        MacKay's gamma of each parameter: one where there is no penalty, zero where it alone holds the parameter or
        where the parameter was held at a value.
    """
    return _shares(results.details, results.ingredients.information())


def _shares(details: FitDetails, information: np.ndarray) -> np.ndarray:
    shares = np.zeros(len(details.to_data))
    # of information beyond every number nothing is known: NaN
    with np.errstate(over="ignore", invalid="ignore"):
        own = np.clip(np.sum(invert(details.precision)[0] * information, axis=1), 0.0, 1.0)
    shares[details.to_data.any(axis=1)] = own
    return shares


def warn_of_unidentified(results: Any, restrictions: Any) -> None:
    """
    Warn when a hypothesis is about parameters that the data do not identify.

    Parameters
    ----------
    results
        Results of a model, with or without units.
    restrictions : array_like or tuple
        Matrix R, or a pair (R, q).
    """
    contrasts = contrasts_of(results, restrictions)
    if contrasts is None:
        return
    tested = (contrasts != 0.0).any(axis=0)
    spec = results.model.specification
    unknown = np.zeros(len(results.params), dtype=bool)
    unknown[list(set(results.covariance.unidentified) - set(results.details.held))] = True
    if isinstance(spec, Specification) and not results.data_removed and results.inherited is None:
        for part, known in zip(spec.unit_slices, results.identification["identified"], strict=True):
            unknown[part] |= not known
    if not (tested & unknown).any():
        return
    first = results.model.param_names[int(np.flatnonzero(tested & unknown)[0])]
    warn_user(
        f"The hypothesis is about {first}, which the data do not identify, so its test means nothing; see "
        "results.identification, and use test_units to ask whether a unit is needed.",
        ValueWarning,
    )


def warn_of_unmeasured(results: Any, restrictions: Any) -> bool:
    """
    Warn when a hypothesis is about parameters without standard errors, such as the angles of a QUNN.

    Parameters
    ----------
    results
        Results of a model.
    restrictions : array_like or tuple
        Matrix R, or a pair (R, q).

    Returns
    -------
    bool
        Whether it is.
    """
    contrasts = contrasts_of(results, restrictions)
    if contrasts is None:
        return False
    tested = (contrasts != 0.0).any(axis=0) & results.covariance.unknown
    if not tested.any():
        return False
    first = results.model.param_names[int(tested.argmax())]
    warn_user(
        f"The hypothesis is about {first}, which has no standard error, so there is no test of it; test parameters for "
        "which results.bse has one, or pass cov_p.",
        ValueWarning,
    )
    return True


def without_unidentified(results: Any, restrictions: Any, found: Any) -> Any:
    """
    Set what a test says about contrasts that are not identified to NaN, in line with `bse`.

    Parameters
    ----------
    results
        Results of a model.
    restrictions : array_like or tuple
        Matrix R, or a pair (R, q).
    found : ContrastResults
        The test, one by one or joint.

    Returns
    -------
    ContrastResults
        The same object.
    """
    contrasts = contrasts_of(results, restrictions)
    if contrasts is None:
        return found
    details = results.details
    # the precision went with the data of the fit, or there never was one
    if not len(details.precision) or not np.isfinite(details.precision).all():
        lost = (contrasts[:, list(results.covariance.unidentified)] != 0.0).any(axis=1)
    else:
        lost = ~estimable(details.precision, contrasts @ details.to_data)
    if not lost.any():
        return found
    joint = getattr(found, "sd", None) is None
    for name in ("statistic", "tvalue", "fvalue", "pvalue", "sd"):
        values = getattr(found, name, None)
        if values is not None:
            blank = np.full(np.shape(values), np.nan) if joint else np.where(lost, np.nan, np.ravel(values))
            setattr(found, name, blank.reshape(np.shape(values)) if np.ndim(values) else float(blank.ravel()[0]))
    return found


def contrasts_of(results: Any, restrictions: Any) -> np.ndarray | None:
    """Matrix of a hypothesis, None where it is not one; statsmodels says then what is wrong."""
    matrix = restrictions[0] if isinstance(restrictions, tuple) else restrictions
    try:
        rows = np.atleast_2d(np.asarray(matrix, dtype=float))
    except (TypeError, ValueError):
        return None
    return rows if rows.ndim == 2 and rows.shape[1] == len(results.params) else None


def _deviance(fitted: FittedUnits, details: FitDetails, information: np.ndarray, *units: int) -> float:
    """Variation of components that the other parameters cannot take over, over the variance of the shocks."""
    spec, params = fitted.specification, fitted.params
    rest, v = np.ones(len(params), dtype=bool), np.zeros(len(params))
    for number in units:
        part = spec.unit_slices[number]
        output = slice(part.stop - spec.units[number], part.stop)
        rest[part], v[output] = False, params[output]
    # on the standardised scale, and there in units of the parameters' precision, where products of very large and very
    # small numbers do not overflow
    precision, v = details.precision, fitted.to_standard @ v
    rest = rest[details.to_data.any(axis=1)]
    size = np.sqrt(np.maximum(np.diag(precision), 0.0))
    size[size == 0.0] = 1.0
    v, information, precision = v * size, information / size / size[:, None], precision / size / size[:, None]
    # NaN where information is beyond every number
    with np.errstate(over="ignore", invalid="ignore"):
        shared = (information @ v)[rest]
        return float(v @ information @ v - shared @ invert(precision[np.ix_(rest, rest)])[0] @ shared)


def _alike(fitted: FittedUnits, one: int, other: int) -> bool:
    """Whether a Wald test does not tell two units apart, their output weights left out."""
    if not np.isfinite(fitted.root).all():
        return False
    spec, params, root = fitted.specification, fitted.to_standard @ fitted.params, fitted.root
    if len(params) < len(fitted.params):
        # values are held in the data's units
        params, root = fitted.params, fitted.to_data @ root
    units, variances = (spec.unit_weights(values) for values in (params, np.sum(root**2, axis=1)))
    spread = [a + b for a, b in zip(variances[one], variances[other], strict=True)]
    weight = UnitWeights(*(np.where(part > 0.0, 1.0 / np.maximum(part, 1e-300), 0.0) for part in spread))
    weight = weight._replace(v=np.zeros_like(weight.v))
    order, sign = nearest_states(units[other], units[one], weight, spec.activation in ODD)

    # where the weights to compare are among the parameters, those of the other unit with the sign of its states
    places = spec.unit_weights(np.arange(1.0, len(params) + 1.0))
    own, moved = (
        np.concatenate([part.ravel() for part in unit[:3]])
        for unit in (places[one], exchanged(places[other], order, sign))
    )
    mine, others, signs = own.astype(int) - 1, np.abs(moved).astype(int) - 1, np.sign(moved)
    spread = root[mine] - signs[:, None] * root[others]
    inverse, rank = invert(spread @ spread.T)
    gap = params[mine] - signs * params[others]
    return bool(gap @ inverse @ gap <= stats.chi2.ppf(1.0 - LEVEL, max(rank, 1)))
