"""Files of named tensors with a JSON header, in the safetensors format. Nothing in a file is executed.

The header has an entry ``virgil``, ``{"kind": ..., "version": ..., "header": ...}``, and an entry ``sha256``, a digest
of this entry and of the tensors. By ``kind`` a file of parameters is not mistaken for the state of an optimiser; a
file of several kinds has a part for each. Version 1 had no digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from virgil.errors import FileFormatError, VirgilError
from virgil.params.replaced_file import replace_file

__all__ = ["Part", "joined", "read_parts", "read_tensors", "refusing", "split", "write_parts", "write_tensors"]

Part = tuple[dict[str, Tensor], Any]  # tensors by name, and a header of JSON values

_KEY = "virgil"
_DIGEST = "sha256"
_VERSION = 2
_WITHOUT_DIGEST = 1


def write_tensors(filename: str | os.PathLike[str], kind: str, tensors: Mapping[str, Tensor], header: Any) -> None:
    """Write tensors and a header of JSON values. A file of this name is replaced as a whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    _write(filename, {"kind": kind, "header": header}, tensors)


def write_parts(filename: str | os.PathLike[str], parts: Mapping[str, Part]) -> None:
    """Write one file of several kinds, which are read by kind. It is replaced as :func:`write_tensors` does.

    Raises:
        OSError: the file cannot be written.
    """
    tensors, header = joined(parts)
    _write(filename, {"kind": " and ".join(parts), "header": header, "parts": list(parts)}, tensors)


def _write(filename: str | os.PathLike[str], about: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
    text = json.dumps({**about, "version": _VERSION})
    # Copies: the format refuses tensors that share memory or are not contiguous.
    own = {name: each.detach().to("cpu").clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
    replace_file(filename, save(own, metadata={_KEY: text, _DIGEST: _digest(text, own)}))


def read_tensors(filename: str | os.PathLike[str], kind: str) -> Part:
    """The tensors and the header of this kind in a file that ``write_tensors`` or ``write_parts`` wrote.

    Raises:
        FileFormatError: the file is damaged, foreign, of another kind or of a later version.
        OSError: there is no such file, or it cannot be read.
    """
    parts = read_parts(filename)
    if kind not in parts:
        found = " and ".join(parts)
        raise FileFormatError(
            f"{os.fspath(filename)!r} holds {found}, but {kind} were expected. Give the file of the {kind}."
        )
    return parts[kind]


def read_parts(filename: str | os.PathLike[str]) -> dict[str, Part]:
    """Tensors and header of each kind in a file.

    Raises:
        FileFormatError: the file is damaged, foreign, or of a later version.
        OSError: there is no such file, or it cannot be read.
    """
    with open(filename, "rb"):  # a missing file is the system's own error, with its own words
        pass
    name = os.fspath(filename)
    try:
        with safe_open(filename, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            # Copies: the tensors of an open file are views of it, and the file may be replaced while they live.
            tensors = {each: file.get_tensor(each).clone() for each in file.keys()}  # noqa: SIM118  (not a dict)
    except Exception as error:  # the library names no class for what a damaged file does to it
        raise FileFormatError(
            f"{name!r} is truncated or not a safetensors file ({error}). Use a file that Virgil wrote; "
            "one written by pickle (torch.save) is not read, since reading it may execute code. An old file of "
            "parameters or of an optimiser's state is made one of Virgil's by `virgil convert old.pt new.safetensors`."
        ) from None
    about = _about(name, metadata, tensors)
    if "parts" not in about:
        return {about["kind"]: (tensors, about["header"])}
    with refusing(filename):
        return split(about["parts"], tensors, about["header"])


def _about(name: str, metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The header's entry, once it is known to be as it was written."""
    try:
        about: dict[str, Any] = json.loads(metadata[_KEY])
        kind, version, _ = about["kind"], about["version"], about["header"]
        if not isinstance(kind, str):
            raise TypeError(kind)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise FileFormatError(
            f"{name!r} is a safetensors file, but not one that Virgil wrote: its header has no {_KEY!r} entry."
        ) from None
    if version not in (_VERSION, _WITHOUT_DIGEST):
        raise FileFormatError(
            f"{name!r} has format version {version!r}; this Virgil reads version {_VERSION} and before. "
            "Install the one that wrote it."
        )
    if version != _WITHOUT_DIGEST and metadata.get(_DIGEST) != _digest(metadata[_KEY], tensors):
        raise FileFormatError(
            f"{name!r} is damaged: its content does not have the digest with which it was written. Use a copy of it."
        )
    return about


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        each = tensors[name]
        found.update(json.dumps([name, str(each.dtype), list(each.shape)]).encode())
        found.update(each.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def joined(parts: Mapping[str, Part]) -> Part:
    """Several parts as one."""
    tensors = {f"{part}/{name}": each for part, (own, _) in parts.items() for name, each in own.items()}
    return tensors, {part: header for part, (_, header) in parts.items()}


def split(names: list[str], tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> dict[str, Part]:
    """The parts that :func:`joined` joined."""
    return {
        part: (
            {name.removeprefix(f"{part}/"): each for name, each in tensors.items() if name.startswith(f"{part}/")},
            header[part],
        )
        for part in names
    }


@contextmanager
def refusing(filename: str | os.PathLike[str]) -> Iterator[None]:
    """A block that makes sense of what a file holds and changes nothing: an error in it is the file's.

    Raises:
        FileFormatError: the file does not fit, or is damaged.
    """
    name = os.fspath(filename)
    try:
        yield
    except VirgilError as error:
        if isinstance(error, FileFormatError) and repr(name) in str(error):
            raise
        raise FileFormatError(f"{name!r} does not fit: {error}") from error
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"The tensors of {name!r} do not fit its header: the file is damaged ({type(error).__name__}: {error})."
        ) from error
