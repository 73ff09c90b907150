"""Particles: executions of guide and model with their terms, at once or one after another, and their log weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.execution import Call, Executions, Pair, as_stated, completed, particle_plate, run_pair
from virgil.infer.density.mapped import Layout, map_draws, run_alone, tensors_of
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.costs import Costs, IsScored
from virgil.infer.elbo.terms import Term, Terms, all_terms

__all__ = ["Executed", "Particles", "executions", "run_particles"]


Executed = tuple[Pair, list[Term]]
Noted = Callable[[list[Pair]], list[Pair]]


def executions(
    call: Call,
    runs: Callable[[Call], Sequence[Pair]],
    terms: Terms,
    particles: Vectorization,
    count: int,
    noted: Noted | None = None,
) -> list[Executed]:
    """Run guide and model, once for each joint choice of what the guide enumerates sequentially.

    Args:
        call: the programs.
        runs: runs them.
        terms: how the terms of latent variables are computed.
        particles: how executions hold particles. Those along a dim are in a block around.
        count: how many particles an execution has.
        noted: adds to executions what is known of them from their shapes, if anything is.
    """
    if not particles.mapped:
        pairs = runs(call) if noted is None else noted(list(runs(call)))
        return [(pair, all_terms(pair, terms)) for pair in map(completed, pairs)]
    executed, layout = map_draws(
        lambda: [(pair, all_terms(completed(pair), terms)) for pair in runs(call)], _tensors, particles.dim, count
    )
    pairs = [pair for pair, _ in executed]
    if noted is not None:  # outside, since it may run the programs again
        pairs = noted(pairs)
    return [_laid(completed(pair), found, layout) for pair, (_, found) in zip(pairs, executed, strict=True)]


def _tensors(executed: list[Executed]) -> Iterator[Tensor]:
    for pair, terms in executed:
        yield from tensors_of(pair)
        for term in terms:
            yield term.value


def _laid(pair: Pair, terms: list[Term], layout: Layout) -> Executed:
    """The execution and its terms with all particles."""
    laid = layout.pair(pair)
    sites = {
        id(site): outer.nodes[name]
        for inner, outer in ((pair.guide, laid.guide), (pair.model, laid.model))
        for name, site in inner.nodes.items()
    }
    return laid, [
        term._replace(value=layout.placed(term.value), site=sites.get(id(term.site)) or layout.site(term.site))
        for term in terms
    ]


Run = Callable[[Call, Vectorization, int], Sequence[Costs]]


class Particles:
    """The executions behind a bound.

    Args:
        call: the programs and their arguments.
        run: runs them once, with so many particles.
        count: how many particles there are.
        draws: how executions hold them.

    Attributes:
        runs: the executions one after another; each is a list of costs, more than one where the guide enumerates
            sequentially, of executions whose weights sum to one.
        dim: of the particles where they run at once, which is one run; else ``None``.
    """

    __slots__ = ("_only", "_run", "call", "count", "dim", "draws", "runs")

    def __init__(self, call: Call, run: Run, count: int, draws: Vectorization) -> None:
        self.call = call
        self.count = count
        self.draws = draws
        self.dim = draws.dim if draws.at_once else None
        self._run = run
        runs = self.runs = [run(call, draws, count)] if draws.at_once else [run(call, draws, 1) for _ in range(count)]
        self._only = runs[0][0] if self.dim is None and len(runs) == len(runs[0]) == 1 else None  # the usual case

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
        return [run for pair in map(as_stated, self.pairs) for run in (("guide", pair.guide), ("model", pair.model))]

    def again(self, call: Call) -> Pair:
        """Run other programs, such as these with other values, with as many particles as one of the runs has.

        Their sites have the shapes of those of ``pairs``.
        """
        return self.draws.run(partial(run_pair, call), self.count)

    def alone(self, number: int) -> list[Pair]:
        """The executions of one of particles that run at once, taken again alone on its values; leaves no mark."""
        draws = self.draws.one_by_one()
        with unmarked():
            return run_alone(
                self.call,
                self.pairs[0],
                self.draws.dim,
                self.count,
                number,
                lambda call: [costs.pair for costs in self._run(call, draws, 1)],
            )

    @property
    def seen_alone(self) -> Executions:
        """The executions; of particles that are mapped, those of the first whose log weight is not finite, alone."""
        if not self.draws.mapped:
            return self.executions
        wrong = ~self.log_weights().detach().isfinite()
        pairs = self.alone(int(wrong.nonzero()[0]) if bool(wrong.any()) else 0)
        return [run for pair in map(as_stated, pairs) for run in (("guide", pair.guide), ("model", pair.model))]

    def _by_particle(self, parts: list[list[Tensor]]) -> Tensor:
        """The sums over the parts of each run, as one tensor."""
        totals = [run[0] if len(run) == 1 else torch.stack(torch.broadcast_tensors(*run)).sum(0) for run in parts]
        if self.dim is not None:
            return totals[0] if totals[0].dim() else totals[0].expand(self.count)
        return totals[0] if self.count == 1 else torch.stack(totals)


def run_particles(call: Call, run: Run, count: int, draws: Vectorization) -> Particles:
    """Run the particles.

    Args:
        call: the programs and their arguments.
        run: runs them once, with so many particles.
        count: how many there are.
        draws: how executions hold them.
    """
    if draws.at_once and not draws.mapped:
        with particle_plate(draws.dim, count):
            return Particles(call, run, count, draws)
    return Particles(call, run, count, draws)
