"""Many draws in one execution: along a dim of their own left of all plates, or by ``torch.func.vmap``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from virgil.errors import ShapeError
from virgil.infer.density.execution import Pair, particle_plate
from virgil.infer.density.mapped import map_draws, tensors_of
from virgil.poutine.frame import Frame
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site

__all__ = ["Vectorization", "WholePlates", "draws_in_one_execution"]

_ELEMENTS = 2**27  # of results that one execution may compute, all operators together


class WholePlates(Handler):
    """Lets a plate that would draw a mini-batch take all its slots."""

    def before(self, site: Site) -> Site:
        """Give the plate its indices."""
        fn = site.fn
        if site.kind == "plate" and site.value is None and isinstance(fn, SubsampleIndices):
            site = site.with_value(torch.arange(fn.size, device=fn.device))
        return site


@dataclass(frozen=True)
class Vectorization:
    """How the executions of a program hold draws.

    Attributes:
        dim: the batch dim of the draws, left of all plates.
        at_once: whether an execution has many draws, whose traces have them along this dim; else it has one, and no
            such dim.
        chunk: how many draws an execution has at most.
        whole: whether plates that draw mini-batches take all their slots.
        mapped: whether programs that run with many draws see one alone, by ``vmap``, and none the dim.
    """

    dim: int
    at_once: bool
    chunk: int = 1
    whole: bool = False
    mapped: bool = False

    def run(self, execute: Callable[[], Pair], count: int, densities: bool = True) -> Pair:
        """An execution that has so many draws.

        Args:
            execute: runs the programs.
            count: how many draws.
            densities: whether those of the sites are asked for afterwards.
        """
        with WholePlates() if self.whole else nullcontext():
            if not self.at_once:
                return execute()
            if not self.mapped:
                with particle_plate(self.dim, count):
                    return execute()
            pair, layout = map_draws(execute, lambda pair: tensors_of(pair, densities), self.dim, count)
            return layout.pair(pair)

    def one_by_one(self) -> Vectorization:
        """One draw an execution."""
        return replace(self, at_once=False, chunk=1, mapped=False)

    def chunks(self, num: int) -> Iterator[range]:
        """The numbers of so many draws, an execution after another."""
        return (range(start, min(start + self.chunk, num)) for start in range(0, num, self.chunk))

    def placed(self, values: Tensor, event_dim: int) -> Tensor:
        """Values with the draws first, as a site has them: ``(count, *batch, *event)`` with ones after the draws.

        One draw loses its dim where an execution has but one.
        """
        if not self.at_once:
            return values.squeeze(0)  # the only one
        ones = -self.dim - 1 - (values.dim() - 1 - event_dim)
        return values.reshape(len(values), *(1,) * ones, *values.shape[1:])

    def stacked(self, name: str, value: Tensor, single: Tensor, count: int) -> Tensor:
        """The value of an execution by draw. Shape: ``(count, *shape of a single one)``; what has no draws is repeated.

        Raises:
            ShapeError: it has neither the draws' dim nor the shape of a single value.
        """
        if value.numel() == count * single.numel():
            return value.reshape(count, *single.shape)
        if value.shape == single.shape:
            return value.expand(count, *value.shape)
        raise ShapeError(
            f"Site {name!r} has shape {tuple(value.shape)} for {count} draws at once, where one draw has "
            f"{tuple(single.shape)}: the program does not broadcast over a dim on the left. Index from the right, as "
            "in x[..., 0], and reduce over dims from the right, as in x.sum(-1).",
            site=name,
        )

    def per_draw(self, log_prob: Tensor, frames: tuple[Frame, ...], count: int) -> Tensor:
        """The sum over all plates for each draw, weighted, float64. Shape: ``(count,)``."""
        log_prob = log_prob.double()
        for frame in frames:
            log_prob = log_prob if frame.particle or frame.weight == 1.0 else log_prob * frame.weight
        if not self.at_once or log_prob.dim() < -self.dim:
            return log_prob.sum().expand(count)
        rows = log_prob.movedim(self.dim, 0)
        return rows.reshape(len(rows), -1).sum(1).expand(count)


def draws_in_one_execution(elements: int) -> int:
    """How many draws an execution may have, from how many elements it computes with one."""
    return max(1, _ELEMENTS // max(elements, 1))
