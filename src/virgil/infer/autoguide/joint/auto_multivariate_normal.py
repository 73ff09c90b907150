"""``AutoMultivariateNormal``: one normal vector with any covariance."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import MultivariateNormal, constraints
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
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
        factor = parameters["scale"].unsqueeze(-1) * parameters["scale_tril"]
        return MultivariateNormal(parameters["loc"], scale_tril=factor)
