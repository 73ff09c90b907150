"""Eager steps of SVI: one that goes wrong is taken back and explained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from virgil.errors import NonFiniteError
from virgil.infer.blame.inquiry import Noise, inquire
from virgil.infer.blame.summary import joined
from virgil.infer.blame.updates import describe_update
from virgil.infer.blame.watch import LinAlgError
from virgil.infer.density.dry_run import Before, buffers_before, put_back, unmarked
from virgil.infer.problem import Problem
from virgil.infer.step.record import Record
from virgil.infer.step.update import Broken, Update
from virgil.ops.foreach import foreach
from virgil.ops.random_state import TorchState, seed_torch
from virgil.optim import zero_grads

__all__ = ["EagerSteps"]

_OTHER_NOISE = 20  # draws on which the cause of what cannot be repeated is looked for


class EagerSteps:
    """The eager steps on a problem.

    Attributes:
        problem: what is solved.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._update = Update(problem.optim)
        self._programs: tuple[Any, Any] | None = None
        self._buffers: list[Tensor] = []  # of the networks that the programs call

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None = None) -> float:
        """Take a step; returns the loss before it, nats.

        Raises:
            NonFiniteError: loss, gradient or the parameters after it are not finite. Parameters, buffers and optimiser
                are as they were.
        """
        programs = self.problem.model, self.problem.guide
        if self._programs == programs:
            return self._attempt(args, kwargs, record, [(each, each.clone()) for each in self._buffers])
        with buffers_before() as before:
            loss = self._attempt(args, kwargs, record, before)
        self._programs, self._buffers = programs, [each for each, _ in before]
        return loss

    def _attempt(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None, buffers: list[Before]
    ) -> float:
        before = TorchState()
        try:
            return self._step(args, kwargs, record)
        except (Broken, NonFiniteError, LinAlgError) as error:
            put_back(buffers)
            number = None if record is None else record.num_steps
            raise self.explained(args, kwargs, partial(_at, before), number, error) from None

    @property
    def _updated(self) -> Update:
        if self._update.optim is not self.problem.optim:  # another one since
            self._update = Update(self.problem.optim)
        return self._update

    def _step(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: Record | None) -> float:
        loss, leaves = self.problem.gradients(args, kwargs)
        try:
            gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
            norms = dict(zip(gradients, _norms([*gradients.values()]), strict=True))
            if not math.isfinite(loss) or not all(map(math.isfinite, norms.values())):
                raise _unexplained(loss, norms)
            self._updated.step(leaves, max(norms.values(), default=0.0))
            if record is not None:
                record.add(loss, leaves, norms)
        finally:
            zero_grads(leaves.values())
        return loss

    def explained(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        noise: Noise,
        number: int | None = None,
        error: Exception | None = None,
    ) -> NonFiniteError:
        """Take a step again and say what goes wrong.

        Args:
            args: its arguments.
            kwargs: likewise.
            noise: makes a block in which its random numbers are drawn.
            number: the step's in its run.
            error: what is known already.
        """
        error = error or NonFiniteError("Loss, gradient or the parameters after the step are not finite.")
        found = None
        if not isinstance(error, Broken):
            found = inquire(self.problem.examined, args, kwargs, noise)
            error = found or self._broken(args, kwargs, noise) or error
        if isinstance(error, Broken):
            text = describe_update(error.name, error.what, error.is_memory, error.leaf, error.gradient, error.options)
            return _finished(text, error.name, number)
        if found is None:
            found = self._on_other_noise(args, kwargs)
        return _finished(str(found or error), getattr(found or error, "site", None), number)

    def _broken(self, args: tuple[Any, ...], kwargs: dict[str, Any], noise: Noise) -> Broken | None:
        """The fault of the optimiser's step, if loss and gradients are finite."""
        with unmarked(), noise():
            loss, leaves = self.problem.gradients(args, kwargs)
        try:
            return self._updated.try_out(leaves) if math.isfinite(loss) else None
        finally:
            zero_grads(leaves.values())

    def _on_other_noise(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NonFiniteError | None:
        found = (inquire(self.problem.examined, args, kwargs, partial(_seeded, seed)) for seed in range(_OTHER_NOISE))
        return next(filter(None, found), None)


@contextmanager
def _at(state: TorchState) -> Iterator[None]:
    state.set()
    yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    seed_torch(seed)
    yield


def _norms(gradients: list[Tensor]) -> list[float]:
    """Euclidean norms: one by one on the CPU, where that is soonest, and elsewhere in one transfer."""
    if not gradients or gradients[0].device.type == "cpu":
        return [abs((torch.linalg.vector_norm(each) if each.dim() else each).item()) for each in gradients]
    return torch.stack(foreach("norm", gradients)).tolist()


def _unexplained(loss: float, norms: Mapping[str, float]) -> NonFiniteError:
    """The error about a step that nobody has looked at closer."""
    if not math.isfinite(loss):
        return NonFiniteError("The loss is not finite.")
    wrong = [name for name, norm in norms.items() if not math.isfinite(norm)]
    names = ", ".join(map(repr, wrong))
    return NonFiniteError(f"The loss is finite, but the gradient of {names} is not.", site=wrong[0])


def _finished(text: str, site: str | None, number: int | None) -> NonFiniteError:
    """The error, with the step's number in its run."""
    place = "this step" if number is None else f"step {number}"
    text = (
        text
        if number is None
        else text.replace("The loss is finite, but", f"At step {number} the loss is finite, but", 1)
    )
    return NonFiniteError(
        joined(text, f"Parameters, buffers and optimiser are as they were before {place}."), site=site
    )
