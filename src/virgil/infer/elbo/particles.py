"""Particles: executions of guide and model, at once or one after another, and their log weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from virgil.infer.density.execution import Call, Executions, Pair, particle_plate, run_pair
from virgil.infer.elbo.costs import Costs, IsScored

__all__ = ["Particles", "run_particles"]


class Particles:
    """The executions behind a bound.

    Args:
        call: the programs and their arguments.
        runs: the executions one after another; each is a list of costs, more than one where the guide enumerates
            sequentially, of executions whose weights sum to one.
        count: how many particles there are.
        dim: their dim where they run at once, which is one run; else ``None``.
    """

    __slots__ = ("_only", "call", "count", "dim", "runs")

    def __init__(self, call: Call, runs: Sequence[Sequence[Costs]], count: int, dim: int | None) -> None:
        self.call = call
        self.runs = runs
        self.count = count
        self.dim = dim
        self._only = runs[0][0] if dim is None and len(runs) == len(runs[0]) == 1 else None  # the usual case is quick

    def log_weights(self) -> Tensor:
        """The log weight of each particle, nats. Shape: ``(particles,)``, or ``()`` for one without a dim."""
        if self._only is not None:
            return self._only.log_weights()
        return self._by_particle([[costs.log_weights() for costs in run] for run in self.runs])

    def scores(self, is_scored: IsScored) -> Tensor | None:
        """The surrogate of the score function for some variables, as ``Costs.scores`` gives it, for each particle.

        Shape: that of ``log_weights()``.
        """
        if self._only is not None:
            return self._only.scores(is_scored)
        scores = [[costs.scores(is_scored) for costs in run] for run in self.runs]
        if all(each is None for run in scores for each in run):
            return None
        zero = torch.zeros(())
        return self._by_particle([[zero if each is None else each for each in run] for run in scores])

    def names(self, is_scored: IsScored) -> list[str]:
        """The names of latent sites of the guide, chosen as by :meth:`scores`."""
        sites = (site for pair in self.pairs for site in pair.guide.nodes.values())
        return list(dict.fromkeys(site.name for site in sites if site.is_latent and is_scored(site)))

    @property
    def pairs(self) -> list[Pair]:
        """All executions."""
        return [costs.pair for run in self.runs for costs in run] if self._only is None else [self._only.pair]

    @property
    def executions(self) -> Executions:
        """All executions, each program's with its role."""
        return [run for pair in self.pairs for run in (("guide", pair.guide), ("model", pair.model))]

    def again(self, call: Call) -> Pair:
        """Run other programs, such as these with other values, with as many particles as one of the runs has.

        Their sites have the shapes of those of ``pairs``.
        """
        if self.dim is None:
            return run_pair(call)
        with particle_plate(self.dim, self.count):
            return run_pair(call)

    def _by_particle(self, parts: list[list[Tensor]]) -> Tensor:
        """The sums over the parts of each run, as one tensor."""
        totals = [run[0] if len(run) == 1 else torch.stack(torch.broadcast_tensors(*run)).sum(0) for run in parts]
        if self.dim is not None:
            return totals[0] if totals[0].dim() else totals[0].expand(self.count)
        return totals[0] if self.count == 1 else torch.stack(totals)


def run_particles(
    call: Call, run: Callable[[Call, int, int | None], Sequence[Costs]], count: int, first_dim: int, at_once: bool
) -> Particles:
    """Run the particles.

    Args:
        call: the programs and their arguments.
        run: runs them once, given the first dim that is free, and the dim of the particles if they have one.
        count: how many.
        first_dim: left of all plates.
        at_once: whether they run in one execution.
    """
    if not at_once:
        return Particles(call, [run(call, first_dim, None) for _ in range(count)], count, None)
    with particle_plate(first_dim, count):
        return Particles(call, [run(call, first_dim - 1, first_dim)], count, first_dim)
