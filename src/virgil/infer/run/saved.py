"""The file of a fit in progress: parameters and the optimiser's state, written and read as one."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from virgil.errors import FileFormatError
from virgil.optim.optimizer import Optimizer
from virgil.optim.state import OPTIMIZER_STATE, OptimState, pack_state, read_state, unpack_state
from virgil.params import ParamStore
from virgil.params.file import PARAMETERS, pack_params, unpack_params
from virgil.params.state import State
from virgil.params.tensor_file import read_parts, refusing, write_parts

__all__ = ["check_together", "load_fit", "save_fit"]


def save_fit(filename: str | PathLike[str], store: ParamStore, optimizer: Optimizer) -> None:
    """Write parameters and the optimiser's state to one file, which is replaced as a whole or not at all.

    ``ParamStore.load`` and ``Optimizer.load`` read their part of it.

    Raises:
        ParamError: a constraint, or something that the optimiser remembers, has no written form.
    """
    parts = {PARAMETERS: pack_params(store.get_state()), OPTIMIZER_STATE: pack_state(optimizer.get_state())}
    write_parts(filename, parts)


def load_fit(filename: str | PathLike[str], store: ParamStore, optimizer: Optimizer) -> None:
    """Hold the parameters and take up the optimiser's state of a file that :func:`save_fit` wrote.

    A file of parameters alone is read with the optimiser's state from ``filename + ".optim"``, as such files were
    written before.

    Raises:
        FileFormatError: the file is damaged or does not fit; store and optimiser are left as they were.
    """
    name = fspath(filename)
    parts = read_parts(filename)
    if PARAMETERS not in parts:
        raise FileFormatError(f"{name!r} holds {' and '.join(parts)}; give a file that SVI.save wrote.")
    state = unpack_params(name, *parts[PARAMETERS])
    if OPTIMIZER_STATE in parts:
        memory = unpack_state(name, *parts[OPTIMIZER_STATE])
    elif Path(f"{name}.optim").exists():
        memory = read_state(f"{name}.optim")
    else:
        raise FileFormatError(
            f"{name!r} holds parameters alone, and there is no {name + '.optim'!r} with the optimiser's state. Give a "
            "file that SVI.save wrote, or read the parameters by ParamStore.load."
        )
    with refusing(filename):
        check_together(name, state, memory)
        hold, take_up = store.prepared(state), optimizer.prepared(memory)
    hold()
    take_up()


def check_together(filename: str, state: State, memory: OptimState) -> None:
    """Check that what an optimiser remembers is of these parameters.

    Raises:
        FileFormatError: a parameter has another shape.
    """
    for name, each in memory["params"].items():
        leaf = state["params"].get(name)
        if leaf is not None and tuple(leaf.shape) != each["shape"]:
            raise FileFormatError(
                f"{filename!r} holds parameter {name!r} with shape {tuple(leaf.shape)}, but the optimiser's state of "
                f"it has shape {each['shape']}: they are not of one save."
            )
