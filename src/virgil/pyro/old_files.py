"""Old files of parameters, optimisers' states and modules, which are pickled, and files of Virgil's made of them.

They are read by torch's unpickler of weights, which makes tensors, plain containers, and what is on the list below. A
file that names anything else is refused before anything in it is made.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from os import PathLike, fspath
from typing import Any

import torch
from torch import Tensor
from torch.distributions import constraints as torch_constraints

from virgil.distributions import constraints
from virgil.errors import FileFormatError, VirgilError, a_kind
from virgil.params.constraint import Constraint
from virgil.params.file import write_params
from virgil.params.state import State, entries_from_state
from virgil.params.tensor_file import write_tensors
from virgil.pyro.optim.file import write_memory
from virgil.pyro.optim.memory import is_by_parameter, plain

__all__ = ["MODULE", "convert", "read_old"]

MODULE = "state of a module"  # the kind of part of a file

# Constraints that pyro.distributions.constraints had of its own: their classes there, and their names here.
_OF_PYRO = {
    "_CorrMatrix": "corr_matrix",
    "_OrderedVector": "ordered_vector",
    "_PositiveOrderedVector": "positive_ordered_vector",
    "_SoftplusLowerCholesky": "softplus_lower_cholesky",
    "_SoftplusPositive": "softplus_positive",
    "_Sphere": "sphere",
    "_UnitLowerCholesky": "unit_lower_cholesky",
}


def convert(old: str | PathLike[str], new: str | PathLike[str]) -> str:
    """Make a file of Virgil's of an old one.

    It may hold

    - the parameters of a store, ``pyro.get_param_store().save(...)``; ``get_param_store().load`` reads the new file;
    - the state of an optimiser, ``optimizer.save(...)``; ``load`` of an optimiser under the alias reads the new file;
    - the state of a module, ``torch.save(module.state_dict(), ...)``; ``safetensors.torch.load_file`` reads the new
      file, and ``load_state_dict`` takes its result.

    Args:
        old: the old file.
        new: the file to write, which is replaced in one piece.

    Returns:
        The kind of its content.

    Raises:
        FileFormatError: the old file is damaged, or holds something else. Nothing in it is run.
        OSError: a file cannot be read or written.
    """
    content, name = read_old(old), fspath(old)
    try:
        for kind, fits, write in _KINDS:
            if fits(content):
                write(new, content)
                return kind
    except (VirgilError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise FileFormatError(f"{name!r} does not hold what it seems to hold: {error}") from error
    raise FileFormatError(
        f"{name!r} holds {a_kind(type(content))} that is neither the parameters of a store, nor the state of an "
        "optimiser, nor that of a module. Give a file that one of them was saved to."
    )


def read_old(filename: str | PathLike[str]) -> Any:
    """The content of a pickled file, of which only tensors, plain containers and constraints are made.

    Raises:
        FileFormatError: the file is damaged, or names anything else.
        OSError: it cannot be read.
    """
    name = fspath(filename)
    with open(filename, "rb") as file:  # a missing file is the system's own error
        begins = file.read(9)
    if begins[8:] == b"{":
        raise FileFormatError(f"{name!r} is a safetensors file, which needs no conversion. Load it as it is.")
    try:
        with torch.serialization.safe_globals(_allowed()):
            return torch.load(name, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if found is None:
            raise _damaged(name, error) from None
        raise FileFormatError(
            f"{name!r} names {found[1]}, which is no part of parameters, of an optimiser's state or of a module's; "
            "nothing in the file was run. Save the parameters alone, by pyro.get_param_store().save(...)."
        ) from None
    except Exception as error:  # torch names no class for what a damaged file does to it
        raise _damaged(name, error) from None


def _allowed() -> list[Any]:
    """The classes that may be made beside tensors: torch's constraints, and ours under their old names."""
    of_torch = [
        each
        for each in vars(torch_constraints).values()
        if isinstance(each, type) and issubclass(each, Constraint) and each.__module__ == torch_constraints.__name__
    ]
    own = [
        (type(getattr(constraints, ours)), f"pyro.distributions.constraints.{old}") for old, ours in _OF_PYRO.items()
    ]
    return [*of_torch, *own]


def _damaged(name: str, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{name!r} is damaged, or not a file of torch.save ({type(error).__name__}). Use a copy of it."
    )


# -- the kinds of content --------------------------------------------------------------------------------------------


def _is_store(content: Any) -> bool:
    return isinstance(content, dict) and content.keys() == {"params", "constraints"}


def _write_store(filename: str | PathLike[str], content: Any) -> None:
    params, given = content["params"], content["constraints"]
    if given.keys() - params.keys():
        raise ValueError(f"it has constraints of {sorted(given.keys() - params.keys())}, which are no parameters.")
    state: State = {
        "params": {name: each.detach() for name, each in params.items()},
        "constraints": {name: given.get(name, constraints.real) for name in params},
    }
    for entry in entries_from_state(state).values():  # which raise where no store could hold them
        entry.constraint.check(entry.value())
    write_params(filename, state)


def _is_memory(content: Any) -> bool:
    return isinstance(content, dict) and bool(content) and is_by_parameter(content)


def _write_memory(filename: str | PathLike[str], content: Any) -> None:
    write_memory(filename, {name: dict(_without_functions(each)) for name, each in content.items()})


def _without_functions(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part, each in state.items():
        yield part, plain(each) if part == "scheduler" else each


def _is_module(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(name, str) and isinstance(each, Tensor) for name, each in content.items())
    )


def _write_module(filename: str | PathLike[str], content: Any) -> None:
    write_tensors(filename, MODULE, content, None)


_KINDS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any, Any], None]], ...] = (
    ("parameters", _is_store, _write_store),
    ("state of an optimiser", _is_memory, _write_memory),
    (MODULE, _is_module, _write_module),
)
