"""``Hooks``: the methods by which subclasses of objectives see, and exchange, the executions of guide and model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError
from virgil.infer.checks.finding import EvidenceBound
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Executions, Pair, Program, completed, particle_plate, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.costs import Costs
from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.particles import Particles
from virgil.infer.elbo.terms import all_terms
from virgil.poutine.trace import Trace
from virgil.pyro.infer.enum import get_importance_trace, statements

__all__ = ["Hooks"]


class Hooks(ELBO):
    """An objective with the methods that old subclasses call or override.

    ``_get_traces(model, guide, args, kwargs)`` yields the trace of the model and that of the guide, for one particle
    after another, or once for all of them with ``vectorize_particles=True``. A subclass that overrides it, or
    ``_get_trace``, which makes one pair, has its traces used by the inherited ``loss``, ``differentiable_loss`` and
    ``loss_and_grads``; they are not checked then.
    """

    @property
    def _is_overridden(self) -> bool:
        """True where the traces are a subclass's own."""
        kind = type(self)
        return any(getattr(kind, name) is not getattr(Hooks, name) for name in ("_get_trace", "_get_traces"))

    # What subclasses call or override

    def _get_traces(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[Trace, Trace]]:
        """The trace of the model and that of the guide, for each particle or for all at once."""
        if self.vectorize_particles and self.num_particles > 1:
            yield self._get_vectorized_trace(model, guide, args, kwargs)
            return
        for _ in range(self.num_particles):
            if self.choices.sum_out.enumerates and type(self)._get_trace is Hooks._get_trace:
                yield from self._enumerated(model, guide, args, kwargs)
            else:
                yield self._get_trace(model, guide, args, kwargs)

    def _get_trace(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Trace, Trace]:
        """The trace of the model and that of the guide."""
        if self.choices.sum_out.enumerates:
            return next(self._enumerated(model, guide, args, kwargs))
        return get_importance_trace("flat", self.max_plate_nesting, model, guide, args, kwargs)

    def _get_vectorized_trace(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Trace, Trace]:
        """The two traces with all particles, along a dim left of all plates."""
        if self.max_plate_nesting is None:
            self._guess_max_plate_nesting(model, guide, args, kwargs)
        vectorized = self._vectorized_num_particles
        return self._get_trace(vectorized(model), vectorized(guide), args, kwargs)

    def _vectorized_num_particles(self, fn: Program) -> Callable[..., Any]:
        """The program that runs ``fn`` with all particles at once."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self.num_particles == 1:
                return fn(*args, **kwargs)
            if self.max_plate_nesting is None:
                raise ArgumentError(
                    f"{type(self).__name__} does not know how many dims the plates take. Give max_plate_nesting=, or "
                    "call _guess_max_plate_nesting first."
                )
            with particle_plate(-1 - self.max_plate_nesting, self.num_particles):
                return fn(*args, **kwargs)

        return wrapped

    def _guess_max_plate_nesting(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Find how many dims the plates take, by a run that leaves no mark."""
        with dry_run():
            pair = run_pair(Call(model, guide, args, kwargs))
        self.max_plate_nesting = max(nesting(pair.guide), nesting(pair.model))

    def _enumerated(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[Trace, Trace]]:
        """The traces for each joint choice of what the guide enumerates sequentially."""
        if self.max_plate_nesting is None:
            self._guess_max_plate_nesting(model, guide, args, kwargs)
        first_dim = -1 - (self.max_plate_nesting or 0)
        first_dim -= bool(self.vectorize_particles and self.num_particles > 1)
        for pair in self.choices.sum_out.runs(Call(model, guide, args, kwargs), first_dim):
            yield statements(pair.model), statements(pair.guide, score_parts=True)

    # What a subclass's own traces make

    @property
    def evidence_bound(self) -> EvidenceBound | None:  # type: ignore[override]  # nothing is known of a user's traces
        """Itself, unless a subclass computes the loss or the traces in its own way."""
        kind = type(self)
        names = ("loss", "loss_and_grads", "differentiable_loss")
        is_own = self._is_overridden or any(_of_user(kind, name) for name in names)
        return None if is_own else self

    def differentiable_loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar tensor, in nats; of a subclass's own traces if it has such."""
        if not self._is_overridden:
            return super().differentiable_loss(model, guide, *args, **kwargs)
        with unchecked():
            return self._of_traces(Call(model, guide, args, kwargs))[0]

    def examined(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Executions]:
        """The loss, and the executions behind it, each with its role."""
        if not self._is_overridden:
            return super().examined(model, guide, args, kwargs)
        loss, particles = self._of_traces(Call(model, guide, args, kwargs))
        return loss, particles.executions

    def _of_traces(self, call: Call) -> tuple[Tensor, Particles]:
        """The loss of the traces that the subclass gives."""
        choices = self.choices
        given = self._get_traces(call.model, call.guide, call.args, call.kwargs)
        pairs = [Pair(own, of_model) for of_model, own in given]
        dim = min((dim for pair in pairs for dim in _particle_dims(pair)), default=None)
        draws = Vectorization(-1 if dim is None else dim, at_once=dim is not None)
        count = self.num_particles if draws.at_once else len(pairs)

        def costs(call: Call, draws: Vectorization, count: int) -> list[Costs]:
            pair = completed(pairs[len(taken)])
            taken.append(pair)
            return [choices.sum_out.costs(pair, all_terms(pair, choices.terms), dim)]

        taken: list[Pair] = []
        particles = Particles(call, costs, count, draws)
        return -choices.gradient.estimate(particles, choices.bound), particles


def _particle_dims(pair: Pair) -> Iterator[int]:
    for trace in (pair.guide, pair.model):
        for site in trace.nodes.values():
            for frame in site.frames:
                if frame.particle and frame.dim is not None:
                    yield frame.dim


def _of_user(kind: type, name: str) -> bool:
    """True where a method of an objective is neither the house's nor the alias's."""
    return not getattr(kind, name).__module__.startswith("virgil.")
