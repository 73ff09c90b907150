"""``NUTS``: Hamiltonian Monte Carlo that ends a trajectory where it turns round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from virgil.errors import ArgumentError, shown
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.mcmc.hamiltonian import DIVERGENT, Hamiltonian, State
from virgil.infer.mcmc.hmc import HMC
from virgil.infer.mcmc.mass_matrix import Names
from virgil.infer.mcmc.target import Potential

__all__ = ["NUTS"]


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    """An end of a trajectory: the state and its velocity."""

    state: State
    velocity: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Tree:
    """A part of a trajectory.

    Attributes:
        left: its end backward in time.
        right: its end forward in time.
        total: the sum of its momenta. Shape: ``(dim,)``.
        proposal: a state drawn from it by its weight.
        log_weight: the logarithm of the sum of its states' weights, nats.
        accept: the sum of its states' acceptances.
        count: how many states it has.
        is_turning: whether it, or a part of it, has turned round.
        is_divergent: whether its energy has left the level.
    """

    left: _End
    right: _End
    total: Tensor
    proposal: State
    log_weight: float
    accept: float
    count: int
    is_turning: bool
    is_divergent: bool

    @property
    def has_ended(self) -> bool:
        return self.is_turning or self.is_divergent


class NUTS(HMC):
    r"""The no-U-turn sampler: trajectories are doubled, forward or backward in time, until they turn round.

    A state of the trajectory is drawn by its weight :math:`\exp(-H)`, states far from the start preferred
    *(Betancourt 2017, appendix A)*, or, without ``use_multinomial_sampling``, uniformly from those above a level that
    is drawn first *(Hoffman and Gelman 2014)*. A trajectory has turned where the sum of its momenta points against the
    velocity at one of its ends; so do the two halves, each with the nearest state of the other.

    Args:
        model: as for `HMC`.
        potential_fn: as for `HMC`.
        step_size: of a leapfrog step, or what the search for it begins with.
        adapt_step_size: whether the warm-up finds the step size.
        adapt_mass_matrix: whether it finds the mass matrix.
        full_mass: ``True`` for a dense matrix, or a list of tuples of names, each a dense block; all else is diagonal.
        use_multinomial_sampling: how a state of a trajectory is drawn.
        transforms: as for `HMC`.
        max_plate_nesting: as for `HMC`.
        jit_compile: as for `HMC`.
        jit_options: as for `HMC`.
        ignore_jit_warnings: as for `HMC`.
        target_accept_prob: the mean acceptance that the step size is to have, in (0, 1).
        max_tree_depth: how often a trajectory is doubled at most; a pair, one for the warm-up and one for draws.
        init_strategy: gives the values of sites at which a chain begins.
        engine: as for `HMC`.

    Raises:
        ArgumentError: as for `HMC`.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import MCMC, NUTS
        >>> def model(heads):
        ...     share = virgil.sample("share", dist.Beta(1.0, 1.0))
        ...     virgil.sample("heads", dist.Binomial(10, share), obs=heads)
        >>> virgil.set_rng_seed(0)
        >>> mcmc = MCMC(NUTS(model), num_samples=500, warmup_steps=200, disable_progbar=True)
        >>> mcmc.run(torch.tensor(7.0))
        >>> abs(mcmc.get_samples()["share"].mean().item() - 8 / 12) < 0.05
        True
    """

    def __init__(
        self,
        model: Callable[..., Any] | None = None,
        potential_fn: Potential | None = None,
        step_size: float = 1,
        adapt_step_size: bool = True,
        adapt_mass_matrix: bool = True,
        full_mass: bool | Sequence[Names] = False,
        use_multinomial_sampling: bool = True,
        transforms: Mapping[str, Transform] | None = None,
        max_plate_nesting: int | None = None,
        jit_compile: bool = False,
        jit_options: Mapping[str, Any] | None = None,
        ignore_jit_warnings: bool = False,
        target_accept_prob: float = 0.8,
        max_tree_depth: int | tuple[int, int] = 10,
        init_strategy: InitFn = init_to_uniform,
        *,
        engine: str = "auto",
    ) -> None:
        depths = (max_tree_depth,) * 2 if isinstance(max_tree_depth, int) else tuple(max_tree_depth)
        if len(depths) != 2 or not all(isinstance(depth, int) and depth > 0 for depth in depths):
            raise ArgumentError(
                f"NUTS got max_tree_depth={shown(max_tree_depth)}; it takes a number from 1, or one for the warm-up "
                "and one for draws."
            )
        self.use_multinomial_sampling = use_multinomial_sampling
        self._max_tree_depths = depths
        super().__init__(
            model,
            potential_fn,
            step_size,
            adapt_step_size=adapt_step_size,
            adapt_mass_matrix=adapt_mass_matrix,
            full_mass=full_mass,
            transforms=transforms,
            max_plate_nesting=max_plate_nesting,
            jit_compile=jit_compile,
            jit_options=jit_options,
            ignore_jit_warnings=ignore_jit_warnings,
            target_accept_prob=target_accept_prob,
            init_strategy=init_strategy,
            engine=engine,
        )

    def cleanup(self) -> None:
        super().cleanup()
        self._depths: list[int] = []
        self._energies: list[float] = []

    def _transition(self, start: State) -> tuple[State, float, bool, bool]:
        dynamics = self.dynamics
        before = dynamics.energy(start)
        level = math.log(max(float(torch.rand(())), 1e-38)) - before  # of the log-density, for uniform draws
        weight = (lambda energy: before - energy) if self.use_multinomial_sampling else _above(level)
        builder = _Builder(dynamics, self.step_size, before, weight)
        end = _End(start, dynamics.velocity(start))
        tree = _Tree(end, end, start.r, start, weight(before), 0.0, 0, False, False)
        most = self._max_tree_depths[self._step >= self._warmup_steps]
        depth = 0
        while depth < most and not tree.has_ended:
            forward = bool(torch.rand(()) < 0.5)
            other = builder.tree(tree.right if forward else tree.left, depth, forward)
            tree = builder.joined(tree, other, forward, prefers_new=True)
            depth += 1
        if self._step >= self._warmup_steps:
            self._depths.append(depth)
            self._energies.append(before)
        moved = tree.proposal is not start
        return tree.proposal, tree.accept / max(1, tree.count), tree.is_divergent, moved

    def diagnostics(self) -> dict[str, Any]:
        return {**super().diagnostics(), "tree depth": self._depths, "energy": self._energies}


def _above(level: float) -> Callable[[float], float]:
    return lambda energy: 0.0 if -energy >= level else -math.inf


@dataclass(frozen=True, slots=True)
class _Builder:
    """Makes the trees of one step.

    Attributes:
        dynamics: the motion.
        step_size: of a leapfrog step.
        before: the energy at the start, nats.
        weight: the logarithm of a state's weight from its energy, nats.
    """

    dynamics: Hamiltonian
    step_size: float
    before: float
    weight: Callable[[float], float]

    def tree(self, end: _End, depth: int, forward: bool) -> _Tree:
        """A tree of ``2 ** depth`` states that goes on from an end."""
        if depth == 0:
            return self._leaf(end, forward)
        first = self.tree(end, depth - 1, forward)
        if first.has_ended:
            return first
        second = self.tree(first.right if forward else first.left, depth - 1, forward)
        return self.joined(first, second, forward, prefers_new=False)

    def _leaf(self, end: _End, forward: bool) -> _Tree:
        dynamics = self.dynamics
        state = dynamics.leap(end.state, self.step_size if forward else -self.step_size)
        error = dynamics.energy(state) - self.before
        error = math.inf if math.isnan(error) else error
        there = _End(state, dynamics.velocity(state))
        log_weight = self.weight(self.before + error)
        accept = math.exp(min(0.0, -error))
        return _Tree(there, there, state.r, state, log_weight, accept, 1, False, error > DIVERGENT)

    def joined(self, old: _Tree, new: _Tree, forward: bool, prefers_new: bool) -> _Tree:
        """Two neighbouring trees as one.

        Args:
            old: the one that was there.
            new: the one that goes on from it; none of its states is drawn if it has ended.
            forward: whether it goes on forward in time.
            prefers_new: whether the new one's proposal is taken with the ratio of the weights, or by its share of both.
        """
        left, right = (old, new) if forward else (new, old)
        total = left.total + right.total
        log_weight = _log_sum(old.log_weight, new.log_weight)
        proposal = old.proposal
        if not new.has_ended and new.log_weight > -math.inf:
            log_share = new.log_weight - (old.log_weight if prefers_new else log_weight)
            if log_share >= 0 or float(torch.rand(())) < math.exp(log_share):
                proposal = new.proposal
        is_turning = new.is_turning or (
            not new.is_divergent
            and (
                _turns(left.left, right.right, total)
                or _turns(left.left, right.left, left.total + right.left.state.r)
                or _turns(left.right, right.right, right.total + left.right.state.r)
            )
        )
        return _Tree(
            left.left,
            right.right,
            total,
            proposal,
            log_weight,
            old.accept + new.accept,
            old.count + new.count,
            is_turning,
            new.is_divergent,
        )


def _turns(left: _End, right: _End, total: Tensor) -> bool:
    return bool(torch.dot(left.velocity, total) <= 0) or bool(torch.dot(right.velocity, total) <= 0)


def _log_sum(one: float, other: float) -> float:
    most = max(one, other)
    return most if most == -math.inf else most + math.log(math.exp(one - most) + math.exp(other - most))
