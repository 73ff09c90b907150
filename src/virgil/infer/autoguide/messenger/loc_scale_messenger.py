"""``LocScaleMessenger``: what messengers with a location and a scale for each variable have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.scales import checked_init_scale
from virgil.infer.autoguide.messenger.auto_messenger import AT_THE_MEAN, AutoMessenger, positive_parameters
from virgil.infer.density.initialization import InitFn

__all__ = ["LocScaleMessenger"]


class LocScaleMessenger(AutoMessenger):
    """A messenger with the parameters ``locs`` and ``scales``, by site, in unconstrained space.

    Shape: ``(*plates at full size, *event)``, without the plates that are amortised.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale, positive.
        amortized_plates: names of plates whose slots share their parameters.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = AT_THE_MEAN,
        init_scale: float | Tensor = 0.1,
        amortized_plates: Sequence[str] = (),
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, amortized_plates=amortized_plates)
        self.init_scale = checked_init_scale(type(self).__name__, init_scale)
        self.locs = SiteParameters()
        self.scales = positive_parameters()

    def _get_params(self, name: str, prior: Any) -> tuple[Tensor, ...]:
        """Location and scale in the slots of this run. Shape: ``(*plates, *unconstrained event)``."""
        event_dim = self._bijection(name, prior).unconstrained_event_dim
        loc = self._parameter("locs", name, event_dim, lambda: self._initial_loc(name, prior))
        scale = self._parameter("scales", name, event_dim, lambda: self._scale_like(self._initial_loc(name, prior)))
        return loc, scale

    def _initial_loc(self, name: str, prior: Any) -> Tensor:
        """The initial location, for the slots of this run."""
        return self._initial_unconstrained(name, prior)

    def _initial_unconstrained(self, name: str, prior: Any) -> Tensor:
        """Where the variable begins, in unconstrained space."""
        return self._bijection(name, prior).inverse(self._initial_value(name, prior))

    def _scale_like(self, loc: Tensor) -> Tensor:
        """The initial scale for each entry of a location."""
        return torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device).expand_as(loc)
