"""Modules inside modules: which of them are programs, and where in the outermost one they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from virgil.nn.call import Family

__all__ = ["attributes_of", "full_name_of", "is_program", "place", "plain_parameters", "prepare"]


def is_program(module: object) -> bool:
    """True if a module's attributes are read by statements."""
    return "_pyro_family" in getattr(module, "__dict__", ())


def attributes_of(module: nn.Module) -> list[Any]:
    """The declarations of a module's attributes; none for a plain network."""
    return list(vars(module).get("_pyro_attributes", {}).values())


def full_name_of(module: nn.Module, name: str) -> str:
    """The dotted name of an attribute of a program."""
    path = module.__dict__["_pyro_name"]
    return f"{path}.{name}" if path else name


def prepare(module: nn.Module) -> None:
    """Give a module what it needs to be a program, on its own."""
    vars(module).update(_pyro_name="", _pyro_attributes={}, _pyro_family=Family())


def place(module: nn.Module, path: str, family: Family) -> None:
    """Give a module its dotted name, and all modules inside it theirs."""
    if is_program(module):
        vars(module).update(_pyro_name=path, _pyro_family=family)
    for name, child in module._modules.items():
        if child is not None:
            place(child, f"{path}.{name}" if path else name, family)


def plain_parameters(network: nn.Module, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The parameters of a plain network by name, but for those of programs inside it, which make statements."""
    if is_program(network):
        return
    for name, leaf in network._parameters.items():
        if leaf is not None and leaf.requires_grad:
            yield prefix + name, leaf
    for name, child in network._modules.items():
        if child is not None:
            yield from plain_parameters(child, f"{prefix}{name}.")
