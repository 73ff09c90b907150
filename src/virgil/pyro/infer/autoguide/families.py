"""The families of guides under their old names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch import distributions as td

from virgil.infer import autoguide as house
from virgil.infer.autoguide.core.former_keys import SUFFIX
from virgil.nn import PyroModule
from virgil.params.constraint import Constraint
from virgil.poutine.site import Site
from virgil.pyro.infer.autoguide.guide import AutoGuide

__all__ = [
    "AutoContinuous",
    "AutoDelta",
    "AutoDiagonalNormal",
    "AutoDiscreteParallel",
    "AutoGaussian",
    "AutoIAFNormal",
    "AutoLaplaceApproximation",
    "AutoLowRankMultivariateNormal",
    "AutoMultivariateNormal",
    "AutoNormal",
    "AutoNormalizingFlow",
    "AutoStructured",
]


class AutoNormal(AutoGuide, house.AutoNormal):
    """:class:`virgil.infer.autoguide.AutoNormal` with the methods of old programs."""

    @property
    def _init_scale(self) -> float | Tensor:
        """The initial scale in unconstrained space."""
        return self.init_scale

    def _get_loc_and_scale(self, name: str) -> tuple[Tensor, Tensor]:
        """Location and scale of a latent variable in unconstrained space, plates at full size."""
        return getattr(self.locs, name), getattr(self.scales, name)

    def _former_key(self, key: str) -> str:
        return key + SUFFIX if key.startswith(("locs.", "scales.")) else key


class AutoDelta(AutoGuide, house.AutoDelta):
    """:class:`virgil.infer.autoguide.AutoDelta` with the methods of old programs."""

    def _former_key(self, key: str) -> str:
        return key.removeprefix("points.") + SUFFIX if key.startswith("points.") else key


class AutoContinuous(AutoGuide, house.AutoContinuous):
    """:class:`virgil.infer.autoguide.AutoContinuous` with the methods of old subclasses.

    A subclass defines ``get_posterior(*args)``, the distribution of the vector, and, for :meth:`median` and
    :meth:`quantiles`, ``_loc_scale(*args)``, its means and standard deviations. It makes its parameters in
    ``_setup_prototype(*args)``, after the base's, with ``latent_dim`` and ``_init_loc()``.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
    """

    @property
    def _init_scale(self) -> float | Tensor:
        """The initial scale in unconstrained space."""
        return self.init_scale

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        return super()._base_parameters(loc) if self._is_of_house() else {}

    def __getattr__(self, name: str) -> Any:
        # parameters that a subclass has as attributes are read as those of any module, so that SVI sees them
        return super().__getattr__(name) if self._is_of_house() else PyroModule.__getattr__(self, name)

    @classmethod
    def _is_of_house(cls) -> bool:
        """True for a family that says its distribution in the house's way."""
        return cls._distribution is not house.AutoContinuous._distribution

    def _init_loc(self) -> Tensor:
        """The initial vector, unconstrained. Shape: ``(latent_dim,)``."""
        return torch.cat([latent.initial_entries for latent in self.latents])

    def _loc_scale(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the vector. Shape: ``(latent_dim,)`` each."""
        posterior: td.Distribution = self.get_posterior(*args, **kwargs)
        return posterior.mean, posterior.stddev

    def _marginals(self) -> tuple[Tensor, Tensor]:
        if self._is_of_house():
            return super()._marginals()
        loc, scale = self._loc_scale()
        return loc.clone(), scale

    def _unpack_latent(self, latent: Tensor) -> Iterator[tuple[Site, Tensor]]:
        """Each latent site of the model's first run with its unconstrained value, out of the vector."""
        sites = {} if self.prototype_trace is None else self.prototype_trace.nodes
        for each, value in self._unpack(latent):
            yield sites[each.name], value

    def _former_key(self, key: str) -> str:
        return key + SUFFIX if key in ("scale", "scale_tril") and key in self.parameter_names else key


class AutoDiagonalNormal(AutoContinuous, house.AutoDiagonalNormal):
    """:class:`virgil.infer.autoguide.AutoDiagonalNormal` with the methods of old programs."""


class AutoMultivariateNormal(AutoContinuous, house.AutoMultivariateNormal):
    """:class:`virgil.infer.autoguide.AutoMultivariateNormal` with the methods of old programs."""


class AutoLowRankMultivariateNormal(AutoContinuous, house.AutoLowRankMultivariateNormal):
    """:class:`virgil.infer.autoguide.AutoLowRankMultivariateNormal` with the methods of old programs."""


class AutoLaplaceApproximation(AutoContinuous, house.AutoLaplaceApproximation):
    """:class:`virgil.infer.autoguide.AutoLaplaceApproximation` with the methods of old programs."""

    normal_family = AutoMultivariateNormal


class AutoDiscreteParallel(AutoGuide, house.AutoDiscreteParallel):
    """:class:`virgil.infer.autoguide.AutoDiscreteParallel` with the methods of old programs."""

    def _former_key(self, key: str) -> str:
        return key + SUFFIX


class AutoNormalizingFlow(AutoContinuous, house.AutoNormalizingFlow):
    """:class:`virgil.infer.autoguide.AutoNormalizingFlow` with the methods of old programs."""


class AutoIAFNormal(AutoNormalizingFlow, house.AutoIAFNormal):
    """:class:`virgil.infer.autoguide.AutoIAFNormal` with the methods of old programs."""


class AutoStructured(AutoGuide, house.AutoStructured):
    """:class:`virgil.infer.autoguide.AutoStructured` with the methods of old programs."""

    @property
    def _init_scale(self) -> float | Tensor:
        """The initial scale in unconstrained space."""
        return self.init_scale

    def _former_key(self, key: str) -> str:
        return key + SUFFIX if key.startswith(("locs.", "scales.", "scale_trils.")) else key


class AutoGaussian(AutoGuide, house.AutoGaussian):
    """:class:`virgil.infer.autoguide.AutoGaussian` with the methods of old programs.

    Its precision has other parameters than in old files, which cannot be loaded.
    """

    def _former_key(self, key: str) -> str:
        return key + SUFFIX if key.startswith(("locs.", "scales.")) else key
