"""Check that probabilities are not handed on as logits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.infer.checks.containment import family_name, support_of
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.ranges import nested
from virgil.params import get_param_store
from virgil.params.constraint import Constraint, same_constraint
from virgil.poutine.site import Site

__all__ = ["logit_problems"]


@dataclass(frozen=True)
class _Probabilities:
    """A value that is a probability, or a vector of them that sums to one.

    Attributes:
        value: it.
        words: where it comes from.
        is_vector: whether it is a vector.
    """

    value: Tensor
    words: str
    is_vector: bool


def logit_problems(subject: Subject) -> Iterator[Finding]:
    """Values of simplexes, and of the unit interval, that a distribution got as ``logits``."""
    known: list[_Probabilities] = []
    for role, trace in (("guide", subject.guide), ("model", subject.model)):
        for site in trace.nodes.values():
            if site.kind == "sample":
                for fn in nested(site.fn):
                    given = _given(fn)
                    source = next((each for each in known if given is not None and _is_handed(each, given, fn)), None)
                    if source is not None:
                        yield _problem(site, role, source)
                        break
            if isinstance(site.value, Tensor):
                known += _probabilities(site)


def _probabilities(site: Site) -> Iterator[_Probabilities]:
    support: Constraint | None = None
    if site.kind == "param" and site.name in get_param_store():
        support, words = get_param_store().constraint(site.name), f"parameter {site.name!r}"
    elif site.is_latent and not any(isinstance(each, td.Uniform) for each in nested(site.fn)):
        support, words = support_of(site), f"site {site.name!r}"
    support = None if support is None else entry_constraint(support)
    if support is not None and type(support) is type(constraints.simplex):
        yield _Probabilities(site.value, f"{words} sums to one", True)
    elif support is not None and same_constraint(support, constraints.unit_interval):
        yield _Probabilities(site.value, f"{words} lies between 0 and 1", False)


def _given(fn: Any) -> Tensor | None:
    """The logits that a distribution was made from, or has computed; ``None`` where it has none."""
    logits = vars(fn).get("logits")
    return logits if isinstance(logits, Tensor) else None


def _is_handed(source: _Probabilities, given: Tensor, fn: Any) -> bool:
    if not source.is_vector:
        same = given.numel() > 0 and given.data_ptr() == source.value.data_ptr()
        return same and not isinstance(fn, td.Categorical)
    value = source.value.detach()
    if not isinstance(fn, td.Categorical) or value.shape[-1:] != given.shape[-1:] or value.shape[-1] < 2:
        return False
    if bool((value == value[..., :1]).all()):  # equal weights are equal as logits too
        return False
    normalised = torch.log_softmax(value, -1)
    try:
        return bool(torch.isclose(normalised, given.detach(), rtol=1e-5, atol=1e-6).all())
    except RuntimeError:  # of shapes that do not broadcast
        return False


def _problem(site: Site, role: str, source: _Probabilities) -> Finding:
    return Finding(
        f"At site {site.name!r}, the {role}'s {family_name(site.fn)} got as logits what are probabilities: "
        f"{source.words}.",
        "Pass it as probs, or take its logarithm; as logits it makes nearly even odds.",
        site.name,
        severity="warning",
    )
