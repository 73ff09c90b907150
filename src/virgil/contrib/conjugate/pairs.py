"""Pairs of a latent variable and observations whose posterior is of the family of the prior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from virgil.distributions import Beta, BetaBinomial, Binomial, Gamma, GammaPoisson, Independent, Poisson
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["BetaBinomialPair", "ConjugatePair", "GammaPoissonPair", "pair_of"]


class _Paired(TorchDistributionMixin):
    """A distribution that knows its pair; stands first among the bases."""

    pair: ConjugatePair

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.pair = self.pair
        return new


class _Beta(_Paired, Beta):
    pass


class _Binomial(_Paired, Binomial):
    pass


class _Gamma(_Paired, Gamma):
    pass


class _Poisson(_Paired, Poisson):
    pass


class ConjugatePair(ABC):
    """A latent variable and the observations of it, for use in a program that ``collapse_conjugate`` may run.

    The prior has two parameters, and each observation adds two numbers to them: that is the posterior
    *(Gelman et al. 2013, section 2.4)*.

    Attributes:
        parameters: the names of the prior's two parameters.
        latent_family: the class of the priors that ``latent`` makes.
        conditional_family: the class of the distributions that ``conditional`` makes.
    """

    parameters: ClassVar[tuple[str, str]]
    latent_family: ClassVar[type[Any]]
    conditional_family: ClassVar[type[Any]]

    def __init__(self) -> None:
        self._latent: Any = None
        self._conditional: Any = None

    def latent(self, *args: Any, **kwargs: Any) -> Any:
        """The prior, by the arguments of its family."""
        self._latent = self._paired(self.latent_family(*args, **kwargs))
        return self._latent

    def conditional(self, *args: Any, **kwargs: Any) -> Any:
        """The distribution of an observation given the latent variable, by the arguments of its family."""
        self._conditional = self._paired(self.conditional_family(*args, **kwargs))
        return self._conditional

    def posterior(self, obs: Tensor) -> Any:
        """The latent variable's distribution after observations, whose shape may have dims left of its own.

        Raises:
            ArgumentError: ``latent`` or ``conditional`` has not been called.
        """
        self._need_both("posterior")
        return self.updated(self._latent, self._conditional, obs)

    def compound(self) -> Any:
        """The distribution of one observation, with the latent variable integrated out.

        Raises:
            ArgumentError: ``latent`` or ``conditional`` has not been called.
        """
        self._need_both("compound")
        return self.marginal(*self.parameters_of(self._latent), self._conditional)

    def parameters_of(self, latent: Any) -> tuple[Tensor, Tensor]:
        """The two parameters of the prior. Shape: its batch."""
        first, second = (getattr(latent, name) for name in self.parameters)
        return first, second

    def updated(self, latent: Any, conditional: Any, obs: Tensor) -> Any:
        """The posterior after observations: the prior's parameters and the sums of what the observations add."""
        sums = (_sum_to(added, latent.batch_shape) for added in self.added(conditional, obs))
        moved = (old + new for old, new in zip(self.parameters_of(latent), sums, strict=True))
        return self._paired(self.latent_family(*moved))

    @abstractmethod
    def added(self, conditional: Any, obs: Tensor) -> tuple[Tensor, Tensor]:
        """The two numbers that each observation adds to the parameters. Shape: that of ``obs``."""

    @abstractmethod
    def marginal(self, first: Tensor, second: Tensor, conditional: Any) -> Any:
        """The distribution of one observation under a prior with these parameters."""

    @abstractmethod
    def given(self, latent: Tensor, conditional: Any) -> Any:
        """The distribution of observations given another value of the latent variable."""

    def _paired(self, fn: Any) -> Any:
        fn.pair = self
        return fn

    def _need_both(self, asked: str) -> None:
        if self._latent is None or self._conditional is None:
            raise ArgumentError(
                f"{type(self).__name__}.{asked}() needs both distributions. Call latent(...) and "
                "conditional(...) first."
            )


class BetaBinomialPair(ConjugatePair):
    """``p`` from ``Beta(a, b)``, and counts k from ``Binomial(n, p)``: the posterior is ``Beta(a + k, b + n - k)``.

    Example:
        >>> import torch
        >>> pair = BetaBinomialPair()
        >>> p = pair.latent(torch.tensor(1.0), torch.tensor(1.0)).sample()
        >>> heads = pair.conditional(total_count=10, probs=p)
        >>> posterior = pair.posterior(torch.tensor(7.0))
        >>> float(posterior.concentration1), float(posterior.concentration0)
        (8.0, 4.0)
    """

    parameters = ("concentration1", "concentration0")
    latent_family = _Beta
    conditional_family = _Binomial

    def added(self, conditional: Any, obs: Tensor) -> tuple[Tensor, Tensor]:
        return obs, conditional.total_count - obs

    def marginal(self, first: Tensor, second: Tensor, conditional: Any) -> Any:
        return BetaBinomial(first, second, conditional.total_count)

    def given(self, latent: Tensor, conditional: Any) -> Any:
        return Binomial(conditional.total_count, latent)


class GammaPoissonPair(ConjugatePair):
    """A rate from ``Gamma(a, b)``, and counts k from ``Poisson(rate)``: the posterior is ``Gamma(a + k, b + 1)``."""

    parameters = ("concentration", "rate")
    latent_family = _Gamma
    conditional_family = _Poisson

    def added(self, conditional: Any, obs: Tensor) -> tuple[Tensor, Tensor]:
        return obs, torch.ones_like(obs)

    def marginal(self, first: Tensor, second: Tensor, conditional: Any) -> Any:
        return GammaPoisson(first, second)

    def given(self, latent: Tensor, conditional: Any) -> Any:
        return Poisson(latent)


def pair_of(fn: Any) -> tuple[ConjugatePair, Any, int] | None:
    """The pair of a distribution, the distribution without dims moved to the event, and how many those are."""
    moved = 0
    while isinstance(fn, Independent):
        moved += fn.reinterpreted_batch_ndims
        fn = fn.base_dist
    return (fn.pair, fn, moved) if isinstance(fn, _Paired) else None


def _sum_to(values: Tensor, shape: Sizes) -> Tensor:
    """The sums over the dims that ``shape`` lacks, or has with size 1."""
    return values.sum_to_size(tuple(shape)) if values.shape != tuple(shape) else values
