"""Single steps on a compiled engine."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from virgil.engine.runner import Inputs
from virgil.infer.blame.inquiry import Noise
from virgil.infer.step.arguments import arguments
from virgil.infer.step.compiled import CompiledSteps

__all__ = ["one_step"]


def one_step(steps: CompiledSteps, args: tuple[Any, ...], kwargs: dict[str, Any]) -> float | Noise | None:
    """Take one step on a compiled engine; returns the loss before it, nats.

    ``None`` where it is to be taken eagerly, because the optimiser has not begun. What draws its noise where loss,
    gradient or the parameters after it would not be finite. Nothing has changed in both cases.
    """
    step = steps.find(args, kwargs, steps.not_due()) or steps.make(args, kwargs)
    if step is None:
        return None
    step.schedule.note_step()
    step.load()
    tensors = [*arguments(args, kwargs).tensors, *steps.rates()]
    seed = int(torch.randint(2**62, ()))
    course = step.advance(Inputs(dict(enumerate(tensors)), {}, alone=True), seed, 0, 1)
    if not course.is_finite:
        return partial(step.runner.noise, seed, 0)
    step.write()
    return float(course.losses[0])
