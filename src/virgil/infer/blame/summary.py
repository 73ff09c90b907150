"""A tensor in a few words."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["joined", "not_finite", "summary"]


def not_finite(value: Any) -> str | None:
    """How many entries of a tensor are NaN or infinite; ``None`` if none is, or it is no tensor of numbers."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return None
    finite = torch.isfinite(value)
    if bool(finite.all()):
        return None
    what = "NaN" if bool(torch.isnan(value).any()) else "infinite"
    return f"{what} in {int((~finite).sum())} of {value.numel()} entries" if value.numel() > 1 else what


def summary(value: Tensor) -> str:
    """Its value, or shape, range and what is not finite.

    >>> summary(torch.tensor([1.0, 2.0, torch.nan]))
    'of shape (3,), NaN in 1 of 3 entries, the others from 1 to 2'
    """
    value = value.detach()
    if value.numel() == 1:
        return f"{value.item():.4g}"
    shape = f"of shape {tuple(value.shape)}"
    if value.numel() == 0:
        return f"{shape}, empty"
    wrong = not_finite(value)
    rest = value[value.isfinite()]
    between = f"from {rest.min().item():.4g} to {rest.max().item():.4g}" if rest.numel() else ""
    if wrong is None:
        return f"{shape}, {between}"
    return f"{shape}, {wrong}, the others {between}" if between else f"{shape}, {wrong}"


def joined(*sentences: str) -> str:
    """Sentences in a row; after one that ends with a line of code the next begins on a line of its own."""
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text.endswith("\n") else f" {sentence}"
    return text
