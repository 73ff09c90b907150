"""The autoregressive flow of monotone rational splines."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.autoregressive import AtContext, Network, inverse_in_order
from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.distributions.transforms.flows.spline import ConditionedSpline, Parameters, spline_parameters, spline_sizes
from virgil.networks import AutoRegressiveNN, ConditionalAutoRegressiveNN

__all__ = [
    "ConditionalSplineAutoregressive",
    "SplineAutoregressive",
    "conditional_spline_autoregressive",
    "spline_autoregressive",
]


class SplineAutoregressive(Layer):
    r"""Each entry is mapped by a spline whose parameters an autoregressive network makes of the entries before it.

    .. math:: y_i = g(x_i; \theta_i(x_{<i}))

    with the monotone rational spline of :class:`~virgil.distributions.transforms.Spline` for g. An image takes one pass
    through the network, an inverse image one for each entry.

    Source: Durkan, Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows"; Dolatabadi, Erfani and
    Leckie 2020, "Invertible Generative Modeling using Linear Rational Splines".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``.

    Args:
        input_dim: the number of variables.
        autoregressive_nn: the network; a variable has ``count_bins`` outputs for widths, as many for heights,
            ``count_bins - 1`` for slopes and, for the linear order, ``count_bins`` for halves.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself; outside it is the identity.
        order: of the pieces, "linear" or "quadratic".

    Raises:
        ArgumentError: fewer than two bins, more than 500, or another order.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import SplineAutoregressive
        >>> from virgil.nn import AutoRegressiveNN
        >>> network = AutoRegressiveNN(3, [30, 30], param_dims=[8, 8, 7, 8])
        >>> SplineAutoregressive(3, network)(torch.zeros(10, 3)).shape
        torch.Size([10, 3])
    """

    domain = codomain = REAL_VECTOR
    autoregressive = True

    def __init__(
        self,
        input_dim: int,
        autoregressive_nn: Network,
        count_bins: int = 8,
        bound: float = 3.0,
        order: str = "linear",
    ) -> None:
        super().__init__()
        spline_sizes(self, count_bins, order)
        self.arn = autoregressive_nn
        self.input_dim, self.count_bins, self.bound, self.order = input_dim, count_bins, bound, order

    def _parameters_at(self, x: Tensor) -> Parameters:
        return spline_parameters([each.mT for each in self.arn(x)], self.order)

    def _spline_at(self, x: Tensor) -> ConditionedSpline:
        return ConditionedSpline(partial(self._parameters_at, x), self.bound, self.order)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, log_slope = self._spline_at(x).spline_op(x)
        return y, log_slope.sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        x = inverse_in_order(lambda x: self._spline_at(x).spline_op(y, inverse=True)[0], y, self.arn)
        return x, self._image(x)[1]


class ConditionalSplineAutoregressive(ConditionalTransformModule):
    """Autoregressive maps by splines whose network has a context as well, see :class:`SplineAutoregressive`.

    Args:
        input_dim: the number of variables.
        autoregressive_nn: the network, mostly :class:`virgil.nn.ConditionalAutoRegressiveNN`.
        kwargs: as of :class:`SplineAutoregressive`.
    """

    domain = codomain = REAL_VECTOR
    bijective = True

    def __init__(self, input_dim: int, autoregressive_nn: nn.Module, **kwargs: Any) -> None:
        super().__init__()
        self.input_dim = input_dim
        self.nn = autoregressive_nn
        self.kwargs = kwargs

    def condition(self, context: Tensor) -> SplineAutoregressive:
        """The map at this context. Shape: ``(..., context_dim)``."""
        return SplineAutoregressive(self.input_dim, AtContext(self.nn, context), **self.kwargs)


def spline_autoregressive(
    input_dim: int,
    hidden_dims: list[int] | None = None,
    count_bins: int = 8,
    bound: float = 3.0,
    order: str = "linear",
) -> SplineAutoregressive:
    """A :class:`SplineAutoregressive` map with a network of its own.

    Args:
        input_dim: the number of variables.
        hidden_dims: sizes of the network's hidden layers; ``None`` for two of ``10 * input_dim``.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself.
        order: of the pieces, "linear" or "quadratic".
    """
    hidden_dims = [input_dim * 10] * 2 if hidden_dims is None else hidden_dims
    network = AutoRegressiveNN(input_dim, hidden_dims, spline_sizes("spline_autoregressive", count_bins, order))
    return SplineAutoregressive(input_dim, network, count_bins, bound, order)


def conditional_spline_autoregressive(
    input_dim: int,
    context_dim: int,
    hidden_dims: list[int] | None = None,
    count_bins: int = 8,
    bound: float = 3.0,
    order: str = "linear",
) -> ConditionalSplineAutoregressive:
    """A :class:`ConditionalSplineAutoregressive` family of maps with a network of its own.

    Args:
        input_dim: the number of variables.
        context_dim: size of the context.
        hidden_dims: sizes of the network's hidden layers; ``None`` for two of ``10 * input_dim``.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself.
        order: of the pieces, "linear" or "quadratic".
    """
    hidden_dims = [input_dim * 10] * 2 if hidden_dims is None else hidden_dims
    sizes = spline_sizes("conditional_spline_autoregressive", count_bins, order)
    network = ConditionalAutoRegressiveNN(input_dim, context_dim, hidden_dims, sizes)
    return ConditionalSplineAutoregressive(input_dim, network, count_bins=count_bins, bound=bound, order=order)
