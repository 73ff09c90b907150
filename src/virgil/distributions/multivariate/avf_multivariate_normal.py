"""The normal distribution of vectors, with pathwise derivatives that learn to vary less."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
from virgil.errors import ShapeError
from virgil.ops.sizes import Sizes

__all__ = ["AVFMultivariateNormal"]


class AVFMultivariateNormal(MultivariateNormal):
    r"""A `MultivariateNormal` whose pathwise derivatives have a control variate with parameters to learn.

    If the entry :math:`L_{ab}` of the Cholesky factor changes, a draw :math:`\mu + L \epsilon` moves by
    :math:`e_a \epsilon_b + W_{ab} L (e_a \epsilon_b - e_b \epsilon_a)`. The second term turns the standard normal
    vector, whose distribution does not change by that, so the gradient of a mean is right for every W *(Jankowiak and
    Obermeyer 2018)*. Here :math:`W_{ab} = \sum_l B_{la} C_{lb}`. The gradient with respect to B and C is
    not that of the loss: it is that of the sum over draws and entries of squared gradients with respect to L, so an
    optimiser that descends along it makes the variance small. Draws have first derivatives only. Shape: event ``(n,)``.

    Args:
        loc: mean. Shape: ``(*batch, n)``.
        scale_tril: lower Cholesky factor L of the covariance. Shape: ``(*batch, n, n)``.
        control_var: B and C, with any number of rows l. Shape: ``(*batch, 2, rows, n)``.

    Raises:
        ShapeError: ``control_var`` has another shape.

    >>> control = torch.full((2, 1, 3), 0.1, requires_grad=True)
    >>> factor = torch.eye(3, requires_grad=True)
    >>> draw = AVFMultivariateNormal(torch.zeros(3), factor, control).rsample()
    >>> draw.square().sum().backward()  # of both, the factor and the control variate
    >>> control.grad.shape
    torch.Size([2, 1, 3])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "scale_tril": constraints.lower_cholesky,
        "control_var": constraints.independent(constraints.real, 3),
    }

    def __init__(self, loc: Tensor, scale_tril: Tensor, control_var: Tensor, validate_args: bool | None = None) -> None:
        if control_var.dim() < 3 or control_var.shape[-3] != 2 or control_var.shape[-1] != loc.shape[-1]:
            raise ShapeError(
                f"AVFMultivariateNormal got a control_var of shape {tuple(control_var.shape)} beside a loc of shape "
                f"{tuple(loc.shape)}; it takes (*batch, 2, rows, n), where n is the size of loc."
            )
        self.control_var = control_var
        super().__init__(loc, scale_tril=scale_tril, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(AVFMultivariateNormal, _instance)
        new.control_var = self.control_var.expand(Size(batch_shape) + self.control_var.shape[-3:])
        expanded: Self = super().expand(batch_shape, new)
        return expanded

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        shape = self.shape(sample_shape)
        normal = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        factor = self._unbroadcasted_scale_tril.expand(shape + shape[-1:])
        control = self.control_var.expand(shape[:-1] + self.control_var.shape[-3:])
        offset: Tensor = _Turned.apply(factor, control, normal)
        return self.loc + offset


class _Turned(torch.autograd.Function):
    """The product of a factor and a standard normal vector, with the gradients that the class states."""

    generate_vmap_rule = True

    @staticmethod
    def forward(factor: Tensor, control: Tensor, normal: Tensor) -> Tensor:
        return (factor @ normal.unsqueeze(-1)).squeeze(-1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        factor, control, normal = ctx.saved_tensors
        left, right = control.unbind(-3)
        slope = grads[0].unsqueeze(-1)
        outer = (factor.mT @ slope) * normal.unsqueeze(-2)
        turning = outer - outer.mT
        of_factor = (slope * normal.unsqueeze(-2) + (left.mT @ right) * turning).tril()
        of_weights = 2 * of_factor * turning
        of_control = torch.stack([right @ of_weights.mT, left @ of_weights], -3)
        return of_factor, of_control, None
