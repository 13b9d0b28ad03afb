"""Models of one series side by side: criteria, forecasts from a rolling origin, scores, tests of equal accuracy."""

from pararnn_ts.comparison.comparison import Comparison, compare
from pararnn_ts.comparison.rolling import rolling_forecast

__all__ = ["Comparison", "compare", "rolling_forecast"]
