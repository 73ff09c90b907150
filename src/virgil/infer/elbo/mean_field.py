"""``TraceMeanField_ELBO``: analytic divergences where torch has them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.distributions import kl_divergence

from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.terms import Placed, Term, sampled
from virgil.poutine.masking import counted
from virgil.poutine.site import Site

__all__ = ["TraceMeanField_ELBO", "analytic"]


def analytic(guide: Placed, model: Placed, unstated: Mapping[str, Placed]) -> list[Term]:
    """``-KL(q(z) || p(z))`` in closed form where that is known and right, else both terms at the value drawn.

    It is right where the guide has drawn all that the model's distribution of ``z`` may depend on, and where both
    programs count ``z`` alike.
    """
    site = model.site
    if not _alike(guide.site, site) or any(_latent_before(model, other) for other in unstated.values()):
        return sampled(guide, model, unstated)
    try:
        value = kl_divergence(guide.site.fn, site.fn)
    except NotImplementedError:
        return sampled(guide, model, unstated)
    if site.mask is not None:
        value = counted(value, site.mask)
    if isinstance(site.scale, Tensor) or site.scale != 1.0:
        value = value * site.scale
    return [Term(-1, value, site.frames, site.weight, guide.position, model.position)]


def _alike(guide: Site, model: Site) -> bool:
    """Whether mask and scale are the same; tensors are compared by identity, which asks no device."""
    if isinstance(guide.scale, Tensor) or isinstance(model.scale, Tensor):
        same_scale = guide.scale is model.scale
    else:
        same_scale = guide.scale == model.scale
    return same_scale and guide.mask is model.mask


def _latent_before(model: Placed, other: Placed) -> bool:
    return other.position < model.position and not other.site.observed


class TraceMeanField_ELBO(ELBO):
    r"""The evidence lower bound with analytic divergences *(Kingma and Welling 2014, equation 7)*.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)}\bigl[\log p(x \mid z)\bigr] - \sum_i \mathrm{KL}\bigl(q(z_i) \,\|\,
    p(z_i)\bigr)

    It differs from :class:`Trace_ELBO` in the terms of latent variables whose divergence torch has in closed form,
    which need no draw and so have less variance. A variable that the guide states before one that the model states
    earlier has its term at the value drawn, since its divergence would then be another expectation.
    """

    latent_terms = staticmethod(analytic)
