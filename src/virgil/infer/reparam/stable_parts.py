"""The parts of stable variables: the noise that is stated, and functions of it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.reparameteriser import refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.ops.stable_draws import stable_draws
from virgil.poutine.reparam import ReparamMessage

__all__ = ["Noise", "family_of", "is_stable", "location", "root_of_mixing", "standard_stable", "stated_noise"]

Noise = tuple[Tensor, Tensor]


def is_stable(fn: Any) -> bool:
    """True for ``Stable`` variables, but for those that ask for their density."""
    family = innermost(fn)
    return isinstance(family, dist.Stable) and not isinstance(family, dist.StableWithLogProb)


def family_of(reparam: object, msg: ReparamMessage) -> Any:
    """The stable distribution of a variable.

    Raises:
        ArgumentError: it has another one.
    """
    if not is_stable(msg["fn"]):
        raise refused(reparam, msg, "a Stable")
    return innermost(msg["fn"])


def location(family: Any) -> Tensor:
    """The location in the parametrisation S0."""
    if family.coords == "S0":
        return family.loc  # type: ignore[no-any-return]
    return family._centre().to(family.loc.dtype)  # type: ignore[no-any-return]


def stated_noise(name: str, fn: Any) -> Noise:
    """State ``name_uniform``, an angle between -pi/2 and pi/2, and ``name_exponential``, and return both."""
    uniform = state(f"{name}_uniform", rebuilt(fn, _angle))
    return uniform, state(f"{name}_exponential", rebuilt(fn, _exponential))


def _angle(family: Any) -> Any:
    half = torch.full_like(family.loc, math.pi / 2)
    return dist.Uniform(-half, half)


def _exponential(family: Any) -> Any:
    return dist.Exponential(torch.ones_like(family.loc))


def standard_stable(noise: Noise, stability: Tensor, skew: Tensor) -> Tensor:
    """A stable variable of location 0 and scale 1 in the parametrisation S0 *(Chambers, Mallows and Stuck 1976)*."""
    uniform, exponential = noise
    return stable_draws(uniform / math.pi + 0.5, exponential, stability, skew).to(uniform.dtype)


def root_of_mixing(noise: Noise, stability: Tensor) -> Tensor:
    r"""The root of :math:`2 A` for a positive stable A of index a, half the stability.

    .. math:: A = \frac{\sin a V}{(\sin V)^{1 / a}} \Bigl(\frac{\sin (1 - a) V}{E}\Bigr)^{(1 - a) / a}

    with :math:`V` the angle plus pi/2 has the Laplace transform :math:`\exp(-s^a)` *(Kanter 1975)*, so this times a
    standard normal variable is stable, symmetric and of scale 1 *(Samorodnitsky and Taqqu 1994, proposition 1.3.1)*.
    """
    uniform, exponential = noise
    angle, a = uniform + math.pi / 2, stability / 2
    tiny = torch.finfo(uniform.dtype).tiny
    logs = [torch.sin(each).clamp_min(tiny).log() for each in (a * angle, angle, (1 - a) * angle)]
    log_mixing = logs[0] - logs[1] / a + (1 - a) / a * (logs[2] - exponential.clamp_min(tiny).log())
    return (0.5 * (math.log(2) + log_mixing)).exp()
