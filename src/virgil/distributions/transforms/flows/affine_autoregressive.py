"""The affine autoregressive flow."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.autoregressive import (
    AtContext,
    Network,
    default_hidden_dims,
    inverse_in_order,
)
from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.networks import AutoRegressiveNN, ConditionalAutoRegressiveNN
from virgil.ops.straight_through import clamp_preserve_gradients

__all__ = [
    "AffineAutoregressive",
    "ConditionalAffineAutoregressive",
    "affine_autoregressive",
    "conditional_affine_autoregressive",
]


class AffineAutoregressive(Layer):
    r"""Each entry is moved and stretched by what an autoregressive network makes of the entries before it.

    .. math:: y_i = \mu_i(x_{<i}) + \sigma_i(x_{<i}) x_i, \qquad
        \log \left| \det \frac{\partial y}{\partial x} \right| = \sum_i \log \sigma_i(x_{<i})

    where :math:`\log\sigma` is the network's second output between bounds. With ``stable``, sigma is the sigmoid of
    this output plus a bias, and :math:`y_i = \sigma_i x_i + (1 - \sigma_i) \mu_i`. An image takes one pass through
    the network, an inverse image one for each entry. The map is an inverse autoregressive flow; its ``inv`` is a masked
    autoregressive flow, whose density takes one pass.

    Source: Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling 2016, "Improving Variational Inference with
    Inverse Autoregressive Flow", equation 10; Papamakarios, Pavlakou and Murray 2017, "Masked
    Autoregressive Flow for Density Estimation".

    Shape: ``(*batch, input_dim)`` to ``(*batch, input_dim)``.

    Args:
        autoregressive_nn: the network, with two outputs a variable; mostly :class:`virgil.nn.AutoRegressiveNN`.
        log_scale_min_clip: the least logarithm of a scale, in nats.
        log_scale_max_clip: the largest one. Between them and outside, derivatives are those of no bounds.
        sigmoid_bias: what is added to the second output where ``stable`` is true.
        stable: keep scales between zero and one.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import AffineAutoregressive
        >>> from virgil.nn import AutoRegressiveNN
        >>> flow = AffineAutoregressive(AutoRegressiveNN(4, [32]))
        >>> fn = dist.TransformedDistribution(dist.Normal(torch.zeros(4), 1.0).to_event(1), [flow])
        >>> fn.sample((10,)).shape
        torch.Size([10, 4])
    """

    domain = codomain = REAL_VECTOR
    sign = +1
    autoregressive = True

    def __init__(
        self,
        autoregressive_nn: Network,
        log_scale_min_clip: float = -5.0,
        log_scale_max_clip: float = 3.0,
        sigmoid_bias: float = 2.0,
        stable: bool = False,
    ) -> None:
        super().__init__()
        self.arn = autoregressive_nn
        self.log_scale_min_clip, self.log_scale_max_clip = log_scale_min_clip, log_scale_max_clip
        self.sigmoid_bias, self.stable = sigmoid_bias, stable

    def _shift_and_log_scale(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, output = self.arn(x)
        if self.stable:
            log_scale = logsigmoid(output + self.sigmoid_bias)
            return -log_scale.expm1() * mean, log_scale
        return mean, clamp_preserve_gradients(output, self.log_scale_min_clip, self.log_scale_max_clip)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._shift_and_log_scale(x)
        return shift + log_scale.exp() * x, log_scale.sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        def solve(x: Tensor) -> Tensor:
            shift, log_scale = self._shift_and_log_scale(x)
            return (y - shift) * (-log_scale).exp()

        x = inverse_in_order(solve, y, self.arn)
        return x, self._shift_and_log_scale(x)[1].sum(-1)


class ConditionalAffineAutoregressive(ConditionalTransformModule):
    """Affine autoregressive maps whose network has a context as well, see :class:`AffineAutoregressive`.

    Args:
        autoregressive_nn: the network, with two outputs a variable; mostly
            :class:`virgil.nn.ConditionalAutoRegressiveNN`.
        kwargs: as of :class:`AffineAutoregressive`.
    """

    domain = codomain = REAL_VECTOR
    bijective = True

    def __init__(self, autoregressive_nn: nn.Module, **kwargs: Any) -> None:
        super().__init__()
        self.nn = autoregressive_nn
        self.kwargs = kwargs

    def condition(self, context: Tensor) -> AffineAutoregressive:
        """The map at this context. Shape: ``(..., context_dim)``."""
        return AffineAutoregressive(AtContext(self.nn, context), **self.kwargs)


def affine_autoregressive(input_dim: int, hidden_dims: list[int] | None = None, **kwargs: Any) -> AffineAutoregressive:
    """An :class:`AffineAutoregressive` map with a network of its own.

    Args:
        input_dim: the number of variables.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ``3 * input_dim + 1``.
        kwargs: as of :class:`AffineAutoregressive`.
    """
    return AffineAutoregressive(AutoRegressiveNN(input_dim, default_hidden_dims(input_dim, hidden_dims)), **kwargs)


def conditional_affine_autoregressive(
    input_dim: int, context_dim: int, hidden_dims: list[int] | None = None, **kwargs: Any
) -> ConditionalAffineAutoregressive:
    """A :class:`ConditionalAffineAutoregressive` family of maps with a network of its own.

    Args:
        input_dim: the number of variables.
        context_dim: size of the context.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ``10 * input_dim``.
        kwargs: as of :class:`AffineAutoregressive`.
    """
    hidden_dims = [10 * input_dim] if hidden_dims is None else hidden_dims
    return ConditionalAffineAutoregressive(ConditionalAutoRegressiveNN(input_dim, context_dim, hidden_dims), **kwargs)
