"""``MCMC``: chains of draws from a posterior."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from torch import Tensor
from torch.distributions import Transform

from virgil.errors import ArgumentError
from virgil.infer.mcmc.abstract_mcmc import AbstractMCMC
from virgil.infer.mcmc.arviz import to_arviz
from virgil.infer.mcmc.chain import Chain, Hook, constrained, draw_chain, initial_of, stacked, validation
from virgil.infer.mcmc.chain_progress import chain_progress
from virgil.infer.mcmc.judgement import Judgement, judged
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params
from virgil.infer.mcmc.processes import draw_in_processes
from virgil.infer.mcmc.samples import diagnostics, print_summary, select_samples

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["MCMC"]


class MCMC(AbstractMCMC):
    """Chains of draws of a kernel, such as `NUTS`.

    Chains run one after another in this process; with ``mp_context`` each has a process of its own, for which kernel,
    model and arguments must be such as ``pickle`` takes. Random numbers follow ``virgil.set_rng_seed``. Ctrl-C keeps
    what was drawn.

    Args:
        kernel: the kernel.
        num_samples: draws of each chain.
        warmup_steps: steps before them, which are not kept. Default: as many as draws.
        initial_params: by name the unconstrained state at which a chain begins; with many chains a row for each.
        num_chains: how many chains.
        hook_fn: called after each step with the kernel, the unconstrained state, ``"Warmup"`` or ``"Sample"``, and the
            step's number.
        mp_context: ``"spawn"``, ``"fork"`` or ``"forkserver"``: how the processes begin.
        disable_progbar: whether no progress is shown.
        disable_validation: whether distributions do not check their arguments while chains run; ``None`` leaves the
            setting as it is.
        transforms: by name, from a variable's support to real numbers; of the kernel, if not given.
        save_params: the names of the variables that are kept. Default: all.

    Raises:
        ArgumentError: a number out of its range, or no kernel.
    """

    def __init__(
        self,
        kernel: MCMCKernel,
        num_samples: int,
        warmup_steps: int | None = None,
        initial_params: Mapping[str, Tensor] | None = None,
        num_chains: int = 1,
        hook_fn: Hook | None = None,
        mp_context: str | None = None,
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
        self.mp_context = mp_context
        self._samples: Params = {}

    def run(self, *args: Any, **kwargs: Any) -> None:
        """Draw the chains.

        Args:
            args: arguments of the kernel's model.
            kwargs: arguments of the kernel's model.

        Raises:
            ArgumentError: the model has no density over real vectors, or a chain finds no place to begin.
        """
        with validation(self.disable_validation):
            chains, values = self._in_turn(args, kwargs) if self.mp_context is None else self._apart(args, kwargs)
        shortest = min(len(next(iter(each.values()))) for each in values)
        self._samples = {name: torch.stack([each[name][:shortest] for each in values]) for name in values[0]}
        self._diagnostics = [chain.diagnostics for chain in chains]

    def _in_turn(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Chain], list[Params]]:
        chains, values = [], []
        total = self.warmup_steps + self.num_samples
        with chain_progress(self.num_chains, total, not self.disable_progbar) as report_of:
            for number in range(self.num_chains):
                self.kernel.cleanup()
                initial = initial_of(self.initial_params, number, self.num_chains)
                chain = draw_chain(self.kernel, self._plan(), initial, args, kwargs, report_of(number))
                if not chain.draws:
                    raise KeyboardInterrupt
                chains.append(chain)
                values.append(constrained(self.kernel, stacked(chain.draws), self.transforms))
                if chain.was_interrupted:
                    warnings.warn(
                        f"Sampling was interrupted after {len(chain.draws)} draws of chain {number}; they are kept.",
                        stacklevel=3,
                    )
                    break
        return chains, values

    def _apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Chain], list[Params]]:
        starts = [initial_of(self.initial_params, number, self.num_chains) for number in range(self.num_chains)]
        found = draw_in_processes(
            self.kernel, self._plan(), starts, args, kwargs, self.mp_context, self.transforms, self.disable_validation
        )
        return [chain for chain, _ in found], [values for _, values in found]

    def _drawn(self) -> Params:
        if not self._samples:
            raise ArgumentError("MCMC has no draws yet. Call run(*args) first, with the model's arguments.")
        return self._samples

    def get_samples(self, num_samples: int | None = None, group_by_chain: bool = False) -> Params:
        """Draws by variable.

        Args:
            num_samples: how many, drawn from them with replacement. Default: all, in their order.
            group_by_chain: whether the chains stand along a dim of their own.

        Returns:
            By name, shape ``(draws, *shape)``, or ``(chains, draws, *shape)``.
        """
        return select_samples(self._drawn(), num_samples, group_by_chain)

    def diagnostics(self) -> dict[str, Any]:
        """By variable ``n_eff`` and ``r_hat``; and by chain, under its kernel's names, what the kernel counted."""
        found: dict[str, Any] = diagnostics(self._drawn())
        return {**found, **self._of_kernels()}

    def summary(self, prob: float = 0.9) -> None:
        """Print mean, standard deviation, median, the quantiles of an interval, effective sample size and R-hat.

        Args:
            prob: the probability of the interval.
        """
        print_summary(self._drawn(), prob)
        if "divergences" in self._diagnostics[0]:
            Console().print(f"Number of divergences: {sum(len(each['divergences']) for each in self._diagnostics)}")

    def check(self) -> Judgement:
        """Say in sentences how far to trust the draws: divergences, R-hat, effective draws, energy, tree depth."""
        return judged(self._drawn(), self._diagnostics)

    def to_arviz(self) -> DataTree:
        """The draws for ArviZ: ``posterior``, and ``sample_stats``: divergences, energies, nats, and tree depths.

        Raises:
            ArgumentError: there are no draws yet, or the extra ``arviz`` is not installed.
        """
        return to_arviz(self._drawn(), self._diagnostics)
