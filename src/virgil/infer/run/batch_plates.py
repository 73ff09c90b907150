"""Warning of a run on mini-batches whose plate has the size of a batch, and not that of the data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil import settings
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.problem import Problem
from virgil.infer.run.source import Batch
from virgil.infer.warn import show_warning
from virgil.ops.trees import tree_leaves
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site

__all__ = ["warn_of_batch_plates"]


def warn_of_batch_plates(problem: Problem, batch: Batch, num_batches: int) -> None:
    """Warn where a variable is shared by all data, and a batch's likelihood counts as if the batch were all.

    The divergence of a shared variable then counts once a batch, so that it is ``num_batches`` times too heavy. Where
    every latent variable lies in the plate, the bound of a batch is a share of that of the data, and nothing is wrong;
    a scale at either side says that the program knows.

    Args:
        problem: what is solved.
        batch: the arguments of a step.
        num_batches: how many there are in an epoch.
    """
    if num_batches < 2 or problem.objective.evidence_bound is None or not settings.get("validate"):
        return
    with dry_run(), torch.no_grad():
        pair = run_pair(Call(problem.model, problem.guide, batch.args, batch.kwargs))
    found = _found(pair, batch)
    if found is not None:
        shared, frame = found
        show_warning(
            f"Plate {frame.name!r} has size {frame.size}, that of one batch of {num_batches}, and site "
            f"{shared.name!r}, outside of it, is shared by all data: its prior counts in every batch, {num_batches} "
            "times an epoch, and each datum once. Give the plate the number of all data and the batch's indices, as in "
            f"virgil.plate({frame.name!r}, num_data, subsample=indices), or scale the likelihood by poutine.scale."
        )


def _found(pair: Pair, batch: Batch) -> tuple[Site, Frame] | None:
    """A latent variable shared by all data, and the plate of a batch around an observation."""
    sizes = {len(each) for each in tree_leaves((batch.args, batch.kwargs)) if isinstance(each, Tensor) and each.dim()}
    for site in pair.model.nodes.values():
        if site.kind == "sample" and site.observed and not site.is_factor and _counts_once(site.scale):
            for frame in site.frames:
                if frame.dim is not None and frame.size == frame.full_size and frame.size in sizes and frame.size > 1:
                    shared = _shared(pair, frame)
                    if shared is not None:
                        return shared, frame
    return None


def _shared(pair: Pair, frame: Frame) -> Site | None:
    for name, site in pair.model.nodes.items():
        inside = any(each.name == frame.name for each in site.frames)
        if site.is_latent and not inside and site.mask is not False and name in pair.guide and _counts_once(site.scale):
            return site
    return None


def _counts_once(scale: Any) -> bool:
    return not isinstance(scale, Tensor) and scale == 1.0
