"""A look at a tensor's numbers, where that costs next to nothing and leaves no mark in what is being recorded."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["has_no_nan"]


def has_no_nan(tensor: Tensor) -> bool:
    """Return ``True`` if no number is NaN, as far as a look costs little; ``False`` if one is, or may be.

    The answer is ``False`` on an accelerator, where a look waits for it, and while a step or a function is recorded,
    batched by ``torch.func.vmap`` or run on tensors without numbers.
    """
    is_recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined]
    if is_recorded or tensor.device.type != "cpu":
        return False
    try:
        return not math.isnan(tensor.detach().max())
    except RuntimeError:  # no numbers, or none that may be looked at
        return False
