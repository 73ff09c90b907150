"""All latent variables at once, stated in the coordinates of a guide that has been fitted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import Unit
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed
from virgil.poutine.plate import active_frames
from virgil.poutine.reparam import ReparamMessage, ReparamResult, reparam
from virgil.poutine.runtime import emit
from virgil.poutine.site import OUTSIDE, UNPLACED, Site

__all__ = ["NeuTraReparam"]


class _JointGuide(Protocol):
    """A guide with one vector for all latent variables, the image of a simpler distribution."""

    latents: Sequence[Any]

    def get_base_dist(self) -> Any: ...
    def get_transform(self, *args: Any, **kwargs: Any) -> Transform: ...
    def _unpack(self, vector: Tensor) -> Iterator[tuple[Any, Tensor]]: ...


class NeuTraReparam(Reparam):
    r"""Neural transport: all latent variables as functions of one vector that a guide makes nearly standard normal.

    The guide is an ``AutoContinuous`` that has been fitted: its vector is the image :math:`T(u)` of a simple one, and
    variable i is :math:`f_i` of a part of it. The program states ``x_shared_latent``, :math:`u`, for its first latent
    variable x, and the joint density at u is

    .. math:: p(z(u)) \, \lvert\det \partial T / \partial u\rvert \prod_i \lvert\det \partial f_i\rvert

    exactly, so that a sampler moves in a geometry that is simpler as the guide is better *(Hoffman et al. 2019)*. All
    variables share one instance: ``config=lambda site: neutra``, or :meth:`reparam`. Which variables there are must not
    change from run to run.

    Args:
        guide: a fitted guide with ``get_base_dist`` and ``get_transform``, such as ``AutoDiagonalNormal`` or
            ``AutoMultivariateNormal``.

    Raises:
        ArgumentError: the guide is none, has not been called yet, or a variable of it is observed in the program.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDiagonalNormal
        >>> from virgil.infer.reparam import NeuTraReparam
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     return virgil.sample("y", dist.LogNormal(x, 1.0))
        >>> guide = AutoDiagonalNormal(model)
        >>> _ = guide()  # here it would be fitted
        >>> program = NeuTraReparam(guide).reparam(model)
        >>> trace = virgil.poutine.trace(program).get_trace()
        >>> trace.stochastic_nodes, trace.nodes["x_shared_latent"].value.shape
        (['x_shared_latent'], torch.Size([2]))
    """

    def __init__(self, guide: Any) -> None:
        if not all(hasattr(guide, each) for each in ("latents", "get_base_dist", "get_transform", "_unpack")):
            raise ArgumentError(
                f"NeuTraReparam got guide={shown(guide)}; it takes a guide that draws all latent variables as one "
                "vector, such as AutoDiagonalNormal."
            )
        if not guide.latents:
            raise ArgumentError("NeuTraReparam got a guide that has no latent variables yet. Fit it first.")
        guide.get_base_dist()
        self.guide: _JointGuide = guide
        self._names = frozenset(latent.name for latent in guide.latents)
        self._run = _Run()

    def reparam(self, fn: Callable[..., Any] | None = None) -> Any:
        """The program with all latent variables of the guide restated; without one, the handler."""
        return reparam(fn, config=dict.fromkeys(self._names, self))

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the shared vector at the first variable; each variable is a function of it."""
        name, fn = msg["name"], msg["fn"]
        if name not in self._names:
            return {"fn": fn, "value": msg["value"], "is_observed": bool(msg["is_observed"])}
        refuse_observed(self, msg)
        if name == self.guide.latents[0].name:
            self._run.values = self._state_shared(name)
        value = self._run.values[name]
        return computed(value, len(fn.event_shape), fn.log_prob(value))

    def _state_shared(self, name: str) -> dict[str, Tensor]:
        """State the vector, and the volume change to the variables, which no scale or mask of theirs concerns."""
        around = frozenset(frame.name for frame in active_frames() if not frame.particle)
        at_top = {OUTSIDE: around, UNPLACED: True}
        site = Site("sample", f"{name}_shared_latent", self.guide.get_base_dist().mask(False))
        site.extra = at_top
        base = cast(Tensor, emit(site).value)
        transform = self.guide.get_transform()
        vector = transform(base)
        change = transform.log_abs_det_jacobian(base, vector).expand(vector.shape[:-1])
        values = {}
        for latent, unconstrained in self.guide._unpack(vector):
            values[latent.name] = value = latent.bijection(unconstrained)
            volume = latent.bijection.log_abs_det_jacobian(unconstrained, value)
            plates = range(-len(latent.batch_shape), 0)
            change = change + (volume.sum(tuple(plates), keepdim=bool(change.dim())) if plates else volume)
        factor = Site(
            "sample", f"{name}_log_volume", Unit(change), value=torch.empty((*change.shape, 0)), observed=True
        )
        factor.extra = at_top
        emit(factor)
        return values

    def transform_sample(self, latent: Tensor) -> Mapping[str, Tensor]:
        """The values of all variables at draws of the shared vector.

        Args:
            latent: Shape: ``(*draws, n)``.

        Returns:
            By name. Shape: ``(*draws, *plates, *event)``.
        """
        draws = latent.shape[:-1]
        flat = self.guide.get_transform()(latent.reshape(-1, latent.shape[-1]))
        rows = [{each.name: each.bijection(part) for each, part in self.guide._unpack(vector)} for vector in flat]
        stacked = {name: torch.stack([row[name] for row in rows]) for name in self._names}
        return {name: value.reshape(draws + value.shape[1:]) for name, value in stacked.items()}


class _Run(threading.local):
    """The value of each variable, in the run that a thread is at."""

    def __init__(self) -> None:
        self.values: dict[str, Tensor] = {}
