"""The optimiser's part of an eager step, taken back where it would leave parameters that are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.infer.step.finite import FAR, Transform, first_not_finite, not_finite_parameter, transformed
from virgil.ops.foreach import foreach
from virgil.optim.adapters import AnyOptimizer
from virgil.optim.functional_step import memory_of
from virgil.optim.step_bound import step_bound

__all__ = ["Broken", "Update"]

_CALM = 1e15  # gradients up to here have squares, and sums of squares, that are numbers


class Broken(ArithmeticError):
    """An optimiser's step would have left a parameter, or what is remembered of it, that is not finite.

    Attributes:
        name: of the parameter.
        what: the tensor that is not finite.
        is_memory: whether it is the optimiser's.
        leaf: the parameter's, as the step would have left it.
        gradient: of the leaf.
        options: the optimiser's, for this leaf.
    """

    def __init__(self, name: str, what: Tensor, is_memory: bool, leaf: Tensor, optimizer: Any) -> None:
        super().__init__(name)
        self.name, self.what, self.is_memory = name, what.detach().clone(), is_memory
        self.leaf, self.gradient = leaf.detach().clone(), leaf.grad
        groups = [] if optimizer is None else optimizer.param_groups
        self.options: dict[str, Any] = next((each for each in groups if any(one is leaf for one in each["params"])), {})


class Update:
    """Takes an optimiser's steps.

    A step that can move nothing far, as one of Adam by a moderate rate, needs no care. Before any other one the
    parameters and what the optimiser remembers of them are copied, and after it they are looked at.

    Args:
        optim: the optimiser.
    """

    def __init__(self, optim: AnyOptimizer) -> None:
        self.optim = optim
        self._seen: list[int] = []
        self._transforms: dict[str, Transform] = {}
        self._room = 0.0  # how far leaves may move before one of them may be far from zero

    def step(self, leaves: Mapping[str, Tensor], largest: float) -> None:
        """Take one step with these leaves.

        Args:
            leaves: by name, with their gradients.
            largest: the norm of the largest gradient.

        Raises:
            Broken: the step was taken back.
        """
        if self._is_harmless(leaves) and largest < _CALM:
            self.optim.step(leaves)
            return
        before = _Before(leaves, self.optim.torch_optimizer)
        self.optim.step(leaves)
        broken = self._broken(leaves)
        if broken is not None:
            before.restore(self.optim.torch_optimizer)
            raise broken

    def try_out(self, leaves: Mapping[str, Tensor]) -> Broken | None:
        """The fault that a step with these leaves would leave; the step is not taken."""
        self._transforms = transformed(leaves)
        before = _Before(leaves, self.optim.torch_optimizer)
        self.optim.step(leaves)
        broken = self._broken(leaves)
        before.restore(self.optim.torch_optimizer)
        return broken

    def _is_harmless(self, leaves: Mapping[str, Tensor]) -> bool:
        """True if no leaf can end where the parameter's value overflows."""
        present = [*map(id, leaves.values())]
        if present != self._seen:
            self._seen, self._transforms, self._room = present, transformed(leaves), -1.0
        distance = step_bound(self.optim.torch_optimizer)
        if distance > FAR:
            self._room = -1.0
            return False
        if self._room < distance:
            self._room = self._distance_to_far(leaves)
        self._room -= distance
        return self._room >= 0

    def _distance_to_far(self, leaves: Mapping[str, Tensor]) -> float:
        if any(each.dtype.itemsize < 4 for each in leaves.values()):
            return -1.0  # in half precision nothing is far from infinity
        entries = [leaves[name].detach() for name in self._transforms if leaves[name].numel()]
        return FAR - max((each.abs().max().item() for each in entries), default=0.0)

    def _broken(self, leaves: Mapping[str, Tensor]) -> Broken | None:
        optimizer = self.optim.torch_optimizer
        found = not_finite_parameter(leaves, self._transforms)
        if found is not None:
            return Broken(*found, False, leaves[found[0]], optimizer)
        if optimizer is None:
            return None
        memory = [(name, each) for name, kept in memory_of(optimizer, leaves).items() for each in kept.values()]
        place = first_not_finite([each for _, each in memory])
        return None if place is None else Broken(*memory[place], True, leaves[memory[place][0]], optimizer)


class _Before:
    """Leaves, and an optimiser's memory of them, as they were."""

    def __init__(self, leaves: Mapping[str, Tensor], optimizer: torch.optim.Optimizer | None) -> None:
        self._leaves = list(leaves.values())
        self._values = [each.detach().clone() for each in self._leaves]
        self._memory = [_copied({} if optimizer is None else optimizer.state.get(each, {})) for each in self._leaves]

    def restore(self, optimizer: torch.optim.Optimizer | None) -> None:
        """Write all back, into the same tensors."""
        with torch.no_grad():
            foreach("copy_", self._leaves, self._values)
        for leaf, memory in zip(self._leaves, self._memory, strict=True):
            if optimizer is None:
                continue
            present = optimizer.state.pop(leaf, {})
            if memory:
                optimizer.state[leaf] = {key: _written(present.get(key), each) for key, each in memory.items()}


def _copied(memory: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each.clone() if isinstance(each, Tensor) else each for key, each in memory.items()}


def _written(present: Any, value: Any) -> Any:
    return present.copy_(value) if isinstance(present, Tensor) and isinstance(value, Tensor) else value
