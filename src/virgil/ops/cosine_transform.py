"""The discrete cosine transform and its inverse."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["dct", "idct"]


def dct(x: Tensor, dim: int = -1) -> Tensor:
    r"""The discrete cosine transform of type II, scaled to be orthonormal, as :func:`scipy.fft.dct` gives it.

    :math:`y_k = s_k \sum_t x_t \cos(\pi k (2 t + 1) / 2 n)` with :math:`s_0 = \sqrt{1/n}`, else
    :math:`\sqrt{2/n}`, by a Fourier transform of the even entries followed by the odd ones from the end
    *(Makhoul 1980)*.

    Args:
        x: the signal.
        dim: the dim along which it is transformed.
    """
    signal = x.movedim(dim, -1)
    folded = torch.cat([signal[..., ::2], signal[..., 1::2].flip(-1)], -1)
    spectrum = torch.fft.fft(folded) * _turns(signal).conj()
    result: Tensor = (spectrum.real * _scale(signal)).movedim(-1, dim)
    return result


def idct(x: Tensor, dim: int = -1) -> Tensor:
    """The inverse of :func:`dct`, which is its transpose: the transform of type III.

    Args:
        x: the coefficients.
        dim: the dim along which they are transformed.
    """
    scaled = x.movedim(dim, -1)
    scaled = scaled / _scale(scaled)
    opposite = torch.nn.functional.pad(scaled[..., 1:].flip(-1), (1, 0))
    folded = torch.fft.ifft(torch.complex(scaled, -opposite) * _turns(scaled)).real
    length = scaled.shape[-1]
    even, odd = folded[..., : (length + 1) // 2], folded[..., (length + 1) // 2 :].flip(-1)
    signal = folded.new_empty(folded.shape)
    signal[..., ::2] = even
    signal[..., 1::2] = odd
    result: Tensor = signal.movedim(-1, dim)
    return result


def _turns(like: Tensor) -> Tensor:
    """A turn by a quarter of the angle of each frequency: half a step of the signal."""
    angles = torch.arange(like.shape[-1], dtype=like.dtype, device=like.device) * (math.pi / (2 * like.shape[-1]))
    return torch.polar(torch.ones_like(angles), angles)


def _scale(like: Tensor) -> Tensor:
    length = like.shape[-1]
    scale = like.new_full((length,), math.sqrt(2 / length))
    scale[0] = math.sqrt(1 / length)
    return scale
