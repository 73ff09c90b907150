"""A parameter that a module owns, shown to handlers and to the store in use as a ``param`` statement."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import constraints

from virgil.params import ParamStore, get_param_store
from virgil.params.constraint import Constraint, find_transform
from virgil.poutine.runtime import emit
from virgil.poutine.site import Site
from virgil.primitives import subsample_parameter

__all__ = ["emit_parameter", "read_parameter", "state_parameter"]


def read_parameter(store: ParamStore, name: str, leaf: Tensor, constraint: Constraint) -> Tensor:
    """Hold the leaf in the store under ``name``, and return the constrained value."""
    store.bind(name, leaf, constraint)
    return store.get_param(name)


def emit_parameter(store: ParamStore, name: str, leaf: Tensor, constraint: Constraint = constraints.real) -> Tensor:
    """State a ``param`` site for a leaf that a module owns; the value is what the handlers make of it.

    No statement is made for what is not learnt: a leaf that does not require a gradient, or a tensor that somebody, as
    ``torch.func.functional_call`` does, has put in the place of one.
    """
    if not (leaf.requires_grad and leaf.is_leaf):
        transform = find_transform(name, constraint)
        return leaf if transform is None else transform(leaf)
    value: Tensor = emit(Site("param", name, read_parameter, (store, name, leaf, constraint))).value
    return value


def state_parameter(
    name: str, leaf: Tensor, constraint: Constraint = constraints.real, event_dim: int | None = None
) -> Tensor:
    """The same in the store in use, cut to a mini-batch where ``event_dim`` is given."""
    value = emit_parameter(get_param_store(), name, leaf, constraint)
    return value if event_dim is None else subsample_parameter(value, event_dim)
