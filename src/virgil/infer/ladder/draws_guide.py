"""``DrawsGuide``: a guide that gives one of the draws that it holds, by their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from virgil.distributions import Categorical, Delta
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.whole import frames_of_whole
from virgil.infer.density.initialization import InitFn

__all__ = ["DrawsGuide"]


class DrawsGuide(AutoGuide):
    """A guide that states, all together, the values of one draw; it has nothing to learn, and no density.

    Args:
        model: the generative program.
        values: draws by latent site. Shape: ``(num, *plates, *event)``.
        log_weights: of the draws, normalised. Shape: ``(num,)``.
        init_loc_fn: gives the values at which the model is run once.

    Attributes:
        has_density: no.
    """

    has_density = False

    def __init__(
        self, model: Callable[..., Any], values: Mapping[str, Tensor], log_weights: Tensor, init_loc_fn: InitFn
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        self.values = dict(values)
        self.log_weights = log_weights

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State the values of a draw; plates have their full size."""
        self._ensure_setup(args, kwargs)
        if not self.latents:
            return {}
        logits = self.log_weights.to(next(iter(self.values.values())).device)
        row = self._state(f"_{self._pyro_name}_draw", Categorical(logits=logits), (), {"is_auxiliary": True})
        self._create_plates(*args, **kwargs)
        found = {}
        for latent in self.latents:
            value = self.values[latent.name][row]
            outer, batch_dim = row.shape, len(latent.batch_shape)
            lead = outer[: len(outer) - batch_dim] if len(outer) > batch_dim else ()
            value = value.reshape((*lead, *latent.batch_shape, *latent.event_shape))
            fn = Delta(value, event_dim=len(latent.event_shape))
            found[latent.name] = self._state(latent.name, fn, frames_of_whole(type(self).__name__, latent, self.plates))
        return found
