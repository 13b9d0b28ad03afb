"""Arguments that several methods share, checked once and refused in one sentence."""

from __future__ import annotations

import operator
from collections.abc import Collection, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.levenberg_marquardt import PRIOR, RELEVANCE, Options

__all__ = [
    "MOST_AHEAD",
    "MOST_DRAWS",
    "MOST_STATES",
    "MOST_STEPS",
    "check_alpha",
    "check_choice",
    "check_count",
    "check_disp",
    "check_flag",
    "check_generator",
    "check_lags",
    "check_number",
    "check_params",
    "check_paths",
    "check_share",
    "given",
    "optimiser_options",
]

# furthest back, in steps, that a lag or a season reaches; more is a mistake, and an array of it may not have room
MOST_STEPS = 100_000
# starts, simulated paths or samples of a bootstrap that one call is asked for
MOST_DRAWS = 1_000_000
# rows after the sample that one call predicts, and values of simulated paths that it draws
MOST_AHEAD = 10_000_000
MOST_VALUES = 1_000_000_000
# states of a model: of W alone the square of that many numbers is estimated
MOST_STATES = 1_000


def given(value: Any) -> str:
    """
    A value as a message shows it: as Python writes it, or its type where that takes more than a few words.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.arguments import given
    >>> given(-1), given(pd.Series([1, 2]))
    ('-1', 'a Series')
    """
    text = repr(value)
    return text if len(text) <= 80 and "\n" not in text else f"a {type(value).__name__}"


def check_choice(value: Any, name: str, known: Collection[str]) -> str:
    """
    Return one of a few words, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_choice
    >>> check_choice("t", "errors", ("normal", "t"))
    't'
    >>> check_choice(["t"], "errors", ("normal", "t"))
    Traceback (most recent call last):
    ValueError: errors must be 'normal' or 't', but is ['t'].
    """
    if not isinstance(value, str) or value not in known:
        wanted = " or ".join(map(repr, known)) if len(known) == 2 else f"one of {', '.join(map(repr, known))}"
        raise ValueError(f"{name} must be {wanted}, but is {given(value)}.")
    return value


def check_disp(disp: Any) -> bool:
    """
    Return whether to print, for True, False or an integer as in statsmodels, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_disp
    >>> check_disp(0), check_disp(True)
    (False, True)
    """
    if not isinstance(disp, (bool, np.bool_, int, np.integer)):
        raise TypeError(f"disp must be True or False, but is {given(disp)}.")
    return bool(disp)


def check_count(value: Any, name: str, least: int = 1, most: int | None = None) -> int:
    """
    Return a whole number of at least `least` and at most `most` as an int, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_count
    >>> check_count(3, "maxiter")
    3
    >>> check_count(0, "maxiter")
    Traceback (most recent call last):
    ValueError: maxiter must be a positive integer, but is 0.
    >>> check_count(10**9, "n_sims", most=1000)
    Traceback (most recent call last):
    ValueError: n_sims must be at most 1,000, but is 1000000000.
    """
    wanted = "a positive integer" if least == 1 else f"an integer of {least} or more"
    message = f"{name} must be {wanted}, but is {given(value)}."
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(message)
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(message) from None
    if count < least:
        raise ValueError(message)
    if most is not None and count > most:
        raise ValueError(f"{name} must be at most {most:,}, but is {given(value)}.")
    return count


def check_lags(lags: Any, name: str) -> tuple[int, ...]:
    """
    Lags as a sorted tuple: an integer n stands for 1 to n, a sequence for itself.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_lags
    >>> check_lags(3, "lags"), check_lags([12, 1], "lags"), check_lags(0, "lags")
    ((1, 2, 3), (1, 12), ())
    """
    wanted = f"{name} must be a non-negative integer or a list of different positive integers, but is {given(lags)}"
    if isinstance(lags, (bool, str)):
        raise TypeError(f"{wanted}; pass for example {name}=2 or {name}=[1, 12].")
    try:
        longest = operator.index(lags)
    except TypeError:
        pass
    else:
        if longest > MOST_STEPS:
            raise ValueError(f"{name}={longest} reaches back further than {MOST_STEPS:,} steps; choose shorter lags.")
        return tuple(range(1, longest + 1)) if longest >= 0 else _refuse(wanted)
    try:
        values = [operator.index(lag) for lag in lags]
    except TypeError:
        raise TypeError(f"{wanted}; pass for example {name}=2 or {name}=[1, 12].") from None
    if any(lag < 1 for lag in values) or len(set(values)) < len(values):
        _refuse(wanted)
    if values and max(values) > MOST_STEPS:
        raise ValueError(f"{name} holds {max(values)}, further back than {MOST_STEPS:,} steps; choose shorter lags.")
    return tuple(sorted(values))


def _refuse(wanted: str) -> tuple[int, ...]:
    raise ValueError(f"{wanted}; pass for example 2 or [1, 12].")


def check_flag(value: Any, name: str, advice: str = "") -> bool:
    """
    Return True or False as a bool, or raise; `advice` ends the message.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_flag
    >>> check_flag(True, "tie")
    True
    >>> check_flag(12, "seasonal", "; give period=12 for the length of the season")
    Traceback (most recent call last):
    TypeError: seasonal must be True or False, but is 12; give period=12 for the length of the season.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but is {given(value)}{advice}.")
    return bool(value)


def check_number(value: Any, name: str, *, positive: bool = False, least: float | None = None) -> float:
    """
    Return a finite number as a float, or raise.

    Parameters
    ----------
    value : float
        The number.
    name : str
        Name of the argument in error messages.
    positive : bool
        Whether it must be above zero.
    least : float, optional
        The least that it may be.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        It is no number, or not one that is allowed.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_number
    >>> check_number(2, "step", positive=True)
    2.0
    >>> check_number(-1, "lam1", least=0.0)
    Traceback (most recent call last):
    ValueError: lam1 must be a finite number of 0 or more, but is -1.
    """
    bound = "" if least is None else f" of {least:g} or more"
    wanted = f"{name} must be a {'positive ' if positive else ''}finite number{bound}, but is {given(value)}."
    if isinstance(value, (bool, str)) or np.ndim(value) != 0:
        raise TypeError(wanted)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(wanted) from None
    if not np.isfinite(number) or (positive and number <= 0.0) or (least is not None and number < least):
        raise ValueError(wanted)
    return number


def check_share(value: Any, name: str) -> float:
    """
    Return a number from 0 to below 1 as a float, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_share
    >>> check_share(1, "tol")
    Traceback (most recent call last):
    ValueError: tol must be at least 0 and less than 1, but is 1.
    """
    message = f"{name} must be at least 0 and less than 1, but is {given(value)}."
    try:
        share = float(value)
    except (TypeError, ValueError):
        raise TypeError(message) from None
    if not 0.0 <= share < 1.0:
        raise ValueError(message)
    return share


def check_alpha(alpha: Any, name: str = "alpha") -> float:
    """
    Return a level, such as one less the coverage of an interval, as a float between 0 and 1, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_alpha
    >>> check_alpha(95)
    Traceback (most recent call last):
    ValueError: alpha must lie between 0 and 1, but is 95.
    """
    if not (isinstance(alpha, Real) and 0 < float(alpha) < 1):
        raise ValueError(f"{name} must lie between 0 and 1, but is {given(alpha)}.")
    return float(alpha)


def check_generator(rng: Any, name: str = "rng") -> np.random.Generator:
    """
    Return a generator for None, a number or a generator, or raise.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_generator
    >>> check_generator("lucky")
    Traceback (most recent call last):
    TypeError: rng must be None, an integer of 0 or more or a numpy Generator, but is 'lucky'.
    """
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} must be None, an integer of 0 or more or a numpy Generator, but is {given(rng)}."
        ) from None


def check_paths(n_paths: int, steps: int, name: str) -> None:
    """
    Raise where so many simulated paths of so many steps have no room; `name` is the argument that counts the paths.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import check_paths
    >>> check_paths(1000, 5_000_000, "n_sims")
    Traceback (most recent call last):
    ValueError: n_sims=1,000 paths of 5,000,000 steps are more than 1,000,000,000 values; ask for fewer of either.
    """
    if n_paths * steps > MOST_VALUES:
        asked = f"{name}={n_paths:,} paths of {steps:,} steps"
        raise ValueError(f"{asked} are more than {MOST_VALUES:,} values; ask for fewer of either.")


def check_params(values: Any, names: Sequence[str], what: str) -> np.ndarray:
    """
    Return one finite number for each parameter, matched by name where the values carry names, or raise.

    Examples
    --------
    >>> import pandas as pd
    >>> from pararnn_ts.models.arguments import check_params
    >>> check_params(pd.Series({"b": 2.0, "a": 1.0}), ["a", "b"], "start_params")
    array([1., 2.])
    """
    wanted = f"{what} must be {len(names)} finite numbers in the order of param_names"
    if isinstance(values, pd.Series) and values.index.inferred_type == "string":
        absent = [name for name in names if name not in values.index]
        if absent or len(values) != len(names):
            given = ", ".join(map(str, (absent or values.index)[:4]))
            raise ValueError(
                f"{wanted}, but {'lacks' if absent else 'has'} {given}; pass for example the params of earlier results."
            )
        values = values[list(names)]
    try:
        params = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, but is {type(values).__name__} that does not hold numbers.") from None
    if params.shape != (len(names),):
        raise ValueError(f"{wanted}, but has shape {params.shape}; pass for example the params of earlier results.")
    if not np.isfinite(params).all():
        first = names[int(np.argmin(np.isfinite(params)))]
        raise ValueError(f"{wanted}, but that of {first} is not finite; replace it by a number.")
    return params


def optimiser_options(penalty: Any, maxiter: Any, tol: Any, n_groups: int) -> Options:
    """
    Settings of the optimiser from arguments of `fit`, for a model with so many groups of parameters.

    Examples
    --------
    >>> from pararnn_ts.models.arguments import optimiser_options
    >>> optimiser_options("evidence", 200, 1e-8, 4).penalty is None
    True
    """
    return Options(
        penalty=_check_penalty(penalty),
        maxiter=check_count(maxiter, "maxiter"),
        tol=_check_tol(tol),
        prior=PRIOR + (RELEVANCE,) * (n_groups - len(PRIOR)),
    )


def _check_penalty(penalty: Any) -> float | None:
    if isinstance(penalty, str):
        if penalty == "evidence":
            return None
    elif isinstance(penalty, (int, float, np.number)) and not isinstance(penalty, bool) and 0 <= penalty < np.inf:
        return float(penalty)
    raise ValueError(f"penalty must be 'evidence' or a number of zero or more, but is {given(penalty)}.")


def _check_tol(tol: Any) -> float:
    if isinstance(tol, (int, float, np.number)) and not isinstance(tol, bool) and 0 < tol < np.inf:
        return float(tol)
    raise ValueError(f"tol must be a positive number, but is {given(tol)}; pass for example tol=1e-8.")
