"""What figures show: panels, lines that equal the data, labels; on any time axis."""

import matplotlib

matplotlib.use("Agg")

import inspect
import itertools
from types import SimpleNamespace

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from scipy import stats

import pararnn_ts as prt
from pararnn_ts.plotting import (
    plot_comparison,
    plot_components,
    plot_diagnostics,
    plot_lag_response,
    plot_predict,
    plot_recurrence,
)
from pararnn_ts.plotting.canvas import set_time_axis, step_name, time_values
from pararnn_ts.results.features import averaged_jacobian, lag_response, lag_response_errors

N = 70


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def values(n=N):
    rng = np.random.default_rng(0)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 1.2 * y[t - 1] - 0.6 * y[t - 2] + rng.normal()
    return y


@pytest.fixture(scope="module")
def results():
    y = pd.Series(values(), index=pd.period_range("2001-01", periods=N, freq="M", name="month"), name="sales")
    y.iloc[[30, 31]] = np.nan
    # a fixed penalty: the evidence would leave a linear series without units
    return prt.ParaRNN(y, units=(2, 1), linear_lags=2).fit(penalty=1.0, n_starts=4, maxiter=40)


@pytest.fixture(scope="module")
def with_exog():
    y = pd.Series(values(), name="sales")
    exog = pd.DataFrame({"price": np.sin(np.arange(N)), "rain": np.cos(np.arange(N))})
    model = prt.ParaRNN(y, exog, lags=2, units=(1, 1))
    return model.evaluate(np.random.default_rng(1).normal(scale=0.4, size=model.specification.n_params))


def line(ax, label):
    return next(part for part in ax.lines if part.get_label() == label)


def as_dates(index):
    return mdates.date2num(index.to_timestamp().to_numpy())


def drawn(part):
    """Positions of a line as numbers."""
    return np.asarray(part.get_xdata(orig=False), dtype=float)


# ------------------------------------------------------------------------------------------------------ components


def test_components_panels_hold_the_components(results):
    figure = plot_components(results)
    axes = figure.axes
    assert [ax.get_title(loc="left").split(":")[0] for ax in axes] == [
        "Observed and fitted", "Linear path", "unit1", "unit2",
    ]  # fmt: skip
    np.testing.assert_array_equal(line(axes[0], "observed").get_ydata(), results.model._y)
    np.testing.assert_array_equal(line(axes[0], "fitted").get_ydata(), results.fittedvalues)
    for ax, name in zip(axes[1:], ["linear", "unit1", "unit2"], strict=True):
        np.testing.assert_array_equal(ax.lines[-1].get_ydata(), results.components[name])
        np.testing.assert_allclose(drawn(ax.lines[-1]), as_dates(results.model.index))
    assert figure.get_supylabel() == "sales" and axes[-1].get_xlabel() == "month"


@pytest.mark.parametrize("name", ["linear", "unit1"])
def test_component_bands_are_two_standard_errors_wide(results, name):
    ax = plot_components(results, [name], alpha=0.1).axes[1]
    corners = ax.collections[0].get_paths()[0].vertices
    row = N // 2
    at = corners[np.isclose(corners[:, 0], as_dates(results.model.index)[row]), 1]
    assert np.ptp(at) == pytest.approx(2 * stats.norm.ppf(0.95) * results.get_components()[name]["mean_se"].iloc[row])
    without = plot_components(results, "unit1", alpha=None).axes[0].get_legend_handles_labels()[1]
    assert without == ["observed", "fitted"]


def test_components_go_on_into_the_forecast(results):
    axes = plot_components(results, ["linear", "unit1"], steps="2007-06", n_sims=50, rng=0).axes
    table = results.get_components(end="2007-06", n_sims=50, rng=0)
    np.testing.assert_allclose(line(axes[0], "forecast").get_ydata(), results.forecast("2007-06"))
    for ax, name in zip(axes[1:], ["linear", "unit1"], strict=True):
        np.testing.assert_array_equal(ax.lines[-1].get_ydata(), table[name]["mean"])
        corners = ax.collections[0].get_paths()[0].vertices
        at = corners[np.isclose(corners[:, 0], as_dates(table.index)[-1]), 1]
        assert at.max() == pytest.approx(table[name]["mean_ci_upper"].iloc[-1])
    points = plot_components(results, "unit1", steps=8, alpha=None).axes[1]
    assert len(points.lines[-1].get_ydata()) == N + 8 and not points.collections


def test_components_without_known_covariance_have_bands_for_shocks_alone():
    quantum = prt.QUNN(values(), memory=3, qubits=2).fit(n_starts=2, penalty=1.0, maxiter=20)
    assert not plot_components(quantum).axes[1].collections
    assert plot_components(quantum, steps=4, n_sims=20, rng=0).axes[1].collections
    longer = prt.ParaRNN(values(), units=(1,)).evaluate([0.1, 0.5, 0.3, 0.2, 0.1, 0.4]).extend(values()[:9])
    assert len(plot_components(longer, steps=2, n_sims=20, rng=0).axes[1].lines[-1].get_ydata()) == 11


def test_components_of_a_linear_model_need_no_features():
    model = prt.ParaRNN(values(), units=(), lags=0, linear_lags=1)
    titles = [ax.get_title(loc="left") for ax in plot_components(model.evaluate([0.1, 0.5])).axes]
    assert titles == ["Observed and fitted", "Linear path"]


def test_unknown_component_is_named(results):
    with pytest.raises(ValueError, match="components has 'unit9'; choose among 'const', 'linear', 'unit1', 'unit2'"):
        plot_components(results, ["unit9"])


# ------------------------------------------------------------------------------------------------------ recurrence


def test_recurrence_panels_hold_responses_and_eigenvalues(results):
    figure = plot_recurrence(results, max_lag=9)
    response, table = lag_response(results, 9), averaged_jacobian(results)
    for ax, name in zip(figure.axes[:2], ["unit1", "unit2"], strict=True):
        np.testing.assert_array_equal(line(ax, "sales.L1").get_ydata(), response[name, "sales.L1"])
        assert ax.get_title(loc="left").startswith(f"{name}: ")
    assert figure.axes[1].get_xlabel() == "lag of the input (months)"
    for name in ("unit1", "unit2"):
        dots = line(figure.axes[2], name)
        np.testing.assert_array_equal(dots.get_xdata(), table.loc[name, "real"])
        np.testing.assert_array_equal(dots.get_ydata(), table.loc[name, "imag"])


def test_recurrence_bands(results):
    half = stats.norm.isf(0.025) * lag_response_errors(results, 5)["unit2", "sales.L1"]
    ax = plot_recurrence(results, max_lag=5).axes[1]
    corners = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(np.ptp(corners[corners[:, 0] == 2.0, 1]), 2 * half[2])
    assert not plot_recurrence(results, max_lag=5, alpha=None).axes[1].collections


def test_responses_to_exog_have_their_own_panels(with_exog):
    figure = plot_recurrence(with_exog, max_lag=4)
    assert len(figure.axes) == 5
    labels = [ax.get_legend_handles_labels()[1] for ax in figure.axes[:4]]
    assert labels == [["sales.L1", "sales.L2"], ["price", "rain"]] * 2
    # two inputs of one unit differ in more than their colour
    first, second = figure.axes[1].lines[1:3]
    assert first.get_linestyle() != second.get_linestyle() and first.get_marker() != second.get_marker()


def test_lags_end_where_the_response_does(results):
    lags = len(line(plot_recurrence(results).axes[0], "sales.L1").get_xdata())
    response = lag_response(results, lags + 5).abs()
    assert lags == 7 or (response.iloc[lags - 1] > 0.01 * response.max()).any()
    assert (response.iloc[lags:] <= 0.01 * response.max()).all(axis=None)


def test_heat_maps_hold_the_local_responses(with_exog):
    figure = plot_lag_response(with_exog, max_lag=3)
    local = lag_response(with_exog, 3, local=True)
    maps = [ax for ax in figure.axes if ax.get_title(loc="left").startswith("unit")]
    assert [ax.get_title(loc="left") for ax in maps[:3]] == [
        f"unit1, response to {name}" for name in ("sales.L1", "sales.L2", "price")
    ]
    shown = maps[2].collections[0].get_array()
    expected = local[[("unit1", "price", lag) for lag in range(4)]].T
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), expected)
    limits = [ax.collections[0].get_clim() for ax in maps]
    assert limits[0] == limits[1] != limits[2]
    np.testing.assert_array_equal(line(figure.axes[0], "_child0").get_ydata(), with_exog.model._y)


def test_drawing_lag_responses_costs_the_same_for_each_panel(monkeypatch):
    measured, measure = [], Text.get_window_extent
    monkeypatch.setattr(Text, "get_window_extent", lambda *args, **kw: measured.append(1) or measure(*args, **kw))

    def cost(panels):
        exog = pd.DataFrame(np.random.default_rng(0).normal(size=(N, panels - 1)))
        model = prt.ParaRNN(pd.Series(values(), name="sales"), exog, units=(1,))
        figure = plot_lag_response(model.evaluate(np.full(len(model.param_names), 0.1)), max_lag=3)
        measured.clear()
        figure.draw_without_rendering()
        return len(measured) / panels

    assert cost(12) < 1.2 * cost(4)


def test_a_unit_that_does_not_respond_stays_pale(with_exog):
    """Its response is a rounding error beside that of the other, and must not look as strong."""
    params = with_exog.params.copy()
    params.loc["unit2.v"] = 1e-9
    results = with_exog.model.evaluate(params)
    figure = plot_lag_response(results, max_lag=3)
    share = {}
    for ax in figure.axes:
        unit, _, name = ax.get_title(loc="left").partition(", response to ")
        if name:
            colours = ax.collections[0]
            share[unit, name] = np.ma.max(np.abs(colours.get_array())) / colours.get_clim()[1]
    for name in ("sales.L1", "sales.L2", "price", "rain"):
        assert share["unit2", name] < 1e-6
    assert max(share["unit1", "sales.L1"], share["unit1", "sales.L2"]) == 1.0 == share["unit1", "price"]


@pytest.mark.parametrize("plot", [plot_recurrence, plot_lag_response])
def test_models_without_units_have_no_recurrence(plot):
    results = prt.ParaRNN(values(), units=(), lags=0, linear_lags=1).evaluate([0.1, 0.5])
    with pytest.raises(ValueError, match="model without units"):
        plot(results)


# ------------------------------------------------------------------------------------------------------ predictions


def test_predictions_inside_and_beyond_the_sample(results):
    ax = plot_predict(results, 60, 79, alpha=0.2, history=12, n_sims=200, rng=0).axes[0]
    prediction = results.get_prediction(60, 79, n_sims=200, rng=0)
    mean = np.asarray(prediction.predicted_mean)
    np.testing.assert_array_equal(line(ax, "observed").get_ydata(), results.model._y[48:])
    np.testing.assert_array_equal(line(ax, "one-step prediction").get_ydata(), mean[:10])
    np.testing.assert_array_equal(line(ax, "forecast").get_ydata(), mean[10:])
    np.testing.assert_allclose(drawn(line(ax, "forecast")), as_dates(prediction.predicted_mean.index[10:]))
    bounds = np.asarray(prediction.conf_int(0.2))[10:]
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (corners.min(), corners.max()) == pytest.approx((bounds[:, 0].min(), bounds[:, 1].max()))
    assert ax.get_legend_handles_labels()[1] == ["observed", "one-step prediction", "80% interval", "forecast"]


def test_the_interval_of_a_single_step_is_drawn(results):
    ax = plot_predict(results, N, N, rng=0).axes[0]
    (interval,) = [c for c in ax.collections if c.get_label() == "95% interval"]
    ((_, lower), (_, upper)) = interval.get_segments()[0]
    np.testing.assert_allclose([lower, upper], results.get_forecast(1, rng=0).conf_int().to_numpy()[0])


def test_default_is_the_sample_without_intervals(results):
    ax = plot_predict(results).axes[0]
    np.testing.assert_array_equal(line(ax, "one-step prediction").get_ydata(), results.fittedvalues)
    assert not ax.collections


def test_dynamic_prediction_begins_where_it_says(results):
    ax = plot_predict(results, 50, dynamic=5, alpha=None).axes[0]
    assert len(line(ax, "one-step prediction").get_ydata()) == 5
    assert len(line(ax, "dynamic prediction").get_ydata()) == N - 55


def test_a_sample_without_values_at_its_end_is_forecast_from_its_last_one(results):
    y = pd.Series(results.model._y.copy(), results.model.index)
    y.iloc[-4:] = np.nan
    ax = plot_predict(results.apply(y), N - 10, N + 3, n_sims=50, rng=0).axes[0]
    assert len(line(ax, "one-step prediction").get_xdata()) == 6
    assert len(line(ax, "forecast").get_xdata()) == 8


def test_out_of_sample_only(results):
    ax = plot_predict(results, end=N + 2, in_sample=False, n_sims=50, rng=0).axes[0]
    assert "one-step prediction" not in ax.get_legend_handles_labels()[1]
    with pytest.raises(ValueError, match="in_sample=False leaves nothing to draw"):
        plot_predict(results, in_sample=False)


KINDS = {
    "array": None,
    "range": pd.RangeIndex(5, 5 + 2 * N, 2),
    "integers": pd.Index(np.arange(100, 100 + N)),
    "months": pd.date_range("2000", periods=N, freq="MS"),
    "quarters": pd.period_range("1990Q1", periods=N, freq="Q"),
    "hours": pd.date_range("2000-03-20", periods=N, freq="h", tz="UTC"),
    "summer time": pd.date_range("2020-03-01", periods=N, freq="D", tz="Europe/Berlin"),
    "no frequency": pd.DatetimeIndex(list(pd.bdate_range("2000", periods=N))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_time_axis(kind):
    y = values() if KINDS[kind] is None else pd.Series(values(), index=KINDS[kind], name="y")
    results = prt.ParaRNN(y, units=(1,), lags=1).evaluate([0.1, 0.5, 0.6, 0.3, 0.0, 0.8])
    ax = plot_predict(results, N - 10, N + 3, n_sims=50, rng=0).axes[0]
    x = np.concatenate([drawn(line(ax, name)) for name in ("one-step prediction", "forecast")])
    assert len(x) == 14 and (np.diff(x) > 0).all()
    # the forecast goes on where the observations end
    assert 0 < x[10] - drawn(line(ax, "observed"))[-1] <= 4 * np.diff(drawn(line(ax, "observed"))).max()
    for plot in (plot_components, plot_diagnostics, plot_lag_response):
        plot(results).canvas.draw()


def test_dates_are_shown_in_their_time_zone():
    index = KINDS["summer time"]
    results = prt.ParaRNN(pd.Series(values(), index=index), units=(1,)).evaluate([0.1, 0.5, 0.6, 0.3, 0.0, 0.8])
    ax = plot_diagnostics(results).axes[0]
    assert ax.get_xlabel() == "date (Europe/Berlin)"
    assert str(ax.xaxis.get_major_locator().tz) == "Europe/Berlin"
    np.testing.assert_array_equal(
        time_values(index[:1], 1), np.array(["2020-02-29T23:00"], dtype=time_values(index[:1], 1).dtype)
    )


@pytest.mark.parametrize(
    ("freq", "name"),
    [("Y", "years"), ("M", "months"), ("W-SUN", "weeks"), ("2D", "steps of 2D"), ("h", "hours"), ("min", "minutes")],
)
def test_steps_have_names(freq, name):
    assert step_name(pd.period_range("2001", periods=3, freq=freq)) == name


@pytest.mark.parametrize(
    ("freq", "name"), [("YS-JAN", "years"), ("QS", "quarters"), ("BMS", "months"), ("B", "business days")]
)
def test_steps_of_timestamps_have_names(freq, name):
    assert step_name(pd.date_range("2001", periods=3, freq=freq)) == name


# ------------------------------------------------------------------------------------------------------ diagnostics


def test_diagnostics_show_the_residuals(results):
    over_time, distribution, quantiles, correlogram = plot_diagnostics(results, lags=8).axes
    standardised = np.asarray(results.resid) / np.sqrt(results.scale)
    np.testing.assert_array_equal(over_time.lines[1].get_ydata(), standardised[2:])
    seen = np.sort(standardised[np.isfinite(standardised)])
    np.testing.assert_array_equal(quantiles.lines[1].get_ydata(), seen)
    assert distribution.get_legend_handles_labels()[1] == ["histogram", "kernel density", "N(0, 1)"]
    assert len(correlogram.lines[1].get_ydata()) == 8
    centred = standardised[2:] - np.nanmean(standardised)
    first = np.nansum(centred[1:] * centred[:-1]) / np.nansum(centred**2)
    assert correlogram.lines[1].get_ydata()[0] == pytest.approx(first, abs=0.02)
    with pytest.raises(ValueError, match="lags must lie between 1 and"):
        plot_diagnostics(results, lags=500)


def test_the_correlogram_of_a_short_series_shows_its_one_lag_and_the_band():
    figure = plot_diagnostics(prt.ParaRNN(values(10), units=()).fit())
    correlogram = figure.axes[3]
    low, high = correlogram.get_xlim()
    assert [tick for tick in correlogram.get_xticks() if low <= tick <= high] == [1.0]
    assert stats.norm.isf(0.025) / 3.0 < correlogram.get_ylim()[1]


# ------------------------------------------------------------------------------------------------------ comparison


def comparison(n=12, missing=False):
    index = pd.period_range("2001-01", periods=n, freq="M", name="month")
    endog = pd.Series(np.arange(float(n)), index=index, name="sales")
    frames = []
    for model, shift in (("good", 1.0), ("bad", 2.0)):
        for step in (1, 2):
            rows = {"model": model, "step": step, "target": index, "actual": endog.to_numpy()}
            frames.append(pd.DataFrame({**rows, "mean": endog.to_numpy() + shift * step}))
    forecasts = pd.concat(frames, ignore_index=True)
    table = pd.DataFrame({"rmse": [1.0, 2.0], "crps": [np.nan if missing else 0.5, 0.9]}, index=["good", "bad"])
    return SimpleNamespace(table=table, forecasts=forecasts, endog=endog, horizon=2, reference="bad")


def test_comparison_shows_forecasts_gains_and_scores():
    forecasts, gains, rmse, crps = plot_comparison(comparison(), scores=["rmse", "crps"]).axes
    assert forecasts.get_title(loc="left") == "Forecasts 2 steps ahead"
    np.testing.assert_array_equal(line(forecasts, "observed").get_ydata(), np.arange(12.0))
    np.testing.assert_array_equal(line(forecasts, "good").get_ydata(), np.arange(12.0) + 2)
    np.testing.assert_array_equal(gains.lines[0].get_ydata(), np.cumsum(np.full(12, 4.0 - 16.0)))
    # and can be told apart in grey
    assert line(forecasts, "good").get_linestyle() != line(forecasts, "bad").get_linestyle()
    # the best model is on top
    assert [tick.get_text() for tick in rmse.get_yticklabels()] == ["bad", "good"]
    np.testing.assert_array_equal(rmse.collections[1].get_offsets()[:, 0], [2.0, 1.0])
    assert crps.get_title(loc="left") == "CRPS (sales)"
    assert gains.get_xlabel() == "month"


def test_comparison_of_some_models_at_another_step():
    figure = plot_comparison(comparison(missing=True), scores="crps", models=["good"], step=1)
    assert [part.get_label() for part in figure.axes[0].lines] == ["observed", "good"]
    assert [text.get_text() for text in figure.axes[2].texts] == ["not available"]


def test_comparison_refuses_what_it_does_not_have():
    for options, words in (
        ({"scores": "mape"}, "scores has 'mape'; choose among 'rmse', 'crps'"),
        ({"models": ["ugly"]}, "models has 'ugly'; choose among 'good', 'bad'"),
        ({"models": []}, "models is empty"),
        ({"step": 9}, "step=9 is not among the forecasts; choose 1 to 2"),
    ):
        with pytest.raises(ValueError, match=words):
            plot_comparison(comparison(), **({"scores": "rmse"} | options))


# ------------------------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("plot", [plot_components, plot_diagnostics, plot_lag_response, plot_predict, plot_recurrence])
def test_figures_given_are_drawn_in_and_others_have_the_size_asked_for(plot, results):
    own = plt.figure()
    assert plot(results, fig=own) is own and own.axes
    assert tuple(plot(results, figsize=(5.0, 4.0)).get_size_inches()) == (5.0, 4.0)


def test_methods_of_results_draw_the_same(results):
    for name in ("components", "recurrence", "lag_response", "predict", "diagnostics"):
        assert getattr(results, f"plot_{name}")().axes


def test_a_method_has_the_signature_and_the_docstring_of_its_function(results):
    for function in (plot_components, plot_recurrence, plot_lag_response, plot_predict, plot_diagnostics):
        method = getattr(results, function.__name__)
        assert list(inspect.signature(method).parameters) == list(inspect.signature(function).parameters)[1:]
        assert method.__doc__ == function.__doc__


def test_predictions_can_be_drawn_into_axes_of_a_figure_that_is_there(results):
    figure, (above, below) = plt.subplots(2)
    assert results.plot_predict(60, 75, ax=below, rng=0) is figure
    assert below.lines and not above.lines


def test_what_is_no_figure_is_refused(results):
    for method in (results.plot_components, results.plot_recurrence, results.plot_diagnostics, results.plot_predict):
        with pytest.raises(TypeError, match="fig must be a matplotlib Figure, not Axes"):
            method(fig=plt.figure().add_subplot())


def test_coverage_in_the_legend_is_that_of_the_interval(results):
    texts = results.plot_predict(60, 75, alpha=0.001, rng=0).axes[0].get_legend().get_texts()
    assert "99.9% interval" in [text.get_text() for text in texts]
    for method in (results.plot_components, results.plot_recurrence):
        with pytest.raises(ValueError, match="alpha must lie between 0 and 1, but is 95"):
            method(alpha=95)


LONG = "industrial production index of manufacturing, adjusted, 2010"
NAMED = {
    "components": lambda results, comparison: plot_components(results),
    "recurrence": lambda results, comparison: plot_recurrence(results, max_lag=6),
    "lag response": lambda results, comparison: plot_lag_response(results, max_lag=6),
    "predictions": lambda results, comparison: plot_predict(results, end=N - 1),
    "diagnostics": lambda results, comparison: plot_diagnostics(results),
    "comparison": lambda results, comparison: plot_comparison(comparison, scores=["rmse", "crps"]),
}


def texts_of(figure):
    """Texts that are seen, with the boxes they take; ticks beyond the ends of an axis are not."""
    figure.canvas.draw()
    hidden = set()
    for ax in figure.axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            for tick in axis.get_major_ticks():
                if not min(limits) <= tick.get_loc() <= max(limits):
                    hidden |= {tick.label1, tick.label2}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]
    return {text: text.get_window_extent() for text in texts}


@pytest.mark.parametrize("length", [5, 25, 60])
@pytest.mark.parametrize("kind", NAMED)
def test_texts_neither_overlap_nor_leave_the_figure_whatever_the_length_of_names(kind, length, with_exog):
    assert len(LONG) == 60
    y = pd.Series(with_exog.model._y, pd.date_range("2001-01-01", periods=N), name=LONG[-length:])
    exog = pd.DataFrame(with_exog.model._x, y.index, columns=[f"{LONG[:length]}{i}" for i in range(2)])
    own = prt.ParaRNN(y, exog, lags=2, units=(1, 1)).evaluate(with_exog.params.to_numpy())
    two = comparison()
    two.endog.name, two.reference = y.name, f"{LONG[:length]} bad"
    two.table.index = [f"{LONG[:length]} {name}" for name in two.table.index]
    two.forecasts["model"] = LONG[:length] + " " + two.forecasts["model"]
    figure = NAMED[kind](own, two)
    boxes = texts_of(figure)
    width, height = figure.canvas.get_width_height()
    for text, box in boxes.items():
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        apart = a.x1 < b.x0 + 2 or b.x1 < a.x0 + 2 or a.y1 < b.y0 + 2 or b.y1 < a.y0 + 2
        assert apart, (one, other)


@pytest.mark.parametrize("dpi", [55, 80, 100])
def test_labels_of_small_responses_stay_inside_the_figure_at_any_resolution(dpi):
    """Ticks may not grow wider once the layout has left room for them."""
    y = pd.Series(1e-9 * values(120), pd.date_range("2001", periods=120, freq="MS"), name="current")
    figure = plot_recurrence(prt.ParaRNN(y, units=(1, 1), activation="logistic").fit(penalty=1.0, n_starts=4))
    figure.set_dpi(dpi)
    assert all(box.x0 > -1 for box in texts_of(figure).values())


def test_the_names_of_units_stand_below_the_label_of_the_plane_and_bands_have_their_level():
    results = prt.ParaRNN(values(), units=(1,)).fit(penalty=1.0, n_starts=1)
    for alpha, end in ((0.05, ", 95% bands"), (0.2, ", 80% bands"), (None, "y")):
        figure = plot_recurrence(results, alpha=alpha)
        assert figure.get_suptitle().endswith(end)
    boxes, plane = texts_of(figure), figure.axes[-1]
    assert boxes[plane.get_legend().get_texts()[0]].y1 < boxes[plane.xaxis.label].y0


def test_predictions_refuse_what_is_no_axes_level_or_number_of_rows(results):
    figure, ax = plt.subplots()
    for options, words in (
        ({"ax": figure}, "ax must be matplotlib Axes, not Figure; make them"),
        ({"ax": ax, "fig": figure}, "ax and fig were both given"),
        ({"alpha": 95}, "alpha must lie between 0 and 1, but is 95"),
        ({"history": -2}, "history must be an integer of 0 or more, but is -2"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            results.plot_predict(**options)
    assert not ax.lines


def test_narrow_axes_have_their_legend_beside_their_title(results):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    results.plot_predict(end=N + 5, ax=axes[0], rng=0)
    figure.canvas.draw()
    legend = axes[0].get_legend().get_window_extent()
    title = next(text for text in axes[0].findobj(Text) if text.get_text() == "Predictions")
    assert legend.x0 > title.get_window_extent().x1 and legend.x0 > axes[0].get_window_extent().x0


def test_an_empty_figure_arranges_what_is_drawn_in_it(results):
    figure = results.plot_components(fig=plt.figure(figsize=(6, 5)))
    boxes = texts_of(figure)
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        assert not a.padded(-1).overlaps(b.padded(-1)), (one, other)


def test_a_single_forecast_of_a_comparison_is_seen():
    y = pd.Series(values(), name="sales")
    models = {"linear": prt.ParaRNN(y, units=()), "unit": prt.ParaRNN(y, units=(1,))}
    figure = prt.compare(y, holdout=1, models=models).plot()
    assert all(part.get_marker() == "o" and len(part.get_xdata()) == 1 for part in figure.axes[0].lines)


def test_dollar_signs_in_the_name_of_the_index_are_no_formulas(results):
    axes = plt.figure().add_subplot()
    set_time_axis(axes, results.model.index.rename("month, $ to $"))
    assert axes.get_xlabel() == r"month, \$ to \$"


def test_dollar_signs_in_names_are_no_formulas(with_exog):
    y = pd.Series(with_exog.model._y, name="price in $, less tax in $")
    figure = plot_components(prt.ParaRNN(y, units=()).fit())
    drawn = next(text for text in texts_of(figure) if "price" in text.get_text())
    assert drawn.get_text() == r"price in \$, less tax in \$"


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_observations_can_be_told_from_the_background_in_any_style(results, style):
    with plt.style.context(style):
        ax = results.plot_components().axes[0]
        drawn = line(ax, "observed")
        ink, paper = (np.array(to_rgb(colour)) for colour in (drawn.get_color(), ax.get_facecolor()[:3]))
        assert np.abs(drawn.get_alpha() * (ink - paper)).min() > 0.3


def test_positions_of_a_long_series_have_labels_that_do_not_overlap():
    long = prt.ParaRNN(np.tile(values(), 1500), units=()).fit()
    figure = long.plot_diagnostics()
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert len(boxes) > 3
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
