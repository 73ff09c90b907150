"""``AutoGuide``: what every guide that is made from a model has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.core.latent import Latent, find_latent
from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.autoguide.core.plates import GuidePlates
from virgil.infer.autoguide.core.prototype import find_prototype
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.nn import PyroModule
from virgil.nn.call import calls
from virgil.poutine.block import Block
from virgil.poutine.frame import Frame
from virgil.poutine.plate import plate
from virgil.poutine.runtime import emit
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["AutoGuide"]


class AutoGuide(PyroModule):
    """A guide made from a model: its call states one latent site for each of the model's and returns their values.

    The first call runs the model once to see what sites there are and makes the parameters; that run leaves no mark on
    random generators, parameters or networks. A guide draws one number from torch's generator when it is constructed,
    from which its initial values follow: two guides begin differently, and ``virgil.set_rng_seed`` before their
    construction makes both reproducible.

    The parameters are the module's own, in unconstrained space; a ``param`` site shows each to handlers and to the
    parameter store in use, under the name of the guide's class and its own, such as ``"AutoNormal.locs.mu"``. In
    a guide that is an attribute of another module the module's name and the attribute's take the place of the class's.

    The guide of a model without latent sites is empty: it states nothing, has no parameters, and its values are ``{}``.

    To derive a family override :meth:`forward` and :meth:`_make_parameters`; old programs override
    ``_setup_prototype(*args, **kwargs)``, and call the base's first.

    Args:
        model: the generative program, called with the guide's arguments.
        init_loc_fn: from a latent site to its initial value; see :mod:`virgil.infer.autoguide.initialization`.
        create_plates: a function of the same arguments that makes some of the guide's plates, returning one or a list.
            It is rarely needed: a mini-batch that the model is given by its arguments is found.

    Attributes:
        prototype_trace: the model's first run; ``None`` before the first call.
        latents: what is known of each latent site.
        plates: plate by name, of the last call.

    Raises:
        ArgumentError: the model cannot be called.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = init_to_feasible,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.__dict__["_pyro_name"] = type(self).__name__
        if not callable(model):
            raise ArgumentError(
                f"{type(self).__name__} got model={shown(model)}, which cannot be called. Pass the function itself."
            )
        self._model = (model,)  # in a tuple, so that a network's parameters are not the guide's as well
        self.init_loc_fn = init_loc_fn
        self.create_plates = create_plates
        self.prototype_trace: Trace | None = None
        self.latents: tuple[Latent, ...] = ()
        self.plates: dict[str, plate] = {}
        self._guide_plates: GuidePlates | None = None
        self._seed = [int(torch.randint(2**62, ()))]  # in a list: captured steps do not depend on it
        self._begins_anew = False

    @property
    def model(self) -> Callable[..., Any]:
        """The program that the guide was made from."""
        return self._model[0]

    # What a family says

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State the latent sites.

        Returns:
            The value of each, constrained, by name.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(). A guide family defines it.")

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        """Make the family's parameters, except those that were loaded."""

    def _find_latent(self, site: Site, value: Tensor) -> Latent:
        """Find the guide's knowledge of a latent site of the first run, which begins at ``value``."""
        return find_latent(site, value)

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        """Run the model and make the parameters."""
        prototype, values = find_prototype(self.model, self.init_loc_fn, self._seed[0], args, kwargs)
        latents = tuple(
            [self._find_latent(site, values.get(name, site.value)) for name, site in prototype.iter_stochastic_nodes()]
        )
        self._guide_plates = GuidePlates(self.model, prototype, self.create_plates)
        self._make_parameters(latents)
        self.latents = latents
        self.prototype_trace = prototype

    def _ensure_setup(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.prototype_trace is None:
            self._setup_prototype(*args, **kwargs)
        elif self._begins_anew:
            self._begin_anew(args, kwargs)

    def reset_parameters(self) -> None:
        """Let the next call begin from other initial values, as a new guide would; the leaves stay the same tensors."""
        self._seed = [int(torch.randint(2**62, ()))]
        self._begins_anew = True

    def _begin_anew(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        holders = [each._parameters for each in self.modules() if isinstance(each, ConstrainedParameters)]
        before = [dict(parameters) for parameters in holders]
        for parameters in holders:
            parameters.clear()
        self._begins_anew = False
        try:
            self._setup_prototype(*args, **kwargs)
            with torch.no_grad():
                for parameters, leaves in zip(holders, before, strict=True):
                    for name, leaf in leaves.items():
                        cast(Tensor, leaf).copy_(cast(Tensor, parameters[name]))
        finally:
            for parameters, leaves in zip(holders, before, strict=True):
                parameters.update(leaves)

    # Each call

    def _create_plates(self, *args: Any, **kwargs: Any) -> dict[str, plate]:
        """Make the plates around the latent sites, by name, but for those of other guides in the same call."""
        shared = calls.open.get(self._pyro_family, {}).setdefault("plates of guides", {})
        plates = cast(GuidePlates, self._guide_plates)(args, kwargs, shared)
        self.__dict__["plates"] = plates  # nn.Module's own way of setting an attribute takes as long as the rest
        return plates

    @staticmethod
    def _state(name: str, fn: Any, frames: tuple[Frame, ...], infer: dict[str, Any] | None = None) -> Tensor:
        """State one latent site inside plates that have been made."""
        site = Site("sample", name, fn, infer=infer)
        site.frames = frames
        return cast(Tensor, emit(site).value)

    def sample_posterior(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """A draw of every latent site, unseen by handlers and without gradients."""
        with torch.no_grad(), Block(lambda site: True):
            return {name: value.clone() for name, value in self(*args, **kwargs).items()}

    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent site, plates at full size, taken in unconstrained space."""
        raise NotImplementedError(f"{type(self).__name__} has no median().")

    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent variable, where the family has them. Shape: ``(quantiles, *plates, *event)``.

        Raises:
            NotImplementedError: the family has none, for instance as it is a point.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no quantiles(). Take those of draws, by sample_posterior()."
        )
