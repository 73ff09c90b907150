"""Terms: what an objective is a sum of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from virgil.infer.density.execution import Pair
from virgil.poutine.frame import Frame
from virgil.poutine.masking import counted
from virgil.poutine.site import Site

__all__ = ["LatentTerms", "Placed", "Term", "all_terms", "sampled"]


class Term(NamedTuple):
    """One log-probability, counted or taken away.

    Attributes:
        sign: 1 for what is added to the bound, -1 for what is taken from it.
        value: nats, with the scale and mask of handlers, before the plates' weights. Shape: ``(*plates,)``.
        frames: the plates it lies in.
        weight: the product of their weights.
        guide_position: where the guide states it, or ``None``.
        model_position: where the model states it, or ``None``.
    """

    sign: int
    value: Tensor
    frames: tuple[Frame, ...]
    weight: float
    guide_position: int | None
    model_position: int | None

    def total(self) -> Tensor:
        """The weighted sum over all plates, without the sign. A scalar."""
        total = self.value.sum() if self.value.dim() else self.value
        return total if self.weight == 1.0 else total * self.weight


class Placed(NamedTuple):
    """A site and its place in the order of its program."""

    site: Site
    position: int


# How the terms of one latent variable are computed, from its site in the guide, its site in the model, and the model's
# sites that the guide has not stated up to there.
LatentTerms = Callable[[Placed, Placed, Mapping[str, Placed]], list[Term]]


def _of_guide(placed: Placed) -> Term:
    site = placed.site
    return Term(-1, site.term, site.frames, site.weight, placed.position, None)


def _of_model(placed: Placed) -> Term:
    site = placed.site
    return Term(1, site.term, site.frames, site.weight, None, placed.position)


def sampled(guide: Placed, model: Placed, unstated: Mapping[str, Placed]) -> list[Term]:
    """``log p(z) - log q(z)`` at the value drawn.

    Of a partly observed variable the slots that are observed are no variables, whatever the guide draws for them.
    """
    term = _of_guide(guide)
    if "_latent_slots" in model.site.infer:
        term = term._replace(value=counted(term.value, model.site.infer["_latent_slots"]))
    return [_of_model(model), term]


def all_terms(pair: Pair, latent_terms: LatentTerms) -> list[Term]:
    """The terms of ``log p(x, z) - log q(z)``."""
    in_model = {
        name: Placed(site, position)
        for position, (name, site) in enumerate(pair.model.nodes.items())
        if site.kind == "sample"
    }
    terms: list[Term] = []
    for position, (name, site) in enumerate(pair.guide.nodes.items()):
        if site.kind == "sample":
            placed, counterpart = Placed(site, position), in_model.pop(name, None)
            terms += [_of_guide(placed)] if counterpart is None else latent_terms(placed, counterpart, in_model)
    terms += [_of_model(placed) for placed in in_model.values()]
    return terms
