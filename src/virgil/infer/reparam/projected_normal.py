"""Directions, stated as normal vectors."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed, refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["ProjectedNormalReparam"]


class ProjectedNormalReparam(Reparam):
    """States a latent direction as the normal vector ``x_normal`` that points there, with the concentration as mean.

    The vector has one dim more than the sphere; its length is a variable of its own.

    Raises:
        ArgumentError: the variable is observed, or no ``ProjectedNormal``.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the normal vector; the variable itself is its direction."""
        refuse_observed(self, msg)
        name, fn, value = msg["name"], msg["fn"], msg["value"]
        if not isinstance(innermost(fn), dist.ProjectedNormal):
            raise refused(self, msg, "a ProjectedNormal")
        vector = state(f"{name}_normal", rebuilt(fn, _normal), value)
        return computed(torch.nn.functional.normalize(vector, dim=-1), len(fn.event_shape))


def _normal(family: dist.ProjectedNormal) -> dist.TorchDistributionMixin:
    mean: Tensor = family.concentration.expand(family.batch_shape + family.event_shape)
    return dist.Normal(mean, torch.ones_like(mean)).to_event(1)
