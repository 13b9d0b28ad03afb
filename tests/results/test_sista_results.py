"""What results of sequential sparse models say about themselves and the future, and after a journey through a file."""

import copy
import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import pararnn_ts as prt
from pararnn_ts.estimation.baselines import free_wiring
from pararnn_ts.results.sista_summary import moves

PLAIN = {"dictionary": "dct", "lam1": 0.05, "lam2": 0.3}


def panel(n=8, steps=12, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, steps, 6))
    for t in range(1, steps):
        signal[:, t] += 0.9 * np.roll(signal[:, t - 1], 1, axis=1)
    index = pd.MultiIndex.from_product(
        [[f"site{k}" for k in range(n)], pd.date_range("2024-01-01", periods=steps)], names=["site", "day"]
    )
    truth = pd.DataFrame(signal.reshape(n * steps, 6), index, list("abcdef"))
    return truth + 0.1 * rng.normal(size=truth.shape), truth


MEASURED, TRUTH = panel()


@pytest.fixture(scope="module")
def untrained():
    return prt.SISTARNN(MEASURED, **PLAIN).fit()


@pytest.fixture(scope="module")
def trained():
    return prt.SISTARNN(MEASURED, **PLAIN).fit("rnn", target=TRUTH, epochs=40, batch=4, valid_fraction=0.25)


@pytest.fixture(scope="module")
def forecaster():
    return prt.SISTARNN(MEASURED, **PLAIN).fit("rnn", epochs=40, batch=4)


@pytest.fixture(scope="module")
def freed():
    return prt.SISTARNN(MEASURED, **PLAIN).fit("rnn", target=TRUTH, epochs=10, tied=False)


ALL = ["untrained", "trained", "forecaster", "freed"]


@pytest.fixture
def results(request):
    return request.getfixturevalue(request.param)


everyone = pytest.mark.parametrize("results", ALL, indirect=True)
with_transition = pytest.mark.parametrize("results", ALL[:3], indirect=True)


@everyone
def test_residuals_fitted_values_and_reconstruction_fit_together(results):
    assert_allclose(results.fittedvalues + results.resid, MEASURED, rtol=1e-12, atol=1e-12)
    assert_allclose(results.fittedvalues, results.reconstruction @ results.measurement.T, atol=1e-12)
    assert_array_equal(results.active_atoms, (results.codes != 0).sum(axis=1))
    assert results.sparsity == pytest.approx(results.active_atoms.mean() / 6)
    assert results.codes.index.equals(MEASURED.index)


@everyone
def test_errors_are_means_over_what_is_known(results):
    error = float(((results.reconstruction - TRUTH) ** 2).mean(axis=None))
    assert results.mse(TRUTH) == pytest.approx(error)
    assert results.snr(TRUTH) == pytest.approx(10 * np.log10(float((TRUTH**2).mean(axis=None)) / error))
    assert results.psnr(255.0, TRUTH) == pytest.approx(20 * np.log10(255) - 10 * np.log10(error))
    part = TRUTH.copy()
    part.iloc[10:] = np.nan
    first = ((results.reconstruction - TRUTH) ** 2).iloc[:10].to_numpy().mean()
    assert results.mse(part) == pytest.approx(first)
    if results.method == "rnn" and not results.training.forecast:
        assert results.mse() == results.mse(TRUTH)


def test_the_weights_given_are_those_of_the_network(trained):
    w, h = trained.network_weights(), np.zeros(6)
    h = w["h0"]
    for t in range(12):
        last, x = h, MEASURED.to_numpy()[t]
        for k in range(3):
            z = (w["W1"] if k == 0 else w["Wk"]) @ last + w["V"] @ x + (0.0 if k == 0 else w["S"] @ h)
            h = np.sign(z) * np.maximum(np.abs(z) - w["threshold"], 0.0)
        assert_allclose(h, trained.codes.to_numpy()[t], atol=1e-12)
        assert_allclose(w["U"] @ h + w["c"], trained.reconstruction.to_numpy()[t], atol=1e-12)


def test_freed_weights_are_those_of_the_network(freed):
    w, h = freed.network_weights(), freed.network_weights()["h0"]
    wiring = free_wiring(3)
    assert (wiring.source == 2).all()
    for t in range(5):
        last, x = h, MEASURED.to_numpy()[t]
        for k in range(3):
            z = w["W"][k] @ last + w["V"][k] @ x + (0.0 if k == 0 else w["S"][k - 1] @ h)
            h = np.sign(z) * np.maximum(np.abs(z) - w["threshold"][k], 0.0)
        assert_allclose(w["U"] @ h + w["c"], freed.reconstruction.to_numpy()[t], atol=1e-12)


@with_transition
def test_forecasts_are_powers_of_the_transition(results):
    F, A = results.transition.to_numpy(), results.measurement.to_numpy()
    ahead, signals = results.forecast(3), results.forecast(3, signal=True)
    for site in ("site0", "site5"):
        last = results.reconstruction.loc[site].to_numpy()[-1]
        for step in range(3):
            last = F @ last
            assert_allclose(signals.loc[site].to_numpy()[step], last, atol=1e-12)
            assert_allclose(ahead.loc[site].to_numpy()[step], A @ last, atol=1e-12)
    assert ahead.loc["site0"].index.equals(pd.date_range("2024-01-13", periods=3))


def test_a_label_is_where_the_forecasts_of_all_sequences_end(forecaster):
    new = panel(n=8, steps=14)[0].groupby(level=0).tail(2).loc[["site1", "site4"]]
    longer = forecaster.append(new)
    ahead, far = longer.forecast("2024-01-15"), longer.forecast(3)
    assert ahead.groupby(level=0).size().to_dict() == {f"site{k}": 1 if k in (1, 4) else 3 for k in range(8)}
    assert (ahead.index.get_level_values(1).max(), len(ahead)) == (pd.Timestamp("2024-01-15"), 20)
    pd.testing.assert_frame_equal(ahead, far.loc[ahead.index])
    paths = longer.get_forecast(pd.Timestamp("2024-01-15"), n_sims=30, rng=0)
    assert paths.conf_int().index.equals(ahead.index)
    whole = longer.get_forecast(3, n_sims=30, rng=0).se_mean
    pd.testing.assert_frame_equal(paths.se_mean, whole.loc[ahead.index])


@with_transition
def test_one_step_predictions_are_forecasts_of_what_was_known(results):
    shorter = results.apply(MEASURED.groupby(level=0).head(7))
    ahead = shorter.forecast(1)
    for site in ("site1", "site7"):
        assert_allclose(results.one_step.loc[site].to_numpy()[7], ahead.loc[site].to_numpy()[0], rtol=1e-9)


@everyone
def test_results_can_be_applied_to_other_sequences_and_to_a_single_one(results):
    new = panel(3, 5, seed=1)[0]
    applied = results.apply(new)
    alone = results.apply(new.loc["site1"])
    assert_array_equal(applied.reconstruction.loc["site1"], alone.reconstruction)
    assert_array_equal(results.predict(new), applied.reconstruction)
    assert_array_equal(results.predict(), results.reconstruction)


@with_transition
def test_some_sequences_may_be_extended_and_others_not(results):
    rows = MEASURED.loc[["site2", "site6"]].groupby(level=0).tail(2)
    later = rows.index.set_levels(MEASURED.index.levels[1] + pd.Timedelta(days=2), level=1)
    new = rows.set_axis(later)
    longer, tail = results.append(new), results.extend(new)
    assert len(longer.codes) == 100 and len(tail.codes) == 4
    assert_array_equal(longer.codes.loc["site6"].to_numpy()[-2:], tail.codes.loc["site6"])
    assert_array_equal(longer.codes.loc["site0"], results.codes.loc["site0"])
    assert_array_equal(longer.forecast(2).loc["site6"], tail.forecast(2).loc["site6"])


def test_rows_that_do_not_follow_the_sample_are_refused(trained):
    with pytest.raises(ValueError, match=r"new_endog must start at 2024-01-13 .* 'site0', but starts at 2024-01-01"):
        trained.append(MEASURED)
    with pytest.raises(ValueError, match="sequence 'elsewhere', which the panel does not have"):
        trained.extend(pd.concat({"elsewhere": MEASURED.loc["site0"]}, names=["site", "day"]))
    with pytest.raises(ValueError, match=r"new_endog must have \(sequence, time\) labels"):
        trained.append(MEASURED.loc["site0"])


def test_simulations_repeat_with_their_seed_and_vary_as_one_step_errors_do(forecaster):
    one, two = (forecaster.simulate(3, repetitions=400, rng=7) for _ in range(2))
    assert_array_equal(one, two)
    first = one.loc["site0"].iloc[0].unstack()
    errors = (MEASURED - forecaster.one_step).groupby(level=0).tail(11)
    assert_allclose(first.std(), errors.std(), rtol=0.15)
    assert_allclose(first.mean(), forecaster.forecast(1).loc["site0"].iloc[0], atol=0.3)
    assert forecaster.simulate(5, anchor="start", rng=0).loc["site3"].index.equals(MEASURED.loc["site3"].index[:5])


def test_intervals_lie_around_the_forecast_and_widen_with_coverage(forecaster):
    found = forecaster.get_forecast(2, n_sims=500, rng=0)
    narrow, wide = found.conf_int(0.5), found.conf_int(0.05)
    assert (wide["lower"] < narrow["lower"]).all(axis=None) and (narrow["upper"] < wide["upper"]).all(axis=None)
    frame = found.summary_frame()
    assert frame["a"].columns.tolist() == ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]
    assert_array_equal(frame["a"]["mean"], forecaster.forecast(2)["a"])
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        found.conf_int(2.0)


def test_intervals_cover_as_often_as_they_promise():
    measured, _ = panel(60, 20, seed=3)
    early = measured.groupby(level=0).head(16)
    model = prt.SISTARNN(early, dictionary="dct", transition=0.9 * np.roll(np.eye(6), 1, axis=0), lam1=0.01, lam2=0.02)
    interval = model.fit().get_forecast(4, n_sims=400, rng=0).conf_int(0.1)
    late = measured.groupby(level=0).tail(4)
    inside = (interval["lower"] <= late) & (late <= interval["upper"])
    by_step = inside.to_numpy().reshape(60, 4, 6).mean(axis=(0, 2))
    # 360 nearly independent intervals at each step: three standard errors are 0.05
    assert (np.abs(by_step - 0.9) < 0.05).all()


@everyone
def test_a_file_holds_everything(results, tmp_path):
    path = tmp_path / "results.npz"
    results.save(path)
    again = prt.load(path)
    assert type(again) is type(results) and type(again.model) is type(results.model)
    for name in ("codes", "reconstruction", "resid"):
        assert_array_equal(getattr(again, name), getattr(results, name))
        assert getattr(again, name).index.equals(getattr(results, name).index)
    assert str(again.summary()) == str(results.summary())
    assert again.mse() == results.mse() and again.mse(TRUTH) == results.mse(TRUTH)
    if results.tied:
        assert_array_equal(again.forecast(3), results.forecast(3))
        assert again.forecast(3).index.equals(results.forecast(3).index)
    if results.history is not None:
        pd.testing.assert_frame_equal(again.history, results.history)
        pd.testing.assert_frame_equal(again.training.tried, results.training.tried)
        assert again.training.plan == results.training.plan
    with np.load(path, allow_pickle=False) as archive:
        assert json.loads(archive["header"].tobytes())["format"] == "pararnn_ts.sista"


def test_a_file_holds_extended_results(forecaster):
    new = np.random.default_rng(0).normal(size=(8, 2, 6))
    file, longer = io.BytesIO(), forecaster.extend(new)
    longer.save(file)
    file.seek(0)
    assert_array_equal(prt.load(file).forecast(2), longer.forecast(2))


def test_a_file_of_a_later_version_is_refused(untrained, tmp_path):
    untrained.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = dict(archive)
    header = json.loads(arrays["header"].tobytes())
    arrays["header"] = np.frombuffer(json.dumps({**header, "version": 9}).encode(), dtype=np.uint8)
    np.savez(tmp_path / "new.npz", **arrays)
    with pytest.raises(ValueError, match="format version 9, but this version of pararnn_ts reads version 1"):
        prt.load(tmp_path / "new.npz")


@everyone
def test_the_summary_says_what_was_done_in_every_form(results):
    summary = results.summary()
    text = summary.as_text()
    assert "8 sequences of 12" in text and "Nonzero codes" in text and "No standard errors" in text
    for form in (summary.as_html(), summary.as_latex(), summary.as_csv()):
        assert "Nonzero codes" in form
    if results.method == "rnn":
        assert "the only one tried" in " ".join(text.split()) and f"{results.training.train_mse:.5g}" in text
    assert ("L / alpha" in text) == results.tied


def test_the_summary_reads_the_transition(untrained):
    model = prt.SISTARNN(MEASURED, transition=np.roll(np.eye(6), 2, axis=0), **PLAIN)
    results = model.fit()
    assert (moves(results)["shift"] == 2).all() and list(moves(results)["to"]) == list("cdefab")
    assert "+2 for 6 of 6" in str(results.summary()) and "0 (stays) for 6 of 6" in str(untrained.summary())


def test_the_summary_warns_of_what_is_unstable():
    growing = prt.SISTARNN(MEASURED, transition=1.2, **PLAIN).fit()
    assert "norm above one" in str(growing.summary())
    hasty = prt.SISTARNN(MEASURED, alpha=0.6, dictionary="dct", lam1=0.05, lam2=0.3).fit(maxiter=2, tol=0)
    assert "the iteration may expand" in " ".join(str(hasty.summary()).split())


def test_an_iteration_that_explodes_is_an_error():
    model = prt.SISTARNN(MEASURED, alpha=0.01, **PLAIN)
    with pytest.raises(ValueError, match=r"iteration diverged .* alpha is too small; leave alpha out, or pass more"):
        _ = model.fit(maxiter=500, tol=0).codes


@everyone
def test_what_a_likelihood_or_standard_errors_would_give_is_refused_in_a_sentence(results):
    for name in ("llf", "aic", "bse", "conf_int", "test_normality", "components", "stability", "get_prediction"):
        assert not hasattr(results, name)
        with pytest.raises(TypeError, match=rf"^SISTARNN has no {name}: .*; .*\.$"):
            getattr(results, name)
    with pytest.raises(AttributeError, match="has no attribute 'lif'"):
        _ = results.lif
    assert copy.deepcopy(results).codes.equals(results.codes) and results.nobs == results.model.nobs
    assert pickle.loads(pickle.dumps(results)).codes.equals(results.codes)
