"""What an objective finds out once about a model and guide: nesting, vectorisation, which structures were checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from virgil import settings
from virgil.infer.checks import CALL, CAUSES, CHECKS, VALUES, Shown, check
from virgil.infer.checks.finding import EvidenceBound, Subject
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Pair, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import can_vectorize
from virgil.infer.elbo.agreement import check_agreement, check_blocks
from virgil.poutine.trace import Trace

__all__ = [
    "Structure",
    "check_pair",
    "discover",
    "look_apart",
    "run_or_explain",
    "structure_key",
    "subject_of",
]


@dataclass
class Structure:
    """What is known of one model and guide.

    Attributes:
        max_plate_nesting: how many dims their plates take.
        vectorize_particles: whether all particles run in one execution.
        checked: keys of the structures that passed the checks.
        shown: the warnings that have been shown.
        dry: what the dry run stated, if it has passed the checks.
    """

    max_plate_nesting: int
    vectorize_particles: bool
    checked: set[object] = field(default_factory=set)
    shown: Shown = field(default_factory=set)
    dry: object = None


def statements_key(pair: Pair) -> object:
    """What the first step must share with the dry run before it: names, events and plates of the sample sites."""
    return tuple(
        [
            (name, site.observed, site.fn.event_shape, site.frames)
            for trace in (pair.guide, pair.model)
            for name, site in trace.nodes.items()
            if site.kind == "sample"
        ]
    )


def structure_key(pair: Pair) -> object:
    """What must be the same for the checks to hold still: names and shapes of the sample sites, and if they learn."""
    return torch.is_grad_enabled(), *(
        [
            (name, site.observed, site.unscaled_log_prob.shape, site.fn.event_shape)
            for trace in (pair.guide, pair.model)
            for name, site in trace.nodes.items()
            if site.kind == "sample"
        ]
    )


def subject_of(call: Call, pair: Pair, objective: EvidenceBound | None = None, failed: str | None = None) -> Subject:
    """What the checks look at, from an execution."""
    programs = {"model": call.model, "guide": call.guide}
    return Subject(pair.guide, pair.model, programs, call.args, call.kwargs, objective, failed)


def check_pair(call: Call, pair: Pair, objective: EvidenceBound, structure: Structure) -> None:
    """Go through the checks; raises the first error, shows each warning once.

    Of a first step that states what the dry run has stated only the values are new.
    """
    is_first = not structure.checked and not structure.vectorize_particles
    is_known = is_first and structure.dry is not None and structure.dry == statements_key(pair)
    check(subject_of(call, pair, objective), VALUES if is_known else CHECKS, structure.shown)


def run_or_explain(call: Call, objective: EvidenceBound, **options: Any) -> Pair:
    """Run guide and model; where one raises, raise for what they disagree about instead, if that may be why."""

    def look_for_cause(failed: Pair, running: str) -> None:
        if settings.get("validate"):
            check(subject_of(call, failed, objective, running), CAUSES)

    return run_pair(call, look_for_cause, **options)


def discover(call: Call, objective: EvidenceBound) -> Structure:
    """Run guide and model dry, check that they fit together, and find the structure."""
    validate = settings.get("validate")
    structure = Structure(0, False)
    if validate:
        check(subject_of(call, Pair(Trace(), Trace()), objective), CALL)

    with dry_run():
        drawn = pair = run_or_explain(call, objective)
        given = objective.max_plate_nesting
        structure.max_plate_nesting = max(nesting(pair.guide), nesting(pair.model)) if given is None else given
        first_dim = -1 - structure.max_plate_nesting
        if objective.enumerates:
            pair = run_or_explain(call, objective, enumerate_from=first_dim, apart=True)
        if validate:
            check_pair(call, pair, objective, structure)
            check_agreement(call, drawn, pair, first_dim)
            structure.dry = statements_key(pair)
        if objective.num_particles > 1:
            wanted = objective.vectorize_particles
            structure.vectorize_particles = can_vectorize(call, -1 - first_dim) if wanted is None else wanted
    return structure


def look_apart(call: Call, structure: Structure, objective: EvidenceBound) -> None:
    """Ask of a changed structure what the first dry run asked: whether variables may share dims, and steps a statement.

    Raises:
        VirgilError: they may not.
    """
    first_dim = -1 - structure.max_plate_nesting
    with dry_run():
        pair = run_pair(call, enumerate_from=first_dim, apart=True)
        check_pair(call, pair, objective, structure)
        check_blocks(call, pair, first_dim)
