"""The file of a parameter store: safetensors, with the constraints as JSON in the header."""

from __future__ import annotations

from os import PathLike, fspath

import torch

from virgil.errors import FileFormatError, ParamError
from virgil.params.constraint_json import constraint_from_json, constraint_to_json
from virgil.params.state import State
from virgil.params.tensor_file import read_tensors, write_tensors

__all__ = ["read_params", "write_params"]

_KIND = "parameters"
_RESERVED = "__metadata__"  # the header's own key in a safetensors file


def write_params(filename: str | PathLike[str], state: State) -> None:
    """Write a state to a file, replaced in one piece.

    Raises:
        ParamError: a constraint has no written form, or a parameter has the format's one reserved name.
    """
    if _RESERVED in state["params"]:
        raise ParamError(f"A parameter cannot be saved under the name {_RESERVED!r}, which the file format reserves.")
    # A list: the header keeps the order in which parameters were made, the tensors' part does not.
    header = [[name, constraint_to_json(name, each)] for name, each in state["constraints"].items()]
    write_tensors(filename, _KIND, state["params"], header)


def read_params(filename: str | PathLike[str], device: str | torch.device | None = None) -> State:
    """The state that ``write_params`` wrote, on ``device`` (the CPU if ``None``).

    Raises:
        FileFormatError: the file is truncated, foreign, or inconsistent.
    """
    tensors, header = read_tensors(filename, _KIND)
    try:
        written = dict(header)
        consistent = written.keys() == tensors.keys() and all(each.is_floating_point() for each in tensors.values())
    except (TypeError, ValueError):
        consistent = False
    if not consistent:
        raise FileFormatError(f"The tensors of {fspath(filename)!r} do not fit its header: the file is damaged.")
    constraints = {name: constraint_from_json(name, each) for name, each in written.items()}
    params = {name: tensors[name] if device is None else tensors[name].to(device) for name in written}
    return {"params": params, "constraints": constraints}
