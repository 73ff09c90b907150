"""Blocks of steps of a Markov chain: the variables that they chain, and what they say of single steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from virgil.errors import SiteError
from virgil.infer.density.factors import Piece
from virgil.ops.chain_elimination import Chain
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["by_step", "chains_of", "in_one", "step_names", "support"]


def support(site: Site) -> Tensor:
    """The values that an enumerated site has, in their order. Shape: ``(values, *event)``."""
    values: Tensor = site.value.reshape(-1, *site.fn.event_shape)
    return values


def chains_of(model: Trace, pieces: Sequence[Piece]) -> list[Chain]:
    """The chains of variables that a model states in blocks of steps and whose pieces depend on earlier steps.

    Raises:
        SiteError: another round of the loop states a variable in another way, or not at all.
    """
    dims = {dim for piece in pieces for dim in piece.factor.dims}
    found: dict[str, Chain] = {}
    for name, site in model.nodes.items():
        block = site.block
        if block is None or block.is_copy or enumerated_dim(site) is None:
            continue
        firsts = range(block.first)
        earlier = tuple(name.replace(block.label, replace(block, first=first).label) for first in firsts)
        if not dims.isdisjoint(earlier):
            starts = tuple(block.name_at(name, first) for first in firsts)
            for other in (*earlier, *starts):
                _check_alike(name, site, other, model.nodes.get(other))
            known = found.get(block.plate, Chain(block.plate, (), ()))
            windows = (*known.windows, (*earlier, name))
            found[block.plate] = Chain(block.plate, windows, (*known.starts, starts))
    return list(found.values())


def _check_alike(name: str, site: Site, other: str, stated: Site | None) -> None:
    """Check that another round of the loop states a variable as the last round does."""
    plates, values = _plates(site), tuple(support(site).shape)
    if stated is None or enumerated_dim(stated) is None:
        what = "has no enumerated site of this name"
    elif _plates(stated) != plates:
        what = f"has it in plates {[frame.name for frame in _plates(stated)]}, not {[frame.name for frame in plates]}"
    elif tuple(support(stated).shape) != values:
        what = f"gives it values of shape {tuple(support(stated).shape)}, not {values}"
    else:
        return
    raise SiteError(
        f"Site {name!r} of a vectorized_markov depends on the steps before it, but the first of these are not like "
        f"it: the round that states {other!r} {what}. State the variable in every round of the loop, with the same "
        "values, in plates that are made before the loop.",
        site=name,
    )


def _plates(site: Site) -> list[Frame]:
    """The plates around a site besides the dim of its steps."""
    return [frame for frame in site.frames if site.block is None or frame.name != site.block.plate]


def step_names(site: Site) -> list[str]:
    """The names of a site where its steps are stated one by one; its own name where it states a single one."""
    return [site.name] if site.block is None else site.block.names(site.name)


def by_step(site: Site, table: Tensor, event_dim: int) -> Iterator[tuple[str, Tensor]]:
    """The parts of a tensor that belong to each step of a site, with the step's name. Shape: ``(*batch, *event)``."""
    block = site.block
    if block is None:
        yield site.name, table
        return
    place = block.dim - event_dim
    for slot, name in enumerate(step_names(site)):
        part = table.narrow(place, slot, 1)
        yield name, part.squeeze(0) if table.dim() == -place else part


def in_one(parts: Sequence[Tensor], site: Site, event_dim: int) -> Tensor:
    """One tensor of the parts into which :func:`by_step` takes it."""
    if site.block is None:
        return parts[0]
    place = site.block.dim - event_dim
    wide = [part.reshape((1,) * (-place - part.dim()) + tuple(part.shape)) for part in parts]
    return torch.cat(torch.broadcast_tensors(*wide), place)
