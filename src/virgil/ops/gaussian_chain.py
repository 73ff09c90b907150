"""Chains of Gaussian functions, integrated and drawn from in rounds whose number is the logarithm of the length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.ops.affine_normal import AffineNormal
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.gaussian import Gaussian
from virgil.ops.vector_integrals import integrated_product, without_middle

__all__ = ["gaussian_tensordot", "sequential_gaussian_filter_sample", "sequential_gaussian_tensordot"]


def gaussian_tensordot(x: Gaussian | AffineNormal, y: Gaussian | AffineNormal, dims: int = 0) -> Gaussian:
    r"""The integral :math:`\int x(a, b)\, y(b, c)\, db`, a function of ``(a, c)``.

    Args:
        x: of vectors ``(a, b)``.
        y: of vectors ``(b, c)``.
        dims: the size of ``b``.

    Raises:
        ArgumentError: ``b`` is larger than the vectors.
    """
    return integrated_product("gaussian_tensordot", x, y, dims)


def sequential_gaussian_tensordot(gaussian: Gaussian | AffineNormal) -> Gaussian:
    """The integral over the states between the first and the last of a chain *(Sarkka and Garcia-Fernandez 2021)*.

    Args:
        gaussian: of two successive states ``(before, after)``. The last dim of its batch is time.

    Returns:
        A function of the first and the last state, without that dim.

    Raises:
        ArgumentError: no steps, or vectors that are not two states of one size.
    """
    steps = _steps(gaussian)
    while steps.batch_shape[-1] > 1:
        steps = _round(steps)[1]
    return steps[..., 0]


def sequential_gaussian_filter_sample(
    init: Gaussian, trans: Gaussian | AffineNormal, sample_shape: Sequence[int] = (), noise: Tensor | None = None
) -> Tensor:
    """Draw the states of a chain jointly, differentiably.

    The chain is integrated in rounds that leave out every second state, until the first and the last are left, which
    are drawn. Then each round's states are drawn given their neighbours *(Sarkka and Garcia-Fernandez 2021)*.

    Args:
        init: of the first state.
        trans: of two successive states. The last dim of its batch is time.
        sample_shape: of how many draws.
        noise: what the draws are made from, of the shape of the result, standard normal if not given. Zeros give the
            mean, and the opposite sign the states on the other side of it.

    Returns:
        Shape: ``(*sample_shape, *batch, duration, size)`` with a duration of one more than the steps.

    Raises:
        ArgumentError: no steps, or vectors that are not two states of one size.
    """
    steps, size = _steps(trans), init.dim()
    batch_shape = broadcast_shapes(init.batch_shape, steps.batch_shape[:-1])
    shape = (*sample_shape, *batch_shape, 1 + steps.batch_shape[-1], size)
    noise = torch.randn(shape, dtype=init.precision.dtype, device=init.precision.device) if noise is None else noise
    joints = []
    while steps.batch_shape[-1] > 1:
        joint, steps = _round(steps)
        joints.append(joint)
    ends = init.event_pad(right=size) + steps[..., 0]
    drawn = ends.rsample(sample_shape, noise[..., :2, :].flatten(-2))
    states, used = drawn.expand(*shape[:-2], 2 * size).unflatten(-1, (2, size)), 2
    for joint in reversed(joints):
        count = joint.batch_shape[-1]
        first, last = states[..., :count, :], states[..., 1 : count + 1, :]
        between = joint.left_condition(first).condition(last).rsample((), noise[..., used : used + count, :])
        used += count
        pairs = torch.stack([first, between.expand(first.shape)], -2).flatten(-3, -2)
        states = torch.cat([pairs, states[..., count:, :]], -2)
    result: Tensor = states
    return result


def _steps(gaussian: Gaussian | AffineNormal) -> Gaussian:
    steps = gaussian.to_gaussian() if isinstance(gaussian, AffineNormal) else gaussian
    if not steps.batch_shape or not steps.batch_shape[-1] or steps.dim() % 2:
        raise ArgumentError(
            f"A chain got Gaussians of batch shape {tuple(steps.batch_shape)} and vectors of size {steps.dim()}; the "
            "last dim of the batch is time, with one step or more, and a vector is two states of one size."
        )
    return steps


def _round(steps: Gaussian) -> tuple[Gaussian, Gaussian]:
    """Functions of three successive states for each pair of steps, and the chain without the states in the middle."""
    size, paired = steps.dim() // 2, steps.batch_shape[-1] // 2 * 2
    left, right = steps[..., 0:paired:2], steps[..., 1:paired:2]
    joint = left.event_pad(right=size) + right.event_pad(left=size)
    rest = [steps[..., paired:]] if paired < steps.batch_shape[-1] else []
    return joint, Gaussian.cat([without_middle(joint, size, size), *rest], -1)
