"""Operators that work element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND as KIND

from virgil.engine.xla.arrays import DTYPES
from virgil.engine.xla.promotion import promoted
from virgil.engine.xla.registry import lowers

aten = torch.ops.aten


def _of_integers(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A rounding: integers are left alone."""
    return lambda x: x if jnp.issubdtype(x.dtype, jnp.integer) else fn(x)


def _gelu(x: Any, approximate: str = "none") -> Any:
    return jax.nn.gelu(x, approximate=approximate == "tanh")


# The dtype stays, or is the common one of the arguments.
_SAME: dict[Any, Callable[..., Any]] = {
    aten.abs.default: jnp.abs,
    aten.neg.default: jnp.negative,
    aten.sign.default: jnp.sign,
    aten.sgn.default: jnp.sign,
    aten.ceil.default: _of_integers(jnp.ceil),
    aten.floor.default: _of_integers(jnp.floor),
    aten.trunc.default: _of_integers(jnp.trunc),
    aten.round.default: _of_integers(jnp.round),
    aten.relu.default: lambda x: jnp.where(x <= 0, jnp.zeros((), x.dtype), x),
    aten.mul.Tensor: jnp.multiply,
    aten.mul.Scalar: jnp.multiply,
    aten.maximum.default: jnp.maximum,
    aten.minimum.default: jnp.minimum,
    aten.fmax.default: jnp.fmax,
    aten.fmin.default: jnp.fmin,
    aten.remainder.Tensor: jnp.remainder,
    aten.remainder.Scalar: jnp.remainder,
    aten.remainder.Scalar_Tensor: jnp.remainder,
    aten.fmod.Tensor: jnp.fmod,
    aten.fmod.Scalar: jnp.fmod,
    aten.hypot.default: jnp.hypot,
    aten.nextafter.default: jnp.nextafter,
    aten.bitwise_and.Tensor: jnp.bitwise_and,
    aten.bitwise_and.Scalar: jnp.bitwise_and,
    aten.bitwise_or.Tensor: jnp.bitwise_or,
    aten.bitwise_or.Scalar: jnp.bitwise_or,
    aten.bitwise_xor.Tensor: jnp.bitwise_xor,
    aten.bitwise_xor.Scalar: jnp.bitwise_xor,
    aten.bitwise_not.default: jnp.bitwise_not,
    aten.bitwise_left_shift.Tensor: jnp.left_shift,
    aten.bitwise_right_shift.Tensor: jnp.right_shift,
}
# Integers become floats.
_FLOAT: dict[Any, Callable[..., Any]] = {
    aten.exp.default: jnp.exp,
    aten.exp2.default: jnp.exp2,
    aten.expm1.default: jnp.expm1,
    aten.log.default: jnp.log,
    aten.log1p.default: jnp.log1p,
    aten.log2.default: jnp.log2,
    aten.log10.default: jnp.log10,
    aten.sqrt.default: jnp.sqrt,
    aten.rsqrt.default: jax.lax.rsqrt,
    aten.reciprocal.default: jnp.reciprocal,
    aten.sin.default: jnp.sin,
    aten.cos.default: jnp.cos,
    aten.tan.default: jnp.tan,
    aten.asin.default: jnp.arcsin,
    aten.acos.default: jnp.arccos,
    aten.atan.default: jnp.arctan,
    aten.atan2.default: jnp.arctan2,
    aten.sinh.default: jnp.sinh,
    aten.cosh.default: jnp.cosh,
    aten.tanh.default: jnp.tanh,
    aten.asinh.default: jnp.arcsinh,
    aten.acosh.default: jnp.arccosh,
    aten.atanh.default: jnp.arctanh,
    aten.sigmoid.default: jax.nn.sigmoid,
    aten.logaddexp.default: jnp.logaddexp,
}
_TRUTH: dict[Any, Callable[..., Any]] = {
    aten.eq.Tensor: jnp.equal,
    aten.eq.Scalar: jnp.equal,
    aten.ne.Tensor: jnp.not_equal,
    aten.ne.Scalar: jnp.not_equal,
    aten.lt.Tensor: jnp.less,
    aten.lt.Scalar: jnp.less,
    aten.le.Tensor: jnp.less_equal,
    aten.le.Scalar: jnp.less_equal,
    aten.gt.Tensor: jnp.greater,
    aten.gt.Scalar: jnp.greater,
    aten.ge.Tensor: jnp.greater_equal,
    aten.ge.Scalar: jnp.greater_equal,
    aten.isnan.default: jnp.isnan,
    aten.isinf.default: jnp.isinf,
    aten.isfinite.default: jnp.isfinite,
    aten.signbit.default: jnp.signbit,
    aten.logical_and.default: jnp.logical_and,
    aten.logical_or.default: jnp.logical_or,
    aten.logical_xor.default: jnp.logical_xor,
    aten.logical_not.default: jnp.logical_not,
}
for _table, _kind in ((_SAME, KIND.DEFAULT), (_FLOAT, KIND.INT_TO_FLOAT), (_TRUTH, KIND.ALWAYS_BOOL)):
    for _operator, _fn in _table.items():
        lowers(_operator)(promoted(_fn, _kind))


@lowers(aten.alias.default, aten.detach.default, aten.lift_fresh_copy.default, aten.lift_fresh.default)
def _identity(x: Any) -> Any:
    return x


@lowers(aten.clone.default, aten.contiguous.default, aten.alias_copy.default, aten.detach_copy.default)
def _clone(x: Any, **_: Any) -> Any:
    return x


@lowers(aten._to_copy.default)
def _to_copy(x: Any, dtype: torch.dtype | None = None, **_: Any) -> Any:
    return x if dtype is None else _cast(x, dtype)


@lowers(torch.ops.prims.convert_element_type.default)
def _cast(x: Any, dtype: torch.dtype) -> Any:
    return x.astype(DTYPES[dtype])


@lowers(aten.copy.default)
def _copy(x: Any, source: Any, non_blocking: bool = False) -> Any:
    return jnp.broadcast_to(source, x.shape).astype(x.dtype)


def _added(x: Any, other: Any, alpha: Any) -> Any:
    if alpha == 1:
        return promoted(lambda a, b: jnp.logical_or(a, b) if a.dtype == jnp.bool_ else a + b)(x, other)
    return promoted(lambda a, b: a + jnp.asarray(alpha, a.dtype) * b)(x, other)


@lowers(aten.add.Tensor, aten.add.Scalar)
def _add(x: Any, other: Any, alpha: Any = 1) -> Any:
    return _added(x, other, alpha)


@lowers(aten.sub.Tensor, aten.sub.Scalar)
def _sub(x: Any, other: Any, alpha: Any = 1) -> Any:
    if alpha == 1:
        return promoted(jnp.subtract)(x, other)
    return _added(x, other, -alpha)


@lowers(aten.rsub.Tensor, aten.rsub.Scalar)
def _rsub(x: Any, other: Any, alpha: Any = 1) -> Any:
    return promoted(lambda a, b: b - jnp.asarray(alpha, a.dtype) * a)(x, other)


@lowers(aten.div.Tensor, aten.div.Scalar, aten.true_divide.Tensor)
def _div(x: Any, other: Any) -> Any:
    return promoted(jnp.true_divide, KIND.INT_TO_FLOAT)(x, other)


@lowers(aten.div.Tensor_mode, aten.div.Scalar_mode)
def _div_mode(x: Any, other: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode is None:
        return _div(x, other)
    return promoted(jnp.floor_divide if rounding_mode == "floor" else _truncated)(x, other)


@lowers(aten.floor_divide.default)
def _floor_divide(x: Any, other: Any) -> Any:
    return promoted(jnp.floor_divide)(x, other)


def _truncated(a: Any, b: Any) -> Any:
    return jax.lax.div(*jnp.broadcast_arrays(a, b)) if jnp.issubdtype(a.dtype, jnp.integer) else jnp.trunc(a / b)


@lowers(aten.pow.Tensor_Tensor, aten.pow.Tensor_Scalar, aten.pow.Scalar)
def _pow(x: Any, exponent: Any) -> Any:
    if isinstance(exponent, (int, float)) and exponent == 2:
        return promoted(lambda a, _: a * a, KIND.BOOL_TO_LONG)(x, exponent)
    if isinstance(exponent, (int, float)) and exponent == 0.5:
        return promoted(lambda a, _: jnp.sqrt(a), KIND.BOOL_TO_LONG)(x, exponent)
    return promoted(jnp.power, KIND.BOOL_TO_LONG)(x, exponent)


@lowers(aten.where.self, aten.where.ScalarOther, aten.where.ScalarSelf, aten.where.Scalar)
def _where(condition: Any, x: Any, other: Any) -> Any:
    return promoted(lambda a, b: jnp.where(condition, a, b))(x, other)


@lowers(aten.clamp.default, aten.clamp.Tensor)
def _clamp(x: Any, least: Any = None, most: Any = None) -> Any:
    def clamped(a: Any, *bounds: Any) -> Any:
        given = iter(bounds)
        a = a if least is None else jnp.maximum(a, next(given))
        return a if most is None else jnp.minimum(a, next(given))

    return promoted(clamped)(x, *(each for each in (least, most) if each is not None))


@lowers(aten.clamp_min.default, aten.clamp_min.Tensor)
def _clamp_min(x: Any, least: Any) -> Any:
    return _clamp(x, least)


@lowers(aten.clamp_max.default, aten.clamp_max.Tensor)
def _clamp_max(x: Any, most: Any) -> Any:
    return _clamp(x, None, most)


@lowers(aten.addcmul.default)
def _addcmul(x: Any, one: Any, other: Any, value: Any = 1) -> Any:
    return promoted(lambda a, b, c: a + jnp.asarray(value, a.dtype) * b * c)(x, one, other)


@lowers(aten.addcdiv.default)
def _addcdiv(x: Any, one: Any, other: Any, value: Any = 1) -> Any:
    return promoted(lambda a, b, c: a + jnp.asarray(value, a.dtype) * b / c)(x, one, other)


@lowers(aten.lerp.Scalar, aten.lerp.Tensor)
def _lerp(x: Any, end: Any, weight: Any) -> Any:
    def between(a: Any, b: Any, w: Any) -> Any:  # from the nearer end, as torch does
        return jnp.where(jnp.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))

    return promoted(between)(x, end, weight)


@lowers(aten.gelu.default)
def _gelu_of(x: Any, approximate: str = "none") -> Any:
    return _gelu(x, approximate)


@lowers(aten.leaky_relu.default)
def _leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    return jnp.where(x > 0, x, x * jnp.asarray(negative_slope, x.dtype))


@lowers(aten.elu.default)
def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    negative = jnp.expm1(jnp.where(x > 0, 0, x) * input_scale) * alpha * scale
    return jnp.where(x > 0, x * scale, negative).astype(x.dtype)


@lowers(aten.hardtanh.default)
def _hardtanh(x: Any, least: float = -1.0, most: float = 1.0) -> Any:
    return _clamp(x, least, most)


@lowers(aten.nan_to_num.default)
def _nan_to_num(x: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Any:
    return jnp.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@lowers(aten.deg2rad.default)
def _deg2rad(x: Any) -> Any:
    return promoted(lambda a: a * (math.pi / 180), KIND.INT_TO_FLOAT)(x)
