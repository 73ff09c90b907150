"""Files of named tensors with a JSON header, in the safetensors format. Nothing in a file is executed.

The header has an entry ``virgil``, ``{"kind": ..., "version": ..., ...}``. By ``kind`` a file of parameters is not
mistaken for the state of an optimiser.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from virgil.errors import FileFormatError

__all__ = ["read_tensors", "write_tensors"]

_KEY = "virgil"
_VERSION = 1


def write_tensors(filename: str | os.PathLike[str], kind: str, tensors: Mapping[str, Tensor], header: Any) -> None:
    """Write tensors and a header of JSON values. A file of this name is replaced as a whole or not at all."""
    about = json.dumps({"kind": kind, "version": _VERSION, "header": header})
    # Copies: the format refuses tensors that share memory or are not contiguous.
    own = {name: each.detach().to("cpu").clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    content = save(own, metadata={_KEY: about})
    path = Path(filename)
    beside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read_tensors(filename: str | os.PathLike[str], kind: str) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the header of a file that ``write_tensors`` wrote with this ``kind``.

    Raises:
        FileFormatError: the file is truncated, foreign, of another kind or of a later version.
        OSError: there is no such file, or it cannot be read.
    """
    with open(filename, "rb"):  # a missing file is the system's own error, with its own words
        pass
    try:
        with safe_open(filename, framework="pt") as file:
            header = _header(filename, file.metadata() or {}, kind)
            # Copies: the tensors of an open file are views of it, and the file may be replaced while they live.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  (not a dict)
    except SafetensorError as error:
        raise FileFormatError(
            f"{os.fspath(filename)!r} is truncated or not a safetensors file ({error}). Use a file that Virgil wrote; "
            "one written by pickle (torch.save) cannot be read, since reading it may execute code."
        ) from None
    return tensors, header


def _header(filename: str | os.PathLike[str], metadata: Mapping[str, str], kind: str) -> Any:
    name = os.fspath(filename)
    try:
        about = json.loads(metadata[_KEY])
        found, version, header = about["kind"], about["version"], about["header"]
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            f"{name!r} is a safetensors file, but not one that Virgil wrote: its header has no {_KEY!r} entry."
        ) from None
    if found != kind:
        raise FileFormatError(f"{name!r} holds {found}, but {kind} were expected. Give the file of the {kind}.")
    if version != _VERSION:
        raise FileFormatError(
            f"{name!r} has format version {version!r}; this Virgil reads version {_VERSION}. "
            "Install the one that wrote it."
        )
    return header
