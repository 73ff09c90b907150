"""``discover``: what an objective finds out once about a model and guide, by running them dry."""

from __future__ import annotations

from functools import partial

from virgil import settings
from virgil.infer.checks import CALL, check
from virgil.infer.checks.finding import EvidenceBound
from virgil.infer.density.as_run import Together, as_run
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.enumeration_check import check_agreement
from virgil.infer.density.execution import Call, Pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization
from virgil.infer.elbo.choice_check import check_choices
from virgil.infer.elbo.dependences import Dependences
from virgil.infer.elbo.program_structure import (
    Structure,
    apart_or_together,
    check_pair,
    run_or_explain,
    statements_key,
    subject_of,
)
from virgil.infer.elbo.summing_out import SumOut
from virgil.infer.warn import show_warning
from virgil.poutine.trace import Trace

__all__ = ["discover", "together_of"]


def discover(call: Call, objective: EvidenceBound, sum_out: SumOut, strict: bool = True) -> Structure:
    """Run guide and model dry, check that they fit together, and find their structure.

    Args:
        call: the programs and their arguments.
        objective: what they are run for.
        sum_out: how it sums variables out.
        strict: whether to warn where there is none to be summed out.
    """
    validate = settings.get("validate")
    structure = Structure(0, Vectorization(-1, at_once=False))
    if validate:
        check(subject_of(call, Pair(Trace(), Trace()), objective), CALL)

    with dry_run():
        try:
            drawn = pair = run_or_explain(call, objective)
        except AssertionError:
            asserted = _asserted(call, objective, validate)
            if asserted is None:
                raise
            return asserted
        given = objective.max_plate_nesting
        structure.max_plate_nesting = max(nesting(pair.guide), nesting(pair.model)) if given is None else given
        first_dim = -1 - structure.max_plate_nesting
        structure.particles = Vectorization(first_dim, at_once=False)
        if sum_out.enumerates:
            enumerated = partial(sum_out.run, first_dim=first_dim)
            pair = apart_or_together(lambda apart: run_or_explain(call, objective, partial(enumerated, apart=apart)))
        if validate:
            check_pair(call, pair, objective, structure)
            check_agreement(call, drawn, pair, first_dim)
            if sum_out.guide:
                check_choices(call, drawn, sum_out.run, first_dim)
            structure.dry = statements_key(pair)
        if _is_scored(drawn):
            structure.dependences = Dependences()
        if strict and sum_out.enumerates and not _is_marked(drawn, sum_out):
            show_warning(_UNMARKED.format(type(objective).__name__, sum_out.name))
    return structure


def together_of(objective: EvidenceBound) -> Together:
    """The dims that an objective's executions have left of those of plates."""
    particles = 1 if objective.vectorize_particles is False else objective.num_particles
    return Together(particles, objective.enumerates_guide, objective.enumerates)


def _asserted(call: Call, objective: EvidenceBound, validate: bool) -> Structure | None:
    """The structure of programs that assert the shapes that values have in an execution of the objective.

    Nothing can be compared with values that have no such dims, so the assertions are believed. ``None`` where one fails
    there too.
    """
    together = together_of(objective)
    found = as_run(call, together, objective.max_plate_nesting)
    if found is None:
        return None
    particles = Vectorization(-1 - found.max_plate_nesting, at_once=together.particles > 1)
    structure = Structure(found.max_plate_nesting, particles, runs_alone=False)
    if validate:
        check_pair(call, found.pair, objective, structure)
    if _is_scored(found.pair):
        structure.dependences = Dependences()
    return structure


def _is_scored(pair: Pair) -> bool:
    """True if a draw of the guide has no pathwise derivative."""
    return any(site.is_latent and not site.fn.has_rsample for site in pair.guide.nodes.values())


_UNMARKED = (
    "{} with sum_out={!r} finds nothing to sum out: no site is marked, so every variable is drawn, as under "
    "Trace_ELBO. Mark discrete sites by config_enumerate, or set strict_enumeration_warning=False to accept this."
)


def _is_marked(pair: Pair, sum_out: SumOut) -> bool:
    """True if a site is marked in a program whose variables are summed out."""
    traces = [trace for trace, sums in ((pair.guide, sum_out.guide), (pair.model, sum_out.model)) if sums]
    return any(site.infer.get("enumerate") is not None for trace in traces for site in trace.nodes.values())
