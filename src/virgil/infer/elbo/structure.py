"""What an objective finds out once about a model and guide: nesting, vectorisation, which structures were checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from virgil import settings
from virgil.infer.checks import check_pair, check_signatures, check_stated, check_supports
from virgil.infer.dry_run import dry_run
from virgil.infer.elbo.agreement import check_agreement, check_blocks
from virgil.infer.elbo.execution import Call, Pair, run_pair
from virgil.infer.elbo.particles import can_vectorize
from virgil.poutine.trace import Trace

__all__ = ["Structure", "discover", "look_apart", "nesting", "structure_key"]


@dataclass
class Structure:
    """What is known of one model and guide.

    Attributes:
        max_plate_nesting: how many dims their plates take.
        vectorize_particles: whether all particles run in one execution.
        checked: keys of the structures that passed the checks.
    """

    max_plate_nesting: int
    vectorize_particles: bool
    checked: set[object] = field(default_factory=set)


def structure_key(pair: Pair) -> object:
    """What must be the same for the checks to hold still: names and shapes of the sample sites."""
    return tuple(
        [
            (name, site.observed, site.unscaled_log_prob.shape, site.fn.event_shape)
            for trace in (pair.guide, pair.model)
            for name, site in trace.nodes.items()
            if site.kind == "sample"
        ]
    )


def nesting(trace: Trace) -> int:
    """How many dims the plates of an execution take, and blocks of steps of its Markov chains would."""
    dims = [frame.dim for site in trace.nodes.values() for frame in site.frames]
    dims += [step.dim for site in trace.nodes.values() for step in site.steps]
    return -min((dim for dim in dims if dim is not None), default=0)


def _look_for_cause(failed: Pair) -> None:
    """Raise for what model and guide disagree about, where that may be why one of them raised."""
    check_stated(failed.guide)
    check_supports(failed.guide, failed.model)


def discover(
    call: Call, num_particles: int, max_plate_nesting: int | None, vectorize: bool | None, enumerates: bool
) -> Structure:
    """Run guide and model dry, check that they fit together, and find the structure."""
    validate = settings.get("validate")
    if validate:
        check_signatures(call.model, call.guide, call.args, call.kwargs)
    with dry_run():
        cause = _look_for_cause if validate else None
        drawn = pair = run_pair(call, cause)
        if max_plate_nesting is None:
            max_plate_nesting = max(nesting(pair.guide), nesting(pair.model))
        if enumerates:
            pair = run_pair(call, cause, enumerate_from=-1 - max_plate_nesting, apart=True)
        if validate:
            check_pair(pair.guide, pair.model)
            check_agreement(call, drawn, pair, -1 - max_plate_nesting)
        if num_particles == 1:
            vectorize = False
        elif vectorize is None:
            vectorize = can_vectorize(call, max_plate_nesting)
    return Structure(max_plate_nesting, vectorize)


def look_apart(call: Call, structure: Structure) -> None:
    """Ask of a changed structure what the first dry run asked: whether variables may share dims, and steps a statement.

    Raises:
        VirgilError: they may not.
    """
    first_dim = -1 - structure.max_plate_nesting
    with dry_run():
        pair = run_pair(call, enumerate_from=first_dim, apart=True)
        check_pair(pair.guide, pair.model)
        check_blocks(call, pair, first_dim)
