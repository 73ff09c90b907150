"""``Optimizer``: a torch optimiser whose parameters join by name, when a program makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, ParamError, a_kind
from virgil.optim.gradients import GradientClip, resting
from virgil.optim.options import OptimArgs, check_class, check_leaf, check_options, fastest, options_for, same_options
from virgil.optim.schedule import Call, Schedule
from virgil.optim.state import OptimState, ParamState, check_state, copied, read_state, write_state
from virgil.optim.torch_step import is_plain, make_optimizer, take_step
from virgil.params import get_param_store
from virgil.params.tensor_file import refusing

__all__ = ["Optimizer"]


class Optimizer:
    """A torch optimiser for parameters by name. A new parameter joins at its first step.

    There is one torch optimiser underneath. It has one group for all parameters with the same options.

    Args:
        optim_constructor: a class of ``torch.optim``, or one like them.
        optim_args: its options, or a function from a parameter's name to its options.
        clip_args: ``{"clip_norm": x}`` or ``{"clip_value": x}`` to clip each parameter's gradient before a step, or a
            function from a parameter's name to that.
        schedule: a scheduler of the learning rate; :class:`virgil.optim.LRScheduler` gives one.
        facade: the object by which a user knows this optimiser, if that is another one.

    Where the options choose no kernel, Adam, AdamW and Adagrad use their fused ones, which equal torch's default up to
    rounding and are two to four times as fast.

    >>> leaf = torch.zeros(2, requires_grad=True)
    >>> leaf.grad = torch.tensor([1.0, -1.0])
    >>> optimizer = Optimizer(torch.optim.SGD, lambda name: {"lr": 0.5 if name == "loc" else 0.1})
    >>> optimizer({"loc": leaf})
    >>> leaf.tolist()
    [-0.5, 0.5]

    Raises:
        ArgumentError: an option is unknown or has a wrong value, or the class needs a closure.
    """

    def __init__(
        self,
        optim_constructor: type[torch.optim.Optimizer],
        optim_args: OptimArgs,
        clip_args: OptimArgs | None = None,
        *,
        schedule: Schedule | None = None,
        facade: Any = None,
    ) -> None:
        check_class(optim_constructor)
        if not callable(optim_args):
            check_options(optim_constructor, optim_args)
        self.facade = facade
        self._kind = optim_constructor
        self._args = optim_args
        self._clip = GradientClip(clip_args) if clip_args else None
        self._schedule = schedule
        self._torch: torch.optim.Optimizer | None = None
        self._leaves: dict[str, Tensor] = {}
        self._declared: list[dict[str, Any]] = []  # each group's options before any schedule
        self._waiting: dict[str, ParamState] = {}  # restored, for parameters not seen yet

    @property
    def torch_optimizer(self) -> torch.optim.Optimizer | None:
        """The torch optimiser underneath; ``None`` before the first parameter."""
        return self._torch

    @property
    def obstacle(self) -> str | None:
        """Why its steps cannot be captured; ``None`` if they can."""
        return None

    @property
    def clip(self) -> GradientClip | None:
        """A function that clips gradients in place before a step; ``None`` if nothing is clipped."""
        return self._clip

    def join(self, named: Mapping[str, Tensor]) -> torch.optim.Optimizer | None:
        """Let leaves join without a step; returns the torch optimiser underneath."""
        for name, leaf in named.items():
            if self._leaves.get(name) is not leaf:
                self._join(name, leaf)
        return self._torch

    def __call__(self, params: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
        """Take one step with leaves by name, or with leaves of the current store and others, which are numbered."""
        self.step(params if isinstance(params, Mapping) else self._by_name(params))

    def step(self, named: Mapping[str, Tensor]) -> None:
        """Take one step with these leaves and no others. A leaf without a gradient stays as it is.

        The gradients stay, clipped.
        """
        leaves = self._leaves
        self.join(named)
        if self._torch is None:
            return
        if self._clip is not None:
            self._clip(named)
        if len(named) == len(leaves):
            take_step(self._torch)
            return
        stepped = {id(leaf) for leaf in named.values()}
        with resting(leaf for leaf in leaves.values() if id(leaf) not in stepped):
            take_step(self._torch)

    # -- states and files --------------------------------------------------------------------------------------------

    def get_state(self) -> OptimState:
        """A copy of the optimiser's memory, by the names of parameters."""
        params = {name: copied(each["shape"], each["values"]) for name, each in self._waiting.items()}
        for name, leaf in self._leaves.items():
            params[name] = copied(leaf.shape, self._torch.state.get(leaf, {}) if self._torch else {})
        calls = None if self._schedule is None else list(self._schedule.calls)
        return {"optimizer": self._kind.__name__, "params": params, "schedule": calls}

    def set_state(self, state: OptimState) -> None:
        """Take up a state. The part of a parameter that has not joined yet waits for it.

        A state has no options; this optimiser keeps its own.

        Raises:
            ParamError: the state is another optimiser's, or of parameters with other shapes; nothing is changed.
        """
        self.prepared(state)()

    def prepared(self, state: OptimState) -> Callable[[], None]:
        """Check a state whole; returns a function that takes it up, as :meth:`set_state` does, and cannot be refused.

        Raises:
            ParamError: as for :meth:`set_state`.
        """
        check_state(state, self._kind.__name__, self._leaves)
        waiting = {name: copied(each["shape"], each["values"]) for name, each in state["params"].items()}
        lone = {name: self._optimizer_of(name, leaf) for name, leaf in self._leaves.items()}
        for name, leaf in self._leaves.items():
            self._restore(lone[name], name, leaf, waiting)
        calls = state.get("schedule")
        if self._schedule is not None and calls is not None:
            self._schedule.check(calls)
        return lambda: self._take_up(waiting, lone, calls)

    def _take_up(
        self, waiting: dict[str, ParamState], lone: dict[str, torch.optim.Optimizer], calls: list[Call] | None
    ) -> None:
        self._waiting = waiting
        for name, leaf in self._leaves.items():
            self._put_state(lone[name], leaf)
        if self._schedule is not None and calls is not None:
            self._schedule.calls = list(calls)
            self._attach_schedule()

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the state to a safetensors file; a file of this name is replaced in one piece."""
        write_state(filename, self.get_state())

    def load(self, filename: str | PathLike[str]) -> None:
        """Take up the state of a file. Nothing in the file is executed.

        Raises:
            FileFormatError: the file is damaged or was not written by ``save``, or its state is another optimiser's or
                of parameters with other shapes; nothing is changed.
        """
        state = read_state(filename)
        with refusing(filename):
            take_up = self.prepared(state)
        take_up()

    # -- parameters joining ------------------------------------------------------------------------------------------

    def _join(self, name: str, leaf: Tensor) -> None:
        check_leaf(self._kind, name, leaf)
        self._check_waiting(name, leaf)
        lone = self._optimizer_of(name, leaf)
        self._drop(name)
        if any(each is leaf for each in self._leaves.values()):  # one tensor with two names is stepped once
            self._leaves[name] = leaf
            self._waiting.pop(name, None)
            return
        self._leaves[name] = leaf
        self._restore(lone, name, leaf, self._waiting)
        self._add(lone, leaf)

    def _optimizer_of(self, name: str, leaf: Tensor) -> torch.optim.Optimizer:
        """A torch optimiser of this leaf alone. Its group has all options, given and default."""
        options = self._options_of(name)
        # Copies: a scheduler writes into a learning rate that is a tensor.
        options = {key: each.clone() if isinstance(each, Tensor) else each for key, each in options.items()}
        optimizer: torch.optim.Optimizer = make_optimizer(self._kind, [leaf], fastest(self._kind, options, leaf))
        return optimizer

    def _options_of(self, name: str) -> Mapping[str, Any]:
        """The options of a parameter, checked."""
        options = options_for(name, self._args)
        if callable(self._args):
            check_options(self._kind, options)
        return options

    def _add(self, lone: torch.optim.Optimizer, leaf: Tensor) -> None:
        options = {key: each for key, each in lone.param_groups[0].items() if key != "params"}
        for index, declared in enumerate(self._declared):
            if self._torch is not None and same_options(declared, options):
                self._torch.param_groups[index]["params"].append(leaf)
                break
        else:
            self._declared.append(
                {k: each.clone() if isinstance(each, Tensor) else each for k, each in options.items()}
            )
            if self._torch is None:
                self._torch = lone
            else:
                self._torch.add_param_group({"params": [leaf], **options})
            self._attach_schedule()
        self._put_state(lone, leaf)

    def _put_state(self, lone: torch.optim.Optimizer, leaf: Tensor) -> None:
        """Take over the state of one leaf. Adagrad's state begins with the optimiser, others' with the first step."""
        if self._torch is None or self._torch is lone:
            return
        self._torch.state.pop(leaf, None)
        if leaf in lone.state:
            self._torch.state[leaf] = lone.state[leaf]

    def _attach_schedule(self) -> None:
        if self._schedule is None or self._torch is None:
            return
        for group, declared in zip(self._torch.param_groups, self._declared, strict=True):
            members = group["params"]
            group.clear()
            fresh = {key: each.clone() if isinstance(each, Tensor) else each for key, each in declared.items()}
            group.update(params=members, **fresh)
        self._schedule.attach(self._torch)

    def _drop(self, name: str) -> None:
        """Let go of the leaf that had this name."""
        old = self._leaves.pop(name, None)
        if old is None or self._torch is None or any(each is old for each in self._leaves.values()):
            return
        for group in self._torch.param_groups:
            group["params"] = [each for each in group["params"] if each is not old]
        self._torch.state.pop(old, None)

    def _restore(self, lone: torch.optim.Optimizer, name: str, leaf: Tensor, states: dict[str, ParamState]) -> None:
        """Give the optimiser of one leaf the state that waits for it."""
        waiting = states.pop(name, None)
        if waiting is None or not waiting["values"]:
            return
        self._check_memory(name, leaf, waiting["values"])
        groups = lone.state_dict()["param_groups"]
        try:
            # Torch's own loading puts each tensor on its right device and gives it the leaf's dtype ...
            lone.load_state_dict({"state": {0: waiting["values"]}, "param_groups": groups})
            for key, value in waiting["values"].items():
                if isinstance(value, Tensor) and value.dim() == 0:  # ... NAdam's running product too, which has its own
                    lone.state[leaf][key] = lone.state[leaf][key].to(value.dtype)
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ParamError(
                f"{self._kind.__name__} cannot take up its state of parameter {name!r}: {error}. Take one from "
                "get_state()."
            ) from error

    def _check_memory(self, name: str, leaf: Tensor, values: Mapping[str, Any]) -> None:
        """Check that a state has what this optimiser remembers after a step, which its options decide."""
        like = leaf.detach().clone().requires_grad_(True)
        like.grad = torch.zeros_like(like)
        lone = self._optimizer_of(name, like)
        if not is_plain(lone):  # a step of a user's own class may do anything
            return
        try:
            take_step(lone)
        except RuntimeError:  # it takes no dense gradients
            return
        for key, each in lone.state[like].items():
            given = values.get(key)
            if key not in values:
                came = "lacks it"
            elif isinstance(each, Tensor) and isinstance(given, Tensor) and each.shape != given.shape:
                came = f"has it with shape {tuple(given.shape)}"
            else:
                continue
            raise ParamError(
                f"{self._kind.__name__} with these options remembers {key!r} of parameter {name!r}, but the state "
                f"{came}. Give the options of the optimiser whose state was taken."
            )

    def _check_waiting(self, name: str, leaf: Tensor) -> None:
        if name in self._waiting:
            state: OptimState = {
                "optimizer": self._kind.__name__,
                "params": {name: self._waiting[name]},
                "schedule": None,
            }
            check_state(state, self._kind.__name__, {name: leaf})

    def _by_name(self, params: Iterable[Tensor]) -> dict[str, Tensor]:
        """Leaves by their names in the current store; one outside gets a number, ``tensor_0``, and keeps it."""
        store, named = get_param_store(), {}
        known = {id(leaf): name for name, leaf in self._leaves.items()}
        for leaf in params:
            if not isinstance(leaf, Tensor):
                raise ArgumentError(
                    f"The optimiser got {a_kind(type(leaf))} among its parameters; it takes leaf tensors, or a dict "
                    "from names to them."
                )
            name = store.param_name(leaf)
            if name is not None:
                named[name] = store.unconstrained(name)
                continue
            name = known.get(id(leaf))
            if name is None:
                taken = {*self._leaves, *store, *named}  # a restored state of this name waits for it
                name = next(each for each in map("tensor_{}".format, count()) if each not in taken)
            named[name] = leaf
        return named
