"""All latent variables at once, stated in the coordinates of a guide that has been fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.infer.reparam.coordinates import Coordinates
from virgil.poutine.runtime import emit
from virgil.poutine.site import Site

__all__ = ["NeuTraReparam"]


class _JointGuide(Protocol):
    """A guide with one vector for all latent variables, the image of a simpler distribution."""

    latents: Sequence[Any]

    def get_base_dist(self) -> Any: ...
    def get_transform(self, *args: Any, **kwargs: Any) -> Transform: ...
    def _unpack(self, vector: Tensor) -> Iterator[tuple[Any, Tensor]]: ...


class NeuTraReparam(Coordinates):
    r"""Neural transport: all latent variables as functions of one vector that a guide makes nearly standard normal.

    The guide is an ``AutoContinuous`` that has been fitted: its vector is the image :math:`T(u)` of a simple one, and
    variable i is :math:`f_i` of a part of it. The program states ``x_shared_latent``, :math:`u`, for its first latent
    variable x, and the joint density at u is

    .. math:: p(z(u)) \, \lvert\det \partial T / \partial u\rvert \prod_i \lvert\det \partial f_i\rvert

    exactly, so that a sampler moves in a geometry that is simpler as the guide is better *(Hoffman et al. 2019)*. All
    variables share one instance: ``config=lambda site: neutra``, or :meth:`reparam`. Which variables there are must not
    change from run to run.

    Args:
        guide: a fitted guide with ``get_base_dist`` and ``get_transform``, such as ``AutoDiagonalNormal`` or
            ``AutoMultivariateNormal``.

    Raises:
        ArgumentError: the guide is none, has not been called yet, or a variable of it is observed in the program.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDiagonalNormal
        >>> from virgil.infer.reparam import NeuTraReparam
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     return virgil.sample("y", dist.LogNormal(x, 1.0))
        >>> guide = AutoDiagonalNormal(model)
        >>> _ = guide()  # here it would be fitted
        >>> program = NeuTraReparam(guide).reparam(model)
        >>> trace = virgil.poutine.trace(program).get_trace()
        >>> trace.stochastic_nodes, trace.nodes["x_shared_latent"].value.shape
        (['x_shared_latent'], torch.Size([2]))
    """

    def __init__(self, guide: Any) -> None:
        needs = ("get_base_dist", "get_transform", "_unpack")
        super().__init__(
            guide, needs, "a guide that draws all latent variables as one vector, such as AutoDiagonalNormal"
        )
        guide.get_base_dist()
        self.guide: _JointGuide = guide

    def _stated(self, name: str, at_top: dict[str, Any]) -> dict[str, Tensor]:
        site = Site("sample", f"{name}_shared_latent", self.guide.get_base_dist().mask(False))
        site.extra = at_top
        base = cast(Tensor, emit(site).value)
        transform = self.guide.get_transform()
        vector = transform(base)
        change = transform.log_abs_det_jacobian(base, vector).expand(vector.shape[:-1])
        values = {}
        for latent, unconstrained in self.guide._unpack(vector):
            values[latent.name] = value = latent.bijection(unconstrained)
            volume = latent.bijection.log_abs_det_jacobian(unconstrained, value)
            if not isinstance(volume, Tensor):  # none
                continue
            if latent.latent_slots is not None:  # what is data is no coordinate
                volume = torch.where(latent.latent_slots.to(volume.device), volume, 0.0)
            plates = range(-len(latent.batch_shape), 0)
            change = change + (volume.sum(tuple(plates), keepdim=bool(change.dim())) if plates else volume)
        self._state_volume(name, change, at_top)
        return values

    def transform_sample(self, latent: Tensor) -> Mapping[str, Tensor]:
        """The values of all variables at draws of the shared vector.

        Args:
            latent: Shape: ``(*draws, n)``.

        Returns:
            By name. Shape: ``(*draws, *plates, *event)``.
        """
        draws = latent.shape[:-1]
        flat = self.guide.get_transform()(latent.reshape(-1, latent.shape[-1]))
        rows = [{each.name: each.bijection(part) for each, part in self.guide._unpack(vector)} for vector in flat]
        stacked = {name: torch.stack([row[name] for row in rows]) for name in self._names}
        return {name: value.reshape(draws + value.shape[1:]) for name, value in stacked.items()}
