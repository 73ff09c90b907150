"""One step of SVI as a function of tensors, for the engine to capture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from virgil.engine.program import Step
from virgil.infer.density.reads import Reads, in_place_of
from virgil.infer.step.arguments import Arguments
from virgil.infer.step.state import State, flattened
from virgil.optim.functional_step import functional_step

__all__ = ["step_function"]

Objective = Callable[..., Tensor]
Clip = Callable[[Mapping[str, Tensor]], None]


def step_function(
    objective: Objective, state: State, given: Arguments, optimizer: torch.optim.Optimizer, clip: Clip | None
) -> Step:
    """The step: takes the tensors of state, and of arguments followed by learning rates.

    Args:
        objective: takes arguments of model and guide; gives the loss.
        state: what the step reads and changes.
        given: arguments like those that it will get.
        optimizer: the torch optimiser.
        clip: as for ``functional_step``.
    """
    reads = Reads(state.leaves, state.aliases, state.buffers)

    def step(values: list[Tensor], inputs: list[Tensor]) -> tuple[list[Tensor], Tensor, Tensor]:
        before, buffers, memory = state.split(values)
        leaves = {name: each.detach().requires_grad_() for name, each in before.items()}
        buffers = [each.clone() for each in buffers]  # the copies are what batch normalisation writes into
        count = len(given.tensors)
        args, kwargs = given.rebuilt(inputs[:count])
        with in_place_of(reads, leaves, buffers):
            loss = objective(*args, **kwargs)
        gradients = _gradients(loss, leaves)
        after, memory = functional_step(optimizer, state.leaves, before, gradients, memory, inputs[count:], clip)
        norms = [
            torch.linalg.vector_norm(gradients[name]) if name in gradients else loss.new_zeros(()) for name in leaves
        ]
        return flattened(after, buffers, memory), loss.detach(), torch.stack(norms) if norms else loss.new_zeros(0)

    return step


def _gradients(loss: Tensor, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not loss.requires_grad:
        return {}
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return {name: each for name, each in zip(leaves, gradients, strict=True) if each is not None}
