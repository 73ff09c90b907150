"""Operators that work element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import torch

from virgil.engine.operators.aten import aten, prims
from virgil.engine.xla.arrays import dtype_of
from virgil.engine.xla.lowerings.floating import in_double
from virgil.engine.xla.promotion import Kind, converted, promoted
from virgil.engine.xla.registry import lowers


def _of_integers(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A rounding: integers are left alone."""
    return lambda x: x if jnp.issubdtype(x.dtype, jnp.integer) else fn(x)


def _sign(x: Any) -> Any:
    """Of NaN it is zero in torch."""
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype) if x.dtype != jnp.bool_ else x


def _angle(x: Any) -> Any:
    return jnp.where(jnp.isnan(x), x, jnp.where(x < 0, jnp.asarray(jnp.pi, x.dtype), 0))


def _integer_power(x: Any, exponent: Any) -> Any:
    """By repeated squaring, modulo the width of the dtype; zero for a fraction, as in torch."""

    def step(state: Any) -> Any:
        result, base, left = state
        return jnp.where(left & 1 == 1, result * base, result), base * base, left >> 1

    x, exponent = jnp.broadcast_arrays(x, exponent)
    start = jnp.ones_like(x), x, jnp.maximum(exponent, 0)
    power = jax.lax.while_loop(lambda state: (state[2] > 0).any(), step, start)[0]
    fraction = jnp.where(jnp.abs(x) == 1, jnp.where(exponent & 1 == 1, x, 1), 0)
    return jnp.where(exponent < 0, fraction, power)


def _power(x: Any, exponent: Any) -> Any:
    return _integer_power(x, exponent) if jnp.issubdtype(x.dtype, jnp.integer) else jnp.power(x, exponent)


# The dtype stays, or is the common one of the arguments.
_SAME: dict[Any, Callable[..., Any]] = {
    aten.neg.default: jnp.negative,
    aten.sign.default: _sign,
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
    aten.bitwise_left_shift.Tensor_Scalar: jnp.left_shift,
    aten.bitwise_left_shift.Scalar_Tensor: jnp.left_shift,
    aten.__lshift__.Tensor: jnp.left_shift,
    aten.__lshift__.Scalar: jnp.left_shift,
    aten.bitwise_right_shift.Tensor: jnp.right_shift,
    aten.bitwise_right_shift.Tensor_Scalar: jnp.right_shift,
    aten.bitwise_right_shift.Scalar_Tensor: jnp.right_shift,
    aten.__rshift__.Tensor: jnp.right_shift,
    aten.__rshift__.Scalar: jnp.right_shift,
    aten.gcd.default: jnp.gcd,
    aten.lcm.default: jnp.lcm,
}
# Integers become floats.
_FLOAT: dict[Any, Callable[..., Any]] = {
    aten.exp.default: jnp.exp,
    aten.exp2.default: in_double(jnp.exp2),
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
    aten.copysign.Tensor: jnp.copysign,
    aten.copysign.Scalar: jnp.copysign,
    aten.angle.default: _angle,
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
    aten.signbit.default: jnp.signbit,
    aten.logical_and.default: jnp.logical_and,
    aten.logical_or.default: jnp.logical_or,
    aten.logical_xor.default: jnp.logical_xor,
    aten.logical_not.default: jnp.logical_not,
}
for _table, _kind in ((_SAME, Kind.SAME), (_FLOAT, Kind.FLOAT), (_TRUTH, Kind.TRUTH)):
    for _operator, _fn in _table.items():
        lowers(_operator)(promoted(_fn, _kind))


lowers(aten.abs.default)(promoted(jnp.abs, Kind.REAL))


@lowers(aten.alias.default, aten.clone.default, aten.detach_copy.default, prims.copy_strided.default)
def _same(x: Any, *_: Any, **__: Any) -> Any:
    return x


@lowers(aten._to_copy.default)
def _to_copy(x: Any, dtype: torch.dtype | None = None, **_: Any) -> Any:
    return x if dtype is None else converted(x, dtype)


lowers(prims.convert_element_type.default)(converted)


@lowers(aten.copy.default)
def _copy(x: Any, source: Any, non_blocking: bool = False) -> Any:
    return converted(jnp.broadcast_to(source, x.shape), dtype_of(x))


def _added(x: Any, other: Any, alpha: Any) -> Any:
    if alpha == 1:
        return promoted(lambda a, b: jnp.logical_or(a, b) if a.dtype == jnp.bool_ else a + b)(x, other)
    return promoted(lambda a, b: a + jnp.asarray(alpha).astype(a.dtype) * b)(x, other)


@lowers(aten.add.Tensor, aten.add.Scalar)
def _add(x: Any, other: Any, alpha: Any = 1) -> Any:
    return _added(x, other, alpha)


@lowers(aten.sub.Tensor, aten.sub.Scalar)
def _sub(x: Any, other: Any, alpha: Any = 1) -> Any:
    if alpha == 1:
        return promoted(jnp.subtract)(x, other)
    return _added(x, other, -alpha)


@lowers(aten.div.Tensor, aten.div.Scalar)
def _div(x: Any, other: Any) -> Any:
    return promoted(jnp.true_divide, Kind.FLOAT)(x, other)


@lowers(aten.div.Tensor_mode, aten.div.Scalar_mode)
def _div_mode(x: Any, other: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode is None:
        return _div(x, other)
    return promoted(jnp.floor_divide if rounding_mode == "floor" else _truncated)(x, other)


def _truncated(a: Any, b: Any) -> Any:
    return jax.lax.div(*jnp.broadcast_arrays(a, b)) if jnp.issubdtype(a.dtype, jnp.integer) else jnp.trunc(a / b)


@lowers(aten.pow.Tensor_Tensor, aten.pow.Tensor_Scalar, aten.pow.Scalar)
def _pow(x: Any, exponent: Any) -> Any:
    number = exponent if isinstance(exponent, (int, float)) else None
    return promoted(_POWERS.get(number, _power), Kind.NUMBER)(x, exponent)


_POWERS: dict[float | None, Callable[..., Any]] = {  # as torch takes them, which shows at -0.0 and -inf
    2: lambda a, _: a * a,
    0.5: lambda a, _: jnp.sqrt(a),
    -0.5: lambda a, _: jax.lax.rsqrt(a),
}


@lowers(aten.where.self)
def _where(condition: Any, x: Any, other: Any) -> Any:
    return promoted(lambda a, b: jnp.where(condition, a, b))(x, other)


@lowers(aten.clamp.default, aten.clamp.Tensor)
def _clamp(x: Any, least: Any = None, most: Any = None) -> Any:
    def clamped(a: Any, *bounds: Any) -> Any:
        given = iter(bounds)
        a = a if least is None else jnp.maximum(a, next(given))
        return a if most is None else jnp.minimum(a, next(given))

    return promoted(clamped)(x, *(each for each in (least, most) if each is not None))


@lowers(aten.ldexp.Tensor)
def _ldexp(x: Any, exponent: Any) -> Any:
    return promoted(jnp.multiply)(x, _pow(2.0, exponent))


@lowers(aten.gelu.default)
def _gelu(x: Any, approximate: str = "none") -> Any:
    return jax.nn.gelu(x, approximate=approximate == "tanh")


@lowers(aten.leaky_relu.default)
def _leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    return jnp.where(x > 0, x, x * jnp.asarray(negative_slope, x.dtype))


@lowers(aten.hardshrink_backward.default, aten.softshrink_backward.default)
def _shrink_backward(gradient: Any, x: Any, least: float) -> Any:
    return jnp.where(jnp.abs(x) <= least, jnp.zeros((), gradient.dtype), gradient)


@lowers(aten.elu.default)
def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    negative = jnp.expm1(jnp.where(x > 0, 0, x) * input_scale) * alpha * scale
    return jnp.where(x > 0, x * scale, negative).astype(x.dtype)


@lowers(aten.round.decimals)
def _round_decimals(x: Any, decimals: int) -> Any:
    scale = jnp.asarray(10.0 ** abs(decimals), x.dtype)
    return jnp.round(x * scale) / scale if decimals > 0 else jnp.round(x / scale) * scale


@lowers(aten.hardtanh.default)
def _hardtanh(x: Any, least: float = -1.0, most: float = 1.0) -> Any:
    return jnp.clip(x, jnp.asarray(least).astype(x.dtype), jnp.asarray(most).astype(x.dtype))
