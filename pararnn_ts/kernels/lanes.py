"""
A vector of float64 numbers side by side, as one value of a numba type.

A kernel written with :func:`load`, :func:`store` and ordinary arithmetic reads like scalar code, yet each operation
acts on several *lanes* (random starts, say) with one vector instruction. The compiler never has to discover the
parallelism, so it cannot fail to. In plain Python (``NUMBA_DISABLE_JIT=1``) a value is a numpy array, and the same
source runs unchanged.

There are as many lanes as one register of the processor holds: eight with AVX-512, otherwise four. What a lane computes
does not depend on their number. Lane ``l`` of item ``i`` of a flat array ``a`` is ``a[LANES * i + l]``.
"""

import operator
from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from pararnn_ts._compat import has_wide_registers

__all__ = ["LANES", "bound", "fill", "items", "load", "positive", "square_root", "store"]

LANES = 8 if has_wide_registers() else 4

_vector = ir.VectorType(ir.DoubleType(), LANES)
_int32 = ir.IntType(32)


class LanesType(types.Type):
    """Numba type of `LANES` float64 numbers."""

    def __init__(self) -> None:
        super().__init__(name=f"float64x{LANES}")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, front_end):
        super().__init__(manager, front_end, _vector)


def items(n: int) -> np.ndarray:
    """
    Flat array of `n` items, not filled, each within one cache line of 64 bytes.

    An item that lies across two lines takes twice as long to read and to write.
    """
    line = LANES * 8
    space = np.empty((n + 1) * LANES)
    first = -space.__array_interface__["data"][0] % line // 8
    return space[first : first + n * LANES]


def load(a: np.ndarray, i: int) -> np.ndarray:
    """Item `i` of the flat array `a`."""
    return a[LANES * i : LANES * (i + 1)].copy()


def store(a: np.ndarray, i: int, value: np.ndarray) -> None:
    """Write a value to item `i` of the flat array `a`."""
    a[LANES * i : LANES * (i + 1)] = value


def fill(x: float) -> np.ndarray:
    """Lanes that all hold the number `x`."""
    return np.full(LANES, x)


def bound(z, limit: float):
    """`z` limited to the interval from ``-limit`` to ``limit``."""
    return np.minimum(np.maximum(z, -limit), limit)


def positive(z):
    """One where `z` is positive, otherwise zero."""
    return np.where(z > 0.0, 1.0, 0.0)


def square_root(z):
    """Square root, lane by lane."""
    return np.sqrt(z)


def _spread(builder, x):
    undefined = ir.Constant(_vector, ir.Undefined)
    first = builder.insert_element(undefined, x, ir.Constant(_int32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_int32, LANES), [0] * LANES))


def _constant(x: float):
    return ir.Constant(_vector, [x] * LANES)


def _address(context, builder, array_type, array, item):
    data = context.make_array(array_type)(context, builder, array).data
    first = builder.mul(item, ir.Constant(item.type, LANES))
    return builder.bitcast(builder.gep(data, [first]), _vector.as_pointer())


@intrinsic
def _load(typing_context, a, i):
    def generate(context, builder, signature, args):
        return builder.load(_address(context, builder, signature.args[0], *args), align=8)

    return lanes(a, types.intp), generate


@intrinsic
def _store(typing_context, a, i, value):
    def generate(context, builder, signature, args):
        builder.store(args[2], _address(context, builder, signature.args[0], *args[:2]), align=8)
        return context.get_dummy_value()

    return types.void(a, types.intp, lanes), generate


@intrinsic
def _fill(typing_context, x):
    return lanes(types.float64), lambda context, builder, signature, args: _spread(builder, args[0])


@intrinsic
def _bound(typing_context, z, limit):
    def generate(context, builder, signature, args):
        z, high = args[0], _spread(builder, args[1])
        low = builder.fsub(_constant(0.0), high)
        # written so that NaN survives: a diverged lane must not come back as a bounded number
        z = builder.select(builder.fcmp_ordered("<", z, low), low, z)
        return builder.select(builder.fcmp_ordered(">", z, high), high, z)

    return lanes(lanes, types.float64), generate


@intrinsic
def _positive(typing_context, z):
    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", args[0], _constant(0.0)), _constant(1.0), _constant(0.0))

    return lanes(lanes), generate


@intrinsic
def _square_root(typing_context, z):
    def generate(context, builder, signature, args):
        kind = ir.FunctionType(_vector, [_vector])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f64")
        return builder.call(function, args)

    return lanes(lanes), generate


@overload(load)
def _load_lanes(a, i):
    return lambda a, i: _load(a, i)


@overload(store)
def _store_lanes(a, i, value):
    return lambda a, i, value: _store(a, i, value)


@overload(fill)
def _fill_lanes(x):
    return lambda x: _fill(float(x))


@overload(bound)
def _bound_any(z, limit):
    if z == lanes:
        return lambda z, limit: _bound(z, limit)
    return lambda z, limit: -limit if z < -limit else (limit if z > limit else z)


@overload(positive)
def _positive_any(z):
    if z == lanes:
        return lambda z: _positive(z)
    return lambda z: 1.0 if z > 0.0 else 0.0


@overload(square_root)
def _square_root_any(z):
    if z == lanes:
        return lambda z: _square_root(z)
    return lambda z: np.sqrt(z)


def _define(operation: Callable, instruction: str) -> None:
    """Teach numba `operation` for lanes with lanes and for lanes with numbers."""

    @intrinsic
    def compute(typing_context, a, b):
        def generate(context, builder, signature, args):
            operands = [
                arg if kind == lanes else _spread(builder, context.cast(builder, arg, kind, types.float64))
                for arg, kind in zip(args, signature.args, strict=True)
            ]
            # "contract" lets a product and a sum become one fused instruction; nothing is re-ordered
            return getattr(builder, instruction)(*operands, flags=("contract",))

        return lanes(a, b), generate

    @overload(operation)
    def operate(a, b):
        kinds = (a, b)
        if lanes in kinds and all(k == lanes or isinstance(k, types.Number) for k in kinds):
            return lambda a, b: compute(a, b)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
