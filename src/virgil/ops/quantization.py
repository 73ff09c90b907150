"""Rounding with the derivative of the identity: straight-through estimators *(Bengio, Léonard and Courville 2013)*.

The result remembers what was rounded, as its attribute ``_unquantize``, at which a relaxed density is evaluated.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

__all__ = ["QuantizeBernoulli", "QuantizeCategorical"]


class QuantizeBernoulli(Function):
    """Numbers in [0, 1], each rounded to the nearer end.

    >>> QuantizeBernoulli.apply(torch.tensor([0.2, 0.7]))
    tensor([0., 1.])
    """

    @staticmethod
    def forward(ctx: Any, soft_value: Tensor) -> Tensor:
        hard: Tensor = soft_value.round()
        hard._unquantize = soft_value  # type: ignore[attr-defined]
        return hard

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0]


class QuantizeCategorical(Function):
    """Vectors of the simplex, each rounded to the corner of its largest entry.

    >>> QuantizeCategorical.apply(torch.tensor([0.2, 0.7, 0.1]))
    tensor([0., 1., 0.])
    """

    @staticmethod
    def forward(ctx: Any, soft_value: Tensor) -> Tensor:
        # argmax is seven times slower where the entries of a vector lie apart, as those of softmax_of_rows do
        largest = soft_value.max(-1, keepdim=True).indices
        hard = torch.zeros_like(soft_value).scatter_(-1, largest, 1.0)
        hard._unquantize = soft_value  # type: ignore[attr-defined]
        return hard

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0]
