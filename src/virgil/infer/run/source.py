"""Where the arguments of each step of a run come from: the same every time, or mini-batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from virgil.errors import ArgumentError

__all__ = ["NOTHING", "Batch", "Batches", "Same", "Source", "source_of"]

NOTHING: Any = object()


@dataclass(frozen=True)
class Batch:
    """The arguments of one step."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Source(Protocol):
    """Gives the arguments of steps in their order."""

    total: int | None
    is_same: bool

    def take(self, count: int) -> list[Batch]:
        """Those of the next steps; fewer where the source ends."""
        ...


class Same:
    """One set of arguments for all steps; it is given once a call of ``take``."""

    is_same = True

    def __init__(self, num_steps: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.total: int | None = num_steps
        self._batch = Batch(args, kwargs)

    def take(self, count: int) -> list[Batch]:
        """The arguments."""
        return [self._batch]


class Batches:
    """The batches of an iterable, epoch after epoch, before further arguments.

    A batch that is a tuple or list is that many arguments, one that is a dict keyword arguments, any other one
    argument.
    """

    is_same = False

    def __init__(self, data: Iterable[Any], epochs: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not isinstance(data, Iterable):
            raise ArgumentError(
                f"run() got data={data!r}, which cannot be iterated; with epochs= it takes mini-batches, such as a "
                "torch DataLoader."
            )
        length = len(data) if isinstance(data, Sized) else None
        self.total = None if length is None else length * epochs
        self._batches = self._all(data, epochs, args, kwargs)

    @staticmethod
    def _all(data: Iterable[Any], epochs: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Batch]:
        for epoch in range(epochs):
            is_empty = True
            for batch in data:
                is_empty = False
                if isinstance(batch, Mapping):
                    yield Batch(args, {**kwargs, **batch})
                else:
                    own = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
                    yield Batch((*own, *args), kwargs)
            if is_empty:
                raise ArgumentError(
                    f"run() got data that has no batches in epoch {epoch + 1}; an iterator can be gone through only "
                    "once. Give a DataLoader or a list."
                )

    def take(self, count: int) -> list[Batch]:
        """The next batches."""
        return list(islice(self._batches, count))


def source_of(
    num_steps: int | None, epochs: int | None, data: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Source:
    """What the arguments of a run mean.

    Raises:
        ArgumentError: they mean nothing.
    """
    if epochs is None:
        if not isinstance(num_steps, int) or isinstance(num_steps, bool) or num_steps < 0:
            raise ArgumentError(
                f"run() got num_steps={num_steps!r}; it takes a whole number, and after it the arguments of model "
                "and guide; or epochs= and data=."
            )
        return Same(num_steps, args, kwargs if data is NOTHING else {**kwargs, "data": data})
    if num_steps is not None:
        raise ArgumentError(
            f"run() got num_steps={num_steps!r} and epochs={epochs!r}; it takes one of them. With epochs=, further "
            "arguments of model and guide go by name."
        )
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0:
        raise ArgumentError(f"run() got epochs={epochs!r}; it takes a whole number, 0 or more.")
    if data is NOTHING:
        raise ArgumentError("run() got epochs= without data=; it takes an iterable of mini-batches.")
    return Batches(data, epochs, args, kwargs)
