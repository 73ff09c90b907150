"""Maps of each entry by a monotone rational spline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from virgil.distributions import constraints
from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.layer import Layer
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.networks import DenseNN
from virgil.ops.rational_splines import linear_rational_spline, quadratic_rational_spline

__all__ = [
    "ConditionalSpline",
    "ConditionedSpline",
    "Spline",
    "conditional_spline",
    "spline",
    "spline_parameters",
    "spline_sizes",
]

Parameters = tuple[Tensor, Tensor, Tensor, Tensor | None]

_REAL = cast(constraints.Constraint, constraints.real)


def spline_sizes(maker: object, count_bins: int, order: str) -> list[int]:
    """How many widths, heights, slopes and, where the order is linear, halves a spline has.

    Raises:
        ArgumentError: fewer than two bins, more than 500, or another order.
    """
    name = type(maker).__name__ if isinstance(maker, nn.Module) else maker
    if order not in ("linear", "quadratic"):
        raise ArgumentError(f"{name} got order={shown(order)}; it takes 'linear' or 'quadratic'.")
    if not isinstance(count_bins, int) or not 2 <= count_bins <= 500:
        raise ArgumentError(f"{name} got count_bins={shown(count_bins)}; it takes an integer from 2 to 500.")
    return [count_bins, count_bins, count_bins - 1, *([count_bins] if order == "linear" else [])]


def spline_parameters(values: Sequence[Tensor], order: str) -> Parameters:
    """Shares of widths, shares of heights, slopes and, for the linear order, shares of halves, of any real numbers.

    Args:
        values: the numbers. Shape: ``(..., bins)``; the third, for the slopes, ``(..., bins - 1)``.
        order: "linear" or "quadratic".

    Raises:
        ArgumentError: not four tensors, or, for the quadratic order, not three.
    """
    expected = 4 if order == "linear" else 3
    if len(values) != expected:
        raise ArgumentError(
            f"A spline's network returned {len(values)} tensors; a spline of order {order!r} takes {expected}: widths, "
            f"heights, slopes{' and halves' if expected == 4 else ''}."
        )
    widths, heights, slopes, *halves = values
    return widths.softmax(-1), heights.softmax(-1), softplus(slopes), halves[0].sigmoid() if halves else None


class ConditionedSpline(Layer):
    """Each entry mapped by a spline with given parameters, see :class:`Spline`.

    Args:
        params: a function without arguments that returns the shares of the bins' widths and of their heights, the
            slopes between bins, and, for the linear order, the shares of the bins' first halves.
            Shapes: ``(..., input_dim, count_bins)``; of the slopes ``(..., input_dim, count_bins - 1)``.
        bound: the spline maps ``[-bound, bound]`` onto itself; outside it is the identity.
        order: of the pieces, "linear" or "quadratic".
    """

    domain = codomain = _REAL
    sign = +1

    def __init__(self, params: Callable[[], Parameters], bound: float = 3.0, order: str = "linear") -> None:
        super().__init__()
        self.bound, self.order = bound, order
        self._given = params

    def _params(self) -> Parameters:
        return self._given()

    def spline_op(self, x: Tensor, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The image of ``x``, and the logarithm of the slope there.

        Args:
            x: Shape: ``(..., input_dim)``.
            kwargs: ``inverse=True`` for the value whose image is ``x``; then the slope is that of the inverse.
        """
        inverse = bool(kwargs.get("inverse", False))
        y, log_slope = self._spline(x, inverse)
        return y, -log_slope if inverse else log_slope

    def _spline(self, x: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        widths, heights, slopes, halves = self._params()
        if widths.shape[-2] != (x.shape[-1] if x.dim() else None):
            raise ShapeError(
                f"{type(self).__name__} got a value of shape {tuple(x.shape)}; its last dim must be "
                f"input_dim={widths.shape[-2]}."
            )
        if halves is None:
            return quadratic_rational_spline(x, widths, heights, slopes, self.bound, inverse)
        return linear_rational_spline(x, widths, heights, slopes, halves, self.bound, inverse)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self._spline(x, inverse=False)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        return self._spline(y, inverse=True)


class Spline(ConditionedSpline):
    r"""Each entry mapped by a monotone rational spline of its own.

    On ``[-bound, bound]`` an entry's map is a spline with learnt bins, slopes and, for the linear order, cuts of the
    bins in two (:func:`~virgil.ops.rational_splines.linear_rational_spline` and
    :func:`~virgil.ops.rational_splines.quadratic_rational_spline` have the formulas); outside it is the identity. The
    map and its inverse cost the same. A new spline has random parameters.

    Source: Dolatabadi, Erfani and Leckie 2020, "Invertible Generative Modeling using Linear Rational Splines"; Durkan,
    Bekasov, Murray and Papamakarios 2019, "Neural Spline Flows".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``. As an entry's image depends on this entry alone, the
    log-determinant has the value's shape.

    Args:
        input_dim: the number of entries, each with a spline of its own.
        count_bins: the number of bins.
        bound: the spline maps ``[-bound, bound]`` onto itself.
        order: of the pieces, "linear" or "quadratic".

    Raises:
        ArgumentError: fewer than two bins, more than 500, or another order.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import Spline
        >>> spline = Spline(2, count_bins=4)
        >>> x = torch.tensor([[0.5, -1.0], [7.0, -9.0]])
        >>> y = spline(x)
        >>> y[1]
        tensor([ 7., -9.], grad_fn=<SelectBackward0>)
        >>> torch.allclose(spline.with_cache(0).inv(y), x, atol=1e-5)
        True
    """

    def __init__(self, input_dim: int, count_bins: int = 8, bound: float = 3.0, order: str = "linear") -> None:
        sizes = spline_sizes(self, count_bins, order)
        Layer.__init__(self)  # the parameters are this map's own
        self.bound, self.order = bound, order
        self.input_dim, self.count_bins = input_dim, count_bins
        self.unnormalized_widths = nn.Parameter(torch.randn(input_dim, sizes[0]))
        self.unnormalized_heights = nn.Parameter(torch.randn(input_dim, sizes[1]))
        self.unnormalized_derivatives = nn.Parameter(torch.randn(input_dim, sizes[2]))
        if order == "linear":
            self.unnormalized_lambdas = nn.Parameter(torch.rand(input_dim, sizes[3]))

    def _params(self) -> Parameters:
        values = [self.unnormalized_widths, self.unnormalized_heights, self.unnormalized_derivatives]
        halves = [self.unnormalized_lambdas] if self.order == "linear" else []
        return spline_parameters([*values, *halves], self.order)


class ConditionalSpline(ConditionalTransformModule):
    """Splines whose parameters are a network's, of a context, see :class:`Spline`.

    Args:
        nn: a network from the context to ``input_dim * count_bins`` numbers for widths, as many for heights,
            ``input_dim * (count_bins - 1)`` for slopes and, for the linear order, ``input_dim * count_bins`` for
            halves; mostly :class:`virgil.nn.DenseNN`.
        input_dim: the number of entries.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself.
        order: of the pieces, "linear" or "quadratic".

    Raises:
        ArgumentError: fewer than two bins, more than 500, or another order.
    """

    domain = codomain = _REAL
    bijective = True

    def __init__(
        self,
        nn: Callable[[Tensor], Sequence[Tensor]],
        input_dim: int,
        count_bins: int,
        bound: float = 3.0,
        order: str = "linear",
    ) -> None:
        super().__init__()
        spline_sizes(self, count_bins, order)
        self.nn = nn
        self.input_dim, self.count_bins, self.bound, self.order = input_dim, count_bins, bound, order

    def _parameters_at(self, context: Tensor) -> Parameters:
        values = [each.unflatten(-1, (self.input_dim, -1)) for each in self.nn(context)]
        return spline_parameters(values, self.order)

    def condition(self, context: Tensor) -> ConditionedSpline:
        """The map at this context. Shape: ``(..., context_dim)``."""
        return ConditionedSpline(partial(self._parameters_at, context), self.bound, self.order)


def spline(input_dim: int, **kwargs: Any) -> Spline:
    """A :class:`Spline`.

    Args:
        input_dim: the number of entries, each with a spline of its own.
        kwargs: as of :class:`Spline`.
    """
    return Spline(input_dim, **kwargs)


def conditional_spline(
    input_dim: int,
    context_dim: int,
    hidden_dims: list[int] | None = None,
    count_bins: int = 8,
    bound: float = 3.0,
    order: str = "linear",
) -> ConditionalSpline:
    """A :class:`ConditionalSpline` family of maps with a dense network of its own.

    Args:
        input_dim: the number of entries.
        context_dim: size of the context.
        hidden_dims: sizes of the network's hidden layers; ``None`` for two of ``10 * input_dim``.
        count_bins: the number of bins.
        bound: each spline maps ``[-bound, bound]`` onto itself.
        order: of the pieces, "linear" or "quadratic".
    """
    hidden_dims = [input_dim * 10] * 2 if hidden_dims is None else hidden_dims
    sizes = [input_dim * size for size in spline_sizes("conditional_spline", count_bins, order)]
    return ConditionalSpline(DenseNN(context_dim, hidden_dims, sizes), input_dim, count_bins, bound, order)
