"""
CPU kernels compiled for CUDA from their own source, devices, and launches in tiles.

A kernel of this package is a plain function of arrays and numbers. For a CUDA device each of them, and every kernel it
calls, is built once more with other global names: the operations on lanes become those on one number
(:mod:`scalar`), and numbers such as the length of a block may be chosen anew. No kernel is written twice.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from pararnn_ts._compat import compiling_for
from pararnn_ts.kernels import lanes, scalar

__all__ = [
    "DEVICES",
    "SCALAR",
    "NoDeviceError",
    "check_device",
    "compiled_kernel",
    "cuda_module",
    "free_memory",
    "on_device",
    "ptx",
    "quiet_launches",
    "rebuild",
    "require_device",
    "simulated",
    "tiles",
]

# what the names of `lanes` mean where a thread is a lane
SCALAR: dict[str, Any] = {name: getattr(scalar, name) for name in scalar.__all__}

# numbers with which passes over the data are computed; small systems are always solved in double precision
DEVICES = {"cuda": np.float64, "cuda:float32": np.float32}

# share of the free memory that a launch may use
MEMORY_SHARE = 0.8
# threads that a multiprocessor holds, at most, whatever the device
RESIDENT = 2048


class NoDeviceError(RuntimeError):
    """There is no CUDA device, or no software to reach it."""


def cuda_module():
    """Return ``numba.cuda``, imported when first asked for."""
    from numba import cuda

    return cuda


def simulated() -> bool:
    """Whether kernels run in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``)."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]


def require_device() -> None:
    """
    Raise :class:`NoDeviceError` unless a kernel can be launched.

    Examples
    --------
    >>> from pararnn_ts.kernels.cuda.target import NoDeviceError, require_device
    >>> try:
    ...     require_device()
    ... except NoDeviceError as error:
    ...     assert "device='cpu'" in str(error)
    """
    try:
        found = cuda_module().is_available()
    except ImportError:
        found = False
    if not found:
        raise NoDeviceError(
            "device='cuda' needs an NVIDIA GPU with its driver and the extra pararnn-ts[cuda], but none can be used "
            "here; pass device='cpu'."
        )


def check_device(device: Any) -> None:
    """
    Check the name of a device and that there is one.

    Raises
    ------
    ValueError
        No such name.
    NoDeviceError
        The name of a device that is not here.
    """
    if isinstance(device, str) and device == "cpu":
        return
    if not isinstance(device, str) or device not in DEVICES:
        names = ", ".join(map(repr, ("cpu", *DEVICES)))
        shown = repr(device) if isinstance(device, str) else f"of type {type(device).__name__}"
        raise ValueError(f"device must be one of {names}, but is {shown}.")
    require_device()


def rebuild(
    function: Callable,
    substitutes: Mapping[str, Any],
    real: type | None = None,
    finish: Callable[[Callable], Callable] | None = None,
    built: dict[Callable, Callable] | None = None,
) -> Callable:
    """
    Build a kernel, and every kernel it calls, from its plain source with other values of global names.

    Parameters
    ----------
    function : callable
        A kernel made by :func:`jit.jit`, or its plain form.
    substitutes : mapping
        Values that global names take.
    real : type, optional
        ``numpy.float32`` also makes the numbers in the source single, so that single arguments stay single.
    finish : callable, optional
        What is done with each function that is built: a compiler, say.
    built : dict, optional
        Functions built before in the same way, by plain function; extended.

    Returns
    -------
    callable
        The new function.

    Raises
    ------
    TypeError
        The kernel uses an operation on lanes that has no substitute.
    """
    built = {} if built is None else built
    plain = getattr(function, "py_func", function)
    if plain in built:
        return built[plain]

    def translate(name: str, value: Any) -> Any:
        if name in substitutes:
            return substitutes[name]
        if getattr(value, "__module__", None) == lanes.__name__:
            raise TypeError(f"{plain.__name__} calls {name}, which has no meaning for one number; see kernels.scalar.")
        inner = getattr(value, "py_func", value)
        if isinstance(inner, FunctionType) and inner.__module__.startswith("pararnn_ts."):
            return rebuild(inner, substitutes, real, finish, built)
        return real(value) if real is not None and isinstance(value, float) else value

    code, known = plain.__code__, plain.__globals__
    if real is not None:
        code = code.replace(co_consts=tuple(real(c) if isinstance(c, float) else c for c in code.co_consts))
    names = {name: translate(name, known[name]) for name in code.co_names if name in known}
    twin = FunctionType(code, {"__builtins__": known["__builtins__"], **names}, plain.__name__, plain.__defaults__)
    twin.__module__, twin.__qualname__ = plain.__module__, plain.__qualname__
    built[plain] = twin if finish is None else finish(twin)
    return built[plain]


def on_device(
    function: Callable,
    substitutes: Mapping[str, Any] | None = None,
    real: type | None = None,
    built: dict[Callable, Callable] | None = None,
) -> Callable:
    """
    Build a CPU kernel, and every kernel it calls, as a device function; see :func:`rebuild` for the parameters.

    Without `substitutes` the operations on lanes become those on one number (`SCALAR`): a thread is a lane.

    Examples
    --------
    >>> from pararnn_ts.kernels.activations import tanh
    >>> from pararnn_ts.kernels.cuda.target import on_device
    >>> device_tanh = on_device(tanh)  # for use in a kernel
    """
    finish = None if simulated() else cuda_module().jit(device=True)
    built = {} if built is None else built

    def ready(value: Any) -> Any:
        if isinstance(value, FunctionType):
            return rebuild(value, {}, real, finish, built)
        return real(value) if real is not None and isinstance(value, float) else value

    names = {name: ready(value) for name, value in (SCALAR if substitutes is None else substitutes).items()}
    if not simulated():
        # numba-cuda knows log, exp and the like of one number by their names in `math` only
        names["np"] = math
    return rebuild(function, names, real, finish, built)


def compiled_kernel(function: Callable) -> Any:
    """
    Make a kernel of a plain function, compiled when it is first launched and kept on disk where that is possible.

    Notes
    -----
    numba finds what it has kept by the code of the kernel and of all device functions in its closure, so that a change
    to a kernel of the CPU is noticed. It refuses where no cache directory can be written.
    """
    cuda = cuda_module()
    if simulated():
        return cuda.jit(function)
    try:
        return cuda.jit(function, cache=True)
    except RuntimeError:
        return cuda.jit(function)


def ptx(build: Callable[[], Callable], signature: tuple, capability: tuple[int, int]) -> str:
    """
    Compile a kernel for a device that need not be present.

    Parameters
    ----------
    build : callable
        Returns the kernel, a plain Python function, with device functions made for it: those that were used before are
        compiled already, for whatever device that was.
    signature : tuple
        numba types of its arguments.
    capability : (int, int)
        Compute capability, (9, 0) for sm_90.

    Returns
    -------
    str
        Assembly in NVIDIA's PTX.
    """
    with compiling_for(capability):
        return cuda_module().compile_ptx(build(), signature, cc=capability)[0]


@contextmanager
def quiet_launches() -> Iterator[None]:
    """
    Launch kernels without warnings that are no news to a user.

    numba warns of launches on few threads; later versions of numba-cuda warn that arrays on the device will have to
    come from another package.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Grid size")
        warnings.filterwarnings("ignore", message=".*deprecated")
        yield


def free_memory(local: int = 0) -> int:
    """
    Bytes of device memory that are free.

    Parameters
    ----------
    local : int
        Bytes that a thread of the kernels to come keeps to itself: the driver sets them aside for as many threads as
        the device can hold.
    """
    if simulated():
        return 1 << 30
    cuda = cuda_module()
    device = cuda.get_current_device()
    free = int(cuda.current_context().get_memory_info().free)
    return max(0, free - local * RESIDENT * int(device.MULTIPROCESSOR_COUNT))


def tiles(bytes_each: np.ndarray, available: int | None = None, local: int = 0) -> list[slice]:
    """
    Cut a row of jobs into tiles that fit into the memory of the device, one after the other.

    Parameters
    ----------
    bytes_each : ndarray of int, (n,)
        Memory each job needs.
    available : int, optional
        Bytes to use; by default `MEMORY_SHARE` of what is free.
    local : int
        See :func:`free_memory`.

    Returns
    -------
    list of slice
        Tiles in order; a job larger than the memory has a tile of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.kernels.cuda.target import tiles
    >>> tiles(np.array([4, 4, 4, 9, 1]), available=8)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    available = int(MEMORY_SHARE * free_memory(local)) if available is None else available
    found, first, used = [], 0, 0
    for i, size in enumerate(bytes_each):
        if i > first and used + int(size) > available:
            found.append(slice(first, i))
            first, used = i, 0
        used += int(size)
    if first < len(bytes_each):
        found.append(slice(first, len(bytes_each)))
    return found
