"""Terms: the log-probabilities and divergences that an objective is a sum of, and the usual ones, at a draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from virgil.infer.density.execution import Pair, is_unstated
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.frame import Frame, rounds_of
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site

__all__ = ["LatentTerms", "Placed", "SAMPLED", "Term", "Terms", "all_terms", "of_guide", "of_model", "sampled"]


class Term(NamedTuple):
    """One log-probability or divergence, added to the bound or taken from it.

    Attributes:
        sign: 1 for what is added to the bound, -1 for what is taken from it.
        value: nats, masked, before the scale of handlers and the plates' weights. Shape: ``(*plates,)``.
        site: has the plates, the scale, and the names of enumerated variables' dims.
        guide_position: the last statement of the guide that it depends on; ``None`` for a density of the model.
        model_position: where the model states it; ``None`` for what depends on the guide's statements alone.
    """

    sign: int
    value: Tensor
    site: Site
    guide_position: int | None
    model_position: int | None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The plates it lies in."""
        return self.site.frames

    @property
    def rounds(self) -> dict[str, int]:
        """The round of each iterated plate that it lies in."""
        return rounds_of(self.site.frames)

    @property
    def sites(self) -> frozenset[str]:
        """The name of the site."""
        return frozenset((self.site.name,))

    @property
    def scaled(self) -> Tensor:
        """The value with the scale of handlers."""
        scale = self.site.scale
        return self.value * scale if isinstance(scale, Tensor) or scale != 1.0 else self.value


class Placed(NamedTuple):
    """A site and its place in the order of its program."""

    site: Site
    position: int


class LatentTerms(Protocol):
    """Computes the terms of one latent variable."""

    def __call__(self, guide: Placed, model: Placed, unstated: Mapping[str, Placed], /) -> list[Term]:
        """The variable's terms.

        Args:
            guide: its site in the guide.
            model: its site in the model.
            unstated: by name, the model's sites that the guide has not stated up to there.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """A choice of an objective: the way to compute the terms of latent variables.

    Attributes:
        name: what a user calls it.
        of_pair: computes the terms of one variable.
        at_draws: whether all terms are log-probabilities at the values drawn, so that their sum is the logarithm of an
            importance weight.
        of_densities: whether the terms of a variable depend on no more than its densities in the two programs do. The
            cost of another variable's score is then limited by what these are known to depend on.
    """

    name: str
    of_pair: LatentTerms
    at_draws: bool = False
    of_densities: bool = False


def of_guide(placed: Placed) -> Term:
    """The log-probability of a guide's site, taken from the bound."""
    site = placed.site
    value = site.unscaled_log_prob
    return Term(-1, value if site.mask is None else counted(value, site.mask), site, placed.position, None)


def of_model(placed: Placed) -> Term:
    """The log-probability of a model's site, added to the bound."""
    site = placed.site
    value = site.unscaled_log_prob
    return Term(1, value if site.mask is None else counted(value, site.mask), site, None, placed.position)


def _of_unstated(placed: Placed) -> Term:
    """The term of a site that the guide does not state. A mask leaves a variable that is summed out alone."""
    site = placed.site
    if site.mask is not None and enumerated_dim(site) is not None:
        return Term(1, site.unscaled_log_prob, site, None, placed.position)
    return of_model(placed)


def all_terms(pair: Pair, terms: Terms) -> list[Term]:
    """The terms of ``log p(x, z) - log q(z)``; those of a variable that the model draws by itself cancel."""
    in_model = {
        name: Placed(site, position)
        for position, (name, site) in enumerate(pair.model.nodes.items())
        if site.kind == "sample"
    }
    of_pair = terms.of_pair
    found: list[Term] = []
    for position, (name, site) in enumerate(pair.guide.nodes.items()):
        if site.kind == "sample":
            placed, counterpart = Placed(site, position), in_model.get(name)
            if counterpart is None or counterpart.site.observed:
                found.append(of_guide(placed))
                continue
            del in_model[name]
            if not is_unstated(site, counterpart.site):
                found += of_pair(placed, counterpart, in_model)
    found += [_of_unstated(placed) for placed in in_model.values()]
    return found


def sampled(guide: Placed, model: Placed, unstated: Mapping[str, Placed]) -> list[Term]:
    """``log p(z) - log q(z)`` at the value drawn.

    Of a partly observed variable the slots that are observed are no variables, whatever the guide draws for them.
    """
    term = of_guide(guide)
    if model.site.latent_slots is not None:
        term = term._replace(value=counted(term.value, model.site.latent_slots))
    return [of_model(model), term]


SAMPLED = Terms("sampled", sampled, at_draws=True, of_densities=True)
