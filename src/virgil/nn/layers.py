"""Layers whose weights may have batch dims: for particles or draws, values of enumerated variables, slots of a plate.

torch's layers take one array of weights. These read the same attributes and compute the same where there is one; where
there are more, the batch dims of weights and input broadcast from the right, as batch dims do everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from virgil.errors import ShapeError
from virgil.nn.attributes import PyroSample
from virgil.nn.reading import declared
from virgil.nn.tree import full_name_of
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.indexing import vindex
from virgil.poutine.block import Block
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext, active_frames
from virgil.poutine.runtime import installed

__all__ = ["LAYERS"]


class _Linear(nn.Linear):
    """``x @ weight.T + bias``."""

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias
        if not _is_batch(weight, 2) and not _is_batch(bias, 1):
            return functional.linear(x, weight, bias)
        _check(self, {"weight": (weight, 2), "bias": (bias, 1)}, x.shape[:-1])
        return _shifted(torch.einsum("...i,...oi->...o", x, weight), bias)


class _Bilinear(nn.Bilinear):
    """``x1 @ weight[o] @ x2 + bias[o]`` for each output ``o``."""

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias
        if not _is_batch(weight, 3) and not _is_batch(bias, 1):
            return functional.bilinear(x1, x2, weight, bias)
        _check(self, {"weight": (weight, 3), "bias": (bias, 1)}, x1.shape[:-1])
        return _shifted(torch.einsum("...i,...oij,...j->...o", x1, weight, x2), bias)


class _LayerNorm(nn.LayerNorm):
    """The input, standardised over its last dims, times ``weight`` plus ``bias``."""

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, dims = self.weight, self.bias, len(self.normalized_shape)
        if not _is_batch(weight, dims) and not _is_batch(bias, dims):
            return functional.layer_norm(x, self.normalized_shape, weight, bias, self.eps)
        _check(self, {"weight": (weight, dims), "bias": (bias, dims)}, x.shape[: x.dim() - dims])
        return _shifted(functional.layer_norm(x, self.normalized_shape, eps=self.eps) * weight, bias)


class _Embedding(nn.Embedding):
    """The rows of ``weight`` at some indices."""

    def forward(self, indices: Tensor) -> Tensor:
        weight = self.weight
        is_special = self.padding_idx is not None or self.max_norm is not None  # a row, or its gradient, is changed
        if is_special or self.scale_grad_by_freq or self.sparse or not _is_batch(weight, 2):
            return functional.embedding(
                indices, weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
            )
        _check(self, {"weight": (weight, 2)}, indices.shape)
        return vindex(weight, (..., indices, slice(None)))


LAYERS: dict[Any, type[nn.Module]] = {
    nn.Linear.forward: _Linear,
    nn.Bilinear.forward: _Bilinear,
    nn.LayerNorm.forward: _LayerNorm,
    nn.Embedding.forward: _Embedding,
}
"""By the ``forward`` that a network's class has: what takes its place."""


def _is_batch(value: Tensor | None, dims: int) -> bool:
    """True if a weight has more dims than it has in one layer."""
    return value is not None and value.dim() > dims


def _shifted(result: Tensor, bias: Tensor | None) -> Tensor:
    return result if bias is None else result + bias


def _check(layer: nn.Module, weights: dict[str, tuple[Tensor | None, int]], batch: torch.Size) -> None:
    """Look at weights with batch dims, each given with the number of its dims in one layer.

    Raises:
        ShapeError: only a plate around the layer has made them a batch, or they do not broadcast with the input's.
    """
    for name, (value, dims) in weights.items():
        if value is None or value.dim() <= dims:
            continue
        shape = value.shape[:-dims]
        for frame in active_frames():
            if not frame.particle and frame.values_in(shape) > 1 and not _is_meant(layer, name, frame):
                raise _by_slot(full_name_of(layer, name), value.shape[-dims:], frame)
        try:
            batch = broadcast_shapes(batch, shape)
        except RuntimeError:
            full_name = full_name_of(layer, name)
            raise ShapeError(
                f"{full_name!r} has batch dims {tuple(shape)}, such as one for particles or draws on the left, and its "
                f"layer got an input with {tuple(batch)}: from the right, these do not broadcast. In a layer with a "
                "batch of weights the input's dims, but those that the layer works on, must be dims of plates.",
                site=full_name,
            ) from None


def _is_meant(layer: nn.Module, name: str, frame: Frame) -> bool:
    """True if a weight has a value for each slot of a plate by its prior, and not by the place where it is read."""
    attribute = declared(layer, name)
    if not isinstance(attribute, PyroSample):
        return True
    prior = attribute.prior if attribute.is_given else _unheard(attribute.prior, layer)
    return isinstance(prior, Tensor) or frame.values_in(prior.batch_shape) > 1


def _unheard(function: Callable[[nn.Module], Any], layer: nn.Module) -> Any:
    """A function's value in the plates around, while no handler hears its statements."""
    with ExitStack() as stack:
        plates = [handler for handler in installed() if isinstance(handler, PlateContext)]
        for handler in (Block(lambda site: True), *plates):
            stack.enter_context(handler)
        return function(layer)


def _by_slot(name: str, shape: torch.Size, frame: Frame) -> ShapeError:
    whole = [frame.size, *[1] * (-(frame.dim or 0) - 1), *shape]
    return ShapeError(
        f"{name!r} is a random variable that its layer reads inside plate {frame.name!r}, which makes it one for each "
        f"of the {frame.size} slots: shape {tuple(whole)}, where the layer has {tuple(shape)}. Call the layer before "
        "the plate. Where each slot is meant to have its own, say so in the prior: "
        f"PyroSample(dist.Normal(0.0, 1.0).expand({whole}).to_event({len(shape)})).",
        site=name,
    )
