"""The rungs of a posterior over real vectors, climbed until one's answer can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch

from virgil.errors import VirgilError
from virgil.infer.ladder.answer import Answer, missing
from virgil.infer.ladder.budget import Budget
from virgil.infer.ladder.chains import Begun, drawn_by_chains
from virgil.infer.ladder.importance import learned, weigh
from virgil.infer.ladder.proposals import at_modes, by_linear_response
from virgil.infer.ladder.rung import Rung
from virgil.infer.ladder.target import Target, non_centred
from virgil.infer.trust.verdict import Verdict
from virgil.ops.population_monte_carlo import Population
from virgil.ops.student_mixture import StudentMixture

__all__ = ["Climb", "climbed"]

_DENSE = 300  # entries of a vector, up to which weights of draws of a mixture can do
_WORDS = ("nothing", "unknown", "later", "means", "weighted draws", "means and spreads", "all")


@dataclass(eq=False)
class Climb:
    """How far a climb has come.

    Attributes:
        budget: how much it may spend.
        engine: what computes the density of chains.
        seed: of all random numbers.
        report: told of each rung.
        rungs: what was tried.
        interrupted: whether Ctrl-C ended the climb; what had an answer before keeps it.
        answer: the best so far.
        best: the target and population with the most efficient mixture so far.
    """

    budget: Budget
    engine: str
    seed: int
    report: Callable[[Rung], object]
    rungs: list[Rung] = field(default_factory=list)
    interrupted: bool = False
    answer: Answer | None = None
    best: tuple[Target, Population] | None = None

    @property
    def has_arrived(self) -> bool:
        """True if an answer can be trusted."""
        return self.answer is not None and self.answer.is_final

    def take(self, method: str, target: Target, rung: Callable[[], Answer | None]) -> None:
        """Take a rung, and keep its answer if it is the best so far; nothing happens when the budget is spent."""
        if self.interrupted or not self.budget.is_open:
            return
        begin, before = time.perf_counter(), target.surface.counts["gradients"]
        answer, verdict = None, _NOWHERE
        try:
            answer = rung()
        except VirgilError as error:
            verdict = Verdict("nothing", f"It failed: {error}")
        except KeyboardInterrupt:
            if self.answer is None:
                raise
            self.interrupted, verdict = True, Verdict("nothing", "Ctrl-C ended it.")
        if answer is not None:
            answer = self._settled(answer)
            verdict = answer.verdict
        spent = target.surface.counts["gradients"] - before
        self.rungs.append(Rung(f"{method}, {target.form}", time.perf_counter() - begin, spent, verdict))
        self.report(self.rungs[-1])

    def _settled(self, answer: Answer) -> Answer:
        """Compare an answer with the best so far, keep the better one, and give the new one as it is judged now.

        Weighted draws that miss a part of the posterior have less evidence by that part.
        """
        other = self.answer
        if other is not None:
            answer, other = missing(answer, other), missing(other, answer)
        self.answer = answer if other is None else max(other, answer, key=_rank)
        return answer

    def weighted(self, target: Target, mixture: Callable[[], StudentMixture]) -> Answer | None:
        """The answer of weighted draws of a mixture that learns the posterior."""
        generator, best = torch.Generator().manual_seed(self.seed), None
        for found in learned(target, mixture(), self.budget, generator):
            if self.best is None or found.efficiency > self.best[1].efficiency:
                self.best = target, found
            answer = weigh(target, found, self.budget, generator)
            if answer is not None and (best is None or _rank(answer) > _rank(best)):
                best = answer
            if best is not None and best.verdict.trusts == _WORDS[-1]:
                break
        return best

    def chains(self, target: Target, best: Population | None = None) -> Answer:
        """The answer of chains that begin at the draws of a mixture, or of the mean field."""
        generator = torch.Generator().manual_seed(self.seed)
        if best is not None:
            begun = Begun.at_draws(best, generator)
        else:
            begun = Begun.at_mean_field(target, target.starts(self.budget.starts, self.seed), generator, self.seed)
        return drawn_by_chains(target, begun, self.budget, self.engine, generator)


_NOWHERE = Verdict("nothing", "No draw of the mixture has a finite density.")


def climbed(stated: Target, climb: Climb) -> None:
    """Climb until an answer can be trusted, or the budget ends."""
    other = non_centred(stated)
    forms = [stated] if other is None else [stated, other]
    targets = [target for target in forms if target.surface.dim <= _DENSE]
    for target in targets:  # all of them: one form alone may miss the neck of a funnel
        starts = target.starts(climb.budget.starts, climb.seed)
        climb.take(
            "normals at modes", target, partial(climb.weighted, target, partial(at_modes, target.surface, starts))
        )
    for target in targets:
        if not climb.has_arrived:
            starts = target.starts(climb.budget.starts, climb.seed)
            begin = partial(by_linear_response, target.surface, starts, climb.seed)
            climb.take("mean field with linear response", target, partial(climb.weighted, target, begin))
    if climb.has_arrived or not climb.budget.chain_draws:
        return
    if climb.best is not None:
        climb.take("chains", climb.best[0], partial(climb.chains, *climb.best))
    elif not targets:
        climb.take("chains", forms[-1], partial(climb.chains, forms[-1]))


def _rank(answer: Answer) -> tuple[bool, int, float]:
    return answer.is_final, _WORDS.index(answer.verdict.trusts), -answer.weighed.errors.wanting
