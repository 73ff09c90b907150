"""``MarkovMessenger``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from virgil.poutine.markov import Markov
from virgil.pyro.poutine.messenger import Messenger

__all__ = ["MarkovMessenger"]

Self = TypeVar("Self", bound="MarkovMessenger")


class MarkovMessenger(Messenger):
    """A Markov chain whose steps are the times that it is entered, or the rounds of a loop over ``generator(...)``.

    Args:
        history: how many steps back a statement may depend on.
        keep: whether branches of the chain see each other.
        dim, name: kept as they are; nothing depends on them.
    """

    stands_for = (Markov,)

    def __init__(self, history: int = 1, keep: bool = False, dim: int | None = None, name: str | None = None) -> None:
        super().__init__()
        self.history, self.keep, self.dim, self.name = history, keep, dim, name
        self._chain = Markov(history, keep)
        self._iterable: Iterable[Any] = ()

    def generator(self: Self, iterable: Iterable[Any]) -> Self:
        """The messenger, to be iterated over these steps."""
        self._iterable = iterable
        return self

    def __iter__(self) -> Iterator[Any]:
        self._chain = Markov(self.history, self.keep)
        for item in self._iterable:
            with self:
                yield item

    def __enter__(self: Self) -> Self:
        self._chain.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        super().__exit__(*exc_info)
        self._chain.__exit__(*exc_info)
