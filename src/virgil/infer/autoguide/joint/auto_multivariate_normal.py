"""``AutoMultivariateNormal``: one normal vector with any covariance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import MultivariateNormal, Normal, constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.transforms.lower_cholesky_affine import LowerCholeskyAffine
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.nn.parameter import emit_parameter
from virgil.params.constraint import Constraint

__all__ = ["AutoMultivariateNormal"]


class AutoMultivariateNormal(AutoContinuous):
    r"""A normal vector in unconstrained space with a full covariance.

    Its Cholesky factor is :math:`\mathrm{diag}(\mathrm{scale})\,L` with ones on the diagonal of :math:`L`,
    ``scale_tril``.

    Parameters: ``loc``, ``scale``, shape ``(latent_dim,)``, and ``scale_tril``, shape ``(latent_dim, latent_dim)``; in
        the store
    ``"AutoMultivariateNormal.loc"`` and so on.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to the vector.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoMultivariateNormal
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     virgil.sample("y", dist.LogNormal(x, 1.0))
        >>> guide = AutoMultivariateNormal(model, init_scale=0.5)
        >>> _ = guide()
        >>> guide.get_posterior().covariance_matrix.detach()
        tensor([[0.2500, 0.0000],
                [0.0000, 0.2500]])
    """

    parameter_names = ("loc", "scale", "scale_tril")
    scale_tril_constraint: Constraint = constraints.unit_lower_cholesky

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        scale = self._scale(loc)
        factor = torch.eye(len(loc), dtype=loc.dtype, device=loc.device)
        return {
            "loc": (loc, constraints.real),
            "scale": (scale, self.scale_constraint),
            "scale_tril": (factor, self.scale_tril_constraint),
        }

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        return MultivariateNormal(parameters["loc"], scale_tril=_factor(parameters))

    def get_base_dist(self) -> TorchDistributionMixin:
        """Standard normals. Shape: batch ``()``, event ``(latent_dim,)``."""
        loc = cast(Tensor, self._parameters["loc"]).detach()
        return Normal(torch.zeros_like(loc), torch.ones_like(loc)).to_event(1)

    def get_transform(self, *args: Any, **kwargs: Any) -> td.Transform:
        """The map ``u -> loc + L u`` with the Cholesky factor L of the covariance."""
        self._ensure_setup(args, kwargs)
        parameters = self._read(emit_parameter)
        return LowerCholeskyAffine(parameters["loc"], _factor(parameters))


def _factor(parameters: Mapping[str, Tensor]) -> Tensor:
    """The Cholesky factor of the covariance."""
    return parameters["scale"].unsqueeze(-1) * parameters["scale_tril"]
