"""Posteriors, most probable values and draws from an einsum, by its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from virgil.pyro.ops.packed import named

__all__ = ["as_leaves", "require_backward", "transpose", "with_backward"]

_MARK, _RESULT = "_pyro_backward", "_pyro_backward_result"


def require_backward(tensor: Tensor) -> None:
    """Mark an operand of an einsum of logarithms.

    After ``result._pyro_backward()`` it has an attribute ``_pyro_backward_result``: for the backend ``torch_marginal``
    the result as a function of the operand's dims, for ``torch_map`` and ``torch_sample`` the index of the most
    probable entry, or of one drawn, of shape ``(dims, *plates)``.
    """
    setattr(tensor, _MARK, True)
    setattr(tensor, _RESULT, None)


def transpose(a: Tensor, axes: Sequence[int]) -> Tensor:
    """The tensor with its dims in this order."""
    return a.permute(*axes)


def as_leaves(operands: Sequence[Tensor]) -> list[Tensor]:
    """The operands, and in place of those that are marked, tensors with respect to which there is a derivative."""
    return [each.detach().clone().requires_grad_() if hasattr(each, _MARK) else each for each in operands]


def with_backward(
    result: Tensor,
    inputs: Sequence[str],
    operands: Sequence[Tensor],
    leaves: Sequence[Tensor],
    plates: str,
    marginal: bool,
) -> Tensor:
    """The result of an einsum, which can go back to those of its operands that are marked."""
    places = [place for place, operand in enumerate(operands) if leaves[place] is not operand]
    if places:
        arguments = [(inputs[place], operands[place], leaves[place]) for place in places]
        setattr(result, _MARK, partial(_go_back, result, arguments, plates, marginal))
    return result


def _go_back(result: Tensor, operands: Sequence[tuple[str, Tensor, Tensor]], plates: str, marginal: bool) -> None:
    shares = torch.autograd.grad(result.sum(), [leaf for _, _, leaf in operands], retain_graph=True)
    for (dims, operand, _), share in zip(operands, shares, strict=True):
        found: Any = share.log() + result.detach() if marginal else _indices(dims, share, plates)
        setattr(operand, _RESULT, found)


def _indices(dims: str, share: Tensor, plates: str) -> Tensor | None:
    """Where the share is one, as an index for each dim that is no plate. Shape: ``(dims, *plates)``."""
    summed = [dim for dim in dims if dim not in plates]
    if not summed:
        return None
    kept = [dim for dim in dims if dim in plates]
    ordered = share.permute([dims.index(dim) for dim in (*kept, *summed)])
    flat = ordered.reshape(*ordered.shape[: len(kept)], -1).argmax(-1)
    found = torch.stack(torch.unravel_index(flat, ordered.shape[len(kept) :]))
    found._pyro_sample_dims = "".join(summed)  # type: ignore[attr-defined]
    return named(found, " " + "".join(kept))
