"""The block neural autoregressive flow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import logsigmoid, softplus

from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.errors import ArgumentError, shown
from virgil.networks.masked_block import MaskedBlockLinear, log_matrix_product
from virgil.ops.monotone_inverse import invert_increasing
from virgil.ops.monotone_means import LEAKY_SLOPE, leaky_relu_log_slope

__all__ = ["BlockAutoregressive", "block_autoregressive"]

_RANGE = 1e4  # inverse images are looked for up to here

# each with the logarithm of its slope
_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "ELU": (functional.elu, lambda z: z.clamp(max=0)),
    "LeakyReLU": (lambda z: functional.leaky_relu(z, LEAKY_SLOPE), leaky_relu_log_slope),
    "sigmoid": (torch.sigmoid, lambda z: logsigmoid(z) + logsigmoid(-z)),
    "tanh": (torch.tanh, lambda z: 2 * (math.log(2) - z - softplus(-2 * z))),
}


class BlockAutoregressive(Layer):
    r"""One network of masked blocks, in which an output increases in its own variable and depends on those before it.

    Its layers are :class:`~virgil.networks.masked_block.MaskedBlockLinear` with an activation between them; the slopes
    of the outputs in their own variables are products of the diagonal blocks and the activations' slopes, taken in
    logarithms. With ``residual`` the image of x is :math:`x + f(x)` ("normal"), or :math:`g f(x) + (1 - g) x` with a
    learnt g between zero and one ("gated").

    An image takes one pass; an inverse image is found by Newton's method, one entry after the other, has derivatives of
    first order, and is NaN where there is none: with a bounded activation and no residual, f is bounded.

    Source: De Cao, Titov and Aziz 2019, "Block Neural Autoregressive Flow".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``.

    Args:
        input_dim: the number of variables.
        hidden_factors: hidden units for each variable, one number a hidden layer.
        activation: one of "ELU", "LeakyReLU", "sigmoid", "tanh".
        residual: ``None``, "normal" or "gated".

    Raises:
        ArgumentError: another activation, or another residual.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import BlockAutoregressive
        >>> BlockAutoregressive(3, [4, 4])(torch.zeros(10, 3)).shape
        torch.Size([10, 3])
    """

    domain = codomain = REAL_VECTOR
    sign = +1
    autoregressive = True

    def __init__(
        self,
        input_dim: int,
        hidden_factors: Sequence[int] = (8, 8),
        activation: str = "tanh",
        residual: str | None = None,
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ArgumentError(
                f"{type(self).__name__} got activation={shown(activation)}; it takes one of {', '.join(_ACTIVATIONS)}."
            )
        if residual not in (None, "normal", "gated"):
            raise ArgumentError(
                f"{type(self).__name__} got residual={shown(residual)}; it takes None, 'normal' or 'gated'."
            )
        self.input_dim, self.activation, self.residual = input_dim, activation, residual
        sizes = [input_dim * factor for factor in (1, *hidden_factors, 1)]
        self.layers = nn.ModuleList(MaskedBlockLinear(before, after, input_dim) for before, after in pairwise(sizes))
        if residual == "gated":
            self.gate = nn.Parameter(torch.randn(1))

    def _passed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The image, and the logarithm of the slope of each output in its own variable."""
        activation, log_slope = _ACTIVATIONS[self.activation]
        first, *others = self.layers
        z, log_slopes = first(x)
        for layer in others:
            log_slopes = log_slopes + log_slope(z).unflatten(-1, (self.input_dim, -1))[..., None]
            z, blocks = layer(activation(z))
            log_slopes = log_matrix_product(blocks, log_slopes)
        log_slopes = log_slopes[..., 0, 0].expand(z.shape)
        if self.residual == "normal":
            return x + z, softplus(log_slopes)
        if self.residual == "gated":
            gate = self.gate.sigmoid()
            slopes = torch.logaddexp(logsigmoid(self.gate) + log_slopes, logsigmoid(-self.gate))
            return gate * z + (1 - gate) * x, slopes
        return z, log_slopes

    def _passed_with(self, x: Tensor, here: Tensor, entry: Tensor) -> tuple[Tensor, Tensor]:
        return self._passed(torch.where(here, entry, x))

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, log_slopes = self._passed(x)
        return y, log_slopes.sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.zeros_like(y)
        places = torch.arange(self.input_dim, device=y.device)
        bound = torch.full_like(y, _RANGE)
        for here in (places == place for place in range(self.input_dim)):
            fn = partial(self._passed_with, x, here)
            x = torch.where(here, invert_increasing(fn, y, -bound, bound), x)
        return x, self._image(x)[1]


def block_autoregressive(input_dim: int, **kwargs: Any) -> BlockAutoregressive:
    """A :class:`BlockAutoregressive` map.

    Args:
        input_dim: the number of variables.
        kwargs: as of :class:`BlockAutoregressive`.
    """
    return BlockAutoregressive(input_dim, **kwargs)
