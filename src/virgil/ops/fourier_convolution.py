"""Convolution by Fourier transforms, and lengths for which these are fast."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown

__all__ = ["convolve", "next_fast_len"]


def next_fast_len(size: int) -> int:
    """The least number that is not below ``size`` and has no prime factor but 2, 3 and 5.

    >>> next_fast_len(13)
    15
    """
    if size < 1:
        raise ArgumentError(f"next_fast_len got size={shown(size)}; it must be positive.")
    while not _is_smooth(size):
        size += 1
    return size


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1


def convolve(signal: Tensor, kernel: Tensor, mode: str = "full") -> Tensor:
    r"""The convolution :math:`c_t = \sum_s x_s k_{t-s}` along the last dim. Other dims broadcast.

    For sizes ``m`` and ``n`` the part that is returned has, as that of :func:`scipy.signal.convolve` with the larger
    operand first:

    - ``"full"``: all ``m + n - 1`` entries;
    - ``"valid"``: the ``max(m, n) - min(m, n) + 1`` entries to which the whole smaller operand contributes;
    - ``"same"``: the ``max(m, n)`` entries in the middle.

    Args:
        signal: the one operand. Shape: ``(*batch, m)``.
        kernel: the other. Shape: ``(*batch, n)``.
        mode: the part.

    Raises:
        ArgumentError: an unknown mode.

    >>> convolve(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 1.0]), mode="valid").round(decimals=4)
    tensor([3., 5.])
    """
    m, n = signal.shape[-1], kernel.shape[-1]
    sizes = {"full": m + n - 1, "valid": max(m, n) - min(m, n) + 1, "same": max(m, n)}
    if mode not in sizes:
        raise ArgumentError(f"convolve got mode={shown(mode)}; it takes 'full', 'valid' or 'same'.")
    padded = next_fast_len(m + n - 1)
    spectrum = torch.fft.rfft(signal, n=padded) * torch.fft.rfft(kernel, n=padded)
    start = (m + n - 1 - sizes[mode]) // 2
    result: Tensor = torch.fft.irfft(spectrum, n=padded)[..., start : start + sizes[mode]]
    return result
