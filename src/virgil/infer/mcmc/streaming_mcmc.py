"""``StreamingMCMC``: chains of which only statistics are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor
from torch.distributions import Transform

from virgil.infer.mcmc.abstract_mcmc import AbstractMCMC
from virgil.infer.mcmc.chain import Hook, constrained, draw_chain, initial_of, validation
from virgil.infer.mcmc.chain_progress import chain_progress
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params
from virgil.infer.mcmc.samples import diagnostics_from_stats
from virgil.ops.streaming import CountMeanVarianceStats, StatsOfDict, StreamingStats

__all__ = ["StreamingMCMC"]


class StreamingMCMC(AbstractMCMC):
    """Chains of draws that are not kept: each is given to statistics, so that memory does not grow with their number.

    Args:
        kernel: the kernel.
        num_samples: draws of each chain.
        warmup_steps: steps before them. Default: as many as draws.
        initial_params: as for `MCMC`.
        statistics: takes each draw, by ``(chain, name)``. Default: count, mean and variance.
        num_chains: how many chains, one after another.
        hook_fn: as for `MCMC`.
        disable_progbar: whether no progress is shown.
        disable_validation: as for `MCMC`.
        transforms: as for `MCMC`.
        save_params: the names of the variables that are counted. Default: all.

    Raises:
        ArgumentError: a number out of its range, or no kernel.
    """

    def __init__(
        self,
        kernel: MCMCKernel,
        num_samples: int,
        warmup_steps: int | None = None,
        initial_params: Mapping[str, Tensor] | None = None,
        statistics: StreamingStats[Any] | None = None,
        num_chains: int = 1,
        hook_fn: Hook | None = None,
        disable_progbar: bool = False,
        disable_validation: bool | None = True,
        transforms: Mapping[str, Transform] | None = None,
        save_params: Sequence[str] | None = None,
    ) -> None:
        super().__init__(
            kernel,
            num_chains,
            transforms,
            num_samples=num_samples,
            warmup_steps=warmup_steps,
            initial_params=initial_params,
            hook_fn=hook_fn,
            disable_progbar=disable_progbar,
            disable_validation=disable_validation,
            save_params=save_params,
        )
        self._statistics: StreamingStats[Any] = (
            StatsOfDict(default=CountMeanVarianceStats) if statistics is None else statistics
        )

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Draw the chains and count their draws.

        Args:
            args: arguments of the kernel's model.
            kwargs: arguments of the kernel's model.
        """
        total = self.warmup_steps + self.num_samples
        self._diagnostics = []
        with (
            validation(self.disable_validation),
            chain_progress(self.num_chains, total, not self.disable_progbar) as report_of,
        ):
            for number in range(self.num_chains):
                self.kernel.cleanup()
                initial = initial_of(self.initial_params, number, self.num_chains)
                chain = draw_chain(
                    self.kernel, self._plan(), initial, args, kwargs, report_of(number), partial(self._count, number)
                )
                self._diagnostics.append(chain.diagnostics)

    def _count(self, chain: int, draw: Params) -> None:
        rows = constrained(self.kernel, {name: value.unsqueeze(0) for name, value in draw.items()}, self.transforms)
        self._statistics.update({(chain, name): value[0] for name, value in rows.items()})

    def get_statistics(self, group_by_chain: bool = True) -> dict[Any, Any]:
        """The statistics by ``(chain, name)``, or by name over all chains.

        Args:
            group_by_chain: whether each chain has its own.
        """
        if group_by_chain:
            return dict(self._statistics.get())
        merged: dict[str, StreamingStats[Any]] = {}
        for (_, name), statistics in self._statistics.stats.items():  # type: ignore[attr-defined]
            merged[name] = merged[name].merge(statistics) if name in merged else statistics
        return {name: statistics.get() for name, statistics in merged.items()}

    def diagnostics(self) -> dict[str, Any]:
        """By variable ``r_hat``, and by chain, under its kernel's names, what the kernel counted.

        Raises:
            ArgumentError: the statistics have no mean or no variance.
        """
        found: dict[str, Any] = diagnostics_from_stats(self._statistics.get(), self.num_samples, self.num_chains)
        return {**found, **self._of_kernels()}
