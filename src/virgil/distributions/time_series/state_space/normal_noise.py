"""Normal noise of linear series, as columns, from the distributions that state it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions.continuous.normal import Normal
from virgil.distributions.core.shape_algebra import ExpandedDistribution, MaskedDistribution, TorchDistributionMixin
from virgil.distributions.multivariate.multivariate_normal import MultivariateNormal
from virgil.errors import ArgumentError
from virgil.ops.affine_recurrence import applied
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.cholesky import safe_cholesky
from virgil.ops.linear_gaussian import Evidence, Likelihood, Moments
from virgil.ops.sizes import Sizes

__all__ = ["NormalNoise", "drawn", "normal_from", "normal_noise", "with_time"]


@dataclass(frozen=True, slots=True, eq=False)
class NormalNoise:
    """A normal vector, in double precision. Dim -3 is time.

    Attributes:
        loc: the mean. Shape: ``(*batch, steps or 1, size, 1)``.
        scale: the standard deviations, shape as that of ``loc``, where entries are independent; or else the lower
            Cholesky factor of the covariance, shape ``(*batch, steps or 1, size, size)``.
        observed: false where an entry is missing. Shape: broadcasts with that of ``loc``.
    """

    loc: Tensor
    scale: Tensor
    observed: Tensor | None

    @property
    def is_diagonal(self) -> bool:
        """True where entries are independent. A vector of one number has a scale of its own kind."""
        return self.scale.shape[-1] == 1

    @property
    def covariance(self) -> Tensor:
        """The covariance. Shape: ``(*batch, steps or 1, size, size)``."""
        if self.is_diagonal:
            return torch.diag_embed(self.scale.squeeze(-1).square())
        return self.scale @ self.scale.mT

    @property
    def moments(self) -> Moments:
        """Mean and covariance."""
        return Moments(self.loc, self.covariance)

    @property
    def size(self) -> Tensor:
        """The number of entries that are observed. Shape: ``(*batch, steps or 1, 1, 1)``."""
        size = self.loc.shape[-2]
        if self.observed is None:
            return self.loc.new_full((1, 1, 1), size)
        return self.observed.expand(*self.observed.shape[:-2], size, 1).to(self.loc.dtype).sum(-2, keepdim=True)

    def part(self, steps: slice) -> NormalNoise:
        """The noise of some steps."""
        parts = (self.loc, self.scale, self.observed)
        loc, scale, observed = (
            each if each is None or each.shape[-3] == 1 else each[..., steps, :, :] for each in parts
        )
        return NormalNoise(loc, scale, observed)  # type: ignore[arg-type]

    def distribution(self, dtype: torch.dtype) -> TorchDistributionMixin:
        """The noise as a distribution, with time as the last dim of the batch."""
        loc, scale, observed = self.loc.squeeze(-1).to(dtype), self.scale.to(dtype), self.observed
        fn: TorchDistributionMixin
        if not self.is_diagonal:
            fn = MultivariateNormal(loc, scale_tril=scale, validate_args=False)
            return fn if observed is None else fn.mask(observed[..., 0, 0])
        fn = Normal(loc, scale.squeeze(-1), validate_args=False)
        return (fn if observed is None else fn.mask(observed.squeeze(-1))).to_event(1)

    def likelihood(self, matrix: Tensor, value: Tensor) -> tuple[Likelihood, Evidence]:
        """The density of ``matrix @ state + noise`` at the value, as a function of the state, and its constant.

        Args:
            matrix: Shape: ``(*batch, steps or 1, size, state size)``.
            value: Shape: ``(*batch, steps, size, 1)``.
        """
        if self.observed is not None:
            value = value.where(self.observed, 0.0)
        factor, apart = self._whitened(matrix), self._whitened(value - self.loc)
        diagonal = self.scale if self.is_diagonal else self.scale.diagonal(dim1=-2, dim2=-1).unsqueeze(-1)
        logs = diagonal.log() + math.log(2 * math.pi) / 2
        if self.observed is not None:
            factor, apart, logs = (each.where(self.observed, 0.0) for each in (factor, apart, logs))
        energy = -apart.square().sum(-2, keepdim=True) / 2
        likelihood = Likelihood(applied(factor.mT, apart), factor.mT @ factor)
        return likelihood, Evidence(energy, -logs.sum(-2, keepdim=True))

    def _whitened(self, columns: Tensor) -> Tensor:
        """Columns in units of the noise."""
        if self.is_diagonal:
            return columns / self.scale
        if self.scale.shape[-3] > 1 or columns.shape[-1] > 1:
            solved: Tensor = torch.linalg.solve_triangular(self.scale, columns, upper=False)
            return solved
        rows: Tensor = torch.linalg.solve_triangular(self.scale.squeeze(-3), columns.squeeze(-1).mT, upper=False)
        return rows.mT.unsqueeze(-1)


def normal_noise(argument: str, fn: td.Distribution, has_time: bool = True) -> NormalNoise:
    """The noise that a distribution states.

    Args:
        argument: its name, for errors.
        fn: normal vectors, or independent normal numbers made one vector, either under a mask.
        has_time: true where the last dim of the batch is time.

    Raises:
        ArgumentError: another distribution.
    """
    observed: Tensor | None = None
    if isinstance(fn, MaskedDistribution):
        observed = _mask(fn, 2)
        fn = fn.base_dist
    if isinstance(fn, ExpandedDistribution):
        fn = fn.base_dist
    if isinstance(fn, td.MultivariateNormal):
        loc, scale = fn.loc.unsqueeze(-1), fn._unbroadcasted_scale_tril
    elif isinstance(fn, td.LowRankMultivariateNormal):
        loc, scale = fn.loc.unsqueeze(-1), fn.scale_tril
    elif isinstance(fn, td.Independent) and fn.reinterpreted_batch_ndims == 1:
        base = fn.base_dist
        if isinstance(base, MaskedDistribution):
            entries = _mask(base, 1)
            observed, base = entries if observed is None else entries & observed, base.base_dist
        if not isinstance(base, td.Normal):
            raise _refusal(argument, fn)
        loc, scale = base.loc.unsqueeze(-1), base.scale.unsqueeze(-1)
    else:
        raise _refusal(argument, fn)
    parts = [loc, scale] if observed is None else [loc, scale, observed]
    loc, scale, *masks = (with_time(each, has_time) for each in parts)
    return NormalNoise(loc.double(), scale.double(), masks[0] if masks else None)


def normal_from(
    state: Moments, dtype: torch.dtype, batch: Size | None = None, has_time: bool = True
) -> MultivariateNormal:
    """The distribution with these moments, over a larger batch if given."""
    loc, covariance = state.mean.squeeze(-1), state.covariance
    if not has_time:
        loc, covariance = loc.squeeze(-2), covariance.squeeze(-3)
    factor = safe_cholesky((covariance + covariance.mT) / 2)
    shape = broadcast_shapes(loc.shape[:-1], factor.shape[:-2]) if batch is None else batch
    loc, factor = loc.expand(*shape, -1).to(dtype), factor.expand(*shape, -1, -1).to(dtype)
    return MultivariateNormal(loc, scale_tril=factor, validate_args=False)


def drawn(state: Moments, batch: Sizes) -> Tensor:
    """Draws, as columns."""
    mean, covariance = state
    noise = torch.randn(*batch, mean.shape[-2], 1, dtype=mean.dtype, device=mean.device)
    return mean + safe_cholesky((covariance + covariance.mT) / 2) @ noise


def with_time(matrix: Tensor, has_time: bool = True) -> Tensor:
    """A batch of matrices with a dim of time of size 1 where it has none."""
    return matrix.unsqueeze(-3) if matrix.dim() == 2 or not has_time else matrix


def _mask(fn: MaskedDistribution, event_dims: int) -> Tensor:
    mask = fn._mask if isinstance(fn._mask, Tensor) else torch.tensor(fn._mask)
    return mask[(..., *[None] * event_dims)]


def _refusal(argument: str, fn: td.Distribution) -> ArgumentError:
    return ArgumentError(
        f"{argument} is {fn}; it is a MultivariateNormal, or a Normal made one vector by to_event(1), or either under "
        "mask(...)."
    )
