"""The discrete Haar wavelet transform and its inverse."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["haar_transform", "inverse_haar_transform"]


def haar_transform(x: Tensor) -> Tensor:
    """The orthonormal Haar transform along the last dim *(Mallat 2009, section 7.3)*.

    Neighbours are replaced by their sum and their difference, over the root of 2; the sums are transformed again until
    one is left. An entry without a partner is kept. Coefficients go from coarse to fine; on each level the kept entry
    follows the differences.

    >>> haar_transform(torch.tensor([1.0, 3.0, 2.0, 2.0]))
    tensor([ 4.0000,  0.0000, -1.4142,  0.0000])
    """
    details = []
    while x.shape[-1] > 1:
        pairs = x[..., : x.shape[-1] // 2 * 2].unflatten(-1, (-1, 2)) * math.sqrt(0.5)
        details.append(torch.cat([pairs[..., 0] - pairs[..., 1], x[..., pairs.shape[-2] * 2 :]], -1))
        x = pairs.sum(-1)
    return torch.cat([x, *reversed(details)], -1)


def inverse_haar_transform(x: Tensor) -> Tensor:
    """The inverse of :func:`haar_transform`, which is its transpose."""
    sizes = []
    rest = x.shape[-1]
    while rest > 1:
        sizes.append(rest - rest // 2)
        rest //= 2
    sums, *details = x.split([rest, *reversed(sizes)], -1)
    for detail in details:
        differences, kept = detail[..., : sums.shape[-1]], detail[..., sums.shape[-1] :]
        pairs = torch.stack([sums + differences, sums - differences], -1) * math.sqrt(0.5)
        sums = torch.cat([pairs.flatten(-2), kept], -1)
    result: Tensor = sums
    return result
