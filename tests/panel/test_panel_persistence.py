"""A panel comes out of a file as it went in."""

import io

import numpy as np
import pandas as pd
import pytest
from panels import QUICK, long, price, values
from scipy.signal import lfilter
from statsmodels.tsa.deterministic import DeterministicProcess, TimeTrend

import pararnn_ts as prt
from pararnn_ts.estimation.curvature import in_data_units
from pararnn_ts.results.archive import read_archive, write_archive


def again(panel):
    file = io.BytesIO()
    panel.save(file)
    file.seek(0)
    return prt.load(file)


def numbered(columns, labels):
    parts = [
        pd.DataFrame({"unique_id": name, "ds": labels[:n], "y": values(n, n)})
        for name, n in zip("ab", columns, strict=True)
    ]
    return pd.concat(parts)


KINDS = {
    "dates": long({"a": 40, "b": 30}),
    "zone": long({"a": 40, "b": 30}).assign(ds=lambda df: df["ds"].dt.tz_localize("Asia/Tokyo")),
    "nanoseconds": long({"a": 40, "b": 30}, freq="7ns").astype({"ds": "datetime64[ns]"}),
    "periods": numbered((40, 30), pd.period_range("2001-01", periods=40, freq="M")),
    "integers": numbered((40, 30), pd.RangeIndex(-5, 195, 5)),
    "numbered series": long({7: 40, 3: 30}),
}


@pytest.mark.parametrize("df", KINDS.values(), ids=KINDS)
def test_what_is_loaded_is_what_was_saved(df):
    panel = prt.fit_panel(df, trend="ct", **QUICK)
    loaded = again(panel)
    pd.testing.assert_frame_equal(loaded.table, panel.table)
    pd.testing.assert_frame_equal(loaded.forecast(3, level=90), panel.forecast(3, level=90))
    pd.testing.assert_frame_equal(loaded.params, panel.params)
    for name in panel:
        assert str(loaded[name].summary()) == str(panel[name].summary())
        pd.testing.assert_frame_equal(loaded[name].starts, panel[name].starts)
    assert str(loaded.summary()) == str(panel.summary())


@pytest.mark.filterwarnings("ignore:Of 3 series")
def test_failures_gaps_exogenous_values_and_terms_are_kept(tmp_path):
    df = long({"a": 40, "b": 35, "c": 2}, price=price)
    df.loc[5, "y"] = np.nan
    terms = DeterministicProcess(
        pd.date_range("2015-01-01", periods=40, freq="MS"), additional_terms=[TimeTrend(True, 1)]
    )
    panel = prt.fit_panel(df, exog_cols="price", freq="MS", deterministic=terms, **QUICK)
    panel.save(tmp_path / "panel.npz")
    loaded = prt.load(tmp_path / "panel.npz")
    pd.testing.assert_frame_equal(loaded.table, panel.table)
    future = pd.concat([
        pd.DataFrame({"unique_id": name, "ds": panel[name].model.future_index(2), "price": [0.1, 0.2]}) for name in "ab"
    ])  # fmt: skip
    pd.testing.assert_frame_equal(loaded.forecast(2, future), panel.forecast(2, future))


@pytest.mark.filterwarnings("ignore:Of 1 series")
@pytest.mark.parametrize(
    "freq", [pd.offsets.CustomBusinessDay(holidays=["2000-02-28", "2000-03-01"]), pd.DateOffset(months=1)], ids=str
)
def test_a_frequency_that_no_alias_tells_is_kept(freq):
    panel = prt.fit_panel(numbered((40, 40), pd.date_range("2000-01-03", periods=40, freq=freq)), freq=freq, **QUICK)
    pd.testing.assert_frame_equal(again(panel).forecast(3), panel.forecast(3))
    assert panel.forecast(1)["ds"].iloc[0] == pd.date_range("2000-01-03", periods=41, freq=freq)[-1]


def test_names_that_a_file_cannot_hold_are_met_when_it_is_written():
    df = long({"a": 40})
    panel = prt.fit_panel(df.assign(unique_id=[("north", 1)] * len(df)), **QUICK)
    with pytest.raises(TypeError, match=r"names that are neither text, numbers nor dates, the first \('north', 1\)"):
        panel.save(io.BytesIO())


def test_what_a_selection_chose_is_kept():
    options = {"max_lags": 1, "max_linear_lags": 1, "max_units": 1, "unit_dims": (1,), "n_starts": 2}
    df = long({"a": 60, "b": 60})
    shocks = np.random.default_rng(0).standard_normal(60)
    df["y"] = np.concatenate([shocks, np.cumsum(0.5 + shocks)])
    panel = prt.fit_panel(df, select=True, **options)
    assert panel.table["diff"].tolist() == [0, 1]
    loaded = again(panel)
    pd.testing.assert_frame_equal(loaded.table, panel.table)
    pd.testing.assert_frame_equal(loaded.forecast(5), panel.forecast(5))
    for name in panel:
        assert loaded[name].model.option_values() == panel[name].model.option_values()


def test_the_form_of_the_season_that_a_selection_chose_is_kept():
    options = {"max_lags": 1, "max_linear_lags": 1, "max_units": 0, "period": 4, "errors": "normal"}
    df = long({"a": 80, "b": 80})
    shocks = np.random.default_rng(1).standard_normal(80)
    drifting = lfilter([1.0], [1.0, 0.0, 0.0, 0.0, -1.0], shocks)
    df["y"] = np.concatenate([np.tile([0.0, 4.0, -1.0, 2.0], 20) + shocks, drifting])
    panel = prt.fit_panel(df, select=True, **options)
    assert panel.table["seasonal"].tolist() == [True, False]
    assert panel.table["seasonal_diff"].tolist() == [0, 1]
    loaded = again(panel)
    pd.testing.assert_frame_equal(loaded.forecast(5), panel.forecast(5))
    alone = prt.select_order(pd.Series(df["y"].to_numpy()[80:]), **options).results
    np.testing.assert_allclose(panel.forecast(5)["ParaRNN"].iloc[5:], alone.forecast(5), rtol=1e-10)


def test_a_damaged_file_is_one_sentence(tmp_path):
    panel = prt.fit_panel(long({"a": 30, "b": 30}), **QUICK)
    panel.save(tmp_path / "panel.npz")
    header, arrays = read_archive(tmp_path / "panel.npz")
    damages = [
        ({**header, "version": 99}, arrays, "format version 99"),
        ({**header, "outcomes": header["outcomes"][:1]}, arrays, "path"),
        ({**header, "task": {}}, arrays, "path must be a file"),
        (header, {**arrays, "y": arrays["y"][:3]}, "path holds results whose array 'y'"),
        (header, {**arrays, "offsets": arrays["offsets"][::-1]}, "path must be a file"),
        (header, {**arrays, "more": np.ones(1)}, "path must be a file"),
        ({**header, "task": {**header["task"], "model": "os"}}, arrays, "path holds results of an unknown model 'os'"),
    ]
    other = [{**header["outcomes"][0], "n_params": 5}, {**header["outcomes"][1], "n_params": 7}]
    write_archive(tmp_path / "bad.npz", {**header, "outcomes": other}, arrays)
    moved = prt.load(tmp_path / "bad.npz")
    for name in moved:
        with pytest.raises(ValueError, match=f"Series '{name}' has . parameters and 30 rows, but its model needs 6"):
            moved[name]
    greedy = {**header["task"], "options": {"mapping": [["units", {"tuple": [10**6]}]]}}
    damages.append(({**header, "task": greedy}, arrays, "path holds a model with units="))
    for head, parts, words in damages:
        write_archive(tmp_path / "bad.npz", head, parts)
        with pytest.raises(ValueError, match=words):
            prt.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("version", [1, 2])
def test_files_with_precisions_in_the_units_of_the_data_are_read(tmp_path, version):
    panel = prt.fit_panel(long({"a": 40, "b": 50}), **QUICK)
    panel.save(tmp_path / "panel.npz")
    header, arrays = read_archive(tmp_path / "panel.npz")
    fits = [outcome.details for outcome in panel._outcomes]
    arrays["precision"] = np.concatenate([in_data_units(fit.precision, fit.to_data).ravel() for fit in fits])
    del arrays["to_data"]
    if version == 1:
        del arrays["estimated"]
    write_archive(tmp_path / "before.npz", {**header, "version": version}, arrays)
    loaded = prt.load(tmp_path / "before.npz")
    for name in panel:
        np.testing.assert_allclose(loaded[name].bse, panel[name].bse, rtol=1e-6)
