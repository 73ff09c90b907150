"""The multinomial distribution."""

from __future__ import annotations

from torch import Tensor
from torch import distributions as td

from virgil.distributions.core.expand_methods import expand_as_torch
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.discrete.binomial import Binomial
from virgil.distributions.discrete.categorical import Categorical

__all__ = ["Multinomial"]


@expand_as_torch
class Multinomial(TorchDistributionMixin, td.Multinomial):
    """The counts of each label in N independent draws: ``N! * prod(p**k / k!)`` for counts k that sum to N.

    Shape: event ``(n,)`` for n labels.

    Args:
        total_count: number of draws N, one integer for the whole batch.
        probs: weights of the labels, normalised to sum to one. Shape: ``(*batch, n)``.
        logits: log weights, in place of ``probs``. Shape: ``(*batch, n)``.

    Raises:
        NotImplementedError: ``total_count`` is not one integer.
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
