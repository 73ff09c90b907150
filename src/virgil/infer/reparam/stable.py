"""Stable variables with skew, stated as a sum of a skewed part and a normal one of random scale."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.reparameteriser import Reparam
from virgil.infer.reparam.stable_parts import family_of, location, root_of_mixing, standard_stable, stated_noise
from virgil.infer.reparam.wrapped_families import rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["StableReparam"]


class StableReparam(Reparam):
    r"""States the noise of a totally skewed part and the random scale of a symmetric part of a ``Stable`` variable.

    With stability :math:`\alpha`, skew :math:`\beta` and scale :math:`\sigma` the parts have the scales
    :math:`\sigma \lvert\beta\rvert^{1 / \alpha}` and :math:`\sigma (1 - \lvert\beta\rvert)^{1 / \alpha}` *(Zolotarev
    1986, property 2.3.a)*. Given ``x_z_uniform``, ``x_z_exponential``, ``x_t_uniform`` and ``x_t_exponential``, the
    variable, latent or observed, is normal. The skew must lie inside (-1, 1): at the ends there is no symmetric part.

    Raises:
        ArgumentError: the variable is no ``Stable``.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the noise; the variable itself is normal given it."""
        name, fn = msg["name"], msg["fn"]
        family = family_of(self, msg)
        skewed = standard_stable(stated_noise(f"{name}_z", fn), family.stability, family.skew.sign())
        root = root_of_mixing(stated_noise(f"{name}_t", fn), family.stability)
        normal = rebuilt(fn, lambda family: _normal(family, skewed, root))
        return {"fn": normal, "value": msg["value"], "is_observed": bool(msg["is_observed"])}


def _normal(family: Any, skewed: Tensor, root: Tensor) -> Any:
    size, power = family.skew.abs(), 1 / family.stability
    loc = location(family) + _shift(family) + family.scale * size**power * skewed
    return dist.Normal(loc, family.scale * (1 - size) ** power * root)


def _shift(family: Any) -> Tensor:
    """The location of the sum of both parts at 0, taken away: locations of the parametrisation S0 do not add up."""
    stability, skew = family.stability, family.skew
    logs = skew.abs().clamp_min(torch.finfo(skew.dtype).tiny).log()
    beyond = stability - 1
    is_one = beyond == 0
    safe = torch.where(is_one, 0.5, beyond)
    tangent = -1 / torch.tan(math.pi / 2 * safe)
    shift = torch.where(is_one, logs * (2 / math.pi), tangent * torch.expm1(-safe / stability * logs))
    moved: Tensor = family.scale * skew * shift
    return moved
