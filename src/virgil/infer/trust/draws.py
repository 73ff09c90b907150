"""Draws of a fitted guide, with the log-density of each under model and guide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import Delta
from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import Joint, joint_of
from virgil.infer.density.execution import Call, Pair
from virgil.infer.run.origin import Origin
from virgil.infer.run.outcome import Outcome
from virgil.ops.random_state import set_rng_seed
from virgil.poutine.site import Site

__all__ = [
    "Arguments",
    "Draws",
    "changes",
    "draws",
    "fitted",
    "is_point",
    "joint",
    "obstacle",
    "origin_of_fit",
    "take",
]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws of a guide at the parameters of a fit.

    Attributes:
        values: by latent site of the model. Shape: ``(num, *shape of the site)``.
        derived: by deterministic site of the model, likewise; none where variables are summed out.
        log_p: ``log p(x, z)``, nats, with what the objective sums out summed out. Shape: ``(num,)``.
        log_q: ``log q(z)``, nats. Shape: ``(num,)``.
        model_terms: of each site of the model, its part in ``log_p``; empty where variables are summed out.
        guide_terms: of each site of the guide, its part in ``log_q``.
        obstacle: why ``exp(log_p - log_q)`` are no importance weights; ``None`` if they are.
        points: sites at which the guide is a point; densities are those given their values.
        notes: what a reader of the figures should know.
    """

    values: dict[str, Tensor]
    derived: dict[str, Tensor]
    log_p: Tensor
    log_q: Tensor
    model_terms: dict[str, Tensor]
    guide_terms: dict[str, Tensor]
    obstacle: str | None
    points: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def num(self) -> int:
        """How many."""
        return len(self.log_p)

    @property
    def log_weights(self) -> Tensor:
        """``log p(x, z) - log q(z)``, nats. Shape: ``(num,)``."""
        return self.log_p - self.log_q


def draws(fit: Outcome, num: int, *, seed: int | None = None, given: Arguments | None = None) -> Draws:
    """Draw from the guide of a fit, at the fit's own parameters, and leave no mark.

    Args:
        fit: what a run returned.
        num: how many draws.
        seed: of the draws. Default: where the generator stands.
        given: arguments of model and guide, positional and by name. Default: those of the fit's last step.

    Raises:
        ArgumentError: the fit does not know where it came from, or ``num`` is out of range.
    """
    if not isinstance(num, int) or num < 1:
        raise ArgumentError(f"draws() got num={shown(num)}; it takes a whole number, 1 or more.")
    origin = origin_of_fit(fit)
    changed = changes(origin)
    with fitted(origin, seed):
        result = take(origin, joint(origin, given), num, given is not None)
    return replace(result, notes=changed + result.notes)


def origin_of_fit(fit: Outcome) -> Origin:
    """The origin of a fit.

    Raises:
        ArgumentError: it does not know, or it took no step.
    """
    if fit.origin is None:
        raise ArgumentError(
            "This fit does not know its model, guide and arguments, because it was read from a file or made by hand, "
            "or took no step. Call check() on what svi.run(...) returned."
        )
    return fit.origin


def changes(origin: Origin) -> tuple[str, ...]:
    """A note where the parameters have changed since the fit."""
    return ("The parameters have changed since the fit; the figures are for the fit's own.",) * origin.has_moved


@contextmanager
def fitted(origin: Origin, seed: int | None = None) -> Iterator[None]:
    """A block without gradients at the parameters of a fit, after which all is as before."""
    with origin.present(), torch.no_grad():
        if seed is not None:
            set_rng_seed(seed)
        yield


def joint(origin: Origin, given: Arguments | None = None) -> Joint:
    """Model and guide of a fit, ready to run; inside :func:`fitted`."""
    problem = origin.problem
    args, kwargs = (origin.batch.args, origin.batch.kwargs) if given is None else given
    call = Call(problem.model, problem.guide, args, kwargs)
    return joint_of(call, problem.objective.enumerates, problem.objective.max_plate_nesting)


def take(origin: Origin, joint: Joint, num: int, is_given: bool = False) -> Draws:
    """Draw, inside :func:`fitted`."""
    parts: list[tuple[dict[str, Tensor], ...]] = []
    for start in range(0, num, joint.chunk):
        count = min(joint.chunk, num - start)
        pair = joint.run(count)
        model = {name: each / (joint.scale or 1.0) for name, each in joint.log_model(pair, count).items()}
        parts.append((joint.values(pair, count), _derived(joint, pair, count), model, joint.log_guide(pair, count)))
    values, derived, model, guide = (
        {name: torch.cat([each[name] for each in rows]) for name in rows[0]} for rows in zip(*parts, strict=True)
    )
    zero = torch.zeros(num, dtype=torch.float64)
    return Draws(
        values,
        derived,
        sum(model.values(), zero),
        sum(guide.values(), zero),
        {} if "" in model else model,
        guide,
        obstacle(origin, joint, is_given),
        _points(joint.single),
        _notes(origin, joint, is_given),
    )


def _derived(joint: Joint, pair: Pair, count: int) -> dict[str, Tensor]:
    """Deterministic sites of the model that have a value a draw. Shape: ``(count, *shape of a single one)`` each."""
    if joint.enumerates:
        return {}
    found = {}
    for name, site in pair.model.nodes.items():
        if site.kind != "deterministic" or not isinstance(site.value, Tensor) or not site.value.is_floating_point():
            continue
        shape = joint.single.model.nodes[name].value.shape
        if site.value.numel() == count * shape.numel():
            found[name] = site.value.detach().reshape(count, *shape)
    return found


def is_point(site: Site) -> bool:
    """True if a site of a guide is a point mass."""
    fn = site.fn
    while not isinstance(fn, Delta) and hasattr(fn, "base_dist"):
        fn = fn.base_dist
    return isinstance(fn, Delta)


def _points(pair: Pair) -> tuple[str, ...]:
    """Latent sites of a guide that are given a value, rather than a function of an auxiliary draw."""
    sites = [site for site in pair.guide.nodes.values() if site.is_latent]
    if any(site.infer.get("is_auxiliary") for site in sites):
        return ()
    return tuple(site.name for site in sites if is_point(site))


def obstacle(origin: Origin, joint: Joint, is_given: bool = False) -> str | None:
    """Why importance weights do not exist; ``None`` if they do."""
    pair = joint.single
    latent = [site.name for site in pair.guide.nodes.values() if site.is_latent]
    if latent and len(_points(pair)) == len(latent):
        return (
            "the guide is a point (AutoDelta, or Delta at each site): it has no density, so that importance weights "
            "and k-hat do not exist"
        )
    if not getattr(origin.problem.guide, "has_density", True):
        return "the guide gives draws that it holds, and has no density"
    for frame in (frame for run in (pair.model, pair.guide) for site in run.nodes.values() for frame in site.frames):
        if frame.weight != 1.0:
            return (
                f"plate {frame.name!r} takes {frame.size} of its {frame.full_size} slots, and the exponential of a "
                "subsampled log-density is no importance weight. Give the whole data: fit.check(data)"
            )
    if joint.scale is None:
        return "the guide's sites have different poutine.scale, so that the objective is no bound on one posterior"
    if not origin.source.is_same and not is_given and _is_scaled(joint):
        return "the model scales a mini-batch by poutine.scale. Give the whole data: fit.check(data)"
    return None


def _is_scaled(joint: Joint) -> bool:
    scales = [site.scale for site in joint.single.model.nodes.values() if site.kind == "sample"]
    return any(isinstance(each, Tensor) or each != joint.scale for each in scales)


def _notes(origin: Origin, joint: Joint, is_given: bool) -> tuple[str, ...]:
    notes = {
        "On all slots of the plates that were subsampled.": joint.whole,
        "On the last mini-batch of the run.": not origin.source.is_same and not is_given,
        "The posterior is that of the scaled model, as the objective has it.": _is_scaled(joint),
        "The draws were taken one after another, because model and guide cannot run with many at once: they read "
        "values into Python, or do what torch cannot do for many.": not joint.at_once,
    }
    return tuple(note for note, holds in notes.items() if holds)
