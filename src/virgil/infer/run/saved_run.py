"""A run as named tensors and JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from virgil.engine.choice import ENGINES
from virgil.infer.run.patience import Patience
from virgil.infer.run.saved import check_together
from virgil.infer.run.source import Place
from virgil.infer.step.record import Record
from virgil.ops.random_state import preserved_rng, set_rng_state
from virgil.optim.state import OptimState, pack_state, unpack_state
from virgil.params.file import pack_params, unpack_params
from virgil.params.state import State
from virgil.params.tensor_file import Part, joined, refusing, split

__all__ = ["SavedEngine", "SavedRun", "pack_run", "unpack_run"]

Statements = frozenset[tuple[str, str]]
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class SavedEngine:
    """How the steps of a run go on.

    Attributes:
        name: of the engine that took the last of them.
        seed: of a compiled engine's noise; ``None`` where there has been none.
        begun: steps before the compiled engine's own first.
        patience: with captures that do not pay.
    """

    name: str
    seed: int | None
    begun: int
    patience: Patience


@dataclass(frozen=True)
class SavedRun:
    """All that a run needs to go on as if it had not been interrupted.

    Attributes:
        params: the state of the store.
        memory: of the optimiser.
        record: of the steps.
        buffers: of the networks.
        place: how far the source had come; ``None`` where that makes no difference.
        random: the generators.
        engine: how the steps go on.
        statements: what the programs state, kind and name, on the arguments of the last step; ``None`` if unknown.
    """

    params: State
    memory: OptimState
    record: Record
    buffers: list[Tensor]
    place: Place | None
    random: dict[str, Any]
    engine: SavedEngine
    statements: Statements | None


def pack_run(run: SavedRun) -> Part:
    """A run as named tensors and a header of JSON values.

    Raises:
        ParamError: a constraint, or something that the optimiser remembers, has no written form.
    """
    parts: dict[str, Part] = {
        "params": pack_params(run.params),
        "optim": pack_state(run.memory),
        "record": run.record.pack(),
        "random": _pack_random(run.random),
        "buffers": ({str(place): each for place, each in enumerate(run.buffers)}, len(run.buffers)),
    }
    position = None
    if run.place is not None:
        parts["epoch"] = _pack_random(run.place.random)
        position = [run.place.epoch, run.place.batch]
    tensors, header = joined(parts)
    statements = None if run.statements is None else sorted(map(list, run.statements))
    engine = _pack_engine(run.engine)
    return tensors, {"parts": header, "position": position, "engine": engine, "statements": statements}


def unpack_run(filename: str, tensors: dict[str, Tensor], header: Any) -> SavedRun:
    """The run that :func:`pack_run` packed; nothing is changed.

    Raises:
        FileFormatError: tensors and header do not fit.
    """
    with refusing(filename):
        parts = split(list(header["parts"]), tensors, header["parts"])
        params, memory = unpack_params(filename, *parts["params"]), unpack_state(filename, *parts["optim"])
        check_together(filename, params, memory)
        place, position = None, header["position"]
        if position is not None:
            epoch, batch = (_natural(each) for each in position)
            place = Place(epoch, batch, _unpack_random(*parts["epoch"]))
        buffers, count = parts["buffers"]
        stated = header.get("statements")
        return SavedRun(
            params=params,
            memory=memory,
            record=_unpack_record(*parts["record"]),
            buffers=[buffers[str(number)] for number in range(_natural(count))],
            place=place,
            random=_unpack_random(*parts["random"]),
            engine=_unpack_engine(header["engine"]),
            statements=None if stated is None else frozenset((_of(str, kind), _of(str, name)) for kind, name in stated),
        )


def _unpack_record(tensors: dict[str, Tensor], names: list[str]) -> Record:
    losses, columns = tensors["losses"], [tensors[str(place)] for place in range(len(names))]
    if losses.dim() != 1 or any(each.shape != losses.shape for each in columns):
        raise ValueError("the record has columns of other lengths")
    if len({_of(str, name) for name in names}) != len(names):
        raise ValueError("a name comes twice in the record")
    record = Record()
    record.unpack(tensors, names)
    return record


def _pack_engine(engine: SavedEngine) -> dict[str, Any]:
    patience = engine.patience
    return {
        "name": engine.name,
        "seed": engine.seed,
        "begun": engine.begun,
        "work": patience.work,
        "captured": patience.captured,
        "unpaid": patience.unpaid,
        "seen": sorted(patience.seen),
        "has_changed": patience.has_changed,
    }


def _unpack_engine(written: Mapping[str, Any]) -> SavedEngine:
    name, seed, begun = written["name"], written["seed"], _natural(written["begun"])
    if name == "auto" or name not in ENGINES:
        raise ValueError(f"there is no engine {name!r}")
    patience = Patience()
    if written.get("work") is not None:
        operators, elements = written["work"]
        patience = Patience(
            work=(_natural(operators), _natural(elements)),
            captured=_of(int, written["captured"]),
            unpaid=_natural(written["unpaid"]),
            seen={_of(str, each) for each in written["seen"]},
            has_changed=written["has_changed"] is True,
        )
    return SavedEngine(name, None if seed is None else _natural(seed), begun, patience)


def _of(kind: type[Kind], value: Any) -> Kind:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _natural(value: Any) -> int:
    number = _of(int, value)
    if not 0 <= number < 2**63:
        raise ValueError(f"{number} is out of range")
    return number


_MANY = ("cuda", "data")  # parts of the state that are lists of tensors


def _pack_random(state: dict[str, Any]) -> Part:
    algorithm, keys, position, has_gauss, gauss = state["numpy"]
    version, words, left = state["random"]
    tensors = {
        "torch": state["torch"],
        "numpy": torch.from_numpy(keys.astype(np.int64)),
        "random": torch.tensor(words, dtype=torch.int64),
        **{f"{kind}{place}": each for kind in _MANY for place, each in enumerate(state.get(kind, ()))},
    }
    return tensors, {"numpy": [algorithm, position, has_gauss, gauss], "random": [version, left]}


def _unpack_random(tensors: dict[str, Tensor], header: Any) -> dict[str, Any]:
    algorithm, position, has_gauss, gauss = header["numpy"]
    version, left = header["random"]
    state: dict[str, Any] = {
        "torch": tensors["torch"],
        "numpy": (algorithm, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, gauss),
        "random": (version, tuple(tensors["random"].tolist()), left),
    }
    for kind in _MANY:
        state[kind] = [tensors[f"{kind}{place}"] for place in range(sum(name.startswith(kind) for name in tensors))]
    if not (state["cuda"] and torch.cuda.is_available()):
        del state["cuda"]
    with preserved_rng():  # the generators themselves know best what they take
        set_rng_state(state)
        for each in state["data"]:
            torch.Generator().set_state(each)
    return state
