"""What is loaded is what was saved, and nothing else is loaded."""

import copy
import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.deterministic import DeterministicProcess, Fourier

from pararnn_ts.estimation.curvature import in_data_units
from pararnn_ts.models.elman import ElmanRNN
from pararnn_ts.models.lstm import LSTM
from pararnn_ts.models.pararnn import ParaRNN
from pararnn_ts.results.persistence import load


def round_trip(results, **options):
    file = io.BytesIO()
    results.save(file, **options)
    file.seek(0)
    return load(file)


def assert_alike(ours, theirs, exog=None):
    """Same forecasts to the last bit, same summary."""
    np.testing.assert_array_equal(ours.forecast(6, exog=exog), theirs.forecast(6, exog=exog))
    frames = [results.get_forecast(6, exog=exog, n_sims=30, rng=0).summary_frame() for results in (ours, theirs)]
    pd.testing.assert_frame_equal(*frames)
    assert ours.summary().as_text() == theirs.summary().as_text()


@pytest.mark.parametrize("remove_data", [False, True])
@pytest.mark.parametrize("name", ["fitted", "differenced", "linear"])
def test_round_trip(request, sales, name, remove_data):
    results = request.getfixturevalue(name)
    loaded = round_trip(results, remove_data=remove_data)
    assert_alike(loaded, results)
    np.testing.assert_array_equal(loaded.extend(sales.to_numpy()[:3]).fittedvalues,
                                  results.extend(sales.to_numpy()[:3]).fittedvalues)  # fmt: skip
    pd.testing.assert_frame_equal(loaded.starts, results.starts)
    np.testing.assert_array_equal(loaded.bse, results.bse)
    if not remove_data:
        np.testing.assert_array_equal(loaded.resid, results.resid)
        np.testing.assert_array_equal(loaded.append(sales.to_numpy()[:3]).fittedvalues,
                                      results.append(sales.to_numpy()[:3]).fittedvalues)  # fmt: skip


@pytest.mark.parametrize("again", [lambda results: pickle.loads(pickle.dumps(results)), copy.deepcopy],
                         ids=["pickle", "deepcopy"])  # fmt: skip
@pytest.mark.parametrize("name", ["fitted", "differenced", "linear", "gappy", "extended"])
def test_pickles_and_copies(request, sales, name, again):
    results, exog = request.getfixturevalue("fitted" if name == "extended" else name), None
    if name == "gappy":
        results, exog = results
    if name == "extended":
        results = results.extend(sales[120:])
    for ours in (again(results), type(results)(again(results._results))):
        assert type(ours) is type(results) and ours._results.data is ours.model.data
        assert_alike(ours, results, exog)
        np.testing.assert_array_equal(ours.fittedvalues, results.fittedvalues)
        assert ours.model.index.equals(results.model.index)
        assert getattr(ours.model.index, "freq", None) == getattr(results.model.index, "freq", None)
    ours._results.remove_data()
    assert results.model._y is not None


@pytest.mark.parametrize("remove_data", [False, True])
def test_gaps_and_exogenous_values(gappy, remove_data):
    results, future = gappy
    assert_alike(round_trip(results, remove_data=remove_data), results, future)


@pytest.mark.parametrize("remove_data", [False, True])
def test_extended_results(fitted, sales, remove_data):
    extended = fitted.extend(sales[120:])
    loaded = round_trip(extended, remove_data=remove_data)
    assert_alike(loaded, extended)
    if not remove_data:
        pd.testing.assert_series_equal(loaded.fittedvalues, extended.fittedvalues)


def test_results_extended_from_ones_without_data_test_and_travel_as_others(fitted, sales):
    whole, bare = fitted.extend(sales[120:]), round_trip(fitted, remove_data=True).extend(sales[120:])
    loaded = round_trip(bare)
    np.testing.assert_array_equal(loaded.fittedvalues, whole.fittedvalues)
    name = whole.model.param_names[-1]
    for results in (bare, loaded):
        assert results.t_test(f"{name} = 0").pvalue == whole.t_test(f"{name} = 0").pvalue
        np.testing.assert_array_equal(results.bse, whole.bse)


def test_results_without_standard_errors_are_extended_without_data(sales):
    results = LSTM(sales[:120], hidden=1).fit(penalty="early stopping", n_starts=1, maxiter=20)
    results.remove_data()
    bse = results.extend(sales[120:]).bse
    assert bse.index.tolist() == results.model.param_names and bse.isna().all()


def test_saving_changes_nothing(fitted):
    before = set(vars(fitted._results)) | {"path"}
    round_trip(fitted, remove_data=True)
    assert fitted.model._y is not None and not fitted.data_removed
    assert before <= set(vars(fitted._results))
    assert round_trip(round_trip(fitted, remove_data=True)).data_removed


def test_without_data_the_file_is_small():
    y = np.random.default_rng(0).standard_normal(20_000)
    results = ParaRNN(pd.Series(y, pd.date_range("2000", periods=20_000, freq="h")), units=()).fit(penalty=0)
    file = io.BytesIO()
    results.save(file, remove_data=True)
    assert len(file.getvalue()) < 20_000


def test_deterministic_process_and_other_models(sales):
    process = DeterministicProcess(sales.index, constant=True, order=1, additional_terms=[Fourier(12, 2)])
    results = ParaRNN(sales, units=(1,), deterministic=process).fit(n_starts=2)
    assert_alike(round_trip(results), results)
    results = ElmanRNN(sales, hidden=2).fit(n_starts=2)
    loaded = round_trip(results)
    assert type(loaded.model) is ElmanRNN
    assert_alike(loaded, results)


def test_deterministic_terms_stay_in_place(sales):
    results = ParaRNN(sales[:60], units=(1,), trend="ct", seasonal=True).fit(n_starts=2)
    later = results.apply(sales[60:])
    assert_alike(round_trip(later), later)


def test_path_on_disk(tmp_path, fitted):
    fitted.save(tmp_path / "model")
    assert_alike(load(tmp_path / "model"), fitted)
    raw = type(fitted._results).load(str(tmp_path / "model"))
    assert type(raw) is type(fitted._results)


def test_there_is_no_pickle_inside(fitted):
    file = io.BytesIO()
    fitted.save(file)
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def altered(results, change, drop=()):
    """File of results whose header was changed."""
    file = io.BytesIO()
    results.save(file)
    file.seek(0)
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files if name not in drop}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, arrays: header.update(version=4), "format version 4, but this version of pararnn_ts reads"),
        (lambda header, arrays: header.update(format="other"), "must be a file written by results.save"),
        (lambda header, arrays: header.update(extra=1), "whose header do not fit .'extra'"),
        (lambda header, arrays: header["model"].pop("origin"), "whose model do not fit .'origin'"),
        (lambda header, arrays: arrays.update(weights=np.ones(2)), "whose arrays do not fit .'weights'"),
        (lambda header, arrays: header["model"].update({"class": "Popen"}), "unknown model 'Popen'"),
    ],
)
def test_other_versions_and_contents_are_refused(fitted, change, message):
    with pytest.raises(ValueError, match=message):
        load(altered(fitted, change))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a").write_bytes(pickle.dumps({"a": 1}))
    np.savez(tmp_path / "b.npz", a=np.ones(2))
    for name in ("a", "b.npz"):
        with pytest.raises(ValueError, match="must be a file written by results.save"):
            load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "c")


def test_files_with_a_precision_in_the_units_of_the_data_are_read(sales):
    """As version 2 had it: rows and columns of held parameters zero, and no derivative or root beside."""
    model = ParaRNN(sales, units=(1,), linear_lags=2)
    with model.fix_params({"linear.sales.L2": 0.1}):
        results = model.fit(n_starts=2)
    elsewhere = results.append(sales[-5:].set_axis(sales.index[-5:] + 5 * sales.index.freq), refit=False)
    for saved in (results, elsewhere):

        def change(header, arrays):
            header["version"] = 2
            arrays["precision"] = in_data_units(arrays["precision"], arrays.pop("to_data"))
            arrays.pop("inherited.root", None)

        loaded = load(altered(saved, change))
        np.testing.assert_allclose(loaded.cov_params(), saved.cov_params(), rtol=1e-6, atol=1e-12)
        spread = loaded.get_prediction(10, 20, param_uncertainty=True).se_mean
        np.testing.assert_allclose(spread, saved.get_prediction(10, 20, param_uncertainty=True).se_mean, rtol=1e-8)
