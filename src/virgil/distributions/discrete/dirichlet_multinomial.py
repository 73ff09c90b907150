"""The Dirichlet-multinomial distribution."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import constraints

from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.core.simplex_draws import SimplexDraws
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sizes import Sizes

__all__ = ["DirichletMultinomial"]


@expand_parameters
class DirichletMultinomial(TorchDistributionMixin):
    r"""The counts of each label in N draws whose probabilities are a draw of ``Dirichlet(concentration)``.

    The probability of the counts k is :math:`\frac{N!\, \Gamma(A)}{\Gamma(N + A)} \prod_i \frac{\Gamma(k_i +
    a_i)}{k_i!\, \Gamma(a_i)}`, where a are the concentrations and A is their sum *(Johnson, Kotz and Balakrishnan 1997,
    section 35.13.1)*. Shape: event ``(n,)`` for n labels.

    Args:
        concentration: > 0, as of the Dirichlet distribution. Shape: ``(*batch, n)``.
        total_count: number of draws N, >= 0. Shape: ``(*batch,)``.
        is_sparse: a hint that most counts are zero; the log-probability is the same.
    """

    arg_constraints = {
        "concentration": constraints.independent(constraints.positive, 1),
        "total_count": constraints.nonnegative_integer,
    }

    def __init__(
        self,
        concentration: Tensor,
        total_count: Tensor | int = 1,
        is_sparse: bool = False,
        validate_args: bool | None = None,
    ) -> None:
        total = torch.as_tensor(total_count, device=concentration.device).to(concentration.dtype)
        batch_shape = Size(broadcast_shapes(concentration.shape[:-1], total.shape))
        self.concentration = concentration.expand(batch_shape + concentration.shape[-1:])
        self.total_count = total.expand(batch_shape)
        super().__init__(batch_shape, concentration.shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> constraints.Constraint:
        return constraints.multinomial(self.total_count)

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            concentration = self.concentration.expand(self.shape(sample_shape))
            probs = SimplexDraws(concentration, validate_args=False).sample()
            return _multinomial(self.total_count.expand(concentration.shape[:-1]), probs)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return in_double(_log_prob, value, self.concentration, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count.unsqueeze(-1) * self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def variance(self) -> Tensor:
        total, count = self.concentration.sum(-1, keepdim=True), self.total_count.unsqueeze(-1)
        probs = self.concentration / total
        return count * probs * (1 - probs) * (total + count) / (total + 1)


def _log_prob(value: Tensor, concentration: Tensor, total_count: Tensor) -> Tensor:
    total = concentration.sum(-1)
    ways = torch.lgamma(total_count + 1) - torch.lgamma(value + 1).sum(-1)
    each = torch.lgamma(concentration + value) - torch.lgamma(concentration)
    return ways + each.sum(-1) + torch.lgamma(total) - torch.lgamma(total + total_count)


def _multinomial(total_count: Tensor, probs: Tensor) -> Tensor:
    """Counts of each label: the draws are shared out among halves of the labels, halves of these, and so on.

    Shape: ``(*batch,)`` and ``(*batch, n)`` give ``(*batch, n)``.
    """
    labels = probs.shape[-1]
    levels = [torch.nn.functional.pad(probs, (0, 2 ** (labels - 1).bit_length() - labels))]
    while levels[-1].shape[-1] > 1:
        levels.append(levels[-1].unflatten(-1, (-1, 2)).sum(-1))
    counts = total_count.unsqueeze(-1)
    for level in reversed(levels[:-1]):
        first, second = level.unflatten(-1, (-1, 2)).unbind(-1)
        share = torch.where(first > 0, first / (first + second), 0.0)  # of two that are impossible none is drawn
        left = torch.binomial(counts, share)
        counts = torch.stack([left, counts - left], -1).flatten(-2)
    return counts[..., :labels]
