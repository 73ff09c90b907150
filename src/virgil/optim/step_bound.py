"""A bound on the change of a number in one step of an optimiser."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from virgil.optim.clipped_adam import ClippedAdam

__all__ = ["step_bound"]

_NORMALISED = (torch.optim.Adam, torch.optim.AdamW, ClippedAdam)
_LEAST = 1e-30  # an eps that is zero in single precision lets 0 / 0 be


def step_bound(optimizer: torch.optim.Optimizer | None) -> float:
    r"""A bound on the change of any entry of a parameter in one step; infinity if none is known.

    Adam divides by the root mean square of the gradients, so that by the inequality of Cauchy and Schwarz

    .. math:: |\Delta| \le \alpha\,\frac{1 - \beta_1}{\sqrt{(1 - \beta_2)(1 - \beta_1^2 / \beta_2)}}

    for all gradients, if :math:`\beta_1^2 < \beta_2`. With the usual decays this is seven times the rate :math:`\alpha`
    *(after Kingma and Ba 2015, section 2.1)*.
    """
    if type(optimizer) not in _NORMALISED:
        return math.inf
    return max((_of_group(group) for group in optimizer.param_groups), default=0.0)  # type: ignore[union-attr]


def _of_group(group: dict[str, Any]) -> float:
    rate = float(group["lr"])
    if group.get("centered_variance"):  # deviations from a mean may be far smaller than the mean
        return math.inf
    is_moderate = 0 <= rate <= 1 and rate * group["weight_decay"] <= 1 and group.get("lrd", 1.0) <= 1
    if not is_moderate or group["eps"] < _LEAST:
        return math.inf
    return rate * _ratio(*group["betas"])


@functools.lru_cache(maxsize=16)
def _ratio(beta1: float, beta2: float) -> float:
    beta1, beta2 = float(beta1), float(beta2)
    if not beta1**2 < beta2 < 1:
        return math.inf
    return (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
