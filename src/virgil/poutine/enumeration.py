"""``enum``: give discrete sites all their values at once, each variable along a batch dim of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.composed.delta import Delta
from virgil.distributions.core.shape_algebra import expanded
from virgil.errors import ArgumentError, MismatchError, PlateError, ShapeError, shown
from virgil.poutine.runtime import Handler, Outer, states_nothing
from virgil.poutine.site import Enumeration, Site
from virgil.poutine.variable_slots import MOST_DIMS, VariableSlots
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Enumerate", "all_values", "checked_num_samples", "draws", "enum", "enumerated_dim", "leftmost"]


def enumerated_dim(site: Site) -> int | None:
    """The batch dim along which the site has all its values, or several draws; ``None`` if it has one value."""
    return None if site.enumeration is None else site.enumeration.dim


def draws(site: Site) -> int | None:
    """The number of independent draws along the site's enumerated dim; ``None`` if it has all its values there."""
    return None if site.enumeration is None else site.enumeration.draws


def leftmost(site: Site) -> int:
    """The leftmost dim that later sites cannot have because of a site that is enumerated along a dim."""
    return min(_place(site))


def _place(site: Site) -> tuple[int, int]:
    """The slot and the dim of a site that is enumerated along a dim."""
    enumeration = site.enumeration
    if enumeration is None or enumeration.slot is None or enumeration.dim is None:
        raise ArgumentError(f"Site {site.name!r} is not enumerated along a dim.")
    return enumeration.slot, enumeration.dim


class Enumerate(Handler):
    """Enumerates sites marked ``infer={"enumerate": "parallel"}`` along dims from ``first_available_dim`` to the left.

    With ``infer={"enumerate": "parallel", "num_samples": n}`` a site has n draws of its own there.

    Each variable has a slot, and with it a dim. A slot is used again once no later site can see its variable. Out of
    sight are variables of a Markov chain's steps before its history, of another branch of a chain, and of another round
    of an iterated plate. A round of another loop over the same plate is the same round.

    Args:
        first_available_dim: left of all plates.
        known: sites of another program that has enumerated them already, by name.
        apart: whether, for a test run, a dim is used again as late as possible. A program that depends on a variable
            out of sight then shows it, by a dim that belongs to no variable in sight. Where both variables had the
            same dim, nobody would notice.
        sums: whether its variables are summed out inside a logarithm, where draws would give a biased result.
        known_only: whether it enumerates no site itself and only notes which sites can see the known ones.
    """

    def __init__(
        self,
        first_available_dim: int,
        known: Mapping[str, Site] | None = None,
        apart: bool = False,
        sums: bool = False,
        known_only: bool = False,
    ) -> None:
        if not isinstance(first_available_dim, int) or first_available_dim >= 0:
            raise ArgumentError(
                f"enum() got first_available_dim={shown(first_available_dim)}; it takes a negative dim left of "
                "all plates, -1 - max_plate_nesting."
            )
        self.first_available_dim = first_available_dim
        self.known = known or {}
        self.apart = apart
        self.sums = sums
        self.known_only = known_only
        places = {name: _place(site) for name, site in self.known.items()}
        slots = Counter(slot for slot, _ in places.values())
        self._foreseen = {  # dims that hold one variable alone, so that it is known even before it is stated
            dim: name for name, (slot, dim) in places.items() if slots[slot] == 1
        }
        self._first_taken = max([first_available_dim, *(dim for _, dim in places.values())])
        self._slots = VariableSlots(first_available_dim, apart)

    def __enter__(self) -> Enumerate:
        self._slots = VariableSlots(self.first_available_dim, self.apart)
        super().__enter__()
        return self

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Enumerate a marked site, and note the variables that a site can see."""
        if site.kind != "sample":
            return outer(site)
        self._check_plates(site)
        visible = self._slots.visible(site)
        visible.update(self._foreseen)
        known = self.known.get(site.name)
        if known is not None:
            self._take_over(site, known, visible)
        elif self._enumerates(site):
            count = self._num_samples(site)
            if count != 1:
                site = self._enumerated(site, count, visible)
                if site.block is not None and site.block.is_copy:
                    site = site.replace(kind="deterministic")  # values alone: the density is that of another block
        return outer(site.replace(variables=visible))

    def _enumerates(self, site: Site) -> bool:
        is_free = not self.known_only and site.is_latent and site.value is None
        return is_free and site.infer.get("enumerate") == "parallel"

    def _check_plates(self, site: Site) -> None:
        for frame in site.frames:
            if frame.dim is not None and frame.dim <= self._first_taken:
                raise PlateError(
                    f"At site {site.name!r}, plate {frame.name!r} is at dim {frame.dim}, but enumerated variables take "
                    f"dims from {self._first_taken} to the left. Set max_plate_nesting={-frame.dim} or more on the "
                    "objective, or leave it out."
                )

    def _num_samples(self, site: Site) -> int | None:
        count: int | None = site.infer.get("num_samples")
        checked_num_samples(count, "parallel", f"Site {site.name!r}")
        if count is not None and self.sums:
            raise ArgumentError(
                f"Site {site.name!r} is marked with num_samples={count} and is none of the guide's, so the model would "
                "sum it out by draws. The logarithm of an average of draws is biased: state the variable in the guide "
                "and mark it there, or leave num_samples out to sum exactly."
            )
        is_point = isinstance(getattr(site.fn, "base_dist", site.fn), Delta)
        return 1 if count is not None and is_point else count

    def _enumerated(self, site: Site, count: int | None, visible: dict[int, str]) -> Site:
        busy = self._slots.busy(visible, site)
        slot, dim = self._slots.free(busy, site)
        if dim < -MOST_DIMS:
            raise ArgumentError(
                f"Site {site.name!r} would be enumerated along batch dim {dim}, since later statements might depend on "
                f"each of the {len(busy)} variables before it; a tensor has at most {MOST_DIMS} dims. Use "
                "virgil.markov around steps that depend on the last ones only, a plate instead of a Python loop over "
                "independent ones, or sample some in the guide."
            )
        self._slots.hold(slot, dim, site)
        visible[dim] = site.name
        enumeration = Enumeration(dim, slot, count)
        if count is None:
            return site.replace(value=all_values(site, dim), enumeration=enumeration)
        return site.replace(fn=_repeated(site, dim, count), enumeration=enumeration)

    def _take_over(self, site: Site, known: Site, visible: dict[int, str]) -> None:
        """Note a variable that another program has enumerated along a dim."""
        slot, dim = _place(known)
        other = visible.get(dim, site.name)
        if other != site.name:
            raise MismatchError(
                f"Sites {other!r} and {site.name!r} are enumerated in the guide, whose plates or markov chains say "
                "that nothing depends on both; in the model a statement may. Use the same virgil.markov and the same "
                "iterated plates, with the same history, in both programs."
            )
        self._slots.hold(slot, dim, site)
        visible[dim] = site.name


def all_values(site: Site, dim: int) -> Tensor:
    """The support, along the dim. Shape: ``(values, 1, ..., 1, *event)``."""
    base = getattr(site.fn, "base_dist", None)
    if not getattr(site.fn, "has_enumerate_support", False) and not getattr(base, "has_enumerate_support", False):
        raise ArgumentError(
            f"Site {site.name!r} is marked to be enumerated, but {type(site.fn).__name__} has no finite support. "
            "Take the mark away and sample it in the guide, or use a distribution with few values."
        )
    try:
        values: Tensor = site.fn.enumerate_support(expand=False)
    except NotImplementedError as error:
        raise ArgumentError(
            f"Site {site.name!r} is marked to be enumerated, but the values of {site.fn} cannot be listed: {error} "
            "Declare its dims by plates instead of .to_event()."
        ) from None
    return values.reshape(values.shape[:1] + (1,) * (-dim - 1) + tuple(site.fn.event_shape))


def _repeated(site: Site, dim: int, count: int) -> Any:
    """The site's distribution with so many independent entries along the dim."""
    batch = tuple(site.fn.batch_shape)
    shape = [1] * (-dim - len(batch)) + list(batch)
    if shape[dim] != 1:
        raise ShapeError(
            f"Site {site.name!r} has num_samples={count} along batch dim {dim}, where its distribution of batch shape "
            f"{batch} has size {shape[dim]} already: from a dim without a plate, or from draws that came before the "
            "history of its markov chain, on which a drawn value passes its dependence on. Declare the dim by a plate "
            "or .to_event(n), raise history=, or leave num_samples out in some steps.",
            site=site.name,
        )
    shape[dim] = count
    return expanded(site.fn, torch.Size(shape))


def checked_num_samples(count: Any, way: str | None, where: str) -> None:
    """Check a number of draws. Only enumeration in parallel takes one.

    Raises:
        ArgumentError: it is no whole number from 1, or the sites are enumerated one value after another.
    """
    if count is None:
        return
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ArgumentError(f"{where} got num_samples={shown(count)}; it takes a whole number, 1 or more, or None.")
    if way == "sequential":
        raise ArgumentError(
            f"{where} got num_samples={count} for sequential enumeration; draws lie along a dim, in parallel. Use "
            "'parallel', or num_particles= of the objective for executions one after another."
        )


def enum(fn: Program | None = None, first_available_dim: int | None = None) -> Any:
    """Run a program with its marked discrete sites enumerated in parallel.

    Args:
        fn: the program; without one, the handler is returned.
        first_available_dim: where the first variable goes: ``-1 - max_plate_nesting``, left of all plates.
    """
    if first_available_dim is None:
        raise ArgumentError("enum() needs first_available_dim=, -1 - max_plate_nesting.")
    return wrapped(Enumerate(first_available_dim), fn)
