"""What the shipped series are: their labels, their gaps, and facts about them that others have published."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from pararnn_ts import datasets

DATA = Path(datasets._read.folder())


class Expected(NamedTuple):
    file: str
    index: type
    freq: str | None
    nobs: int
    first: str | int
    last: str | int
    first_value: float
    last_value: float
    gaps: int = 0


P, D, R = pd.PeriodIndex, pd.DatetimeIndex, pd.RangeIndex
SERIES = {
    "load_sunspots": Expected("sunspots_yearly", P, "Y-DEC", 309, "1700", "2008", 5, 2.9),
    "load_sunspots_monthly": Expected("sunspots_monthly", D, "MS", 2820, "1749-01-01", "1983-12-01", 58, 33.4),
    "load_lynx": Expected("lynx", P, "Y-DEC", 114, "1821", "1934", 269, 3396),
    "load_nile": Expected("nile", P, "Y-DEC", 100, "1871", "1970", 1120, 740),
    "load_co2": Expected("co2_weekly", D, "W-SAT", 2284, "1958-03-29", "2001-12-29", 316.1, 371.5, gaps=59),
    "load_nino": Expected("nino_sst_monthly", D, "MS", 732, "1950-01-01", "2010-12-01", 23.11, 22.07),
    "load_laser": Expected("santafe_laser", R, None, 10093, 0, 10092, 86, 100),
    "load_sp500_volatility": Expected(
        "sp500_range_vol", D, None, 5031, "1999-01-04", "2018-12-31", 3.133549053, 2.311664933
    ),
    "load_macro": Expected("us_macro_quarterly", P, "Q-DEC", 203, "1959Q1", "2009Q3", 2710.349, 12990.341),
    "load_unemployment": Expected("us_unemployment_monthly", D, "MS", 729, "1948-01-01", "2008-09-01", 3.4, 6.1),
    "load_gasoline": Expected("us_gasoline_weekly", D, "W-FRI", 1578, "1991-02-08", "2021-04-30", 6621, 8864),
    "load_births": Expected("us_births_daily", D, "D", 7305, "1969-01-01", "1988-12-31", 8486, 9133),
    "load_uk_demand": Expected(
        "uk_demand_halfhourly", D, "30min", 4032, "2000-06-05 00:00", "2000-08-27 23:30", 22262, 23132
    ),
    "load_gas_furnace": Expected("gas_furnace", R, None, 296, 0, 295, 53.8, 57),
}


@pytest.fixture(params=SERIES, ids=lambda name: name.removeprefix("load_"))
def loaded(request):
    return getattr(datasets, request.param)(), SERIES[request.param]


def test_each_csv_has_one_loader_and_each_loader_one_csv():
    assert set(datasets.__all__) == set(SERIES)
    assert sorted(path.stem for path in DATA.glob("*.csv")) == sorted(expected.file for expected in SERIES.values())


@pytest.mark.parametrize("loader", SERIES)
def test_each_csv_has_a_provenance_file(loader):
    file = SERIES[loader].file
    provenance = (DATA / f"{file}.md").read_text(encoding="utf-8")
    for statement in (f"{file}.csv", f"{loader}()", "- source: ", "- licence: ", "- period: "):
        assert statement in provenance
    assert f"{file}.csv" in (DATA / "README.md").read_text(encoding="utf-8")


def test_the_index_runs_from_first_to_last_label_without_a_gap(loaded):
    data, expected = loaded
    index = data.index
    assert type(index) is expected.index
    assert getattr(index, "freqstr", None) == expected.freq
    assert index.is_monotonic_increasing and index.is_unique
    assert len(index) == expected.nobs
    ends = [pd.Period(label) if expected.index is P else label for label in (expected.first, expected.last)]
    assert [index[0], index[-1]] == [pd.Timestamp(end) if expected.index is D else end for end in ends]


def test_values_are_those_of_the_file(loaded):
    data, expected = loaded
    frame = data if isinstance(data, pd.DataFrame) else data.to_frame()
    assert (frame.dtypes == np.float64).all()
    raw = np.genfromtxt(DATA / f"{expected.file}.csv", delimiter=",", skip_header=1)[:, 1:]
    np.testing.assert_array_equal(frame.to_numpy(), raw)
    assert int(frame.isna().to_numpy().sum()) == expected.gaps
    assert frame.iloc[0, 0] == expected.first_value
    assert frame.iloc[-1, 0] == expected.last_value


def test_each_call_returns_new_data():
    first = datasets.load_nile()
    first.iloc[0] = np.nan
    assert datasets.load_nile().iloc[0] == 1120


def test_series_are_named_as_documented(loaded):
    data, expected = loaded
    if isinstance(data, pd.Series):
        (loader,) = (name for name, other in SERIES.items() if other is expected)
        assert f'named "{data.name}"' in getattr(datasets, loader).__doc__


def test_monthly_and_yearly_sunspots_agree():
    monthly = datasets.load_sunspots_monthly()
    yearly = datasets.load_sunspots()["1749":"1983"]
    difference = monthly.groupby(monthly.index.year).mean().to_numpy() - yearly.to_numpy()
    assert np.abs(difference).max() < 2
    assert np.median(np.abs(difference)) < 0.05


def test_nile_mean_is_the_published_one():
    assert datasets.load_nile().mean() == pytest.approx(919.35, abs=1e-10)


def test_lynx_reproduces_the_published_error_of_an_autoregression():
    y = np.log10(datasets.load_lynx()).to_numpy()
    X = np.column_stack([np.ones(112), y[1:-1], y[:-2]])
    coefficients = np.linalg.lstsq(X[:98], y[2:100], rcond=None)[0]
    mse = np.mean((y[100:] - X[98:] @ coefficients) ** 2)
    assert np.sqrt(mse) == pytest.approx(0.1328, abs=5e-5)


def test_births_reproduce_the_published_error_of_exponential_smoothing():
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    births = datasets.load_births()
    level = SimpleExpSmoothing(births[:-30], initialization_method="estimated").fit().forecast(30)
    assert np.abs(births[-30:] - level).mean() == pytest.approx(1192.2, abs=1)


def test_inflation_and_real_rate_are_those_of_their_definitions():
    macro = datasets.load_macro().iloc[1:]
    inflation = 400 * np.log(datasets.load_macro()["cpi"]).diff().iloc[1:]
    np.testing.assert_allclose(macro["infl"], inflation, atol=0.00501)
    np.testing.assert_allclose(macro["realint"], macro["tbilrate"] - macro["infl"], atol=0.0101)


def test_gas_furnace_answers_its_input_after_five_samples():
    furnace = datasets.load_gas_furnace()
    correlation = [furnace["co2_pct"].corr(furnace["gas_rate"].shift(lag)) for lag in range(12)]
    assert int(np.argmin(correlation)) == 5
    assert min(correlation) == pytest.approx(-0.95, abs=0.005)


def test_trading_days_are_weekdays_with_holidays_left_out():
    days = datasets.load_sp500_volatility().index
    weekdays = pd.bdate_range(days[0], days[-1])
    assert days.isin(weekdays).all()
    assert 8 * 20 < len(weekdays) - len(days) < 10 * 20  # eight to ten holidays in each of twenty years


def test_demand_starts_on_a_monday_at_midnight_and_covers_whole_weeks():
    demand = datasets.load_uk_demand()
    assert (demand.index[0].day_name(), demand.index[0].hour) == ("Monday", 0)
    assert len(demand) % 336 == 0
    by_day = demand.groupby(demand.index.day_of_week).mean()
    assert set(by_day.nsmallest(2).index) == {5, 6}
