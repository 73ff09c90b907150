"""``AutoRegressiveMessenger``: each posterior is an affine image of the prior, given the variables before."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import TransformedDistribution
from virgil.distributions.transforms import AffineTransform
from virgil.infer.autoguide.messenger.loc_scale_messenger import LocScaleMessenger

__all__ = ["AutoRegressiveMessenger"]


class AutoRegressiveMessenger(LocScaleMessenger):
    r"""Each posterior is the prior, given the variables before, moved and stretched in unconstrained space.

    .. math:: z_i = f_i\bigl(\mathrm{loc}_i + \mathrm{scale}_i \, f_i^{-1}(\tilde z_i)\bigr), \qquad
        \tilde z_i \sim p(z_i \mid z_{<i})

    It keeps the prior's dependences and shape of tails; it begins as the prior shrunk by ``init_scale`` towards the
    initial value.

    Parameters: ``locs`` and ``scales``, by site, in unconstrained space; see :class:`AutoNormalMessenger`.

    Args:
        model: the generative program, whose latent variables are continuous.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale relative to the prior, positive.
        amortized_plates: names of plates whose slots share their parameters.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoRegressiveMessenger
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     virgil.sample("y", dist.Normal(x, 1.0))
        >>> guide = AutoRegressiveMessenger(model)
        >>> _ = guide()
        >>> list(guide.state_dict())
        ['locs.x', 'locs.y', 'scales.x', 'scales.y']
    """

    def get_posterior(self, name: str, prior: Any) -> Any:
        """The affine image of the prior."""
        bijection = self._bijection(name, prior)
        loc, scale = self._get_params(name, prior)
        affine = AffineTransform(loc, scale, event_dim=bijection.unconstrained_event_dim)
        transform = bijection.transform
        parts: list[Transform] = [affine] if transform is None else [transform.inv, affine, transform]
        return TransformedDistribution(prior, parts)

    def _initial_loc(self, name: str, prior: Any) -> Tensor:
        start = self._initial_unconstrained(name, prior)
        return start * (1.0 - self._scale_like(start))
