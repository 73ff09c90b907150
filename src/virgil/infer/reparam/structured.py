"""All latent variables at once, as functions of the noise of a structured guide that has been fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.reparam.coordinates import Coordinates
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site

__all__ = ["StructuredReparam"]


class _StructuredGuide(Protocol):
    """A guide whose variables are points once its noise is drawn."""

    latents: Sequence[Any]

    def get_deltas(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]: ...


class StructuredReparam(Coordinates):
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
        super().__init__(guide, ("get_deltas",), "an AutoStructured; NeuTraReparam takes guides with one vector")
        self.guide: _StructuredGuide = guide
        for latent in self.guide.latents:
            if latent.partly_observed:
                raise ArgumentError(
                    f"StructuredReparam got a guide of {latent.name!r}, which is data in some slots, by obs_mask=: "
                    "the noise there is no variable. Use NeuTraReparam with AutoMultivariateNormal."
                )
        stated = self._points(_Noise({}, {})).stated
        for name in self._names:
            if f"{name}_aux" not in stated:
                raise ArgumentError(
                    f"StructuredReparam got a guide whose conditional of {name!r} has no noise named {name}_aux, so "
                    "that the variable is no invertible function of one. Give "
                    "AutoStructured(conditionals='mvn') or 'normal'."
                )

    def _points(self, noise: _Noise) -> _Noise:
        with noise:
            noise.points = dict(self.guide.get_deltas())
        return noise

    def _stated(self, name: str, at_top: dict[str, Any]) -> dict[str, Tensor]:
        points = self._points(_Noise({}, at_top)).points
        change = torch.zeros(())
        for latent in self.guide.latents:
            volume = -points[latent.name].log_density
            plates = tuple(range(-len(latent.batch_shape), 0))
            change = change + (volume.sum(plates) if plates else volume)
        self._state_volume(name, change, at_top)
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
