"""The map from probabilities of ordered categories to cutpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Size, Tensor
from torch.distributions.transforms import Transform

from virgil.distributions import constraints

__all__ = ["SimplexToOrderedTransform"]


class SimplexToOrderedTransform(Transform):
    r"""From the probabilities :math:`p` of ordered categories to the cutpoints of an ordered logistic model.

    .. math:: y_i = \phi + \operatorname{logit}(p_1 + \dots + p_i), \qquad i = 1, \dots, K - 1

    A Dirichlet distribution of :math:`p` so becomes a prior of cutpoints. The coordinates of the simplex are all
    entries but the last; the Jacobian is triangular.

    Source: Betancourt 2019, "Ordinal Regression", section 2.2.

    Shape: ``(*batch, K)`` to ``(*batch, K - 1)``.

    Args:
        anchor_point: :math:`\phi`, the logit at which the probabilities are meant; it broadcasts with the batch.
            Default: 0.
        cache_size: 1 to keep the last value and its image, 0 to keep none.

    >>> SimplexToOrderedTransform()(torch.tensor([0.25, 0.25, 0.5]))
    tensor([-1.0986,  0.0000])
    """

    domain = constraints.simplex
    codomain = constraints.ordered_vector
    bijective = True

    def __init__(self, anchor_point: Tensor | float | None = None, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        given = 0.0 if anchor_point is None else anchor_point
        self.anchor_point = given if isinstance(given, Tensor) else torch.tensor(given, dtype=torch.double)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SimplexToOrderedTransform) and torch.equal(self.anchor_point, other.anchor_point)

    __hash__ = Transform.__hash__

    def with_cache(self, cache_size: int = 1) -> SimplexToOrderedTransform:
        """The same map with this size of cache."""
        return self if self._cache_size == cache_size else SimplexToOrderedTransform(self.anchor_point, cache_size)

    def _anchor(self, like: Tensor) -> Tensor:
        return self.anchor_point.unsqueeze(-1).to(like.dtype)

    def _call(self, x: Tensor) -> Tensor:
        below = x[..., :-1].cumsum(-1)
        above = x.flip(-1).cumsum(-1).flip(-1)[..., 1:]  # 1 - below, to full precision where that is near 1
        return below.log() - above.log() + self._anchor(x)

    def _inverse(self, y: Tensor) -> Tensor:
        logits = y - self._anchor(y)
        first, last = logits[..., :1].sigmoid(), (-logits[..., -1:]).sigmoid()
        # the difference of two sigmoids, without cancellation
        between = logits[..., 1:].sigmoid() * (-logits[..., :-1]).sigmoid() * -torch.expm1(-logits.diff(dim=-1))
        return torch.cat([first, between, last], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        logits = y - self._anchor(y)
        slopes = torch.nn.functional.softplus(logits) + torch.nn.functional.softplus(-logits)
        return slopes.sum(-1)

    def forward_shape(self, shape: Any) -> Size:
        return Size((*shape[:-1], shape[-1] - 1))

    def inverse_shape(self, shape: Any) -> Size:
        return Size((*shape[:-1], shape[-1] + 1))
