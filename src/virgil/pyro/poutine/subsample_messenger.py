"""``SubsampleMessenger``: a plate as a hook that may take a mini-batch."""

from __future__ import annotations

from torch import Tensor

from virgil.poutine.messenger import Message
from virgil.poutine.plate import PlateContext, plate
from virgil.pyro.poutine.indep_messenger import IndepMessenger
from virgil.pyro.poutine.messenger import delegate

__all__ = ["SubsampleMessenger"]


class SubsampleMessenger(IndepMessenger):
    """Declares independence across slots, of which a mini-batch may be at hand; see :class:`virgil.plate`.

    Its indices are a site, stated when it is made.
    """

    stands_for = (PlateContext, plate)

    def __init__(
        self,
        name: str,
        size: int | None = None,
        subsample_size: int | None = None,
        subsample: Tensor | None = None,
        dim: int | None = None,
        use_cuda: bool | None = None,
        device: str | None = None,
    ) -> None:
        stated = plate(name, size, subsample_size, subsample, dim, use_cuda, device)
        super().__init__(name, stated.size, dim, device)
        self.subsample_size = stated.subsample_size
        self._indices = stated.indices if stated.is_sized else None

    def _process_message(self, msg: Message) -> None:
        if msg["type"] == "subsample":
            delegate(msg, self._cut, self)
        if self.subsample_size != self.size:
            msg["scale"] = msg["scale"] * (self.size / self.subsample_size)
        super()._process_message(msg)
