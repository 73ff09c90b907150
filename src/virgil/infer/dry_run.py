"""Running a program without leaving a mark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from virgil.distributions.validation import checked
from virgil.ops.random_state import preserved_rng
from virgil.params import get_param_store

__all__ = ["dry_run", "unmarked"]


@contextmanager
def dry_run() -> Iterator[None]:
    """A block after which random generators, parameters and networks' buffers are as before; inside, all is checked."""
    with unmarked(), get_param_store().discarding(), checked():
        yield


@contextmanager
def unmarked() -> Iterator[None]:
    """A block that may make parameters, after which random generators and networks' buffers are as before."""
    with preserved_rng(), _preserved_buffers():
        yield


@contextmanager
def _preserved_buffers() -> Iterator[None]:
    """Put back the buffers, such as running means, of every network that is called inside."""
    before: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {}

    def remember(module: nn.Module, inputs: object) -> None:
        if module not in before:
            before[module] = [(buffer, buffer.clone()) for buffer in module.buffers(recurse=False)]

    hook = register_module_forward_pre_hook(remember)
    try:
        yield
    finally:
        hook.remove()
        with torch.no_grad():
            for buffers in before.values():
                for buffer, value in buffers:
                    buffer.copy_(value)
