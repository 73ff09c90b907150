"""``IndepMessenger``: a plate as a hook, and ``CondIndepStackFrame``, what it adds to messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from virgil.poutine.frame import Frame
from virgil.poutine.messenger import Message
from virgil.poutine.plate import PlateContext, free_dim, plate
from virgil.poutine.stack import Surrounds
from virgil.pyro.poutine.kinds import Kind
from virgil.pyro.poutine.messenger import Messenger

__all__ = ["CondIndepStackFrame", "IndepMessenger"]

Self = TypeVar("Self", bound="IndepMessenger")


class CondIndepStackFrame(Frame, metaclass=Kind):
    """A plate around a site; see :class:`virgil.poutine.frame.Frame`, whose instances count as its own."""

    stands_for = (Frame,)
    __slots__ = ()
    _fields = ("name", "dim", "size", "counter", "full_size")

    def __init__(self, name: str, dim: int | None, size: int, counter: int = 0, full_size: int | None = None) -> None:
        super().__init__(name, dim, size, full_size, counter)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self, field) for field in self._fields)

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **changes: Any) -> CondIndepStackFrame:
        return CondIndepStackFrame(**{**self._asdict(), **changes})


class IndepMessenger(Messenger, PlateContext):
    """Declares by a hook that what is stated inside is independent across ``size`` slots.

    It is entered, and occupies a batch dim, or iterated, once for each slot.

    Args:
        name: the plate's name.
        size: the number of slots.
        dim: the batch dim, negative. Default: the first free one from the right, whenever it is entered.
        device: where its indices are made.
    """

    stands_for = (PlateContext, plate)
    surrounds: ClassVar[Surrounds] = None  # type: ignore[assignment]  # a subclass may add its frame to some sites and not to others

    def __init__(self, name: str, size: int, dim: int | None = None, device: str | None = None) -> None:
        self.name, self.size, self.device = name, size, device
        self.dim = plate(name, dim=dim).dim  # checked
        self.counter = 0
        self._asked_dim = self.dim
        self._vectorized: bool | None = None
        self._indices: Tensor | None = None

    @property
    def indices(self) -> Tensor:  # type: ignore[override]
        """The slots. Shape: ``(size,)``."""
        if self._indices is None:
            self._indices = torch.arange(self.size, device=self.device)
        return self._indices

    @property
    def frame(self) -> Frame:  # type: ignore[override]
        """The record of this plate that sites get."""
        dim = None if self._vectorized is False else self.dim
        return CondIndepStackFrame(self.name, dim, len(self.indices), self.counter, self.size)

    @property
    def plate(self) -> object:  # type: ignore[override]
        """The messenger itself, as the plate that was entered."""
        return self

    def next_context(self) -> None:
        """Go on to the next slot of a loop."""
        self.counter += 1

    def __enter__(self: Self) -> Any:
        if self._vectorized is not False:
            self._vectorized = True
            self.dim = free_dim(self.name, self._asked_dim)
        super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        super().__exit__(*exc_info)
        if self._vectorized:
            self.dim, self._vectorized = self._asked_dim, None

    def __iter__(self) -> Iterator[int]:
        self._vectorized, self.counter = False, 0
        try:
            for slot in self.indices.tolist():
                self.next_context()
                with self:
                    yield slot
        finally:
            self._vectorized = None

    def _reset(self) -> None:
        self.dim, self.counter, self._vectorized = self._asked_dim, 0, None

    def _process_message(self, msg: Message) -> None:
        msg["cond_indep_stack"] = (self.frame, *msg["cond_indep_stack"])
        super()._process_message(msg)
