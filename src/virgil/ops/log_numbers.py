"""Numbers of any magnitude, in two forms: as logarithms, and as a mantissa and a power of two.

To take sums, numbers are divided by a scale and turned into float64s; the sums are turned back. With logarithms this
takes an exponential and a logarithm. With mantissas and powers it takes a dozen operations on the bits of float64s. The
first form is faster in PyTorch, where each operation is a pass over memory; the second is faster in compiled code,
where one pass does all of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["Binary", "LEAST", "Logs", "SMALLEST"]

LEAST = -1e300
"""The size that stands in for that of zero, minus infinity, where a size is subtracted."""

SMALLEST = 2.0**-1010
"""The least sum: smaller sums are set to it. The reciprocals of many such sums add up without overflow."""

_LN2 = math.log(2.0)
_PLACES = 52  # of the fraction in a float64; its power of two, plus the bias, stands in the bits above
_BIAS = 1023
_FRACTION = (1 << _PLACES) - 1
_ONE = _BIAS << _PLACES  # the bits of 1.0
_WHOLE = 2.0**_PLACES  # added to a smaller whole number, it leaves this one in the lowest bits
_WHOLE_BITS = (_BIAS + _PLACES) << _PLACES

LogNumbers = tuple[Tensor, ...]  # the last tensor has the sizes of the numbers; the size of zero is minus infinity


class Logs:
    """Numbers as logarithms. The size of a number is its logarithm."""

    @staticmethod
    def from_logs(logs: Tensor) -> LogNumbers:
        """The numbers with these logarithms."""
        return (logs.double(),)

    @staticmethod
    def to_logs(numbers: LogNumbers) -> Tensor:
        """Logarithms, nats."""
        return numbers[0]

    @staticmethod
    def taken_apart(values: Tensor) -> LogNumbers:
        """Positive float64s as numbers. Those below ``exp(-699)`` become zero."""
        return (torch.threshold_(values.log(), -699.0, -torch.inf),)

    @staticmethod
    def assembled(numbers: LogNumbers, scale: Tensor) -> Tensor:
        """Numbers as float64s, divided by one of this size, which is not less than theirs.

        Quotients below ``exp(-708)`` may become zero.
        """
        return (numbers[0] - scale).exp_()


class Binary:
    """Numbers as mantissas from 1 up to 2 and whole powers of two. The size of a number is its power."""

    @staticmethod
    def from_logs(logs: Tensor) -> LogNumbers:
        """The numbers with these logarithms. The exponential is taken in single precision at least."""
        exact = logs.double() * (1 / _LN2)
        powers = exact.floor()
        fractions = (exact - powers.clamp_min(LEAST)).to(torch.promote_types(logs.dtype, torch.float32))
        return (fractions * _LN2).exp().double(), powers

    @staticmethod
    def to_logs(numbers: LogNumbers) -> Tensor:
        """Logarithms, nats."""
        mantissas, powers = numbers
        return mantissas.log() + powers * _LN2

    @staticmethod
    def taken_apart(values: Tensor) -> LogNumbers:
        """Positive float64s as numbers. Those below ``2**-1009`` become zero."""
        bits = values.view(torch.int64)
        powers = ((bits >> _PLACES) + _WHOLE_BITS).view(torch.float64) - (_WHOLE + _BIAS)
        mantissas = (bits & _FRACTION | _ONE).view(torch.float64)
        return mantissas, torch.threshold(powers, -1010.0, -torch.inf)

    @staticmethod
    def assembled(numbers: LogNumbers, scale: Tensor) -> Tensor:
        """Numbers as float64s, divided by one of this size, which is not less than theirs.

        Quotients below ``2**-1022`` become zero.
        """
        mantissas, powers = numbers
        biased = (powers - scale).clamp_min(-_BIAS) + (_WHOLE + _BIAS)
        return (biased.view(torch.int64) << _PLACES).view(torch.float64) * mantissas
