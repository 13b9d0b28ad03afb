"""
Whatever a user passes, the answer is finite, or a refusal of one sentence.

Random cases go through fit, summary, forecasts, intervals, updates, files and pickles. Every run of the tests takes the
same few hundred; ``HYPOTHESIS_PROFILE=thorough`` takes 2,500 others, and ``PARARNN_TS_EXAMPLES`` any number:

    HYPOTHESIS_PROFILE=thorough python -m pytest tests/test_robustness.py -k finite_or_one_sentence
"""

import os
import pickle
import re
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import pararnn_ts as prt

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
EXAMPLES = int(os.environ.get("PARARNN_TS_EXAMPLES", "2500" if THOROUGH else "200"))
AHEAD = 3

profile = settings(
    max_examples=EXAMPLES,
    derandomize=not THOROUGH,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    print_blob=True,
)

# ------------------------------------------------------------------------------------------------------- series


def autoregression(shocks: np.ndarray) -> np.ndarray:
    y = shocks.copy()
    for t in range(1, len(y)):
        y[t] += 0.9 * y[t - 1]
    return y


SHAPES = {
    "noise": lambda t, e: e,
    "autoregression": lambda t, e: autoregression(e),
    "random walk": lambda t, e: np.cumsum(e),
    "line": lambda t, e: 0.5 * t,
    "wave": lambda t, e: np.sin(t / 2.0),
    "spike": lambda t, e: (t == len(t) // 2) * 1.0,
    "outliers": lambda t, e: e + 1e4 * (np.abs(e) > 2.0),
    "heavy tails": lambda t, e: np.tan(e) ** 3,
    "constant": lambda t, e: np.full(len(t), 3.7),
    "almost constant": lambda t, e: 1.0 + 1e-13 * e,
    "explosive": lambda t, e: np.exp(t * min(1.0, 300.0 / len(t))),
    "counts": lambda t, e: np.floor(np.exp(0.7 * e)),
    "zeros and ones": lambda t, e: (e > 0.0) * 1.0,
    "step": lambda t, e: (t > len(t) // 2) * 1.0,
    "alternating": lambda t, e: t % 2 * 1.0,
    "quiet, then not": lambda t, e: np.where(t < len(t) // 2, 0.0, e),
}

GAPS = {
    "none": lambda t, e: t < 0,
    "leading": lambda t, e: t < len(t) // 5 + 1,
    "trailing": lambda t, e: t >= len(t) - len(t) // 5 - 1,
    "block": lambda t, e: np.abs(t - len(t) // 2) <= len(t) // 10,
    "isolated": lambda t, e: np.abs(e) > 1.6,
    "every other": lambda t, e: t % 2 == 0,
    "most": lambda t, e: np.abs(e) > 0.25,
    "first row": lambda t, e: t == 0,
}


def objects(y: np.ndarray, nothing: Any, convert: Any = float) -> list:
    return [nothing if np.isnan(value) else convert(value) for value in y]


def whole(y: np.ndarray, dtype: str) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.clip(np.round(np.nan_to_num(y)), max(limits.min, -(2.0**52)), min(limits.max, 2.0**52)).astype(dtype)


TYPES = {
    "float64": lambda y: y,
    "float32": lambda y: y.astype(np.float32),
    "float16": lambda y: y.astype(np.float16),
    "int64": lambda y: whole(y, "int64"),
    "uint8": lambda y: whole(y, "uint8"),
    "bool": lambda y: np.nan_to_num(y) > np.median(np.nan_to_num(y)),
    "object": lambda y: np.array(objects(y, None), dtype=object),
    "Int64": lambda y: pd.array(objects(np.clip(y, -(2.0**52), 2.0**52), pd.NA, round), dtype="Int64"),
    "Float64": lambda y: pd.array(objects(y, pd.NA), dtype="Float64"),
    "boolean": lambda y: pd.array(objects(y, pd.NA, lambda value: value > 0.0), dtype="boolean"),
}

INDEXES = {
    "array": None,
    "list": None,
    "column": None,
    "range": lambda n: pd.RangeIndex(n),
    "range with a step": lambda n: pd.RangeIndex(5, 5 + 3 * n, 3),
    "years": lambda n: pd.Index(np.arange(1700, 1700 + n)),
    "months": lambda n: pd.date_range("2001-01-01", periods=n, freq="MS"),
    "months without frequency": lambda n: pd.DatetimeIndex(list(pd.date_range("2001-01-01", periods=n, freq="MS"))),
    "months with absent ones": lambda n: pd.period_range("2001-01", periods=n, freq="M"),
    "days with absent ones": lambda n: pd.date_range("2001-01-01", periods=n, freq="D"),
    "quarters": lambda n: pd.period_range("1990Q1", periods=n, freq="Q"),
    "business days": lambda n: pd.bdate_range("2001-01-01", periods=n),
    "hours in UTC": lambda n: pd.date_range("2001-01-01", periods=n, freq="h", tz="UTC"),
    "days in Berlin": lambda n: pd.date_range("2001-03-20", periods=n, freq="D", tz="Europe/Berlin"),
    "text": lambda n: pd.Index(pd.date_range("2001-01-01", periods=n, freq="MS").strftime("%Y-%m-%d")),
    "frame": lambda n: pd.period_range("2001-01", periods=n, freq="M"),
    "time differences": lambda n: pd.timedelta_range("1h", periods=n, freq="h"),
}

EXOG = {
    "none": lambda t, e, y: None,
    "noise": lambda t, e, y: e[::-1, None],
    "line": lambda t, e, y: t[:, None] * 1.0,
    "constant": lambda t, e, y: np.full((len(t), 1), 2.0),
    "almost constant": lambda t, e, y: 1.0 + 1e-13 * e[:, None],
    "huge": lambda t, e, y: 1e12 * e[::-1, None],
    "tiny": lambda t, e, y: 1e-12 * e[::-1, None],
    "series itself": lambda t, e, y: np.nan_to_num(y)[:, None],
    "collinear": lambda t, e, y: np.column_stack([e, 2.0 * e]),
    "integers": lambda t, e, y: (t % 3)[:, None],
    "true and false": lambda t, e, y: e[::-1, None] > 0.0,
    "never in the sample": lambda t, e, y: (t == len(t) - 1)[:, None] * 1.0,
}


@dataclass(frozen=True)
class Case:
    """Everything drawn, in words, so that a failure can be read."""

    n: int
    shape: str
    scale: float
    offset: float
    gaps: str
    dtype: str
    index: str
    exog: str
    seed: int
    method: str
    param_uncertainty: bool
    options: dict[str, Any]
    fit: dict[str, Any]

    def data(self) -> tuple[Any, Any, Any, Any]:
        """Sample and what follows it, of the series and of the exogenous values."""
        rng = np.random.default_rng(self.seed)
        total, end = self.n + AHEAD, self.n
        t, e = np.arange(total), rng.standard_normal(total)
        y = SHAPES[self.shape](t, e) * self.scale + self.offset
        y[:end][GAPS[self.gaps](t[:end], rng.standard_normal(end))] = np.nan
        x = EXOG[self.exog](t, e, y)
        with np.errstate(all="ignore"):
            values = TYPES[self.dtype](y)
        make = INDEXES[self.index]
        if make is None:
            form = {"array": lambda v: v, "list": list, "column": lambda v: np.asarray(v)[:, None]}[self.index]
            parts = (None, None) if x is None else (x[:end], x[end:])
            return form(values[:end]), form(values[end:]), *parts
        labels, kept = make(total), np.ones(total, dtype=bool)
        if "absent" in self.index:
            kept[1 : end - 1 : 7] = False
        series = pd.Series(values, labels, name="y")
        old, new = series[:end][kept[:end]], series[end:]
        parts = (
            (None, None) if x is None else (pd.DataFrame(x[:end], labels[:end]), pd.DataFrame(x[end:], labels[end:]))
        )
        if x is not None:
            for part in parts:
                part.columns = [f"x{j}" for j in range(x.shape[1])]
        return (old.to_frame(), new.to_frame(), *parts) if self.index == "frame" else (old, new, *parts)


OPTIONS = {
    "units": st.sampled_from([(2,), (1,), (), 1, (1, 2), (3,), (1, 1, 1)]),
    "lags": st.sampled_from([1, 2, 3, [1, 4], [12], [2]]),
    "linear_lags": st.sampled_from([None, 0, 1, 5, [3]]),
    "activation": st.sampled_from(["tanh", "relu", "logistic", "identity"]),
    "errors": st.sampled_from(["normal", "normal", "t"]),
    "trend": st.sampled_from(["c", "n", "t", "ct", "ctt"]),
    "seasonal": st.sampled_from([False, False, True]),
    "period": st.sampled_from([4, None, 7, 12]),
    "diff": st.sampled_from([0, 0, 1, 2]),
    "seasonal_diff": st.sampled_from([0, 0, 0, 1]),
    "hold_back": st.sampled_from([None, None, None, 15]),
}

CASES = st.builds(
    Case,
    n=st.one_of(st.sampled_from([20, 30, 60, 150]), st.integers(1, 60), st.integers(61, 500)),
    shape=st.sampled_from(list(SHAPES)),
    scale=st.one_of(
        st.sampled_from([1.0, 1e-12, 1e-6, 1e3, 1e12]), st.floats(-12.0, 12.0).map(lambda power: 10.0**power)
    ),
    offset=st.sampled_from([0.0, 10.0, -1e4, 1e9]),
    gaps=st.sampled_from(list(GAPS)),
    dtype=st.sampled_from(list(TYPES)),
    index=st.sampled_from(list(INDEXES)),
    exog=st.sampled_from(list(EXOG)),
    seed=st.integers(0, 2**16),
    method=st.sampled_from(["bootstrap", "gaussian", "simulated", "exact", "conformal"]),
    param_uncertainty=st.booleans(),
    options=st.fixed_dictionaries(OPTIONS),
    fit=st.fixed_dictionaries(
        {
            "penalty": st.sampled_from(["evidence", "evidence", 0.0, 1e-6, 1.0, 1e6]),
            "cov_type": st.sampled_from([None, "nonrobust", "oim", "opg", "robust", "HC0", "HAC", "none"]),
        }
    ),
)

# ------------------------------------------------------------------------------------------------------ answers


def refusal(call: Any) -> tuple[Any, str | None]:
    """The answer, or the sentence of a refusal; anything else that is raised goes through."""
    try:
        return call(), None
    except (TypeError, ValueError) as error:
        message, where = str(error.args[0]), traceback.extract_tb(error.__traceback__)[-1].filename
        if "pararnn_ts" not in where or "\n" in message or not re.search(r"[.?]$", message):
            raise
        return None, message


def finite(values: Any) -> bool:
    return bool(np.isfinite(np.asarray(values, dtype=float)).all())


def check_results(results: Any, case: Case) -> None:
    """What is finite by documentation is finite, and what is missing is missing."""
    model, first = results.model, results.model.specification.hold_back
    assert finite(results.params)
    for name in ("llf", "scale", "aic", "bic", "hqic", "df_model", "df_resid"):
        assert np.isfinite(getattr(results, name)), name
    assert results.scale > 0.0
    assert np.isfinite(results.log_evidence) == (case.fit["penalty"] == "evidence")
    fitted, resid = np.asarray(results.fittedvalues), np.asarray(results.resid)
    assert finite(fitted[first:]) and np.isnan(fitted[:first]).all()
    assert finite(resid[model.used]) and np.isnan(resid[~model.used]).all()
    assert not np.isinf(results.bse).any()
    assert np.asarray(results.conf_int()).shape == (len(results.params), 2)
    assert "ParaRNN Results" in results.summary().as_text()
    parts = results.components.to_numpy()[first:]
    assert finite(parts)
    np.testing.assert_allclose(parts.sum(axis=1), fitted[first:], atol=1e-9 * np.abs(parts).max(initial=0.0), rtol=1e-6)
    assert len(results.recurrence_features) == len(model.units)
    for test in ("test_normality", "test_serial_correlation", "test_heteroskedasticity", "test_nonlinearity"):
        refusal(getattr(results, test))


def check_intervals(results: Any, case: Case, x: Any) -> None:
    """Intervals contain something, and there are none only where the method says why."""
    options = {"method": case.method, "param_uncertainty": case.param_uncertainty}
    first = results.model.nobs - 2
    for call in (
        lambda: results.get_forecast(AHEAD, exog=x, n_sims=20, rng=0, **options).summary_frame(0.3),
        lambda: results.get_prediction(first, first + 1, n_sims=20, rng=0, **options).summary_frame(0.3),
        lambda: results.get_prediction(first, first + 1, dynamic=True, n_sims=20, rng=0, **options).summary_frame(0.3),
    ):
        frame, _ = refusal(call)
        if frame is not None:
            frame = frame.iloc[max(results.model.specification.hold_back - first, 0) :]
            assert finite(frame)
            assert (frame["mean_se"] >= 0.0).all()
            assert (frame["mean_ci_lower"] <= frame["mean_ci_upper"]).all()


def check_future(results: Any, new: Any, x: Any) -> None:
    """Forecasts and updates are finite, or refused where the labels have no future."""
    forecast, refused = refusal(lambda: results.forecast(AHEAD, exog=x))
    assert refused is not None or (len(forecast) == AHEAD and finite(forecast))
    paths, _ = refusal(lambda: results.simulate(AHEAD, 2, anchor="end", exog=x, random_errors="bootstrap", rng=0))
    assert refused is not None or finite(paths)
    assert finite(results.impulse_responses(AHEAD))
    frame, _ = refusal(lambda: results.get_forecast(AHEAD, exog=x, n_sims=50, rng=0).summary_frame())
    assert refused is not None or finite(frame)
    longer, _ = refusal(lambda: results.append(new, exog=x))
    if longer is not None:
        assert finite(np.asarray(longer.fittedvalues)[longer.model.specification.hold_back :])
        assert finite(longer.forecast(AHEAD, exog=None if x is None else np.asarray(x)))
    extended, _ = refusal(lambda: results.extend(new, exog=x))
    if extended is not None:
        assert finite(extended.fittedvalues)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.npz")
        saved, _ = refusal(lambda: [results.save(path)])
        if saved is not None:
            back = prt.load(path)
            assert back.summary().as_text()
            if forecast is not None:
                again = back.forecast(AHEAD, exog=x)
                np.testing.assert_array_equal(again, forecast)
                assert not hasattr(forecast, "index") or again.index.equals(forecast.index)


def check_without_data(results: Any, x: Any) -> None:
    """A copy whose data were removed says what it said before."""
    forecast, refused = refusal(lambda: results.forecast(AHEAD, exog=x))
    text = results.summary().as_text()
    left = pickle.loads(pickle.dumps(results))
    left.remove_data()
    left = pickle.loads(pickle.dumps(left))
    assert left.summary().as_text() == text
    if refused is None:
        np.testing.assert_array_equal(left.forecast(AHEAD, exog=x), forecast)


@profile
@given(CASES)
def test_the_answer_is_finite_or_one_sentence(case):
    endog, new, x, x_new = case.data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        model, refused = refusal(lambda: prt.ParaRNN(endog, x, **case.options))
        if refused is None:
            results, refused = refusal(lambda: model.fit(n_starts=2, maxiter=30, **case.fit))
        event("fitted" if refused is None else "refused")
        if refused is None:
            check_results(results, case)
            check_intervals(results, case, x_new)
            check_future(results, new, x_new)
            check_without_data(results, x_new)


# ------------------------------------------------------------------------------------- selection and comparison

MONTHS = pd.period_range("2001-01", periods=60, freq="M")
NOISE = np.random.default_rng(0).standard_normal(60)
WALK = autoregression(NOISE)


def monthly(values: Any) -> pd.Series:
    return pd.Series(values, MONTHS[: len(values)], name="y")


ODD = {
    "a dozen": monthly(WALK[:12]),
    "isolated gaps": monthly(np.where(np.abs(NOISE) > 1.5, np.nan, WALK)),
    "leading gap": monthly(np.where(np.arange(60) < 20, np.nan, WALK)),
    "trailing gap": monthly(np.where(np.arange(60) > 52, np.nan, WALK)),
    "missing months": monthly(WALK)[np.abs(NOISE) < 1.5],
    "counts": monthly(np.random.default_rng(1).poisson(2.0, 60)),
    "nullable counts": monthly(pd.array([pd.NA, *np.random.default_rng(1).poisson(2.0, 59)], dtype="Int64")),
    "zeros and ones": monthly((WALK > 0.0).astype(int)),
    "true and false": monthly(WALK > 0.0),
    "heavy tails": monthly(np.tan(NOISE) ** 3),
    "line": monthly(np.arange(60.0)),
    "explosive": monthly(np.exp(np.arange(60.0))),
    "spike": monthly((np.arange(60) == 30) * 1.0),
    "tiny": monthly(1e-12 * WALK),
    "far from zero": monthly(1e9 + WALK),
    "list": list(WALK),
    "constant": monthly(np.ones(60)),
    "nothing": monthly(np.full(60, np.nan)),
    "one": monthly(WALK[:1]),
}


@pytest.fixture
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("criterion", ["evidence", "bic"])
@pytest.mark.parametrize("name", ODD)
def test_selection_answers_or_refuses_in_one_sentence(name, criterion, strict):
    selection, refused = refusal(
        lambda: prt.select_order(ODD[name], max_lags=2, max_linear_lags=3, max_units=1, n_starts=2, criterion=criterion)
    )
    if refused is None:
        assert finite(selection.results.forecast(AHEAD))
        if criterion == "evidence":
            assert finite(selection.average().forecast(AHEAD))
        assert finite(selection.table["aic"])
    else:
        assert name in ("a dozen", "constant", "nothing", "one"), refused


@pytest.mark.parametrize("holdout", [10, 0.2, "2005-01"])
@pytest.mark.parametrize("name", ODD)
def test_comparison_answers_or_refuses_in_one_sentence(name, holdout, strict):
    models = {"unit": lambda y, x: prt.ParaRNN(y, x, units=(1,)).fit(n_starts=2, maxiter=30)}
    comparison, refused = refusal(lambda: prt.compare(ODD[name], holdout=holdout, models=models, horizon=2))
    if refused is None:
        assert finite(comparison.forecasts["mean"])
        assert str(comparison.summary())
