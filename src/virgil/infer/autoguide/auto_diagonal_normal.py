"""``AutoDiagonalNormal``: independent normals over one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Normal, constraints
from virgil.infer.autoguide.auto_continuous import AutoContinuous
from virgil.infer.autoguide.initialization import InitFn, init_to_median
from virgil.infer.autoguide.scales import checked_init_scale
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
        >>> import virgil, virgil.distributions as dist
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
    scale_constraint: Constraint = constraints.softplus_positive

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitFn = init_to_median,
        init_scale: float | Tensor = 0.1,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        self.init_scale = checked_init_scale(type(self).__name__, init_scale)

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        scale = torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device).expand_as(loc)
        return {"loc": (loc, constraints.real), "scale": (scale, self.scale_constraint)}

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        return Normal(parameters["loc"], parameters["scale"]).to_event(1)
