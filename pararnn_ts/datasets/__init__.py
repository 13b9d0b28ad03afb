"""Fourteen real series, one loader each, as float Series or DataFrames with a proper index.

Yearly and quarterly data carry a PeriodIndex, monthly and finer data a DatetimeIndex with its frequency, laboratory
records a RangeIndex.  Files, sources and licences are described in ``data/README.md``.
"""

from __future__ import annotations

import pandas as pd

from pararnn_ts.datasets import _read

__all__ = [
    "load_births",
    "load_co2",
    "load_gas_furnace",
    "load_gasoline",
    "load_laser",
    "load_lynx",
    "load_macro",
    "load_nile",
    "load_nino",
    "load_sp500_volatility",
    "load_sunspots",
    "load_sunspots_monthly",
    "load_uk_demand",
    "load_unemployment",
]


def load_sunspots() -> pd.Series:
    """Yearly mean sunspot number, 1700 to 2008.

    Returns
    -------
    Series
        309 years, PeriodIndex of frequency "Y", named "sunspots".

    Notes
    -----
    The Wolf (Zurich) number on its original scale, "version 1", which the literature before 2015 uses; the
    recalibrated version 2 has other values.  Source: NOAA National Geophysical Data Center, by way of
    ``statsmodels.datasets.sunspots``.  Licence: public domain.

    The usual split trains on 1700-1920 and tests on 1921-1987 [1]_.

    References
    ----------
    .. [1] Zhang, G. P. (2003). Time series forecasting using a hybrid ARIMA and neural network model.
       Neurocomputing 50, 159-175.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_sunspots
    >>> sunspots = load_sunspots()
    >>> sunspots["1955":"1958"]
    year
    1955     38.0
    1956    141.7
    1957    190.2
    1958    184.8
    Freq: Y-DEC, Name: sunspots, dtype: float64
    """
    return _read.series("sunspots_yearly", "sunspots", "period", "Y")


def load_sunspots_monthly() -> pd.Series:
    """Monthly mean sunspot number, January 1749 to December 1983.

    Returns
    -------
    Series
        2820 months, DatetimeIndex of frequency "MS", named "sunspots".

    Notes
    -----
    Version 1, observed at Zurich until 1960 and at Tokyo from then on.  The series is skewed; a square root
    stabilises its variance.  Source: ``pmdarima.datasets.load_sunspots``, the same numbers as
    ``datasets::sunspots`` in R.  Licence: MIT for the copy; the observations are public facts.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_sunspots_monthly
    >>> load_sunspots_monthly()["1957-10"]
    date
    1957-10-01    253.8
    Freq: MS, Name: sunspots, dtype: float64
    """
    return _read.series("sunspots_monthly", "sunspots", "timestamp", "MS")


def load_lynx() -> pd.Series:
    """Canadian lynx trapped each year in the Mackenzie River district, 1821 to 1934.

    Returns
    -------
    Series
        114 years, PeriodIndex of frequency "Y", named "lynx".

    Notes
    -----
    Returns of the Hudson's Bay Company [1]_, usually modelled on the scale log10 [2]_ with the first 100 years for
    training and the last 14 for testing.  Source: ``pmdarima.datasets.load_lynx``.  Licence: MIT for the copy; the
    counts are historical facts.

    References
    ----------
    .. [1] Elton, C. and Nicholson, M. (1942). The ten-year cycle in numbers of the lynx in Canada. Journal of Animal
       Ecology 11, 215-244.
    .. [2] Campbell, M. J. and Walker, A. M. (1977). A survey of statistical work on the Mackenzie River series of
       annual Canadian lynx trappings. Journal of the Royal Statistical Society A 140, 411-431.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.datasets import load_lynx
    >>> lynx = np.log10(load_lynx())
    >>> train, test = lynx[:"1920"], lynx["1921":]
    >>> len(train), len(test)
    (100, 14)
    """
    return _read.series("lynx", "lynx", "period", "Y")


def load_nile() -> pd.Series:
    """Annual flow of the Nile at Aswan in 10^8 cubic metres, 1871 to 1970.

    Returns
    -------
    Series
        100 years, PeriodIndex of frequency "Y", named "flow".

    Notes
    -----
    Short and nearly linear, with a drop of the level about 1899: a series on which a nonlinear model should not win.
    Source: ``statsmodels.datasets.nile``, from [1]_.  Licence: public domain.

    References
    ----------
    .. [1] Durbin, J. and Koopman, S. J. (2012). Time Series Analysis by State Space Methods, 2nd ed. Oxford University
       Press.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_nile
    >>> nile = load_nile()
    >>> f"{nile[:'1898'].mean():.0f} before, {nile['1899':].mean():.0f} after"
    '1098 before, 850 after'
    """
    return _read.series("nile", "flow", "period", "Y")


def load_co2() -> pd.Series:
    """Weekly atmospheric carbon dioxide at Mauna Loa in parts per million, March 1958 to December 2001.

    Returns
    -------
    Series
        2284 weeks, of which 59 are missing (NaN), DatetimeIndex of frequency "W-SAT", named "co2".

    Notes
    -----
    A trend with a yearly cycle of 52.18 weeks.  Source: Keeling and Whorf, Carbon Dioxide Information Analysis Center,
    by way of ``statsmodels.datasets.co2``.  Licence: public domain.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_co2
    >>> co2 = load_co2()
    >>> int(co2.isna().sum())
    59
    >>> co2["1958-05"]
    date
    1958-05-03    316.9
    1958-05-10      NaN
    1958-05-17    317.5
    1958-05-24    317.9
    1958-05-31      NaN
    Freq: W-SAT, Name: co2, dtype: float64
    """
    return _read.series("co2_weekly", "co2", "timestamp", "W-SAT")


def load_nino() -> pd.Series:
    """Monthly sea surface temperature of the NINO 1+2 region in degrees Celsius, 1950 to 2010.

    Returns
    -------
    Series
        732 months, DatetimeIndex of frequency "MS", named "sst".

    Notes
    -----
    A strong annual cycle with irregular El Nino events on top.  Source: Climate Prediction Center of the US National
    Weather Service (NOAA), by way of ``statsmodels.datasets.elnino``.  Licence: public domain.

    Examples
    --------
    The largest anomaly of the record belongs to an El Nino:

    >>> from pararnn_ts.datasets import load_nino
    >>> sst = load_nino()
    >>> anomaly = sst - sst.groupby(sst.index.month).transform("mean")
    >>> f"{anomaly.idxmax():%B %Y}: {anomaly.max():.1f} degrees too warm"
    'June 1983: 4.6 degrees too warm'
    """
    return _read.series("nino_sst_monthly", "sst", "timestamp", "MS")


def load_laser() -> pd.Series:
    """Intensity of a chaotic far-infrared laser, data set A of the Santa Fe competition with its continuation.

    Returns
    -------
    Series
        10093 samples, RangeIndex from 0, named "intensity"; the values are the integers 0 to 255 as floats.

    Notes
    -----
    The first 1000 samples are the training part of the competition [1]_.  The laser was measured by [2]_.  Source:
    ``reservoirpy.datasets.santafe_laser``.  Licence: MIT for the copy; the organisers named none.

    References
    ----------
    .. [1] Weigend, A. S. and Gershenfeld, N. A. (eds., 1993). Time Series Prediction: Forecasting the Future and
       Understanding the Past. Addison-Wesley.
    .. [2] Huebner, U., Abraham, N. B. and Weiss, C. O. (1989). Dimensions and entropies of chaotic intensity pulsations
       in a single-mode far-infrared NH3 laser. Physical Review A 40, 6354-6365.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_laser
    >>> laser = load_laser()
    >>> train, test = laser[:1000], laser[1000:1100]
    >>> train.tail(3)
    t
    997    12.0
    998    13.0
    999    23.0
    Name: intensity, dtype: float64
    """
    return _read.series("santafe_laser", "intensity", "position")


def load_sp500_volatility() -> pd.Series:
    r"""Daily log volatility of the S&P 500, estimated from the range of the day, 1999 to 2018.

    Returns
    -------
    Series
        5031 trading days, DatetimeIndex without a frequency, named "log_range_vol".

    Notes
    -----
    The logarithm of Parkinson's estimator [1]_ in annualised per cent,

    .. math:: \log\left(100 \sqrt{252 \log(H_t / L_t)^2 / (4 \log 2)}\right),

    where H and L are the highest and lowest index value of the day.  Trading days are not equally spaced because of
    holidays.  A model that counts in trading days takes ``load_sp500_volatility().reset_index(drop=True)``.

    Source: computed from ``arch.data.sp500``.  Licence: NCSA; the prices themselves, first obtained from Yahoo
    Finance, are not redistributed.

    References
    ----------
    .. [1] Parkinson, M. (1980). The extreme value method for estimating the variance of the rate of return. Journal of
       Business 53, 61-65.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_sp500_volatility
    >>> volatility = load_sp500_volatility()
    >>> f"{volatility.idxmax():%d %B %Y}"
    '13 November 2008'
    >>> volatility.reset_index(drop=True).index
    RangeIndex(start=0, stop=5031, step=1)
    """
    return _read.series("sp500_range_vol", "log_range_vol", "timestamp")


def load_macro() -> pd.DataFrame:
    """Twelve quarterly macroeconomic series of the United States, 1959Q1 to 2009Q3.

    Returns
    -------
    DataFrame
        203 quarters, PeriodIndex of frequency "Q", with the columns

        - realgdp, realcons, realinv, realgovt, realdpi: gross domestic product, consumption, investment, government
          spending and disposable income, in billions of chained 2005 dollars;
        - cpi, m1, pop: consumer prices, money stock, population;
        - tbilrate, unemp: three-month treasury bill rate and unemployment rate, per cent;
        - infl, realint: inflation, 400 times the log difference of cpi, and tbilrate minus infl.

    Notes
    -----
    Inflation and the real rate of the first quarter cannot be computed and are 0.  Source: FRED, by way of
    ``statsmodels.datasets.macrodata``.  Licence: public domain.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_macro
    >>> load_macro().loc["2008Q3":"2009Q1", ["realgdp", "unemp"]]
              realgdp  unemp
    quarter
    2008Q3   13324.60    6.0
    2008Q4   13141.92    6.9
    2009Q1   12925.41    8.1
    """
    return _read.frame("us_macro_quarterly", "period", "Q")


def load_unemployment() -> pd.Series:
    """Monthly unemployment rate of the United States in per cent, January 1948 to September 2008.

    Returns
    -------
    Series
        729 months, DatetimeIndex of frequency "MS", named "unemployment".

    Notes
    -----
    Seasonally adjusted civilian rate (FRED series UNRATE, vintage of 2008).  It rises fast and falls slowly; model its
    first difference.  Source: US Bureau of Labor Statistics, by way of the Python package tswidgets.  Licence: public
    domain.

    Examples
    --------
    Of the monthly changes that are not zero, the rises are fewer and larger than the falls:

    >>> from pararnn_ts.datasets import load_unemployment
    >>> change = load_unemployment().diff()
    >>> rises, falls = change[change > 0.01], change[change < -0.01]
    >>> len(rises) < len(falls), bool(rises.mean() > -falls.mean())
    (True, True)
    """
    return _read.series("us_unemployment_monthly", "unemployment", "timestamp", "MS")


def load_gasoline() -> pd.Series:
    """Weekly gasoline supplied in the United States in thousand barrels per day, 1991 to April 2021.

    Returns
    -------
    Series
        1578 weeks, DatetimeIndex of frequency "W-FRI", named "gasoline".

    Notes
    -----
    A yearly season of 52.18 weeks and the collapse of spring 2020.  Source: US Energy Information Administration, by
    way of the repository unit8co/darts.  Licence: public domain; Apache-2.0 for the copy.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_gasoline
    >>> gasoline = load_gasoline()
    >>> f"{gasoline.idxmin():%d %B %Y}: {gasoline.min():.0f}"
    '03 April 2020: 5065'
    """
    return _read.series("us_gasoline_weekly", "gasoline", "timestamp", "W-FRI")


def load_births() -> pd.Series:
    """Daily number of births in the United States, 1969 to 1988.

    Returns
    -------
    Series
        7305 days, DatetimeIndex of frequency "D", named "births".

    Notes
    -----
    Weekly and yearly seasons with holidays; the single series of "US Births" in the Monash archive [1]_, where the
    last 30 days are forecast.  Source: US National Center for Health Statistics, by way of the R package mosaicData.
    Licence: public domain.

    References
    ----------
    .. [1] Godahewa, R., Bergmeir, C., Webb, G. I., Hyndman, R. J. and Montero-Manso, P. (2021). Monash time series
       forecasting archive. NeurIPS datasets and benchmarks.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_births
    >>> births = load_births()
    >>> births.groupby(births.index.day_name()).mean().idxmin()
    'Sunday'
    """
    return _read.series("us_births_daily", "births", "timestamp", "D")


def load_uk_demand() -> pd.Series:
    """Half-hourly electricity demand of England and Wales in megawatts, 5 June to 27 August 2000.

    Returns
    -------
    Series
        4032 half hours, DatetimeIndex of frequency "30min", named "demand".

    Notes
    -----
    Seasons of a day (48) and of a week (336) [1]_; the last four weeks are the usual test part.  The time stamps were
    added to the published numbers, which start on a Monday at midnight.  Source: ``pmdarima.datasets.load_taylor``.
    Licence: MIT for the copy.

    References
    ----------
    .. [1] Taylor, J. W. (2003). Short-term electricity demand forecasting using double seasonal exponential smoothing.
       Journal of the Operational Research Society 54, 799-805.

    Examples
    --------
    >>> from pararnn_ts.datasets import load_uk_demand
    >>> demand = load_uk_demand()
    >>> len(demand) == 12 * 7 * 48
    True
    """
    return _read.series("uk_demand_halfhourly", "demand", "timestamp", "30min")


def load_gas_furnace() -> pd.DataFrame:
    """Gas furnace of Box and Jenkins (series J): gas fed and carbon dioxide in the exhaust, every nine seconds.

    Returns
    -------
    DataFrame
        296 samples, RangeIndex from 0, with the columns co2_pct (output, per cent) and gas_rate (input, in cubic feet
        per minute, coded so that it takes both signs).

    Notes
    -----
    The input acts after a delay of three to five samples [1]_.  Source: the repository unit8co/darts.  Licence:
    Apache-2.0 for the copy; the numbers are measurements printed in the book.

    References
    ----------
    .. [1] Box, G. E. P. and Jenkins, G. M. (1970). Time Series Analysis: Forecasting and Control. Holden-Day.

    Examples
    --------
    The output follows the input, inverted, with a delay:

    >>> from pararnn_ts.datasets import load_gas_furnace
    >>> furnace = load_gas_furnace()
    >>> correlation = [furnace["co2_pct"].corr(furnace["gas_rate"].shift(lag)) for lag in range(9)]
    >>> min(range(9), key=correlation.__getitem__)
    5
    """
    return _read.frame("gas_furnace", "position")
