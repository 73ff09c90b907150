"""``ELBO``: what every objective offers."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any, Self

import torch
from torch import Tensor, nn

from virgil import settings
from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, MismatchError, ShapeError
from virgil.infer.blame import LinAlgError, blame
from virgil.infer.checks import check
from virgil.infer.checks.finding import Trial
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Executions, Pair, Program, particle_plate, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.elbo.enumerated import enumerated_estimate
from virgil.infer.elbo.estimator import estimate
from virgil.infer.elbo.sequential import branches
from virgil.infer.elbo.structure import (
    Structure,
    check_pair,
    discover,
    look_apart,
    run_or_explain,
    structure_key,
    subject_of,
)
from virgil.infer.elbo.terms import LatentTerms, all_terms, sampled

__all__ = ["ELBO", "ELBOModule"]

_REMEMBERED = 16  # pairs of model and guide whose structure an objective keeps


class ELBO:
    r"""The evidence lower bound, estimated with draws from the guide.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)}\bigl[\log p(x, z) - \log q(z)\bigr] \le \log p(x)

    The loss is the negative bound, in nats. Its gradient is an unbiased estimate of the gradient of the loss.

    Args:
        num_particles: draws that are averaged.
        max_plate_nesting: how many dims from the right belong to plates. Default: found by a dry run, which leaves no
            mark.
        max_iarange_nesting: its former name.
        vectorize_particles: whether all particles run in one execution, with a dim of their own left of all plates.
            Default: yes where a trial shows that the programs allow it.
        strict_enumeration_warning, ignore_jit_warnings, jit_options, retain_graph, tail_adaptive_beta: accepted for
            the sake of existing programs.

    Raises:
        ArgumentError: an argument out of range.
    """

    latent_terms: LatentTerms = staticmethod(sampled)
    enumerates = False
    compiles = False  # whether SVI takes its steps on a compiled engine

    def __init__(
        self,
        num_particles: int = 1,
        max_plate_nesting: float | None = None,
        max_iarange_nesting: int | None = None,
        vectorize_particles: bool | None = None,
        strict_enumeration_warning: bool = True,
        ignore_jit_warnings: bool = False,
        jit_options: dict[str, Any] | None = None,
        retain_graph: bool | None = None,
        tail_adaptive_beta: float = -1.0,
    ) -> None:
        if max_iarange_nesting is not None:
            warnings.warn(
                "max_iarange_nesting is the former name of max_plate_nesting. Write max_plate_nesting instead.",
                DeprecationWarning,
                stacklevel=2,
            )
            max_plate_nesting = max_iarange_nesting
        if not isinstance(num_particles, int) or num_particles < 1:
            raise ArgumentError(
                f"{type(self).__name__} got num_particles={num_particles!r}; it takes a whole number, 1 or more."
            )
        if max_plate_nesting is not None and (math.isnan(max_plate_nesting) or max_plate_nesting < 0):
            raise ArgumentError(
                f"{type(self).__name__} got max_plate_nesting={max_plate_nesting!r}; it takes a whole number, 0 or "
                f"more."
            )
        self.num_particles = num_particles
        self.max_plate_nesting = None if max_plate_nesting in (None, math.inf) else int(max_plate_nesting)
        self.vectorize_particles = vectorize_particles
        self.retain_graph = retain_graph
        self._structures: dict[tuple[Program, Program], Structure] = {}

    name = property(lambda self: type(self).__name__, doc="Its class's.")
    obstacle = None

    @property
    def evidence_bound(self) -> ELBO:
        """Itself."""
        return self

    # What users call

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
                bound, pairs = self.bound(call, structure)
            except LinAlgError:  # a matter of values, which a step looks into
                raise
            except (RuntimeError, ShapeError):
                self._look_again(call, structure)
                raise
            if settings.get("validate"):
                self._check(call, bound, pairs, structure)
        return -bound

    def examined(
        self, model: Program, guide: Program, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Tensor, Executions]:
        """The loss, unchecked, and the executions behind it, each with its role: ``"guide"`` or ``"model"``."""
        call = Call(model, guide, args, kwargs)
        structure = self._structure(call)
        with unchecked():
            bound, pairs = self.bound(call, structure)
        return -bound, _executions(pairs)

    def __call__(self, model: nn.Module, guide: nn.Module) -> ELBOModule:
        """A module that holds model and guide, whose call gives the differentiable loss."""
        return ELBOModule(self, model, guide)

    # How it is computed

    def _structure(self, call: Call) -> Structure:
        key = (call.model, call.guide)
        structure = self._structures.get(key)
        if structure is None:
            structure = discover(call, self)
            while len(self._structures) >= _REMEMBERED:
                del self._structures[next(iter(self._structures))]
            self._structures[key] = structure
        return structure

    def bound(self, call: Call, structure: Structure) -> tuple[Tensor, list[Pair]]:
        """The bound, a scalar in nats, and the executions behind it: tensor operations alone, so it can be captured."""
        first_dim = -structure.max_plate_nesting - 1
        if structure.vectorize_particles:
            with particle_plate(first_dim, self.num_particles):
                pairs, repeats = self._runs(call, first_dim - 1), 1
        else:
            pairs = [pair for _ in range(self.num_particles) for pair in self._runs(call, first_dim)]
            repeats = self.num_particles
        bounds = [self._estimate(pair) for pair in pairs]
        return (bounds[0] if len(bounds) == 1 else torch.stack(bounds).sum() / repeats), pairs

    def _runs(self, call: Call, first_dim: int) -> list[Pair]:
        return branches(call, first_dim) if self.enumerates else [self._run(call, first_dim)]

    def _run(self, call: Call, first_dim: int) -> Pair:
        return run_pair(call, enumerate_from=first_dim if self.enumerates else None)

    def _estimate(self, pair: Pair) -> Tensor:
        if self.enumerates:
            return enumerated_estimate(pair)
        return estimate(pair, all_terms(pair, self.latent_terms))

    # How it is checked

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
            pairs = self._runs(call, -1 - max(nesting(drawn.guide), nesting(drawn.model)))
            return torch.stack([self._estimate(pair) for pair in pairs]).sum(), pairs

    def _check(self, call: Call, bound: Tensor, pairs: list[Pair], structure: Structure) -> None:
        """Look at executions of a structure not seen before, and for the cause of a bound that is not finite."""
        new = {key: pair for pair in pairs if (key := structure_key(pair)) not in structure.checked}
        for pair in new.values():
            check_pair(call, pair, self, structure)
        if new and self.enumerates and structure.checked:
            look_apart(call, structure, self)
        structure.checked.update(new)
        if not math.isfinite(bound.detach()):
            blame(_executions(pairs))

    def _look_again(self, call: Call, structure: Structure) -> None:
        """After an error of shapes, or torch's own, run the programs with every check, which may know the cause."""
        if settings.get("validate"):
            with dry_run():
                check(subject_of(call, run_or_explain(call, self), self), shown=structure.shown)


def _executions(pairs: list[Pair]) -> Executions:
    return [run for pair in pairs for run in (("guide", pair.guide), ("model", pair.model))]


class ELBOModule(nn.Module):
    """An objective together with its model and guide: ``loss = module(*args)`` is the differentiable loss, in nats.

    Its parameters are those of model and guide, so ``torch.optim.Adam(module.parameters())`` trains both. Made by
    ``elbo(model, guide)``.
    """

    def __init__(self, elbo: ELBO, model: nn.Module, guide: nn.Module) -> None:
        super().__init__()
        for role, program in (("model", model), ("guide", guide)):
            if not isinstance(program, nn.Module):
                raise MismatchError(
                    f"elbo(model, guide) got {program!r} as its {role}; both must be torch.nn.Module, "
                    "so that the result knows their parameters. With functions, use SVI, or elbo.differentiable_loss."
                )
        self.elbo = elbo
        self.model = model
        self.guide = guide

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """The differentiable loss."""
        return self.elbo.differentiable_loss(self.model, self.guide, *args, **kwargs)
