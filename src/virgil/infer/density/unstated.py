"""Latent variables of a model that its guide does not state, drawn as the model draws them."""

from __future__ import annotations

from dataclasses import replace

from virgil.infer.density.execution import Pair
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["as_stated", "completed", "is_unstated", "unstated"]


def unstated(pair: Pair) -> dict[str, Site]:
    """The latent sites that the model draws by itself, by name; those that it sums out are not among them."""
    guide = pair.guide.nodes
    return {
        name: site
        for name, site in pair.model.nodes.items()
        if name not in guide and site.is_latent and site.enumeration is None
    }


def is_unstated(guide: Site, model: Site) -> bool:
    """True if a guide's site is the model's own, which :func:`completed` has put there."""
    return guide is model


def completed(pair: Pair) -> Pair:
    r"""The execution as one of a guide that states, after its own variables, those that the model draws by itself.

    Of such a variable :math:`z` the guide's distribution is the model's own, :math:`q(z \mid \cdot) = p(z \mid
    \cdot)`, so that :math:`\log p(z) - \log q(z) = 0`. A draw that has no pathwise derivative is scored like any other
    of the guide.
    """
    drawn = unstated(pair)
    if not drawn:
        return pair
    guide = Trace()
    guide.nodes = {**pair.guide.nodes, **drawn}
    return replace(pair, guide=guide, dependence=None)


def as_stated(pair: Pair) -> Pair:
    """The execution as the programs state it: what :func:`completed` has added to the guide is taken away."""
    model = pair.model.nodes
    if all(site is not model.get(name) for name, site in pair.guide.nodes.items()):
        return pair
    guide = Trace()
    guide.nodes = {name: site for name, site in pair.guide.nodes.items() if site is not model.get(name)}
    return replace(pair, guide=guide)
