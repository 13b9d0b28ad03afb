"""Pictures of sequential sparse models show the arrays they are pictures of."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import pararnn_ts as prt

DAYS = pd.date_range("2024-01-01", periods=20, name="day")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["north", "south"], DAYS])
    truth = pd.DataFrame(np.cumsum(rng.normal(size=(40, 16)), axis=0), index, [f"s{j}" for j in range(16)])
    measured = truth + 0.1 * rng.normal(size=truth.shape)
    model = prt.SISTARNN(measured, lam1=0.3, lam2=0.3)
    return model.fit("rnn", target=truth, epochs=10, valid_fraction=0.5)


@pytest.fixture(scope="module")
def single():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(np.cumsum(rng.normal(size=(20, 5)), axis=0), DAYS, list("abcde"))
    return prt.SISTARNN(table, dictionary="dct", lam1=0.3, lam2=0.3).fit()


def image(ax):
    return ax.collections[0].get_array()


@pytest.mark.parametrize("sequence", [None, "south"])
def test_codes_are_drawn_over_time(results, sequence):
    figure = results.plot_codes(sequence=sequence)
    codes = results.codes.loc[sequence or "north"].to_numpy()
    assert_array_equal(image(figure.axes[0]), codes.T)
    assert_array_equal(figure.axes[1].lines[0].get_ydata(), (codes != 0).sum(axis=1))
    assert f"of sequence {sequence or 'north'}" in figure.axes[0].get_title(loc="left")
    assert figure.axes[1].get_xlabel() == "day"


def test_atoms_are_drawn_with_those_before_training(results):
    figure = results.plot_dictionary(["scaling0", "detail1.3"])
    assert [ax.get_title(loc="left").split(",")[0] for ax in figure.axes] == ["scaling0", "detail1.3"]
    before, after = figure.axes[1].lines
    assert_array_equal(after.get_ydata(), results.dictionary["detail1.3"])
    assert_array_equal(before.get_ydata(), results.model.start_params.D[:, list(results.dictionary).index("detail1.3")])


def test_the_atoms_that_explain_most_are_drawn_first(single):
    shown = [ax.get_title(loc="left").split(",")[0] for ax in single.plot_dictionary(3).axes]
    assert shown == (single.codes**2).sum().sort_values(ascending=False).index[:3].tolist()


def test_the_transition_is_drawn_with_its_largest_entries_and_eigenvalues(results):
    figure = results.plot_transition()
    F = results.transition.to_numpy()
    assert_array_equal(image(figure.axes[0]), F)
    assert_array_equal(figure.axes[0].lines[0].get_ydata(), np.abs(F).argmax(axis=0))
    drawn = figure.axes[1].lines[-1]
    assert_allclose(drawn.get_xdata() + 1j * drawn.get_ydata(), np.linalg.eigvals(F))


def test_the_reconstruction_is_drawn_beside_the_truth(results):
    figure = results.plot_reconstruction(sequence="south")
    truth = results._target[20:]
    found = results.reconstruction.loc["south"].to_numpy()
    for ax, name, values in zip(
        figure.axes, ("True", "Recovered", "Error"), (truth, found, truth - found), strict=False
    ):
        assert ax.get_title(loc="left") == name
        assert_array_equal(image(ax), values.T)


def test_few_signals_are_drawn_as_lines(single, results):
    figure = single.plot_reconstruction()
    assert [ax.get_title(loc="left") for ax in figure.axes] == list("abcde")
    measured, found = figure.axes[2].lines
    assert_array_equal(measured.get_ydata(), single.model.endog["c"])
    assert_array_equal(found.get_ydata(), single.reconstruction["c"])
    assert len(results.plot_reconstruction(signals=["s3", "s9"]).axes) == 2


def test_a_figure_can_be_given(single):
    figure = plt.figure()
    assert single.plot_codes(fig=figure) is figure and len(figure.axes) >= 2


def test_what_cannot_be_drawn_is_refused(single, results):
    for call, word in (
        (lambda: single.plot_codes("north"), "one sequence only"),
        (lambda: results.plot_codes("west"), "none of the panel"),
        (lambda: results.plot_dictionary(["x"]), "no atom"),
        (lambda: results.plot_dictionary(0), "positive number"),
        (lambda: results.plot_dictionary([]), "atoms is empty"),
        (lambda: results.plot_reconstruction(signals=[]), "signals is empty"),
        (lambda: results.plot_reconstruction(signals=["x"]), "no signal"),
    ):
        with pytest.raises(ValueError, match=word):
            call()
