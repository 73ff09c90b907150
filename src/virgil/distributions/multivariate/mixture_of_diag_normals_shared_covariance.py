"""The mixture of normal vectors with one diagonal covariance."""

from __future__ import annotations

from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.diagonal_mixture import DiagonalMixture
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["MixtureOfDiagNormalsSharedCovariance"]


@expand_parameters
class MixtureOfDiagNormalsSharedCovariance(DiagonalMixture):
    r"""A mixture of normal vectors with means of their own, and the same standard deviations of independent entries.

    The density is :math:`\sum_k w_k \prod_i N(x_i \mid \mu_{ki}, \sigma_i^2)`, that of `MixtureOfDiagNormals` with one
    row of scales. Shape: event ``(n,)``.

    Args:
        locs: means. Shape: ``(*batch, components, n)``.
        coord_scale: standard deviations, > 0. Shape: ``(*batch, n)``.
        component_logits: logarithms of the weights, up to a constant. Shape: ``(*batch, components)``.

    Raises:
        ShapeError: their sizes differ.
    """

    arg_constraints = {
        "locs": constraints.independent(constraints.real, 2),
        "coord_scale": constraints.independent(constraints.positive, 1),
        "component_logits": constraints.real_vector,
    }

    def __init__(
        self, locs: Tensor, coord_scale: Tensor, component_logits: Tensor, validate_args: bool | None = None
    ) -> None:
        sizes = Size(locs.shape[-2:])
        if len(sizes) != 2 or coord_scale.shape[-1:] != sizes[1:] or component_logits.shape[-1:] != sizes[:1]:
            shapes = ", ".join(str(tuple(each.shape)) for each in (locs, coord_scale, component_logits))
            raise ShapeError(
                "MixtureOfDiagNormalsSharedCovariance got locs, coord_scale and component_logits of shapes "
                f"{shapes}; it takes (*batch, components, n), (*batch, n) and (*batch, components)."
            )
        batch_shape = Size(broadcast_shapes(locs.shape[:-2], coord_scale.shape[:-1], component_logits.shape[:-1]))
        self.locs = locs.expand(batch_shape + sizes)
        self.coord_scale = coord_scale.expand(batch_shape + sizes[1:])
        self.component_logits = component_logits.expand(batch_shape + sizes[:1])
        super().__init__(batch_shape, Size(sizes[1:]), validate_args=validate_args)

    def _components(self) -> tuple[Tensor, Tensor]:
        return self.locs, self.coord_scale.unsqueeze(-2).expand(self.locs.shape)
