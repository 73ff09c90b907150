"""All latent variables at once, as functions of the noise of a structured guide that has been fitted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from virgil.distributions import Unit
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed
from virgil.poutine.plate import active_frames
from virgil.poutine.reparam import ReparamMessage, ReparamResult, reparam
from virgil.poutine.runtime import Handler, Outer, emit
from virgil.poutine.site import OUTSIDE, UNPLACED, Site

__all__ = ["StructuredReparam"]


class _StructuredGuide(Protocol):
    """A guide whose variables are points once its noise is drawn."""

    latents: Sequence[Any]

    def get_deltas(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]: ...


class StructuredReparam(Reparam):
    r"""Variables as functions of the noise of an ``AutoStructured`` that has been fitted.

    As `NeuTraReparam` is for guides with one vector: the program states the guide's noise, ``x_aux`` for each variable
    x, and the joint density at the noise :math:`\epsilon` is

    .. math:: p(z(\epsilon)) \, \lvert\det \partial z / \partial \epsilon\rvert

    exactly, so that a sampler moves where the posterior is nearly a standard normal *(Hoffman et al. 2019)*. All
    variables share one instance: ``config=lambda site: structured``, or :meth:`reparam`. Which variables there are must
    not change from run to run.

    Args:
        guide: a fitted ``AutoStructured`` whose conditionals are all ``"normal"`` or ``"mvn"``.

    Raises:
        ArgumentError: the guide is none, has not been called yet, has points for conditionals, or a variable of it is
            observed in the program.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoStructured
        >>> from virgil.infer.reparam import StructuredReparam
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     return virgil.sample("y", dist.LogNormal(x, 1.0))
        >>> guide = AutoStructured(model)
        >>> _ = guide()  # here it would be fitted
        >>> program = StructuredReparam(guide).reparam(model)
        >>> virgil.poutine.trace(program).get_trace().stochastic_nodes
        ['x_aux', 'y_aux']
    """

    def __init__(self, guide: Any) -> None:
        if not all(hasattr(guide, each) for each in ("latents", "get_deltas")):
            raise ArgumentError(
                f"StructuredReparam got guide={shown(guide)}; it takes an AutoStructured. NeuTraReparam takes guides "
                "with one vector for all variables."
            )
        if not guide.latents:
            raise ArgumentError("StructuredReparam got a guide that has no latent variables yet. Fit it first.")
        self.guide: _StructuredGuide = guide
        self._names = frozenset(latent.name for latent in guide.latents)
        self._run = _Run()
        stated = self._points(_Noise({}, {})).stated
        for name in self._names:
            if f"{name}_aux" not in stated:
                raise ArgumentError(
                    f"StructuredReparam got a guide whose conditional of {name!r} has no noise named {name}_aux, so "
                    "that the variable is no invertible function of one. Give "
                    "AutoStructured(conditionals='mvn') or 'normal'."
                )

    def reparam(self, fn: Callable[..., Any] | None = None) -> Any:
        """The program with all latent variables of the guide restated; without one, the handler."""
        return reparam(fn, config=dict.fromkeys(self._names, self))

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the noise at the first variable; each variable is a function of it."""
        name, fn = msg["name"], msg["fn"]
        if name not in self._names:
            return {"fn": fn, "value": msg["value"], "is_observed": bool(msg["is_observed"])}
        refuse_observed(self, msg)
        if name == self.guide.latents[0].name:
            self._run.values = self._state_noise(name)
        value = self._run.values[name]
        return computed(value, len(fn.event_shape), fn.log_prob(value))

    def _points(self, noise: _Noise) -> _Noise:
        with noise:
            noise.points = dict(self.guide.get_deltas())
        return noise

    def _state_noise(self, name: str) -> dict[str, Tensor]:
        """State the noise, and the volume change to the variables, which no scale or mask of theirs concerns."""
        around = frozenset(frame.name for frame in active_frames() if not frame.particle)
        at_top = {OUTSIDE: around, UNPLACED: True}
        points = self._points(_Noise({}, at_top)).points
        change = torch.zeros(())
        for latent in self.guide.latents:
            volume = -points[latent.name].log_density
            plates = tuple(range(-len(latent.batch_shape), 0))
            change = change + (volume.sum(plates) if plates else volume)
        factor = Site(
            "sample", f"{name}_log_volume", Unit(change), value=torch.empty((*change.shape, 0)), observed=True
        )
        factor.extra = at_top
        emit(factor)
        return {name: point.v for name, point in points.items()}

    @torch.no_grad()
    def transform_samples(
        self, aux_samples: Mapping[str, Tensor], save_params: Sequence[str] | None = None
    ) -> dict[str, Tensor]:
        """The values of variables at draws of the noise.

        Args:
            aux_samples: by name, ``x_aux``. Shape: ``(*draws, size)``.
            save_params: the variables wanted. Default: all.

        Returns:
            By name. Shape: ``(*draws, *plates, *event)``.
        """
        wanted = [latent.name for latent in self.guide.latents if save_params is None or latent.name in save_params]
        missing = [f"{name}_aux" for name in self._names if f"{name}_aux" not in aux_samples]
        if missing:
            raise ArgumentError(f"transform_samples() got no draws of {missing[0]!r}; it takes all of the noise.")
        draws = next(iter(aux_samples.values())).shape[:-1]
        rows = {name: value.reshape(-1, value.shape[-1]) for name, value in aux_samples.items()}
        found = []
        for row in range(draws.numel()):
            points = self._points(_Noise({name: value[row] for name, value in rows.items()}, {})).points
            found.append({name: points[name].v for name in wanted})
        return {
            name: torch.stack([each[name] for each in found]).reshape(draws + found[0][name].shape) for name in wanted
        }


class _Noise(Handler):
    """States a guide's noise as variables of the program, without a density; its parameters are seen by nobody.

    Args:
        values: of the noise, by name, where they are known: then nothing is stated outside.
        extra: where the noise stands; empty if nothing is stated outside.

    Attributes:
        stated: the names of the noise.
        points: the guide's variables.
    """

    def __init__(self, values: Mapping[str, Tensor], extra: Mapping[str, Any]) -> None:
        self.values = values
        self.extra = extra
        self.stated: list[str] = []
        self.points: dict[str, Any] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Treat one statement."""
        if site.kind != "sample":
            return site.resolve()
        self.stated.append(site.name)
        if site.name in self.values:
            site = site.with_value(self.values[site.name])
        if not self.extra:
            return site.resolve()
        noise = site.replace(fn=site.fn.mask(False), infer={}, extra=dict(self.extra))
        return outer(noise)


class _Run(threading.local):
    """The value of each variable, in the run that a thread is at."""

    def __init__(self) -> None:
        self.values: dict[str, Tensor] = {}
