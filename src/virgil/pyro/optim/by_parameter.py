"""An optimiser whose parameters may each get other options while it runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from virgil.optim import Optimizer
from virgil.optim.options import ByStoreName, check_options, same_options, takes_two
from virgil.optim.schedule import Schedule
from virgil.optim.state import OptimState, ParamState
from virgil.pyro.params.param_store import module_from_param_with_module_name, user_param_name

__all__ = ["ByParameter"]


class ByParameter(Optimizer):
    """A torch optimiser for parameters by name, with what old programs ask of the optimiser of one parameter.

    A function of two arguments from names to options gets the name of the module that ``pyro.module`` was given and
    the name inside of it. Both are the whole name for a parameter of no such module.

    Args:
        facade: the object by which a program knows it. Where its class has a ``__call__`` of its own, SVI takes its
            steps by that, and they are not captured.
        kind: a class of ``torch.optim``, or one like them.
        args: its options, or a function from names to them.
        clip_args: limits of gradients, likewise.
        schedule: a scheduler of the learning rate.
    """

    def __init__(self, facade: Any, kind: Any, args: Any, clip_args: Any, schedule: Schedule | None = None) -> None:
        super().__init__(kind, _by_store_name(args), _by_store_name(clip_args), schedule=schedule, facade=facade)
        self.kind = kind
        self.waiting_values: dict[str, dict[str, Any]] = {}  # restored for parameters not seen yet
        self._own_options: dict[str, dict[str, Any]] = {}

    @property
    def schedule(self) -> Schedule | None:
        """The scheduler of the learning rate."""
        return self._schedule

    @property
    def leaves(self) -> dict[str, Tensor]:
        """The leaves that have joined, by name."""
        return self._leaves

    @property
    def obstacle(self) -> str | None:
        """Why its steps cannot be captured; ``None`` if they can."""
        if self.facade.steps_itself:
            return f"{type(self.facade).__name__} takes a step by a __call__ of its own"
        return None

    def step(self, named: Mapping[str, Tensor]) -> None:
        """Take one step with these leaves and no others."""
        if self.facade.steps_itself:
            self.facade(list(named.values()))
        else:
            super().step(named)

    def step_with(self, params: Any) -> None:
        """Take one step with leaves, by names or of the store in use."""
        super().step(params if isinstance(params, Mapping) else self._by_name(params))

    # -- options of one parameter ------------------------------------------------------------------------------------

    def group_of(self, leaf: Tensor) -> dict[str, Any]:
        """The options of a leaf: the group of torch's optimiser that holds it."""
        groups = [] if self._torch is None else self._torch.param_groups
        return next(group for group in groups if any(each is leaf for each in group["params"]))

    def set_options(self, name: str, changes: Mapping[str, Any]) -> None:
        """Give a parameter other options than its program gave it, now or when it joins.

        Raises:
            ArgumentError: an option has a wrong value.
        """
        options = {**self._own_options.get(name, {}), **self._given(changes)}
        check_options(self.kind, {**super()._options_of(name), **options})
        self._own_options[name] = options
        leaf = self._leaves.get(name)
        if leaf is None:
            return
        if self._schedule is None:
            self._regroup(leaf, self._grouped(changes))
        else:
            self._declared[self._place_of(leaf)].update(self._grouped(changes))
            self._attach_schedule()

    def _options_of(self, name: str) -> Mapping[str, Any]:
        return {**super()._options_of(name), **self._own_options.get(name, {})}

    def _given(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of a group by the names of the class's arguments: AdagradRMSProp calls its rate ``eta``."""
        is_eta = "eta" in inspect.signature(self.kind).parameters
        return {"eta" if is_eta and key == "lr" else key: each for key, each in options.items()}

    def _grouped(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options as they are called in a group."""
        return {"lr" if key == "eta" else key: each for key, each in options.items()}

    def _place_of(self, leaf: Tensor) -> int:
        group = self.group_of(leaf)
        assert self._torch is not None  # noqa: S101  (it has a group)
        return next(place for place, each in enumerate(self._torch.param_groups) if each is group)

    def _regroup(self, leaf: Tensor, changes: Mapping[str, Any]) -> None:
        """Put a leaf into the group that has its new options; make one if there is none."""
        groups, place = self._torch.param_groups, self._place_of(leaf)  # type: ignore[union-attr]
        old = groups[place]
        options = {**{key: each for key, each in old.items() if key != "params"}, **changes}
        same = next((k for k, each in enumerate(groups) if same_options(_without_members(each), options)), None)
        if same == place:
            return
        if same is None and len(old["params"]) == 1:
            old.update(options)
            self._declared[place] = dict(options)
            return
        old["params"] = [each for each in old["params"] if each is not leaf]
        if same is not None:
            groups[same]["params"].append(leaf)
        else:
            self._torch.add_param_group({"params": [leaf], **options})  # type: ignore[union-attr]
            self._declared.append(dict(options))
        if not old["params"]:
            del groups[place], self._declared[place]

    # -- states ------------------------------------------------------------------------------------------------------

    def _join(self, name: str, leaf: Tensor) -> None:
        values = self.waiting_values.pop(name, None)
        if values is not None:
            self._waiting[name] = ParamState(shape=tuple(leaf.shape), values=values)
        super()._join(name, leaf)

    def waiting_state(self) -> dict[str, dict[str, Any]]:
        """The memory of parameters that have not joined yet, by name."""
        return {**{name: each["values"] for name, each in self._waiting.items()}, **self.waiting_values}

    def restore(self, state: OptimState, waiting: dict[str, dict[str, Any]]) -> None:
        """Take up the memory of parameters that have joined, and keep that of others until they do.

        Raises:
            ParamError: the state is another optimiser's, or of parameters with other shapes; nothing is changed.
        """
        self.prepared(state)()
        self.waiting_values = dict(waiting)

    def options_of(self, name: str) -> Mapping[str, Any]:
        """The options of a parameter, before any schedule."""
        return self._options_of(name)


def _without_members(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in group.items() if key != "params"}


def _by_store_name(args: Any) -> Any:
    """A function of two names as one of the store's name; anything else as it is."""
    if not callable(args) or not takes_two(args):
        return args
    return ByStoreName(lambda name: args(module_from_param_with_module_name(name), user_param_name(name)))
