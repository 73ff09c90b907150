"""Newton steps for a batch of small independent problems, each inside a trust region."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError

__all__ = ["newton_step", "newton_step_1d", "newton_step_2d", "newton_step_3d"]


def newton_step(loss: Tensor, x: Tensor, trust_radius: float | None = None) -> tuple[Tensor, Tensor]:
    r"""One step of Newton's method on each of a batch of independent minimisations.

    With gradient :math:`g` and Hessian :math:`H` of the loss with respect to one row of ``x``, the step is
    :math:`-H^{-1} g`. With a trust radius :math:`r` it is :math:`-(H + \lambda I)^{-1} g` with
    :math:`\lambda = \max(0, -\lambda_{\min}(H)) + |g| / r`, so that it leads downhill whatever the curvature is, and is
    not longer than :math:`r` *(Conn, Gould and Toint 2000, section 7)*. Since :math:`\lambda` vanishes with the
    gradient, convergence stays quadratic.

    The step is differentiable, if the loss is three times. At the minimum its derivative is that of the minimum with
    respect to whatever the loss depends on, even if ``x`` is detached before each step
    *(Christianson 1994)*::

        x = torch.zeros(1000, 2)
        for _ in range(20):
            x = x.detach().requires_grad_()  # or derivatives would run through all steps
            x, covariance = newton_step(loss_function(x), x, trust_radius=1.0)

    Args:
        loss: the sum of the losses of all rows. Shape: ``()``.
        x: where it was computed. Shape: ``(*batch, size)`` with a small size.
        trust_radius: the greatest length of a step.

    Returns:
        The next ``x``, and the inverse of the (damped) Hessian, shape ``(*batch, size, size)``. If the loss is a
        negative log-density, these are the mean and covariance of its Laplace approximation, once steps have converged.

    Raises:
        ArgumentError: the loss is not one number, ``x`` has no dims or no gradient, or the radius is not positive.

    >>> x = torch.tensor([[3.0, -1.0]], requires_grad=True)
    >>> newton_step((x - 1).square().sum(), x)[0].detach()
    tensor([[1., 1.]])
    """
    _check(loss, x, trust_radius)
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    hessian = _row_hessians(gradient, x)
    if trust_radius is not None:
        hessian = hessian + _damping(gradient.detach(), hessian.detach(), trust_radius)
    inverse: Tensor = torch.linalg.inv_ex(hessian).inverse
    return x - (inverse @ gradient.unsqueeze(-1)).squeeze(-1), inverse


def newton_step_1d(loss: Tensor, x: Tensor, trust_radius: float | None = None) -> tuple[Tensor, Tensor]:
    """:func:`newton_step` for rows of one entry.

    Raises:
        ArgumentError: as there, or rows have another size.
    """
    return _sized(1, loss, x, trust_radius)


def newton_step_2d(loss: Tensor, x: Tensor, trust_radius: float | None = None) -> tuple[Tensor, Tensor]:
    """:func:`newton_step` for rows of two entries.

    Raises:
        ArgumentError: as there, or rows have another size.
    """
    return _sized(2, loss, x, trust_radius)


def newton_step_3d(loss: Tensor, x: Tensor, trust_radius: float | None = None) -> tuple[Tensor, Tensor]:
    """:func:`newton_step` for rows of three entries.

    Raises:
        ArgumentError: as there, or rows have another size.
    """
    return _sized(3, loss, x, trust_radius)


def _sized(size: int, loss: Tensor, x: Tensor, trust_radius: float | None) -> tuple[Tensor, Tensor]:
    if not x.dim() or x.shape[-1] != size:
        raise ArgumentError(
            f"newton_step_{size}d got x of shape {tuple(x.shape)}; its rightmost size must be {size}. "
            "newton_step takes rows of any size."
        )
    return newton_step(loss, x, trust_radius)


def _check(loss: Tensor, x: Tensor, trust_radius: float | None) -> None:
    if loss.dim():
        raise ArgumentError(f"newton_step got a loss of shape {tuple(loss.shape)}; it must be one number: sum it.")
    if not x.dim():
        raise ArgumentError("newton_step got x without dims; give it the shape (*batch, size), such as (1,).")
    if not x.requires_grad:
        raise ArgumentError("newton_step got x without requires_grad; set it before the loss is computed.")
    if trust_radius is not None and not trust_radius > 0:
        raise ArgumentError(f"newton_step got trust_radius={trust_radius}; it must be positive.")


def _row_hessians(gradient: Tensor, x: Tensor) -> Tensor:
    """The second derivatives within each row. A loss that is linear in an entry has zeros there."""
    rows = []
    for entry in gradient.reshape(-1, x.shape[-1]).sum(0):
        row = None
        if entry.requires_grad:
            (row,) = torch.autograd.grad(entry, x, create_graph=True, allow_unused=True)
        rows.append(torch.zeros_like(x) if row is None else row)
    return torch.stack(rows, -2)


def _damping(gradient: Tensor, hessian: Tensor, trust_radius: float) -> Tensor:
    least = torch.linalg.eigvalsh(hessian)[..., 0]
    limits = torch.finfo(hessian.dtype)
    # slightly more than the curvature, so that no direction has none, even where the gradient is zero
    curvature = (-least).clamp_min(0.0) * (1 + 8 * limits.eps) + limits.tiny
    damping = curvature + torch.linalg.vector_norm(gradient, dim=-1) / trust_radius
    result: Tensor = damping[..., None, None] * torch.eye(hessian.shape[-1], dtype=hessian.dtype, device=hessian.device)
    return result
