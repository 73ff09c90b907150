"""Linear maps that are exponentials of matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.vector_bijection import VectorBijection
from virgil.errors import ArgumentError, shown
from virgil.networks import DenseNN

__all__ = [
    "ConditionalMatrixExponential",
    "ConditionedMatrixExponential",
    "MatrixExponential",
    "conditional_matrix_exponential",
    "matrix_exponential",
]

_Normalization = Literal["none", "weight", "spectral"]
_NORMS: dict[str, Any] = {"weight": "fro", "spectral": 2}


class _ExponentialMap(VectorBijection):
    """The formulas of the map, see :class:`MatrixExponential`."""

    weights: Tensor

    def __init__(self, iterations: int, normalization: _Normalization, bound: float | None) -> None:
        super().__init__()
        _check(normalization, bound)
        self.iterations, self.normalization, self.bound = iterations, normalization, bound

    def _matrix(self) -> Tensor:
        if self.bound is None or self.normalization == "none":
            return self.weights
        norm: Tensor = torch.linalg.matrix_norm(self.weights, _NORMS[self.normalization], keepdim=True)
        return self.weights * (self.bound / norm.clamp_min(self.bound))

    def _call(self, x: Tensor) -> Tensor:
        return _times(self._matrix(), x)

    def _inverse(self, y: Tensor) -> Tensor:
        return _times(-self._matrix(), y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        trace = self._matrix().diagonal(dim1=-2, dim2=-1).sum(-1)
        return trace.expand(torch.broadcast_shapes(trace.shape, y.shape[:-1]))


def _check(normalization: str, bound: float | None) -> None:
    """Look at what the matrix is to be bounded by."""
    if normalization not in {"none", *_NORMS}:
        raise ArgumentError(
            f"A matrix exponential got normalization={shown(normalization)}; it takes 'none', 'weight' or 'spectral'."
        )
    if normalization != "none" and (bound is None or not bound > 0):
        raise ArgumentError(
            f"A matrix exponential got bound={shown(bound)} for normalization={shown(normalization)}; give "
            "the greatest norm that the matrix may have, a positive number."
        )


def _times(matrix: Tensor, x: Tensor) -> Tensor:
    """The exponential of a matrix, times vectors."""
    image: Tensor = (torch.linalg.matrix_exp(matrix) @ x.unsqueeze(-1)).squeeze(-1)
    return image


class ConditionedMatrixExponential(_ExponentialMap):
    """The exponential of a given matrix, as a linear map (:class:`MatrixExponential`).

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        weights: the matrix. Shape: ``(*batch, n, n)``.
        iterations: as there.
        normalization: as there.
        bound: as there.

    Raises:
        ArgumentError: as there.
    """

    def __init__(
        self,
        weights: Tensor,
        iterations: int = 8,
        normalization: _Normalization = "none",
        bound: float | None = None,
    ) -> None:
        super().__init__(iterations, normalization, bound)
        self.weights = weights


class MatrixExponential(_ExponentialMap):
    r"""The linear map :math:`y = \exp(M)\, x` with a matrix to learn.

    Any square matrix :math:`M` will do: the inverse is :math:`\exp(-M)\, y`, and the log determinant of the Jacobian is
    the trace of :math:`M`. The exponential is exact to rounding (``torch.linalg.matrix_exp``).

    Source: Hoogeboom, Garcia Satorras, Tomczak and Welling 2020, "The Convolution Exponential and Generalized Sylvester
    Flows", section 3.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        input_dim: the length of the vectors.
        iterations: how many terms of a series a program asks for. It changes nothing here, as no series is cut off.
        normalization: the norm of the matrix that is bounded: ``"none"``, ``"weight"`` for Frobenius's *(Salimans and
            Kingma 2016)*, or ``"spectral"`` for the largest singular value *(Miyato et al. 2018)*. A matrix with a
            larger norm is scaled down to the bound.
        bound: the greatest norm, positive.

    Raises:
        ArgumentError: an unknown normalization, or one without a positive bound.

    Example:
        >>> import torch
        >>> from virgil.distributions.transforms import MatrixExponential
        >>> flow = MatrixExponential(3, normalization="spectral", bound=0.5)
        >>> flow(torch.ones(5, 3)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        input_dim: int,
        iterations: int = 8,
        normalization: _Normalization = "none",
        bound: float | None = None,
    ) -> None:
        super().__init__(iterations, normalization, bound)
        self.weights = nn.Parameter(torch.empty(input_dim, input_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw a new matrix."""
        bound = self.weights.shape[-1] ** -0.5
        nn.init.uniform_(self.weights, -bound, bound)


class ConditionalMatrixExponential(ConditionalTransformModule):
    """Linear maps (:class:`MatrixExponential`) whose matrix a network gives from a context.

    Args:
        input_dim: the length of the vectors.
        nn: a function of the context that gives the matrix, row by row, of size ``input_dim ** 2``.
        iterations: as there.
        normalization: as there.
        bound: as there.

    Raises:
        ArgumentError: as there.
    """

    domain = codomain = VectorBijection.domain
    bijective = True

    def __init__(
        self,
        input_dim: int,
        nn: Callable[[Tensor], Any],
        iterations: int = 8,
        normalization: _Normalization = "none",
        bound: float | None = None,
    ) -> None:
        super().__init__()
        _check(normalization, bound)
        self.input_dim = input_dim
        self.nn = nn
        self.iterations, self.normalization, self.bound = iterations, normalization, bound

    def condition(self, context: Tensor) -> ConditionedMatrixExponential:
        """The map at this context."""
        weights = self.nn(context).unflatten(-1, (self.input_dim, self.input_dim))
        return ConditionedMatrixExponential(weights, self.iterations, self.normalization, self.bound)


def matrix_exponential(
    input_dim: int,
    iterations: int = 8,
    normalization: _Normalization = "none",
    bound: float | None = None,
) -> MatrixExponential:
    """A new :class:`MatrixExponential`, which has the same arguments."""
    return MatrixExponential(input_dim, iterations, normalization, bound)


def conditional_matrix_exponential(
    input_dim: int,
    context_dim: int,
    hidden_dims: Sequence[int] | None = None,
    iterations: int = 8,
    normalization: _Normalization = "none",
    bound: float | None = None,
) -> ConditionalMatrixExponential:
    """A :class:`ConditionalMatrixExponential` with a dense network.

    Args:
        input_dim: the length of the vectors.
        context_dim: the size of the context.
        hidden_dims: the sizes of the hidden layers. Default: two of ``10 * input_dim``.
        iterations: as there.
        normalization: as there.
        bound: as there.
    """
    hidden = [10 * input_dim] * 2 if hidden_dims is None else hidden_dims
    network = DenseNN(context_dim, hidden, param_dims=[input_dim**2])
    return ConditionalMatrixExponential(input_dim, network, iterations, normalization, bound)
