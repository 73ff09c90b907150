"""``AutoDelta``: a point for each latent variable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions import Delta
from virgil.infer.autoguide.core.former_keys import shorten
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.plates import GuidePlates
from virgil.infer.density.initialization import InitFn, init_to_median
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import get_param_store

__all__ = ["AutoDelta"]


class AutoDelta(AutoGuide):
    """A point estimate: each latent variable is one value of its support, fitted to the posterior's maximum.

    Parameters: one for each site; ``guide.mu`` reads its value. In the store ``"AutoDelta.mu"``.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        create_plates: see :class:`AutoGuide`.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDelta, init_to_mean
        >>> def model():
        ...     virgil.sample("rate", dist.Gamma(6.0, 2.0))
        >>> guide = AutoDelta(model, init_loc_fn=init_to_mean)
        >>> guide()["rate"].detach()
        tensor(3.)
    """

    def __init__(
        self,
        model: Callable[..., Any],
        init_loc_fn: InitFn = init_to_median,
        *,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, create_plates=create_plates)
        self.points = SiteParameters()

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            points = self.__dict__.get("_modules", {}).get("points")
            if points is None or name.startswith("__"):
                raise
            return getattr(points, name)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        if not any(key.startswith(f"{prefix}points.") for key in state_dict):
            shorten(state_dict, prefix, (), into="points.")
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        for latent in latents:
            self.points.add(latent.name, latent.value, latent.bijection.support)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State every latent variable at its point.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        batches = cast(GuidePlates, self._guide_plates).batches(self._create_plates(*args, **kwargs))
        store, path, leaves = get_param_store(), self._pyro_name, self._leaves()
        values = {}
        for latent in self.latents:
            name, event_dim = latent.name, latent.bijection.event_dim
            value = emit_parameter(store, f"{path}.{name}", leaves[name], latent.bijection.support)
            value = latent.cut(value, event_dim, batches)
            values[name] = self._state(name, Delta(value, event_dim=event_dim), latent.frames_in(batches))
        return values

    def _leaves(self) -> dict[str, Tensor]:
        return cast(dict[str, Tensor], cast(torch.nn.Module, self._modules["points"])._parameters)

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The point of every latent variable, plates at full size."""
        self._ensure_setup(args, kwargs)
        store, path, leaves = get_param_store(), self._pyro_name, self._leaves()
        return {
            each.name: read_parameter(store, f"{path}.{each.name}", leaves[each.name], each.bijection.support).clone()
            for each in self.latents
        }
