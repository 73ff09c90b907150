"""``AutoLowRankMultivariateNormal``: one normal vector whose covariance is diagonal plus a matrix of low rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import LowRankMultivariateNormal, constraints
from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.density.initialization import InitFn, init_to_median
from virgil.params.constraint import Constraint

__all__ = ["AutoLowRankMultivariateNormal"]


class AutoLowRankMultivariateNormal(AutoContinuous):
    r"""A normal vector in unconstrained space with a covariance of low rank beside a diagonal.

    The covariance is :math:`S\,(I + F F^\top)\,S` with :math:`S = \mathrm{diag}(\mathrm{scale})`.

    Parameters: ``loc``, ``scale``, shape ``(latent_dim,)``, and ``cov_factor``, :math:`F`, shape
    ``(latent_dim, rank)``; in the store ``"AutoLowRankMultivariateNormal.loc"`` and so on. The entries of :math:`F`
    begin at chance, small enough that each coordinate begins with the standard deviation ``init_scale``, about. No
    tensor is larger than :math:`F`, in draws, densities and quantiles; time grows with ``latent_dim * rank**2``.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial standard deviation in unconstrained space, positive: a number, or a tensor that broadcasts
            to the vector.
        rank: columns of the factor. Default: the square root of the vector's length, rounded.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoLowRankMultivariateNormal
        >>> def model():
        ...     virgil.sample("x", dist.Normal(0.0, 1.0).expand([9]).to_event(1))
        >>> guide = AutoLowRankMultivariateNormal(model, rank=2)
        >>> _ = guide()
        >>> guide.cov_factor.shape
        torch.Size([9, 2])
    """

    parameter_names = ("loc", "scale", "cov_factor")

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitFn = init_to_median,
        init_scale: float | Tensor = 0.1,
        rank: int | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn, init_scale)
        if rank is not None and (not isinstance(rank, int) or rank < 1):
            raise ArgumentError(f"{type(self).__name__} got rank={shown(rank)}; it takes a whole number, 1 or more.")
        self.rank = rank

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        rank = round(len(loc) ** 0.5) if self.rank is None else self.rank
        # half of each coordinate's variance from the factor, half from the diagonal
        scale = self._scale(loc) * 0.5**0.5
        generator = torch.Generator().manual_seed(self._seed[0])
        factor = torch.randn(len(loc), rank, generator=generator).to(loc) * rank**-0.5
        return {
            "loc": (loc, constraints.real),
            "scale": (scale, self.scale_constraint),
            "cov_factor": (factor, constraints.real),
        }

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        scale = parameters["scale"]
        factor = scale.unsqueeze(-1) * parameters["cov_factor"]
        return LowRankMultivariateNormal(parameters["loc"], factor, scale.square())
