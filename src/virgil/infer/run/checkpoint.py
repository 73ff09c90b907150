"""A run on disk: all that it needs to go on as if it had not been interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from virgil.errors import ArgumentError, FileFormatError
from virgil.infer.run.source import Place, Source
from virgil.infer.step.record import Record
from virgil.ops.random_state import get_rng_state, set_rng_state
from virgil.optim.optimizer import Optimizer
from virgil.optim.state import pack_state, unpack_state
from virgil.params import get_param_store
from virgil.params.file import pack_params, unpack_params
from virgil.params.tensor_file import read_tensors, write_tensors

__all__ = ["Checkpoint"]

_KIND = "a run"


class Checkpoint:
    """The file of a run: parameters, optimiser, networks' buffers, random generators, and how far it has come.

    Args:
        filename: replaced in one piece each time.
        seconds: the least time between two writings.
        optimizer: whose state belongs to the run.

    Raises:
        ArgumentError: ``seconds`` is out of range, or the optimiser's state has no names.
    """

    def __init__(self, filename: str | PathLike[str], seconds: float, optimizer: Any) -> None:
        if not seconds >= 0:
            raise ArgumentError(f"run() got every={seconds!r}; it takes the seconds between two checkpoints.")
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(
                "run() got checkpoint= with a torch optimiser that holds its parameters without names, so that its "
                'state cannot be saved by name. Use virgil.optim, such as Adam({"lr": 0.01}).'
            )
        self._path = Path(fspath(filename))
        self._seconds = seconds
        self._optimizer = optimizer
        self._written = time.perf_counter()

    @property
    def exists(self) -> bool:
        """True if there is a run to go on with."""
        return self._path.exists()

    def is_due(self) -> bool:
        """True if it is time to write."""
        return time.perf_counter() - self._written >= self._seconds

    def write(self, record: Record, source: Source, buffers: list[Tensor], engine: dict[str, Any]) -> None:
        """Write the run as it stands; ``engine`` are JSON values that say how to go on."""
        parts = {
            "params": pack_params(get_param_store().get_state()),
            "optim": pack_state(self._optimizer.get_state()),
            "record": record.pack(),
            "random": _pack_random(get_rng_state()),
            "buffers": ({str(place): each for place, each in enumerate(buffers)}, len(buffers)),
        }
        place = source.place()
        if place is not None:
            parts["epoch"] = _pack_random(place.random)
        tensors = {f"{part}/{name}": each for part, (own, _) in parts.items() for name, each in own.items()}
        header = {part: about for part, (_, about) in parts.items()}
        position = None if place is None else [place.epoch, place.batch]
        write_tensors(self._path, _KIND, tensors, {"parts": header, "position": position, "engine": engine})
        self._written = time.perf_counter()

    def read(self, record: Record, source: Source, buffers: Callable[[], list[Tensor]]) -> dict[str, Any]:
        """Take up the run of the file; returns what ``engine`` was.

        Args:
            record: takes the steps up to there.
            source: goes to where it was.
            buffers: finds the networks' buffers, once parameters are back.

        Raises:
            FileFormatError: the file is truncated, foreign, or of another program.
        """
        tensors, header = read_tensors(self._path, _KIND)
        name = fspath(self._path)
        try:
            parts, position, engine = header["parts"], header["position"], header["engine"]
        except (KeyError, TypeError):
            raise FileFormatError(f"The header of {name!r} is damaged.") from None

        def part(which: str) -> tuple[dict[str, Tensor], Any]:
            own = {key.removeprefix(f"{which}/"): each for key, each in tensors.items() if key.startswith(f"{which}/")}
            return own, parts[which]

        self._optimizer.set_state(unpack_state(name, *part("optim")))
        get_param_store().set_state(unpack_params(name, *part("params")))
        record.unpack(*part("record"))
        saved, count = part("buffers")
        present = buffers() if count else []
        if len(present) != count:
            raise FileFormatError(f"{name!r} holds {count} buffers of networks, but the programs have {len(present)}.")
        with torch.no_grad():
            for place, buffer in enumerate(present):
                buffer.copy_(saved[str(place)])
        if position is not None:
            source.go_to(Place(position[0], position[1], _unpack_random(*part("epoch"))))
        set_rng_state(_unpack_random(*part("random")))
        return dict(engine)


def _pack_random(state: dict[str, Any]) -> tuple[dict[str, Tensor], Any]:
    kind, keys, position, has_gauss, gauss = state["numpy"]
    version, words, left = state["random"]
    tensors = {
        "torch": state["torch"],
        "numpy": torch.from_numpy(keys.astype(np.int64)),
        "random": torch.tensor(words, dtype=torch.int64),
        **{f"cuda{place}": each for place, each in enumerate(state.get("cuda", ()))},
    }
    return tensors, {"numpy": [kind, position, has_gauss, gauss], "random": [version, left]}


def _unpack_random(tensors: dict[str, Tensor], header: Any) -> dict[str, Any]:
    kind, position, has_gauss, gauss = header["numpy"]
    version, left = header["random"]
    state: dict[str, Any] = {
        "torch": tensors["torch"],
        "numpy": (kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, gauss),
        "random": (version, tuple(tensors["random"].tolist()), left),
    }
    cuda = [tensors[f"cuda{place}"] for place in range(len(tensors) - 3)]
    return {**state, "cuda": cuda} if cuda else state
