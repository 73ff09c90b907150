"""The mixture of normal vectors with independent entries."""

from __future__ import annotations

from torch import Size, Tensor

from virgil.distributions import constraints
from virgil.distributions.core.diagonal_mixture import DiagonalMixture
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.errors import ShapeError
from virgil.ops.broadcast import broadcast_shapes

__all__ = ["MixtureOfDiagNormals"]


@expand_parameters
class MixtureOfDiagNormals(DiagonalMixture):
    r"""A mixture of normal vectors, each with means and standard deviations of its own and independent entries.

    The density is :math:`\sum_k w_k \prod_i N(x_i \mid \mu_{ki}, \sigma_{ki}^2)`, where the weights w are the softmax
    of the logits. Draws have a pathwise derivative by every parameter, the weights included;
    :mod:`virgil.ops.diagonal_mixture` says by which velocities. Shape: event ``(n,)``.

    Args:
        locs: means. Shape: ``(*batch, components, n)``.
        coord_scale: standard deviations, > 0. Shape: ``(*batch, components, n)``.
        component_logits: logarithms of the weights, up to a constant. Shape: ``(*batch, components)``.

    Raises:
        ShapeError: their sizes differ.

    >>> import torch
    >>> locs = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
    >>> MixtureOfDiagNormals(locs, torch.ones(2, 2), torch.zeros(2)).variance
    tensor([5., 1.])
    """

    arg_constraints = {
        "locs": constraints.independent(constraints.real, 2),
        "coord_scale": constraints.independent(constraints.positive, 2),
        "component_logits": constraints.real_vector,
    }

    def __init__(
        self, locs: Tensor, coord_scale: Tensor, component_logits: Tensor, validate_args: bool | None = None
    ) -> None:
        sizes = Size(locs.shape[-2:])
        if len(sizes) != 2 or coord_scale.shape[-2:] != sizes or component_logits.shape[-1:] != sizes[:1]:
            shapes = ", ".join(str(tuple(each.shape)) for each in (locs, coord_scale, component_logits))
            raise ShapeError(
                f"MixtureOfDiagNormals got locs, coord_scale and component_logits of shapes {shapes}; it takes "
                "(*batch, components, n), (*batch, components, n) and (*batch, components)."
            )
        batch_shape = Size(broadcast_shapes(locs.shape[:-2], coord_scale.shape[:-2], component_logits.shape[:-1]))
        self.locs, self.coord_scale = (each.expand(batch_shape + sizes) for each in (locs, coord_scale))
        self.component_logits = component_logits.expand(batch_shape + sizes[:1])
        super().__init__(batch_shape, Size(sizes[1:]), validate_args=validate_args)

    def _components(self) -> tuple[Tensor, Tensor]:
        return self.locs, self.coord_scale
