"""Numbers of any magnitude: a mantissa from 1 up to 2, times two to the power of a whole number.

Products of many probabilities leave the range of floating-point numbers. Their logarithms do not, but cost an
exponential and a logarithm for each sum. Here the power of two has a float64 of its own, and numbers are taken apart and
put together by their bits, where a float64 keeps its power of two. Zero has the power minus infinity and any mantissa.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["LEAST", "SMALLEST", "assembled", "from_logs", "taken_apart", "to_logs"]

LEAST = -1e300
"""A power of two that stands for minus infinity where one is subtracted."""

SMALLEST = 2.0**-1010
"""A float64 up to here counts as zero; the reciprocals of the others may be added up without overflow."""

_LN2 = math.log(2.0)
_PLACES = 52  # of the fraction in a float64; its power of two, plus the bias, stands in the bits above
_BIAS = 1023
_FRACTION = (1 << _PLACES) - 1
_ONE = _BIAS << _PLACES  # the bits of 1.0
_WHOLE = 2.0**_PLACES  # added to a smaller whole number, it leaves this one in the lowest bits
_WHOLE_BITS = (_BIAS + _PLACES) << _PLACES


def from_logs(logs: Tensor) -> tuple[Tensor, Tensor]:
    """Mantissas and powers of two of ``exp(logs)``. The exponential is taken in single precision at least."""
    exact = logs.to(torch.float64, copy=True).mul_(1 / _LN2)
    powers = exact.floor()
    fractions = exact.sub_(powers.clamp_min(LEAST)).to(torch.promote_types(logs.dtype, torch.float32))
    return fractions.mul_(_LN2).exp_().double(), powers


def to_logs(mantissas: Tensor, powers: Tensor) -> Tensor:
    """Logarithms, nats."""
    return mantissas.log() + powers * _LN2


def taken_apart(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mantissas and powers of two of float64s that are not negative."""
    bits = values.view(torch.int64)
    powers = (bits >> _PLACES).add_(_WHOLE_BITS).view(torch.float64).sub_(_WHOLE + _BIAS)
    mantissas = (bits & _FRACTION).bitwise_or_(_ONE).view(torch.float64)
    return mantissas, powers.masked_fill_(values <= SMALLEST, -torch.inf)


def assembled(mantissas: Tensor, powers: Tensor) -> Tensor:
    """``mantissas * 2**powers`` as float64, for powers up to 0; zero for those of -1023 and less. Overwrites the powers."""
    biased = powers.clamp_min_(-_BIAS).add_(_WHOLE + _BIAS)
    return biased.view(torch.int64).bitwise_left_shift_(_PLACES).view(torch.float64).mul_(mantissas)
