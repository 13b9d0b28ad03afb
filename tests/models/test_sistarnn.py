"""The model as a user meets it: its arguments, its two methods, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.tools.sm_exceptions import ConvergenceWarning

import pararnn_ts as prt
from pararnn_ts.estimation.dictionaries import cosines, wavelets

rng = np.random.default_rng(0)
DAYS = pd.date_range("2024-01-01", periods=40)
SIGNALS = pd.DataFrame(np.cumsum(rng.normal(size=(40, 8)), axis=0), DAYS, [f"s{j}" for j in range(8)])
MIXING = pd.DataFrame(rng.normal(size=(5, 8)) / 3, list("abcde"), SIGNALS.columns)
MEASURED = SIGNALS @ MIXING.T + 0.1 * rng.normal(size=(40, 5))
PLAIN = {"lam1": 0.1, "lam2": 0.3}


def many(n=12, steps=10):
    shocks = np.random.default_rng(1).normal(size=(n, steps, 8))
    signal = shocks.copy()
    for t in range(1, steps):
        # a transition that is not the identity, with which the network starts
        signal[:, t] += 0.95 * np.roll(signal[:, t - 1], 1, axis=1)
    return signal @ MIXING.to_numpy().T, signal


def test_matrices_are_matched_by_name():
    plain = prt.SISTARNN(MEASURED, measurement=MIXING, dictionary="dct", **PLAIN).fit()
    shuffled = prt.SISTARNN(MEASURED, measurement=MIXING.iloc[::-1], dictionary="dct", **PLAIN).fit()
    assert_array_equal(plain.codes, shuffled.codes)
    atoms = pd.DataFrame(cosines(8), SIGNALS.columns, list("ABCDEFGH"))
    named = prt.SISTARNN(MEASURED, measurement=MIXING, dictionary=atoms.iloc[::-1], **PLAIN).fit()
    assert_array_equal(named.codes.to_numpy(), plain.codes.to_numpy())
    assert list(named.codes.columns) == list("ABCDEFGH") and list(named.reconstruction.columns) == list(SIGNALS)
    assert list(named.transition.columns) == list(named.transition.index) == list(SIGNALS)
    assert list(named.measurement.index) == list("abcde")


def test_without_a_measurement_matrix_the_series_are_the_signals():
    results = prt.SISTARNN(SIGNALS, dictionary="dct", lam1=0.0, lam2=0.0, alpha=1.0).fit()
    assert_allclose(results.reconstruction, SIGNALS, atol=1e-12)
    assert list(results.reconstruction.columns) == list(SIGNALS)


def test_dictionaries_that_have_a_name():
    wide = np.zeros((5, 16))
    for name, matrix in (("haar", wavelets(16, "haar")), ("db4", wavelets(16)), ("dct", cosines(16))):
        model = prt.SISTARNN(wide + 1.0, dictionary=name, **PLAIN)
        assert_array_equal(model.start_params.D, matrix)
        assert len(set(model.atom_names)) == 16


def test_transitions_of_every_kind():
    for value, matrix in (("identity", np.eye(8)), (-0.5, -0.5 * np.eye(8)), (np.ones((8, 8)), np.ones((8, 8)))):
        model = prt.SISTARNN(SIGNALS, dictionary="dct", transition=value, **PLAIN)
        assert_array_equal(model.start_params.F, matrix)


def test_missing_measurements_are_left_out():
    holed = MEASURED.copy()
    holed.iloc[3:9, 2] = np.nan
    holed.iloc[20] = np.nan
    results = prt.SISTARNN(holed, measurement=MIXING, dictionary="dct", **PLAIN).fit()
    assert np.isfinite(results.reconstruction).all(axis=None)
    assert (results.resid.isna() == holed.isna()).all(axis=None)
    assert results.model.nobs == 39
    with pytest.raises(ValueError, match="endog has 11 missing values, the first at 2024-01-04 .* column 'c'"):
        prt.SISTARNN(holed, measurement=MIXING, dictionary="dct", missing="raise")


def test_a_faulty_sensor_does_not_spoil_the_others():
    x, signal = many(80)
    broken = x.copy()
    broken[:, 4:, 0] = np.nan
    model = prt.SISTARNN(broken, measurement=MIXING.to_numpy(), dictionary="dct", **PLAIN)
    results = model.fit("rnn", target=signal, epochs=60, batch=12)
    assert np.isfinite(results.reconstruction).all(axis=None)
    held_out = (results.reconstruction.to_numpy().reshape(signal.shape) - signal)[72:]
    untrained = (model.fit().reconstruction.to_numpy().reshape(signal.shape) - signal)[72:]
    assert np.mean(held_out**2) < 0.8 * np.mean(untrained**2)


@pytest.mark.parametrize("target", [True, False])
@pytest.mark.parametrize("method", ["sista", "rnn"])
def test_a_fit_does_not_depend_on_the_unit_of_measurement(method, target):
    x, signal = many()
    found = []
    for unit in (1.0, 1000.0):
        model = prt.SISTARNN(unit * x, measurement=MIXING, dictionary="dct", lam1=0.1 * unit, lam2=0.3)
        options = {} if method == "sista" else {"target": unit * signal if target else None, "epochs": 20, "lr": 0.01}
        found.append(model.fit(method, **options))
    assert_allclose(found[1].reconstruction, 1000.0 * found[0].reconstruction, rtol=1e-6, atol=1e-6)
    assert found[1].params["lam1"] == pytest.approx(1000.0 * found[0].params["lam1"])


def test_without_a_target_the_network_becomes_a_forecaster():
    # a rotation of two signals, which the identity does not predict
    angle, steps = 0.5, np.arange(200)
    turned = np.column_stack([np.cos(angle * steps), np.sin(angle * steps), np.zeros(200), np.zeros(200)])
    x = turned + 0.01 * np.random.default_rng(2).normal(size=turned.shape)
    model = prt.SISTARNN(x, dictionary=np.eye(4), lam1=0.001, lam2=0.05)
    results = model.fit("rnn", epochs=800, lr=0.03)
    assert results.training.forecast
    assert_array_equal(results.measurement, np.eye(4))
    assert_array_equal(results.dictionary, np.eye(4))
    error = np.mean((x[180:] - results.one_step.to_numpy()[180:]) ** 2)
    naive = np.mean((x[180:] - x[179:-1]) ** 2)
    assert error < 0.02 * naive
    ahead = results.forecast(5).to_numpy()
    expected = np.column_stack([np.cos(angle * (200 + np.arange(5))), np.sin(angle * (200 + np.arange(5)))])
    assert_allclose(ahead[:, :2], expected, atol=0.15)


def test_parameters_that_are_not_named_are_not_trained():
    x, signal = many()
    model = prt.SISTARNN(x, measurement=MIXING, dictionary="dct", **PLAIN)
    results = model.fit("rnn", target=signal, train=("F", "lam1"), epochs=5)
    assert_array_equal(results.dictionary, model.start_params.D)
    assert_array_equal(results.measurement, MIXING)
    assert np.abs(results.transition - np.eye(8)).max(axis=None) > 0
    assert results.params["alpha"] == model.start_params.alpha and results.params["lam1"] != 0.1


def test_the_same_seed_gives_the_same_network():
    x, signal = many()
    model = prt.SISTARNN(x, measurement=MIXING, dictionary="dct", **PLAIN)
    one, two, other = (model.fit("rnn", target=signal, epochs=8, batch=4, rng=seed) for seed in (1, 1, 2))
    assert_array_equal(one.codes, two.codes)
    assert not np.array_equal(one.codes, other.codes)


def test_the_last_sequences_are_held_out_and_the_better_rate_is_taken():
    x, signal = many()
    spoilt = signal.copy()
    spoilt[-3:] = np.nan
    model = prt.SISTARNN(x, measurement=MIXING, dictionary="dct", **PLAIN)
    with pytest.raises(ValueError, match="held-out part of the sample has no known target"):
        model.fit("rnn", target=spoilt, epochs=2, valid_fraction=0.25)
    results = model.fit("rnn", target=signal, epochs=20, valid_fraction=0.25, lr=(1e-6, 1e-2))
    assert results.training.learning_rate == 1e-2 and len(results.training.tried) == 2
    held_out = results.reconstruction.to_numpy().reshape(signal.shape)[-3:] - signal[-3:]
    assert results.training.valid_mse == pytest.approx(np.mean(held_out**2))
    assert results.history["valid_mse"].min() == pytest.approx(results.training.valid_mse)


def test_freed_weights_start_at_the_model_and_have_no_transition():
    x, signal = many()
    model = prt.SISTARNN(x, measurement=MIXING, dictionary="dct", n_layers=2, **PLAIN)
    results = model.fit("rnn", target=signal, tied=False, epochs=10)
    assert results.training.valid_mse <= results.history["valid_mse"].iloc[0]
    assert results.network_weights()["W"].shape == (2, 8, 8)
    assert np.isnan(results.objective)
    for ask in (results.forecast, lambda: results.transition, results.get_forecast):
        with pytest.raises(ValueError, match=r"weights of this network were freed, .* tied=True"):
            ask()


def test_a_training_that_diverges_keeps_the_best_parameters_and_says_so():
    x, signal = many()
    model = prt.SISTARNN(x, measurement=MIXING, dictionary="dct", **PLAIN)
    with pytest.warns(ConvergenceWarning, match="diverged after .* at learning rate 1e") as caught:
        results = model.fit("rnn", target=signal, epochs=30, lr=1e200)
    assert caught[0].filename == __file__
    assert not results.converged and np.isfinite(results.reconstruction).all(axis=None)
    assert "diverged" in str(results.summary())


def test_every_option_survives_a_copy():
    model = prt.SISTARNN(MEASURED, measurement=MIXING, dictionary="dct", transition=0.9, n_layers=2, alpha=3.0, **PLAIN)
    copy = model.clone_with(MEASURED)
    assert copy.option_values() == model.option_values()
    assert_array_equal(copy.fit().codes, model.fit().codes)


REFUSED = {
    "measurement": (np.zeros((4, 8)), ValueError, r"measurement must have shape \(5, any\)"),
    "dictionary": ("db9", ValueError, "dictionary must be one of 'haar', 'db4', 'dct'"),
    "transition": (np.eye(3), ValueError, r"transition must have shape \(8, 8\)"),
    "n_layers": (0, ValueError, "n_layers must be a positive integer"),
    "alpha": (0.0, ValueError, "alpha must be a positive finite number"),
    "lam1": (-1.0, ValueError, "lam1 must be a finite number of 0 or more"),
    "lam2": ("a", TypeError, "lam2 must be a finite number of 0 or more"),
    "h0": (np.zeros(3), ValueError, r"h0 must have shape \(1, 8\)"),
    "missing": ("drop", ValueError, "missing must be 'mask' or 'raise'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_make_no_sense_are_refused_in_a_sentence(name):
    value, error, message = REFUSED[name]
    with pytest.raises(error, match=rf"^{message}"):
        prt.SISTARNN(MEASURED, **{"measurement": MIXING, "dictionary": "dct", name: value})


FITS = {
    "a method": ({"method": "em"}, ValueError, "method must be 'sista' or 'rnn'"),
    "a device": ({"device": "cuda"}, ValueError, "device='cuda' is not available for SISTARNN"),
    "a tolerance": ({"tol": 2.0}, ValueError, "tol must be at least 0"),
    "steps": ({"maxiter": 0}, ValueError, "maxiter must be a positive integer"),
    "a target": ({"target": SIGNALS}, ValueError, "target is for method='rnn'"),
    "names": ({"method": "rnn", "train": ("D", "Q")}, ValueError, "train must name parameters .* 'Q' is none"),
    "a rate": ({"method": "rnn", "lr": -1.0}, ValueError, "lr must be a positive number"),
    "a fraction": ({"method": "rnn", "valid_fraction": 1.0}, ValueError, "valid_fraction must be at least 0"),
    "epochs": ({"method": "rnn", "epochs": 0}, ValueError, "epochs must be a positive integer"),
    "freed weights": ({"method": "rnn", "tied": False}, ValueError, "tied=False frees .* pass a target"),
    "freed names": (
        {"method": "rnn", "tied": False, "target": SIGNALS, "train": ("D",)}, ValueError, "train chooses"),
    "a seed": ({"method": "rnn", "rng": "x"}, TypeError, "rng must be None"),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_fits_that_make_no_sense_are_refused_in_a_sentence(name):
    options, error, message = FITS[name]
    model = prt.SISTARNN(MEASURED, measurement=MIXING, dictionary="dct", **PLAIN)
    with pytest.raises(error, match=rf"^{message}.*\.$"):
        model.fit(**options)


def test_a_table_without_observations_is_refused():
    model = prt.SISTARNN(MEASURED * np.nan, measurement=MIXING, dictionary="dct", **PLAIN)
    with pytest.raises(ValueError, match="endog has no observations: all of its 200 values are missing"):
        model.fit()


def test_an_unknown_argument_is_a_type_error():
    with pytest.raises(TypeError, match="lambda1"):
        prt.SISTARNN(MEASURED, lambda1=1.0)


@pytest.mark.parametrize(
    "given",
    [{"train": "F"}, {"epochs": 5}, {"lr": 0.1}, {"tied": False}, {"batch": 7}, {"valid_fraction": np.array([0.2])}],
)
def test_arguments_of_training_are_refused_where_nothing_is_trained(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"^{name} is for method='rnn'.*\\.$"):
        prt.SISTARNN(np.eye(16), lam1=0.1, lam2=0.1).fit(**given)


@pytest.mark.parametrize("given", [{"maxiter": 5}, {"tol": 0}])
def test_the_stopping_rule_of_the_iteration_is_refused_where_a_network_is_trained(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"^{name} is for method='sista'; .* n_layers steps.*\\.$"):
        prt.SISTARNN(np.eye(16), lam1=0.1, lam2=0.1).fit("rnn", **given)


def test_penalties_are_not_chosen_from_iterations_all_of_which_diverge():
    with pytest.raises(
        ValueError, match=r"^The iteration diverges .* alpha=0\.01 is too small; .* pass more than \S+\.$"
    ):
        prt.SISTARNN(MEASURED, measurement=MIXING, dictionary="dct", alpha=0.01).fit()
    long = 1e6 * np.random.default_rng(0).normal(size=(8, 20))
    with pytest.raises(ValueError, match=r"^The iteration diverges .* norm of the dictionary .*; divide .* by it\.$"):
        prt.SISTARNN(MEASURED, measurement=MIXING, dictionary=long).fit()
    short = long / np.linalg.norm(long, 2)
    assert np.isfinite(prt.SISTARNN(MEASURED, measurement=MIXING, dictionary=short).fit().codes).all(axis=None)


def test_penalties_of_a_single_row_are_those_that_predict_one_of_its_measurements():
    """So few that a tenth of them may be none: with nothing held out the strongest penalty would win."""
    row = np.array([[3.0, 3.1, 2.9, 3.0, 3.05, 2.95]])
    found = prt.SISTARNN(row, dictionary="dct").fit()
    largest = np.abs(row @ found.dictionary.to_numpy()).max()
    assert found.params["lam1"] < 0.2 * largest


@pytest.mark.parametrize(
    "given", [{}, {"lam1": 0.1}, {"lam1": 0.1, "lam2": 0.3}, {"alpha": 9.0}, {"alpha": 9.0, **PLAIN}]
)
def test_the_summary_says_of_each_constant_that_was_chosen_how(given):
    model = prt.SISTARNN(MEASURED, measurement=MIXING, dictionary="dct", **given)
    text = " ".join(str(model.fit().summary()).split())
    assert ("predict" in text.partition("Notes:")[2]) == bool({"lam1", "lam2"} - set(given))
    assert ("lam1 and lam2 were not given" in text) == (not {"lam1", "lam2"} & set(given))
    assert ("lam2 was not given: it has the value" in text) == (set(given) == {"lam1"})
    assert ("1.05 times the Lipschitz constant" in text) == ("alpha" not in given)
