"""The terms of a gradient estimator that is pathwise where it can be, and uses the score elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["ScoreParts", "own_score_parts", "scale_and_mask"]


def scale_and_mask(tensor: Tensor | float, scale: Tensor | float = 1.0, mask: Tensor | bool | None = None) -> Any:
    """``tensor * scale``, and zero where ``mask`` is false, also in place of a NaN. The number 0 stays as it is.

    >>> scale_and_mask(torch.tensor([1.0, torch.nan]), 2.0, torch.tensor([True, False]))
    tensor([2., 0.])
    """
    if not isinstance(tensor, Tensor) and tensor == 0:
        return tensor
    if mask is False:
        return torch.zeros_like(torch.as_tensor(tensor))
    scaled = tensor if not isinstance(scale, Tensor) and scale == 1 else tensor * scale
    if mask is None or mask is True:
        return scaled
    return torch.where(mask, torch.as_tensor(scaled), 0.0)


class ScoreParts(NamedTuple):
    """The parts of a latent variable's log-density that an estimator of the bound's gradient takes.

    With ``f`` the rest of the bound, the gradient of its mean is that of
    ``f(x) + (f(x) - log_prob).detach() * score_function - entropy_term`` *(Naesseth et al. 2017, equation 5)*.

    Attributes:
        log_prob: the log-density at the value, nats. Shape: ``(*batch,)``.
        score_function: the part whose gradient is multiplied by the bound; 0 where the value moves with its parameters.
        entropy_term: the part that is differentiated as it is; 0 where the value does not move.
    """

    log_prob: Tensor | float
    score_function: Tensor | float
    entropy_term: Tensor | float

    def scale_and_mask(self, scale: Tensor | float = 1.0, mask: Tensor | bool | None = None) -> ScoreParts:
        """These parts for data that count ``scale`` times, where ``mask`` is true.

        The score is left as it is, since the variable is drawn in any case.
        """
        return ScoreParts(
            scale_and_mask(self.log_prob, scale, mask),
            self.score_function,
            scale_and_mask(self.entropy_term, scale, mask),
        )


def own_score_parts(fn: Any, value: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
    """The parts of a family whose draws all have a pathwise derivative, or all have none."""
    log_prob = fn.log_prob(value, *args, **kwargs)
    return ScoreParts(log_prob, 0, log_prob) if fn.has_rsample else ScoreParts(log_prob, log_prob, 0)
