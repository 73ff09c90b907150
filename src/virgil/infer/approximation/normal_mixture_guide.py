"""A guide that is a mixture of normal vectors, whose parameters are given and not learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Categorical, MixtureSameFamily, MultivariateNormal, constraints
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.density.initialization import InitFn
from virgil.params.constraint import Constraint

__all__ = ["NormalMixtureGuide"]


class NormalMixtureGuide(AutoContinuous):
    """A mixture of normal vectors in unconstrained space.

    Parameters: ``logits``, shape ``(components,)``, ``locs``, ``(components, latent_dim)``, and ``scale_trils``,
        ``(components, latent_dim, latent_dim)``.

    Args:
        model: the generative program.
        components: how many normals.
        init_loc_fn: from a latent site to its initial value.
    """

    parameter_names = ("logits", "locs", "scale_trils")

    def __init__(self, model: Callable[..., Any], components: int, init_loc_fn: InitFn) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        self.components = components

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        factors = torch.diag(self._scale(loc)).expand(self.components, -1, -1)
        return {
            "logits": (loc.new_zeros(self.components), constraints.real),
            "locs": (loc.expand(self.components, -1), constraints.real),
            "scale_trils": (factors, constraints.lower_cholesky),
        }

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        normals = MultivariateNormal(parameters["locs"], scale_tril=parameters["scale_trils"])
        return MixtureSameFamily(Categorical(logits=parameters["logits"]), normals)
