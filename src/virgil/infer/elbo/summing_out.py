"""``SumOut``: the programs whose marked discrete variables take all their values, and how these are summed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from virgil.infer.density.execution import Call, Failed, Pair, run_pair
from virgil.infer.elbo.branches import branches
from virgil.infer.elbo.costs import Costs
from virgil.infer.elbo.site_costs import SiteCosts
from virgil.infer.elbo.summed_costs import sum_out
from virgil.infer.elbo.terms import Term

__all__ = ["BOTH", "Elimination", "GUIDE", "MODEL", "NONE", "SumOut"]


class Elimination(Protocol):
    """Takes the terms of an execution to costs in which the variables of several values are summed out."""

    def __call__(self, pair: Pair, terms: list[Term], particle_dim: int | None, /) -> Costs:
        """The costs.

        Args:
            pair: an execution.
            terms: its terms, with a dim for each variable that has several values.
            particle_dim: the dim of the particles; ``None`` where there is but one.
        """
        ...


@dataclass(frozen=True, slots=True)
class SumOut:
    """A choice of an objective: the variables that are summed out.

    Attributes:
        name: what a user calls it.
        costs: takes the terms of an execution to costs.
        guide: whether the guide's marked variables take all their values.
        model: whether those of the model do that the guide does not state.
    """

    name: str
    costs: Elimination
    guide: bool = True
    model: bool = True

    @property
    def enumerates(self) -> bool:
        """True if variables of either program may take all their values."""
        return self.guide or self.model

    def run(self, call: Call, first_dim: int, failed: Failed | None = None, apart: bool = False) -> Pair:
        """Run guide and model once; the arguments are those of ``run_pair``."""
        if not self.enumerates:
            return run_pair(call, failed)
        return run_pair(call, failed, first_dim, apart, self.guide, self.model)

    def runs(self, call: Call, first_dim: int) -> list[Pair]:
        """Run guide and model, once for each joint choice of what the guide enumerates sequentially."""
        if not self.guide:
            return [self.run(call, first_dim) if self.model else run_pair(call)]
        return branches(call, self.run, first_dim)


NONE = SumOut("none", SiteCosts, guide=False, model=False)
MODEL = SumOut("model", sum_out, guide=False)
GUIDE = SumOut("guide", sum_out, model=False)
BOTH = SumOut("both", sum_out)
