"""Families of one real number that torch has complete: the whole line, a half-line, an interval.

Names and parameters are torch's. Unless said otherwise every parameter is a number or tensor of shape (*batch,) and all
are broadcast together. Densities and moments are those of the volumes *(Johnson, Kotz and Balakrishnan 1994, 1995)*.
"""

from __future__ import annotations

from torch import distributions as td

from virgil.distributions.core.shape_algebra import TorchDistributionMixin

__all__ = [
    "Cauchy",
    "Chi2",
    "ContinuousBernoulli",
    "Exponential",
    "FisherSnedecor",
    "Gamma",
    "Gumbel",
    "Kumaraswamy",
    "Laplace",
    "Pareto",
    "RelaxedBernoulli",
    "Uniform",
]


class Cauchy(TorchDistributionMixin, td.Cauchy):
    """On the real line with density ``1 / (pi * scale * (1 + ((x - loc) / scale)**2))``; it has no moments.

    Args:
        loc: median.
        scale: half the distance between the quartiles, > 0.
    """


class Chi2(TorchDistributionMixin, td.Chi2):
    """The sum of ``df`` squared standard normals; on positive numbers.

    Args:
        df: degrees of freedom, > 0.
    """


class ContinuousBernoulli(TorchDistributionMixin, td.ContinuousBernoulli):
    """On [0, 1] with density proportional to ``p**x * (1 - p)**(1 - x)`` *(Loaiza-Ganem and Cunningham 2019)*.

    Args:
        probs: p in (0, 1); it is not the mean.
        logits: log-odds of p, in place of ``probs``.
        lims: interval around 1/2 in which a Taylor series replaces the unstable formula.
    """


class Exponential(TorchDistributionMixin, td.Exponential):
    """Waiting time of a Poisson process; on nonnegative numbers.

    Args:
        rate: inverse of the mean, > 0.
    """


class FisherSnedecor(TorchDistributionMixin, td.FisherSnedecor):
    """The ratio of two chi-squares, each over its degrees of freedom (F); on positive numbers.

    Args:
        df1: degrees of freedom of the numerator, > 0.
        df2: degrees of freedom of the denominator, > 0.
    """


class Gamma(TorchDistributionMixin, td.Gamma):
    """On positive numbers with density proportional to ``x**(concentration - 1) * exp(-rate * x)``.

    Args:
        concentration: shape, > 0.
        rate: inverse scale, > 0; the mean is concentration / rate.
    """


class Gumbel(TorchDistributionMixin, td.Gumbel):
    """The limit of maxima, ``loc - scale * log(-log(u))`` for uniform u; on the real line.

    Args:
        loc: mode.
        scale: > 0.
    """


class Kumaraswamy(TorchDistributionMixin, td.Kumaraswamy):
    """On (0, 1) with distribution function ``1 - (1 - x**a)**b`` *(Kumaraswamy 1980)*.

    Args:
        concentration1: a > 0.
        concentration0: b > 0.
    """


class Laplace(TorchDistributionMixin, td.Laplace):
    """On the real line with density ``exp(-|x - loc| / scale) / (2 * scale)``.

    Args:
        loc: mean.
        scale: mean absolute deviation, > 0.
    """


class Pareto(TorchDistributionMixin, td.Pareto):
    """On numbers above ``scale`` with density ``alpha * scale**alpha / x**(alpha + 1)``.

    Args:
        scale: lower bound, > 0.
        alpha: exponent of the tail, > 0; moments of this order and above do not exist.
    """


class RelaxedBernoulli(TorchDistributionMixin, td.RelaxedBernoulli):
    """A Bernoulli variable made continuous on (0, 1) *(Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017)*.

    Args:
        temperature: > 0; towards 0 draws gather at 0 and 1.
        probs: probability of 1.
        logits: log-odds of 1, in place of ``probs``.
    """


class Uniform(TorchDistributionMixin, td.Uniform):
    """Constant density on [low, high).

    Args:
        low: lower bound.
        high: upper bound, > low.
    """
