"""Sequential sparse recovery of a multivariate signal, and the recurrent network into which it unfolds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pararnn_ts.estimation.coding import choose_penalties
from pararnn_ts.estimation.dictionaries import DICTIONARIES, MOMENTS, cosines, wavelet_levels, wavelets
from pararnn_ts.estimation.sista import SISTAParams
from pararnn_ts.models.arguments import check_choice, check_count, check_disp, check_number, check_share, given
from pararnn_ts.models.frames import as_pandas
from pararnn_ts.models.options import OptionBearer
from pararnn_ts.models.panels import PanelFrame, as_matrix, read_panel, read_rows
from pararnn_ts.models.sista_training import Plan, train_network

if TYPE_CHECKING:
    from pararnn_ts.results.sista import SISTAResults

__all__ = ["SISTARNN"]


class SISTARNN(OptionBearer):
    r"""
    Sequential iterative soft-thresholding (SISTA), an estimator of sparse signals and a recurrent network.

    A signal that is sparse in a dictionary and evolves linearly in time is observed through sensors:

    .. math::

        s_t = D h_t, \qquad x_t = A s_t + e_t, \qquad s_t = F s_{t-1} + v_t,

    with sparse codes h_t. At each time the code minimises

    .. math::

        \tfrac12 |x_t - A D h|^2 + \lambda_1 |h|_1 + \tfrac{\lambda_2}{2} |D h - F D h_{t-1}|^2

    given the previous code, by soft-thresholded gradient steps of size :math:`1/\alpha` that start from the predicted
    code. With a fixed number of steps this is a recurrent network whose weights are functions of A, D, F and three
    constants. It can be trained like one, and what it has learnt can be read from these matrices.

    Parameters
    ----------
    endog : DataFrame, mapping of DataFrames or array_like
        Measurements x_t: a row for each time, a column for each sensor. Many sequences are given by a MultiIndex
        (sequence, time), a mapping from their names to DataFrames, or an array of three dimensions (sequence, time,
        sensor). Missing values mean that a sensor was off.
    measurement : DataFrame or array_like, (M, N), optional
        Matrix A; the columns of a DataFrame name the signals. None: each series is itself a signal.
    dictionary : {"db4", "haar", "dct"}, DataFrame or array_like, (N, H)
        Matrix D. "db4" and "haar" are orthonormal bases of periodic wavelets, for signals along a line or a ring of
        sensors; "dct" is the orthonormal basis of cosines. The columns of a DataFrame name the atoms. The prediction
        D'F D h of the next code is good where D D' is close to the identity; divide a matrix with a norm above one by
        its norm.
    transition : "identity", float, DataFrame or array_like, (N, N)
        Matrix F; a number means that multiple of the identity.
    n_layers : int
        Number of steps for each observation in the network.
    alpha : float, optional
        Inverse step size. None: 1.05 times the Lipschitz constant, for which the objective falls at every step.
    lam1, lam2 : float, optional
        Penalties. None: those that best predict a held-out tenth of the measurements from the others.
    h0 : array_like, (H,), optional
        Code before the first observation; zero by default.
    missing : {"mask", "raise"}
        "mask" leaves missing measurements out of the objective; "raise" refuses them.

    Notes
    -----
    Results are DataFrames, even if the measurements are given as an array.

    References
    ----------
    Wisdom, Powers, Pitton and Atlas (2016), Interpretable recurrent neural networks using sequential sparse recovery,
    arXiv 1611.07252.

    Examples
    --------
    >>> import numpy as np
    >>> import pararnn_ts as prt
    >>> x = np.cumsum(np.random.default_rng(0).standard_normal((60, 16)), axis=0)
    >>> results = prt.SISTARNN(x).fit()
    >>> results.forecast(2).shape, results.reconstruction.shape
    ((2, 16), (60, 16))
    """

    def __init__(
        self,
        endog: Any,
        *,
        measurement: Any = None,
        dictionary: Any = "db4",
        transition: Any = "identity",
        n_layers: int = 3,
        alpha: float | None = None,
        lam1: float | None = None,
        lam2: float | None = None,
        h0: Any = None,
        missing: str = "mask",
    ):
        self.frame: PanelFrame = read_panel(endog)
        measurement, dictionary = as_pandas(measurement, "measurement"), as_pandas(dictionary, "dictionary")
        transition, endog = as_pandas(transition, "transition"), as_pandas(endog, "endog")
        if not isinstance(endog, pd.DataFrame) and _names_rows(measurement, len(self.frame.columns)):
            # columns that have no names of their own take those of the rows
            self.frame = replace(self.frame, columns=measurement.index)
        self.measurement, self.dictionary, self.transition = measurement, dictionary, transition
        self.n_layers = check_count(n_layers, "n_layers")
        self.alpha = _constant(alpha, "alpha", positive=True)
        self.lam1, self.lam2 = _constant(lam1, "lam1"), _constant(lam2, "lam2")
        self.h0, self.missing = h0, missing
        _check_missing(missing, self.frame)
        self._A, self.signal_names = _measurement(measurement, self.frame.columns)
        self._D, self.atom_names = _dictionary(dictionary, self.signal_names)
        self._F = _transition(transition, self.signal_names)
        self._h0 = np.zeros(self._D.shape[1]) if h0 is None else as_matrix([h0], "h0", (1, self._D.shape[1]))[0]

    @property
    def endog(self) -> pd.DataFrame:
        """Measurements on the complete index."""
        return self.frame.frame(self.frame.panel.x)

    @property
    def endog_names(self) -> list[Any]:
        """Names of the sensors."""
        return list(self.frame.columns)

    @property
    def nobs(self) -> int:
        """Number of rows that have a measurement."""
        return int(np.isfinite(self.frame.panel.x).any(axis=1).sum())

    @cached_property
    def start_params(self) -> SISTAParams:
        """Parameters before any training, with constants chosen where they were not given."""
        given = SISTAParams(self._A, self._D, self._F, 1.0, 0.0, 0.0, self._h0)
        return choose_penalties(given, self.frame.panel, self.lam1, self.lam2, self.alpha)

    def fit(
        self,
        method: str = "sista",
        *,
        tol: float = 1e-4,
        maxiter: int = 100,
        target: Any = None,
        train: Sequence[str] | None = None,
        tied: bool = True,
        epochs: int | None = None,
        lr: float | Sequence[float] | None = None,
        batch: int = 50,
        valid_fraction: float = 0.1,
        rng: Any = 0,
        device: str = "cpu",
        disp: bool = False,
    ) -> SISTAResults:
        """
        Recover the signal, with or without training.

        Parameters
        ----------
        method : {"sista", "rnn"}
            "sista" computes the codes with the model as it is. "rnn" first trains the network of `n_layers` steps.
        tol : float
            "sista": relative decrease of the objective at which the iteration for an observation ends; 0: never.
        maxiter : int
            "sista": largest number of steps for each observation.
        target : DataFrame or array_like, optional
            "rnn": the signals to be recovered, as far as they are known for the training sample (else NaN). None: the
            network learns to predict the next measurement and so becomes a forecaster.
        train : sequence of str, optional
            "rnn": what to train, among "A", "D", "F", "alpha", "lam1", "lam2" and "h0". None: all of them with a
            target; without one all but "A" and "D", which define the signal.
        tied : bool
            "rnn": whether the weights remain functions of the model. False: they start there and are then free, which
            needs a target and plenty of data.
        epochs : int, optional
            "rnn": passes through the training sequences. None: as many as make 500 updates.
        lr : float or sequence of float, optional
            "rnn": learning rate; of several, the one with the smallest held-out error is used. None: 0.01.
        batch : int
            "rnn": number of sequences in a batch.
        valid_fraction : float
            "rnn": share of the sequences, the last ones, that is held out to choose the best epoch; for a single
            sequence, of its rows. 0: none.
        rng : None, int or Generator
            "rnn": source of the random order of the sequences.
        device : str
            "cpu" is the only choice.
        disp : bool
            "rnn": whether to show a progress bar.

        Returns
        -------
        SISTAResults

        Warns
        -----
        ConvergenceWarning
            The training diverged; the best parameters before that are kept.

        Examples
        --------
        >>> import numpy as np
        >>> import pararnn_ts as prt
        >>> signal = np.cumsum(np.random.default_rng(0).standard_normal((30, 20, 16)), axis=1)
        >>> measured = signal + np.random.default_rng(1).standard_normal(signal.shape)
        >>> results = prt.SISTARNN(measured, lam1=0.5, lam2=1.0).fit("rnn", target=signal, epochs=40)
        >>> bool(results.mse() < prt.SISTARNN(measured, lam1=0.5, lam2=1.0).fit().mse(signal))
        True
        """
        from pararnn_ts.results.sista import SISTAResults

        if not isinstance(device, str) or device != "cpu":
            raise ValueError(
                f"device={given(device)} is not available for SISTARNN, whose kernels run on the processor only; pass "
                "device='cpu'."
            )
        check_choice(method, "method", ("sista", "rnn"))
        if self.nobs == 0:
            raise ValueError(f"endog has no observations: all of its {self.frame.panel.x.size} values are missing.")
        if method == "sista":
            training_only = {
                "target": (target, None), "train": (train, None), "tied": (tied, True), "epochs": (epochs, None),
                "lr": (lr, None), "batch": (batch, 50), "valid_fraction": (valid_fraction, 0.1),
            }  # fmt: skip
            _refuse(training_only, "is for method='rnn'; method='sista' trains nothing.")
            tol, maxiter = check_share(tol, "tol"), check_count(maxiter, "maxiter")
            return SISTAResults(self, self.start_params, tol=tol, maxiter=maxiter)
        coding_only = {"tol": (tol, 1e-4), "maxiter": (maxiter, 100)}
        _refuse(
            coding_only, "is for method='sista'; a network makes n_layers steps, and epochs say how long it is trained."
        )
        plan = Plan.checked(
            train=train, tied=tied, epochs=epochs, lr=lr, batch=batch, valid_fraction=valid_fraction, rng=rng,
            supervised=target is not None, panel=self.frame.panel,
        )  # fmt: skip
        y = None if target is None else read_rows(target, "target", self.frame, self.signal_names)
        say = check_disp(disp)
        network, params, training = _in_threads(
            lambda pool: train_network(self.frame.panel, y, self.start_params, self.n_layers, plan, pool, say)
        )
        training.warn()
        return SISTAResults(self, params, training=training, network=network, target=y)

    def clone_with(self, endog: Any) -> SISTARNN:
        """
        Make the same model for other measurements.

        Parameters
        ----------
        endog
            As in the constructor.

        Returns
        -------
        SISTARNN
            The model, not fitted.

        Examples
        --------
        >>> import numpy as np, pararnn_ts as prt
        >>> x = np.random.default_rng(0).standard_normal((40, 16))
        >>> prt.SISTARNN(x, lam1=0.3).clone_with(x[:30]).option_values()["lam1"]
        0.3
        """
        return type(self)(endog, **self.option_values())


def _in_threads(task: Any) -> Any:
    """Run a task with linear algebra on one thread and a pool of the threads that numba may use."""
    from pararnn_ts.estimation.blas import one_blas_thread
    from pararnn_ts.estimation.estimate import n_threads

    threads = n_threads()
    with one_blas_thread(), ThreadPoolExecutor(threads - 1) if threads > 1 else nullcontext() as pool:
        return task(pool)


def _refuse(arguments: dict[str, tuple[Any, Any]], why: str) -> None:
    """Raise for an argument of the other method that differs from its default."""
    for name, (value, default) in arguments.items():
        if value is not default and (np.ndim(value) > 0 or value != default):
            raise ValueError(f"{name} {why}")


def _constant(value: float | None, name: str, positive: bool = False) -> float | None:
    """Return a constant that may be left to the data; None where it is."""
    return None if value is None else check_number(value, name, positive=positive, least=None if positive else 0.0)


def _check_missing(missing: str, frame: PanelFrame) -> None:
    check_choice(missing, "missing", ("mask", "raise"))
    absent = np.isnan(frame.panel.x)
    if missing == "raise" and absent.any():
        row, column = np.argwhere(absent)[0]
        raise ValueError(
            f"endog has {int(absent.sum())} missing values, the first at {frame.index[row]} in column "
            f"{frame.columns[column]!r}, and missing='raise'; leave missing out to have them masked."
        )


def _names_rows(value: Any, n: int) -> bool:
    """Whether a matrix has names for n rows."""
    return isinstance(value, pd.DataFrame) and not isinstance(value.index, pd.RangeIndex) and len(value) == n


def _measurement(value: Any, sensors: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Matrix A and the names of the signals."""
    if value is None:
        return np.eye(len(sensors)), sensors
    if isinstance(value, pd.DataFrame) and not isinstance(value.index, pd.RangeIndex):
        if not value.index.is_unique or set(value.index) != set(sensors):
            raise ValueError(
                f"measurement must have a row for each column of endog, but its index has {list(value.index[:3])} and "
                f"endog the columns {list(sensors[:3])}; name them alike, or pass an array."
            )
        value = value.loc[list(sensors)]
    A = as_matrix(value, "measurement", (len(sensors), None))
    names = value.columns if isinstance(value, pd.DataFrame) else pd.Index([f"s{j}" for j in range(A.shape[1])])
    if not names.is_unique:
        raise ValueError("measurement has columns of the same name; give each signal a name of its own.")
    return A, names


def _dictionary(value: Any, signals: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Matrix D and the names of its atoms."""
    n = len(signals)
    if isinstance(value, str):
        if value not in DICTIONARIES:
            raise ValueError(
                f"dictionary must be one of {', '.join(map(repr, DICTIONARIES))} or a matrix, not {value!r}."
            )
        if value == "dct":
            return cosines(n), pd.Index([f"cosine{k}" for k in range(n)])
        levels = wavelet_levels(n, value) if value in MOMENTS else 0
        D, atoms = wavelets(n, value), [f"scaling{k}" for k in range(n // 2**levels)]
        for level in range(levels, 0, -1):
            atoms += [f"detail{level}.{k}" for k in range(n // 2**level)]
        return D, pd.Index(atoms)
    if isinstance(value, pd.DataFrame) and not isinstance(value.index, pd.RangeIndex):
        if not value.index.is_unique or set(value.index) != set(signals):
            raise ValueError(
                f"dictionary must have a row for each signal, but its index has {list(value.index[:3])} and the "
                f"signals are {list(signals[:3])}; name them alike, or pass an array."
            )
        value = value.loc[list(signals)]
    D = as_matrix(value, "dictionary", (n, None))
    names = value.columns if isinstance(value, pd.DataFrame) else pd.Index([f"atom{k}" for k in range(D.shape[1])])
    return D, names


def _transition(value: Any, signals: pd.Index) -> np.ndarray:
    n = len(signals)
    if isinstance(value, str):
        if value != "identity":
            raise ValueError(f"transition must be 'identity', a number or a matrix, not {value!r}.")
        return np.eye(n)
    if np.ndim(value) == 0:
        return check_number(value, "transition") * np.eye(n)
    if isinstance(value, pd.DataFrame) and set(value.index) == set(signals) == set(value.columns):
        value = value.loc[list(signals), list(signals)]
    return as_matrix(value, "transition", (n, n))
