"""``TraceMeanField_ELBO``: analytic divergences where torch has them."""

from __future__ import annotations

import torch
from torch.distributions import kl_divergence

from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.terms import Placed, Term, sampled

__all__ = ["TraceMeanField_ELBO", "analytic"]


def analytic(guide: Placed, model: Placed) -> list[Term]:
    """``-KL(q(z) || p(z))`` in closed form, or both terms at the value drawn where torch knows none."""
    site = model.site
    try:
        value = kl_divergence(guide.site.fn, site.fn)
    except NotImplementedError:
        return sampled(guide, model)
    if site.mask is not None:
        value = torch.where(torch.as_tensor(site.mask), value, value.new_zeros(()))
    if isinstance(site.scale, torch.Tensor) or site.scale != 1.0:
        value = value * site.scale
    return [Term(-1, value, site.frames, site.weight, guide.position, model.position)]


class TraceMeanField_ELBO(ELBO):
    r"""The evidence lower bound with analytic divergences *(Kingma and Welling 2014, equation 7)*.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)}\bigl[\log p(x \mid z)\bigr] - \sum_i \mathrm{KL}\bigl(q(z_i) \,\|\,
    p(z_i)\bigr)

    It differs from :class:`Trace_ELBO` in the terms of latent variables whose divergence torch has in closed form,
    which need no draw and so have less variance. It is right for guides whose variables are independent of each other
    (mean field), or that state them in the model's order.
    """

    latent_terms = staticmethod(analytic)
