"""``terms="analytic"``: the divergence of a latent variable in closed form where that is known and right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Size, Tensor
from torch.distributions import Distribution, kl_divergence

from virgil.distributions.core.shape_algebra import expanded
from virgil.infer.elbo.branches import has_exact_weight
from virgil.infer.elbo.terms import Placed, Term, Terms, sampled
from virgil.ops.broadcast import broadcast_shapes
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site
from virgil.poutine.undeclared import undeclared_dims

__all__ = ["ANALYTIC", "analytic"]


def analytic(guide: Placed, model: Placed, unstated: Mapping[str, Placed]) -> list[Term]:
    r"""``-KL(q(z) || p(z))`` in closed form, else both terms at the value drawn.

    With :math:`a` what the guide has stated before :math:`z`,

    .. math:: \mathbb{E}_{q(a)\,q(z \mid a)}\bigl[\log p(z \mid a) - \log q(z \mid a)\bigr] = -\mathbb{E}_{q(a)}\,
        \mathrm{KL}\bigl(q(z \mid a) \,\|\, p(z \mid a)\bigr),

    so it is right where the model's distribution of :math:`z` depends on :math:`a` alone: on no latent variable that
    the guide states later, and on none that the model sums out. Both programs must count :math:`z` alike. Variables
    of :math:`a` that the guide enumerates are dims of the divergence, which is averaged like any other term. A
    variable whose own values are enumerated has an exact average already.
    """
    names = _dim_names(guide.site, model, unstated)
    if names is None or not _alike(guide.site, model.site) or has_exact_weight(guide.site):
        return sampled(guide, model, unstated)
    try:
        value = _divergence(guide.site.fn, model.site.fn)
    except NotImplementedError:
        return sampled(guide, model, unstated)
    site = model.site
    if site.mask is not None:
        value = counted(value, site.mask)
    if names:
        site = site.replace(variables=names)
    return [Term(-1, value, site, guide.position - 1, None)]


ANALYTIC = Terms("analytic", analytic, of_densities=True)


def _dim_names(guide: Site, model: Placed, unstated: Mapping[str, Placed]) -> Mapping[int, str] | None:
    """By dim of the divergence, the variable of the guide whose values it holds.

    ``None`` where the model's distribution may depend on a latent variable that the guide has not stated before.
    """
    if any(_drawn_later(model, other) for other in unstated.values()):
        return None
    site = model.site
    if not guide.variables and not site.variables:
        return {}
    batches = broadcast_shapes(guide.fn.batch_shape, site.fn.batch_shape)
    known = {frame.dim for frame in site.frames}.union(undeclared_dims(site, batches))
    names = {}
    for dim, size in _sizes(guide.fn.batch_shape, site.fn.batch_shape):
        if size > 1 and dim not in known:
            name = guide.variables.get(dim)
            if name is None or site.variables.get(dim, name) != name:
                return None
            names[dim] = name
    return names


def _drawn_later(model: Placed, other: Placed) -> bool:
    """True if the model states the other variable before, but the guide does not.

    Variables that the model sums out are no obstacle: what depends on one has its dim.
    """
    is_latent_before = other.position < model.position and not other.site.observed
    return is_latent_before and enumerated_dim(other.site) is None


def _sizes(first: Size, second: Size) -> Iterator[tuple[int, int]]:
    """Dims, counted from the right, with their sizes in the two shapes broadcast."""
    for dim in range(-max(len(first), len(second)), 0):
        yield dim, max(shape[dim] if len(shape) >= -dim else 1 for shape in (first, second))


def _alike(guide: Site, model: Site) -> bool:
    """True if mask and scale are the same. Tensors are compared by identity, which asks no device."""
    if isinstance(guide.scale, Tensor) or isinstance(model.scale, Tensor):
        same_scale = guide.scale is model.scale
    else:
        same_scale = guide.scale == model.scale
    return same_scale and guide.mask is model.mask


def _divergence(q: Distribution, p: Distribution) -> Tensor:
    """``KL(q || p)``. Shape: that of the two batches broadcast."""
    if q.batch_shape != p.batch_shape:  # some families ask for equal batches
        shape = broadcast_shapes(q.batch_shape, p.batch_shape)
        q, p = expanded(q, shape), expanded(p, shape)
    return kl_divergence(q, p)
