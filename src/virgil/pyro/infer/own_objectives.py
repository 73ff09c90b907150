"""Small functions with which old programs write objectives of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace
from virgil.pyro.infer.multi_frame_tensor import MultiFrameTensor

__all__ = [
    "CloneMixin",
    "MultiFrameTensor",
    "check_fully_reparametrized",
    "get_dependent_plate_dims",
    "get_plate_stacks",
    "plate_log_prob_sum",
    "torch_backward",
    "torch_exp",
    "torch_item",
    "torch_sum",
    "zero_grads",
]

SiteLike = Site | Mapping[str, Any]


# Numbers that may be tensors


def torch_item(x: Tensor | float) -> float:
    """A number as it is, and a tensor of one element as a number."""
    return x.item() if isinstance(x, Tensor) else x


def torch_exp(x: Tensor | float) -> Tensor | float:
    """The exponential of a tensor, or of a number."""
    return x.exp() if isinstance(x, Tensor) else math.exp(x)


def torch_backward(x: Tensor | float, retain_graph: bool | None = None) -> None:
    """Differentiate a tensor with respect to the leaves behind it; do nothing for a number, or without such leaves."""
    if isinstance(x, Tensor) and x.requires_grad:
        x.backward(retain_graph=retain_graph)


def torch_sum(tensor: Tensor, dims: Iterable[int]) -> Tensor:
    """The sum over those of these negative dims that the tensor has."""
    there = [dim for dim in dims if dim >= -tensor.dim()]
    return tensor.sum(there) if there else tensor


def zero_grads(tensors: Iterable[Tensor]) -> None:
    """Set the gradients that tensors have to zero, in place."""
    for tensor in tensors:
        if tensor.grad is not None:
            tensor.grad = torch.zeros_like(tensor.grad)


class CloneMixin:
    """Adds ``clone()`` to a dataclass whose fields are tensors."""

    def clone(self) -> Any:
        """A copy whose tensors are clones; their derivatives go through."""
        return type(self)(**{name: value.clone() for name, value in vars(self).items()})


# Checks


def check_fully_reparametrized(guide_site: SiteLike) -> None:
    """Check that a latent site of a guide has a pathwise derivative.

    Raises:
        NotImplementedError: it has none.
    """
    if not guide_site["is_observed"] and not guide_site["fn"].has_rsample:
        raise NotImplementedError(
            f"Site {guide_site['name']!r} of the guide draws from {type(guide_site['fn']).__name__}, which has no "
            "pathwise derivative (rsample). Use a distribution that has one, or an objective that needs none, such as "
            "Trace_ELBO."
        )


# Plates


def _stack(site: SiteLike) -> list[Frame]:
    return [frame for frame in site["cond_indep_stack"] if frame.dim is not None]


def _statements(trace: Trace) -> Iterator[tuple[str, Site]]:
    return ((name, site) for name, site in trace.nodes.items() if site.kind == "sample")


def get_plate_stacks(trace: Trace) -> dict[str, list[Frame]]:
    """The plates around each sample statement, by its name, without those that are iterated."""
    return {name: _stack(site) for name, site in _statements(trace)}


def get_dependent_plate_dims(sites: Iterable[SiteLike]) -> list[int]:
    """The dims, from left to right, of plates that are around some of these sites and not around all."""
    stacks = [{(frame.name, frame.dim) for frame in _stack(site)} for site in sites]
    shared = set.intersection(*stacks) if stacks else set()
    return sorted({dim for stack in stacks for _, dim in stack - shared if dim is not None})


def plate_log_prob_sum(trace: Trace, plate_symbol: str) -> Tensor:
    """The log-probability of a trace by slot of one plate. Shape: ``(size of the plate,)``, nats.

    Args:
        trace: an execution.
        plate_symbol: the plate's symbol in ``trace.plate_to_symbol``, or its name.

    Raises:
        ArgumentError: no statement is inside of the plate.
    """
    symbols = getattr(trace, "plate_to_symbol", {})
    name = next((plate for plate, symbol in symbols.items() if symbol == plate_symbol), plate_symbol)
    total: Tensor | None = None
    for _, site in _statements(trace):
        frame = next((each for each in _stack(site) if each.name == name), None)
        if frame is not None and frame.dim is not None:
            rows = site.log_prob.movedim(frame.dim, 0)
            rows = rows.reshape(len(rows), -1).sum(1)
            total = rows if total is None else total + rows
    if total is None:
        plates = {frame.name for _, site in _statements(trace) for frame in _stack(site)}
        raise ArgumentError(
            f"plate_log_prob_sum() got plate_symbol={plate_symbol!r}, but no statement is inside of such a plate. "
            f"{did_you_mean(plate_symbol, plates)}"
        )
    return total
