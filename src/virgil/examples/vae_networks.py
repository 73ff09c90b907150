"""The networks of the autoencoders of digits, and the distributions of which they give the numbers."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import softplus

import virgil.distributions as dist
from virgil.examples.data.digits import INK

__all__ = ["HIDDEN", "network", "normal", "pixels"]

HIDDEN = 128  # units a layer
_LEAST = 1e-3  # of either number of a beta-binomial: a pixel that is always white would drive one of them to 0


def network(inputs: int, outputs: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, outputs)
    )


def pixels(numbers: Tensor) -> dist.BetaBinomial:
    """A beta-binomial distribution for each pixel. Shape: ``(*batch, 2 * pixels)`` to ``(*batch, pixels)``."""
    inked, blank = (softplus(numbers) + _LEAST).chunk(2, -1)
    return dist.BetaBinomial(inked, blank, INK)


def normal(numbers: Tensor) -> dist.Normal:
    """A normal distribution for each coordinate. Shape: ``(*batch, 2 * coordinates)`` to ``(*batch, coordinates)``."""
    loc, log_scale = numbers.chunk(2, -1)
    return dist.Normal(loc, log_scale.exp())
