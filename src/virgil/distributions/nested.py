"""Families that torch builds around an inner distribution, where the inner one would be checked a second time.

Torch's own inner distributions do not know Virgil's switch, so they validate inside an SVI step too. Here the inner one
is Virgil's or is told not to check: the outer one checks the same parameters and values.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.distributions.transforms import PowerTransform
from torch.distributions.utils import broadcast_all
from torch.types import _size

from virgil.distributions.categorical import Categorical
from virgil.distributions.continuous import Chi2, Gamma
from virgil.distributions.core.broadcast_parameters import broadcast_pair
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.validation import resolve_validation
from virgil.distributions.discrete import Binomial
from virgil.distributions.multivariate import Dirichlet

__all__ = [
    "Beta",
    "InverseGamma",
    "Multinomial",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "StudentT",
    "Weibull",
]


class Beta(TorchDistributionMixin, td.Beta):
    """On (0, 1) with density proportional to ``x**(a - 1) * (1 - x)**(b - 1)``.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """

    def __init__(
        self, concentration1: Tensor | float, concentration0: Tensor | float, validate_args: bool | None = None
    ) -> None:
        both = torch.stack(broadcast_pair(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=False)
        td.Distribution.__init__(self, both.shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(Beta, _instance))


class StudentT(TorchDistributionMixin, td.StudentT):
    """Heavy-tailed on the real line; Cauchy at ``df = 1``, towards normal as ``df`` grows.

    Args:
        df: degrees of freedom, > 0; moments of this order and above do not exist.
        loc: median.
        scale: > 0; not the standard deviation.
    """

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df, validate_args=False)
        td.Distribution.__init__(self, self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(StudentT, _instance))


class InverseGamma(TorchDistributionMixin, td.InverseGamma):
    """The reciprocal of a gamma variable; on positive numbers.

    Args:
        concentration: shape, > 0.
        rate: inverse scale of the gamma variable, that is the scale of this one, > 0.
    """

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        # concentration and rate are read from base_dist and checked as this distribution's own arguments
        base = Gamma(*broadcast_pair(concentration, rate), validate_args=False)
        transform = PowerTransform(base.rate.new_full((), -1.0))
        td.TransformedDistribution.__init__(self, base, [transform], validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(InverseGamma, _instance))


class Weibull(TorchDistributionMixin, td.Weibull):
    """On positive numbers with distribution function ``1 - exp(-(x / scale)**concentration)``.

    Args:
        scale: > 0.
        concentration: shape, > 0; below 1 the hazard falls.
    """

    def __init__(self, scale: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(scale, concentration, resolve_validation(validate_args))

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(Weibull, _instance))


class OneHotCategorical(TorchDistributionMixin, td.OneHotCategorical):
    """One label out of n, as a vector with a single 1.

    Args:
        probs: weights of the labels, normalised to sum to one. Shape: (*batch, n).
        logits: log weights, in place of ``probs``. Shape: (*batch, n).
    """

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args=False)
        shape = self._categorical.param_shape
        td.Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(OneHotCategorical, _instance))

    def sample(self, sample_shape: _size = ()) -> Tensor:
        probs = self.probs
        labels = torch.arange(probs.shape[-1], device=probs.device)
        drawn: Tensor = self._categorical.sample(Size(sample_shape))
        return (drawn.unsqueeze(-1) == labels).to(probs.dtype)


class OneHotCategoricalStraightThrough(OneHotCategorical, td.OneHotCategoricalStraightThrough):
    """`OneHotCategorical` whose draws pass on the gradient of ``probs`` *(Bengio, Léonard and Courville 2013)*.

    That gradient is biased.

    Args:
        probs: weights of the labels, normalised to sum to one. Shape: (*batch, n).
        logits: log weights, in place of ``probs``. Shape: (*batch, n).
    """


class Multinomial(TorchDistributionMixin, td.Multinomial):
    """Counts of each label in ``total_count`` draws; as many labels as entries of the last dim.

    Args:
        total_count: number of draws, one integer for the whole batch.
        probs: weights of the labels, normalised to sum to one. Shape: (*batch, n).
        logits: log weights, in place of ``probs``. Shape: (*batch, n).
    """

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(
                f"The total_count of Multinomial is {total_count!r}; it takes one integer for the whole batch."
            )
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args=False)
        self._binomial = Binomial(total_count, self._categorical.probs, validate_args=False)
        shape = self._categorical.param_shape
        td.Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        return super().expand(batch_shape, self._get_checked_instance(Multinomial, _instance))
