"""The ordered logistic distribution."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Size, Tensor
from torch import distributions as td
from torch.nn.functional import logsigmoid

from virgil.distributions import constraints
from virgil.distributions.discrete.categorical import Categorical
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.sizes import Sizes

__all__ = ["OrderedLogistic"]


class OrderedLogistic(Categorical):
    """One of n ordered labels: the interval between cutpoints into which ``predictor`` plus logistic noise falls.

    The probability of one of the first k labels is ``1 / (1 + exp(predictor - cutpoint[k]))`` *(McCullagh 1980, section
    2.1)*. Shape: event ``()``.

    Args:
        predictor: location of the latent variable. Shape: ``(*batch,)``.
        cutpoints: increasing. Shape: ``(*batch, n - 1)``.
    """

    arg_constraints = {"predictor": constraints.real, "cutpoints": constraints.ordered_vector}

    def __init__(self, predictor: Tensor | float, cutpoints: Tensor, validate_args: bool | None = None) -> None:
        predictor = torch.as_tensor(predictor, dtype=cutpoints.dtype, device=cutpoints.device)
        shape = Size(broadcast_shapes(predictor.shape, cutpoints.shape[:-1]))
        self.predictor = predictor.expand(shape)
        self.cutpoints = cutpoints.expand(shape + cutpoints.shape[-1:])
        self.logits = self._param = _log_probs(cutpoints, predictor.unsqueeze(-1))
        self._num_events = self.logits.shape[-1]
        td.Distribution.__init__(self, shape, validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        new = self._get_checked_instance(OrderedLogistic, _instance)
        new.predictor = self.predictor.expand(batch_shape)
        new.cutpoints = self.cutpoints.expand(Size(batch_shape) + self.cutpoints.shape[-1:])
        return super().expand(batch_shape, new)


def _log_probs(cutpoints: Tensor, predictor: Tensor) -> Tensor:
    """The log-probability of each interval. Shape: ``(*batch, n)``.

    Between a and b it is ``sigmoid(b) * sigmoid(-a) * (1 - exp(a - b))``, of which no logarithm cancels.
    """
    bounds = cutpoints - predictor
    below, above = logsigmoid(bounds), logsigmoid(-bounds)
    width = cutpoints[..., 1:] - cutpoints[..., :-1]
    inner = below[..., 1:] + above[..., :-1] + (-torch.expm1(-width)).log()
    return torch.cat([below[..., :1], inner, above[..., -1:]], -1)
