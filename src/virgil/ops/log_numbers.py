"""Numbers of any magnitude, in two forms: as logarithms, and as a mantissa and a power of two.

Sums are taken of float64s, into which numbers are put together after division by a scale. To go there and back takes an
exponential and a logarithm in the one form; in the other it takes a dozen operations on the bits of float64s, where
these keep a power of two. The first is faster in PyTorch, where each operation is a pass over memory, the second
in compiled code, where a pass does them all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["Binary", "LEAST", "Logs", "SMALLEST"]

LEAST = -1e300
"""A size that stands for that of zero where one is subtracted."""

SMALLEST = 2.0**-1010
"""What smaller sums are set to before they are taken apart; the reciprocals of many may be added without overflow."""

_LN2 = math.log(2.0)
_PLACES = 52  # of the fraction in a float64; its power of two, plus the bias, stands in the bits above
_BIAS = 1023
_FRACTION = (1 << _PLACES) - 1
_ONE = _BIAS << _PLACES  # the bits of 1.0
_WHOLE = 2.0**_PLACES  # added to a smaller whole number, it leaves this one in the lowest bits
_WHOLE_BITS = (_BIAS + _PLACES) << _PLACES

LogNumbers = tuple[Tensor, ...]  # the last tensor has their sizes, of which that of zero is minus infinity


class Logs:
    """Numbers as logarithms, which are their sizes."""

    @staticmethod
    def from_logs(logs: Tensor) -> LogNumbers:
        """The numbers of these logarithms."""
        return (logs.double(),)

    @staticmethod
    def to_logs(numbers: LogNumbers) -> Tensor:
        """Logarithms, nats."""
        return numbers[0]

    @staticmethod
    def taken_apart(values: Tensor) -> LogNumbers:
        """The numbers that positive float64s are; those below ``exp(-699)`` are zero."""
        return (torch.threshold_(values.log(), -699.0, -torch.inf),)

    @staticmethod
    def assembled(numbers: LogNumbers, scale: Tensor) -> Tensor:
        """Float64s: numbers divided by one whose size is not less. Smaller ones than ``exp(-708)`` may become zero."""
        return (numbers[0] - scale).exp_()


class Binary:
    """Numbers as mantissas from 1 up to 2 and powers of two, which are whole and their sizes."""

    @staticmethod
    def from_logs(logs: Tensor) -> LogNumbers:
        """The numbers of these logarithms. The exponential is taken in single precision at least."""
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
        """The numbers that positive float64s are; those below ``2**-1009`` are zero."""
        bits = values.view(torch.int64)
        powers = ((bits >> _PLACES) + _WHOLE_BITS).view(torch.float64) - (_WHOLE + _BIAS)
        mantissas = (bits & _FRACTION | _ONE).view(torch.float64)
        return mantissas, torch.threshold(powers, -1010.0, -torch.inf)

    @staticmethod
    def assembled(numbers: LogNumbers, scale: Tensor) -> Tensor:
        """Float64s: numbers divided by one whose size is not less. Smaller ones than ``2**-1022`` become zero."""
        mantissas, powers = numbers
        biased = (powers - scale).clamp_min(-_BIAS) + (_WHOLE + _BIAS)
        return (biased.view(torch.int64) << _PLACES).view(torch.float64) * mantissas
