"""The memory of an optimiser by parameter, in the form that old programs know.

``{name: {"state": {0: memory}, "param_groups": [options]}}``, torch's own state of an optimiser of one parameter;
``{name: {"scheduler": ..., "optimizer": ...}}`` with the same inside where a scheduler changes the rates.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ParamError, shown
from virgil.optim.schedule import Call
from virgil.optim.state import OptimState
from virgil.pyro.optim.by_parameter import ByParameter

__all__ = ["get_memory", "group_state", "is_by_parameter", "memory_state", "plain", "scheduler_state", "set_memory"]

_KERNELS = ("foreach", "fused", "capturable", "differentiable")  # how a step is computed, which is ours to choose
_CALLS = "calls"


def memory_state(values: Mapping[str, Any]) -> dict[str, Any]:
    """The memory of torch's optimiser of one parameter."""
    return {"state": {0: _copied(values)} if values else {}}


def group_state(group: Mapping[str, Any]) -> dict[str, Any]:
    """The options of torch's optimiser of one parameter."""
    return {"param_groups": [{**_copied({k: each for k, each in group.items() if k != "params"}), "params": [0]}]}


def scheduler_state(optimizer: ByParameter, own: dict[str, Any]) -> dict[str, Any]:
    """The state of the scheduler of one parameter, whose optimiser has the state ``own``."""
    schedule = optimizer.schedule
    assert schedule is not None  # noqa: S101  (asked for a schedule only)
    state = {} if schedule.scheduler is None else schedule.scheduler.state_dict()
    return {"scheduler": {**plain(state), _CALLS: [list(each) for each in schedule.calls]}, "optimizer": own}


def get_memory(optimizer: ByParameter) -> dict[str, Any]:
    """A copy of the memory of all parameters, by name."""
    held, found = optimizer.torch_optimizer, {}
    for name, leaf in optimizer.leaves.items():
        values = {} if held is None else held.state.get(leaf, {})
        found[name] = {**memory_state(values), **group_state(optimizer.group_of(leaf))}
    for name, values in optimizer.waiting_state().items():
        found[name] = {**memory_state(values), **group_state(optimizer.options_of(name))}
    if optimizer.schedule is None:
        return found
    return {name: scheduler_state(optimizer, each) for name, each in found.items()}


def is_by_parameter(state: Any) -> bool:
    """True for a state in the form of old programs."""
    return isinstance(state, dict) and all(
        isinstance(each, dict) and ("param_groups" in each or "scheduler" in each) for each in state.values()
    )


def set_memory(optimizer: ByParameter, state: Any) -> None:
    """Take up a state: memory and options of all parameters, now or when they join, and the schedule.

    Raises:
        ParamError: it is no state, another optimiser's, or of parameters with other shapes.
    """
    if not is_by_parameter(state):
        raise ParamError(
            f"set_state got {shown(state)}; it takes what get_state() returned: by the name of a parameter its state."
        )
    calls = [_calls(name, each["scheduler"]) for name, each in state.items() if "scheduler" in each]
    own = {name: _own_state(name, each.get("optimizer", each)) for name, each in state.items()}
    params: Any = {
        name: {"shape": tuple(optimizer.leaves[name].shape), "values": values}
        for name, (values, _) in own.items()
        if name in optimizer.leaves
    }
    schedule = None if not calls or optimizer.schedule is None else max(calls, key=len)
    memory: OptimState = {"optimizer": optimizer.kind.__name__, "params": params, "schedule": schedule}
    optimizer.restore(memory, {name: values for name, (values, _) in own.items() if name not in optimizer.leaves})
    for name, (_, group) in own.items():
        options = dict(_options(optimizer, name, group))
        if options:
            optimizer.set_options(name, options)


def _own_state(name: str, state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The memory of a parameter, and its options."""
    try:
        values = dict(next(iter(state["state"].values()), {}))
        group = dict(state["param_groups"][0])
    except (AttributeError, LookupError, TypeError, ValueError):
        raise ParamError(
            f"set_state got {shown(state)} for parameter {name!r}; it takes torch's state_dict() of an optimiser of "
            "one parameter."
        ) from None
    step = values.get("step")
    if isinstance(step, int | float):  # an old optimiser's, whose rate is that after the decay
        values["step"] = torch.tensor(float(step))
        if "lr" in group and "lrd" in group:
            group["lr"] = group["lr"] / group["lrd"] ** step
    return values, group


def _options(optimizer: ByParameter, name: str, group: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The options of a group that this parameter does not have already."""
    known = inspect.signature(optimizer.kind).parameters
    present: Mapping[str, Any] = optimizer.options_of(name)
    for key, parameter in known.items():
        value = group.get(key, group.get("lr") if key == "eta" else None)
        if optimizer.schedule is not None and key == "lr":  # the rate with which the schedule began
            value = group.get("initial_lr", value)
        if key in ("params", *_KERNELS) or value is None:
            continue
        if not _same(value, present.get(key, parameter.default)):
            yield key, value


def _calls(name: str, scheduler: Any) -> list[Call]:
    if isinstance(scheduler, Mapping) and _CALLS in scheduler:
        return [tuple(float(each) for each in call) for call in scheduler[_CALLS]]
    number = scheduler.get("last_epoch") if isinstance(scheduler, Mapping) else None
    if not isinstance(number, int) or (number and "best" in scheduler):
        raise ParamError(
            f"set_state got a schedule of parameter {name!r} without the metrics that it was given, on which it "
            "depends. Make the scheduler anew."
        )
    return [()] * number


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        left, right = torch.as_tensor(left), torch.as_tensor(right)
        return bool(left.shape == right.shape) and torch.equal(left.to(right), right)
    return bool(tuple(left) == tuple(right) if isinstance(left, list | tuple) else left == right)


def _copied(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each.detach().clone() if isinstance(each, Tensor) else each for key, each in values.items()}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that can be written to a file."""
    return {key: each for key, each in values.items() if _is_plain(each)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
