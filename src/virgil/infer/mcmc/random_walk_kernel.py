"""``RandomWalkKernel``: Metropolis' algorithm with normal steps."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from virgil.errors import ArgumentError, shown
from virgil.infer.blame import LinAlgError
from virgil.infer.density.initialization import init_to_uniform
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params
from virgil.infer.mcmc.target import Target, target_of_model

__all__ = ["RandomWalkKernel"]


class RandomWalkKernel(MCMCKernel):
    """Metropolis' algorithm over real vectors, with a normal step whose size the warm-up finds.

    It needs no gradients and moves slowly in many dims; a check of other kernels, for few variables. *(Metropolis et
    al. 1953; the step's size by Robbins and Monro 1951, towards an acceptance of 0.234, Gelman et al. 1996)*

    Args:
        model: the program.
        init_step_size: the standard deviation of the first step.
        target_accept_prob: the mean acceptance wanted, in (0, 1).

    Raises:
        ArgumentError: a number out of its range.
    """

    def __init__(
        self, model: Callable[..., Any], init_step_size: float = 0.1, target_accept_prob: float = 0.234
    ) -> None:
        if not init_step_size > 0:
            raise ArgumentError(f"RandomWalkKernel got init_step_size={shown(init_step_size)}; it must be positive.")
        if not 0 < target_accept_prob < 1:
            raise ArgumentError(
                f"RandomWalkKernel got target_accept_prob={shown(target_accept_prob)}; it lies between 0 and 1."
            )
        self.model = model
        self.init_step_size = init_step_size
        self.target_accept_prob = target_accept_prob
        self.transforms: dict[str, Any] = {}
        self._initial_params: Params | None = None
        self._target: Target | None = None
        self._reset(0)

    def _reset(self, warmup_steps: int) -> None:
        self._warmup_steps = warmup_steps
        self._log_size = math.log(self.init_step_size)
        self._step = 0
        self._accepted = 0
        self._energy: tuple[Params, float] | None = None

    def setup(self, warmup_steps: int, *args: Any, **kwargs: Any) -> None:
        self._target = target_of_model(
            self.model,
            args,
            kwargs,
            transforms=None,
            max_plate_nesting=None,
            init_fn=init_to_uniform,
            engine="eager",
        )
        self.transforms = dict(self._target.transforms)
        if self._initial_params is None and self._target.begin is not None:
            self._initial_params = self._target.begin()
        self._reset(warmup_steps)

    def cleanup(self) -> None:
        self._initial_params = None

    @property
    def target(self) -> Target:
        """The distribution that the chain draws from."""
        if self._target is None:
            raise ArgumentError("RandomWalkKernel.sample() came before setup(). MCMC(kernel, ...).run() calls both.")
        return self._target

    @property
    def initial_params(self) -> Params | None:
        """The state that the chain begins with, unconstrained."""
        return self._initial_params

    @initial_params.setter
    def initial_params(self, params: Params) -> None:
        self._initial_params = dict(params)

    def sample(self, params: Params) -> Params:
        known = self._energy
        before = known[1] if known is not None and known[0] is params else self._potential(params)
        size = math.exp(self._log_size)
        proposal = {name: value + size * torch.randn_like(value) for name, value in params.items()}
        after = self._potential(proposal)
        error = after - before
        accept = 0.0 if math.isnan(error) else math.exp(min(0.0, -error))
        moved = bool(torch.rand(()) < accept)
        if self._step < self._warmup_steps:
            self._log_size += (accept - self.target_accept_prob) / max(1.0, self._step + 1.0) ** 0.6
        else:
            self._accepted += moved
        self._step += 1
        chosen = proposal if moved else params
        self._energy = chosen, after if moved else before
        return chosen

    def _potential(self, params: Params) -> float:
        with torch.no_grad():
            try:
                energy = float(self.target.potential(params))
            except (LinAlgError, ValueError, ArithmeticError):
                return math.inf
        return energy if math.isfinite(energy) else math.inf

    def constrained(self, samples: Params) -> Params:
        """The variables' values at draws of real numbers."""
        return self.target.constrained(samples)

    def logging(self) -> dict[str, Any]:
        return OrderedDict([("step size", f"{math.exp(self._log_size):.2e}"), ("acc. rate", f"{self._rate():.3f}")])

    def diagnostics(self) -> dict[str, Any]:
        return {"acceptance rate": self._rate()}

    def _rate(self) -> float:
        return self._accepted / max(1, self._step - self._warmup_steps)
