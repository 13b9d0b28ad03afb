"""Compilation ahead of the first fit."""

import subprocess
import sys

import pytest

import pararnn_ts as prt

FIRST_FIT = """
import time
import numpy as np
import pararnn_ts as prt

{first}
y = np.random.default_rng(0).standard_normal(200)
began = time.perf_counter()
prt.ParaRNN(y, lags=2).fit().get_forecast(3, rng=0).conf_int()
print(time.perf_counter() - began)
"""


def seconds(first: str) -> float:
    code = FIRST_FIT.format(first=first)
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def test_the_first_fit_after_it_waits_for_nothing():
    assert seconds("prt.warmup()") < 0.5 * seconds("pass")


def test_other_models_can_be_asked_for():
    assert prt.warmup(prt.ElmanRNN, prt.ParaRNN) > 0.0
    with pytest.raises(TypeError, match="models must be classes"):
        prt.warmup("ParaRNN")
