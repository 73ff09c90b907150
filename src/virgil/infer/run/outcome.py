"""``Outcome``: the course and the result of a run, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from virgil.infer.run.origin import Origin

__all__ = ["Evaluations", "Outcome", "tail_loss"]


@dataclass(frozen=True)
class Evaluations:
    """How often a deterministic approximation computed derivatives of the model's log-density, each of one vector.

    Attributes:
        gradients: gradients, each with the log-density itself.
        products: products of the Hessian with a vector.
    """

    gradients: int
    products: int


@dataclass(frozen=True)
class Outcome:
    """The course and the result of a run.

    Attributes:
        losses: the loss of every step, nats. Shape: ``(steps,)``.
        gradient_norms: by parameter, the Euclidean norm of the gradient with respect to its unconstrained value at
            every step; 0 at a step that did not reach it. Shape: ``(steps,)`` each.
        params: the constrained value of every parameter after the last step, detached.
        wall_time: seconds.
        interrupted: whether Ctrl-C ended the run early.
        engine: what ran the steps: ``"eager"``, ``"xla"`` or ``"inductor"``.
        engine_reason: why this engine.
        stopped: why a rule ended the run early; ``None`` if none did.
        averaged: over how many of the last steps the parameters were averaged; 0 if they are those of the last step.
        failure: why a restart ended before its last step; ``None`` if it did not.
        evaluations: of derivatives, for a deterministic approximation; ``None`` for steps of a stochastic optimiser.
        origin: what it was fitted from; ``None`` where it was made by hand or read from a file.
    """

    losses: Tensor
    gradient_norms: dict[str, Tensor]
    params: dict[str, Tensor]
    wall_time: float
    interrupted: bool = False
    engine: str = "eager"
    engine_reason: str = ""
    stopped: str | None = None
    averaged: int = 0
    failure: str | None = None
    evaluations: Evaluations | None = None
    origin: Origin | None = field(default=None, repr=False, compare=False)

    @property
    def num_steps(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    def tail_loss(self, share: float = 0.1) -> tuple[float, float]:
        """Mean and standard deviation of the loss over the last ``share`` of the steps, nats; NaN without steps."""
        return tail_loss(self.losses, share)


def tail_loss(losses: Tensor, share: float = 0.1) -> tuple[float, float]:
    """Mean and standard deviation of the last ``share`` of losses, nats; NaN where there are none."""
    if not len(losses):
        return float("nan"), float("nan")
    tail = losses[-max(1, round(share * len(losses))) :]
    return tail.mean().item(), tail.std(correction=0).item()
