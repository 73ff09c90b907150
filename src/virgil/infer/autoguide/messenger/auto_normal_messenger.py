"""``AutoNormalMessenger``: independent normals, each stated where the model states the variable."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil.infer.autoguide.core.pushforward_normal import pushforward_normal
from virgil.infer.autoguide.messenger.loc_scale_messenger import LocScaleMessenger

__all__ = ["AutoNormalMessenger"]


class AutoNormalMessenger(LocScaleMessenger):
    r"""The family of :class:`AutoNormal` as a messenger, whose subclasses treat single variables otherwise.

    .. math:: q(z) = \prod_i \mathcal{N}\bigl(f_i^{-1}(z_i) \mid \mathrm{loc}_i, \mathrm{scale}_i\bigr)
        \,\lvert \det \nabla f_i^{-1}(z_i) \rvert

    with :math:`f_i` the bijection onto the support that variable :math:`i` has given those before it.

    Parameters: ``locs`` and ``scales``, by site, in unconstrained space; in the store ``"AutoNormalMessenger.locs.mu"``
        and so on. Shape: ``(*plates at full size, *event)``, without the plates that are amortised.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.
        amortized_plates: names of plates whose slots share their parameters.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoNormalMessenger
        >>> def model():
        ...     a = virgil.sample("a", dist.Normal(0.0, 1.0))
        ...     virgil.sample("b", dist.Normal(a, 1.0))
        >>> class Regressed(AutoNormalMessenger):
        ...     def get_posterior(self, name, prior):
        ...         if name != "b":
        ...             return super().get_posterior(name, prior)
        ...         weight = virgil.param("weight", torch.tensor(1.0))
        ...         return dist.Normal(weight * self.upstream_value("a"), 0.5)
        >>> list(Regressed(model)())
        ['a', 'b']
    """

    def get_posterior(self, name: str, prior: Any) -> Any:
        """The image of a normal under the bijection onto the prior's support."""
        loc, scale = self._get_params(name, prior)
        return self._normal(name, prior, loc, scale)

    def _normal(self, name: str, prior: Any, loc: Tensor, scale: Tensor) -> Any:
        """The posterior that is normal in unconstrained space, or its median where that is asked for."""
        bijection = self._bijection(name, prior)
        return bijection(loc) if self._is_median else pushforward_normal(loc, scale, bijection, prior.event_shape)

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable given the medians of those before it, in unconstrained space.

        Plates have the size that the model gives them for these arguments.
        """
        return self._medians(args, kwargs)
