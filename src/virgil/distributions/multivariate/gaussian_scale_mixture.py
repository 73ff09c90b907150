"""The mixture of centred normal vectors of different widths."""

from __future__ import annotations

import torch
from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.diagonal_mixture import DiagonalMixture
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["GaussianScaleMixture"]


@expand_parameters
class GaussianScaleMixture(DiagonalMixture):
    r"""A mixture of normal vectors with mean zero, independent entries, and covariances that are multiples of one.

    The density is :math:`\sum_k w_k \prod_i N(x_i \mid 0, c_k^2 s_i^2)`. The standard deviation of entry i in component
    k is ``component_scale[k] * coord_scale[i]``, and weights are the softmax of the logits. Draws have a pathwise
    derivative by every parameter, as of `MixtureOfDiagNormals`. Shape: event ``(n,)``.

    Args:
        coord_scale: > 0. Shape: ``(*batch, n)``.
        component_logits: logarithms of the weights, up to a constant. Shape: ``(*batch, components)``.
        component_scale: > 0. Shape: ``(*batch, components)``.

    Raises:
        ShapeError: their sizes differ, or one is no vector.
    """

    arg_constraints = {
        "coord_scale": constraints.independent(constraints.positive, 1),
        "component_logits": constraints.real_vector,
        "component_scale": constraints.independent(constraints.positive, 1),
    }

    def __init__(
        self,
        coord_scale: Tensor,
        component_logits: Tensor,
        component_scale: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        given = (coord_scale, component_logits, component_scale)
        if min(each.dim() for each in given) < 1 or component_logits.shape[-1] != component_scale.shape[-1]:
            shapes = ", ".join(str(tuple(each.shape)) for each in given)
            raise ShapeError(
                f"GaussianScaleMixture got coord_scale, component_logits and component_scale of shapes {shapes}; it "
                "takes (*batch, n), (*batch, components) and (*batch, components)."
            )
        batch_shape = Size(broadcast_shapes(*(each.shape[:-1] for each in given)))
        self.coord_scale, self.component_logits, self.component_scale = (
            each.expand(batch_shape + each.shape[-1:]) for each in given
        )
        super().__init__(batch_shape, coord_scale.shape[-1:], validate_args=validate_args)

    def _components(self) -> tuple[Tensor, Tensor]:
        scales = self.component_scale.unsqueeze(-1) * self.coord_scale.unsqueeze(-2)
        return torch.zeros_like(scales), scales
