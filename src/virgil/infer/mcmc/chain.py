"""A chain: warm-up and draws of a kernel, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from virgil.distributions.core.validation import checked, unchecked
from virgil.errors import ArgumentError
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params

__all__ = ["Chain", "Hook", "Plan", "constrained", "draw_chain", "initial_of", "stacked", "validation"]

Hook = Callable[[MCMCKernel, Params, str, int], object]
"""Called after each step with the kernel, the state, ``"Warmup"`` or ``"Sample"``, and the step's number."""


@dataclass(frozen=True)
class Plan:
    """The length of each chain, and what is kept of it.

    Attributes:
        warmup_steps: how many steps of warm-up.
        num_samples: how many draws.
        hook: called after each step.
        save: the names that are kept; ``None`` for all.
    """

    warmup_steps: int
    num_samples: int
    hook: Hook | None = None
    save: tuple[str, ...] | None = None

    def kept(self, params: Params) -> Params:
        """The tensors of a state that are kept.

        Raises:
            ArgumentError: one of the names is not there.
        """
        if self.save is None:
            return params
        missing = [name for name in self.save if name not in params]
        if missing:
            raise ArgumentError(f"save_params has {missing[0]!r}; the chain has {', '.join(params)}.")
        return {name: params[name] for name in self.save}


@dataclass
class Chain:
    """The draws and figures of a chain that has ended.

    Attributes:
        draws: unconstrained, in their order.
        diagnostics: the kernel's.
        constrained: from stacked draws to the variables' values.
        was_interrupted: whether it ended by Ctrl-C.
    """

    draws: list[Params] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    was_interrupted: bool = False


def draw_chain(
    kernel: MCMCKernel,
    plan: Plan,
    initial: Mapping[str, Tensor] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    report: Callable[[str, int, MCMCKernel], object] = lambda stage, step, kernel: None,
    keep: Callable[[Params], object] | None = None,
) -> Chain:
    """Run a kernel. Ctrl-C during the draws ends it with what was drawn.

    Args:
        kernel: the kernel, which is set up here.
        plan: how many steps.
        initial: the state to begin at; ``None`` for the kernel's own.
        args: arguments of the kernel's ``setup``.
        kwargs: arguments of the kernel's ``setup``.
        report: called after each step with the stage, the number of steps of it that are done, and the kernel.
        keep: takes each draw, in the place of the chain.
    """
    if initial is not None:
        kernel.initial_params = dict(initial)
    kernel.setup(plan.warmup_steps, *args, **kwargs)
    params = kernel.initial_params
    if not params:
        raise ArgumentError(
            f"{type(kernel).__name__} has no initial_params after setup(). Give MCMC(initial_params={{...}}), or set "
            "them in the kernel's setup()."
        )
    chain = Chain()
    for step in range(plan.warmup_steps):
        params = kernel.sample(params)
        _after(plan, kernel, params, "Warmup", step, report)
    kernel.end_warmup()
    keep = chain.draws.append if keep is None else keep
    try:
        for step in range(plan.num_samples):
            params = kernel.sample(params)
            keep({name: value.detach() for name, value in plan.kept(params).items()})
            _after(plan, kernel, params, "Sample", step, report)
    except KeyboardInterrupt:
        chain.was_interrupted = True
    chain.diagnostics = kernel.diagnostics()
    return chain


def _after(plan: Plan, kernel: MCMCKernel, params: Params, stage: str, step: int, report: Any) -> None:
    if plan.hook is not None:
        plan.hook(kernel, params, stage, step)
    report(stage, step + 1, kernel)


def stacked(draws: list[Params]) -> Params:
    """Draws by name. Shape: ``(draws, *shape)``."""
    return {name: torch.stack([draw[name] for draw in draws]) for name in draws[0]}


def initial_of(initial: Mapping[str, Tensor] | None, number: int, num_chains: int) -> Params | None:
    """The state at which a chain begins; ``None`` where the kernel finds one."""
    if initial is None:
        return None
    return {name: value[number] if num_chains > 1 else value for name, value in initial.items()}


def constrained(kernel: Any, draws: Params, transforms: Mapping[str, Transform] | None) -> Params:
    """The variables' values at draws of real numbers."""
    if transforms is None and hasattr(kernel, "constrained") and set(draws) == set(kernel.target.layout.shapes):
        values: Params = kernel.constrained(draws)
        return values
    known = (getattr(kernel, "transforms", None) or {}) if transforms is None else transforms
    return {name: known[name].inv(value).detach() if name in known else value for name, value in draws.items()}


def validation(disabled: bool | None) -> AbstractContextManager[None]:
    """A block in which distributions check their arguments, or do not, or as before."""
    return nullcontext() if disabled is None else unchecked() if disabled else checked()
