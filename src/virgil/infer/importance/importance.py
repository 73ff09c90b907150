"""``Importance``: executions of a model drawn from a guide, with importance weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.density.execution import Call, completed, run_pair
from virgil.infer.importance.trace_posterior import TracePosterior
from virgil.poutine.block import block
from virgil.poutine.trace import Trace
from virgil.poutine.wrap import Program

__all__ = ["Importance", "LogWeightsMixin"]


class LogWeightsMixin:
    """Figures of the weights of executions, for a class with ``weights()``, their logarithms in nats."""

    def weights(self) -> Tensor:
        """The logarithms of the weights, nats. Shape: ``(executions,)``."""
        raise NotImplementedError

    def get_log_normalizer(self) -> Tensor:
        """The logarithm of the mean weight, nats: for importance weights an estimate of the log evidence."""
        weights = self.weights()
        return weights.logsumexp(0) - torch.tensor(float(len(weights))).log().to(weights)

    def get_normalized_weights(self, log_scale: bool = False) -> Tensor:
        """The weights divided by their sum, or the logarithms of that. Shape: ``(executions,)``."""
        logs = self.weights().log_softmax(0)
        return logs if log_scale else logs.exp()

    def get_ESS(self) -> Tensor:
        """The effective number of executions, one over the sum of squared normalised weights *(Kong 1992)*."""
        return (-(2 * self.get_normalized_weights(log_scale=True)).logsumexp(0)).exp()


class Importance(TracePosterior, LogWeightsMixin):
    """Executions of a model whose latent variables a guide draws, weighted by ``p(x, z) / q(z)``.

    A latent variable that the guide does not state is drawn from the model's own distribution, which cancels.
    `EmpiricalMarginal` gives distributions of sites, :meth:`get_log_normalizer` an estimate of the log evidence, and
    ``fit.check()`` says of a fitted guide whether its weights are of use.

    Args:
        model: the model.
        guide: draws its latent variables. Default: the model itself, without its observations, so that the weights are
            likelihoods.
        num_samples: how many executions. Default: 10.

    Raises:
        ArgumentError: ``num_samples`` is no number from 1.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import Importance
        >>> def model(x):
        ...     z = virgil.sample("z", dist.Normal(0.0, 1.0))
        ...     virgil.sample("x", dist.Normal(z, 1.0), obs=x)
        >>> def guide(x):  # the posterior, so that all weights are the evidence
        ...     virgil.sample("z", dist.Normal(x / 2, 0.5**0.5))
        >>> posterior = Importance(model, guide, num_samples=20).run(torch.tensor(2.0))
        >>> posterior.get_ESS(), posterior.get_log_normalizer()
        (tensor(20.0000), tensor(-2.2655))
    """

    def __init__(self, model: Program, guide: Program | None = None, num_samples: int | None = None) -> None:
        super().__init__()
        if num_samples is None:
            num_samples = 10
        if not isinstance(num_samples, int) or num_samples < 1:
            raise ArgumentError(f"Importance got num_samples={shown(num_samples)}; it takes a number from 1.")
        self.model = model
        self.guide = block(model, hide_types=["observe"]) if guide is None else guide
        self.num_samples = num_samples

    def _traces(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Trace, Tensor]]:
        for _ in range(self.num_samples):
            pair = completed(run_pair(Call(self.model, self.guide, args, kwargs)))
            yield pair.model, pair.model.log_prob_sum() - pair.guide.log_prob_sum()
