"""``TracePosterior``: weighted executions of a model, from any sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.importance.marginals import Marginals
from virgil.ops.information_criterion import waic
from virgil.poutine.block import unrecorded
from virgil.poutine.trace import Trace

__all__ = ["TracePosterior"]


class TracePosterior(ABC):
    """Executions of a model, each with the logarithm of its weight. A sampler says by :meth:`_traces` what they are.

    Attributes:
        exec_traces: the executions, in the order in which they came.
        log_weights: the logarithm of each one's weight, nats.
        chain_ids: the number of the chain that each belongs to.
        num_chains: how many chains there are.

    Args:
        num_chains: how many chains there are.
    """

    def __init__(self, num_chains: int = 1) -> None:
        if not isinstance(num_chains, int) or num_chains < 1:
            raise ArgumentError(f"{type(self).__name__} got num_chains={shown(num_chains)}; it takes a number from 1.")
        self.num_chains = num_chains
        self._reset()

    def _reset(self) -> None:
        self.exec_traces: list[Trace] = []
        self.log_weights: list[Tensor | float] = []
        self.chain_ids: list[int] = []

    @abstractmethod
    def _traces(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Any, ...]]:
        """Yield each execution with the logarithm of its weight, and with the number of its chain if there are many."""

    def run(self, *args: Any, **kwargs: Any) -> Self:
        """Take the executions anew, on these arguments of the model."""
        self._reset()
        with unrecorded():
            for trace, log_weight, *chain in self._traces(*args, **kwargs):
                self.exec_traces.append(trace)
                self.log_weights.append(log_weight)
                self.chain_ids.append(self._checked(chain[0]) if chain else 0)
        return self

    def _checked(self, chain: Any) -> int:
        if not isinstance(chain, int) or not 0 <= chain < self.num_chains:
            raise ArgumentError(
                f"{type(self).__name__} got an execution of chain {shown(chain)}; with num_chains={self.num_chains} "
                f"chains are numbered from 0 to {self.num_chains - 1}."
            )
        return chain

    def weights(self) -> Tensor:
        """The logarithms of the weights as one tensor, nats. Shape: ``(executions,)``.

        Raises:
            ArgumentError: there are no executions.
        """
        if not self.exec_traces:
            raise ArgumentError(f"{type(self).__name__} has no executions yet. Call run() with the model's arguments.")
        return torch.stack([torch.as_tensor(each).detach() for each in self.log_weights])

    def __call__(self, *args: Any, **kwargs: Any) -> Trace:
        """One of the executions, drawn by the weights, without its observations; run them first, if none are there."""
        if not self.exec_traces:
            self.run(*args, **kwargs)
        drawn = torch.distributions.Categorical(logits=self.weights()).sample()
        chosen = self.exec_traces[int(drawn)].copy()
        for name in chosen.observation_nodes:
            del chosen.nodes[name]
        return chosen

    def marginal(self, sites: str | Sequence[str] | None = None) -> Marginals:
        """The distributions of these sites, or of the model's return value, over the executions."""
        return Marginals(self, sites)

    def information_criterion(self, pointwise: bool = False) -> OrderedDict[str, Tensor]:
        """The widely applicable information criterion of the observations *(Watanabe 2010)*.

        Args:
            pointwise: one figure for each observation, not their sums.

        Returns:
            ``"waic"`` and the effective number of parameters ``"p_waic"``, nats.

        Raises:
            ArgumentError: the model observes nothing.
        """
        weights = self.weights()
        rows = [_log_likelihoods(trace) for trace in self.exec_traces]
        if not rows[0].numel():
            raise ArgumentError("information_criterion() found no observation in the executions. Give sites obs=.")
        criterion, parameters = waic(torch.stack(rows), weights, pointwise)
        return OrderedDict(waic=criterion, p_waic=parameters)


def _log_likelihoods(trace: Trace) -> Tensor:
    """Of every observation of an execution, in a row, without scale."""
    sites = [trace.nodes[name] for name in trace.observation_nodes]
    rows = [site.fn.log_prob(site.value).detach().reshape(-1) for site in sites if site.kind == "sample"]
    return torch.cat(rows) if rows else torch.zeros(0)
