"""The logarithm with a finite derivative at zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["safe_log"]


class _SafeLog(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.log()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] / x.clamp_min(torch.finfo(x.dtype).eps)


def safe_log(x: Tensor) -> Tensor:
    """``torch.log`` whose derivative ``1 / x`` is at most ``1 / eps``, so that an optimiser can leave zero.

    >>> x = torch.zeros((), requires_grad=True)
    >>> torch.autograd.grad(safe_log(x), x)
    (tensor(8388608.),)
    """
    result: Tensor = _SafeLog.apply(x)
    return result
