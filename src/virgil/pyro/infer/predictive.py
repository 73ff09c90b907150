"""``Predictive`` with a dim for every plate of the model, as old programs index its draws."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from virgil import infer as house
from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.density.execution import run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.predictive import Given, Samples
from virgil.infer.warn import show_warning
from virgil.ops.broadcast import broadcast_shapes
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Predictive"]


class _Padded(Given):
    """Gives sites values that may have a dim for every plate of the model, as this class returns them."""

    def fitted(self, site: Site, value: Tensor) -> Tensor:
        """The values without the ones between the draws and the plates of the site."""
        if site.kind != "sample":
            return value
        plates = [-frame.dim for frame in site.frames if frame.dim is not None and not frame.particle]
        own = max([len(site.fn.batch_shape), *plates])
        more = value.dim() - 1 - len(site.fn.event_shape) - own
        if more > 0 and all(size == 1 for size in value.shape[1 : 1 + more]):
            return value.reshape(value.shape[:1] + value.shape[1 + more :])
        return value


class Predictive(house.Predictive):
    """:class:`virgil.infer.Predictive` whose draws have a dim for every plate of the model.

    Shape of a site's draws: ``(num_samples, *batch, *event)``, where the batch has as many dims as the plates of the
    model take at most, of size 1 where the site is outside of a plate. ``"_RETURN"`` has the model's own shape. A name
    in ``return_sites`` that no site has is left out, with a warning.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.pyro.infer import Predictive
        >>> def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", 3):
        ...         virgil.sample("x", dist.Normal(mu, 1.0))
        >>> {name: tuple(value.shape) for name, value in Predictive(model, num_samples=100)().items()}
        {'mu': (100, 1), 'x': (100, 3)}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        posterior_samples: Samples | None = None,
        guide: Callable[..., Any] | None = None,
        num_samples: int | None = None,
        return_sites: Sequence[str] = (),
        parallel: bool = False,
    ) -> None:
        counts = {len(value) for value in (posterior_samples or {}).values()}
        if num_samples is not None and len(counts) == 1 and num_samples not in counts:
            (given,) = counts
            warnings.warn(
                f"Predictive got num_samples={num_samples}, but posterior_samples holds {given} draws, which are "
                "taken. Leave num_samples out.",
                UserWarning,
                stacklevel=2,
            )
            num_samples = given
        super().__init__(model, posterior_samples, guide, num_samples, return_sites, parallel)

    @torch.no_grad()
    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw; the arguments are those of model and guide."""
        draw, values = self._draws(args, kwargs)
        self._warn_of_missing(draw)
        dims = nesting(draw)
        return {
            name: _with_plates(value, draw.nodes[name], dims) if name != "_RETURN" else value
            for name, value in values.items()
        }

    def call(self, *args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        """The draws of :meth:`forward` without their names, for ``torch.jit.trace_module``."""
        return tuple(self.forward(*args, **kwargs).values())

    def get_samples(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """As a call of the object, by its former name."""
        return self.forward(*args, **kwargs)

    @torch.no_grad()
    def get_vectorized_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """One execution of the model that has all draws, along a dim left of all plates.

        Raises:
            ArgumentError: the programs do not work with such a dim.
        """
        _, draws = self._tried(args, kwargs)
        if not draws.at_once:
            raise ArgumentError(
                "get_vectorized_trace() runs the model with all draws at once, but it does not work with a dim for "
                "draws. Call the Predictive itself, which draws one by one."
            )
        held = Vectorization(draws.dim, at_once=True, chunk=self.num_samples, mapped=draws.mapped)
        call = self._call(args, kwargs, range(self.num_samples), held)
        return held.run(partial(run_pair, call), self.num_samples).model

    def _returned(self, draw: Trace) -> list[str]:
        return [name for name in self.return_sites if name in draw] if self.return_sites else super()._returned(draw)

    def _giving(self, values: Samples, draws: Vectorization) -> Handler:
        return _Padded(values, draws)

    def _warn_of_missing(self, draw: Trace) -> None:
        """Warn, once, of names that were asked for and that no site has."""
        missing = [name for name in self.return_sites if name not in draw and name not in self._looked_for]
        self._looked_for.update(missing)
        if missing:
            show_warning(
                f"Predictive got {', '.join(map(repr, missing))} in return_sites, but no site has such a name; nothing "
                f"is returned for it. {did_you_mean(missing[0], draw)}"
            )


def _with_plates(value: Tensor, site: Site, dims: int) -> Tensor:
    """Draws of a site with a dim for each plate of the model. Shape: ``(draws, *plates, *event)``."""
    if site.kind == "plate":
        return value
    ones = dims - len(_batch_shape(site))
    return value.reshape(value.shape[:1] + (1,) * max(ones, 0) + value.shape[1:])


def _batch_shape(site: Site) -> torch.Size:
    """The batch shape of a site, plates included."""
    plates = {frame.dim: frame.size for frame in site.frames if frame.dim is not None}
    around = torch.Size([plates.get(dim, 1) for dim in range(min(plates, default=0), 0)])
    return broadcast_shapes(site.fn.batch_shape, around)
