"""Attributes of a ``PyroModule`` that old programs read inside of it.

Importing this file gives the class of ``virgil.nn`` the attributes ``_pyro_params``, ``_pyro_samples`` and
``_pyro_context`` and the method ``_pyro_set_supermodule``. They are of no use to the house itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from virgil.nn import (
    PyroModule,
    PyroModuleList,
    PyroParam,
    PyroSample,
    clear,
    pyro_method,
    to_pyro_module_,
)
from virgil.nn.call import Family, call_of, calls
from virgil.nn.tree import place
from virgil.params.constraint import Constraint
from virgil.params.entry import leaf_from_value

__all__ = [
    "PyroModule",
    "PyroModuleList",
    "PyroParam",
    "PyroSample",
    "clear",
    "pyro_method",
    "to_pyro_module_",
]


class _Context:
    """A call of a tree of modules: inside of ``with`` each attribute is read once, and its value shared.

    Args:
        family: the tree. Default: one without modules.
    """

    def __init__(self, family: Family | None = None) -> None:
        self.family = Family() if family is None else family
        self.used = False
        self._open: list[AbstractContextManager[dict[str, Any]]] = []

    @property
    def active(self) -> int:
        """1 while a call is under way, else 0."""
        return int(self.family in calls.open)

    @property
    def cache(self) -> dict[str, Any]:
        """The values that have been read in the call that is under way, by full name."""
        return calls.open.get(self.family, {})

    def get(self, name: str) -> Any:
        """The value that has been read under a full name; ``None`` if there is none."""
        return self.cache.get(name)

    def set(self, name: str, value: Any) -> None:
        """Let an attribute have this value until the call ends."""
        self.cache[name] = value

    def __enter__(self) -> None:
        self.used = True
        self._open.append(call_of(self.family))
        self._open[-1].__enter__()

    def __exit__(self, *error: Any) -> None:
        self._open.pop().__exit__(*error)


def _params_of(module: PyroModule) -> dict[str, tuple[Constraint, int | None]]:
    """The constraint and event dim of each ``PyroParam`` by attribute."""
    declared = {**module._pyro_declared, **module._pyro_attributes}
    return {name: (each.constraint, each.event_dim) for name, each in declared.items() if isinstance(each, PyroParam)}


def _samples_of(module: PyroModule) -> dict[str, Any]:
    """The prior of each ``PyroSample`` by attribute."""
    declared = {**module._pyro_declared, **module._pyro_attributes}
    return {name: each.prior for name, each in declared.items() if isinstance(each, PyroSample)}


def _context_of(module: PyroModule) -> _Context:
    return _Context(module._pyro_family)


def _declare_params(module: PyroModule, params: Mapping[str, tuple[Constraint, int | None]]) -> None:
    for name, (constraint, event_dim) in params.items():
        module._pyro_attributes[name] = PyroParam(None, constraint, event_dim)


def _declare_samples(module: PyroModule, samples: Mapping[str, Any]) -> None:
    for name, prior in samples.items():
        module._pyro_attributes[name] = PyroSample(prior)


def _begin(module: PyroModule, context: _Context) -> None:
    """Make a network a program that has been given the class of one, as old programs do by hand."""
    own = vars(module)
    own.pop("_flat_weights", None)  # a recurrent network's list, of which the attributes take the place
    own.setdefault("_pyro_attributes", {})
    own["_pyro_family"] = context.family
    place(module, own.get("_pyro_name", ""), context.family)


def _set_supermodule(module: PyroModule, name: str, context: _Context) -> None:
    """Give a module its dotted name and the tree that it is in."""
    place(module, name, context.family)


def _unconstrain(constrained_value: Tensor | Callable[[], Tensor], constraint: Constraint) -> nn.Parameter:
    """The unconstrained leaf of a parameter with this value."""
    value = constrained_value() if callable(constrained_value) else constrained_value
    return nn.Parameter(leaf_from_value("value", value, constraint))


_OLD_ATTRIBUTES = {
    "_pyro_context": property(_context_of, _begin),
    "_pyro_params": property(_params_of, _declare_params),
    "_pyro_samples": property(_samples_of, _declare_samples),
    "_pyro_set_supermodule": _set_supermodule,
}
for _name, _attribute in _OLD_ATTRIBUTES.items():
    setattr(PyroModule, _name, _attribute)
