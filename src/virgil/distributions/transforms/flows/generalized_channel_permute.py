"""Invertible convolutions of one pixel, which generalise permutations of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from virgil.distributions import constraints
from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.transform_module import TransformModule
from virgil.networks import DenseNN

__all__ = [
    "ConditionalGeneralizedChannelPermute",
    "ConditionedGeneralizedChannelPermute",
    "GeneralizedChannelPermute",
    "conditional_generalized_channel_permute",
    "generalized_channel_permute",
]


class _ChannelMap(TransformModule):
    """The formulas of the map, see :class:`GeneralizedChannelPermute`."""

    domain = codomain = constraints.independent(constraints.real, 3)
    permutation: Tensor
    LU: Tensor
    bijective = True

    def __init__(self) -> None:
        super().__init__(cache_size=1)

    @property
    def U_diag(self) -> Tensor:
        """The diagonal of the upper triangular factor. Shape: ``(*batch, channels)``."""
        return self.LU.diagonal(dim1=-2, dim2=-1)

    @property
    def L(self) -> Tensor:
        """The lower triangular factor, with ones on its diagonal. Shape: ``(*batch, channels, channels)``."""
        return self.LU.tril(-1) + torch.eye(self.LU.shape[-1], dtype=self.LU.dtype, device=self.LU.device)

    @property
    def U(self) -> Tensor:
        """The upper triangular factor. Shape: ``(*batch, channels, channels)``."""
        return self.LU.triu()

    def _call(self, x: Tensor) -> Tensor:
        y: Tensor = (self.permutation @ self.L @ self.U @ x.flatten(-2)).unflatten(-1, x.shape[-2:])
        return y

    def _inverse(self, y: Tensor) -> Tensor:
        half = torch.linalg.solve_triangular(
            self.L, self.permutation.mT @ y.flatten(-2), upper=False, unitriangular=True
        )
        x: Tensor = torch.linalg.solve_triangular(self.U, half, upper=True).unflatten(-1, y.shape[-2:])
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        log_det = y.shape[-1] * y.shape[-2] * self.U_diag.abs().log().sum(-1)
        return log_det.expand(y.shape[:-3])


class ConditionedGeneralizedChannelPermute(_ChannelMap):
    """An invertible convolution (:class:`GeneralizedChannelPermute`) with given factors.

    Shape: ``(*batch, channels, height, width)`` to the same.

    Args:
        permutation: a permutation matrix. Shape: ``(channels, channels)``.
        LU: the lower triangular factor, without its diagonal of ones, and the upper one, in one matrix.
            Shape: ``(*batch, channels, channels)``.
    """

    def __init__(self, permutation: Tensor, LU: Tensor) -> None:
        super().__init__()
        self.permutation, self.LU = permutation, LU


class GeneralizedChannelPermute(_ChannelMap):
    r"""An invertible convolution of one pixel, with factors to learn.

    The channels of each pixel are multiplied by :math:`W = P L U`, a fixed permutation, a lower triangular matrix with
    ones on its diagonal and an upper triangular one. The log determinant of the Jacobian is
    :math:`H W \sum_i \log |U_{ii}|` for H by W pixels. At first :math:`W` is a random orthogonal matrix.

    Source: Kingma and Dhariwal 2018, "Glow: Generative Flow with Invertible 1x1 Convolutions", section 3.2.

    Shape: ``(*batch, channels, height, width)`` to the same.

    Args:
        channels: how many channels.
        permutation: the permutation, as indices or as a matrix. Default: a random one, that of the orthogonal matrix.
            Shape: ``(channels,)`` or ``(channels, channels)``.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import GeneralizedChannelPermute
        >>> GeneralizedChannelPermute(channels=3)(torch.ones(3, 8, 8)).shape
        torch.Size([3, 8, 8])
    """

    def __init__(self, channels: int = 3, permutation: Tensor | None = None) -> None:
        super().__init__()
        orthogonal = torch.linalg.qr(torch.randn(channels, channels)).Q
        pivots, lower, upper = torch.linalg.lu(orthogonal)
        self.register_buffer("permutation", pivots if permutation is None else _as_matrix(permutation))
        self.LU = nn.Parameter(lower.tril(-1) + upper)


class ConditionalGeneralizedChannelPermute(ConditionalTransformModule):
    """Invertible convolutions (:class:`GeneralizedChannelPermute`) whose factors a network gives from a context.

    Args:
        nn: a function of the context that gives the two factors as one matrix, row by row, of size ``channels ** 2``.
        channels: how many channels.
        permutation: the permutation, as indices or as a matrix. Default: a random one.
            Shape: ``(channels,)`` or ``(channels, channels)``.
    """

    domain = codomain = _ChannelMap.domain
    bijective = True
    permutation: Tensor

    def __init__(self, nn: Callable[[Tensor], Any], channels: int = 3, permutation: Tensor | None = None) -> None:
        super().__init__()
        self.nn = nn
        self.channels = channels
        order = torch.randperm(channels) if permutation is None else permutation
        self.register_buffer("permutation", _as_matrix(order))

    def condition(self, context: Tensor) -> ConditionedGeneralizedChannelPermute:
        """The map at this context."""
        factors = self.nn(context).unflatten(-1, (self.channels, self.channels))
        return ConditionedGeneralizedChannelPermute(self.permutation, factors)


def _as_matrix(permutation: Tensor) -> Tensor:
    if permutation.dim() == 2:
        return permutation.to(torch.get_default_dtype())
    return torch.eye(permutation.shape[0], device=permutation.device)[permutation]


def generalized_channel_permute(**kwargs: Any) -> GeneralizedChannelPermute:
    """A new :class:`GeneralizedChannelPermute`.

    Args:
        **kwargs: its arguments, by name.
    """
    return GeneralizedChannelPermute(**kwargs)


def conditional_generalized_channel_permute(
    context_dim: int, channels: int = 3, hidden_dims: Sequence[int] | None = None
) -> ConditionalGeneralizedChannelPermute:
    """A :class:`ConditionalGeneralizedChannelPermute` with a dense network.

    Args:
        context_dim: the size of the context.
        channels: how many channels.
        hidden_dims: the sizes of the hidden layers. Default: two of ``10 * channels``.
    """
    hidden = [10 * channels] * 2 if hidden_dims is None else hidden_dims
    return ConditionalGeneralizedChannelPermute(DenseNN(context_dim, hidden, param_dims=[channels**2]), channels)
