"""Guides whose parameters are set to known values."""

import torch
from torch import Tensor
from torch.distributions import transform_to

from virgil.infer.autoguide.core.parameters import ConstrainedParameters

__all__ = ["put"]


@torch.no_grad()
def put(parameters: ConstrainedParameters, **values: Tensor) -> None:
    """Let parameters of a guide, or of one of its groups, have these constrained values."""
    for name, value in values.items():
        leaf = parameters._parameters[name]
        constraint = parameters.constraints.get(name, parameters.constraint)
        leaf.copy_(transform_to(constraint).inv(value.to(leaf)))
