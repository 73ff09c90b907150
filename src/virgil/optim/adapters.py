"""One interface for all that a user may give as an optimiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from virgil.errors import ArgumentError, MismatchError, a_kind, shown
from virgil.optim.facade import Facade
from virgil.optim.gradients import resting
from virgil.optim.optimizer import Optimizer
from virgil.optim.options import check_class
from virgil.optim.torch_step import take_step

__all__ = ["AnyOptimizer", "TorchOptimizer", "as_given", "as_optimizer"]


class AnyOptimizer(Protocol):
    """An optimiser as SVI uses it."""

    @property
    def torch_optimizer(self) -> torch.optim.Optimizer | None:
        """The torch optimiser underneath; ``None`` before the first parameter."""
        ...

    @property
    def obstacle(self) -> str | None:
        """Why its steps cannot be captured; ``None`` if they can."""
        ...

    @property
    def clip(self) -> Callable[[Mapping[str, Tensor]], None] | None:
        """A function that clips gradients in place before a step; ``None`` if nothing is clipped."""
        ...

    def join(self, named: Mapping[str, Tensor]) -> torch.optim.Optimizer | None:
        """Let leaves join without a step; returns the torch optimiser underneath."""
        ...

    def step(self, named: Mapping[str, Tensor]) -> None:
        """Take one step with these leaves and the gradients they hold."""
        ...

    def get_state(self) -> Any:
        """A copy of what the optimiser remembers."""
        ...

    def set_state(self, state: Any) -> None:
        """Take up a state that ``get_state`` returned."""
        ...


class TorchOptimizer:
    """A torch optimiser that a user has made with its parameters."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        check_class(type(optimizer))
        self.torch_optimizer = optimizer

    @property
    def obstacle(self) -> None:
        """``None``: its steps can be captured."""
        return

    @property
    def clip(self) -> None:
        """``None``: gradients are not clipped."""
        return

    def join(self, named: Mapping[str, Tensor]) -> torch.optim.Optimizer:
        """The torch optimiser, which must hold these leaves.

        Raises:
            MismatchError: it does not hold one of them.
        """
        self._check_held(named)
        return self.torch_optimizer

    def step(self, named: Mapping[str, Tensor]) -> None:
        """Take one step with these leaves and no others.

        Raises:
            MismatchError: the optimiser does not hold one of them.
        """
        held = self._check_held(named)
        stepped = {id(leaf) for leaf in named.values()}
        with resting(leaf for number, leaf in held.items() if number not in stepped):
            take_step(self.torch_optimizer)

    def _check_held(self, named: Mapping[str, Tensor]) -> dict[int, Tensor]:
        held = {id(each): each for group in self.torch_optimizer.param_groups for each in group["params"]}
        strange = [name for name, leaf in named.items() if id(leaf) not in held]
        if strange:
            shown = ", ".join(repr(name) for name in strange[:5]) + (", ..." if len(strange) > 5 else "")
            raise MismatchError(
                f"The torch optimiser does not hold the program's parameters {shown}; they would never change. Give "
                f"the class with its options instead, such as virgil.optim.{type(self.torch_optimizer).__name__}"
                '({"lr": 0.01}), which meets parameters as they appear.'
            )
        return held

    def get_state(self) -> dict[str, Any]:
        """A copy of torch's own state, in which parameters have numbers."""
        state = self.torch_optimizer.state_dict()
        own = {
            index: {key: each.clone() if isinstance(each, Tensor) else each for key, each in values.items()}
            for index, values in state["state"].items()
        }
        return {"state": own, "param_groups": [dict(group) for group in state["param_groups"]]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up torch's own state, as a copy.

        Raises:
            ArgumentError: it does not fit the optimiser.
        """
        try:
            own = {
                index: {key: each.clone() if isinstance(each, Tensor) else each for key, each in values.items()}
                for index, values in state["state"].items()
            }
            self.torch_optimizer.load_state_dict({"state": own, "param_groups": state["param_groups"]})
        except (ValueError, KeyError, TypeError) as error:
            raise ArgumentError(f"set_state got a state that does not fit the torch optimiser: {error}.") from None


def as_optimizer(optim: Any) -> AnyOptimizer:
    """Adapt what a user gives as an optimiser.

    Args:
        optim: one of ``virgil.optim``; a class of ``torch.optim`` or a ``functools.partial`` of one; or a torch
            optimiser that already holds the program's parameters.

    Raises:
        ArgumentError: it is none of these.
    """
    if isinstance(optim, (Optimizer, TorchOptimizer)):
        return optim
    if isinstance(optim, Facade):
        return optim.optimizer
    if isinstance(optim, torch.optim.Optimizer):
        return TorchOptimizer(optim)
    if isinstance(optim, type) and issubclass(optim, torch.optim.Optimizer):
        return Optimizer(optim, {})
    if isinstance(optim, partial) and isinstance(optim.func, type) and not optim.args:
        return Optimizer(optim.func, optim.keywords)
    if isinstance(optim, torch.optim.lr_scheduler.LRScheduler):
        raise ArgumentError(
            f"optim got a torch scheduler, {type(optim).__name__}; it takes the optimiser. Give the scheduler's "
            f"optimiser and step the scheduler yourself, or use virgil.optim.{type(optim).__name__}."
        )
    raise ArgumentError(
        f"optim got {shown(optim)}, {a_kind(type(optim))}; it takes an optimiser such as virgil.optim.Adam"
        '({"lr": 0.01}), a class of torch.optim, or a torch optimiser.'
    )


def as_given(optim: AnyOptimizer) -> Any:
    """The optimiser as its user holds it: the facade where there is one."""
    facade = optim.facade if isinstance(optim, Optimizer) else None
    return optim if facade is None else facade
