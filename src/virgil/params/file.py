"""Files of a parameter store: safetensors with the constraints as JSON in the header."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from torch import Tensor

from virgil.errors import ParamError
from virgil.params.constraint_json import constraint_from_json, constraint_to_json
from virgil.params.map_location import MapLocation, moved
from virgil.params.state import State
from virgil.params.tensor_file import read_tensors, refusing, write_tensors

__all__ = ["PARAMETERS", "pack_params", "read_params", "unpack_params", "write_params"]

PARAMETERS = "parameters"  # the kind of part of a file
_RESERVED = "__metadata__"  # the header's own key in a safetensors file


def write_params(filename: str | PathLike[str], state: State) -> None:
    """Write a state to a file, replaced in one piece.

    Raises:
        ParamError: a constraint has no written form, or a parameter has the format's one reserved name.
    """
    write_tensors(filename, PARAMETERS, *pack_params(state))


def read_params(filename: str | PathLike[str], map_location: MapLocation = None) -> State:
    """Read the state that ``write_params`` wrote, and put its tensors where ``map_location`` wants them.

    Raises:
        FileFormatError: the file is truncated, foreign, or inconsistent.
    """
    return unpack_params(fspath(filename), *read_tensors(filename, PARAMETERS), map_location)


def pack_params(state: State) -> tuple[dict[str, Tensor], Any]:
    """A state as named tensors and a header of JSON values.

    Raises:
        ParamError: as for :func:`write_params`.
    """
    if _RESERVED in state["params"]:
        raise ParamError(f"A parameter cannot be saved under the name {_RESERVED!r}, which the file format reserves.")
    # A list: the header keeps the order in which parameters were made, the tensors' part does not.
    return state["params"], [[name, constraint_to_json(name, each)] for name, each in state["constraints"].items()]


def unpack_params(filename: str, tensors: dict[str, Tensor], header: Any, map_location: MapLocation = None) -> State:
    """The state that ``pack_params`` packed.

    Raises:
        FileFormatError: tensors and header do not fit.
    """
    with refusing(filename):
        written = dict(header)
        floating = all(each.is_floating_point() for each in tensors.values())
        if written.keys() != tensors.keys() or len(written) != len(header) or not floating:
            raise ValueError("other names or dtypes")
        constraints = {name: constraint_from_json(name, each) for name, each in written.items()}
    params = {name: moved(tensors[name], map_location) for name in written}
    return {"params": params, "constraints": constraints}
