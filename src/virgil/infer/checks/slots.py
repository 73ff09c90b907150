"""Check that a guide of a mini-batch keeps a parameter for each datum, not for each slot of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions.transforms import Transform

from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.density.read_parameters import leaf_of
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["slot_problems"]

_FEWEST = 3  # slots that can tell one parameter a slot from parameters chosen otherwise


def slot_problems(subject: Subject) -> Iterator[Finding]:
    """Local variables of a plate that subsamples whose guide has one parameter for each slot of the mini-batch.

    The first slot holds another datum at every step, so its parameter would be fitted to all data at once. That slot s
    depends on entry s of the parameter, and on no other, is seen from derivatives. A parameter that the slots share, a
    network that reads the data, and a table that is indexed by the plate's indices all differ from this; a table of all
    data that is cut, ``[:size]``, does not.
    """
    if subject.failed is not None:
        return
    parameters = {name: leaf_of(site) for name, site in subject.guide.nodes.items() if site.kind == "param"}
    for name, site in subject.guide.iter_stochastic_nodes():
        for frame in site.frames:
            if frame.dim is None or frame.particle or not _FEWEST <= frame.size < frame.full_size:
                continue
            moved = _moved(subject.guide.nodes.get(frame.name), frame.size)
            for parameter, leaf in parameters.items():
                sizes = set(() if leaf is None else leaf.shape) & {frame.size, frame.full_size if moved else 0}
                if leaf is not None and any(_is_by_slot(site, frame, leaf, size) for size in sizes):
                    yield _problem(name, frame, parameter, tuple(leaf.shape))


def _moved(plate: Site | None, size: int) -> bool:
    """True if a slot that is looked at holds another datum than that of its own number."""
    if plate is None or not isinstance(plate.value, Tensor):
        return False
    return any(int(plate.value[slot]) != slot for slot in _looked_at(size))


def _looked_at(size: int) -> tuple[int, int, int]:
    return 0, 1, size - 1


def _is_by_slot(site: Site, frame: Frame, leaf: Tensor, entries: int) -> bool:
    """True if some argument of the distribution depends, in each slot, on the slot's own entry of the leaf alone."""
    batch = site.fn.batch_shape
    dim = len(batch) + (
        frame.dim or 0
    )  # counted from the left, since an argument may have dims of its own on the right
    full = (each for each in _arguments(site.fn) if each.requires_grad and each.shape[: len(batch)] == batch)
    return any(_is_own(tensor, dim, leaf, entries) for tensor in full)


def _is_own(tensor: Tensor, dim: int, leaf: Tensor, entries: int) -> bool:
    axes = [axis for axis in range(leaf.dim()) if leaf.shape[axis] == entries]
    for slot in _looked_at(tensor.shape[dim]):
        (slope,) = torch.autograd.grad(tensor.select(dim, slot).sum(), leaf, retain_graph=True, allow_unused=True)
        if slope is None:
            return False
        touched = slope.nonzero()
        axes = [axis for axis in axes if len(touched) and bool((touched[:, axis] == slot).all())]
    return bool(axes)


def _arguments(fn: Any, inside: tuple[Any, ...] = ()) -> Iterator[Tensor]:
    """The tensors that a distribution is made of; ``inside``: those it is a part of, which a part may refer back to."""
    for value in vars(fn).values():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(each, Tensor):
                yield each
            elif isinstance(each, (td.Distribution, Transform)) and not any(each is whole for whole in (*inside, fn)):
                yield from _arguments(each, (*inside, fn))


def _problem(name: str, frame: Frame, parameter: str, shape: tuple[int, ...]) -> Finding:
    return Finding(
        f"At site {name!r}, the guide has in {parameter!r}, whose unconstrained tensor has shape {shape}, one "
        f"parameter for each of the {frame.size} slots of plate {frame.name!r}, by its number and not by the plate's "
        "indices. A slot holds another of the "
        f"{frame.full_size} data at each step, so what it learns from one is used for the next.",
        f"Keep one parameter for each datum, of size {frame.full_size}, and index it by the plate's indices (or give "
        "virgil.param event_dim=, which does); or compute the distribution from the data by a network.",
        name,
    )
