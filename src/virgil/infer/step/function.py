"""One step of SVI as a function of tensors, for the engine to capture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.infer.density.reads import Reads, in_place_of
from virgil.infer.step.arguments import Arguments
from virgil.infer.step.state import State, flattened
from virgil.optim.functional_step import functional_step

__all__ = ["StepFunction"]

Objective = Callable[..., Tensor]
Clip = Callable[[Mapping[str, Tensor]], None]


@dataclass(frozen=True, eq=False)
class StepFunction:
    """The step: called with the tensors of state, and of arguments followed by learning rates.

    Attributes:
        objective: takes arguments of model and guide; gives the loss.
        state: what the step reads and changes.
        given: arguments like those that it will get.
        optimizer: the torch optimiser.
        clip: as for ``functional_step``.
    """

    objective: Objective
    state: State
    given: Arguments
    optimizer: torch.optim.Optimizer
    clip: Clip | None

    def __call__(self, values: list[Tensor], inputs: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        """State, loss and gradient norms after a step."""
        before, _, memory = self.state.split(values)
        loss, gradients, buffers = self.differentiated(values, inputs)
        rates = inputs[len(self.given.tensors) :]
        after, memory = functional_step(self.optimizer, self.state.leaves, before, gradients, memory, rates, self.clip)
        found = [gradients.get(name) for name in before]
        norms = [loss.new_zeros(()) if each is None else torch.linalg.vector_norm(each) for each in found]
        return flattened(after, buffers, memory), loss, torch.stack(norms) if norms else loss.new_zeros(0)

    def differentiated(
        self, values: list[Tensor], inputs: list[Tensor]
    ) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
        """The loss, its gradients, and buffers after it: all of the step that the optimiser has no part in."""
        before, buffers, _ = self.state.split(values)
        leaves = {name: each.detach().requires_grad_() for name, each in before.items()}
        buffers = [each.clone() for each in buffers]  # the copies are what batch normalisation writes into
        reads = Reads(self.state.leaves, self.state.aliases, self.state.buffers)
        args, kwargs = self.given.rebuilt(inputs[: len(self.given.tensors)])
        with in_place_of(reads, leaves, buffers):
            loss = self.objective(*args, **kwargs)
        return loss.detach(), _gradients(loss, leaves), buffers


def _gradients(loss: Tensor, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not loss.requires_grad:
        return {}
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {name: each for name, each in zip(leaves, gradients, strict=True) if each is not None}
