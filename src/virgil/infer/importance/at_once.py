"""Importance weights of many draws in one execution, and how heavy their tail is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import joint_of
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call
from virgil.infer.trust.weights import importance
from virgil.poutine.block import unrecorded
from virgil.poutine.trace import Trace
from virgil.poutine.wrap import Program

__all__ = ["psis_diagnostic", "vectorized_importance_weights"]


def vectorized_importance_weights(
    model: Program,
    guide: Program,
    *args: Any,
    num_samples: int = 1,
    max_plate_nesting: int | None = None,
    normalized: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, Trace, Trace]:
    """Importance weights ``p(x, z) / q(z)`` of many draws of a guide, in one execution of both programs.

    Args:
        model: the model.
        guide: the guide.
        args: arguments of both.
        num_samples: how many draws.
        max_plate_nesting: how many dims from the right belong to plates, at least. Default: as many as they take.
        normalized: whether the weights are divided by their sum.
        kwargs: arguments of both.

    Returns:
        the logarithms of the weights, nats, shape ``(num_samples,)``, and the executions of model and guide, with the
        draws along a dim left of all plates.

    Raises:
        ArgumentError: the programs do not give the same with all draws at once as with each alone.
    """
    if not isinstance(num_samples, int) or num_samples < 1:
        raise ArgumentError(f"num_samples is {shown(num_samples)}; it must be a number from 1.")
    call = Call(model, guide, args, kwargs)
    with unrecorded():
        with dry_run(), torch.no_grad():
            joint = joint_of(call, False, max_plate_nesting)
        if not joint.at_once:
            raise ArgumentError(
                "vectorized_importance_weights() runs model and guide with all draws at once, and they do not give the "
                "same so as one after the other. Use Importance(model, guide, num_samples), which runs them in turn."
            )
        pair = joint.run(num_samples)
        weights = joint.log_weights(pair, num_samples)
    return weights.log_softmax(0) if normalized else weights, pair.model, pair.guide


def psis_diagnostic(
    model: Program,
    guide: Program,
    *args: Any,
    num_particles: int = 1000,
    max_simultaneous_particles: int | None = None,
    max_plate_nesting: int | None = None,
    **kwargs: Any,
) -> float:
    """The shape k of the Pareto tail of a guide's importance weights *(Yao, Vehtari, Simpson and Gelman 2018)*.

    Below 0.7 the weights have a use; ``fit.check()`` says more, by site. Draws run at once where the programs allow it.

    Args:
        model: the model.
        guide: the guide.
        args: arguments of both.
        num_particles: how many draws.
        max_simultaneous_particles: how many of them an execution has at most.
        max_plate_nesting: how many dims from the right belong to plates, at least.
        kwargs: arguments of both.

    Raises:
        ArgumentError: too few draws for a fit to the tail, or a number that is none.
    """
    most = num_particles if max_simultaneous_particles is None else max_simultaneous_particles
    if not all(isinstance(each, int) and each > 0 for each in (num_particles, most)):
        raise ArgumentError(
            f"psis_diagnostic() got num_particles={shown(num_particles)} and max_simultaneous_particles="
            f"{shown(max_simultaneous_particles)}; they must be numbers from 1."
        )
    log_p, log_q = [], []
    with unrecorded(), torch.no_grad():
        with dry_run():
            joint = joint_of(Call(model, guide, args, kwargs), False, max_plate_nesting)
        done = 0
        while done < num_particles:
            count = min(most, joint.chunk, num_particles - done)
            pair = joint.run(count)
            log_p.append(joint.log_p(pair, count))
            log_q.append(joint.log_q(pair, count))
            done += count
    return importance(torch.cat(log_p), torch.cat(log_q)).k_hat
