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

__all__ = ["buffers_before", "dry_run", "kept_buffers", "put_back", "unmarked"]

Before = tuple[Tensor, Tensor]  # a tensor, and a copy of what it was


@contextmanager
def dry_run() -> Iterator[None]:
    """A block after which random generators, parameters and networks' buffers are as before; inside, all is checked."""
    with unmarked(), get_param_store().discarding(), checked():
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
    """Give tensors the values that they had."""
    with torch.no_grad():
        for buffer, value in before:
            buffer.copy_(value)
