"""Steps on a compiled engine: captured when first asked for, and kept."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.engine.choice import compiled
from virgil.engine.loading import starting
from virgil.engine.runner import Course, Inputs, Runner
from virgil.errors import EngineError
from virgil.infer.density.dry_run import unmarked
from virgil.infer.problem import Problem
from virgil.infer.step.arguments import Arguments, arguments
from virgil.infer.step.finite import Transform, are_finite, transformed
from virgil.infer.step.function import StepFunction
from virgil.infer.step.schedule import Schedule
from virgil.infer.step.state import Found, State, finding, state_of
from virgil.infer.step.step_key import step_key
from virgil.infer.step.verification import Verification
from virgil.infer.warn import show_warning
from virgil.optim.functional_step import is_under_way, memory_of

__all__ = ["CompiledStep", "CompiledSteps"]

_KEPT = 8  # captured steps that are kept


@dataclass(eq=False)
class CompiledStep:
    """A captured step on its engine, with the tensors that it reads and changes.

    Attributes:
        found: the parameters and networks that were seen when it was captured.
        state: the tensors of store, networks and optimiser.
        given: arguments like those it takes.
        engine: ``"xla"`` or ``"inductor"``.
        runner: the program on it.
        capture_time: seconds.
        key: what it depends on besides its arguments, as far as that is seen without running anything.
        verification: compares it with what the programs do.
        transforms: the maps from leaves to parameters' values.
        schedule: says when it is compared where it is taken alone.
        written: the engine's state where store, networks and optimiser were given it since the last step.
    """

    found: Found
    state: State
    given: Arguments
    engine: str
    runner: Runner
    capture_time: float
    key: Hashable
    verification: Verification
    transforms: Mapping[str, Transform]
    schedule: Schedule
    written: Sequence[Tensor] = ()

    def load(self) -> None:
        """Let the engine begin where store, networks and optimiser are, unless it was the last to change them."""
        present = self.state.tensors()
        # a change through ``tensor.data`` leaves no other sign than the values
        if len(self.written) != len(present) or not all(map(torch.equal, self.written, present)):
            with starting(self.engine):
                self.runner.load(present)

    def write(self) -> None:
        """Give store, networks and optimiser what the engine has."""
        self.written = self.runner.state()
        self.state.write(self.written)

    def advance(self, inputs: Inputs, seed: int, first: int, count: int, summed: int = 0) -> Course:
        """Take steps; one whose loss, gradient or parameters after it are not finite leaves the state before it.

        Raises:
            EngineError: the engine cannot run the program; store, networks and optimiser have the state before.
        """
        self.written = ()
        begin = self.runner.state()
        try:
            with starting(self.engine):
                course = self.runner.advance(inputs, seed, first, count, summed)
        except EngineError:
            self.state.write(begin)
            raise
        if self.is_sound(self.runner.state()):
            return course
        return self._up_to_the_first_unsound(course, begin, inputs, seed, first)

    def _up_to_the_first_unsound(
        self, course: Course, begin: Sequence[Tensor], inputs: Inputs, seed: int, first: int
    ) -> Course:
        """The course up to the first step that left parameters which are not finite; the state is that before it."""
        taken = len(course.losses) - (not course.is_finite)

        def ends_sound(steps: int) -> bool:
            self.runner.load(begin)
            if steps:
                self.runner.advance(inputs, seed, first, steps)
            return self.is_sound(self.runner.state())

        if not ends_sound(0):  # nothing that a step of these has done
            self.runner.advance(inputs, seed, first, taken)
            return course
        # what is not finite stays so: the first step after which it is there
        bad = bisect_left(range(1, taken), True, key=lambda steps: not ends_sound(steps))
        ends_sound(bad)
        return Course(course.losses[: bad + 1], course.norms[: bad + 1], False, course.sums)

    def is_sound(self, values: Sequence[Tensor]) -> bool:
        """True if the parameters of a state, and what the optimiser remembers of them, are finite."""
        leaves, _, memory = self.state.split(list(values))
        remembered = [each for entries in memory.values() for each in entries.values()]
        return are_finite(leaves, self.transforms, remembered)


class CompiledSteps:
    """The captured steps on a problem, by what they depend on.

    Attributes:
        problem: what is solved.
        engine: ``"xla"`` or ``"inductor"``.
        captures: how many steps have been captured.
    """

    def __init__(self, problem: Problem, engine: str) -> None:
        self.problem = problem
        self.engine = engine
        self.captures = 0
        self._kept: list[CompiledStep] = []
        self._has_warned = False

    def find(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], sure: Collection[CompiledStep] = ()
    ) -> CompiledStep | None:
        """The captured step for arguments like these, if there is one that still does what the programs do.

        Args:
            args: of model and guide.
            kwargs: likewise.
            sure: steps that are known to do so, for which the programs are not run.
        """
        given, optimizer, doubted = arguments(args, kwargs), self.torch_optimizer, False
        if optimizer is None:
            return None
        for step in reversed(self._kept):  # the last that was used first
            if step.given.key != given.key or step.key != self._key(step.found):
                continue
            step.state.memory = memory_of(optimizer, step.state.leaves)  # other tensors, where a state was loaded
            holds = (step in sure and not doubted) or self._holds(step, given, optimizer)
            if not holds and not doubted:  # programs and objective prepare themselves when they are first called
                doubted = True
                self._call(args, kwargs)
                holds = self._holds(step, given, optimizer)
            if holds:
                self._kept = [*(each for each in self._kept if each is not step), step]
                return step
            self._warn(step)
        return None

    def _holds(self, step: CompiledStep, given: Arguments, optimizer: torch.optim.Optimizer) -> bool:
        """True if a step does what the programs do, which are run."""
        holds = step.verification.holds(self._function(step.state, given, optimizer), self._inputs(given))
        if holds:
            step.schedule.note_comparison()
        return holds

    def _warn(self, step: CompiledStep) -> None:
        """Say once that steps which are taken one by one may have been those of programs that are others now."""
        count = step.schedule.note_comparison()
        if count and not (self._has_warned or self.problem.objective.ignore_jit_warnings):
            self._has_warned = True
            show_warning(
                f"What the programs read has changed since they were captured. As many as {count} steps may have been "
                "taken since without it: between single steps the programs are run now and then to find out. Hand "
                "step() what changes as an argument, a tensor; or use run(), which looks when it begins and after "
                "every callback."
            )

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Found:
        """Call the programs, which may make parameters; returns what they use."""
        if (bound := self.problem.objective.evidence_bound) is not None:
            bound.look_again()
        with unmarked(), finding() as found, torch.no_grad():
            self.problem.loss(*args, **kwargs)
        return found

    def not_due(self) -> list[CompiledStep]:
        """The steps that need no comparison where one is taken alone."""
        return [step for step in self._kept if not step.schedule.is_due]

    def make(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledStep | None:
        """Capture the step for arguments like these; ``None`` while the optimiser has not begun with all parameters.

        Raises:
            CaptureError: it cannot be captured.
        """
        given, found = arguments(args, kwargs), self._call(args, kwargs)
        optimizer = self.problem.optim.join(found.leaves)
        if optimizer is None or not is_under_way(optimizer, found.leaves):
            return None
        begin = time.perf_counter()
        state, inputs = state_of(found, optimizer), self._inputs(given)
        function = self._function(state, given, optimizer)
        runner = compiled(self.engine, function, state.tensors(), inputs)
        verification, seconds = Verification(runner.program, function, inputs), time.perf_counter() - begin
        key, transforms, schedule = self._key(found), transformed(state.leaves), Schedule(verification.num_calls)
        step = CompiledStep(found, state, given, self.engine, runner, seconds, key, verification, transforms, schedule)
        self.captures += 1
        self._kept = [*self._kept[1 - _KEPT :], step]
        return step

    def forget(self) -> None:
        """Keep none of the captured steps."""
        self._kept = []

    @property
    def torch_optimizer(self) -> torch.optim.Optimizer | None:
        """The torch optimiser underneath."""
        return self.problem.optim.torch_optimizer

    def rates(self) -> list[Tensor]:
        """The learning rate of each group of parameters, as it is now."""
        optimizer = self.torch_optimizer
        groups: Sequence[dict[str, Any]] = [] if optimizer is None else optimizer.param_groups
        return [torch.as_tensor(group["lr"], dtype=torch.float64) for group in groups]

    def _function(self, state: State, given: Arguments, optimizer: torch.optim.Optimizer) -> StepFunction:
        return StepFunction(self.problem.loss, state, given, optimizer, self.problem.optim.clip)

    def _inputs(self, given: Arguments) -> list[Tensor]:
        return [*given.tensors, *self.rates()]

    def _key(self, found: Found) -> Hashable:
        return step_key(self.problem.programs, found, self.torch_optimizer)
