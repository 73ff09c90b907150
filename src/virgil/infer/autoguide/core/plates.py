"""The plates of a guide: those around the model's latent sites, with the mini-batch that the model is about to use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.core.feasible_value import feasible_value
from virgil.errors import ArgumentError, MismatchError, shown
from virgil.infer.density.failure import note_failure
from virgil.infer.density.initialization import dtype_and_device
from virgil.nn.call import isolated
from virgil.ops.random_state import preserved_rng
from virgil.poutine.frame import Frame, plates_shape
from virgil.poutine.plate import plate
from virgil.poutine.plate_context import known_indices
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Batches", "GuidePlates", "call_key"]

# By the name of a plate: its frame, and the indices of its mini-batch, or None where it is whole.
Batches = Mapping[str, tuple[Frame, Tensor | None]]

_REMEMBERED = 64  # kinds of calls whose plate sizes are kept
_LISTED = 8  # entries of a list argument that are looked at


def call_key(value: Any) -> object:
    """The parts of an argument that can change the size of a mini-batch: shapes, whole numbers, lengths."""
    if isinstance(value, Tensor):
        return value.shape
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return len(value), *[call_key(each) for each in value[:_LISTED]]
    if isinstance(value, dict):
        return tuple([(name, call_key(each)) for name, each in value.items()])
    shape = getattr(value, "shape", None)
    return shape if isinstance(shape, tuple) else type(value)


class _AllFoundError(Exception):
    """Raised inside the model once every plate has been seen: the rest of it need not run."""


class _PlateProbe(Handler):
    """Runs a model as far as its plates are made, unseen by the handlers outside."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self.wanted = set(wanted)
        self.found: dict[str, Site] = {}

    def handle(self, site: Site, outer: Outer) -> Site:
        """Note a plate; give a latent site any value, so that nothing is drawn."""
        if site.kind == "plate" and site.name in self.wanted:
            if site.value is None:
                site = site.with_value(torch.arange(site.fn.subsample_size, device=site.fn.device))
            self.found[site.name] = site
            if len(self.found) == len(self.wanted):
                raise _AllFoundError
        elif site.is_latent and site.value is None:
            site = site.with_value(_any_value(site))
        return site.resolve()


def _any_value(site: Site) -> Tensor | None:
    """A value of the site's support; ``None``, for one to be drawn, where none is known."""
    shape = plates_shape(site.name, site.fn.batch_shape, site.frames) + site.fn.event_shape
    try:
        return feasible_value(site.fn.support, shape, **dtype_and_device(site.fn))
    except (ArgumentError, NotImplementedError):
        return None


class GuidePlates:
    """The plates around a model's latent sites, made anew at each call of the guide.

    The guide draws the mini-batch of a plate and the model takes it from there. How large it is, or which indices the
    model gives to its plate by ``subsample=``, may depend on the arguments: they are found by running the model up to
    its plates, once for each shape of the arguments where indices are drawn, and at each call where they are given.
    """

    def __init__(self, model: Callable[..., Any], prototype: Trace, create_plates: Callable[..., Any] | None) -> None:
        self.model = model
        self.create_plates = create_plates
        self.frames: dict[str, Frame] = {}
        for _, site in prototype.iter_stochastic_nodes():
            self.frames.update({frame.name: frame for frame in site.frames if frame.dim is not None})
        nodes = prototype.nodes
        self._given = {name for name in self.frames if name in nodes and nodes[name].observed}
        self._visible = {name for name in self.frames if name in nodes}
        if create_plates is None:
            self._check_visible()
        arguments = nodes["_INPUT"]
        sizes = {name: frame.size for name, frame in self.frames.items()}
        self._sizes: dict[object, dict[str, int]] = {call_key((arguments.args, arguments.kwargs)): sizes}

    def _check_visible(self) -> None:
        for name, frame in self.frames.items():
            if name not in self._visible and frame.size != frame.full_size:
                raise ArgumentError(
                    f"The model hides plate {name!r}, which is subsampled around a latent site, so that the guide "
                    "cannot take the same mini-batch. Show it as well, as in "
                    f"poutine.block(model, expose=[..., {name!r}]), or give create_plates=."
                )

    def __call__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], shared: dict[str, plate] | None = None
    ) -> dict[str, plate]:
        """Make the plates, but for those that are in ``shared``, and put them there."""
        shared = {} if shared is None else shared
        plates = {} if self.create_plates is None else self._created(args, kwargs)
        plates = {**{name: each for name, each in shared.items() if self._is_ours(each)}, **plates}
        given: dict[str, Tensor] = {}
        sizes: dict[str, int] = {}
        if not self.frames.keys() <= plates.keys():
            sizes, given = self._found(args, kwargs, plates.keys())
        for name, frame in self.frames.items():
            if name not in plates:
                size = sizes.get(name, frame.size)
                plates[name] = plate(
                    name,
                    frame.full_size,
                    subsample_size=None if size == frame.full_size else size,
                    subsample=given.get(name),
                    dim=frame.dim,
                )
        shared.update(plates)
        return plates

    def _is_ours(self, made: plate) -> bool:
        frame = self.frames.get(made.name)
        return frame is not None and frame.full_size == made.size and made.dim in (None, frame.dim)

    def batches(self, plates: Mapping[str, plate]) -> Batches:
        """The frames of plates that have been made."""
        batches: dict[str, tuple[Frame, Tensor | None]] = {}
        for name, frame in self.frames.items():
            made = plates[name]
            whole = made.subsample_size == made.size and name not in self._given
            if whole and made.size == frame.size:
                batches[name] = (frame, None)
            else:
                new = Frame(name, frame.dim, made.subsample_size, made.size)
                batches[name] = (new, None if whole else known_indices(name, made.indices))
        return batches

    def _found(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], made: Iterable[str]
    ) -> tuple[dict[str, int], dict[str, Tensor]]:
        """Sizes of mini-batches, and the indices that the model gives."""
        key = call_key((args, kwargs))
        sizes = self._sizes.get(key)
        given = self._given.difference(made)
        if sizes is not None and not given:
            return sizes, {}
        wanted = self._visible.difference(made) if sizes is None else given
        probe = self._probe(args, kwargs, wanted) if wanted else {}
        if sizes is None:
            sizes = {name: frame.size for name, frame in self.frames.items()}
            sizes.update({name: len(site.value) for name, site in probe.items()})
            if len(self._sizes) >= _REMEMBERED:
                del self._sizes[next(iter(self._sizes))]
            self._sizes[key] = sizes
        return sizes, {name: site.value for name, site in probe.items() if site.observed}

    def _probe(self, args: tuple[Any, ...], kwargs: dict[str, Any], wanted: set[str]) -> dict[str, Site]:
        probe = _PlateProbe(wanted)
        try:
            with preserved_rng(), torch.no_grad(), isolated(), probe:
                self.model(*args, **kwargs)
        except _AllFoundError:
            pass
        except Exception as error:
            note_failure(error, "the automatic guide ran the model to find its plates", Trace())
            raise
        for name, site in probe.found.items():
            full_size = self.frames[name].full_size
            if site.fn.size != full_size:
                raise MismatchError(
                    f"Plate {name!r} has size {site.fn.size} in this call, but had {full_size} when the guide was "
                    "made, which holds parameters for each slot. Keep the size and choose the mini-batch by "
                    f"plate({name!r}, {full_size}, subsample=...), or make a new guide."
                )
        return probe.found

    def _created(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, plate]:
        """The plates that ``create_plates`` makes, by name."""
        made = self.create_plates(*args, **kwargs) if self.create_plates is not None else ()
        plates = list(made) if isinstance(made, list | tuple) else [made]
        for each in plates:
            if not isinstance(each, plate):
                raise ArgumentError(
                    f"create_plates returned {shown(each)}; it must return a plate, or several in a list."
                )
            known = self.frames.get(each.name)
            if known is not None and known.full_size != each.size:
                raise MismatchError(
                    f"create_plates made plate {each.name!r} of size {each.size}, but the model's has size "
                    f"{known.full_size}. Give it the model's size, and the mini-batch by subsample=."
                )
        return {each.name: each for each in plates}
