"""Check that there are data, and that each datum counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.signature import arguments_of_none
from virgil.infer.density.dry_run import dry_run
from virgil.ops.trees import tree_leaves
from virgil.poutine.frame import Frame
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import trace
from virgil.poutine.undeclared import undeclared_dims

__all__ = ["observation_problems"]


def observation_problems(subject: Subject) -> Iterator[Finding]:
    """Observations that are stretched over a plate, and a model that observes nothing because data were not passed."""
    observed = [site for role, site in subject.sites() if role == "model" and site.observed]
    stretched = [
        (site, frame)
        for site in observed
        if not site.is_factor and site.mask is not False
        for frame in site.frames
        if _is_stretched(site, frame)
    ]
    # a number alone is a short way to write the same datum for all slots, unless it sums up data
    numbers = {site.name for site, _ in stretched if not site.value.dim()}
    meant = numbers - _summaries(subject) if numbers else numbers
    for site, frame in stretched:
        if site.name not in meant:
            yield _stretched(site, frame)
    for site in observed:
        if not site.is_factor and site.mask is not False and isinstance(site.value, Tensor) and site.value.dim():
            yield from _repeated(site)
    empty = arguments_of_none(subject, "model")
    if not observed and empty and subject.failed is None and subject.model.stochastic_nodes:
        names = " and ".join(map(repr, empty))
        yield Finding(
            f"The model observes nothing, and was called with None for {names}. Without data the guide is fitted to "
            "the prior.",
            "Pass the data to model and guide: a statement with obs=None is latent.",
            severity="warning",
        )


def _is_stretched(site: Site, frame: Frame) -> bool:
    """True if the value has no dim of its own for the slots of a plate of the program's."""
    if site.block is not None and site.block.plate == frame.name:  # steps of a chain, stated at once
        return False
    if frame.dim is None or frame.particle or frame.size == 1 or not isinstance(site.value, Tensor):
        return False
    return frame.values_in(site.value.shape[: site.value.dim() - len(site.fn.event_shape)]) == 1


def _summaries(subject: Subject) -> set[str]:
    """The sites whose observed number is computed from several; the model is run again for it."""
    model = subject.programs.get("model")
    if model is None or subject.failed is not None:
        return set()
    with dry_run(), torch.no_grad(), _Reductions() as reductions:
        nodes = trace(Replay(subject.guide)(model)).get_trace(*subject.args, **subject.kwargs).nodes
    results = {id(each) for each in reductions.results}
    return {name for name, site in nodes.items() if site.observed and id(site.value) in results}


class _Reductions(TorchFunctionMode):
    """Notes the numbers that functions of torch make of tensors of several."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not result.dim() and func is not Tensor.__getitem__:
            given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
            self.results += [result] if any(each.numel() > 1 for each in given) else []
        return result


def _stretched(site: Site, frame: Frame) -> Finding:
    plate_dim = frame.dim or -1
    shape, event = tuple(site.value.shape), tuple(site.fn.event_shape)
    batch, dim = shape[: len(shape) - len(event)], plate_dim - len(event)
    lacks = f"size 1 at dim {dim}," if len(batch) >= -plate_dim else f"{_event(event)}and so no dim {dim},"
    padded = (1,) * (-plate_dim - len(batch)) + batch
    whole = (*padded[:plate_dim], frame.size, *(padded[plate_dim + 1 :] if plate_dim < -1 else ()), *event)
    return Finding(
        f"At site {site.name!r}, the observed value has shape {shape}, {lacks} where plate {frame.name!r} has size "
        f"{frame.size}: each value there counts {frame.size} times.",
        f"Give every slot its own value, or take the statement out of the plate. If the same one is meant for all, say "
        f"so by .expand({whole}).",
        site.name,
        severity="warning",
    )


def _repeated(site: Site) -> Iterator[Finding]:
    """Observations that are stretched over a dim that counts as a part of the event."""
    shape, batch = tuple(site.value.shape), tuple(site.fn.batch_shape)
    for dim in undeclared_dims(site, batch):
        place = dim - len(site.fn.event_shape)
        if len(shape) < -place or shape[place] == 1:
            yield Finding(
                f"At site {site.name!r}, the observed value has shape {shape}, and the distribution batch shape "
                f"{batch} with size {batch[dim]} at dim {dim}, where no plate is: each value there counts "
                f"{batch[dim]} times.",
                "Give every entry its own value, or expand the distribution to the plates alone.",
                site.name,
                severity="warning",
            )
            return


def _event(event: tuple[int, ...]) -> str:
    return f"that of one event {event}, " if event else ""
