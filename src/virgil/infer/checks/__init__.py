"""Checks that a model and a guide fit together. Each looks at one execution of both and yields ``Finding``s.

One question a file: the call (``signature``), which sites there are (``pairing``) and what names handlers were given
(``names``), plates (``plates``), mini-batches (``subsampling``, ``slots``), events and batches (``shapes``), sizes of
parameters (``sizes``), supports (``containment``), values (``support``) and the parameters that give them
(``ranges``), probabilities as logits (``logits``), parameters that stand for two things (``shared``), the density of
the guide (``guide_density``), rounds of plates (``rounds``), the use of enumerated variables (``enumeration``),
whether data are counted once (``counted``), what is learnt (``learning``). They run in the dry run before the first
step and when the structure changes. What the guide states needlessly (``redundant``), what reparameterisers restate
(``restated``), whether it is fixed, where modules are read (``attributes``), and which batch dims count as a part of
the event, is asked by a report alone.
"""

from collections.abc import Sequence

from virgil.infer.checks.attributes import attribute_problems
from virgil.infer.checks.containment import category_problems, containment_problems
from virgil.infer.checks.counted import observation_problems
from virgil.infer.checks.enumeration import enumeration_problems, ignored_problems
from virgil.infer.checks.finding import Check, Finding, Subject
from virgil.infer.checks.guide_density import guide_density_problems
from virgil.infer.checks.learning import fixed_problems, learning_problems
from virgil.infer.checks.logits import logit_problems
from virgil.infer.checks.names import hidden_problems, name_problems
from virgil.infer.checks.pairing import pairing_problems, stated_problems
from virgil.infer.checks.plates import plate_problems
from virgil.infer.checks.ranges import range_problems
from virgil.infer.checks.redundant import redundancy_problems
from virgil.infer.checks.restated import restated_notes
from virgil.infer.checks.rounds import round_problems
from virgil.infer.checks.shapes import batch_problems, event_problems, undeclared_problems
from virgil.infer.checks.shared import shared_problems, stretched_problems
from virgil.infer.checks.signature import signature_problems
from virgil.infer.checks.sizes import size_problems
from virgil.infer.checks.slots import slot_problems
from virgil.infer.checks.subsampling import index_problems, whole_problems
from virgil.infer.checks.support import support_problems
from virgil.infer.warn import show_warning

__all__ = [
    "CALL",
    "CAUSES",
    "CHECKS",
    "NOTES",
    "SHAPES",
    "SHAPES_OF_VALUES",
    "Shown",
    "VALUES",
    "all_problems",
    "check",
]

# in the order in which they are asked: what one of them finds may be why a later one has no answer
CHECKS: tuple[Check, ...] = (
    signature_problems,
    hidden_problems,
    pairing_problems,
    plate_problems,
    whole_problems,
    size_problems,
    event_problems,
    containment_problems,
    support_problems,
    range_problems,
    logit_problems,
    shared_problems,
    guide_density_problems,
    batch_problems,
    enumeration_problems,
    ignored_problems,
    observation_problems,
    learning_problems,
    index_problems,
    slot_problems,
    round_problems,
    name_problems,
)
# what a report alone asks, since nothing is wrong
NOTES: tuple[Check, ...] = (
    redundancy_problems,
    fixed_problems,
    attribute_problems,
    stretched_problems,
    category_problems,
    undeclared_problems,
    restated_notes,
)
CALL: tuple[Check, ...] = (signature_problems,)  # what can be asked before the programs run
CAUSES: tuple[Check, ...] = (
    stated_problems,
    containment_problems,
    support_problems,
    whole_problems,
    size_problems,
    event_problems,
    batch_problems,
)  # why a program may have raised an exception half way
VALUES: tuple[Check, ...] = (support_problems,)  # what may differ between two executions of one structure
SHAPES: tuple[Check, ...] = (batch_problems, enumeration_problems)
SHAPES_OF_VALUES: tuple[Check, ...] = (whole_problems, event_problems)  # of one program alone


Shown = set[tuple[str, str | None]]  # warnings that have been shown: by which check, about which site


def check(subject: Subject, checks: Sequence[Check] = CHECKS, shown: Shown | None = None) -> None:
    """Raise the first error as its exception, or, where there is none, show the warnings.

    Args:
        subject: what to look at.
        checks: what to ask of it.
        shown: warnings that have been shown before, which is added to.

    Raises:
        MismatchError: names or plates do not fit.
        PlateError: an enumerated variable is used outside its plate.
        ShapeError: shapes do not fit their plates, or each other.
        SupportError: a value lies outside its distribution's support.
    """
    warnings: list[tuple[tuple[str, str | None], Finding]] = []
    for each in checks:
        for problem in map(Finding.as_set, each(subject)):
            if problem.severity == "error":
                raise problem.exception()
            warnings.append(((each.__name__, problem.site), problem))
    for key, problem in warnings:
        if shown is None or key not in shown:
            show_warning(problem.message)
    if shown is not None:
        shown.update(key for key, _ in warnings)


def all_problems(subject: Subject, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Everything that the checks find. One that cannot be asked because of what another has found is left out."""
    found: list[Finding] = []
    for each in checks:
        try:
            for problem in each(subject):
                found.append(problem.as_set())
        except Exception as error:
            if not any(problem.severity == "error" for problem in found):
                found.append(Finding.of(error, f"A check, {each.__name__},"))
    return found
