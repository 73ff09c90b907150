"""The parameter store by its old name, and the names of modules' parameters in it."""

from __future__ import annotations

from virgil.params import ParamStore as ParamStoreDict
from virgil.params.state import State as StateDict

__all__ = [
    "ParamStoreDict",
    "StateDict",
    "module_from_param_with_module_name",
    "normalize_param_name",
    "param_with_module_name",
    "user_param_name",
]

_DIVIDER = "$$$"


def param_with_module_name(pyro_name: str, param_name: str) -> str:
    """The name in the store of a parameter of a module.

    >>> param_with_module_name("net", "0.weight")
    'net$$$0.weight'
    """
    return f"{pyro_name}{_DIVIDER}{param_name}"


def module_from_param_with_module_name(param_name: str) -> str:
    """The name of the module of a parameter; that of the parameter itself if it is of none.

    >>> module_from_param_with_module_name("net$$$0.weight")
    'net'
    """
    return param_name.partition(_DIVIDER)[0]


def user_param_name(param_name: str) -> str:
    """The name of a parameter inside of its module.

    >>> user_param_name("net$$$0.weight"), user_param_name("loc")
    ('0.weight', 'loc')
    """
    module, found, name = param_name.partition(_DIVIDER)
    return name if found else module


def normalize_param_name(name: str) -> str:
    """The name of a parameter with dots alone.

    >>> normalize_param_name("net$$$0.weight")
    'net.0.weight'
    """
    return name.replace(_DIVIDER, ".")
