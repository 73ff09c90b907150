"""The state of an optimiser, by the names of parameters, as plain dicts and as a file.

Torch numbers the parameters of an optimiser in the order in which they join. Names stay right when that order changes.
"""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any, TypedDict, TypeVar

import torch
from torch import Tensor

from virgil.errors import ParamError, a_kind
from virgil.optim.schedule import Call
from virgil.params.tensor_file import read_tensors, refusing, write_tensors

__all__ = [
    "OPTIMIZER_STATE",
    "OptimState",
    "ParamState",
    "check_state",
    "copied",
    "pack_state",
    "read_state",
    "unpack_state",
    "write_state",
]

OPTIMIZER_STATE = "optimiser state"  # the kind of part of a file

Plain = TypeVar("Plain", str, int, list[Any])  # of a header


class ParamState(TypedDict):
    """The memory of one parameter: momenta, a step count."""

    shape: tuple[int, ...]
    values: dict[str, Any]


class OptimState(TypedDict):
    """The memory of an optimiser. ``schedule`` has the calls to its scheduler; ``None`` without one."""

    optimizer: str
    params: dict[str, ParamState]
    schedule: list[Call] | None


def copied(shape: torch.Size | tuple[int, ...], values: dict[str, Any]) -> ParamState:
    """A copy of a parameter's state, which later steps do not change."""
    own = {key: each.detach().clone() if isinstance(each, Tensor) else each for key, each in values.items()}
    return {"shape": tuple(shape), "values": own}


def check_state(state: Any, optimizer: str, leaves: dict[str, Tensor]) -> None:
    """Check that an optimiser can take up a state.

    Raises:
        ParamError: the state is not one, is another optimiser's, or a parameter has another shape.
    """
    if not isinstance(state, dict) or not {"optimizer", "params"} <= state.keys():
        raise ParamError(
            f"set_state got {a_kind(type(state))} that is no state of an optimiser. Take one from get_state()."
        )
    if state["optimizer"] != optimizer:
        raise ParamError(
            f"The state is that of {state['optimizer']}, but this optimiser is {optimizer}. Make the same optimiser as "
            "the one whose state was taken."
        )
    for name, param in state["params"].items():
        if name in leaves and tuple(leaves[name].shape) != tuple(param["shape"]):
            raise ParamError(
                f"The state holds parameter {name!r} with shape {tuple(param['shape'])}, but its leaf has shape "
                f"{tuple(leaves[name].shape)}. Use another name, or an optimiser without this state."
            )


def write_state(filename: str | PathLike[str], state: OptimState) -> None:
    """Write a state to a safetensors file. A file of this name is replaced as a whole.

    Raises:
        ParamError: the optimiser remembers something that is neither a tensor, a number, a text, nor ``None``.
    """
    write_tensors(filename, OPTIMIZER_STATE, *pack_state(state))


def pack_state(state: OptimState) -> tuple[dict[str, Tensor], Any]:
    """A state as named tensors and a header of JSON values.

    Raises:
        ParamError: as for :func:`write_state`.
    """
    tensors: dict[str, Tensor] = {}
    params: list[list[Any]] = []
    for name, param in state["params"].items():
        plain: dict[str, Any] = {}
        for key, value in param["values"].items():
            if isinstance(value, Tensor):
                plain[key] = {"tensor": f"{len(params)}.{key}"}
                tensors[f"{len(params)}.{key}"] = value
            elif value is None or isinstance(value, (bool, int, float, str)):
                plain[key] = value
            else:
                raise ParamError(
                    f"{state['optimizer']} remembers {key!r} of parameter {name!r} as {a_kind(type(value))}, which "
                    "has no written form, so the state was not saved. Keep tensors and numbers in its state."
                )
        params.append([name, list(param["shape"]), plain])
    return tensors, {"optimizer": state["optimizer"], "params": params, "schedule": _packed(state["schedule"])}


def read_state(filename: str | PathLike[str]) -> OptimState:
    """Read the state that ``write_state`` wrote.

    Raises:
        FileFormatError: the file is truncated, foreign, or inconsistent.
    """
    return unpack_state(fspath(filename), *read_tensors(filename, OPTIMIZER_STATE))


def unpack_state(filename: str, tensors: dict[str, Tensor], header: Any) -> OptimState:
    """Rebuild the state that ``pack_state`` packed.

    Raises:
        FileFormatError: tensors and header do not fit.
    """
    with refusing(filename):
        params: dict[str, ParamState] = {
            _of(str, name): {
                "shape": tuple(_of(int, size) for size in shape),
                "values": {key: _value(each, tensors) for key, each in plain.items()},
            }
            for name, shape, plain in header["params"]
        }
        if len(params) != len(header["params"]):
            raise ValueError("a name comes twice")
        schedule = _unpacked(header["schedule"])
        return {"optimizer": _of(str, header["optimizer"]), "params": params, "schedule": schedule}


def _of(kind: type[Plain], value: Any) -> Plain:
    """A value of a header, which must be of this kind."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _value(written: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(written, dict):
        return tensors[written["tensor"]]
    if not (written is None or isinstance(written, (bool, int, float, str))):
        raise TypeError(f"{written!r} is no value of an optimiser")
    return written


def _packed(calls: list[Call] | None) -> Any:
    """The calls, or their number if none has arguments."""
    return len(calls) if calls is not None and not any(calls) else calls


def _unpacked(written: Any) -> list[Call] | None:
    if written is None:
        return None
    if isinstance(written, list):
        return [tuple(float(each) for each in _of(list, call)) for call in written]
    return [()] * _of(int, written)
