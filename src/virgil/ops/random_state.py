"""The state of every random generator a program may use: torch's, numpy's and Python's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

__all__ = ["TorchState", "get_rng_state", "preserved_rng", "set_rng_seed", "set_rng_state"]


def set_rng_seed(rng_seed: int) -> None:
    """Seed torch (all devices), numpy and Python's ``random``."""
    torch.manual_seed(rng_seed)
    random.seed(rng_seed)
    np.random.seed(rng_seed % 2**32)


def get_rng_state() -> dict[str, Any]:
    """A snapshot of all generators, for :func:`set_rng_state`."""
    state = {"torch": torch.get_rng_state(), "random": random.getstate(), "numpy": np.random.get_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_rng_state(state: dict[str, Any]) -> None:
    """Put all generators back to a snapshot."""
    torch.set_rng_state(state["torch"])
    random.setstate(state["random"])
    np.random.set_state(state["numpy"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])


class TorchState:
    """A snapshot of torch's generators alone, which costs next to nothing."""

    def __init__(self) -> None:
        self._state = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def set(self) -> None:
        """Put torch's generators back to the snapshot."""
        torch.set_rng_state(self._state)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


@contextmanager
def preserved_rng() -> Iterator[None]:
    """A block that consumes no random numbers as seen from outside."""
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
