"""The neural autoregressive flow."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import softplus

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.autoregressive import (
    AtContext,
    Network,
    default_hidden_dims,
    inverse_in_order,
)
from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.errors import ArgumentError, shown
from virgil.networks import AutoRegressiveNN, ConditionalAutoRegressiveNN
from virgil.ops.monotone_inverse import invert_increasing
from virgil.ops.monotone_means import MONOTONE_MEANS

__all__ = [
    "ConditionalNeuralAutoregressive",
    "NeuralAutoregressive",
    "conditional_neural_autoregressive",
    "neural_autoregressive",
]


class NeuralAutoregressive(Layer):
    r"""Each entry goes through a small increasing network, with parameters that another makes of the entries before it.

    .. math:: y_i = T^{-1} \Big( \sum_k w_{ik}\, T(a_{ik} x_i + b_{ik}) \Big), \qquad a_{ik} > 0,\ \sum_k w_{ik} = 1

    with an activation T. An image takes one pass through the network; an inverse image is found by Newton's method, one
    entry after the other, and has derivatives of first order.

    Source: Huang, Krueger, Lacoste and Courville 2018, "Neural Autoregressive Flows", equation 8.

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``.

    Args:
        autoregressive_nn: the network, with three times ``hidden_units`` outputs a variable: for a, w and b; mostly
            :class:`virgil.nn.AutoRegressiveNN`.
        hidden_units: the number of k.
        activation: T, one of "ELU", "LeakyReLU", "sigmoid", "tanh".

    Raises:
        ArgumentError: another activation.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import NeuralAutoregressive
        >>> from virgil.nn import AutoRegressiveNN
        >>> flow = NeuralAutoregressive(AutoRegressiveNN(3, [20], param_dims=[16] * 3), hidden_units=16)
        >>> flow(torch.zeros(10, 3)).shape
        torch.Size([10, 3])
    """

    domain = codomain = REAL_VECTOR
    sign = +1
    autoregressive = True
    eps = 1e-8  # the least slope of the inner lines

    def __init__(self, autoregressive_nn: Network, hidden_units: int = 16, activation: str = "sigmoid") -> None:
        super().__init__()
        if activation not in MONOTONE_MEANS:
            known = ", ".join(MONOTONE_MEANS)
            raise ArgumentError(f"NeuralAutoregressive got activation={shown(activation)}; it takes one of {known}.")
        self.arn = autoregressive_nn
        self.hidden_units, self.activation = hidden_units, activation

    def _lines(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Slopes, logarithms of weights, and intercepts. Shape: ``(*batch, hidden_units, input_dim)``."""
        slopes, weights, intercepts = self.arn(x)
        return softplus(slopes) + self.eps, weights.log_softmax(-2), intercepts

    def _mean(self, x: Tensor, slopes: Tensor, log_weights: Tensor, intercepts: Tensor) -> tuple[Tensor, Tensor]:
        mean = MONOTONE_MEANS[self.activation]
        return mean(slopes * x[..., None, :] + intercepts, log_weights, slopes.log(), -2)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, log_slopes = self._mean(x, *self._lines(x))
        return y, log_slopes.sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        def solve(x: Tensor) -> Tensor:
            lines = slopes, _, intercepts = self._lines(x)
            ends = (y[..., None, :] - intercepts) / slopes  # y lies between the lines' values, so x between these
            return invert_increasing(lambda x: self._mean(x, *lines), y, ends.amin(-2), ends.amax(-2))

        x = inverse_in_order(solve, y, self.arn)
        return x, self._image(x)[1]


class ConditionalNeuralAutoregressive(ConditionalTransformModule):
    """Neural autoregressive maps whose network has a context as well, see :class:`NeuralAutoregressive`.

    Args:
        autoregressive_nn: the network, mostly :class:`virgil.nn.ConditionalAutoRegressiveNN`.
        kwargs: as of :class:`NeuralAutoregressive`.
    """

    domain = codomain = REAL_VECTOR
    bijective = True

    def __init__(self, autoregressive_nn: nn.Module, **kwargs: Any) -> None:
        super().__init__()
        self.nn = autoregressive_nn
        self.kwargs = kwargs

    def condition(self, context: Tensor) -> NeuralAutoregressive:
        """The map at this context. Shape: ``(..., context_dim)``."""
        return NeuralAutoregressive(AtContext(self.nn, context), **self.kwargs)


def neural_autoregressive(
    input_dim: int, hidden_dims: list[int] | None = None, activation: str = "sigmoid", width: int = 16
) -> NeuralAutoregressive:
    """A :class:`NeuralAutoregressive` map with a network of its own.

    Args:
        input_dim: the number of variables.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ``3 * input_dim + 1``.
        activation: one of "ELU", "LeakyReLU", "sigmoid", "tanh".
        width: the number of hidden units of the map itself.
    """
    network = AutoRegressiveNN(input_dim, default_hidden_dims(input_dim, hidden_dims), [width] * 3)
    return NeuralAutoregressive(network, width, activation)


def conditional_neural_autoregressive(
    input_dim: int,
    context_dim: int,
    hidden_dims: list[int] | None = None,
    activation: str = "sigmoid",
    width: int = 16,
) -> ConditionalNeuralAutoregressive:
    """A :class:`ConditionalNeuralAutoregressive` family of maps with a network of its own.

    Args:
        input_dim: the number of variables.
        context_dim: size of the context.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ``3 * input_dim + 1``.
        activation: one of "ELU", "LeakyReLU", "sigmoid", "tanh".
        width: the number of hidden units of the map itself.
    """
    hidden_dims = default_hidden_dims(input_dim, hidden_dims)
    network = ConditionalAutoRegressiveNN(input_dim, context_dim, hidden_dims, [width] * 3)
    return ConditionalNeuralAutoregressive(network, hidden_units=width, activation=activation)
