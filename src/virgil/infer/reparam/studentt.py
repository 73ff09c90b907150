"""Student's t variables, stated as normal ones of random scale."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.reparameteriser import Reparam, refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["StudentTReparam"]


class StudentTReparam(Reparam):
    r"""States ``x_gamma``, :math:`g \sim \mathrm{Gamma}(\nu/2, \nu/2)`, given which the variable is normal.

    A ``StudentT`` variable, latent or observed, becomes :math:`x \sim \mathrm{Normal}(\mu, \sigma / \sqrt{g})`.

    Raises:
        ArgumentError: the variable is no ``StudentT``.
    """

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the gamma variable; the variable itself is normal given it."""
        fn = msg["fn"]
        if not isinstance(innermost(fn), dist.StudentT):
            raise refused(self, msg, "a StudentT")
        gamma = state(f"{msg['name']}_gamma", rebuilt(fn, _gamma))
        normal = rebuilt(fn, lambda family: _normal(family, gamma))
        return {"fn": normal, "value": msg["value"], "is_observed": bool(msg["is_observed"])}


def _gamma(family: dist.StudentT) -> Any:
    half = family.df / 2
    return dist.Gamma(half, half)


def _normal(family: dist.StudentT, gamma: Tensor) -> Any:
    return dist.Normal(family.loc, family.scale * gamma.rsqrt())
