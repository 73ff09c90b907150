"""The optimiser of one parameter, and its scheduler, as old programs read and change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError
from virgil.ops.warning_filter import ignoring
from virgil.pyro.optim.by_parameter import ByParameter
from virgil.pyro.optim.memory import group_state, memory_state, scheduler_state

__all__ = ["OptimizerView", "SchedulerView", "views"]


class GroupView(dict[str, Any]):
    """The options of one parameter. An option that is set here is that parameter's alone."""

    def __init__(self, optimizer: ByParameter, name: str, leaf: Tensor) -> None:
        super().__init__({**optimizer.group_of(leaf), "params": [leaf]})
        self._optimizer = optimizer
        self._name = name
        self._leaf = leaf

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several options."""
        changes = dict(*args, **kwargs)
        super().update(changes)
        if self._optimizer.schedule is None:
            self._optimizer.set_options(self._name, changes)
        else:  # until the schedule sets it again
            self._optimizer.group_of(self._leaf).update(changes)


class OptimizerView:
    """Torch's optimiser of one parameter: a part of the one that holds them all."""

    def __init__(self, optimizer: ByParameter, name: str, leaf: Tensor) -> None:
        self._optimizer = optimizer
        self._name = name
        self._leaf = leaf

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """One group: the options of the parameter, which may be set, and under ``params`` its leaf."""
        return [GroupView(self._optimizer, self._name, self._leaf)]

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """The memory by leaf."""
        held = self._optimizer.torch_optimizer
        return {self._leaf: held.state.get(self._leaf, {}) if held is not None else {}}

    @property
    def defaults(self) -> dict[str, Any]:
        """The options of the optimiser that holds all."""
        held = self._optimizer.torch_optimizer
        return {} if held is None else held.defaults

    def state_dict(self) -> dict[str, Any]:
        """A copy of memory and options."""
        return {**memory_state(self.state[self._leaf]), **group_state(self._optimizer.group_of(self._leaf))}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient of the leaf."""
        if set_to_none or self._leaf.grad is None:
            self._leaf.grad = None
        else:
            self._leaf.grad.zero_()

    def step(self) -> None:
        """Take one step of this parameter alone."""
        self._optimizer.step_with({self._name: self._leaf})

    def __repr__(self) -> str:
        options = {key: each for key, each in self.param_groups[0].items() if key != "params"}
        return f"{self._optimizer.kind.__name__}({self._name!r}, {options})"


class SchedulerView:
    """Torch's scheduler of one parameter: a part of the one that changes the rates of all."""

    def __init__(self, optimizer: ByParameter, name: str, leaf: Tensor, scheduler: Any) -> None:
        self.optimizer = OptimizerView(optimizer, name, leaf)
        self._of_all = optimizer
        self._leaf = leaf
        self._scheduler = scheduler

    def get_last_lr(self) -> list[float]:
        """The parameter's rate as it is now."""
        return [self._of_all.group_of(self._leaf)["lr"]]

    def state_dict(self) -> dict[str, Any]:
        """A copy of the scheduler's state, and of the optimiser's."""
        return scheduler_state(self._of_all, self.optimizer.state_dict())

    def step(self, *args: Any) -> None:
        """Refuse: there is one schedule for all parameters.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(
            "step() was called on the scheduler of one parameter; there is one schedule for all of them. Call step() "
            "of the PyroLRScheduler itself."
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)


def views(optimizer: ByParameter) -> Mapping[Tensor, Any]:
    """By leaf the optimiser of each parameter that has joined; its scheduler where there is one."""
    schedule = optimizer.schedule
    if schedule is None:
        return {leaf: OptimizerView(optimizer, name, leaf) for name, leaf in optimizer.leaves.items()}
    with ignoring(UserWarning, "To get the last learning rate"):
        return {
            leaf: SchedulerView(optimizer, name, leaf, schedule.scheduler) for name, leaf in optimizer.leaves.items()
        }
