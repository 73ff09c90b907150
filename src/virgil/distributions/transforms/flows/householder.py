"""Reflections of vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.vector_bijection import VectorBijection
from virgil.networks import DenseNN

__all__ = [
    "ConditionalHouseholder",
    "ConditionedHouseholder",
    "Householder",
    "conditional_householder",
    "householder",
    "reflect",
]


def reflect(x: Tensor, normals: Tensor) -> Tensor:
    r"""Reflections :math:`x - 2 (u \cdot x)\, u` at planes through the origin, one after the other.

    Args:
        x: the vectors. Shape: ``(*batch, n)``.
        normals: unit vectors across the planes. Shape: ``(*batch, count, n)``.
    """
    for u in normals.unbind(-2):
        x = x - 2 * (u * x).sum(-1, keepdim=True) * u
    return x


class _Reflections(VectorBijection):
    """The formulas of reflections, see :class:`Householder`."""

    volume_preserving = True
    u_unnormed: Tensor

    def u(self) -> Tensor:
        """The normals as unit vectors. Shape: ``(*batch, count, n)``."""
        norm: Tensor = torch.linalg.vector_norm(self.u_unnormed, dim=-1, keepdim=True)
        return self.u_unnormed / norm

    def _call(self, x: Tensor) -> Tensor:
        return reflect(x, self.u())

    def _inverse(self, y: Tensor) -> Tensor:
        return reflect(y, self.u().flip(-2))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return y.new_zeros(y.shape[:-1])


class ConditionedHouseholder(_Reflections):
    """Reflections (:class:`Householder`) at planes of given normals.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        u_unnormed: the normals, of any length but zero. Shape: ``(*batch, count, n)``.
    """

    def __init__(self, u_unnormed: Tensor) -> None:
        super().__init__()
        self.u_unnormed = u_unnormed


class Householder(_Reflections):
    r"""Reflections at planes through the origin, one after the other, with normals to learn.

    Each is :math:`y = x - 2 u\, (u \cdot x) / |u|^2`. Their product is orthogonal, so the log determinant of the
    Jacobian is zero; n reflections give every orthogonal map *(Householder 1958)*.

    Source: Tomczak and Welling 2016, "Improving Variational Auto-Encoders using Householder Flow", section 3.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        input_dim: the length of the vectors.
        count_transforms: how many reflections.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import Householder
        >>> turn = Householder(3, count_transforms=2)
        >>> x = torch.tensor([1.0, 2.0, 2.0])
        >>> round(turn(x).norm().item(), 4)
        3.0
    """

    def __init__(self, input_dim: int, count_transforms: int = 1) -> None:
        super().__init__()
        self.u_unnormed = nn.Parameter(torch.empty(count_transforms, input_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new normals."""
        bound = self.u_unnormed.shape[-1] ** -0.5
        nn.init.uniform_(self.u_unnormed, -bound, bound)


class ConditionalHouseholder(ConditionalTransformModule):
    """Reflections (:class:`Householder`) whose normals a network gives from a context.

    Args:
        input_dim: the length of the vectors.
        nn: a function of the context that gives the normals: a tensor with ``count_transforms * input_dim`` entries in
            its last dim, or a tuple of ``count_transforms`` tensors with ``input_dim`` each.
        count_transforms: how many reflections.
    """

    domain = codomain = VectorBijection.domain
    bijective = True

    def __init__(self, input_dim: int, nn: Callable[[Tensor], Any], count_transforms: int = 1) -> None:
        super().__init__()
        self.input_dim = input_dim
        self.nn = nn
        self.count_transforms = count_transforms

    def condition(self, context: Tensor) -> ConditionedHouseholder:
        """The map at this context."""
        normals = self.nn(context)
        if isinstance(normals, Tensor):
            normals = normals.unflatten(-1, (self.count_transforms, self.input_dim))
        else:
            normals = torch.stack(tuple(normals), -2)
        return ConditionedHouseholder(normals)


def householder(input_dim: int, count_transforms: int | None = None) -> Householder:
    """A new :class:`Householder`.

    Args:
        input_dim: the length of the vectors.
        count_transforms: how many reflections. Default: ``input_dim // 2 + 1``.
    """
    return Householder(input_dim, input_dim // 2 + 1 if count_transforms is None else count_transforms)


def conditional_householder(
    input_dim: int, context_dim: int, hidden_dims: Sequence[int] | None = None, count_transforms: int = 1
) -> ConditionalHouseholder:
    """A :class:`ConditionalHouseholder` with a dense network.

    Args:
        input_dim: the length of the vectors.
        context_dim: the size of the context.
        hidden_dims: the sizes of the hidden layers. Default: two of ``10 * input_dim``.
        count_transforms: how many reflections.
    """
    hidden = [10 * input_dim] * 2 if hidden_dims is None else hidden_dims
    network = DenseNN(context_dim, hidden, param_dims=[input_dim] * count_transforms)
    return ConditionalHouseholder(input_dim, network, count_transforms)
