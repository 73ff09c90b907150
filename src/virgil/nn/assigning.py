"""Assigning an attribute of a module, where a parameter or random variable is there or comes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from virgil.errors import ArgumentError, ParamError
from virgil.nn.attributes import Declared, PyroParam
from virgil.nn.reading import declared, leaf_name
from virgil.nn.tree import full_name_of
from virgil.params.entry import initial_leaf, leaf_from_value

__all__ = ["assign", "begin_anew", "declare", "forget", "is_overridden"]


def declare(module: nn.Module, name: str, attribute: Declared) -> None:
    """Make an attribute a parameter or random variable, instead of whatever it was.

    Raises:
        ArgumentError: the module's constructor has not begun.
        ParamError: the initial value is outside the constraint.
    """
    own = vars(module)
    if "_parameters" not in own:
        raise ArgumentError(
            f"{type(module).__name__}.{name} is assigned before the module is made. Call super().__init__() first."
        )
    leaf = None
    if isinstance(attribute, PyroParam):
        init = attribute.init_value
        value = init() if callable(init) else init
        if value is not None:
            leaf = nn.Parameter(initial_leaf(full_name_of(module, name), value, attribute.constraint))
        attribute = PyroParam(init if callable(init) else None, attribute.constraint, attribute.event_dim)
    forget(module, name)
    for held in (own, own["_parameters"], own["_buffers"], own["_modules"]):
        held.pop(name, None)
    own["_pyro_attributes"][name] = attribute
    if leaf is not None:
        own["_parameters"][leaf_name(name)] = leaf


def assign(module: nn.Module, name: str, value: Any) -> bool:
    """Assign to an attribute that is a parameter or random variable; returns whether that is all there is to do.

    A tensor gives a parameter its constrained value, in its own leaf where the shape allows it. Anything else takes
    the attribute's place.

    Raises:
        ParamError: the value is outside the constraint.
    """
    known = declared(module, name)
    if known is None:
        return False
    if isinstance(known, PyroParam) and isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
        _set_value(module, name, known, value)
        return True
    forget(module, name)
    if isinstance(value, nn.Parameter):  # ``nn.Module`` would find that the class has the name
        module._parameters[name] = value
        return True
    return False


def forget(module: nn.Module, name: str) -> bool:
    """Take a parameter or random variable from a module; returns whether there was one."""
    was_declared = vars(module)["_pyro_attributes"].pop(name, None) is not None
    had_leaf = declared(module, name) is not None and leaf_name(name) in module._parameters
    if was_declared or had_leaf:
        module._parameters.pop(leaf_name(name), None)
    return was_declared or had_leaf


def is_overridden(module: nn.Module, name: str) -> bool:
    """True if an attribute of the class is another one in the module."""
    own = vars(module)
    return any(name in held for held in (own, own["_pyro_attributes"], own["_parameters"], own["_buffers"]))


def begin_anew(module: nn.Module) -> None:
    """Give each parameter whose initial value is a function's another one from there, in the same leaf.

    Raises:
        ParamError: the function gives a value of another shape.
    """
    of_module: dict[str, Declared] = vars(module)["_pyro_attributes"]
    of_class: dict[str, Declared] = getattr(type(module), "_pyro_declared", {})
    for name, param in {**of_class, **of_module}.items():
        leaf = module._parameters.get(leaf_name(name))
        if leaf is None or not isinstance(param, PyroParam) or not callable(param.init_value):
            continue
        value = param.init_value() if name in of_module else param.init_value(module)
        full_name = full_name_of(module, name)
        new = leaf_from_value(full_name, value, param.constraint)
        if new.shape != leaf.shape:
            raise ParamError(
                f"Parameter {full_name!r} begins anew with an unconstrained value of shape {tuple(new.shape)}, but it "
                f"has {tuple(leaf.shape)}. Its initial value must not change its shape."
            )
        with torch.no_grad():
            leaf.copy_(new)


def _set_value(module: nn.Module, name: str, param: PyroParam, value: Tensor) -> None:
    new = leaf_from_value(full_name_of(module, name), value, param.constraint)
    old = module._parameters.get(leaf_name(name))
    if old is not None and (old.shape, old.dtype, old.device) == (new.shape, new.dtype, new.device):
        with torch.no_grad():
            old.copy_(new)
    else:
        module._parameters[leaf_name(name)] = nn.Parameter(new)
