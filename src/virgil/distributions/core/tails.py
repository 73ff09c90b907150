"""Masses of the lower and the upper tail of a distribution of one number, and the quantiles of these masses.

``log(cdf(x))`` and ``log(1 - cdf(x))`` lose their digits in a tail, and so does ``icdf`` of a mass near 1. Torch's
families that have better formulas stand in the table, one of Virgil's own has them as ``_tails``; all others take
those.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn.functional import softplus

from virgil.distributions.core.validation import unchecked
from virgil.ops.double_precision import in_double
from virgil.ops.incomplete_beta import beta_quantile_logit, log_incomplete_beta
from virgil.ops.incomplete_gamma import gamma_quantile, log_incomplete_gamma
from virgil.ops.student_tails import log_student_tail, student_quantile

__all__ = ["Tails", "log_of_rest", "symmetric_tails", "tails_of", "tails_of_failures"]

_Formula = Callable[[Any, Tensor], Tensor]
_LOG_HALF = math.log(0.5)


@dataclass(frozen=True)
class Tails:
    """Formulas of a family, each of a distribution and a value or a mass. Quantiles are for masses up to 1 / 2.

    Attributes:
        log_below: the logarithm of the mass at or below a value.
        log_above: the logarithm of the mass above a value.
        from_below: the value with this mass below it.
        from_above: the value with this mass above it.
    """

    log_below: _Formula
    log_above: _Formula
    from_below: _Formula
    from_above: _Formula


def tails_of(fn: td.Distribution) -> Tails:
    """The best formulas that are known for a distribution."""
    own: Tails | None = getattr(fn, "_tails", None)
    if own is not None:
        return own
    return next((_TAILS[family] for family in type(fn).__mro__ if family in _TAILS), _BY_CDF)


def _mass_below(fn: Any, value: Tensor) -> Tensor:
    support = fn.support
    for name, bounded in (("lower_bound", torch.maximum), ("upper_bound", torch.minimum)):
        bound = getattr(support, name, None)
        if bound is not None:
            value = bounded(value, torch.as_tensor(bound, dtype=value.dtype, device=value.device))
    with unchecked():
        return cast(Tensor, fn.cdf(value))


def _log(mass: Tensor) -> Tensor:
    """The logarithm; of zero it is minus infinity with a derivative of zero."""
    possible = mass > 0
    return torch.where(possible, torch.where(possible, mass, 1.0).log(), -torch.inf)


_BY_CDF = Tails(
    lambda fn, value: _log(_mass_below(fn, value)),
    lambda fn, value: _log(1 - _mass_below(fn, value)),
    lambda fn, mass: fn.icdf(mass),
    lambda fn, mass: fn.icdf(1 - mass),
)


def symmetric_tails(log_below: Callable[[Tensor], Tensor], from_below: Callable[[Tensor], Tensor]) -> Tails:
    """Formulas of a family with ``loc`` and ``scale``, of those of the standard one's lower tail."""
    return Tails(
        lambda fn, value: log_below((value - fn.loc) / fn.scale),
        lambda fn, value: log_below((fn.loc - value) / fn.scale),
        lambda fn, mass: fn.loc + fn.scale * from_below(mass),
        lambda fn, mass: fn.loc - fn.scale * from_below(mass),
    )


def _cauchy_below(z: Tensor) -> Tensor:
    return (torch.atan2(torch.ones_like(z), -z) / math.pi).log()


def _laplace_below(z: Tensor) -> Tensor:
    return torch.where(z < 0, _LOG_HALF + z, (-(-z.clamp_min(0.0)).exp() / 2).log1p())


def log_of_rest(log_mass: Tensor) -> Tensor:
    """``log(1 - exp(log_mass))``."""
    return _log(-torch.expm1(log_mass))


def _image_of_exponential(depth: _Formula, value_at: _Formula) -> Tails:
    """Of a family whose mass above x is ``exp(-depth(x))``, and whose value at a depth is the other function."""
    return Tails(
        lambda fn, value: log_of_rest(-depth(fn, value)),
        lambda fn, value: -depth(fn, value),
        lambda fn, mass: value_at(fn, -torch.log1p(-mass)),
        lambda fn, mass: value_at(fn, -mass.log()),
    )


def _positive(value: Tensor) -> Tensor:
    return value.clamp_min(torch.finfo(value.dtype).tiny)


def _logit(value: Tensor) -> Tensor:
    value = value.clamp(0.0, 1.0)
    return value.log() - torch.log1p(-value)


def _log_ratio(fn: Any, value: Tensor) -> Tensor:
    """The logit of the share of the numerator of an F variable."""
    ratio: Tensor = (fn.df1 / fn.df2).log()
    return value.clamp_min(0.0).log() + ratio


def _events(value: Tensor) -> Tensor:
    """One more than a count: its next event is the first that is not counted."""
    return value.detach().clamp_min(0.0).floor() + 1


def _counted(value: Tensor, log_mass: Tensor, of_none: float) -> Tensor:
    """The mass of counts up to a value, or above it; of values below zero it is given."""
    return torch.where(value < 0, of_none, log_mass)


def tails_of_failures(count: Callable[[Any], Tensor], log_odds: Callable[[Any], Tensor]) -> Tails:
    """Formulas of the number of successes before a number of failures, each failure with these log-odds."""

    def masses(fn: Any, value: Tensor) -> tuple[Tensor, Tensor]:
        return log_incomplete_beta(count(fn), _events(value), log_odds(fn))

    return Tails(
        lambda fn, value: _counted(value, masses(fn, value)[0], -torch.inf),
        lambda fn, value: _counted(value, masses(fn, value)[1], 0.0),
        *(_BY_CDF.from_below, _BY_CDF.from_above),
    )


def _successes(fn: Any, value: Tensor) -> tuple[Tensor, Tensor]:
    rest = fn.total_count - value.detach().floor()
    all_counted = rest <= 0
    below, above = log_incomplete_beta(torch.where(all_counted, 1.0, rest), _events(value), -fn.logits)
    return torch.where(all_counted, 0.0, below), torch.where(all_counted, -torch.inf, above)


def _log_ndtr(z: Tensor) -> Tensor:
    return in_double(torch.special.log_ndtr, z)  # whose derivative has three digits in float32


_NORMAL = symmetric_tails(_log_ndtr, torch.special.ndtri)
_TAILS: dict[type[td.Distribution], Tails] = {
    td.Normal: _NORMAL,
    td.LogNormal: Tails(
        lambda fn, value: _NORMAL.log_below(fn, _positive(value).log()),
        lambda fn, value: _NORMAL.log_above(fn, _positive(value).log()),
        lambda fn, mass: _NORMAL.from_below(fn, mass).exp(),
        lambda fn, mass: _NORMAL.from_above(fn, mass).exp(),
    ),
    td.HalfNormal: Tails(
        lambda fn, value: torch.erf(value.clamp_min(0.0) / fn.scale / math.sqrt(2)).log(),
        lambda fn, value: _log_ndtr(-value.clamp_min(0.0) / fn.scale) - _LOG_HALF,
        lambda fn, mass: fn.scale * (math.sqrt(2) * torch.erfinv(mass)),
        lambda fn, mass: -fn.scale * torch.special.ndtri(mass / 2),
    ),
    td.Cauchy: symmetric_tails(_cauchy_below, lambda mass: -1 / torch.tan(math.pi * mass)),
    td.HalfCauchy: Tails(
        lambda fn, value: (torch.atan(value.clamp_min(0.0) / fn.scale) * (2 / math.pi)).log(),
        lambda fn, value: _cauchy_below(-value.clamp_min(0.0) / fn.scale) - _LOG_HALF,
        lambda fn, mass: fn.scale * torch.tan(mass * (math.pi / 2)),
        lambda fn, mass: fn.scale / torch.tan(mass * (math.pi / 2)),
    ),
    td.Laplace: symmetric_tails(_laplace_below, lambda mass: (2 * mass).log()),
    td.Exponential: _image_of_exponential(
        lambda fn, value: fn.rate * value.clamp_min(0.0), lambda fn, depth: depth / fn.rate
    ),
    td.Weibull: _image_of_exponential(
        lambda fn, value: (_positive(value) / fn.scale) ** fn.concentration,
        lambda fn, depth: fn.scale * depth ** (1 / fn.concentration),
    ),
    td.Pareto: _image_of_exponential(
        lambda fn, value: fn.alpha * torch.log1p((value - fn.scale).clamp_min(0.0) / fn.scale),
        lambda fn, depth: fn.scale * (depth / fn.alpha).exp(),
    ),
    td.Gumbel: Tails(
        lambda fn, value: -((fn.loc - value) / fn.scale).exp(),
        lambda fn, value: log_of_rest(-((fn.loc - value) / fn.scale).exp()),
        lambda fn, mass: fn.loc - fn.scale * (-mass.log()).log(),
        lambda fn, mass: fn.loc - fn.scale * (-torch.log1p(-mass)).log(),
    ),
    td.Geometric: Tails(
        lambda fn, value: log_of_rest((value + 1).clamp_min(0.0) * -softplus(fn.logits)),
        lambda fn, value: (value + 1).clamp_min(0.0) * -softplus(fn.logits),
        *(_BY_CDF.from_below, _BY_CDF.from_above),
    ),
    td.Poisson: Tails(
        lambda fn, value: _counted(value, log_incomplete_gamma(_events(value), fn.rate)[1], -torch.inf),
        lambda fn, value: _counted(value, log_incomplete_gamma(_events(value), fn.rate)[0], 0.0),
        *(_BY_CDF.from_below, _BY_CDF.from_above),
    ),
    td.NegativeBinomial: tails_of_failures(lambda fn: fn.total_count, lambda fn: -fn.logits),
    td.Binomial: Tails(
        lambda fn, value: _counted(value, _successes(fn, value)[0], -torch.inf),
        lambda fn, value: _counted(value, _successes(fn, value)[1], 0.0),
        *(_BY_CDF.from_below, _BY_CDF.from_above),
    ),
    td.Gamma: Tails(
        lambda fn, value: log_incomplete_gamma(fn.concentration, fn.rate * value.clamp_min(0.0))[0],
        lambda fn, value: log_incomplete_gamma(fn.concentration, fn.rate * value.clamp_min(0.0))[1],
        lambda fn, mass: gamma_quantile(fn.concentration, mass) / fn.rate,
        lambda fn, mass: gamma_quantile(fn.concentration, mass, above=True) / fn.rate,
    ),
    td.InverseGamma: Tails(
        lambda fn, value: log_incomplete_gamma(fn.concentration, fn.rate / value.clamp_min(0.0))[1],
        lambda fn, value: log_incomplete_gamma(fn.concentration, fn.rate / value.clamp_min(0.0))[0],
        lambda fn, mass: fn.rate / gamma_quantile(fn.concentration, mass, above=True),
        lambda fn, mass: fn.rate / gamma_quantile(fn.concentration, mass),
    ),
    td.Beta: Tails(
        lambda fn, value: log_incomplete_beta(fn.concentration1, fn.concentration0, _logit(value))[0],
        lambda fn, value: log_incomplete_beta(fn.concentration1, fn.concentration0, _logit(value))[1],
        lambda fn, mass: beta_quantile_logit(fn.concentration1, fn.concentration0, mass).sigmoid(),
        lambda fn, mass: (-beta_quantile_logit(fn.concentration0, fn.concentration1, mass)).sigmoid(),
    ),
    td.FisherSnedecor: Tails(
        lambda fn, value: log_incomplete_beta(fn.df1 / 2, fn.df2 / 2, _log_ratio(fn, value))[0],
        lambda fn, value: log_incomplete_beta(fn.df1 / 2, fn.df2 / 2, _log_ratio(fn, value))[1],
        lambda fn, mass: fn.df2 / fn.df1 * beta_quantile_logit(fn.df1 / 2, fn.df2 / 2, mass).exp(),
        lambda fn, mass: fn.df2 / fn.df1 * (-beta_quantile_logit(fn.df2 / 2, fn.df1 / 2, mass)).exp(),
    ),
    td.StudentT: Tails(
        lambda fn, value: log_student_tail(fn.df, (value - fn.loc) / fn.scale),
        lambda fn, value: log_student_tail(fn.df, (fn.loc - value) / fn.scale),
        lambda fn, mass: fn.loc + fn.scale * student_quantile(fn.df, mass),
        lambda fn, mass: fn.loc - fn.scale * student_quantile(fn.df, mass),
    ),
}
