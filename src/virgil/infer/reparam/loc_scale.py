"""Location-scale variables, moved towards a standard one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed, refused, state
from virgil.infer.reparam.wrapped_families import innermost, rebuilt
from virgil.poutine.reparam import ReparamMessage, ReparamResult
from virgil.primitives import param

__all__ = ["LocScaleReparam", "is_location_scale"]

_OTHERWISE = frozenset({"ExGaussian", "NormalMixture"})  # real families whose scales are those of parts


class LocScaleReparam(Reparam):
    r"""Takes location and scale out of a latent variable, wholly or in part *(Gorinova, Moore and Hoffman 2020)*.

    A variable :math:`x` with location :math:`\mu` and scale :math:`\sigma` is stated as ``x_decentered``, :math:`y`, of
    the same family with location :math:`c\mu` and scale :math:`\sigma^c`, and

    .. math:: x = \mu + \sigma^{1 - c} (y - c \mu)

    With :math:`c = 1` nothing changes, with :math:`c = 0` the variable is standard. Data that say much about each
    :math:`x` favour 1, data that say little favour 0.

    Args:
        centered: c: a number or tensor in [0, 1], or ``None`` to learn one for each entry of the event, as the
            parameter ``x_centered`` that begins at 0.5.
        shape_params: the other parameters of the family, which ``x_decentered`` keeps. Default: all in its
            ``arg_constraints``.

    Raises:
        ArgumentError: the variable is observed, its family has no location and scale, or ``centered`` is outside
            [0, 1].

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import LocScaleReparam
        >>> def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
        ...     tau = virgil.sample("tau", dist.HalfCauchy(5.0))
        ...     with virgil.plate("schools", 8):
        ...         return virgil.sample("theta", dist.Normal(mu, tau))
        >>> program = virgil.poutine.reparam(model, config={"theta": LocScaleReparam(centered=0.0)})
        >>> virgil.poutine.trace(program).get_trace().stochastic_nodes
        ['mu', 'tau', 'theta_decentered']
    """

    def __init__(self, centered: float | Tensor | None = None, shape_params: Sequence[str] | None = None) -> None:
        if centered is not None:
            inside = torch.as_tensor(centered)
            if not bool(((inside >= 0) & (inside <= 1)).all()):
                raise ArgumentError(
                    f"LocScaleReparam got centered={shown(centered)}; it takes a number or tensor in [0, 1], or None "
                    "to learn it."
                )
        if isinstance(shape_params, str) or not (shape_params is None or isinstance(shape_params, Sequence)):
            raise ArgumentError(
                f"LocScaleReparam got shape_params={shown(shape_params)}; it takes a list of names of parameters."
            )
        self.centered = centered
        self.shape_params = None if shape_params is None else tuple(shape_params)

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the decentred variable; the variable itself is a function of it."""
        name, fn, value = msg["name"], msg["fn"], msg["value"]
        centered = self.centered
        if not isinstance(centered, Tensor) and centered == 1:
            return {"fn": fn, "value": value, "is_observed": bool(msg["is_observed"])}
        refuse_observed(self, msg)
        family = innermost(fn)
        if not is_location_scale(family):
            raise refused(self, msg, "a family with a location and a scale on the whole real line, such as Normal")
        loc, scale = family.loc, family.scale
        if centered is None:
            half = torch.full(fn.event_shape, 0.5, dtype=loc.dtype, device=loc.device)
            centered = param(f"{name}_centered", half, constraint=constraints.unit_interval)
        parts = _Parts(loc, scale, centered)
        base = rebuilt(fn, lambda family: self._decentered(family, parts))
        begin = None if value is None else parts.decentered(value)
        y = state(f"{name}_decentered", base, begin)
        x = value if value is not None and y is begin else parts.restored(y)
        return computed(x, len(fn.event_shape))

    def _decentered(self, family: Any, parts: _Parts) -> Any:
        others = self.shape_params
        if others is None:
            others = tuple(name for name in family.arg_constraints if name not in ("loc", "scale"))
        return type(family)(
            loc=parts.new_loc, scale=parts.new_scale, **{name: getattr(family, name) for name in others}
        )


class _Parts:
    """Location and scale, split between the decentred variable and the map from it."""

    def __init__(self, loc: Tensor, scale: Tensor, centered: float | Tensor) -> None:
        self.loc = loc
        if not isinstance(centered, Tensor) and centered == 0:
            self.new_loc, self.new_scale, self.rest = torch.zeros_like(loc), torch.ones_like(scale), scale
        else:
            self.new_loc, self.new_scale, self.rest = loc * centered, scale**centered, scale ** (1 - centered)

    def restored(self, y: Tensor) -> Tensor:
        """The variable itself."""
        return self.loc + self.rest * (y - self.new_loc)

    def decentered(self, x: Tensor) -> Tensor:
        """The inverse."""
        return (x - self.loc) / self.rest + self.new_loc


def is_location_scale(family: Any) -> bool:
    """True if draws of the family are ``loc + scale * z`` for a variable z that knows neither, on the whole line."""
    names = family.arg_constraints
    if getattr(family, "coords", "S0") != "S0":  # of a Stable whose location depends on its scale
        return False
    if "loc" not in names or "scale" not in names or type(family).__name__ in _OTHERWISE:
        return False
    return entry_constraint(family.support) is constraints.real
