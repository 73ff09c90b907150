"""``Structure``: what an objective knows of a model and guide, and the checks that it makes when they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch

from virgil import settings
from virgil.errors import VirgilError
from virgil.infer.checks import CAUSES, CHECKS, VALUES, Shown, check
from virgil.infer.checks.finding import Check, EvidenceBound, Subject
from virgil.infer.checks.guards import Guards, guards_of
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.enumeration_check import check_blocks
from virgil.infer.density.execution import Call, Failed, Pair, as_stated, run_pair
from virgil.infer.density.failing_density import note_density
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.choice_check import check_choices
from virgil.infer.elbo.dependences import Dependences
from virgil.infer.elbo.particles import Particles
from virgil.infer.elbo.summing_out import SumOut

__all__ = [
    "Structure",
    "apart_or_together",
    "check_new",
    "check_pair",
    "look_apart",
    "look_for_cause",
    "run_or_explain",
    "statements_key",
    "structure_key",
    "subject_of",
]


class Run(Protocol):
    """Runs guide and model once."""

    def __call__(self, call: Call, /, *, failed: Failed | None = None) -> Pair:
        """The execution; ``failed`` as that of ``run_pair``."""
        ...


@dataclass
class Structure:
    """The facts known of one model and guide.

    Attributes:
        max_plate_nesting: how many dims their plates take.
        particles: how executions hold particles.
        checked: keys of the structures that passed the checks.
        shown: the warnings that have been shown.
        runs_alone: whether the programs run without the dims of particles and of enumerated variables; some assert
            that values have them.
        dry: what the dry run stated, if it has passed the checks.
        guards: by the key of a structure, the values that are looked at in every step.
        present: the guards of the last step.
        last: the keys of its executions.
        dependences: what terms depend on, for the costs of scores; ``None`` where the guide has none to score.
    """

    max_plate_nesting: int
    particles: Vectorization
    runs_alone: bool = True
    checked: set[object] = field(default_factory=set)
    shown: Shown = field(default_factory=set)
    dry: object = None
    guards: dict[object, Guards] = field(default_factory=dict)
    present: Guards = field(default_factory=Guards)
    last: list[object] = field(default_factory=list)
    dependences: Dependences | None = None


def statements_key(pair: Pair) -> object:
    """Names, events and plates of the sample sites: the dry run's findings hold for a first step that has the same."""
    pair = as_stated(pair)
    return tuple(
        [
            (name, site.observed, site.fn.event_shape, site.frames)
            for trace in (pair.guide, pair.model)
            for name, site in trace.nodes.items()
            if site.kind == "sample"
        ]
    )


def structure_key(pair: Pair) -> object:
    """Names and shapes of the sample sites, and if gradients are on: the checks hold while these are the same."""
    return torch.is_grad_enabled(), *(
        [
            (name, site.observed, site.unscaled_log_prob.shape, site.fn.event_shape)
            for trace in (pair.guide, pair.model)
            for name, site in trace.nodes.items()
            if site.kind == "sample"
        ]
    )


def subject_of(call: Call, pair: Pair, objective: EvidenceBound | None = None, failed: str | None = None) -> Subject:
    """An execution as the subject of checks."""
    programs, pair = {"model": call.model, "guide": call.guide}, as_stated(pair)
    return Subject(pair.guide, pair.model, programs, call.args, call.kwargs, objective, failed)


def _subject(call: Call, pair: Pair, objective: EvidenceBound, structure: Structure) -> Subject:
    """The subject of checks, without programs that no check can run."""
    subject = subject_of(call, pair, objective)
    return subject if structure.runs_alone else replace(subject, programs={})


def check_pair(call: Call, pair: Pair, objective: EvidenceBound, structure: Structure) -> None:
    """Run the checks: raise the first error, show each warning once.

    A first step with the dry run's statements has new values only, so only values are checked.
    """
    is_first = not structure.checked and (not structure.particles.at_once or structure.particles.mapped)
    is_known = is_first and structure.dry is not None and structure.dry == statements_key(pair)
    _check(call, pair, objective, structure, VALUES if is_known else CHECKS)


def _check(call: Call, pair: Pair, objective: EvidenceBound, structure: Structure, checks: Sequence[Check]) -> None:
    """Run checks; where a density raises an exception in one of them, a note says whose it is."""
    try:
        check(_subject(call, pair, objective, structure), checks, structure.shown)
    except VirgilError:
        raise
    except Exception as error:
        note_density(error, call, pair)
        raise


def check_new(
    call: Call, particles: Particles, objective: EvidenceBound, sum_out: SumOut, structure: Structure
) -> None:
    """Run the checks on executions of a structure not seen before, and look at values that change between steps."""
    pairs = particles.pairs
    keys = [structure_key(pair) for pair in pairs]
    if keys != structure.last:  # to compare takes less time than to look up
        _check_structures(call, particles, objective, sum_out, structure, keys)
        structure.last = keys
    structure.present.check_data(call.args, call.kwargs)
    structure.present.check_parameters()


def _check_structures(
    call: Call,
    particles: Particles,
    objective: EvidenceBound,
    sum_out: SumOut,
    structure: Structure,
    keys: list[object],
) -> None:
    """Run the checks on executions whose keys have not been seen, and find the guards of the last one."""
    pairs = particles.pairs
    if particles.draws.mapped and not (structure.checked.issuperset(keys) and keys[-1] in structure.guards):
        pairs = particles.alone(0)
    if not structure.checked.issuperset(keys):
        new = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in structure.checked}
        for pair in new.values():
            check_pair(call, pair, objective, structure)
        if sum_out.enumerates and structure.checked and structure.runs_alone:
            look_apart(call, structure, objective, sum_out)
        structure.checked.update(new)
    guards = structure.guards.get(keys[-1])
    if guards is None:
        guards = structure.guards[keys[-1]] = guards_of(_subject(call, pairs[-1], objective, structure))
    structure.present = guards


def look_for_cause(error: Exception, call: Call, objective: EvidenceBound, structure: Structure) -> None:
    """After an error of shapes, or torch's own, run the programs with every check, which may know the cause.

    If none does, a note on the error says whose density it is.
    """
    if settings.get("validate"):
        structure.present.check_parameters()
        if not structure.runs_alone:
            return
        with dry_run():
            pair = run_or_explain(call, objective)
            _check(call, pair, objective, structure, CHECKS)
            note_density(error, call, pair)


def run_or_explain(call: Call, objective: EvidenceBound, run: Run = run_pair) -> Pair:
    """Run guide and model. Where one raises and a disagreement of the two may be why, raise that as the error."""

    def failed_in(failed: Pair, running: str) -> None:
        if settings.get("validate"):
            check(subject_of(call, failed, objective, running), CAUSES)

    return run(call, failed=failed_in)


def apart_or_together(run: Callable[[bool], Pair]) -> Pair:
    """An execution whose enumerated variables have dims far apart, or side by side where an assertion wants them so."""
    try:
        return run(True)
    except AssertionError:
        return run(False)


def look_apart(call: Call, structure: Structure, objective: EvidenceBound, sum_out: SumOut) -> None:
    """Check of a changed structure, as the first dry run did, that variables may share dims and steps a statement.

    Raises:
        VirgilError: they may not.
    """
    first_dim = -1 - structure.max_plate_nesting
    with dry_run():
        pair = apart_or_together(lambda apart: sum_out.run(call, first_dim, apart=apart))
        check_pair(call, pair, objective, structure)
        check_blocks(call, pair, first_dim)
        if sum_out.guide:
            check_choices(call, pair, sum_out.run, first_dim)
