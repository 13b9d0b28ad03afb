"""The experiment of the paper at a size for seconds: a moving sparse field seen by few noisy sensors."""

import numpy as np
import pytest

import pararnn_ts as prt
from pararnn_ts.comparison.recovery import PENALTIES
from pararnn_ts.estimation.dictionaries import wavelets

N, SENSORS, STEPS, LEVELS = 32, 12, 30, 2
TRAIN, VALID, TEST = 200, 50, 100


def field(seed, n=N, sensors=SENSORS, steps=STEPS, levels=LEVELS, total=TRAIN + VALID + TEST):
    """Measurements, signals and measurement matrix; signals move by 2**levels positions at every step."""
    rng = np.random.default_rng(seed)
    D = wavelets(n, "db4", levels)
    active, amplitude = rng.random((total, n)) < 0.05, 10.0 * rng.standard_normal((total, n))
    signal = np.empty((total, steps, n))
    for t in range(steps):
        if t:
            born = rng.random((total, n)) < 0.02 * 0.05 / 0.95
            active = np.where(active, rng.random((total, n)) >= 0.02, born)
            amplitude = 0.98 * amplitude + 10.0 * np.sqrt(1 - 0.98**2) * rng.standard_normal((total, n))
        signal[:, t] = np.roll((active * amplitude) @ D.T, t * 2**levels, axis=1)
    A = rng.choice([-1.0, 1.0], size=(sensors, n)) / np.sqrt(sensors)
    A /= np.linalg.norm(A, 2)
    return signal @ A.T + 0.5 * rng.standard_normal((total, steps, sensors)), signal, A


@pytest.mark.slow
def test_training_recovers_what_neither_the_untrained_iteration_nor_a_regression_nor_an_lstm_does():
    x, signal, A = field(2013)
    known = TRAIN + VALID
    model = prt.SISTARNN(x[:known], measurement=A, alpha=0.8, lam1=0.25, lam2=0.05)
    results = model.fit("rnn", target=signal[:known], epochs=150, lr=1e-2, valid_fraction=VALID / known)
    found = results.compare(x[known:], signal[known:], baselines=("untrained", "ridge", "lstm"), lr=(1e-2,))
    snr = found.table["test_snr"]
    assert results.apply(x[known:]).snr(signal[known:]) == pytest.approx(snr["SISTA-RNN"])
    assert snr["SISTA-RNN"] >= 9.3
    assert snr["SISTA-RNN"] >= snr["SISTA, 3 steps, untrained"] + 6.0
    assert snr["SISTA-RNN"] >= snr["ridge, 8 lags"] + 2.5
    assert snr["SISTA-RNN"] >= snr["LSTM, 64"] + 3.0
    # the transition was not known: for most signals it is that of the field
    shift = np.abs(results.transition.to_numpy()).argmax(axis=0) - np.arange(N)
    assert np.mean(shift % N == 2**LEVELS) > 0.6
    assert found.table["settings"].tolist() == [1, 0, 0, len(PENALTIES), 1]
    assert found.reconstructions["ridge, 8 lags"].shape == (TEST * STEPS, N)


@pytest.mark.slow
def test_with_few_sequences_the_model_is_worth_more_than_free_weights():
    # 50 sequences to train on and 100 to choose the best epoch; each network at the rate its held-out error prefers
    x, signal, A = field(2013, 64, 24, 40, 3, 250)
    model = prt.SISTARNN(x[:150], measurement=A, alpha=0.8, lam1=0.25, lam2=0.05)
    results = model.fit("rnn", target=signal[:150], epochs=250, lr=1e-2, valid_fraction=2 / 3)
    found = results.compare(x[150:], signal[150:], baselines=("stacked",), lr=(2e-2,))
    assert found.table.loc["SISTA-RNN", "test_snr"] >= found.table.loc["stacked RNN, 3 x 64", "test_snr"] + 1.5


def small(forecast):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(30, 8, 4))
    for t in range(1, 8):
        signal[:, t] += 0.9 * np.roll(signal[:, t - 1], 1, axis=1)
    model = prt.SISTARNN(signal[:20], dictionary=np.eye(4), lam1=0.05, lam2=0.3)
    return model.fit("rnn", target=None if forecast else signal[:20], epochs=20), signal


@pytest.mark.parametrize("forecast", [True, False])
def test_every_baseline_is_trained_with_the_same_budget_and_scored_on_the_same_rows(forecast):
    results, signal = small(forecast)
    new = None if forecast else signal[20:]
    found = results.compare(signal[20:], new, lr=(1e-3, 1e-2), lags=2)
    table = found.table
    assert table.index.tolist() == [
        "SISTA-RNN", "SISTA, 3 steps, untrained", "SISTA, 100 steps, untrained", "ridge, 2 lags", "stacked RNN, 3 x 4",
        "LSTM, 8",
    ]  # fmt: skip
    trained = table.loc[["SISTA-RNN", "stacked RNN, 3 x 4", "LSTM, 8"]]
    assert (trained["updates"] == 20).all() and trained["settings"].tolist() == [1, 2, 2]
    assert table.loc["SISTA-RNN", "valid_mse"] == pytest.approx(results.training.valid_mse)
    truth = np.full((10, 8, 4), np.nan)
    truth[:, :-1] = signal[20:, 1:]
    truth = truth if forecast else signal[20:]
    for name, made in found.reconstructions.items():
        error = np.nanmean((made.to_numpy().reshape(truth.shape) - truth) ** 2)
        assert table.loc[name, "test_mse"] == pytest.approx(error)
        assert table.loc[name, "test_snr"] == pytest.approx(10 * np.log10(np.nanmean(truth**2) / error))
    assert "test_snr" in repr(found)


def test_a_linear_relation_is_found_by_the_regression():
    results, signal = small(forecast=True)
    found = results.compare(signal[20:], baselines=["ridge"], lags=0)
    # what is left of the next value when the last one is known
    assert found.table.loc["ridge, 0 lags", "test_mse"] == pytest.approx(1.0, abs=0.3)


def test_comparisons_that_make_no_sense_are_refused():
    results, signal = small(forecast=True)
    with pytest.raises(ValueError, match="target must be left out"):
        results.compare(signal[20:], signal[20:])
    with pytest.raises(ValueError, match="'mlp' is not"):
        results.compare(signal[20:], baselines=["mlp"])
    with pytest.raises(ValueError, match="results must be those of a trained network"):
        results.model.fit().compare(signal[20:])
