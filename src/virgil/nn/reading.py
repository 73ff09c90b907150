"""Reading an attribute of a module: which statement it makes."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from virgil.errors import ArgumentError, ParamError
from virgil.nn.attributes import Declared, PyroParam, PyroSample
from virgil.nn.call import Values
from virgil.nn.parameter import state_parameter
from virgil.nn.tree import full_name_of, place, plain_parameters
from virgil.params.constraint import find_transform
from virgil.params.entry import initial_leaf
from virgil.poutine.runtime import emit
from virgil.poutine.site import Site
from virgil.primitives import deterministic, sample

__all__ = ["constrained", "declared", "leaf_name", "leaf_of", "read", "value_of"]


def declared(module: nn.Module, name: str) -> Declared | None:
    """The ``PyroParam`` or ``PyroSample`` that an attribute is, in the module or in its class."""
    found: Declared | None = module.__dict__.get("_pyro_attributes", {}).get(name)
    return found or getattr(type(module), "_pyro_declared", {}).get(name)


def leaf_name(name: str) -> str:
    """The name of a ``PyroParam``'s leaf in its module."""
    return f"{name}_unconstrained"


def leaf_of(module: nn.Module, name: str, param: PyroParam) -> Tensor:
    """The leaf of a parameter, made now if it is one of the class that has not been read before."""
    parameters: Any = module._parameters
    leaf: Tensor | None = parameters.get(leaf_name(name))
    if leaf is None:
        init, full_name = param.init_value, full_name_of(module, name)
        value = init(module) if callable(init) else init
        if value is None:
            raise ParamError(
                f"Parameter {full_name!r} has no initial value, and none was loaded. Give PyroParam(...) a tensor or a "
                "function that makes one, or load a state that has the parameter."
            )
        made = nn.Parameter(initial_leaf(full_name, value, param.constraint))
        leaf = parameters.setdefault(leaf_name(name), made)  # another thread may have been faster
    return leaf


def constrained(name: str, leaf: Tensor, param: PyroParam) -> Tensor:
    """The constrained value of a parameter's leaf."""
    transform = find_transform(name, param.constraint)
    return leaf if transform is None else transform(leaf)


def value_of(module: nn.Module, name: str, attribute: Any) -> Any:
    """The value of a parameter or network that is read by nobody's program: no statement is made."""
    if isinstance(attribute, PyroParam):
        return constrained(name, leaf_of(module, name, attribute), attribute)
    return attribute


def read(module: nn.Module, name: str, full_name: str, attribute: Any, values: Values) -> Any:
    """Make the statement of an attribute, and share its value among ``values``."""
    value: Any
    if isinstance(attribute, PyroSample) and attribute.is_given:  # which cannot read another, or itself
        value = values[full_name] = emit(Site("sample", full_name, attribute.prior)).value
        return value
    if full_name in values:
        raise ArgumentError(
            f"PyroSample {full_name!r} reads itself: its prior depends on its own value, perhaps by way of another "
            "attribute. Break the circle."
        )
    values[full_name] = value = None
    try:
        value = values[full_name] = _state(module, name, full_name, attribute)
    finally:
        if value is None:
            del values[full_name]
    return value


def _state(module: nn.Module, name: str, full_name: str, attribute: Any) -> Any:
    if isinstance(attribute, PyroSample):
        return _draw(full_name, attribute.prior(module))
    if isinstance(attribute, Tensor):
        return state_parameter(full_name, attribute)
    if isinstance(attribute, PyroParam):
        leaf = leaf_of(module, name, attribute)
        return state_parameter(full_name, leaf, attribute.constraint, attribute.event_dim)
    place(attribute, full_name, module.__dict__["_pyro_family"])  # it may have got programs inside since
    for inner, leaf in plain_parameters(attribute):
        state_parameter(f"{full_name}$$${inner}", leaf)
    return attribute


def _draw(full_name: str, prior: Any) -> Tensor:
    if isinstance(prior, Tensor):
        deterministic(full_name, prior)
        return prior
    value: Tensor = sample(full_name, prior)
    return value
