"""Files of an optimiser's memory by parameter: safetensors with all but the tensors as JSON in the header."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from torch import Tensor

from virgil.errors import FileFormatError, ParamError, a_kind
from virgil.optim.state import OPTIMIZER_STATE, unpack_state
from virgil.params.map_location import moved
from virgil.params.tensor_file import read_parts, refusing, write_tensors

__all__ = ["MEMORY", "read_memory", "write_memory"]

MEMORY = "optimiser state by parameter"  # the kind of part of a file


def write_memory(filename: str | PathLike[str], memory: dict[str, Any]) -> None:
    """Write a memory to a safetensors file. A file of this name is replaced as a whole.

    Raises:
        ParamError: something in it is neither a tensor, a number, a text, ``None``, nor made of these.
    """
    tensors: dict[str, Tensor] = {}
    header = {name: _packed(name, each, tensors) for name, each in memory.items()}
    write_tensors(filename, MEMORY, tensors, list(header.items()))


def read_memory(filename: str | PathLike[str], map_location: Any = None) -> Any:
    """Read what :func:`write_memory` wrote, or a state of ``virgil.optim``'s own.

    Raises:
        FileFormatError: the file is damaged or foreign.
    """
    name, parts = fspath(filename), read_parts(filename)
    if OPTIMIZER_STATE in parts:
        return unpack_state(name, *parts[OPTIMIZER_STATE])
    if MEMORY not in parts:
        raise FileFormatError(
            f"{name!r} holds {' and '.join(parts)}, but the state of an optimiser was expected. Give a file that the "
            "optimiser's save() wrote."
        )
    tensors, header = parts[MEMORY]
    with refusing(filename):
        own = {key: moved(each, map_location) for key, each in tensors.items()}
        return {_text(key): _unpacked(each, own) for key, each in header}


def _packed(name: str, value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        key = str(len(tensors))
        tensors[key] = value
        return {"tensor": key}
    if isinstance(value, dict):
        return {"dict": [[_packed(name, key, tensors), _packed(name, each, tensors)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_packed(name, each, tensors) for each in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ParamError(
        f"The optimiser remembers {a_kind(type(value))} of parameter {name!r}, which has no written form, so the "
        "state was not saved. Keep tensors and numbers in its state."
    )


def _unpacked(written: Any, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(written, dict):
        if written is None or isinstance(written, bool | int | float | str):
            return written
        raise TypeError(f"{written!r} is no value of an optimiser")
    ((kind, value),) = written.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {_unpacked(key, tensors): _unpacked(each, tensors) for key, each in value}
    parts = [_unpacked(each, tensors) for each in value]
    return {"tuple": tuple, "list": list}[kind](parts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no name")
    return value
