"""A step of a torch optimiser as a function of tensors, so that it can be captured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.errors import CaptureError
from virgil.ops.compile_flag import as_when_compiling
from virgil.optim.torch_step import take_step

__all__ = ["Memory", "functional_step", "is_under_way", "memory_of"]

Memory = dict[str, dict[str, Tensor]]  # the tensors that an optimiser remembers, by parameter

_CAPTURABLE = {"capturable": True, "foreach": False, "fused": False}


def memory_of(optimizer: torch.optim.Optimizer, leaves: Mapping[str, Tensor]) -> Memory:
    """The tensors that an optimiser remembers for these leaves; they are not copied."""
    return {
        name: {key: each for key, each in optimizer.state.get(leaf, {}).items() if isinstance(each, Tensor)}
        for name, leaf in leaves.items()
    }


def is_under_way(optimizer: torch.optim.Optimizer, leaves: Mapping[str, Tensor]) -> bool:
    """Return ``True`` if the optimiser has taken its first step with these leaves, which fills its memory."""
    memory = memory_of(optimizer, leaves)
    values = {name: leaf.detach() for name, leaf in leaves.items()}
    zeros = {name: torch.zeros_like(value) for name, value in values.items()}
    rates = [torch.as_tensor(group["lr"]) for group in optimizer.param_groups]
    _, after = functional_step(optimizer, leaves, values, zeros, memory, rates)
    return all(memory[name].keys() == after[name].keys() for name in leaves)


def functional_step(
    optimizer: torch.optim.Optimizer,
    leaves: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    memory: Memory,
    rates: Sequence[Tensor],
    clip: Callable[[Mapping[str, Tensor]], None] | None = None,
) -> tuple[dict[str, Tensor], Memory]:
    """The values after a step of an optimiser, and its memory. Optimiser and leaves do not change.

    Args:
        optimizer: gives the class and the options.
        leaves: the leaves that it holds, by name; they tell which options belong to which value.
        values: the values before the step, by name.
        gradients: by name. A value without a gradient stays as it is.
        memory: the tensors that the optimiser remembers, by name.
        rates: the learning rate of each group of the optimiser.
        clip: clips the gradients of the named tensors in place, before the step.

    Raises:
        CaptureError: the optimiser changes a Python value that it remembers.
    """
    fresh = {name: values[name].detach().clone() for name in gradients}
    remembered = {name: {key: each.clone() for key, each in memory[name].items()} for name in gradients}
    for name, value in fresh.items():
        value.grad = gradients[name].clone()
    if clip is not None:
        clip(fresh)
    stand_ins = {id(leaves[name]): value for name, value in fresh.items()}
    twin = _twin(optimizer, stand_ins, rates)
    for name, value in fresh.items():
        twin.state[value] = {**optimizer.state.get(leaves[name], {}), **remembered[name]}
    with as_when_compiling(), _TensorFactors():
        take_step(twin)
    for name, value in fresh.items():
        _check_counts(type(optimizer).__name__, optimizer.state.get(leaves[name], {}), twin.state[value])
    after = {name: {**memory[name], **_tensors(twin.state[value])} for name, value in fresh.items()}
    return {**values, **fresh}, {**memory, **after}


def _twin(optimizer: torch.optim.Optimizer, stand_ins: Mapping[int, Tensor], rates: Sequence[Tensor]) -> Any:
    """An optimiser of the same class and options that holds stand-ins of the leaves, with rates as tensors."""
    twin: Any = object.__new__(type(optimizer))
    twin.__dict__.update(optimizer.__dict__)
    twin.__dict__.pop("step", None)  # a scheduler has put a wrapper there that calls the other's
    twin.state = defaultdict(dict)
    twin.param_groups = []
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        members = [stand_ins[id(leaf)] for leaf in group["params"] if id(leaf) in stand_ins]
        options = {key: _CAPTURABLE.get(key, each) for key, each in group.items()}
        twin.param_groups.append({**options, "params": members, "lr": rate})
    return twin


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    return {key: each for key, each in state.items() if isinstance(each, Tensor)}


def _check_counts(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for key in before.keys() & after.keys():
        old, new = before[key], after[key]
        if not isinstance(old, Tensor) and not isinstance(new, Tensor) and old != new:
            raise CaptureError(
                f"{kind} remembers {key!r} of a parameter as a Python value, {old!r}, and a step makes it {new!r}; a "
                "captured step would stay where it is. Keep it as a tensor, or use engine='eager'."
            )


class _TensorFactors(TorchFunctionMode):
    """A mode in which the factor of a fused sum may be a tensor, whose value torch would read and so fix."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function; a fused sum with a tensor as factor is taken apart."""
        kwargs = dict(kwargs or {})
        combine = _FUSED.get(func)
        factor = kwargs.get("alpha", kwargs.get("value"))
        if combine is not None and isinstance(factor, Tensor):
            total, *others = args
            return total.add_((combine(*others) * factor).to(total.dtype))
        return func(*args, **kwargs)


_FUSED: dict[Any, Callable[..., Tensor]] = {
    Tensor.add_: lambda other: other,
    Tensor.addcdiv_: torch.div,
    Tensor.addcmul_: torch.mul,
}
