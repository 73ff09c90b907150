"""Check that a guide's distributions draw only values that the model allows, by the distributions themselves."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static
from typing import Any

from torch import distributions as td
from torch.distributions import constraints
from torch.distributions.transforms import ComposeTransform, Transform

from virgil.distributions import Delta, Empirical
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.errors import SupportError
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.pairing import is_auxiliary
from virgil.infer.checks.regions import contains, described
from virgil.params.constraint import Constraint, is_unrestricted, same_constraint
from virgil.poutine.site import Site

__all__ = [
    "category_problems",
    "containment_problems",
    "family_name",
    "is_unchecked",
    "layers",
    "static_support",
    "support_of",
]

_POINTS = (Delta, Empirical)  # of these the values are looked at
_NARROWER = (td.VonMises,)  # which say that they draw any real number, and do not


def containment_problems(subject: Subject) -> Iterator[Finding]:
    """Sites at which the guide's support is wider than the model's, or of another kind.

    A narrower one is legal: the bound is then finite, and less than it might be.
    """
    for name, site in subject.guide.nodes.items():
        other = subject.model.nodes.get(name)
        if site.is_latent and not is_auxiliary(site) and other is not None and other.is_latent:
            ours = support_of(site) if _is_exact(site.fn) else None
            theirs = None if isinstance(other.fn, _POINTS) else support_of(other)
            if ours is not None and theirs is not None and contains(theirs, ours) is False:
                yield _problem(name, site, other, ours, theirs)


def category_problems(subject: Subject) -> Iterator[Finding]:
    """Categories of the model that the guide never draws, because its distribution has fewer."""
    for name, site in subject.guide.iter_stochastic_nodes():
        other = subject.model.nodes.get(name)
        guide, model = layers(site.fn)[-1], None if other is None else layers(other.fn)[-1]
        if isinstance(guide, td.Categorical) and isinstance(model, td.Categorical):
            ours, theirs = guide._num_events, model._num_events
            if ours < theirs:
                yield Finding(
                    f"At site {name!r}, the guide's Categorical has {ours} categories and the model's {theirs}, so "
                    f"that the guide never draws {'the last' if theirs - ours == 1 else f'the last {theirs - ours}'}.",
                    f"Give the guide's {theirs} as well, unless the others are left out on purpose.",
                    name,
                    severity="note",
                )


def support_of(site: Site) -> Constraint | None:
    """The support, where it is known, counts, and is the same in all slots that count."""
    if site.mask is False or getattr(site.fn, "_mask", None) is False or is_unchecked(site.fn):
        return None
    try:
        support: Constraint = site.fn.support
    except (NotImplementedError, AttributeError, ValueError):
        return None
    if constraints.is_dependent(support) or not isinstance(support, Constraint):
        return None
    varies = bool(site.variables) or site.mask is not None
    return None if varies and _has_tensors(support) else support


def static_support(site: Site) -> Constraint | None:
    """The support of an observation, where it is the same at each step and for all that is observed.

    ``None`` for real numbers as well, since what is not among them shows in the loss, and for counts up to a total,
    which a program may take from the data at hand.
    """
    support = support_of(site) if site.mask is None else None
    if support is None or is_unrestricted(support) or _has_tensors(support, 0):
        return None
    return None if isinstance(_innermost(support), constraints.multinomial) else support


def _innermost(support: Constraint) -> Constraint:
    while hasattr(support, "base_constraint"):
        support = support.base_constraint
    return support


def _has_tensors(support: Constraint, more_than: int = 1) -> bool:
    bounds = vars(_innermost(support)).values()
    return any(hasattr(each, "shape") and each.numel() > more_than for each in bounds)


def _is_exact(fn: Any) -> bool:
    """True if ``fn.support`` is the set that it draws from, rather than one around it."""
    if isinstance(fn, (*_POINTS, *_NARROWER)):
        return False
    if isinstance(fn, td.TransformedDistribution):
        declared = getattr_static(type(fn), "support", None)
        if declared is not getattr_static(td.TransformedDistribution, "support"):
            return True
        base: Any = fn.base_dist
        return _is_exact(base) and _is_image(base.support, fn.transforms)
    inner = getattr(fn, "base_dist", None)
    return inner is None or _is_exact(inner)


def _is_image(support: Constraint, transforms: list[Transform]) -> bool:
    """True if each transform is applied to all of its domain, so that its codomain is what comes out."""
    for transform in transforms:
        parts = transform.parts if isinstance(transform, ComposeTransform) else [transform]
        for part in parts:
            if not same_constraint(entry_constraint(part.domain), entry_constraint(support)):
                return False
            support = part.codomain
    return True


def _problem(name: str, site: Site, other: Site, ours: Constraint, theirs: Constraint) -> Finding:
    cause = (
        f"At site {name!r}, the guide's {family_name(site.fn)} draws from {described(ours)}, but the support of the "
        f"model's {family_name(other.fn)} is {described(theirs)}."
    )
    return Finding(cause, _cure(ours, theirs), name, kind=SupportError)


def _cure(ours: Constraint, theirs: Constraint) -> str:
    if theirs.is_discrete and not ours.is_discrete:
        return (
            "Give the variable a discrete distribution in the guide, or sum it out: leave it out of the guide, mark "
            "the model by config_enumerate and use TraceEnum_ELBO."
        )
    if ours.is_discrete and not theirs.is_discrete:
        return "Give the variable a continuous distribution in the guide."
    if theirs.is_discrete:
        return "Outside of it the bound is minus infinity. Use a distribution over the model's values."
    return (
        "Outside of it the bound is minus infinity, if not at the first draw then at a later one. Use "
        f"{_example(entry_constraint(theirs))}, a TransformedDistribution that ends there, or AutoNormal, which finds "
        "the transform by itself."
    )


_FAMILIES = {
    type(constraints.simplex): "Dirichlet",
    type(constraints.corr_cholesky): "LKJCholesky",
    type(constraints.positive_definite): "Wishart",
}


def _example(support: Constraint) -> str:
    if type(support) in _FAMILIES:
        return f"a distribution with this support, such as {_FAMILIES[type(support)]}"
    if same_constraint(support, constraints.unit_interval):
        return "a distribution with this support, such as Beta"
    if same_constraint(support, constraints.positive) or same_constraint(support, constraints.nonnegative):
        return "a distribution with this support, such as LogNormal or Gamma"
    return "a distribution with this support"


def family_name(fn: Any) -> str:
    """The name of the distribution inside ``to_event``, ``mask`` and the like."""
    return type(layers(fn)[-1]).__name__


def is_unchecked(fn: Any) -> bool:
    """True if the program made the distribution with ``validate_args=False``: no check looks at its values then."""
    own = (vars(each).get("_validation", vars(each).get("_validate_args")) for each in layers(fn))
    return any(each is False for each in own)


def layers(fn: Any) -> list[Any]:
    """The distribution, and those inside it up to the one that ``to_event``, ``mask`` and the like were called on."""
    found = [fn]
    while not isinstance(found[-1], td.TransformedDistribution) and hasattr(found[-1], "base_dist"):
        found.append(found[-1].base_dist)
    return found
