"""The coupling layer of monotone rational splines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from virgil.distributions.transforms.flows.affine_coupling import checked_split
from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.distributions.transforms.flows.spline import ConditionalSpline, Spline, spline_sizes
from virgil.networks import DenseNN

__all__ = ["SplineCoupling", "spline_coupling"]


class SplineCoupling(Layer):
    r"""The entries after a split are mapped by splines whose parameters a network makes of those before it.

    .. math:: y_1 = g(x_1), \qquad y_2 = h(x_2; \theta(x_1))

    where h is the monotone rational spline of :class:`~virgil.distributions.transforms.Spline`, entry by entry, and g
    another one or the identity. The image and the inverse image take one pass through the network each.

    Source: Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows"; Dolatabadi, Erfani and
    Leckie 2020, "Invertible Generative Modeling using Linear Rational Splines".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``.

    Args:
        input_dim: the number of variables.
        split_dim: how many of them stand before the split.
        hypernet: a network from these to the parameters of the splines of the others, as that of
            :class:`~virgil.distributions.transforms.ConditionalSpline`; mostly :class:`virgil.nn.DenseNN`.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself; outside it is the identity.
        order: of the pieces, "linear" or "quadratic".
        identity: leave the entries before the split as they are.

    Raises:
        ArgumentError: a side of the split is empty, fewer than two bins, more than 500, or another order.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import SplineCoupling
        >>> from virgil.nn import DenseNN
        >>> network = DenseNN(2, [30], param_dims=[3 * 8, 3 * 8, 3 * 7, 3 * 8])
        >>> SplineCoupling(5, 2, network)(torch.zeros(10, 5)).shape
        torch.Size([10, 5])
    """

    domain = codomain = REAL_VECTOR

    def __init__(
        self,
        input_dim: int,
        split_dim: int,
        hypernet: Callable[[Tensor], Sequence[Tensor]],
        count_bins: int = 8,
        bound: float = 3.0,
        order: str = "linear",
        identity: bool = False,
    ) -> None:
        super().__init__()
        self.split_dim = checked_split("SplineCoupling", input_dim, split_dim)
        self.lower_spline = None if identity else Spline(split_dim, count_bins, bound, order)
        self.upper_spline = ConditionalSpline(hypernet, input_dim - split_dim, count_bins, bound, order)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.tensor_split([self.split_dim], -1)
        lower, lower_slope = self._lower(first, inverse=False)
        upper, upper_slope = self.upper_spline.condition(first).spline_op(second)
        return torch.cat([lower, upper], -1), lower_slope + upper_slope.sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        first, second = y.tensor_split([self.split_dim], -1)
        lower, lower_slope = self._lower(first, inverse=True)
        upper, upper_slope = self.upper_spline.condition(lower).spline_op(second, inverse=True)
        return torch.cat([lower, upper], -1), -(lower_slope + upper_slope.sum(-1))

    def _lower(self, first: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        if self.lower_spline is None:
            return first, first.new_zeros(first.shape[:-1])
        lower, log_slopes = self.lower_spline.spline_op(first, inverse=inverse)
        return lower, log_slopes.sum(-1)


def spline_coupling(
    input_dim: int,
    split_dim: int | None = None,
    hidden_dims: list[int] | None = None,
    count_bins: int = 8,
    bound: float = 3.0,
) -> SplineCoupling:
    """A :class:`SplineCoupling` layer of linear order with a dense network of its own.

    Args:
        input_dim: the number of variables.
        split_dim: how many of them stand before the split; ``None`` for half of them.
        hidden_dims: sizes of the network's hidden layers; ``None`` for two of ``10 * input_dim``.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself.

    Raises:
        ArgumentError: a side of the split is empty, fewer than two bins, or more than 500.
    """
    split_dim = checked_split("spline_coupling", input_dim, split_dim)
    hidden_dims = [input_dim * 10] * 2 if hidden_dims is None else hidden_dims
    sizes = [(input_dim - split_dim) * size for size in spline_sizes("spline_coupling", count_bins, "linear")]
    return SplineCoupling(input_dim, split_dim, DenseNN(split_dim, hidden_dims, sizes), count_bins, bound)
