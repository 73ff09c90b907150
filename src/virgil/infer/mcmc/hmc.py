"""``HMC``: Hamiltonian Monte Carlo."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Transform

from virgil.errors import ArgumentError, a_kind, shown
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.mcmc.hamiltonian import DIVERGENT, Hamiltonian, State
from virgil.infer.mcmc.layout import Layout
from virgil.infer.mcmc.mass_matrix import BlockMassMatrix, Names
from virgil.infer.mcmc.mcmc_kernel import MCMCKernel, Params
from virgil.infer.mcmc.target import Potential, Target, target_of_function, target_of_model
from virgil.infer.mcmc.warmup import WarmupAdapter

__all__ = ["HMC"]


class HMC(MCMCKernel):
    r"""Hamiltonian Monte Carlo: a trajectory of fixed length, accepted by its error of energy.

    The target is a model's posterior over real vectors, its discrete variables summed out, or a potential energy. A
    step draws a momentum, follows :math:`\dot z = M^{-1} r`, :math:`\dot r = -\nabla U(z)` by leapfrog steps, and takes
    the end with probability :math:`\min(1, \exp(H_0 - H_1))` *(Duane et al. 1987; Neal 2011)*.

    Args:
        model: the program. Its arguments are those of ``MCMC.run``.
        potential_fn: in its place, a function from named real tensors to the negative log-density, nats; the chain then
            needs ``initial_params``.
        step_size: of a leapfrog step, or what the search for it begins with.
        trajectory_length: the time that a trajectory takes. Default: ``step_size * num_steps``, or :math:`2 \pi`.
        num_steps: leapfrog steps of a trajectory.
        adapt_step_size: whether the warm-up finds the step size.
        adapt_mass_matrix: whether it finds the mass matrix.
        full_mass: ``True`` for a dense matrix, or a list of tuples of names, each a dense block; all else is diagonal.
        transforms: by name, from a variable's support to real numbers. Default: those that are registered.
        max_plate_nesting: how many dims from the right belong to plates, at least. Default: found by running the model.
        jit_compile: as ``engine="auto"`` does; ``engine`` says more.
        jit_options: not needed; a dict is accepted.
        ignore_jit_warnings: not needed.
        target_accept_prob: the mean acceptance that the step size is to have, in (0, 1).
        init_strategy: gives the values of sites at which a chain begins.
        min_stepsize: the least step size in the search.
        max_stepsize: the largest.
        engine: what computes the density of a model: ``"auto"`` captures it once for a compiled engine and takes the
            eager one where that fails, ``"xla"``, ``"inductor"``, ``"eager"``.

    Raises:
        ArgumentError: neither a model nor a potential, both, or a number out of its range.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import HMC, MCMC
        >>> def model():
        ...     virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        >>> virgil.set_rng_seed(0)
        >>> kernel = HMC(model, num_steps=4, engine="eager")
        >>> mcmc = MCMC(kernel, num_samples=200, warmup_steps=100, disable_progbar=True)
        >>> mcmc.run()
        >>> mcmc.get_samples()["x"].shape
        torch.Size([200, 2])
    """

    def __init__(
        self,
        model: Callable[..., Any] | None = None,
        potential_fn: Potential | None = None,
        step_size: float = 1,
        trajectory_length: float | None = None,
        num_steps: int | None = None,
        adapt_step_size: bool = True,
        adapt_mass_matrix: bool = True,
        full_mass: bool | Sequence[Names] = False,
        transforms: Mapping[str, Transform] | None = None,
        max_plate_nesting: int | None = None,
        jit_compile: bool = False,
        jit_options: Mapping[str, Any] | None = None,
        ignore_jit_warnings: bool = False,
        target_accept_prob: float = 0.8,
        init_strategy: InitFn = init_to_uniform,
        *,
        min_stepsize: float = 1e-10,
        max_stepsize: float = 1e10,
        engine: str = "auto",
    ) -> None:
        if (model is None) == (potential_fn is None):
            raise ArgumentError(
                f"{type(self).__name__} takes a model or a potential_fn, one of the two; it got "
                f"{'neither' if model is None else 'both'}."
            )
        if not 0 < target_accept_prob < 1:
            raise ArgumentError(
                f"{type(self).__name__} got target_accept_prob={shown(target_accept_prob)}; it lies between 0 and 1."
            )
        self.model = model
        self.transforms = transforms
        self.potential_fn = potential_fn
        self._given_transforms = transforms
        self._given_potential = potential_fn
        self._max_plate_nesting = max_plate_nesting
        self._full_mass = full_mass
        self._init_strategy = init_strategy
        self._bounds = min_stepsize, max_stepsize
        self._engine = engine
        if trajectory_length is None:
            trajectory_length = step_size * num_steps if num_steps is not None else 2 * math.pi
        self.trajectory_length = float(trajectory_length)
        self._adapter = WarmupAdapter(
            step_size, adapt_step_size, target_accept_prob, adapt_mass_matrix, dense_mass=full_mass is True
        )
        self._initial_params: Params | None = None
        self._target: Target | None = None
        self.cleanup()

    # the chain

    def setup(self, warmup_steps: int, *args: Any, **kwargs: Any) -> None:
        self._warmup_steps = warmup_steps
        target = self._make_target(args, kwargs)
        params = self._initial_params
        if params is None:
            params = target.begin() if target.begin is not None else {}
            self._initial_params = params
        target.layout.vector(params)  # which says what is missing, or has another shape
        like = next(iter(params.values()))
        layout = Layout.of(params)
        self._adapter.configure(
            warmup_steps,
            mass_matrix_shape=self._blocks(layout),
            find_reasonable_step_size_fn=self._find_step_size,
            options={"dtype": like.dtype, "device": like.device},
        )
        self._target = target.ordered(self.mass_matrix_adapter.names)
        self.transforms, self.potential_fn = dict(target.transforms), target.potential
        if self._state(params).energy == math.inf:
            raise ArgumentError(
                "A chain begins at a place where the log-density is not finite. Give other initial_params, which are "
                "unconstrained, or leave them out, so that one is found."
            )
        self._adapter.reset_step_size_adaptation(params)

    def _make_target(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Target:
        if self.model is not None:
            return target_of_model(
                self.model,
                args,
                kwargs,
                transforms=self._given_transforms,
                max_plate_nesting=self._max_plate_nesting,
                init_fn=self._init_strategy,
                engine=self._engine,
            )
        if self._initial_params is None:
            raise ArgumentError(
                f"{type(self).__name__}(potential_fn=...) does not know where to begin. Give "
                "MCMC(initial_params={...}), named tensors of real numbers."
            )
        if self._given_potential is None:
            raise ArgumentError(f"{type(self).__name__} has neither a model nor a potential_fn.")
        return target_of_function(self._given_potential, self._given_transforms, self._initial_params)

    def _blocks(self, layout: Layout) -> dict[Names, tuple[int, ...]]:
        """The shape of each block of the mass matrix."""
        names = tuple(layout.shapes)
        if self._adapter.dense_mass:
            return {names: (layout.dim, layout.dim)}
        blocks: dict[Names, tuple[int, ...]] = {}
        dense = [] if isinstance(self._full_mass, bool) else [tuple(block) for block in self._full_mass]
        for block in dense:
            for name in block:
                if name not in names or any(name in other for other in blocks):
                    raise ArgumentError(
                        f"full_mass has the block {block}, and {name!r} is "
                        f"{'in another block' if name in names else 'no variable of the chain'}. The variables are "
                        f"{', '.join(names)}."
                    )
            size = layout.sizes(block)
            blocks[block] = (size, size)
        rest = tuple(name for name in names if not any(name in block for block in blocks))
        if rest:
            blocks[rest] = (layout.sizes(rest),)
        return blocks

    @property
    def target(self) -> Target:
        """The distribution that the chain draws from.

        Raises:
            ArgumentError: the chain has not been set up.
        """
        if self._target is None:
            raise ArgumentError(
                f"{type(self).__name__}.sample() came before setup(). MCMC(kernel, ...).run() calls both."
            )
        return self._target

    def cleanup(self) -> None:
        self._initial_params = None
        self._last: tuple[Params, State] | None = None
        self._step = 0
        self._accepted = 0
        self._mean_accept = 0.0
        self._divergences: list[int] = []
        self._warmup_steps = 0

    def clear_cache(self) -> None:
        """Forget the energy at the present state, as a chain must whose target has changed."""
        self._last = None

    def end_warmup(self) -> None:
        self._step = max(self._step, self._warmup_steps)

    def sample(self, params: Params) -> Params:
        state = self._state(params)
        new, accept, is_divergent, moved = self._transition(self.dynamics.started(state))
        after = self.target.layout.params(new.z)
        self._last = after, new
        self._learn(after, new, accept, is_divergent, moved)
        return dict(after)

    def _transition(self, start: State) -> tuple[State, float, bool, bool]:
        """One step: the new state, its acceptance, and whether it diverged and moved."""
        dynamics = self.dynamics
        error = dynamics.energy(end := dynamics.leap(start, self.step_size, self.num_steps)) - dynamics.energy(start)
        error = math.inf if math.isnan(error) else error
        accept = math.exp(min(0.0, -error))
        moved = bool(torch.rand(()) < accept)
        return end if moved else start, accept, error > DIVERGENT, moved

    def _learn(self, params: Params, state: State, accept: float, is_divergent: bool, moved: bool) -> None:
        step, in_warmup = self._step, self._step < self._warmup_steps
        if in_warmup:
            self._adapter.step(step, params, accept, self.target.layout.params(state.slope))
        else:
            self._accepted += moved
            if is_divergent:
                self._divergences.append(step - self._warmup_steps)
        count = step + 1 if in_warmup else step - self._warmup_steps + 1
        before = 0.0 if count == 1 else self._mean_accept
        self._mean_accept = before + (accept - before) / count
        self._step += 1

    def _state(self, params: Params) -> State:
        """The state at named tensors, whose energy is mostly known."""
        if self._last is not None and all(params.get(name) is value for name, value in self._last[0].items()):
            return self._last[1]
        vector = self.target.layout.vector({name: value.detach() for name, value in params.items()})
        energy, slope = self.target.energy(vector)
        return State(vector, torch.zeros_like(vector), energy, slope)

    @property
    def dynamics(self) -> Hamiltonian:
        """The motion of the present step."""
        return Hamiltonian(self.target, self.mass_matrix_adapter)

    def _find_step_size(self, params: Mapping[str, Tensor]) -> float:
        return self.dynamics.reasonable_step_size(self._state(dict(params)), self.step_size, *self._bounds)

    # figures

    @property
    def initial_params(self) -> Params | None:
        """The state that the chain begins with, unconstrained."""
        return self._initial_params

    @initial_params.setter
    def initial_params(self, params: Params) -> None:
        if not isinstance(params, Mapping):
            raise ArgumentError(f"initial_params is {a_kind(type(params))}; it takes a dict of named tensors.")
        self._initial_params = dict(params)

    @property
    def mass_matrix_adapter(self) -> BlockMassMatrix:
        """Keeps and estimates the mass matrix. It may be set to another one, such as an `ArrowheadMassMatrix`."""
        return self._adapter.mass_matrix_adapter

    @mass_matrix_adapter.setter
    def mass_matrix_adapter(self, adapter: BlockMassMatrix) -> None:
        if not isinstance(adapter, BlockMassMatrix):
            raise ArgumentError(
                f"mass_matrix_adapter is {a_kind(type(adapter))}; it takes a BlockMassMatrix or a class made from it."
            )
        self._adapter.mass_matrix_adapter = adapter

    @property
    def inverse_mass_matrix(self) -> dict[Names, Tensor]:
        """By block of variables the inverse mass matrix, or its diagonal."""
        return self.mass_matrix_adapter.inverse_mass_matrix

    @property
    def step_size(self) -> float:
        """The present size of a leapfrog step."""
        return self._adapter.step_size

    @property
    def num_steps(self) -> int:
        """Leapfrog steps of a trajectory."""
        return max(1, int(self.trajectory_length / self.step_size))

    def constrained(self, samples: Params) -> Params:
        """The variables' values at draws. Shapes: ``(draws, *unconstrained)`` to ``(draws, *shape)``."""
        return self.target.constrained(samples)

    def logging(self) -> dict[str, Any]:
        return OrderedDict([("step size", f"{self.step_size:.2e}"), ("acc. prob", f"{self._mean_accept:.3f}")])

    def diagnostics(self) -> dict[str, Any]:
        drawn = max(1, self._step - self._warmup_steps)
        return {"divergences": self._divergences, "acceptance rate": self._accepted / drawn}
