"""``PlateEncoder``: the latent sites of one plate, each slot's posterior computed from its data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.autoguide.amortized.encoder import Data, encoded, make_encoder
from virgil.infer.autoguide.amortized.observations import Observations, check_data, features, in_plate
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent, check_continuous, latent_of
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.plates import GuidePlates
from virgil.infer.autoguide.core.prototype import find_prototype
from virgil.infer.autoguide.core.pushforward_normal import pushforward_normal
from virgil.infer.autoguide.core.rest import is_summed_out
from virgil.infer.autoguide.core.scales import checked_init_scale, normal_quantiles
from virgil.infer.density.bijection import find_bijection
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.networks.sizes import check_sizes
from virgil.nn.call import isolated
from virgil.nn.parameter import emit_parameter
from virgil.params import get_param_store
from virgil.poutine.block import Block
from virgil.poutine.site import Site

__all__ = ["PlateEncoder"]


class PlateEncoder(AutoGuide):
    """A guide for the latent sites of one plate; see :class:`AutoAmortized`, which adds the others.

    Args:
        model: the generative program.
        plate: name of the plate.
        hidden_dim: size of the encoder's hidden layers.
        init_loc_fn: from a latent site to its initial value, of which the mean over the slots is taken.
        init_scale: initial scale in unconstrained space, a positive number.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        plate: str,
        *,
        hidden_dim: int = 32,
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float = 0.1,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        check_sizes(self, hidden_dim, 0, [hidden_dim], [1])
        self.plate, self.hidden_dim = plate, hidden_dim
        self.init_scale = float(checked_init_scale(type(self).__name__, init_scale))
        self.encoder = SiteParameters()

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        prototype, values = find_prototype(self.model, self.init_loc_fn, self._seed[0], args, kwargs)
        sites = [site for _, site in prototype.iter_stochastic_nodes()]
        local = [site for site in sites if in_plate(site, self.plate) and not is_summed_out(site)]
        self._check_local(local, [frame.name for site in sites for frame in site.frames])
        latents = tuple([self._without_slots(site, values.get(site.name, site.value)) for site in local])
        observed = {name: site for name, site in prototype.nodes.items() if site.kind == "sample" and site.observed}
        data = self._rows(observed, latents[0].value.dtype)
        self._guide_plates = GuidePlates(self.model, prototype, None)
        outputs = 2 * sum(latent.unconstrained.numel() for latent in latents)
        make_encoder(self.encoder, data, self.hidden_dim, outputs, self._seed[0])
        if "initial" not in self.encoder._parameters or "initial" not in self.encoder.constraints:
            self.encoder.add("initial", torch.cat([latent.unconstrained.flatten() for latent in latents]))
        self.latents = latents
        self.prototype_trace = prototype

    def _check_local(self, local: Sequence[Site], plates: Sequence[str]) -> None:
        if not local:
            raise ArgumentError(
                f"AutoAmortized got plate={self.plate!r}, but the model has no continuous latent site in a plate of "
                f"this name. {did_you_mean(self.plate, sorted(set(plates)))} Name the plate of the slots' variables."
            )
        for site in local:
            check_continuous(site)
            if len(site.frames) > 1:
                others = ", ".join(repr(frame.name) for frame in site.frames if frame.name != self.plate)
                raise ArgumentError(
                    f"Site {site.name!r} is in plate {self.plate!r} and also in {others}. AutoAmortized gives a "
                    f"posterior to sites that are in {self.plate!r} alone. Give this site a guide of your own, and add "
                    "the rest by complete()."
                )

    @staticmethod
    def _without_slots(site: Site, value: Tensor) -> Latent:
        """The knowledge of a site, with one initial value for all slots: no tensor has the plate's size."""
        bijection = find_bijection(site.name, site.fn)
        unconstrained = bijection.inverse(value).flatten(0, -1 - bijection.unconstrained_event_dim).mean(0)
        latent = latent_of(site.replace(frames=()), bijection, bijection(unconstrained))
        return replace(latent, frames=site.frames)

    def _rows(self, observed: dict[str, Site], dtype: torch.dtype) -> Data:
        read = {name: site for name, site in observed.items() if in_plate(site, self.plate) and not site.is_factor}
        if not read:
            raise ArgumentError(
                f"AutoAmortized got plate={self.plate!r}, in which the model observes nothing in this call, so that an "
                "encoder has no data to read. Call the guide with the data, or take AutoNormal."
            )
        for site in read.values():
            check_data(site, self.plate)
        return {name: features(site, self.plate, dtype) for name, site in read.items()}

    def _normals(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], indices: dict[str, Tensor]
    ) -> list[tuple[Latent, Tensor, Tensor]]:
        """Each latent site with its location and scale in unconstrained space, by slot."""
        observations = Observations(indices)
        with torch.no_grad(), isolated(), observations:
            self.model(*args, **kwargs)
        store, parameters = get_param_store(), self.encoder
        weights = {
            name: emit_parameter(
                store, f"{self._pyro_name}.encoder.{name}", cast(Tensor, leaf), parameters.constraints[name]
            )
            for name, leaf in parameters._parameters.items()
        }
        out = encoded(weights, self._rows(observations.sites, weights["initial"].dtype))
        loc, scale = out.chunk(2, -1)
        loc = loc + weights["initial"]
        scale = functional.softplus(scale + math.log(math.expm1(self.init_scale)))
        found, first = [], 0
        for latent in self.latents:
            shape = latent.unconstrained.shape
            last = first + shape.numel()
            slots = (-1, *[1] * (-cast(int, latent.frames[0].dim) - 1), *shape)
            found.append((latent, loc[:, first:last].reshape(slots), scale[:, first:last].reshape(slots)))
            first = last
        return found

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw the latent sites of the plate.

        Returns:
            The value of each, constrained, by name. Shape: ``(slots, *event)``.
        """
        self._ensure_setup(args, kwargs)
        plates = self._create_plates(*args, **kwargs)
        batches = cast(GuidePlates, self._guide_plates).batches(plates)
        normals = self._normals(args, kwargs, {name: each.indices for name, each in plates.items()})
        return {
            latent.name: self._state(
                latent.name,
                pushforward_normal(loc, scale, latent.bijection, latent.event_shape),
                latent.frames_in(batches),
            )
            for latent, loc, scale in normals
        }

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent site, for all slots of the data that are given."""
        return {latent.name: latent.bijection(loc) for latent, loc, _ in self._all_slots(args, kwargs)}

    @torch.no_grad()
    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent site, for all slots. Shape: ``(quantiles, slots, *event)``."""
        found = self._all_slots(args, kwargs)
        return {latent.name: latent.bijection(normal_quantiles(loc, scale, quantiles)) for latent, loc, scale in found}

    def _all_slots(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[Latent, Tensor, Tensor]]:
        self._ensure_setup(args, kwargs)
        frames = cast(GuidePlates, self._guide_plates).frames
        with Block(lambda site: True):
            whole = {name: torch.arange(frame.full_size) for name, frame in frames.items()}
            return self._normals(args, kwargs, whole)
