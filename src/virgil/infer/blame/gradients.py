"""Where, on its way from the loss to the parameters, a gradient stops being finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.infer.blame.causes import of_derivative, operation
from virgil.infer.blame.sites import Fault, arguments_of
from virgil.infer.blame.sources import Labels, labels_of, listed, named, sources
from virgil.infer.blame.summary import joined
from virgil.infer.density.execution import Executions
from virgil.ops.gradient_graph import node_of, nodes_behind
from virgil.poutine.site import Site

__all__ = ["gradient_fault"]


def gradient_fault(
    loss: Tensor, executions: Executions, leaves: Mapping[str, Tensor], line_of: Callable[[Any], str | None]
) -> Fault | None:
    """The first place, from the loss backwards, whose incoming gradient is finite and outgoing is not.

    Args:
        loss: finite.
        executions: behind it.
        leaves: the parameters', by name.
        line_of: gives the line that made a node of autograd's graph.

    Returns:
        ``None`` if all gradients are finite.
    """
    if not loss.requires_grad:
        return None
    node, gradients = _first_wrong(loss, list(leaves.values()))
    wrong = [name for name, each in zip(leaves, gradients, strict=True) if each is not None and not _is_finite(each)]
    if not wrong:
        return None
    what = f"the gradient of {listed([repr(name) for name in wrong])} is not"
    if node is None:
        cure = "Each part of it is finite and their sum overflows: scale the data, or clip by ClippedAdam."
        return Fault(f"{what}.", wrong[0], cure=cure)
    place = _place(node, executions)
    chosen = any(each.name().startswith("WhereBackward") for each in _towards(loss, node))
    line = line_of(node)
    at = f", at\n  {line}\n" if line else "."
    details = joined(place.sentence, f"The first derivative that is not finite is that of {operation(node)}{at}")
    return Fault(f"{what}.", place.site or wrong[0], details=details, cure=of_derivative(operation(node), chosen))


def _first_wrong(loss: Tensor, leaves: list[Tensor]) -> tuple[Any, tuple[Tensor | None, ...]]:
    """The first node that gets finite gradients and hands on one that is not, and the leaves' gradients."""
    found: list[Any] = []

    def look(node: Any) -> Callable[[Any, Any], None]:
        def hook(outgoing: Any, incoming: Any) -> None:
            if not found and all(map(_is_finite, incoming)) and not all(map(_is_finite, outgoing)):
                found.append(node)

        return hook

    handles = [node.register_hook(look(node)) for node in nodes_behind([loss.grad_fn])]
    try:
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)
    finally:
        for handle in handles:
            handle.remove()
    return (found[0] if found else None), gradients


def _is_finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(gradient.isfinite().all())


@dataclass(frozen=True)
class _Place:
    """Where a node of autograd's graph stands: in the terms of a program.

    Attributes:
        site: at fault.
        sentence: which says it.
    """

    site: str | None
    sentence: str


def _place(node: Any, executions: Executions) -> _Place:
    """Where in the programs a node was computed: on the way to an argument, in a density, in a draw."""
    labels = labels_of(executions)
    for role, site in _from_the_end(executions):
        for argument, value, _ in arguments_of(site.fn):
            if node in _between(value, labels):
                behind = sources(node, labels)
                name, origin = (behind[0][1], f" from {named(behind)}") if behind else (site.name, "")
                to = f"argument {argument!r} of site {site.name!r} of the {role}"
                return _Place(name, f"It is lost on the way to {to}{origin}.")
        if site.unscaled_log_prob_is_known and node in _between(site.unscaled_log_prob, labels):
            sentence = f"It is lost in the log-probability of site {site.name!r} of the {role}, under {site.fn}."
            return _Place(site.name, sentence)
        if site.is_latent and role == "guide" and node in nodes_behind([node_of(site.value)]):
            return _Place(site.name, f"It is lost in the draw of site {site.name!r} of the {role}, from {site.fn}.")
    return _Place(None, "")


def _from_the_end(executions: Executions) -> Iterator[tuple[str, Site]]:
    for role, trace in reversed(executions):
        for site in reversed(trace.nodes.values()):
            if site.kind == "sample":
                yield role, site


def _between(tensor: Tensor, labels: Labels) -> set[Any]:
    """The nodes on the way from parameters and latent sites to a tensor."""
    node = node_of(tensor)
    return set() if node is None or node in labels else set(nodes_behind([node], labels)) - labels.keys()


def _towards(loss: Tensor, node: Any) -> Iterator[Any]:
    """The nodes between the loss and another node that hand their gradient straight on to it."""
    for each in nodes_behind([loss.grad_fn]):
        if any(after is node for after, _ in each.next_functions):
            yield each
