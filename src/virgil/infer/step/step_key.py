"""The key of a captured step: so much of what it depends on as is seen without running anything."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from virgil.infer.step.state import Found
from virgil.infer.step.value_key import Identity, value_key
from virgil.nn.tree import attributes_of
from virgil.optim.functional_step import memory_of
from virgil.params import ParamStore, get_param_store
from virgil.poutine.runtime import installed

__all__ = ["step_key"]

_NOT_READ = frozenset({"params", "lr", "initial_lr", "max_lr", "min_lr"})  # inputs of a step, and notes of schedulers


def step_key(programs: Sequence[Any], found: Found, optimizer: torch.optim.Optimizer | None) -> Hashable:
    """The key of a step; one that differs from an earlier one says that the earlier step does not hold any more.

    Args:
        programs: model, guide and objective.
        found: the parameters and networks that they use.
        optimizer: the torch optimiser.
    """
    networks = tuple(map(_network, found.modules))
    return (
        tuple(map(value_key, programs)),
        _surroundings(),
        _parameters(found.leaves),
        networks,
        _options(found, optimizer),
    )


def _surroundings() -> Hashable:
    """Choices of torch that hold for a thread or process, and handlers that someone has put around."""
    device = torch.get_default_device()
    autocast = tuple(
        torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None for kind in ("cpu", "cuda")
    )
    return torch.get_default_dtype(), device, autocast, tuple(map(value_key, installed()))


def _parameters(leaves: Mapping[str, Tensor]) -> Hashable:
    store = get_param_store()
    return tuple(
        (name, leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad, _place(store, name, leaf))
        for name, leaf in leaves.items()
    )


def _place(store: ParamStore, name: str, leaf: Tensor) -> Hashable:
    """True if a name of the store is still that of this leaf, and the constraint; ``None`` for one that it lacks."""
    return (store.unconstrained(name) is leaf, Identity(store.constraint(name))) if name in store else None


def _network(module: nn.Module) -> Hashable:
    """A layer's mode, options and parts, where the layers in it are found themselves."""
    parameters = tuple(map(value_key, module._parameters.values()))
    buffers = tuple(map(Identity, module._buffers.values()))
    attributes = tuple([(Identity(each), value_key(getattr(each, "prior", None))) for each in attributes_of(module)])
    return value_key(module), tuple(map(Identity, module._modules.values())), parameters, buffers, attributes


def _options(found: Found, optimizer: torch.optim.Optimizer | None) -> Hashable:
    """An optimiser's options but for learning rates, which parameters have which, and what it remembers of each."""
    if optimizer is None:
        return None
    groups = tuple(
        tuple((name, value_key(each)) for name, each in group.items() if name not in _NOT_READ)
        for group in optimizer.param_groups
    )
    places = {id(leaf): place for place, group in enumerate(optimizer.param_groups) for leaf in group["params"]}
    remembered = tuple(
        (places.get(id(found.leaves[name])), tuple((key, each.shape, each.dtype) for key, each in entries.items()))
        for name, entries in memory_of(optimizer, found.leaves).items()
    )
    return Identity(optimizer), groups, remembered
