"""
CPU kernels compiled for CUDA from their own source, devices, and launches in tiles.

A kernel of this package is a plain function of arrays and numbers. For a CUDA device each of them, and every kernel it
calls, is built once more with other global names: the operations on eight lanes become those on one number
(:mod:`scalar`), and numbers such as the length of a block may be chosen anew. No kernel is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from pararnn_ts._compat import compiling_for
from pararnn_ts.kernels import lanes, scalar

__all__ = ["SCALAR", "NoDeviceError", "cuda_module", "on_device", "ptx", "require_device", "simulated", "tiles"]

# what the names of `lanes` mean where a thread is a lane
SCALAR: dict[str, Any] = {name: getattr(scalar, name) for name in scalar.__all__}

# share of the free memory that a launch may use
MEMORY_SHARE = 0.8


class NoDeviceError(RuntimeError):
    """There is no CUDA device, or no software to reach it."""


def cuda_module():
    """Return ``numba.cuda``, imported when first asked for."""
    from numba import cuda

    return cuda


def simulated() -> bool:
    """Whether kernels run in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``)."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)


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


def on_device(
    function: Callable,
    substitutes: Mapping[str, Any] | None = None,
    real: type | None = None,
    built: dict[Callable, Callable] | None = None,
) -> Callable:
    """
    Build a CPU kernel, and every kernel it calls, as a device function.

    Parameters
    ----------
    function : callable
        A kernel made by :func:`jit.jit`, or its plain form.
    substitutes : mapping, optional
        Values that global names take on the device; by default `SCALAR`, the operations of one thread.
    real : type, optional
        ``numpy.float32`` also makes the numbers in the source single, so that single arguments stay single.
    built : dict, optional
        Device functions made before with the same substitutes, by plain function; extended.

    Returns
    -------
    callable
        A device function that other kernels may call; in the simulator a plain one.

    Raises
    ------
    TypeError
        The kernel uses an operation on lanes that has no meaning for one number.

    Examples
    --------
    >>> import numpy as np
    >>> from pararnn_ts.kernels.activations import tanh
    >>> from pararnn_ts.kernels.cuda.target import on_device, simulated
    >>> device_tanh = on_device(tanh)
    """
    substitutes = SCALAR if substitutes is None else substitutes
    built = {} if built is None else built
    plain = getattr(function, "py_func", function)
    if plain in built:
        return built[plain]

    def translate(name: str, value: Any) -> Any:
        if name in substitutes:
            value = substitutes[name]
        elif getattr(value, "__module__", None) == lanes.__name__:
            raise TypeError(f"{plain.__name__} calls {name}, which has no meaning for one number; see kernels.scalar.")
        inner = getattr(value, "py_func", value)
        if isinstance(inner, FunctionType) and inner.__module__.startswith("pararnn_ts."):
            return on_device(inner, substitutes, real, built)
        return real(value) if real is not None and isinstance(value, float) else value

    code, known = plain.__code__, plain.__globals__
    if real is not None:
        code = code.replace(co_consts=tuple(real(c) if isinstance(c, float) else c for c in code.co_consts))
    names = {name: translate(name, known[name]) for name in code.co_names if name in known}
    twin = FunctionType(code, {"__builtins__": known["__builtins__"], **names}, plain.__name__, plain.__defaults__)
    twin.__module__, twin.__qualname__ = plain.__module__, plain.__qualname__
    built[plain] = twin if simulated() else cuda_module().jit(device=True)(twin)
    return built[plain]


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


def free_memory() -> int:
    """Bytes of device memory that are free."""
    if simulated():
        return 1 << 30
    return int(cuda_module().current_context().get_memory_info().free)


def tiles(bytes_each: np.ndarray, available: int | None = None) -> list[slice]:
    """
    Cut a row of jobs into tiles that fit into the memory of the device, one after the other.

    Parameters
    ----------
    bytes_each : ndarray of int, (n,)
        Memory each job needs.
    available : int, optional
        Bytes to use; by default `MEMORY_SHARE` of what is free.

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
    available = int(MEMORY_SHARE * free_memory()) if available is None else available
    found, first, used = [], 0, 0
    for i, size in enumerate(bytes_each):
        if i > first and used + int(size) > available:
            found.append(slice(first, i))
            first, used = i, 0
        used += int(size)
    if first < len(bytes_each):
        found.append(slice(first, len(bytes_each)))
    return found
