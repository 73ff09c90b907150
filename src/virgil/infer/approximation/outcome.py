"""The outcome of a deterministic approximation: a guide with the parameters that were found, and where it came from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.distributions import transform_to

from virgil.errors import ArgumentError, shown
from virgil.infer.approximation.normal_mixture_guide import NormalMixtureGuide
from virgil.infer.approximation.surface import Surface
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.autoguide.joint.auto_multivariate_normal import AutoMultivariateNormal
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.density.dry_run import unmarked
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn
from virgil.infer.density.read_parameters import ReadParameters
from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum_elbo import TraceEnum_ELBO
from virgil.infer.problem import Problem
from virgil.infer.run.origin import origin_of
from virgil.infer.run.outcome import Outcome
from virgil.infer.run.run import constrained
from virgil.infer.run.source import Same
from virgil.infer.step.session import Session
from virgil.optim import Adam
from virgil.params import ParamStore
from virgil.poutine.block import block
from virgil.poutine.config_enumerate import config_enumerate

__all__ = [
    "Course",
    "check_approximated",
    "continuous_part",
    "in_store",
    "mean_field_guide",
    "mixture_guide",
    "multivariate_guide",
    "outcome_of",
]


@dataclass(frozen=True)
class Course:
    """How an approximation was found.

    Attributes:
        losses: by step, nats.
        norms: of the gradient, by step, for as many of the last steps as there are.
        wall_time: seconds.
        reason: why it ended.
    """

    losses: tuple[float, ...]
    norms: tuple[float, ...]
    wall_time: float
    reason: str

    @classmethod
    def of_newton(cls, losses: tuple[float, ...], norms: tuple[float, ...], begin: float, arrived: bool) -> Course:
        """The course of Newton's method since a moment of ``time.perf_counter``, which arrived or did not."""
        reason = "another step of Newton's method would change nothing"
        if not arrived:
            reason = "the greatest number of steps was taken before the minimum was reached"
        return cls(losses, norms, time.perf_counter() - begin, reason)


def check_approximated(method: str, model: Program, starts: int) -> None:
    """Check what every method is given.

    Raises:
        ArgumentError: the model cannot be called, or there is no start.
    """
    if not callable(model):
        raise ArgumentError(f"{method} got model={shown(model)}, which cannot be called. Pass the function itself.")
    if not isinstance(starts, int) or starts < 1:
        raise ArgumentError(f"{method} got starts={shown(starts)}; it takes a whole number, 1 or more.")


def in_store(params: ParamStore | None) -> AbstractContextManager[object]:
    """A block in which parameters are those of a store; without one, of the store in use."""
    return nullcontext() if params is None else params


def mean_field_guide(
    surface: Surface, model: Program, init_fn: InitFn, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Tensor, Tensor], AutoNormal]:
    """A function that gives the guide of independent normals its location and scale. Shapes: ``(dim,)``."""
    guide = AutoNormal(continuous_part(surface, model), init_loc_fn=init_fn)
    with unmarked(), torch.no_grad():
        guide(*args, **kwargs)

    def filled(loc: Tensor, scale: Tensor) -> AutoNormal:
        for holder, vector, rest in ((guide.locs, loc, 0.0), (guide.scales, scale, 1.0)):
            for name, value in _by_site(surface, vector, rest).items():
                _write(holder, name, value)
        return guide

    return filled


def multivariate_guide(
    surface: Surface, model: Program, init_fn: InitFn, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Tensor, Tensor], AutoMultivariateNormal]:
    """A function that gives the guide of one normal vector its location and the Cholesky factor of its covariance."""
    guide = AutoMultivariateNormal(continuous_part(surface, model), init_loc_fn=init_fn)
    with unmarked(), torch.no_grad():
        guide(*args, **kwargs)

    def filled(loc: Tensor, scale_tril: Tensor) -> AutoMultivariateNormal:
        scale = scale_tril.diagonal()
        _write(guide, "loc", loc)
        _write(guide, "scale", scale)
        _write(guide, "scale_tril", scale_tril / scale.unsqueeze(1))
        return guide

    return filled


def mixture_guide(
    surface: Surface, model: Program, components: int, init_fn: InitFn, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[Tensor, Tensor, Tensor], NormalMixtureGuide]:
    """A function that gives the guide of a mixture of normal vectors its logits, locations and Cholesky factors."""
    guide = NormalMixtureGuide(continuous_part(surface, model), components, init_fn)
    with unmarked(), torch.no_grad():
        guide(*args, **kwargs)

    def filled(logits: Tensor, locs: Tensor, scale_trils: Tensor) -> NormalMixtureGuide:
        for name, value in (("logits", logits), ("locs", locs), ("scale_trils", scale_trils)):
            _write(guide, name, value)
        return guide

    return filled


def outcome_of(
    model: Program,
    guide: AutoGuide,
    surface: Surface,
    course: Course,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    params: ParamStore | None,
) -> Outcome:
    """The outcome that a guide with the parameters found is."""
    enumerates = surface.density.joint.enumerates
    objective: ELBO = TraceEnum_ELBO() if enumerates else Trace_ELBO()
    program = config_enumerate(model) if enumerates else model
    session = Session(Problem(program, guide, objective, Adam({"lr": 0.01}), None, params))
    with unmarked(), ReadParameters() as read:
        objective.loss(program, guide, *args, **kwargs)  # as a run would begin, with all checks
    losses = torch.tensor(course.losses, dtype=torch.float64)
    norms = torch.zeros(len(losses), dtype=torch.float64)
    if course.norms:
        norms[-len(course.norms) :] = torch.tensor(course.norms[-len(losses) :], dtype=torch.float64)
    return Outcome(
        losses=losses,
        gradient_norms={"all": norms},
        params=constrained(read.leaves),
        wall_time=course.wall_time,
        engine_reason="the derivatives are those of eager programs",
        stopped=course.reason,
        evaluations=surface.evaluations,
        origin=origin_of(session, Same(len(losses), args, kwargs), read.leaves),
    )


def continuous_part(surface: Surface, model: Program) -> Program:
    """The model, its variables that are summed out hidden."""
    if not surface.density.joint.enumerates:
        return model
    return cast(Program, block(model, expose=list(surface.density.parts)))


def _by_site(surface: Surface, vector: Tensor, rest: float) -> dict[str, Tensor]:
    """The entries of a vector by site, observed slots filled up."""
    parts = surface.density.parts
    rows = vector.split([part.size for part in parts.values()])
    found = {}
    for (name, part), row in zip(parts.items(), rows, strict=True):
        if part.places is not None:
            row = torch.cat([row, row.new_full((1,), rest)])[part.places]
        found[name] = row.reshape(part.shape)
    return found


def _write(holder: ConstrainedParameters, name: str, value: Tensor) -> None:
    """Give a parameter a constrained value, in the precision that it has."""
    leaf = cast(Mapping[str, Tensor], holder._parameters)[name]
    constraint = holder.constraints[name]
    found = transform_to(constraint).inv(value.to(leaf.device))
    if found.shape != leaf.shape:
        raise ArgumentError(
            f"The guide has a parameter of shape {tuple(leaf.shape)} for {name!r}, and the posterior entries of shape "
            f"{tuple(found.shape)}. Give the whole data as arguments."
        )
    with torch.no_grad():
        leaf.copy_(found)
