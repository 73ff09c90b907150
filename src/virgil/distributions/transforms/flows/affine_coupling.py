"""The affine coupling layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from virgil.distributions import constraints
from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.autoregressive import Network
from virgil.distributions.transforms.flows.layer import Layer
from virgil.errors import ArgumentError, shown
from virgil.networks import ConditionalDenseNN, DenseNN
from virgil.ops.straight_through import clamp_preserve_gradients

__all__ = [
    "AffineCoupling",
    "ConditionalAffineCoupling",
    "affine_coupling",
    "checked_split",
    "conditional_affine_coupling",
]


class AffineCoupling(Layer):
    r"""The entries after a split are moved and stretched by what a network makes of those before it, which stay.

    .. math:: y_1 = x_1, \quad y_2 = \mu(x_1) + \sigma(x_1) \odot x_2, \qquad
        \log \left| \det \frac{\partial y}{\partial x} \right| = \sum_i \log \sigma_i(x_1)

    The image and the inverse image take one pass through the network each. Put a permutation between two such layers.

    Source: Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation using Real NVP", section 3.2.

    Shape: ``(*batch, *event)`` to ``(*batch, *event)``; the event has ``-dim`` dims.

    Args:
        split_dim: how many entries along ``dim`` stand before the split.
        hypernet: a network from the entries before the split, as one vector, to shifts and logarithms of scales of
            those after it, as two vectors; mostly :class:`virgil.nn.DenseNN`.
        dim: the dim that is split, counted from the right: a negative number.
        log_scale_min_clip: the least logarithm of a scale, in nats.
        log_scale_max_clip: the largest one. Between them and outside, derivatives are those of no bounds.

    Raises:
        ArgumentError: ``dim`` is not negative.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import AffineCoupling
        >>> from virgil.nn import DenseNN
        >>> coupling = AffineCoupling(2, DenseNN(2, [16], param_dims=[3, 3]))
        >>> coupling(torch.zeros(10, 5)).shape
        torch.Size([10, 5])
    """

    sign = +1

    def __init__(
        self,
        split_dim: int,
        hypernet: Network,
        *,
        dim: int = -1,
        log_scale_min_clip: float = -5.0,
        log_scale_max_clip: float = 3.0,
    ) -> None:
        super().__init__()
        self.split_dim, self.dim = split_dim, _checked_dim(self, dim)
        self.nn = hypernet
        self.log_scale_min_clip, self.log_scale_max_clip = log_scale_min_clip, log_scale_max_clip

    @property
    def domain(self) -> constraints.Constraint:  # type: ignore[override]
        """Real vectors, or tensors of ``-dim`` dims."""
        return constraints.independent(constraints.real, -self.dim)

    @property
    def codomain(self) -> constraints.Constraint:  # type: ignore[override]
        """As the domain."""
        return self.domain

    def _moved(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The shift, the logarithm of the scale, and the log-determinant."""
        shift, log_scale = self.nn(first.flatten(self.dim))
        log_scale = clamp_preserve_gradients(log_scale, self.log_scale_min_clip, self.log_scale_max_clip)
        event = second.shape[self.dim :]
        return shift.unflatten(-1, event), log_scale.unflatten(-1, event), log_scale.sum(-1)

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x.tensor_split([self.split_dim], self.dim)
        shift, log_scale, log_determinant = self._moved(first, second)
        return torch.cat([first, shift + log_scale.exp() * second], self.dim), log_determinant

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        first, second = y.tensor_split([self.split_dim], self.dim)
        shift, log_scale, log_determinant = self._moved(first, second)
        return torch.cat([first, (second - shift) * (-log_scale).exp()], self.dim), log_determinant


class ConditionalAffineCoupling(ConditionalTransformModule):
    """Affine coupling layers whose network has a context as well, see :class:`AffineCoupling`.

    Args:
        split_dim: how many entries stand before the split.
        hypernet: a network from the entries before the split and a context; mostly
            :class:`virgil.nn.ConditionalDenseNN`.
        kwargs: as of :class:`AffineCoupling`.
    """

    bijective = True

    def __init__(self, split_dim: int, hypernet: nn.Module, **kwargs: Any) -> None:
        super().__init__()
        self.split_dim = split_dim
        self.nn = hypernet
        self.kwargs = kwargs

    @property
    def domain(self) -> constraints.Constraint:
        """Real vectors, or tensors of ``-dim`` dims."""
        return constraints.independent(constraints.real, -self.kwargs.get("dim", -1))

    @property
    def codomain(self) -> constraints.Constraint:
        """As the domain."""
        return self.domain

    def condition(self, context: Tensor) -> AffineCoupling:
        """The map at this context. Shape: ``(..., context_dim)``."""
        return AffineCoupling(self.split_dim, partial(self.nn, context=context), **self.kwargs)


def affine_coupling(
    input_dim: int | Sequence[int],
    hidden_dims: list[int] | None = None,
    split_dim: int | None = None,
    dim: int = -1,
    **kwargs: Any,
) -> AffineCoupling:
    """An :class:`AffineCoupling` layer with a dense network of its own.

    Args:
        input_dim: the number of variables; the event's shape where ``dim`` is below -1.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ten times the number of variables.
        split_dim: how many entries along ``dim`` stand before the split; ``None`` for half of them.
        dim: the dim that is split, counted from the right.
        kwargs: as of :class:`AffineCoupling`.

    Raises:
        ArgumentError: ``dim`` is not negative, ``input_dim`` is no shape of ``-dim`` dims, or a side of the split is
            empty.
    """
    split_dim, before, after, hidden_dims = _sizes("affine_coupling", input_dim, hidden_dims, split_dim, dim)
    return AffineCoupling(split_dim, DenseNN(before, hidden_dims, [after, after]), dim=dim, **kwargs)


def conditional_affine_coupling(
    input_dim: int | Sequence[int],
    context_dim: int,
    hidden_dims: list[int] | None = None,
    split_dim: int | None = None,
    dim: int = -1,
    **kwargs: Any,
) -> ConditionalAffineCoupling:
    """A :class:`ConditionalAffineCoupling` family of layers with a dense network of its own.

    Args:
        input_dim: the number of variables; the event's shape where ``dim`` is below -1.
        context_dim: size of the context.
        hidden_dims: sizes of the network's hidden layers; ``None`` for one of ten times the number of variables.
        split_dim: how many entries along ``dim`` stand before the split; ``None`` for half of them.
        dim: the dim that is split, counted from the right.
        kwargs: as of :class:`AffineCoupling`.

    Raises:
        ArgumentError: as of `affine_coupling`.
    """
    name = "conditional_affine_coupling"
    split_dim, before, after, hidden_dims = _sizes(name, input_dim, hidden_dims, split_dim, dim)
    network = ConditionalDenseNN(before, context_dim, hidden_dims, [after, after])
    return ConditionalAffineCoupling(split_dim, network, dim=dim, **kwargs)


def checked_split(maker: str, size: int, split_dim: int | None) -> int:
    """How many of ``size`` entries stand before the split; half of them unless said.

    Raises:
        ArgumentError: a side of the split is empty.
    """
    split = size // 2 if split_dim is None else split_dim
    if not 0 < split < size:
        raise ArgumentError(
            f"{maker} got split_dim={shown(split_dim)} for {size} entries; each side of the split needs at least one."
        )
    return split


def _checked_dim(maker: object, dim: int) -> int:
    if isinstance(dim, int) and dim < 0:
        return dim
    name = maker if isinstance(maker, str) else type(maker).__name__
    raise ArgumentError(f"{name} got dim={shown(dim)}; it takes a negative integer, a dim counted from the right.")


def _sizes(
    maker: str, input_dim: int | Sequence[int], hidden_dims: list[int] | None, split_dim: int | None, dim: int
) -> tuple[int, int, int, list[int]]:
    """The split, the number of variables before and after it, and the hidden layers."""
    event = [input_dim] if isinstance(input_dim, int) else list(input_dim)
    if len(event) != -_checked_dim(maker, dim):
        raise ArgumentError(
            f"{maker} got input_dim={shown(input_dim)} for dim={dim}; it takes the event's shape, of {-dim} dims."
        )
    split = checked_split(maker, event[0], split_dim)
    rest = math.prod(event[1:])
    hidden_dims = [10 * math.prod(event)] if hidden_dims is None else hidden_dims
    return split, split * rest, (event[0] - split) * rest, hidden_dims
