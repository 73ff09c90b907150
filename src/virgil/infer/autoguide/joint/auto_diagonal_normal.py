"""``AutoDiagonalNormal``: independent normals over one vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Normal, constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.transforms import AffineTransform
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.nn.parameter import emit_parameter
from virgil.params.constraint import Constraint

__all__ = ["AutoDiagonalNormal"]


class AutoDiagonalNormal(AutoContinuous):
    """Independent normals in unconstrained space, drawn as one vector.

    Parameters: ``loc`` and ``scale``, in the store ``"AutoDiagonalNormal.loc"`` and ``"AutoDiagonalNormal.scale"``.
        Shape: ``(latent_dim,)``.

    It is the family of :class:`AutoNormal` in another shape: fewer parameters to update, but no plates that are
    subsampled.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to the vector.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDiagonalNormal, init_to_feasible
        >>> def model():
        ...     virgil.sample("rate", dist.Gamma(2.0, 1.0))
        ...     virgil.sample("weights", dist.Dirichlet(torch.ones(3)))
        >>> guide = AutoDiagonalNormal(model, init_loc_fn=init_to_feasible)
        >>> {name: tuple(value.shape) for name, value in guide().items()}
        {'rate': (), 'weights': (3,)}
        >>> guide.latent_dim, list(guide.state_dict())
        (3, ['loc', 'scale'])
    """

    parameter_names = ("loc", "scale")

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        scale = self._scale(loc)
        return {"loc": (loc, constraints.real), "scale": (scale, self.scale_constraint)}

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        return Normal(parameters["loc"], parameters["scale"]).to_event(1)

    def get_base_dist(self) -> TorchDistributionMixin:
        """Standard normals. Shape: batch ``()``, event ``(latent_dim,)``."""
        loc = cast(Tensor, self._parameters["loc"]).detach()
        return Normal(torch.zeros_like(loc), torch.ones_like(loc)).to_event(1)

    def get_transform(self, *args: Any, **kwargs: Any) -> td.Transform:
        """The map ``u -> loc + scale * u``."""
        self._ensure_setup(args, kwargs)
        parameters = self._read(emit_parameter)
        return AffineTransform(parameters["loc"], parameters["scale"], event_dim=1)
