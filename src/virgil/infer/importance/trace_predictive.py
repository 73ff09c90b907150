"""``TracePredictive``: new executions of a model, at latent values of weighted ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from virgil.errors import ArgumentError, shown
from virgil.infer.importance.trace_posterior import TracePosterior
from virgil.poutine.replay import Replay
from virgil.poutine.trace import Trace, trace
from virgil.poutine.wrap import Program

__all__ = ["TracePredictive"]


class TracePredictive(TracePosterior):
    """Executions of a model whose latent values come from weighted ones, drawn by their weights; all weigh the same.

    Give the model arguments without the data that it is to predict. `Predictive` does the same for tensors of draws,
    all at once.

    Args:
        model: the model.
        posterior: the weighted executions.
        num_samples: how many executions.
        keep_sites: the sites whose values are taken. Default: all latent ones.

    Raises:
        ArgumentError: ``num_samples`` is no number from 1.
    """

    def __init__(
        self, model: Program, posterior: TracePosterior, num_samples: int, keep_sites: Sequence[str] | None = None
    ) -> None:
        super().__init__()
        if not isinstance(num_samples, int) or num_samples < 1:
            raise ArgumentError(f"TracePredictive got num_samples={shown(num_samples)}; it takes a number from 1.")
        self.model, self.posterior, self.num_samples = model, posterior, num_samples
        self.keep_sites = None if keep_sites is None else frozenset(keep_sites)

    def _traces(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Trace, float]]:
        drawn = torch.distributions.Categorical(logits=self.posterior.weights()).sample((self.num_samples,))
        for number in drawn.tolist():
            kept = self._kept(self.posterior.exec_traces[number])
            yield trace(Replay(kept)(self.model)).get_trace(*args, **kwargs), 0.0

    def _kept(self, given: Trace) -> Trace:
        kept = Trace()
        kept.nodes = {
            name: given.nodes[name]
            for name in given.stochastic_nodes
            if self.keep_sites is None or name in self.keep_sites
        }
        return kept

    def marginal(self, sites: str | Sequence[str] | None = None) -> Any:
        """The distributions of these sites over the new executions; by name, so that none may be left out.

        Raises:
            ArgumentError: no site is named.
        """
        if not sites:
            raise ArgumentError("TracePredictive.marginal() needs the names of sites, as in marginal(['obs']).")
        return super().marginal(sites)
