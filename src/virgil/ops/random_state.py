"""The state of all random generators that a program may use: torch's, numpy's and Python's."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from virgil.ops.thread_generator import has_own_generator, own_generator, thread_generator

__all__ = ["TorchState", "get_rng_state", "preserved_rng", "seed_torch", "set_rng_seed", "set_rng_state"]


def set_rng_seed(rng_seed: int) -> None:
    """Seed torch (all devices), numpy and Python's ``random``."""
    seed_torch(rng_seed)
    random.seed(rng_seed)
    np.random.seed(rng_seed % 2**32)


def seed_torch(rng_seed: int) -> None:
    """Seed torch's generators, on the CPU the one that this thread draws from."""
    if not has_own_generator():
        torch.manual_seed(rng_seed)
        return
    thread_generator().manual_seed(rng_seed)
    torch.cuda.manual_seed_all(rng_seed)


def get_rng_state() -> dict[str, Any]:
    """A snapshot of all generators, for :func:`set_rng_state`."""
    state = {"torch": thread_generator().get_state(), "random": random.getstate(), "numpy": np.random.get_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Set all generators to a snapshot."""
    thread_generator().set_state(state["torch"])
    random.setstate(state["random"])
    np.random.set_state(state["numpy"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])


class TorchState:
    """A snapshot of torch's generators alone. It costs next to nothing."""

    def __init__(self) -> None:
        self._state = thread_generator().get_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def set(self) -> None:
        """Set torch's generators to the snapshot."""
        thread_generator().set_state(self._state)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


@contextmanager
def preserved_rng(redirects: bool = True) -> Iterator[None]:
    """A block after which all generators are where they were.

    Torch's generator on the CPU belongs to all threads. If it were put back, another thread would draw again the
    numbers that it has drawn meanwhile. So if there are other threads, this one draws from a generator of its own
    inside the block. The generators of GPUs, numpy and Python cannot be exchanged for one thread and are put back in
    any case.

    Args:
        redirects: as for :func:`~virgil.ops.thread_generator.own_generator`.
    """
    with own_generator(redirects) if _is_shared() else nullcontext():
        state = get_rng_state()
        try:
            yield
        finally:
            set_rng_state(state)


def _is_shared() -> bool:
    return not has_own_generator() and threading.active_count() > 1
