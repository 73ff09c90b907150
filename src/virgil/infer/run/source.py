"""Where the arguments of each step of a run come from: the same every time, or mini-batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from itertools import chain, islice, repeat
from typing import Any, Protocol

import torch

from virgil.errors import ArgumentError, shown
from virgil.ops.random_state import get_rng_state, set_rng_state

__all__ = ["Batch", "Batches", "NOTHING", "Place", "Same", "Source", "source_of"]

NOTHING: Any = object()


@dataclass(frozen=True)
class Batch:
    """The arguments of one step."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """How far a source of mini-batches has come.

    Attributes:
        epoch: the present one.
        batch: how many of its batches have been taken.
        random: the generators when it began; ``"data"`` has those of the data's own, such as a ``DataLoader``'s.
    """

    epoch: int
    batch: int
    random: dict[str, Any]


class Source(Protocol):
    """Gives the arguments of steps in their order."""

    total: int | None
    is_same: bool
    num_batches: int  # that differ, in an epoch; 1 where that is not known
    last: Batch | None  # that was taken

    def more(self) -> Iterator[Batch]:
        """Arguments like those of its steps, without end; where the steps stand does not change."""
        ...

    def peek(self) -> Batch | None:
        """The arguments of the next step, which are still to be taken; ``None`` where the source ends."""
        ...

    def take(self, count: int) -> list[Batch]:
        """The batches of the next steps, ``count`` at most; none where the source ends."""
        ...

    def place(self) -> Place | None:
        """How far it has come; ``None`` where that makes no difference."""
        ...

    def go_to(self, place: Place) -> None:
        """Go on from there.

        Raises:
            ArgumentError: there is no such place.
        """
        ...


class Same:
    """One set of arguments for all steps; it is given once a call of ``take``."""

    is_same = True
    num_batches = 1

    def __init__(self, num_steps: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.total: int | None = num_steps
        self.last: Batch | None = Batch(args, kwargs)
        self._batch = self.last

    def more(self) -> Iterator[Batch]:
        """The arguments, again and again."""
        return repeat(self._batch)

    def peek(self) -> Batch | None:
        """The arguments."""
        return self._batch

    def take(self, count: int) -> list[Batch]:
        """The arguments."""
        return [self._batch]

    def place(self) -> Place | None:
        """It is the same everywhere."""
        return None

    def go_to(self, place: Place) -> None:
        """It is the same everywhere."""


class Batches:
    """The batches of an iterable, epoch after epoch, before further arguments.

    A batch that is a tuple or list is that many arguments, one that is a dict keyword arguments, any other one
    argument. An epoch begins when all steps of the one before have been taken, so that an order drawn then comes at a
    fixed place in the stream of random numbers.
    """

    is_same = False

    def __init__(self, data: Iterable[Any], epochs: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not isinstance(data, Iterable):
            raise ArgumentError(
                f"run() got data={shown(data)}, which cannot be iterated; with epochs= it takes mini-batches, "
                "such as a torch DataLoader."
            )
        length = len(data) if isinstance(data, Sized) else None
        self.total = None if length is None else length * epochs
        self.num_batches = 1 if length is None or _is_one(data) else length
        self.last: Batch | None = None
        self._data = data
        self._epochs = epochs
        self._more = args, kwargs
        self._place = Place(-1, 0, {})
        self._present: Iterator[Batch] = iter(())

    def peek(self) -> Batch | None:
        """The next batch."""
        last, batches = self.last, self.take(1)
        if batches:
            self._present = chain(batches, self._present)
            self._place = replace(self._place, batch=self._place.batch - 1)
            self.last = last
        return batches[0] if batches else None

    def take(self, count: int) -> list[Batch]:
        """The next batches, of one epoch."""
        while True:
            batches = list(islice(self._present, count))
            self._place = replace(self._place, batch=self._place.batch + len(batches))
            if batches:
                self.last = batches[-1]
                return batches
            if self._place.epoch >= 0 and not self._place.batch:
                raise ArgumentError(
                    f"run() got data that has no batches in epoch {self._place.epoch + 1}; an iterator can be gone "
                    "through only once. Give a DataLoader or a list."
                )
            if self._place.epoch + 1 >= self._epochs:
                return []
            own = [each.get_state() for each in _generators(self._data)]
            self._begin(Place(self._place.epoch + 1, 0, {**get_rng_state(), "data": own}))

    def more(self) -> Iterator[Batch]:
        """Further epochs; the last batch again and again where the data can be gone through only once."""
        while True:
            batch = None
            for each in self._data:
                batch = self._batch(each)
                yield batch
            if batch is None:
                yield from () if self.last is None else repeat(self.last)
                return

    def _begin(self, place: Place) -> None:
        self._place = place
        self._present = map(self._batch, self._data)

    def _batch(self, batch: Any) -> Batch:
        args, kwargs = self._more
        if isinstance(batch, Mapping):
            return Batch(args, {**kwargs, **batch})
        own = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        return Batch((*own, *args), kwargs)

    def place(self) -> Place | None:
        """How far it has come; ``None`` before the first batch."""
        return self._place if self._place.epoch >= 0 else None

    def go_to(self, place: Place) -> None:
        """Begin the epoch as it was begun, and pass over the batches that were taken."""
        states, generators = place.random.get("data", []), _generators(self._data)
        if len(states) != len(generators):
            raise ArgumentError(
                f"run() goes on with data that had {len(states)} random generators of their own, and got data with "
                f"{len(generators)}. Give a DataLoader made as that with which the run began."
            )
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        set_rng_state(place.random)
        self._begin(replace(place, batch=0))
        passed = 0
        for batch in islice(self._present, place.batch):
            self.last = batch
            passed += 1
        if passed < place.batch:
            raise ArgumentError(
                f"run() goes on after batch {place.batch} of an epoch, but data has {passed} of them. Give the data "
                "with which the run began."
            )
        self._place = place


def _generators(data: Any) -> list[torch.Generator]:
    """The generators that a ``DataLoader`` and its samplers hold, each once."""
    samplers = [getattr(data, name, None) for name in ("sampler", "batch_sampler")]
    holders = [data, *samplers, getattr(samplers[-1], "sampler", None)]
    held = [getattr(each, "generator", None) for each in holders]
    return list({id(each): each for each in held if isinstance(each, torch.Generator)}.values())


def _is_one(data: Iterable[Any]) -> bool:
    """True for a list of one batch, given again and again."""
    return isinstance(data, (list, tuple)) and len({id(each) for each in data}) == 1


def source_of(
    num_steps: int | None, epochs: int | None, data: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Source:
    """The source of arguments that a call of ``run`` asks for.

    Raises:
        ArgumentError: they mean nothing.
    """
    if epochs is None:
        if not isinstance(num_steps, int) or isinstance(num_steps, bool) or num_steps < 0:
            raise ArgumentError(
                f"run() got num_steps={shown(num_steps)}; it takes a whole number, and after it the arguments of model "
                "and guide; or epochs= and data=."
            )
        return Same(num_steps, args, kwargs if data is NOTHING else {**kwargs, "data": data})
    if num_steps is not None:
        raise ArgumentError(
            f"run() got num_steps={shown(num_steps)} and epochs={shown(epochs)}; it takes one of them. With "
            "epochs=, further arguments of model and guide go by name."
        )
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0:
        raise ArgumentError(f"run() got epochs={shown(epochs)}; it takes a whole number, 0 or more.")
    if data is NOTHING:
        raise ArgumentError("run() got epochs= without data=; it takes an iterable of mini-batches.")
    return Batches(data, epochs, args, kwargs)
