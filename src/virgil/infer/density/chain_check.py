"""The check that a block of steps of a Markov chain has the densities of its steps stated one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from virgil.errors import ShapeError, SiteError
from virgil.infer.density.chains import step_names, support
from virgil.infer.density.factors import factor_of, scale_of
from virgil.ops.factor import Factor
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.frame import Block
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["agree", "check_steps", "check_tables", "unlike_its_steps"]


def agree(log_prob: Tensor, other: Tensor) -> bool:
    """True if two log-probabilities broadcast, and are the same up to rounding in single precision."""
    try:
        mine, theirs = torch.broadcast_tensors(log_prob, other)
    except RuntimeError:
        return False
    return torch.allclose(mine, theirs, rtol=1e-3, atol=1e-4, equal_nan=True)


def check_steps(single: Trace, at_once: Trace) -> None:
    """Check that blocks of steps state what the steps state one by one.

    Raises:
        SiteError: a site that one of the two lacks, or that only one of them observes; or the values of a variable are
            others in the first steps.
    """
    blocks = {name: site for name, site in at_once.nodes.items() if site.kind == "sample" and site.block is not None}
    covered = set()
    for name, site in blocks.items():
        _check_values(site, at_once)
        for each in step_names(site):
            covered.add(each)
            alone = single.nodes.get(each)
            if alone is None or alone.kind != "sample":
                raise _unlike(each, f"is part of {name!r}, which states all such steps at once, but not stated alone")
            if alone.observed != site.observed:
                ways = f"is {_way(alone)}, but {name!r}, which states all such steps at once, is {_way(site)}"
                raise _unlike(each, ways)
    for name, site in single.nodes.items():
        if blocks and site.kind == "sample" and name not in covered and _is_in_a_block(site):
            raise _unlike(name, "is stated in its step alone, but not where all such steps are stated at once")


def _way(site: Site) -> str:
    return "observed" if site.observed else "latent"


def _check_values(site: Site, at_once: Trace) -> None:
    """Check that a variable has the same values, in the same order, in the steps before the block."""
    block = site.block
    if block is None or enumerated_dim(site) is None:
        return
    values = support(site)
    for name in (block.name_at(site.name, step) for step in range(block.first)):
        other = at_once.nodes.get(name)
        if other is not None and enumerated_dim(other) is not None:
            others = support(other)
            if others.shape != values.shape or not bool((others == values).all()):
                raise _unlike(name, f"has other values than {site.name!r}: {others.tolist()}, not {values.tolist()}")


def _is_in_a_block(site: Site) -> bool:
    return any(step.dim is not None and step.number >= step.history for step in site.steps)


def _unlike(name: str, what: str) -> SiteError:
    return SiteError(
        f"Site {name!r} of a vectorized_markov {what}. Only the distributions of the first steps may differ, not "
        "what is stated, observed or not, and not with whether the loop's t is a number or a tensor of steps; handlers "
        "such as poutine.condition cannot treat one step of many apart. For steps that differ write virgil.markov.",
        site=name,
    )


def check_tables(site: Site, block: Block, steps: Sequence[Site], stated: Mapping[str, Site]) -> None:
    """Compare a block's log-probability, masked and scaled, with that of each step, at all values of its variables.

    Args:
        site: with all values of its variables.
        block: its steps.
        steps: the same statement in each, with all values as well.
        stated: by name, the sites of the execution with blocks.

    Raises:
        ShapeError: the two differ, in value or in the variables that they depend on.
    """
    table = _entering(site)
    place = table.dims.index(block.plate)
    for slot, step in enumerate(steps):
        names = tuple(_alone(dim, slot, stated) for dim in table.dims if dim != block.plate)
        mine, theirs = Factor(table.logs.select(place, slot), names), _entering(step)
        dims = tuple(dict.fromkeys(mine.dims + theirs.dims))
        if not agree(mine.aligned(dims), theirs.aligned(dims)):
            raise unlike_its_steps(site, step.name)


def _entering(site: Site) -> Factor:
    """The log-probability, masked and scaled."""
    log_prob = site.extended_log_prob()
    if site.mask is not None:
        log_prob = counted(log_prob, site.mask)
    return factor_of(site, log_prob * scale_of(site))


def _alone(dim: str, slot: int, stated: Mapping[str, Site]) -> str:
    """The name of a slot's dim, a variable's or a plate's, where the slot's step is stated alone."""
    block = stated[dim].block if dim in stated else None
    return dim if block is None else block.name_at(dim, block.first + slot)


def unlike_its_steps(site: Site, name: str) -> ShapeError:
    """The error where the log-probability of a block differs from that of a step, at the site with this name."""
    return ShapeError(
        f"At site {site.name!r}, the log-probability of steps stated at once is not that of each step alone, as at "
        f"{name!r}. In a vectorized_markov, what differs by step is indexed by the loop's own t, as in data[t], and "
        "the first history= steps alone may have other distributions than the rest; what a round takes over from the "
        "one before are values of sites and what is computed from them. Index tables by Vindex(table)[..., a, b].",
        site=site.name,
    )
