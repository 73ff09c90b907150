"""``HiddenLayer``: the output of a layer of a neural network whose weights are random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Size, Tensor, nn
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions import TorchDistribution
from virgil.errors import ArgumentError, ShapeError, shown
from virgil.ops.sizes import Sizes

__all__ = ["HiddenLayer"]


class HiddenLayer(TorchDistribution):
    """The outputs ``f(X A)`` of one layer, for a weight matrix A of independent normal entries.

    The weights are not drawn. Each output before f is normal, with mean ``X A_mean`` and variance ``X**2 A_scale**2``,
    and is drawn by itself *(Kingma, Salimans and Welling 2015, section 2.3)*. So gradients have less variance than with
    one draw of the weights for a whole mini-batch.

    The log-density of the outputs is not of use. In its place ``log_prob`` returns the part of the evidence lower bound
    that belongs to the weights, minus their divergence from the prior, ``-KL_factor * KL(q(A) || p(A))`` in nats. So a
    model draws the outputs and adds this factor, outside of plates, and the guide states neither::

        layer = HiddenLayer(X, A_mean, A_scale)
        hidden = layer()
        virgil.factor("weights", layer.log_prob(hidden))

    At a ``sample`` statement that the guide does not state, it would not count: the model's own distributions cancel.

    Shape: batch ``()``, event ``(*inputs, H)``, or ``(*inputs, H + 1)`` with a column of ones.

    Args:
        X: inputs. Shape: ``(*inputs, D)``.
        A_mean: means of the weights. Shape: ``(D, H)``.
        A_scale: their standard deviations, > 0. Shape: ``(D, H)``.
        non_linearity: f, a function of each entry.
        KL_factor: the factor of the divergence: the share of the data that is in the mini-batch, if all terms of the
            objective are those of a mini-batch.
        A_prior_scale: standard deviation of the weights' prior, which is normal around 0. A number, or a tensor that
            broadcasts to ``(D, H)``.
        include_hidden_bias: append a column of ones to the outputs, for the biases of the next layer.
        weight_space_sampling: draw the weights instead, one matrix for all inputs.

    Raises:
        ArgumentError: an argument is no tensor, or no function.
        ShapeError: the shapes do not fit.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = True

    def __init__(
        self,
        X: Tensor,
        A_mean: Tensor,
        A_scale: Tensor,
        non_linearity: Callable[[Tensor], Tensor] = nn.functional.relu,
        KL_factor: float | Tensor = 1.0,
        A_prior_scale: float | Tensor = 1.0,
        include_hidden_bias: bool = True,
        weight_space_sampling: bool = False,
        validate_args: bool | None = None,
    ) -> None:
        _check(X, A_mean, A_scale, non_linearity)
        self.X = X
        self.A_mean = A_mean
        self.A_scale = A_scale
        self.non_linearity = non_linearity
        self.KL_factor = KL_factor
        self.A_prior_scale = A_prior_scale
        self.include_hidden_bias = include_hidden_bias
        self.weight_space_sampling = weight_space_sampling
        self.dim_X, self.dim_H = A_mean.shape
        width = self.dim_H + (1 if include_hidden_bias else 0)
        super().__init__(Size(), Size((*X.shape[:-1], width)), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        return constraints.independent(constraints.real, len(self._event_shape))

    @property
    def KL(self) -> Tensor:
        """The divergence of the weights from their prior, a scalar in nats."""
        prior = td.Normal(torch.zeros_like(self.A_mean), self.A_prior_scale, validate_args=False)
        posterior = td.Normal(self.A_mean, self.A_scale, validate_args=False)
        return td.kl_divergence(posterior, prior).sum()

    def log_prob(self, value: Tensor) -> Tensor:
        """``-KL_factor * KL``, in nats, whatever the value. Shape: that of the value, without its event."""
        return (-self.KL_factor * self.KL).expand(value.shape[: value.dim() - len(self._event_shape)])

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        hidden = self.non_linearity(self._activations(Size(sample_shape)))
        if not self.include_hidden_bias:
            return hidden
        return torch.cat([hidden, hidden.new_ones((*hidden.shape[:-1], 1))], -1)

    def _activations(self, sample_shape: Size) -> Tensor:
        if self.weight_space_sampling:
            shape = sample_shape + (1,) * max(self.X.dim() - 2, 0) + self.A_mean.shape
            weights = self.A_mean + self.A_scale * torch.randn(shape, dtype=self.X.dtype, device=self.X.device)
            return (self.X.unsqueeze(-2) @ weights).squeeze(-2) if self.X.dim() == 1 else self.X @ weights
        mean = self.X @ self.A_mean
        scale = (self.X**2 @ self.A_scale**2).sqrt()
        return mean + scale * torch.randn(sample_shape + mean.shape, dtype=mean.dtype, device=mean.device)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)


def _check(inputs: Any, mean: Any, scale: Any, non_linearity: Any) -> None:
    for name, tensor in (("X", inputs), ("A_mean", mean), ("A_scale", scale)):
        if not isinstance(tensor, Tensor):
            raise ArgumentError(f"HiddenLayer got {name}={shown(tensor)}; it takes a tensor.")
    if not callable(non_linearity):
        raise ArgumentError(f"HiddenLayer got non_linearity={shown(non_linearity)}; it takes a function of a tensor.")
    if inputs.dim() < 1 or mean.dim() != 2 or mean.shape != scale.shape or mean.shape[0] != inputs.shape[-1]:
        raise ShapeError(
            f"HiddenLayer got X of shape {tuple(inputs.shape)}, A_mean of {tuple(mean.shape)} and A_scale of "
            f"{tuple(scale.shape)}; they must be (*inputs, D), (D, H) and (D, H)."
        )
