"""The distribution of Lewandowski, Kurowicka and Joe, of Cholesky factors."""

from __future__ import annotations

import math
from collections import Counter

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.constraints import corr_cholesky
from virgil.distributions.continuous.beta import Beta
from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError, shown
from virgil.ops.double_precision import in_double
from virgil.ops.gamma_ratio import log_half_step
from virgil.ops.sizes import Sizes

__all__ = ["LKJCholesky", "log_normaliser"]


@expand_as_torch
class LKJCholesky(TorchDistributionMixin, td.LKJCholesky):
    """The Cholesky factor of a random correlation matrix *(Lewandowski, Kurowicka and Joe 2009)*.

    The density of the matrix R is proportional to ``det(R)**(concentration - 1)``. Shape: event ``(dim, dim)``.

    Args:
        dim: number of rows, >= 2.
        concentration: > 0; 1 is uniform over correlation matrices. Shape: ``(*batch,)``.

    Raises:
        ArgumentError: fewer rows than two.
    """

    support = corr_cholesky  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ArgumentError(f"LKJCholesky got dim={shown(dim)}; it takes a number of rows, 2 or more.")
        self.dim = dim
        self.concentration = torch.as_tensor(concentration)
        if not self.concentration.is_floating_point():
            self.concentration = self.concentration.to(torch.get_default_dtype())
        # The part of row k = 1, 2, ... left of the diagonal has a squared length that is
        # Beta(k / 2, concentration + (dim - 1 - k) / 2) (section 3.2); torch leaves that of row 0 unused.
        before = torch.arange(dim, dtype=self.concentration.dtype, device=self.concentration.device).clamp(min=1)
        self._beta = Beta(before / 2, self.concentration.unsqueeze(-1) + (dim - 1 - before) / 2, validate_args=False)
        td.Distribution.__init__(self, self.concentration.shape, Size((dim, dim)), validate_args=validate_args)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        # the extended onion method (section 3.2): a row is a random direction times the root of a beta variable
        squares = self._beta._dirichlet.rsample(Size(sample_shape))[..., 1:, :].sqrt()
        normal = torch.randn(self.shape(sample_shape), dtype=squares.dtype, device=squares.device).tril(-1)[..., 1:, :]
        rows = normal * (squares[..., :1] / torch.linalg.vector_norm(normal, dim=-1, keepdim=True))
        first = torch.zeros_like(rows[..., :1, :])
        diagonal = torch.cat([torch.ones_like(squares[..., :1, 1]), squares[..., 1]], -1)
        return torch.cat([first, rows], -2) + torch.diag_embed(diagonal)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value.diagonal(dim1=-1, dim2=-2)[..., 1:], self.concentration)


def log_normaliser(concentration: Tensor, dim: int) -> Tensor:
    """The logarithm of the integral of ``det(R)**(concentration - 1)`` over correlation matrices R (page 1999).

    Shape: as of ``concentration``.
    """
    halves, wholes = _steps_of_gamma(dim)
    constant = dim * (dim - 1) / 4 * math.log(math.pi)
    above = torch.tensor(halves, dtype=concentration.dtype, device=concentration.device)
    places = torch.tensor(list(wholes), dtype=concentration.dtype, device=concentration.device)
    counts = torch.tensor(list(wholes.values()), dtype=concentration.dtype, device=concentration.device)
    half = log_half_step(concentration.unsqueeze(-1) + above).sum(-1)
    return constant - half - ((concentration.unsqueeze(-1) + places).log() * counts).sum(-1)


def _steps_of_gamma(dim: int) -> tuple[list[float], Counter[float]]:
    """The steps of the ratios ``gamma(a + k / 2) / gamma(a)`` at ``a = concentration + (dim - 1 - k) / 2``, for all k.

    Returns:
        what is added to the concentration where half a step begins, and, with how often each occurs, where a whole one
        does.
    """
    halves, wholes = [], Counter[float]()
    for k in range(1, dim):
        start = (dim - 1 - k) / 2
        if k % 2:
            halves.append(start)
            start += 0.5
        wholes.update(start + step for step in range(k // 2))
    return halves, wholes


def _log_prob(diagonal: Tensor, concentration: Tensor) -> Tensor:
    """From the diagonal without its 1, with the Jacobian of L L'."""
    below = diagonal.shape[-1]
    powers = 2 * (concentration - 1).unsqueeze(-1) + torch.arange(below - 1, -1, -1, device=diagonal.device)
    return torch.xlogy(powers, diagonal).sum(-1) - log_normaliser(concentration, below + 1)
