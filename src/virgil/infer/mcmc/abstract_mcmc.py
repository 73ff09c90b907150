"""``AbstractMCMC``: what samplers of chains share, whatever they keep of a draw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.distributions import Transform

from virgil.errors import ArgumentError, a_kind, shown
from virgil.infer.mcmc.chain import Hook, Plan
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel

__all__ = ["AbstractMCMC"]


class AbstractMCMC(ABC):
    """The base of `MCMC` and `StreamingMCMC`, which document the arguments.

    Raises:
        ArgumentError: a number out of its range, or no kernel.
    """

    def __init__(
        self,
        kernel: MCMCKernel,
        num_chains: int,
        transforms: Mapping[str, Transform] | None,
        *,
        num_samples: int = 1,
        warmup_steps: int | None = None,
        initial_params: Mapping[str, Tensor] | None = None,
        hook_fn: Hook | None = None,
        disable_progbar: bool = False,
        disable_validation: bool | None = True,
        save_params: Sequence[str] | None = None,
    ) -> None:
        warmup_steps = num_samples if warmup_steps is None else warmup_steps
        _check_numbers(kernel, num_samples, warmup_steps, num_chains, initial_params)
        self.kernel = kernel
        self.num_samples = num_samples
        self.warmup_steps = warmup_steps
        self.num_chains = num_chains
        self.initial_params = initial_params
        self.hook_fn = hook_fn
        self.disable_progbar = disable_progbar
        self.disable_validation = disable_validation
        self.transforms = transforms
        self.save_params = None if save_params is None else tuple(save_params)
        self._diagnostics: list[dict[str, Any]] = []

    @abstractmethod
    def run(self, *args: Any, **kwargs: Any) -> None:
        """Draw the chains."""

    @abstractmethod
    def diagnostics(self) -> dict[str, Any]:
        """How well the chains have mixed, and the kernel's figures by chain."""

    def _plan(self) -> Plan:
        return Plan(self.warmup_steps, self.num_samples, self.hook_fn, self.save_params)

    def _of_kernels(self) -> dict[str, dict[str, Any]]:
        """The kernel's figures, each by chain."""
        names = self._diagnostics[0] if self._diagnostics else ()
        return {
            name: {f"chain {number}": each[name] for number, each in enumerate(self._diagnostics)} for name in names
        }


def _check_numbers(kernel: Any, num_samples: int, warmup_steps: int, num_chains: int, initial: Any) -> None:
    """Check the arguments of `MCMC`."""
    if not isinstance(kernel, MCMCKernel):
        raise ArgumentError(
            f"MCMC got {a_kind(type(kernel))} as its kernel; it takes an MCMCKernel, such as NUTS(model)."
        )
    for name, value, least in (
        ("num_samples", num_samples, 1),
        ("warmup_steps", warmup_steps, 0),
        ("num_chains", num_chains, 1),
    ):
        if not isinstance(value, int) or value < least:
            raise ArgumentError(f"MCMC got {name}={shown(value)}; it takes a number from {least}.")
    if initial is not None and num_chains > 1:
        for name, value in initial.items():
            if value.dim() < 1 or value.shape[0] != num_chains:
                raise ArgumentError(
                    f"MCMC got initial_params[{name!r}] of shape {tuple(value.shape)} and num_chains={num_chains}; "
                    "with many chains it has a row for each."
                )
