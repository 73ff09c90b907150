"""``LogJoint``: the density of a model at a vector, inside a guide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.infer.autoguide.core.inside import Inside
from virgil.infer.autoguide.core.latent import Latent
from virgil.params import get_param_store
from virgil.poutine.runtime import Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["LogJoint"]

Unpack = Callable[[Tensor], Iterable[tuple[Latent, Tensor]]]


class LogJoint:
    """The log-density of a model and its latent variables in unconstrained space, summed over all outer plates, nats.

    Args:
        model: the generative program.
        args: its arguments.
        kwargs: its keyword arguments.
        unpack: from a vector to each latent variable with its unconstrained value.
        indices: of the plates that the guide has made, by name.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        unpack: Unpack,
        indices: dict[str, Tensor],
    ) -> None:
        self._model, self._args, self._kwargs = model, args, kwargs
        self._unpack = unpack
        self._indices = indices

    def prepare(self, prototype: Trace, vector: Tensor) -> None:
        """Run the model once at a vector where it makes parameters or draws mini-batches: no gradient may do this."""
        if any(self._is_made(site) for site in prototype.nodes.values()):
            values = {latent.name: latent.bijection(part) for latent, part in self._unpack(vector)}
            with torch.no_grad(), Inside(values, self._indices):
                self._model(*self._args, **self._kwargs)

    def _is_made(self, site: Site) -> bool:
        if site.kind == "param":
            return site.name not in get_param_store()
        is_batch = site.kind == "plate" and not site.observed and site.fn.size != site.fn.subsample_size
        return is_batch and site.name not in self._indices

    def __call__(self, vector: Tensor) -> Tensor:
        """The log-density. Shape: ``(*outer plates, latent_dim)`` to ``()``."""
        values: dict[str, Tensor] = {}
        total = vector.new_zeros(())
        for latent, unconstrained in self._unpack(vector):
            values[latent.name] = value = latent.bijection(unconstrained)
            log_volume = latent.bijection.log_abs_det_jacobian(unconstrained, value)
            total = total + (log_volume.sum() if isinstance(log_volume, Tensor) else log_volume)
        summed = _Summed(values, self._indices)
        with summed:
            self._model(*self._args, **self._kwargs)
        return total + summed.total


class _Summed(Inside):
    """Adds up the log-densities of all statements."""

    def __init__(self, values: Mapping[str, Tensor], indices: dict[str, Tensor]) -> None:
        super().__init__(values, indices)
        self.total: Tensor | float = 0.0

    def handle(self, site: Site, outer: Outer) -> Site:
        finished = super().handle(site, outer)
        if finished.kind == "sample":
            self.total = self.total + finished.log_prob_sum
        return finished
