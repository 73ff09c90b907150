"""Running a program without leaving a mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from virgil.distributions.core.validation import checked
from virgil.infer.density.buffers import buffers_of
from virgil.ops.forward_hooks import watching_calls
from virgil.ops.random_state import preserved_rng
from virgil.params import get_param_store

__all__ = ["buffers_before", "dry_run", "kept_buffers", "put_back", "unmarked", "untouched"]

Before = tuple[Tensor, Tensor]  # a tensor, and a copy of what it was


@contextmanager
def dry_run() -> Iterator[None]:
    """A block after which random generators, parameters and networks' buffers are as before; inside, all is checked."""
    with untouched(), get_param_store().discarding(), checked():
        yield


@contextmanager
def untouched() -> Iterator[None]:
    """As :func:`unmarked`, also between a loss and its derivative: nothing is written into networks' buffers.

    A network that is called inside has copies in the place of its buffers. Autograd keeps buffers, such as running
    means, for the derivative of a call before, and takes one that was put back for one that was changed.
    """
    with preserved_rng(), _copied_buffers():
        yield


@contextmanager
def unmarked() -> Iterator[None]:
    """A block that may make parameters, after which random generators and networks' buffers are as before."""
    with preserved_rng(), kept_buffers():
        yield


@contextmanager
def kept_buffers() -> Iterator[None]:
    """A block that puts back the buffers, such as running means, of every network that is called inside."""
    with buffers_before() as before:
        try:
            yield
        finally:
            put_back(before)


@contextmanager
def _copied_buffers() -> Iterator[None]:
    """Lend a copy of each of its buffers to every network that is called inside."""
    lent: dict[int, tuple[Tensor, Tensor]] = {}  # by identity, since networks may share a buffer
    own: list[tuple[dict[str, Tensor | None], str, Tensor]] = []
    called: set[nn.Module] = set()

    def lend(module: nn.Module) -> None:
        if module not in called:
            called.add(module)
            writable = {id(each) for each in buffers_of([module])}
            for name, buffer in module._buffers.items():
                if buffer is not None and id(buffer) in writable:
                    own.append((module._buffers, name, buffer))
                    module._buffers[name] = lent.setdefault(id(buffer), (buffer, buffer.clone()))[1]

    try:
        with watching_calls(lend):
            yield
    finally:
        for buffers, name, buffer in reversed(own):
            buffers[name] = buffer


@contextmanager
def buffers_before() -> Iterator[list[Before]]:
    """A block that notes the buffers of every network that this thread calls, with copies of what they were before."""
    modules: set[nn.Module] = set()
    before: list[Before] = []

    def remember(module: nn.Module) -> None:
        if module not in modules:
            modules.add(module)
            before.extend((buffer, buffer.clone()) for buffer in buffers_of([module]))

    with watching_calls(remember):
        yield before


def put_back(before: Iterable[Before]) -> None:
    """Give tensors the values that they had.

    A tensor that has them still is left alone: autograd takes one that is written into for one that was changed, and a
    mask may belong to a loss whose derivative is not taken yet.
    """
    with torch.no_grad():
        for buffer, value in before:
            if not torch.equal(buffer, value):
                buffer.copy_(value)
