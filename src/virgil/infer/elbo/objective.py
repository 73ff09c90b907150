"""``ELBO``: an objective, made of independent choices."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from virgil import settings
from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, ShapeError, VirgilError, a_kind
from virgil.infer.blame import LinAlgError, blame
from virgil.infer.checks.finding import Trial
from virgil.infer.checks.guards import Guards
from virgil.infer.density.execution import PARTICLES, Call, Executions, Program, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.bound import Bound, BoundFunction
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.costs import Costs
from virgil.infer.elbo.dependences import Dependences
from virgil.infer.elbo.discover import discover
from virgil.infer.elbo.elbo_module import ELBOModule
from virgil.infer.elbo.former_choices import nesting_of, of_attributes, warn_of_unused
from virgil.infer.elbo.gradient import Estimate, GradientRule
from virgil.infer.elbo.hold_particles import hold_particles
from virgil.infer.elbo.particles import Particles, executions, run_particles
from virgil.infer.elbo.program_structure import Structure, check_new, look_for_cause
from virgil.infer.elbo.summing_out import Elimination, SumOut
from virgil.infer.elbo.terms import LatentTerms, Terms

__all__ = ["ELBO"]

_REMEMBERED = 16  # pairs of model and guide whose structure an objective keeps
_FIXED = frozenset({"enumerates", "latent_terms"})
_NUMBERS = frozenset({"num_particles", "vectorize_particles"})  # of particles: users change them between steps


class ELBO:
    r"""The evidence lower bound, or another bound on the log evidence, made of independent choices.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)}\bigl[\log p(x, z) - \log q(z)\bigr] \le \log p(x)

    The loss is the negative bound, in nats. Its gradient is an unbiased estimate of the gradient of the loss. The named
    objectives, such as ``Trace_ELBO``, are this class with other defaults for ``terms`` and ``sum_out``.

    Args:
        num_particles: draws that the bound is computed from. Default: 1.
        max_plate_nesting: how many dims from the right belong to plates. Default: found by a dry run, which leaves no
            mark.
        max_iarange_nesting: its former name.
        vectorize_particles: whether all particles run in one execution, where a trial shows that the programs allow it:
            with a dim of their own left of all plates, or, where programs index or reduce from the left, each seen
            alone by ``torch.func.vmap``. Elsewhere they run one by one, with a warning if this is ``True``. Default:
            where a trial shows that they can.
        strict_enumeration_warning: whether to warn where ``sum_out`` finds no marked variable, or leaves out one of the
            guide's.
        ignore_jit_warnings: of objectives that compile the steps of ``SVI.step``, whether one that cannot be compiled
            is taken eagerly without a warning.
        jit_options, tail_adaptive_beta: do nothing, and a warning says so.
        retain_graph: handed to ``backward`` by :meth:`loss_and_grads`.
        terms: how the terms of latent variables are computed: ``"sampled"``, both log-probabilities at the value drawn,
            or ``"analytic"``, the divergence of guide and model in closed form where that is known and right.
        sum_out: which marked discrete variables are summed out: ``"none"``; ``"model"``, those that the guide does not
            state, inside the logarithm; ``"guide"``, the guide's, averaged over with its own probabilities; or
            ``"both"``.
        gradient: how the gradient is estimated: ``"pathwise_or_score"``, site by site.
        bound: how particles make a bound: ``"mean"``.

    For each of the last four a function may be passed instead of a name; its contract is ``LatentTerms``,
    ``Elimination``, ``Estimate`` and ``BoundFunction`` in ``virgil.infer.elbo``.

    Raises:
        ArgumentError: an argument out of range, or choices that do not fit together.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import ELBO, config_enumerate
        >>> @config_enumerate
        ... def model():
        ...     virgil.sample("z", dist.Normal(0.0, 1.0))
        ...     virgil.sample("x", dist.Normal(2 * virgil.sample("m", dist.Bernoulli(0.5)), 1.0), obs=torch.tensor(1.0))
        >>> guide = lambda: virgil.sample("z", dist.Normal(torch.tensor(1.0), 1.0))
        >>> round(ELBO(terms="analytic", sum_out="model").loss(model, guide), 4)  # 1/2 + 1/2 + log(2 pi)/2
        1.9189
    """

    choices: Choices = Choices()
    compiles = False  # whether SVI takes its steps on a compiled engine

    def __init__(
        self,
        num_particles: int | None = None,
        max_plate_nesting: float | None = None,
        max_iarange_nesting: int | None = None,
        vectorize_particles: bool | None = None,
        strict_enumeration_warning: bool = True,
        ignore_jit_warnings: bool = False,
        jit_options: dict[str, Any] | None = None,
        retain_graph: bool | None = None,
        tail_adaptive_beta: float = -1.0,
        *,
        terms: str | Terms | LatentTerms | None = None,
        sum_out: str | SumOut | Elimination | None = None,
        gradient: str | GradientRule | Estimate | None = None,
        bound: str | Bound | BoundFunction | None = None,
    ) -> None:
        former = of_attributes(self, frozenset({ELBO}), terms, sum_out)
        self.choices = former.but(terms, sum_out, gradient, bound, num_particles, vectorize_particles)
        self.max_plate_nesting = nesting_of(self, max_plate_nesting, max_iarange_nesting)
        self.strict_enumeration_warning = strict_enumeration_warning
        self.ignore_jit_warnings = ignore_jit_warnings
        self.retain_graph = retain_graph
        self._structures: dict[tuple[Program, Program], Structure] = {}
        warn_of_unused(self, jit_options, tail_adaptive_beta)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED:
            raise ArgumentError(
                f"{name} of {a_kind(type(self))} cannot be changed, since it is a choice of the objective. Make "
                "another one, such as ELBO(terms=..., sum_out=...)."
            )
        if name in _NUMBERS:  # found structures depend on them
            self.choices, self._structures = replace(self.choices, **{name: value}), {}
            return
        super().__setattr__(name, value)

    @property
    def num_particles(self) -> int:
        """The number of draws of the guide that the bound is computed from."""
        return self.choices.num_particles

    @property
    def vectorize_particles(self) -> bool | None:
        """True if particles run in one execution; ``None``: if a trial shows that they can."""
        return self.choices.vectorize_particles

    @property
    def enumerates(self) -> bool:
        """True if marked variables of the model, which the guide does not state, are summed out."""
        return self.choices.sum_out.model

    @property
    def enumerates_guide(self) -> bool:
        """True if marked variables of the guide are averaged over with their own probabilities."""
        return self.choices.sum_out.guide

    name = property(lambda self: type(self).__name__, doc="Its class's.")

    @property
    def obstacle(self) -> str | None:
        """Why no engine can capture its steps: a class of a user's own computes the gradients itself."""
        kind = type(self)
        is_own = kind.loss_and_grads is not ELBO.loss_and_grads
        return f"{kind.__name__}.loss_and_grads computes gradients itself" if is_own else None

    @property
    def evidence_bound(self) -> ELBO:
        """Itself."""
        return self

    def loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The loss, without gradients, in nats."""
        with torch.no_grad():
            return float(self.differentiable_loss(model, guide, *args, **kwargs))

    def loss_and_grads(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> float:
        """The loss, in nats; gradients are added to the ``grad`` of every parameter."""
        loss = self.differentiable_loss(model, guide, *args, **kwargs)
        if loss.requires_grad:
            loss.backward(retain_graph=self.retain_graph)
        return float(loss.detach())

    def differentiable_loss(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Tensor:
        """The loss, a scalar tensor, in nats. Its derivative with respect to the parameters is the gradient estimator.

        Raises:
            MismatchError: model and guide do not fit together.
            SiteError: a shape or value is wrong at some site.
            NonFiniteError: the loss is NaN or infinite; the message names the first site that is.
        """
        call = Call(model, guide, args, kwargs)
        structure = self._structure(call)
        with unchecked():
            try:
                bound, particles = self._bound(call, structure)
            except LinAlgError:  # a matter of values, which a step looks into
                raise
            except (IndexError, RuntimeError, TypeError, ValueError) as error:
                if not isinstance(error, VirgilError) or isinstance(error, ShapeError):
                    look_for_cause(error, call, self, structure)
                raise
            if settings.get("validate"):
                check_new(call, particles, self, self.choices.sum_out, structure)
                if not math.isfinite(bound.detach()):
                    blame(particles.seen_alone)
        return -bound

    def examined(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Executions]:
        """The loss, unchecked, and the executions behind it, each with its role: ``"guide"`` or ``"model"``."""
        call = Call(model, guide, args, kwargs)
        structure = self._structure(call)
        with unchecked():
            bound, particles = self._bound(call, structure)
        return -bound, particles.seen_alone

    def __call__(self, model: nn.Module, guide: nn.Module) -> ELBOModule:
        """A module that holds model and guide, whose call gives the differentiable loss."""
        return ELBOModule(self, model, guide)

    # How it is computed

    def _structure(self, call: Call) -> Structure:
        """The structure of the programs, found once."""
        key = (call.model, call.guide)
        structure = self._structures.get(key)
        if structure is None:
            structure = discover(call, self, self.choices.sum_out, self.strict_enumeration_warning)
            hold_particles(call, structure, self.choices, partial(self._bound, call, structure))
            while len(self._structures) >= _REMEMBERED:
                del self._structures[next(iter(self._structures))]
            self._structures[key] = structure
        return structure

    def _bound(self, call: Call, structure: Structure) -> tuple[Tensor, Particles]:
        """The bound, a scalar in nats, and the particles behind it: tensor operations alone, so it can be captured."""
        choices = self.choices
        run = self._costs if structure.dependences is None else partial(self._costs, dependences=structure.dependences)
        particles = run_particles(call, run, choices.num_particles, structure.particles)
        return choices.gradient.estimate(particles, choices.bound), particles

    def _costs(
        self, call: Call, draws: Vectorization, count: int, dependences: Dependences | None = None
    ) -> list[Costs]:
        """Run the programs, and take the executions to costs; with dependences, those are noted in the executions."""
        sum_out, terms = self.choices.sum_out, self.choices.terms
        runs = partial(sum_out.runs, first_dim=draws.dim - draws.at_once)
        noted = None
        if dependences is not None and terms.of_densities:
            around = frozenset({PARTICLES} if draws.mapped else ())
            noted = partial(dependences.noted, call, runs=runs, around=around)
        particle_dim = draws.dim if draws.at_once else None
        executed = executions(call, runs, terms, draws, count, noted)
        return [sum_out.costs(pair, found, particle_dim) for pair, found in executed]

    # How it is checked

    def guards(self, model: Program, guide: Program) -> Guards:
        """The values of these programs that every step looks at; none before their first loss."""
        structure = self._structures.get((model, guide))
        return Guards() if structure is None else structure.present

    def look_again(self) -> None:
        """Forget what the terms depend on, which the next loss finds anew: before its graph is captured."""
        for structure in self._structures.values():
            if structure.dependences is not None:
                structure.dependences.look_again()

    def fresh(self) -> Self:
        """The same objective, before it has met any program."""
        new = copy.copy(self)
        new._structures = {}
        return new

    def trial(self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trial:
        """The bound of one execution, without derivatives and unchecked, and the executions behind it."""
        call = Call(model, guide, args, kwargs)
        with torch.no_grad(), unchecked():
            drawn = run_pair(call)
            dim = -1 - max(nesting(drawn.guide), nesting(drawn.model))
            particles = run_particles(call, self._costs, 1, Vectorization(dim, at_once=False))
            return particles.log_weights(), particles.pairs
