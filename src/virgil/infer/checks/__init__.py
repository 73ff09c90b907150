"""Whether a model and a guide fit together: found from one execution of each, every finding a ``Problem``.

One question a file: the call (``signature``), which sites there are (``pairing``), their plates (``plates``), events
and batches (``shapes``), values (``support``), the use of enumerated variables (``enumeration``). They run in the dry
run before the first step and when the structure changes.
"""

from collections.abc import Iterator, Sequence

from virgil.infer.checks.enumeration import enumeration_problems
from virgil.infer.checks.pairing import pairing_problems, stated_problems
from virgil.infer.checks.plates import plate_problems
from virgil.infer.checks.problem import Check, Problem, Subject
from virgil.infer.checks.shapes import batch_problems, event_problems
from virgil.infer.checks.signature import signature_problems
from virgil.infer.checks.support import support_problems
from virgil.infer.checks.warn import show_warning

__all__ = ["CALL", "CAUSES", "CHECKS", "SHAPES", "check"]

# in the order in which they are asked: what one of them finds may be why a later one has no answer
CHECKS: tuple[Check, ...] = (
    signature_problems,
    pairing_problems,
    plate_problems,
    event_problems,
    support_problems,
    batch_problems,
    enumeration_problems,
)
CALL: tuple[Check, ...] = (signature_problems,)  # what can be asked before the programs run
CAUSES: tuple[Check, ...] = (stated_problems, support_problems)  # why a program may have raised an exception half way
SHAPES: tuple[Check, ...] = (batch_problems, enumeration_problems)


def check(subject: Subject, checks: Sequence[Check] = CHECKS, shown: set[str] | None = None) -> None:
    """Raise the first error as its exception, or, where there is none, show the warnings.

    Args:
        subject: what to look at.
        checks: what to ask of it.
        shown: messages of warnings that have been shown before, which is added to.

    Raises:
        MismatchError: names or plates do not fit.
        PlateError: an enumerated variable is used outside its plate.
        ShapeError: shapes do not fit their plates, or each other.
        SupportError: a value lies outside its distribution's support.
    """
    shown = set() if shown is None else shown
    warnings = []
    for problem in _problems(subject, checks):
        if problem.severity == "error":
            raise problem.exception()
        warnings.append(problem)
    for problem in warnings:
        if problem.message not in shown:
            shown.add(problem.message)
            show_warning(problem.message)


def _problems(subject: Subject, checks: Sequence[Check]) -> Iterator[Problem]:
    for each in checks:
        yield from each(subject)
