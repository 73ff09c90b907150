"""Steps of one SVI on a compiled engine: captured when first asked for, and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.engine.choice import compiled
from virgil.engine.runner import Course, Inputs, Runner
from virgil.infer.dry_run import unmarked
from virgil.infer.step.arguments import Arguments, arguments
from virgil.infer.step.function import step_function
from virgil.infer.step.state import Found, State, finding, state_of
from virgil.optim.given import Steps
from virgil.optim.pure import is_under_way
from virgil.params import get_param_store

__all__ = ["CompiledStep", "CompiledSteps", "one_step"]

_KEPT = 8  # programs that an SVI keeps


@dataclass(eq=False)
class CompiledStep:
    """A captured step on its engine, with the tensors that it reads and changes.

    Attributes:
        found: the parameters and networks that were seen when it was captured.
        state: the tensors of store, networks and optimiser.
        given: arguments like those it takes.
        runner: the engine.
        capture_time: seconds.
    """

    found: Found
    state: State
    given: Arguments
    runner: Runner
    capture_time: float
    versions: tuple[int, ...] = ()

    def load(self) -> None:
        """Let the engine begin where store, networks and optimiser are, unless it was the last to change them."""
        if self.versions != self._present():
            self.runner.load(self.state.tensors())

    def write(self) -> None:
        """Give store, networks and optimiser what the engine has."""
        self.state.write(self.runner.state())
        self.versions = self._present()

    def advance(self, inputs: Inputs, seed: int, first: int, count: int) -> Course:
        """Take steps; a step that is not finite leaves the state before it."""
        return self.runner.advance(inputs, seed, first, count)

    def _present(self) -> tuple[int, ...]:
        return tuple(each._version for each in self.state.tensors())


class CompiledSteps:
    """The captured steps of one SVI, by what they depend on.

    Args:
        objective: takes the arguments of model and guide, gives the loss.
        optim: the optimiser.
        engine: ``"xla"`` or ``"inductor"``.
        choices: the object whose attributes say how the loss is computed.
    """

    def __init__(self, objective: Callable[..., Tensor], optim: Steps, engine: str, choices: object) -> None:
        self._objective = objective
        self._choices = choices
        self._optim = optim
        self.engine = engine
        self.captures = 0
        self._kept: dict[Hashable, CompiledStep] = {}

    def find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledStep | None:
        """The captured step for arguments like these, if there is one that still holds."""
        given = arguments(args, kwargs)
        for key, step in self._kept.items():
            if key == self._key(given, step.found):
                return step
        return None

    def make(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledStep | None:
        """Capture the step for arguments like these; ``None`` while the optimiser has not begun with all parameters.

        Raises:
            CaptureError: it cannot be captured.
        """
        given = arguments(args, kwargs)
        with unmarked(), finding() as found, torch.no_grad():
            self._objective(*args, **kwargs)
        optimizer = self._optim.join(found.leaves)
        if optimizer is None or not is_under_way(optimizer, found.leaves):
            return None
        begin = time.perf_counter()
        state = state_of(found, optimizer)
        function = step_function(self._objective, state, given, optimizer, self._optim.clip)
        runner = compiled(self.engine, function, state.tensors(), [*given.tensors, *self.rates()])
        step = CompiledStep(found, state, given, runner, time.perf_counter() - begin)
        self.captures += 1
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[self._key(given, found)] = step
        return step

    @property
    def torch_optimizer(self) -> torch.optim.Optimizer | None:
        """The torch optimiser underneath."""
        return self._optim.torch_optimizer

    def rates(self) -> list[Tensor]:
        """The learning rate of each group of parameters, as it is now."""
        optimizer = self._optim.torch_optimizer
        groups: Sequence[dict[str, Any]] = [] if optimizer is None else optimizer.param_groups
        return [torch.as_tensor(group["lr"], dtype=torch.float64) for group in groups]

    def _key(self, given: Arguments, found: Found) -> Hashable:
        """What a captured step depends on, besides tensors' values and random numbers."""
        store = get_param_store()
        leaves = tuple(
            (name, leaf.shape, store.unconstrained(name) is leaf if name in store else None)
            for name, leaf in found.leaves.items()
        )
        optimizer = self._optim.torch_optimizer
        groups = [] if optimizer is None else optimizer.param_groups
        options = tuple(
            (len(group["params"]), *((key, repr(each)) for key, each in group.items() if key not in ("params", "lr")))
            for group in groups
        )
        return given.key, leaves, found.training, _choices_of(self._choices), options


def _choices_of(objective: object) -> Hashable:
    """An objective's own choices, such as the number of particles."""
    choices = {name: each for name, each in getattr(objective, "__dict__", {}).items() if not name.startswith("_")}
    return id(objective), repr(choices)


def one_step(steps: CompiledSteps, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float | None:
    """Take one step on a compiled engine; returns the loss before it, nats.

    ``None`` where it is to be taken eagerly: the optimiser has not begun, or loss or gradient would not be finite,
    whose cause the eager step finds. Nothing has changed then.
    """
    step = steps.find(args, kwargs) or steps.make(args, kwargs)
    if step is None:
        return None
    step.load()
    tensors = [*arguments(args, kwargs).tensors, *steps.rates()]
    seed = int(torch.randint(2**62, ()))
    course = step.advance(Inputs(dict(enumerate(tensors)), {}), seed, 0, 1)
    if not course.is_finite:
        return None
    step.write()
    return float(course.losses[0])
