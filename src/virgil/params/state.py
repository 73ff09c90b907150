"""Whole states of a store: ``{"params": {name: leaf}, "constraints": {name: constraint}}``."""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.errors import ParamError
from virgil.params import message
from virgil.params.constraint import Constraint, same_constraint
from virgil.params.entry import Entry, Owner, entry_from_leaf

__all__ = ["State", "check_constraint", "check_restore", "entries_from_state"]


class State(TypedDict):
    """The parameters of a store as plain dicts; both have the same names."""

    params: dict[str, Tensor]
    constraints: dict[str, Constraint]


def entries_from_state(state: State, *, adopt: bool = False) -> dict[str, Entry]:
    """The entries of a state, with copies of its tensors; with ``adopt``, its leaves themselves.

    Raises:
        ParamError: the state is not one, or a tensor does not fit its constraint.
    """
    params = state.get("params") if isinstance(state, dict) else None
    if not isinstance(params, dict) or not all(isinstance(each, Tensor) for each in params.values()):
        raise ParamError(
            'A state of a parameter store is {"params": {name: tensor}, "constraints": {name: constraint}}; got '
            f"{type(state).__name__} {list(state)[:5] if isinstance(state, dict) else ''}. Take one from get_state()."
        )
    entries = {}
    for name, tensor in params.items():
        usable = adopt and tensor.is_leaf and tensor.requires_grad
        leaf = tensor if usable else tensor.detach().clone(memory_format=torch.contiguous_format)
        constraint = state.get("constraints", {}).get(name, constraints.real)
        entries[name] = entry_from_leaf(name, leaf, constraint, Owner.NOBODY)
        leaf.requires_grad_(True)
    return entries


def check_restore(name: str, present: Entry | None, loaded: Entry) -> None:
    """Check that a loaded parameter can replace the present one.

    Raises:
        ParamError: the present one is in use with another shape or constraint.
    """
    if present is None or present.owner is Owner.NOBODY:
        return
    check_constraint(name, present, loaded.constraint)
    if present.leaf.shape != loaded.leaf.shape:
        raise ParamError(message.other_shape(name, present.shape, loaded.shape))


def check_constraint(name: str, present: Entry, given: Constraint) -> None:
    """Check that a declared constraint is that of the parameter.

    Raises:
        ParamError: it is another.
    """
    if not same_constraint(given, present.constraint):
        raise ParamError(message.other_constraint(name, present.constraint, given))
