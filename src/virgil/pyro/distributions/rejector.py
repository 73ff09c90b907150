"""The distribution of the proposals that are accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Size, Tensor
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.score_parts import ScoreParts
from virgil.distributions.torch_distribution import TorchDistribution
from virgil.ops.sizes import Sizes

__all__ = ["Rejector"]


class Rejector(TorchDistribution):
    """The draws of a proposal that are accepted, each with a probability of its own.

    Its log-density is that of the proposal plus the log-probability of acceptance, less ``log_scale``. A draw of
    :meth:`rsample` moves with its parameters as the accepted proposal does, and :meth:`score_parts` gives what that
    leaves out *(Naesseth et al. 2017, equation 5)*. Draws of a ``sample`` statement have no pathwise derivative, so
    that every objective has an unbiased gradient.

    Args:
        propose: a distribution, called for proposals.
        log_prob_accept: a function from proposals to the log-probabilities that they are accepted.
        log_scale: the logarithm of the share of proposals that are accepted. Shape: ``(*batch,)``.
        batch_shape: that of ``propose`` if not given.
        event_shape: that of ``propose`` if not given.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False

    def __init__(
        self,
        propose: td.Distribution,
        log_prob_accept: Callable[[Tensor], Tensor],
        log_scale: Tensor,
        *,
        batch_shape: Sizes | None = None,
        event_shape: Sizes | None = None,
    ) -> None:
        self._proposes, self._accepts, self._log_scale = propose, log_prob_accept, log_scale
        super().__init__(
            Size(propose.batch_shape if batch_shape is None else batch_shape),
            Size(propose.event_shape if event_shape is None else event_shape),
            validate_args=False,
        )

    @property
    def propose(self) -> td.Distribution:
        """The distribution of the proposals."""
        return self._proposes

    @property
    def log_prob_accept(self) -> Callable[[Tensor], Tensor]:
        """The function from proposals to the log-probabilities that they are accepted."""
        return self._accepts

    @constraints.dependent_property
    def support(self) -> Any:
        return self.propose.support

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sizes = Size(), *, generator: Generator | None = None) -> Tensor:
        """Accepted proposals, which move with their parameters. Shape: ``(*sample_shape, *batch, *event)``."""
        value = self._proposed(sample_shape)
        pending = ~self._accepted(value, generator)
        while bool(pending.any()):
            again = self._proposed(sample_shape)
            taken = pending & self._accepted(again, generator)
            value = torch.where(taken.reshape(taken.shape + (1,) * self.event_dim), again, value)
            pending = pending & ~taken
        return value

    def _proposed(self, sample_shape: Sizes) -> Tensor:
        shape = Size(sample_shape)
        draw = self.propose.rsample if self.propose.has_rsample else self.propose.sample
        return draw(shape)

    def _accepted(self, value: Tensor, generator: Generator | None) -> Tensor:
        with torch.no_grad():
            log_prob = self.log_prob_accept(value)
            return torch.rand(log_prob.shape, generator=generator, device=value.device).log() < log_prob

    def log_prob(self, x: Tensor) -> Tensor:
        return self._log_ratio(x) + self.propose.log_prob(x)

    def _log_ratio(self, value: Tensor) -> Tensor:
        """The log-density less that of the proposal."""
        return self.log_prob_accept(value) - self._log_scale

    def score_parts(self, x: Tensor, *args: Any, **kwargs: Any) -> ScoreParts:
        """The parts at a draw of :meth:`rsample`; at a value that moves with no parameter, the score alone."""
        if not x.requires_grad:
            return super().score_parts(x)
        log_ratio = self._log_ratio(x)
        log_prob = log_ratio + self.propose.log_prob(x)
        return ScoreParts(log_prob, log_ratio, log_prob)
