"""Gamma, beta and Dirichlet draws by rejection."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Generator, Size, Tensor
from torch.distributions import constraints

from virgil.distributions.continuous.beta import Beta
from virgil.distributions.continuous.gamma import Gamma
from virgil.distributions.core.score_parts import ScoreParts
from virgil.distributions.multivariate.dirichlet import Dirichlet
from virgil.distributions.torch_distribution import TorchDistribution
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes
from virgil.pyro.distributions.rejector import Rejector

__all__ = [
    "RejectionGamma",
    "RejectionStandardGamma",
    "ShapeAugmentedBeta",
    "ShapeAugmentedDirichlet",
    "ShapeAugmentedGamma",
]


class _CubedNormal(TorchDistribution):
    """The distribution of ``d * (1 + e / (3 * sqrt(d)))**3`` for a standard normal e. Shape: d ``(*batch,)``."""

    arg_constraints = {"d": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, d: Tensor) -> None:
        self.d = d
        super().__init__(d.shape, validate_args=False)

    def rsample(self, sample_shape: Sizes = Size()) -> Tensor:
        noise = torch.randn(self.shape(sample_shape), dtype=self.d.dtype, device=self.d.device)
        return self.d * (1 + noise / (3 * self.d.sqrt())) ** 3

    def noise(self, value: Tensor) -> Tensor:
        """The normal variable of a positive value."""
        return 3 * self.d.sqrt() * ((value / self.d) ** (1 / 3) - 1)

    def log_prob(self, value: Tensor) -> Tensor:
        slope = (value / self.d).log() * (2 / 3) + self.d.log() / 2
        return -self.noise(value).square() / 2 - math.log(2 * math.pi) / 2 - slope


class RejectionStandardGamma(Rejector):
    """Gamma draws with a rate of 1 *(Marsaglia and Tsang 2000)*.

    Args:
        concentration: shape, >= 1.
    """

    arg_constraints = {"concentration": constraints.greater_than_eq(1)}
    support = constraints.positive

    def __init__(self, concentration: Tensor) -> None:
        self.concentration = concentration
        d = concentration - 1 / 3
        log_scale = torch.lgamma(concentration) + d - (d - 1 / 6) * d.log() - math.log(2 * math.pi) / 2
        self._proposal = _CubedNormal(d)
        super().__init__(self._proposal, self._log_prob_accept, log_scale)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> RejectionStandardGamma:
        return RejectionStandardGamma(self.concentration.expand(Size(batch_shape)))

    def _log_prob_accept(self, x: Tensor) -> Tensor:
        d, inside = self._proposal.d, x > 0
        x = torch.where(inside, x, d)
        log_prob = self._proposal.noise(x).square() / 2 + d - x + d * (x / d).log()
        return torch.where(inside, log_prob, -math.inf)

    def propose_log_prob(self, value: Tensor) -> Tensor:
        """The log-density of the proposal."""
        return self._proposal.log_prob(value)

    def log_prob(self, x: Tensor) -> Tensor:
        return Gamma(self.concentration, 1.0, validate_args=False).log_prob(x)


class RejectionGamma(Gamma):
    """The gamma distribution with draws by rejection; the concentration is at least 1."""

    has_rsample = False

    @property
    def _standard(self) -> RejectionStandardGamma:
        return RejectionStandardGamma(self.concentration)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sizes = Size(), *, generator: Generator | None = None) -> Tensor:
        """Draws that move with their parameters. Shape: ``(*sample_shape, *batch)``."""
        return self._standard.rsample(sample_shape, generator=generator) / self.rate

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        if not x.requires_grad:
            return super().score_parts(x)
        log_prob = self.log_prob(x)
        return ScoreParts(log_prob, self._standard.score_parts(x * self.rate).score_function, log_prob)


class _Augmented:
    """The last draw of a distribution, and the score of the proposals that it is made of."""

    _boost: int
    _last: tuple[Tensor, Tensor] | None = None

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        """Draws that move with no parameter. Shape: ``(*sample_shape, *batch, *event)``."""
        with torch.no_grad():
            return self.rsample(sample_shape)  # type: ignore[attr-defined, no-any-return]

    def score_parts(self, x: Tensor | None = None, *args: Any, **kwargs: Any) -> ScoreParts:
        """The parts at the last draw of ``rsample``; at a value that moves with no parameter, the score alone.

        Raises:
            ArgumentError: the value moves with a parameter and is another one than the last draw.
        """
        if x is not None and not x.requires_grad:
            log_prob = self.log_prob(x)  # type: ignore[attr-defined]
            return ScoreParts(log_prob, log_prob, 0)
        if self._last is None or (x is not None and x is not self._last[0]):
            raise ArgumentError(
                f"score_parts of {type(self).__name__} takes the value that its last rsample() gave: the score is that "
                "of the proposals which were accepted then."
            )
        value, score = self._last
        log_prob = self.log_prob(value)  # type: ignore[attr-defined]
        return ScoreParts(log_prob, score, log_prob)


def _boosted(concentration: Tensor, boost: int, shape: Size, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Gamma draws of rate 1, from those with ``boost`` added to the shape, and the score of their proposals.

    A gamma variable of shape a is one of shape a + 1 times ``u**(1 / a)`` for a uniform u.
    """
    standard = RejectionStandardGamma(concentration.expand(shape) + boost)
    start = standard.rsample(generator=generator)
    score = standard.score_parts(start).score_function
    log_factor = torch.zeros_like(start)
    for step in range(boost):
        uniform = torch.rand(shape, generator=generator, dtype=start.dtype, device=start.device)
        log_factor = log_factor + uniform.log() / (concentration + step)
    return start * log_factor.exp(), torch.as_tensor(score)


class ShapeAugmentedGamma(_Augmented, Gamma):
    """The gamma distribution; a draw is one with a larger shape, by rejection, made smaller.

    Args:
        concentration: shape, > 0.
        rate: inverse scale, > 0.
        boost: what is added to the shape, a whole number; with the shape it is at least 1.
    """

    has_rsample = False

    def __init__(
        self, concentration: Tensor, rate: Tensor | float, boost: int = 1, validate_args: bool | None = None
    ) -> None:
        self._boost = boost
        super().__init__(concentration, rate, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ShapeAugmentedGamma, _instance)
        new._boost = self._boost
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sizes = Size(), *, generator: Generator | None = None) -> Tensor:
        """Draws that move with their parameters. Shape: ``(*sample_shape, *batch)``."""
        value, score = _boosted(self.concentration, self._boost, self.shape(sample_shape), generator)
        value = value / self.rate
        self._last = value, score
        return value


class ShapeAugmentedDirichlet(_Augmented, Dirichlet):
    """The Dirichlet distribution; a draw is made of gamma variables by rejection.

    Args:
        concentration: > 0. Shape: ``(*batch, n)``.
        boost: what is added to the shapes of the gamma variables, a whole number; with them it is at least 1.
    """

    has_rsample = False

    def __init__(self, concentration: Tensor, boost: int = 1, validate_args: bool | None = None) -> None:
        self._boost = boost
        super().__init__(concentration, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ShapeAugmentedDirichlet, _instance)
        new._boost = self._boost
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sizes = Size(), *, generator: Generator | None = None) -> Tensor:
        """Draws that move with their parameters. Shape: ``(*sample_shape, *batch, n)``."""
        parts, scores = _boosted(self.concentration, self._boost, self.shape(sample_shape), generator)
        value = parts / parts.sum(-1, keepdim=True)
        self._last = value, scores.sum(-1)
        return value


class ShapeAugmentedBeta(_Augmented, Beta):
    """The beta distribution; a draw is made of two gamma variables by rejection.

    Args:
        concentration1: > 0.
        concentration0: > 0.
        boost: what is added to the shapes of the gamma variables, a whole number; with them it is at least 1.
    """

    has_rsample = False

    def __init__(
        self,
        concentration1: Tensor | float,
        concentration0: Tensor | float,
        boost: int = 1,
        validate_args: bool | None = None,
    ) -> None:
        self._boost = boost
        super().__init__(concentration1, concentration0, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(ShapeAugmentedBeta, _instance)
        new._boost = self._boost
        return super().expand(batch_shape, new)

    def rsample(self, sample_shape: Sizes = Size(), *, generator: Generator | None = None) -> Tensor:
        """Draws that move with their parameters. Shape: ``(*sample_shape, *batch)``."""
        both = torch.stack([self.concentration1, self.concentration0], -1)
        parts, scores = _boosted(both, self._boost, self.shape(sample_shape) + Size((2,)), generator)
        value = parts[..., 0] / parts.sum(-1)
        self._last = value, scores.sum(-1)
        return value
