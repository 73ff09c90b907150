"""``Choices``: what an objective is made of, one independent choice a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.infer.elbo.analytic import ANALYTIC
from virgil.infer.elbo.bound import MEAN, Bound, BoundFunction
from virgil.infer.elbo.gradient import PATHWISE_OR_SCORE, Estimate, GradientRule
from virgil.infer.elbo.refusals import refuse
from virgil.infer.elbo.summing_out import BOTH, GUIDE, MODEL, NONE, Elimination, SumOut
from virgil.infer.elbo.terms import SAMPLED, LatentTerms, Terms

__all__ = ["Choices"]

Choice = TypeVar("Choice", Terms, SumOut, GradientRule, Bound)


@dataclass(frozen=True, slots=True)
class Choices:
    """An objective: each field is a choice that is made independently of the others.

    Attributes:
        terms: how the terms of latent variables are computed.
        sum_out: which variables are summed out.
        gradient: how the gradient is estimated.
        bound: how the particles' log weights make a bound.
        num_particles: how many draws of the guide the bound takes.
        vectorize_particles: whether they run in one execution; ``None``: where a trial shows that they can.

    Raises:
        ArgumentError: two choices do not fit together, or a number is out of range.
    """

    terms: Terms = SAMPLED
    sum_out: SumOut = NONE
    gradient: GradientRule = PATHWISE_OR_SCORE
    bound: Bound = MEAN
    num_particles: int = 1
    vectorize_particles: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.num_particles, int) or self.num_particles < 1:
            raise ArgumentError(
                f"An objective got num_particles={shown(self.num_particles)}; it takes a whole number, 1 or more."
            )
        refuse(self.terms, self.sum_out, self.bound)

    def but(
        self,
        terms: str | Terms | LatentTerms | None = None,
        sum_out: str | SumOut | Elimination | None = None,
        gradient: str | GradientRule | Estimate | None = None,
        bound: str | Bound | BoundFunction | None = None,
        num_particles: int | None = None,
        vectorize_particles: bool | None = None,
    ) -> Self:
        """The same choices but for those that are given: by name, as a record, or as a function.

        Raises:
            ArgumentError: a name that no choice has, or choices that do not fit together.
        """
        given: dict[str, Any] = {
            "terms": terms and _chosen("terms", terms, Terms, _TERMS),
            "sum_out": sum_out and _chosen("sum_out", sum_out, SumOut, _SUM_OUT),
            "gradient": gradient and _chosen("gradient", gradient, GradientRule, _GRADIENTS),
            "bound": bound and _chosen("bound", bound, Bound, _BOUNDS),
            "num_particles": num_particles,
            "vectorize_particles": vectorize_particles,
        }
        return replace(self, **{name: value for name, value in given.items() if value is not None})


_TERMS = {choice.name: choice for choice in (SAMPLED, ANALYTIC)}
_SUM_OUT = {choice.name: choice for choice in (NONE, MODEL, GUIDE, BOTH)}
_GRADIENTS = {choice.name: choice for choice in (PATHWISE_OR_SCORE,)}
_BOUNDS = {choice.name: choice for choice in (MEAN,)}


def _chosen(field: str, value: object, kind: Callable[[str, Any], Choice], named: Mapping[str, Choice]) -> Choice:
    """The choice of a name, or of a function; a record is one already."""
    if isinstance(value, str):
        if value not in named:
            raise ArgumentError(f"An objective got {field}={shown(value)}. {did_you_mean(value, named)}")
        return named[value]
    for known in named.values():
        if value is known or value is _function(known):
            return known
    if isinstance(value, (Terms, SumOut, GradientRule, Bound)):
        if isinstance(value, type(next(iter(named.values())))):
            return value
    elif callable(value):
        return kind(getattr(value, "__name__", type(value).__name__), value)
    names = ", ".join(map(repr, named))
    raise ArgumentError(
        f"An objective got {field}={shown(value)}; it takes {names}, or a function such as they stand for."
    )


def _function(choice: Terms | SumOut | GradientRule | Bound) -> object:
    """The function of a choice, which is the field after its name."""
    return getattr(choice, fields(choice)[1].name)
