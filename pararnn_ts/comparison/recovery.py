"""A sequential sparse network against networks and regressions with the same data and the same budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.baselines import (
    LSTMLoss,
    StackedLoss,
    generic_network,
    generic_wiring,
    lagged_design,
    lagged_ridge,
)
from pararnn_ts.estimation.blas import one_blas_thread
from pararnn_ts.estimation.coding import code
from pararnn_ts.estimation.sequences import Panel, SequenceLoss
from pararnn_ts.estimation.sista import SISTAParams
from pararnn_ts.estimation.training import train
from pararnn_ts.models.arguments import check_count, check_generator
from pararnn_ts.models.panels import read_rows
from pararnn_ts.models.sista_training import next_rows, split_panel

if TYPE_CHECKING:
    from pararnn_ts.results.sista import SISTAResults

__all__ = ["BASELINES", "RecoveryComparison", "compare_recovery"]

BASELINES = ("untrained", "ridge", "stacked", "lstm")
# learning rates of the networks, and penalties of the regression
RATES = (1e-3, 3e-3, 1e-2, 2e-2, 4e-2)
PENALTIES = tuple(10.0 ** np.arange(-6.0, 2.0))
# steps of the untrained iteration beside those of the network
MANY_STEPS = 100
# longest gradient of the baselines, where the target has mean square one
CLIP_NORM = 0.2


@dataclass(frozen=True)
class RecoveryComparison:
    """
    Outcome of `compare_recovery`.

    Parameters
    ----------
    table : DataFrame
        One row for each method: number of weights, settings tried, the learning rate or penalty taken, updates, mean
        squared error on the held-out part of the training sample and on the new data, and the latter in decibels below
        the mean square of the target.
    reconstructions : dict
        What each method makes of the new data.
    """

    table: pd.DataFrame
    reconstructions: dict[str, pd.DataFrame]

    def __repr__(self) -> str:
        return self.table.to_string(float_format=lambda value: f"{value:.4g}")


def compare_recovery(
    results: SISTAResults,
    new_endog: Any,
    target: Any = None,
    *,
    baselines: Sequence[str] = BASELINES,
    lr: Sequence[float] = RATES,
    lags: int = 8,
    hidden: int | None = None,
    rng: Any = 0,
    disp: bool = False,
) -> RecoveryComparison:
    """
    Compare a trained network with baselines on new data.

    Parameters
    ----------
    results : SISTAResults
        Results of `fit("rnn", ...)`.
    new_endog : DataFrame or array_like
        Measurements that nothing was trained on.
    target : DataFrame or array_like, optional
        Their signals; left out where the network was trained to predict the next measurement.
    baselines : sequence of str
        Among "untrained" (the iteration with the start values, as many steps as the network and 100), "ridge" (on
        present and past measurements), "stacked" (the usual recurrent network of as many layers and the same
        nonlinearity) and "lstm".
    lr : sequence of float
        Learning rates to try for each network, each with the epochs and batches of the network at hand.
    lags : int
        Past measurements in the ridge regression.
    hidden : int, optional
        Units of the stacked network and of the LSTM; by default as many as atoms, and twice as many.
    rng : None, int or Generator
        Seed of the start values.
    disp : bool
        Whether to show progress bars.

    Returns
    -------
    RecoveryComparison

    Notes
    -----
    Settings are chosen on the held-out part of the training sample, never on the new data. A comparison is fair when
    the network itself was given as many learning rates: pass `lr` to `fit`, too.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> signal = np.cumsum(np.random.default_rng(0).standard_normal((40, 20, 16)), axis=1)
    >>> measured = signal + np.random.default_rng(1).standard_normal(signal.shape)
    >>> model = prt.SISTARNN(measured[:30], lam1=0.5, lam2=1.0)
    >>> results = model.fit("rnn", target=signal[:30], epochs=40)
    >>> results.compare(measured[30:], signal[30:], baselines=["ridge"]).table.index.tolist()
    ['SISTA-RNN', 'ridge, 8 lags']
    """
    training = results.training
    if training is None:
        raise ValueError(
            "results must be those of a trained network, which compare can hold against others; fit('rnn')."
        )
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise ValueError(f"baselines must be among {', '.join(map(repr, BASELINES))}, but {unknown[0]!r} is not.")
    if (target is None) != training.forecast:
        raise ValueError(
            "target must be the signals of new_endog, which the network was trained to recover."
            if target is None
            else "target must be left out, as the network was trained to predict the next measurement."
        )
    if hidden is not None:
        check_count(hidden, "hidden")
    seed = int(check_generator(rng).integers(2**31))
    new = results.apply(new_endog)
    y_new = next_rows(new.frame.panel) if training.forecast else read_rows(
        target, "target", new.frame, results.model.signal_names
    )  # fmt: skip
    rows = _Rows(results, new, y_new)
    with one_blas_thread():
        rows.add_network()
        for name in baselines:
            getattr(rows, f"add_{name}")(lr=tuple(lr), lags=lags, hidden=hidden, seed=seed, disp=disp)
    return rows.comparison()


class _Rows:
    """Rows of the table, collected on one scale of the data."""

    def __init__(self, results: SISTAResults, new: SISTAResults, y_new: np.ndarray):
        training, panel = results.training, results.model.frame.panel
        assert training is not None
        self.results, self.new, self.training = results, new, training
        y = None if training.forecast else results._target
        self.y_new = y_new
        known = panel.x if y is None else y
        self.unit = float(np.sqrt(np.nanmean(known**2)))
        scaled = Panel(panel.offsets, panel.x / self.unit)
        self.split = split_panel(scaled, None if y is None else y / self.unit, training.plan.valid_fraction)
        self.test = SequenceLoss(Panel(new.frame.panel.offsets, new.frame.panel.x / self.unit), y_new / self.unit)
        self.table: list[dict[str, Any]] = []
        self.made: dict[str, pd.DataFrame] = {}

    def add(self, name: str, out: np.ndarray, valid: float, **facts: Any) -> None:
        """Add a method whose outputs and held-out error are in the data's units."""
        error = float(np.nanmean((out - self.y_new) ** 2))
        power = float(np.nanmean(self.y_new**2))
        row = {"method": name, **facts, "valid_mse": valid, "test_mse": error}
        self.table.append({**row, "test_snr": 10.0 * np.log10(power / error)})
        columns = self.new.frame.columns if self.training.forecast else self.results.model.signal_names
        self.made[name] = self.new.frame.frame(out, columns)

    def _signals_or_next(self, codes: np.ndarray, params: SISTAParams) -> np.ndarray:
        output = params.A @ params.F @ params.D if self.training.forecast else params.D
        return codes @ output.T

    def add_network(self) -> None:
        """Add the network at hand."""
        r, t = self.results, self.training
        codes = r.encode(self.new.frame.panel)
        out = self._signals_or_next(codes, r.values) if r.tied else r.decode(codes)
        v = r.values
        if r.free is not None:
            weights = sum(part.size for part in r.network_weights().values())
        else:
            weights = sum(np.size(getattr(v, name)) for name in t.plan.train)
        name = "SISTA-RNN" if r.tied else "SISTA-RNN, freed"
        self.add(
            name,
            out,
            t.valid_mse,
            weights=int(weights),
            settings=len(t.tried),
            setting=t.learning_rate,
            updates=t.updates,
        )

    def add_untrained(self, **_: Any) -> None:
        """Add the iteration with the start values."""
        params, panel = self.training.start, self.new.frame.panel
        for steps in (self.results.model.n_layers, MANY_STEPS):
            out = self._signals_or_next(code(params, panel, 0.0, steps).codes, params)
            self.add(f"SISTA, {steps} steps, untrained", out, np.nan, weights=0, settings=0, setting=np.nan, updates=0)

    def add_ridge(self, *, lags: int, **_: Any) -> None:
        """Add the regression on present and past measurements."""
        lags = check_count(lags, "lags", 0)
        valid = self.split.train if self.split.valid is None else self.split.valid
        found, penalty, error = lagged_ridge(self.split.train, valid, lags, np.array(PENALTIES))
        out = lagged_design(self.test.panel, lags) @ found * self.unit
        self.add(
            f"ridge, {lags} lags", out, error * self.unit**2, weights=found.size, settings=len(PENALTIES),
            setting=penalty, updates=0,
        )  # fmt: skip

    def add_stacked(self, *, lr: Any, hidden: int | None, seed: int, disp: bool, **_: Any) -> None:
        """Add the usual stacked network."""
        layers = self.results.model.n_layers
        h = len(self.results.model.atom_names) if hidden is None else hidden
        sizes = self.split.train.panel.x.shape[1], h, self.split.train.y.shape[1]
        problem = StackedLoss(
            self.split.train, generic_network(*sizes, layers, np.random.default_rng(seed)), generic_wiring(layers)
        )
        self._train(f"stacked RNN, {layers} x {h}", problem, problem.pack(problem.start), lr, disp)

    def add_lstm(self, *, lr: Any, hidden: int | None, seed: int, disp: bool, **_: Any) -> None:
        """Add the LSTM."""
        h = 2 * len(self.results.model.atom_names) if hidden is None else hidden
        problem = LSTMLoss(self.split.train, h)
        self._train(f"LSTM, {h}", problem, problem.start(np.random.default_rng(seed)), lr, disp)

    def _train(self, name: str, problem: Any, start: np.ndarray, lr: tuple[float, ...], disp: bool) -> None:
        budget = self.training.plan.budget
        found = train(problem, start, self.split.valid, budget, lr, clip_norm=CLIP_NORM, disp=disp)
        out = problem.outputs(found.descent.params, self.test) * self.unit
        self.add(
            name, out, found.descent.score * self.unit**2, weights=problem.n_params, settings=len(lr),
            setting=found.rate, updates=found.descent.updates,
        )  # fmt: skip

    def comparison(self) -> RecoveryComparison:
        """Return the table and the reconstructions."""
        return RecoveryComparison(pd.DataFrame(self.table).set_index("method"), self.made)
