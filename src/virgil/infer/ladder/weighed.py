"""``Weighed``: draws with weights as an answer, and how far off their means and spreads may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.infer.trust.stats import array_stats
from virgil.infer.trust.verdict import ERRORS, MEANS, SPREADS

__all__ = ["Errors", "Weighed", "errors_of_chains", "errors_of_weights"]

_CONSTANT = 1e-6  # relative: a standard deviation that is rounding


@dataclass(frozen=True)
class Errors:
    """The largest standard errors over the entries of all variables.

    Attributes:
        mean: of a mean, in standard deviations.
        mean_of: the variable that has it.
        spread: of a standard deviation, as a share of it.
        spread_of: the variable that has it.
    """

    mean: float = 0.0
    mean_of: str = ""
    spread: float = 0.0
    spread_of: str = ""

    @property
    def means_hold(self) -> bool:
        """True if the means are as near as one that is trusted."""
        return ERRORS * self.mean <= MEANS

    @property
    def spreads_hold(self) -> bool:
        """True if the standard deviations are as near as one that is trusted."""
        return ERRORS * self.spread <= SPREADS

    @property
    def wanting(self) -> float:
        """How many times as many draws would make all hold."""
        return max((ERRORS * self.mean / MEANS) ** 2, (ERRORS * self.spread / SPREADS) ** 2)

    @property
    def sentence(self) -> str:
        """The figures in words."""
        return (
            f"means are known to {ERRORS * self.mean:.2g} sd ({self.mean_of!r}) and spreads to "
            f"{100 * ERRORS * self.spread:.2g} % ({self.spread_of!r}), three standard errors of the worst"
        )

    def joined(self, name: str, mean: Tensor, spread: Tensor) -> Errors:
        """With the errors of the entries of another variable."""
        worst, widest = _largest(mean), _largest(spread)
        return Errors(
            *((worst, name) if worst >= self.mean else (self.mean, self.mean_of)),
            *((widest, name) if widest >= self.spread else (self.spread, self.spread_of)),
        )


@dataclass(frozen=True, eq=False)
class Weighed:
    """Draws of the posterior with weights.

    Attributes:
        values: by variable. Shape: ``(num, *shape of the variable)``.
        log_weights: normalised. Shape: ``(num,)``.
        errors: how far off they may be.
        effective: by variable, how many independent draws its entries are worth, for means. Shape: the variable's.
    """

    values: dict[str, Tensor]
    log_weights: Tensor
    errors: Errors
    effective: dict[str, Tensor]

    def resampled(self, num: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draws of equal weight. Shape: ``(num, *shape of the variable)``."""
        rows = torch.multinomial(self.log_weights.exp(), num, replacement=True, generator=generator)
        return {name: value[rows.to(value.device)] for name, value in self.values.items()}

    def quantiles(self, name: str, probabilities: Tensor) -> Tensor:
        """Quantiles of a variable's entries. Shape: ``(probabilities, *shape of the variable)``."""
        values = self.values[name].detach().double().cpu()
        rows = values.reshape(len(values), -1)
        ordered, places = rows.sort(0)
        below = self.log_weights.exp()[places].cumsum(0)
        found = torch.searchsorted(
            below.mT.contiguous(), (probabilities.double() * below[-1].unsqueeze(1)).contiguous()
        ).clamp_max(len(rows) - 1)
        return ordered.gather(0, found.mT).reshape(len(probabilities), *values.shape[1:])

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a variable's entries. Shape: that of the variable."""
        values = self.values[name].detach().double().cpu()
        weights = self.log_weights.exp().reshape(-1, *(1,) * (values.dim() - 1))
        mean = (weights * values).sum(0)
        return mean, (weights * (values - mean) ** 2).sum(0).sqrt()


def errors_of_weights(values: Mapping[str, Tensor], log_weights: Tensor) -> tuple[Errors, dict[str, Tensor]]:
    """Standard errors of self-normalised means and standard deviations *(Owen 2013, section 9.2)*.

    Args:
        values: by variable. Shape: ``(num, *shape of the variable)``.
        log_weights: normalised. Shape: ``(num,)``.

    Returns:
        The largest errors, and by variable the number of independent draws that its entries' means are worth.
    """
    weights = log_weights.double().softmax(0).unsqueeze(1)
    errors, effective = Errors(), {}
    for name, value in values.items():
        rows = value.detach().double().reshape(len(value), -1).cpu()
        mean = (weights * rows).sum(0)
        away = rows - mean
        variance = (weights * away.square()).sum(0)
        varies = variance > (_CONSTANT * (1 + mean.abs())) ** 2
        safe = torch.where(varies, variance, 1.0)
        error = ((weights * away).square().sum(0) / safe).sqrt()
        other = ((weights * (away.square() / safe - 1)).square().sum(0)).sqrt() / 2
        errors = errors.joined(name, error[varies], other[varies])
        effective[name] = torch.where(varies, error.clamp_min(1e-30) ** -2, torch.nan).reshape(value.shape[1:])
    return errors, effective


def errors_of_chains(values: Mapping[str, Tensor]) -> tuple[Errors, dict[str, Tensor]]:
    """The same of the draws of chains, by their effective numbers *(Vehtari et al. 2021)*.

    Args:
        values: by variable. Shape: ``(chains, draws, *shape of the variable)``.
    """
    errors, effective, stats = Errors(), {}, array_stats()
    for name, value in values.items():
        shape = value.shape[2:]
        rows = value.detach().double().reshape(*value.shape[:2], -1).cpu()
        away = rows - rows.mean((0, 1))
        variance = away.square().mean((0, 1))
        varies = variance > (_CONSTANT * (1 + rows.mean((0, 1)).abs())) ** 2
        given, square = rows[..., varies], away[..., varies].square() / variance[varies]
        found = torch.full((rows.shape[2],), torch.nan, dtype=torch.float64)
        if given.shape[2]:
            worth, of_squares = (
                torch.as_tensor(stats.ess(each.numpy(), chain_axis=0, draw_axis=1, method="mean"))
                for each in (given, square)
            )
            found[varies] = worth
            errors = errors.joined(name, worth.rsqrt(), (square.var((0, 1)) / of_squares).sqrt() / 2)
        effective[name] = found.reshape(shape)
    return errors, effective


def _largest(values: Tensor) -> float:
    if not values.numel():
        return 0.0
    return math.inf if bool(values.isnan().any()) else float(values.max())
