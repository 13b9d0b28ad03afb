"""What a user reads of a sequential sparse model: codes, reconstruction, forecasts, and what was learnt."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.baselines import free_wiring
from pararnn_ts.estimation.coding import Coded, code
from pararnn_ts.estimation.sequences import Panel, run
from pararnn_ts.estimation.sista import SISTAParams, lipschitz, stacked_wiring, unfold
from pararnn_ts.kernels.sparse_network import Network, Wiring
from pararnn_ts.models.panels import PanelFrame, follows, read_panel, read_rows
from pararnn_ts.results import sista_forecasts, sista_persistence
from pararnn_ts.results.graphics import PlotMethod
from pararnn_ts.results.refusals import NotOfTheSample
from pararnn_ts.results.sista_refusals import Refusals
from pararnn_ts.results.sista_summary import make_summary

if TYPE_CHECKING:
    from statsmodels.iolib.summary import Summary

    from pararnn_ts.models.sista import SISTARNN
    from pararnn_ts.models.sista_training import Training

__all__ = ["SISTAResults"]


class SISTAResults(Refusals):
    """
    Results of a sequential sparse model.

    Everything is computed when it is first asked for, and kept.

    Parameters
    ----------
    model : SISTARNN
        The model.
    values : SISTAParams
        Its parameters.
    tol, maxiter : float and int
        Stopping rule of the iteration, where nothing was trained.
    training : Training, optional
        How the network was trained.
    network : Network, optional
        Weights that were freed.
    target : ndarray, optional
        Signals that the network was trained to recover.
    frame : PanelFrame, optional
        Measurements; those of the model by default.
    states : ndarray, (n, H), optional
        Codes before each sequence, for results that extend others.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> results = prt.SISTARNN(x, lam1=0.5, lam2=0.5).fit()
    >>> results.codes.shape, bool(results.resid.equals(results.model.endog - results.fittedvalues))
    ((60, 16), True)
    """

    def __init__(
        self,
        model: SISTARNN,
        values: SISTAParams,
        *,
        tol: float = 0.0,
        maxiter: int = 0,
        training: Training | None = None,
        network: Network | None = None,
        target: np.ndarray | None = None,
        frame: PanelFrame | None = None,
        states: np.ndarray | None = None,
    ):
        self.model, self.values, self.training, self.free, self.states = model, values, training, network, states
        self.tol, self.maxiter = tol, maxiter
        self.frame = model.frame if frame is None else frame
        self._target = target

    # ---------------------------------------------------------------------------------------------- the parameters

    @property
    def method(self) -> str:
        """Return "sista", nothing trained, or "rnn"."""
        return "sista" if self.training is None else "rnn"

    @property
    def nobs(self) -> int:
        """Number of rows that have a measurement."""
        return int(np.isfinite(self.frame.panel.x).any(axis=1).sum())

    @property
    def tied(self) -> bool:
        """Whether the weights are functions of the model."""
        return self.free is None

    @cached_property
    def params(self) -> pd.Series:
        """Constants of the model, norm of its transition, and Lipschitz constant relative to the inverse step."""
        v = self.values
        norm = float(np.linalg.norm(v.F, 2))
        return pd.Series(
            [v.alpha, v.lam1, v.lam2, norm, lipschitz(v) / v.alpha],
            ["alpha", "lam1", "lam2", "|F|", "L/alpha"],
            name="params",
        )

    @property
    def dictionary(self) -> pd.DataFrame:
        """Dictionary D, rows signals and columns atoms; of freed weights what turns codes into signals."""
        D = self.values.D if self.free is None else self.free.output
        return pd.DataFrame(D, self.model.signal_names, self.model.atom_names)

    @property
    def transition(self) -> pd.DataFrame:
        """Transition F of the signals, from columns to rows."""
        self.require_tied("a transition")
        return pd.DataFrame(self.values.F, self.model.signal_names, self.model.signal_names)

    @property
    def measurement(self) -> pd.DataFrame:
        """Measurement matrix A, rows sensors and columns signals."""
        return pd.DataFrame(self.values.A, self.frame.columns, self.model.signal_names)

    def require_tied(self, what: str) -> None:
        """Raise for a network whose weights were freed."""
        if not self.tied:
            raise NotOfTheSample(
                f"The weights of this network were freed, so it has no {what}; fit with tied=True to have one."
            )

    def network_weights(self) -> dict[str, np.ndarray]:
        """
        Return the weights of the network that the model unfolds to.

        Returns
        -------
        dict
            "V" (H, M) from the input to every layer, "S" (H, H) from layer to layer, "W1" and "Wk" (H, H) from the last
            code to the first and to the other layers, "threshold" (H,), "U" (N, H) and "c" (N,) to the output, and "h0"
            (H,). Where the weights were freed, "V", "S", "W" and "threshold" have a leading axis, the layer.

        Examples
        --------
        >>> import numpy as np
        >>> import pararnn_ts as prt
        >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=0.1, lam2=0.1).fit()
        >>> weights = results.network_weights()
        >>> weights["S"].shape, bool(np.allclose(weights["S"], weights["S"].T))
        ((16, 16), True)
        """
        if self.free is not None:
            n = self.free
            return {
                "V": n.input, "S": n.stacked, "W": n.recurrent, "threshold": n.threshold, "U": n.output, "c": n.bias,
                "h0": n.state[-1],
            }  # fmt: skip
        n = unfold(self.values, self.model.n_layers)
        return {
            "V": n.input[0], "S": n.stacked[0], "W1": n.recurrent[0], "Wk": n.scale[1] * n.recurrent[1],
            "threshold": n.threshold[0], "U": n.output, "c": n.bias, "h0": self.values.h0,
        }  # fmt: skip

    # ------------------------------------------------------------------------------------------- the sample, explained

    def wired(self) -> tuple[Network, Wiring]:
        """Return the network and its wiring."""
        if self.free is not None:
            return self.free, free_wiring(self.model.n_layers)
        return unfold(self.values, self.model.n_layers), stacked_wiring(self.model.n_layers)

    def encode(self, panel: Panel, states: np.ndarray | None = None) -> np.ndarray:
        """
        Codes of any panel of measurements.

        Parameters
        ----------
        panel : Panel
            Measurements, as ``frame.panel`` holds them.
        states : ndarray, (sequences, H), optional
            Codes before each sequence; by default h0.

        Returns
        -------
        ndarray, (rows, H)
        """
        if self.training is None:
            return code(self.values, panel, self.tol, self.maxiter, states).codes
        network, wiring = self.wired()
        before = None
        if states is not None:
            before = np.zeros((len(states), *network.state.shape))
            before[:, -1] = states
        return run(network, wiring, panel, before)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """
        Signals of codes.

        Parameters
        ----------
        codes : ndarray, (rows, H)
            Codes.

        Returns
        -------
        ndarray, (rows, N)
        """
        return codes @ self.values.D.T if self.free is None else codes @ self.free.output.T + self.free.bias

    @cached_property
    def coded(self) -> Coded | None:
        """Codes, iterations and objective, where nothing was trained."""
        return (
            code(self.values, self.frame.panel, self.tol, self.maxiter, self.states) if self.method == "sista" else None
        )

    @cached_property
    def raw_codes(self) -> np.ndarray:
        """Codes as an array."""
        found = self.encode(self.frame.panel, self.states) if self.coded is None else self.coded.codes
        if not np.isfinite(found).all():
            raise NotOfTheSample(
                "The iteration diverged on these data, as its inverse step alpha is too small; leave alpha out, or "
                f"pass more than {lipschitz(self.values):.4g}."
            )
        return found

    @property
    def codes(self) -> pd.DataFrame:
        """Codes, a column for each atom."""
        return self.frame.frame(self.raw_codes, self.model.atom_names)

    @property
    def active_atoms(self) -> pd.Series:
        """Number of atoms in use at each time."""
        return pd.Series((self.raw_codes != 0.0).sum(axis=1), self.frame.index, name="active_atoms")

    @property
    def sparsity(self) -> float:
        """Share of code entries that are not zero."""
        return float(np.mean(self.raw_codes != 0.0))

    @property
    def reconstruction(self) -> pd.DataFrame:
        """Recovered signals."""
        return self.frame.frame(self.decode(self.raw_codes), self.model.signal_names)

    @property
    def fittedvalues(self) -> pd.DataFrame:
        """Measurements of the recovered signals."""
        return self.frame.frame(self.decode(self.raw_codes) @ self.values.A.T)

    @property
    def resid(self) -> pd.DataFrame:
        """Measurements less those of the recovered signals, NaN where missing."""
        return self.frame.frame(self.frame.panel.x) - self.fittedvalues

    @property
    def one_step(self) -> pd.DataFrame:
        """Predictions of each measurement from those before it; of the first from h0."""
        return self.frame.frame(self.one_step_values())

    def one_step_values(self) -> np.ndarray:
        """One-step predictions as an array."""
        self.require_tied("a transition, with which to predict")
        codes, offsets = self.raw_codes, self.frame.panel.offsets
        before = np.empty_like(codes)
        before[1:] = codes[:-1]
        before[offsets[:-1]] = self.values.h0 if self.states is None else self.states
        return before @ (self.values.A @ self.values.F @ self.values.D).T

    @cached_property
    def objective(self) -> float:
        """
        Penalised objective of the codes; NaN for a network whose weights were freed.

        It is not a likelihood: penalties are chosen, not estimated, so there are no information criteria.
        """
        if not self.tied:
            return float("nan")
        if self.coded is not None:
            return float(self.coded.objective.sum())
        codes, v = self.raw_codes, self.values
        before = np.empty_like(codes)
        before[1:] = codes[:-1]
        before[self.frame.panel.offsets[:-1]] = v.h0 if self.states is None else self.states
        moved = codes @ v.D.T - before @ (v.F @ v.D).T
        misfit = np.nan_to_num(self.resid.to_numpy())
        return float(0.5 * np.sum(misfit**2) + v.lam1 * np.abs(codes).sum() + 0.5 * v.lam2 * np.sum(moved**2))

    @property
    def history(self) -> pd.DataFrame | None:
        """Learning rate, training and held-out error by update; None where nothing was trained."""
        return None if self.training is None else self.training.history

    @property
    def converged(self) -> bool:
        """Whether the training came to its end; of the iteration, whether each observation met the tolerance."""
        if self.training is not None:
            return self.training.converged
        return self.coded is not None and bool((self.coded.iterations < self.maxiter).mean() >= 0.99)

    # ------------------------------------------------------------------------------------------------------ errors

    def _against(self, target: Any) -> tuple[np.ndarray, np.ndarray]:
        """What is to be recovered, and what was, as arrays."""
        if target is not None:
            return read_rows(target, "target", self.frame, self.model.signal_names), self.decode(self.raw_codes)
        if self._target is not None:
            return self._target, self.decode(self.raw_codes)
        return self.frame.panel.x, self.fittedvalues.to_numpy()

    def mse(self, target: Any = None) -> float:
        """
        Mean squared error.

        Parameters
        ----------
        target : DataFrame or array_like, optional
            True signals; None: those of the training, and without a training on signals the measurements.

        Returns
        -------
        float
            In squared units of the data; what is missing does not count.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x, lam1=0.1, lam2=0.1).fit()
        >>> bool(np.isclose(results.mse(), (results.resid**2).to_numpy().mean()))
        True
        """
        truth, found = self._against(target)
        return float(np.nanmean((truth - found) ** 2))

    def snr(self, target: Any = None) -> float:
        """
        Signal-to-noise ratio in decibels, ten times the logarithm of the mean square of the target over `mse`.

        Parameters
        ----------
        target : DataFrame or array_like, optional
            As in `mse`.

        Returns
        -------
        float

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x, lam1=0.1, lam2=0.1).fit()
        >>> bool(np.isclose(results.snr(), 10 * np.log10(np.mean(x**2) / results.mse())))
        True
        """
        truth, found = self._against(target)
        return float(10.0 * np.log10(np.nanmean(truth**2) / np.nanmean((truth - found) ** 2)))

    def psnr(self, peak: float, target: Any = None) -> float:
        """
        Peak signal-to-noise ratio in decibels, ten times the logarithm of peak squared over `mse`.

        Parameters
        ----------
        peak : float
            Largest value that the signals can have.
        target : DataFrame or array_like, optional
            As in `mse`.

        Returns
        -------
        float

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x, lam1=0.1, lam2=0.1).fit()
        >>> bool(results.psnr(peak=np.abs(x).max()) > results.snr())
        True
        """
        if not peak > 0:
            raise ValueError(f"peak must be positive, but is {peak!r}.")
        return float(10.0 * np.log10(peak**2 / self.mse(target)))

    # -------------------------------------------------------------------------------------------------- other data

    def predict(self, new_endog: Any = None) -> pd.DataFrame:
        """
        Recover the signals behind measurements.

        Parameters
        ----------
        new_endog : DataFrame or array_like, optional
            Measurements with the columns of the sample, each sequence beginning anew; None: the sample.

        Returns
        -------
        DataFrame
            Rows as in `new_endog`, a column for each signal.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x[:50], lam1=0.1, lam2=0.1).fit()
        >>> results.predict(x[50:]).shape
        (10, 16)
        """
        return self.reconstruction if new_endog is None else self.apply(new_endog).reconstruction

    def apply(self, new_endog: Any) -> SISTAResults:
        """
        Apply the parameters to other measurements, which begin anew.

        Parameters
        ----------
        new_endog : DataFrame or array_like
            Measurements with the columns of the sample.

        Returns
        -------
        SISTAResults
            Results of the other measurements.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x[:50], lam1=0.1, lam2=0.1).fit()
        >>> results.apply(x[50:]).codes.shape
        (10, 16)
        """
        return self._with(read_panel(new_endog, "new_endog", self.frame), None)

    def extend(self, new_endog: Any) -> SISTAResults:
        """
        Results for measurements that follow the sample, which begin with the codes at its end.

        Parameters
        ----------
        new_endog : DataFrame or array_like
            Measurements; of many sequences some may be left out.

        Returns
        -------
        SISTAResults
            Results of the new measurements.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x[:50], lam1=0.1, lam2=0.1).fit()
        >>> results.extend(x[50:]).codes.index.tolist()[:2]
        [50, 51]
        """
        frame = self._following(new_endog)
        ends = self.last_codes
        if frame.keys is None:
            return self._with(frame, ends)
        return self._with(frame, ends[self.frame.keys.get_indexer(frame.keys)])  # type: ignore[union-attr]

    def append(self, new_endog: Any) -> SISTAResults:
        """
        Results for the sample and measurements that follow it, with the same parameters.

        Parameters
        ----------
        new_endog : DataFrame or array_like
            Measurements; of many sequences some may be left out.

        Returns
        -------
        SISTAResults
            Results of the longer sample.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
        >>> results = prt.SISTARNN(x[:50], lam1=0.1, lam2=0.1).fit()
        >>> results.append(x[50:]).codes.shape
        (60, 16)
        """
        return self._with(self.frame.appended(self._following(new_endog)), self.states)

    def _following(self, new_endog: Any) -> PanelFrame:
        frame = read_panel(new_endog, "new_endog", self.frame)
        if not isinstance(new_endog, (pd.DataFrame, pd.Series)) and len(frame.times) == len(self.frame.times):
            # without labels they follow the sample
            steps = len(frame.times[0])
            frame = replace(frame, times=self.frame.future(steps), keys=self.frame.keys, names=self.frame.names)
        follows(self.frame, frame, "new_endog")
        return frame

    def _with(self, frame: PanelFrame, states: np.ndarray | None) -> SISTAResults:
        return SISTAResults(
            self.model, self.values, tol=self.tol, maxiter=self.maxiter, training=self.training, network=self.free,
            frame=frame, states=states,
        )  # fmt: skip

    @property
    def last_codes(self) -> np.ndarray:
        """Code at the end of each sequence."""
        return self.raw_codes[self.frame.panel.offsets[1:] - 1]

    # ------------------------------------------------------------------------------------------------------ the rest

    def summary(self) -> Summary:
        """
        Summary of the results.

        Returns
        -------
        Summary
            Prints as text; has `as_text`, `as_html`, `as_latex` and `as_csv`. It shows no standard errors: none are
            known for these estimates.

        Examples
        --------
        >>> import numpy as np
        >>> import pararnn_ts as prt
        >>> results = prt.SISTARNN(np.random.default_rng(0).standard_normal((30, 16)), lam1=0.1, lam2=0.1).fit()
        >>> print(results.summary().as_text().splitlines()[0].strip())
        SISTARNN Results
        """
        return make_summary(self)

    def compare(self, new_endog: Any, target: Any = None, **options: Any) -> Any:
        """
        Hold the network against baselines.

        Parameters
        ----------
        new_endog : DataFrame or array_like
            Measurements that no method has seen.
        target : DataFrame or array_like, optional
            True signals of them; None: the next measurement is what is predicted.
        **options
            Baselines and how they are trained: `baselines`, `lr`, `lags`, `hidden` and `rng`, see
            `pararnn_ts.comparison.recovery.compare_recovery`.

        Returns
        -------
        RecoveryComparison
            With `table` and `reconstructions`.
        """
        from pararnn_ts.comparison.recovery import compare_recovery

        return compare_recovery(self, new_endog, target, **options)

    forecast = sista_forecasts.forecast
    get_forecast = sista_forecasts.get_forecast
    simulate = sista_forecasts.simulate
    save = sista_persistence.save

    plot_codes = PlotMethod()
    plot_dictionary = PlotMethod()
    plot_transition = PlotMethod()
    plot_reconstruction = PlotMethod()
