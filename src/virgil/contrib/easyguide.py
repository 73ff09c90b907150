"""Guides that are written by hand with statements for groups of the model's sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions import Delta
from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.autoguide.core.former_keys import shorten
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent, find_latent, latent_of
from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.density.bijection import Bijection, is_discrete
from virgil.nn.parameter import emit_parameter
from virgil.params import get_param_store
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext, plate
from virgil.poutine.runtime import emit, installed
from virgil.poutine.site import Site

__all__ = ["EasyGuide", "Group", "easy_guide"]


class EasyGuide(AutoGuide, ConstrainedParameters):
    """The base of guides that know the model's sites, so that one statement serves for many of them.

    A subclass defines :meth:`guide`, a program of ordinary statements and of these:

    * ``self.group(match="a|b").sample("name", fn)`` draws the sites that match together, as one unconstrained vector;
    * ``self.map_estimate("a")`` takes a point for one site;
    * ``with self.plate("p", ...)`` in the place of ``virgil.plate``.

    Args:
        model: the generative program.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.contrib.easyguide import easy_guide
        >>> def model():
        ...     rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
        ...     virgil.sample("weights", dist.Normal(0.0, rate).expand([2]).to_event(1))
        >>> @easy_guide(model)
        ... def guide(self):
        ...     group = self.group()
        ...     loc = virgil.param("loc", torch.zeros(group.event_shape))
        ...     group.sample("all", dist.Normal(loc, 0.1).to_event(1))
        >>> _ = guide()
        >>> virgil.param("loc").shape
        torch.Size([3])
    """

    def __init__(self, model: Callable[..., Any]) -> None:
        super().__init__(model, init_loc_fn=self.init)

    def guide(self, *args: Any, **kwargs: Any) -> Any:
        """The program, called with the model's arguments."""
        raise NotImplementedError(f"{type(self).__name__} has no guide(self, *args). A subclass defines it.")

    def init(self, site: Site) -> Tensor:
        """Where a site begins: a draw from its prior. A subclass may say otherwise."""
        value: Tensor = site.fn.sample()
        return value

    # The first call

    def _find_latent(self, site: Site, value: Tensor) -> Latent:
        if not is_discrete(site.fn):
            return find_latent(site, value)
        dims = len(site.fn.event_shape)  # a statement of the program's own is for it
        return latent_of(site, Bijection(site.fn.support, None, dims, dims, dims), value)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        shorten(state_dict, prefix, self._parameters)
        if self.prototype_trace is None:
            known = [f"{prefix}{name}." for name in self._modules]
            own = [key for key in state_dict if key.startswith(prefix) and not key.startswith(tuple(known))]
            self._adopt({key[len(prefix) :]: state_dict[key] for key in own})
        super()._load_from_state_dict(state_dict, prefix, *rest)

    # Each call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        self._ensure_setup(args, kwargs)
        self.__dict__["plates"] = {}
        return self.guide(*args, **kwargs)

    def plate(
        self,
        name: str,
        size: int | None = None,
        subsample_size: int | None = None,
        subsample: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> plate:
        """``virgil.plate`` at the dim, and where it is not given of the size, that the model's plate has."""
        frame = next((each for latent in self.latents for each in latent.frames if each.name == name), None)
        if frame is not None:
            size = frame.full_size if size is None else size
            if not args:
                kwargs.setdefault("dim", frame.dim)
        made = plate(name, size, subsample_size, subsample, *args, **kwargs)
        self.plates[name] = made
        return made

    def group(self, match: str = ".*") -> Group:
        """The sites whose names begin with what a regular expression matches; end it with ``$`` for whole names.

        Raises:
            ArgumentError: there are none, or one is discrete.
        """
        found = [latent for latent in self.latents if re.match(match, latent.name)]
        if not found:
            names = ", ".join(repr(latent.name) for latent in self.latents)
            raise ArgumentError(f"group(match={match!r}) matches no latent site of the model. It has: {names}.")
        return Group(self, found)

    def map_estimate(self, name: str) -> Tensor:
        """State a site at a point, a parameter of the guide with the site's name.

        Raises:
            ArgumentError: no latent site has this name.
        """
        latent = next((each for each in self.latents if each.name == name), None)
        if latent is None:
            names = [each.name for each in self.latents]
            raise ArgumentError(
                f"map_estimate() got {name!r}, which is no latent site of the model. {did_you_mean(name, names)}"
            )
        support, event_dim = latent.bijection.support, latent.bijection.event_dim
        if name not in self.constraints or name not in self._parameters:
            self.add(name, latent.value, support)
        leaf = cast(Tensor, self._parameters[name])
        value = emit_parameter(get_param_store(), f"{self._pyro_name}.{name}", leaf, support)
        batches = {each: (latent.frames[0], _indices(made)) for each, made in self.plates.items()}
        whole = {frame.name: (frame, None) for frame in latent.frames}
        value = latent.cut(value, event_dim, {**whole, **batches})
        return self._state(name, Delta(value, event_dim=event_dim), _not_open(latent))


def _indices(made: plate) -> Tensor | None:
    return None if made.subsample_size == made.size else made.indices


def _not_open(latent: Latent) -> tuple[Frame, ...]:
    """The plates around a site of the model that are not open here."""
    opened = {each.frame.name for each in installed() if isinstance(each, PlateContext)}
    return tuple(frame for frame in latent.frames if frame.name not in opened)


class Group:
    """Several sites of the model, stated together.

    Args:
        guide: the guide.
        sites: what it knows of the sites.

    Attributes:
        prototype_sites: the sites, in the model's first run.
        event_shape: the length of the vector that holds their unconstrained values, those of one slot of the plates
            that all of them are in.
    """

    def __init__(self, guide: EasyGuide, sites: Sequence[Latent]) -> None:
        self._guide = guide
        self.latents = tuple(sites)
        nodes = {} if guide.prototype_trace is None else guide.prototype_trace.nodes
        self.prototype_sites = [nodes[latent.name] for latent in sites]
        for site in self.prototype_sites:
            if is_discrete(site.fn):
                raise ArgumentError(
                    f"Site {site.name!r} is discrete, {type(site.fn).__name__}, and a group is one real vector. Choose "
                    "by match= the others, and state this one by virgil.sample."
                )
        shared = set.intersection(*({frame.name for frame in latent.frames} for latent in sites))
        self.common_frames = [frame for frame in self.latents[0].frames if frame.name in shared]
        slots = 1
        for frame in self.common_frames:
            slots *= frame.full_size
        self._sizes = [latent.unconstrained.numel() // slots for latent in self.latents]
        self.event_shape = torch.Size([sum(self._sizes)])

    @property
    def guide(self) -> EasyGuide:
        """The guide."""
        return self._guide

    def sample(self, guide_name: str, fn: Any, infer: dict[str, Any] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Draw the vector, and state each site at its part, mapped onto the site's support.

        Args:
            guide_name: the name of the auxiliary site that is the vector.
            fn: its distribution. Shape: event ``event_shape``, batch those of the plates that are open.
            infer: further options of the auxiliary site.

        Returns:
            The vector, and by site its value.

        Raises:
            ArgumentError: a plate around all the sites is not open, or the event shape is another.
        """
        if fn.event_shape != self.event_shape:
            raise ArgumentError(
                f"Group {guide_name!r} got a distribution of event shape {tuple(fn.event_shape)}; its sites need "
                f"{tuple(self.event_shape)}. Write .to_event(1) after a distribution of independent entries."
            )
        for frame in self.common_frames:
            if frame in _not_open(self.latents[0]):
                raise ArgumentError(
                    f"Group {guide_name!r} has sites that are all in plate {frame.name!r}, which is not open. Write it "
                    f"inside of `with self.plate({frame.name!r}):`."
                )
        site = emit(Site("sample", guide_name, fn, infer={**(infer or {}), "is_auxiliary": True}))
        vector = cast(Tensor, site.value)
        parts = vector.split(self._sizes, -1)
        values = {each.name: self._stated(each, part) for each, part in zip(self.latents, parts, strict=True)}
        return vector, values

    def map_estimate(self) -> dict[str, Tensor]:
        """State each site at a point; see :meth:`EasyGuide.map_estimate`."""
        return {latent.name: self.guide.map_estimate(latent.name) for latent in self.latents}

    def _stated(self, latent: Latent, part: Tensor) -> Tensor:
        bijection = latent.bijection
        event_shape = latent.unconstrained.shape[len(latent.batch_shape) :]
        own = _not_open(latent)
        if own and self.common_frames:
            raise ArgumentError(
                f"Site {latent.name!r} is in plate {own[0].name!r}, inside of {self.common_frames[0].name!r}, which "
                "is open. Open both, and group by match= the sites that are in both."
            )
        batch_dim = len(latent.batch_shape) if own else 0
        outer = part.shape[:-1]
        lead = outer[: len(outer) - batch_dim] if len(outer) > batch_dim else ()
        shape = (*lead, *latent.batch_shape, *event_shape) if own else (*outer, *event_shape)
        unconstrained = part.reshape(shape)
        value = bijection(unconstrained)
        log_density = -bijection.log_abs_det_jacobian(unconstrained, value)
        fn = Delta(value, log_density, event_dim=bijection.event_dim)
        return self.guide._state(latent.name, fn, own)


def easy_guide(model: Callable[..., Any]) -> Callable[[Callable[..., Any]], EasyGuide]:
    """A decorator that makes a guide of a function ``guide(self, *args)``; see :class:`EasyGuide`.

    A guide that is to be pickled is an instance of a class at a module's top level instead.

    Args:
        model: the generative program.
    """

    def decorated(function: Callable[..., Any]) -> EasyGuide:
        kind = type(function.__name__, (EasyGuide,), {"guide": function, "__module__": function.__module__})
        guide: EasyGuide = kind(model)
        return guide

    return decorated
