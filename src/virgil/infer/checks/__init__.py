"""Whether a model and a guide fit together: found from their traces, each finding an exception of ``virgil.errors``.

One question a file: the call (``signature``), which sites there are (``pairing``), shapes under plates (``shapes``),
values and supports (``support``), the use of enumerated variables (``enumeration``). They run on the first execution
and when the structure changes.
"""

from virgil.infer.checks.enumeration import check_enumeration
from virgil.infer.checks.pairing import check_pairing, check_stated
from virgil.infer.checks.plates import check_plates
from virgil.infer.checks.shapes import check_events, check_shapes
from virgil.infer.checks.signature import check_signatures
from virgil.infer.checks.support import check_supports
from virgil.poutine.trace import Trace

__all__ = ["check_pair", "check_signatures", "check_stated", "check_supports"]


def check_pair(guide: Trace, model: Trace) -> None:
    """Run every check on one execution of a guide and of a model replayed against it.

    Raises:
        MismatchError: names or plates do not fit.
        PlateError: an enumerated variable is used outside its plate.
        ShapeError: shapes do not fit their plates, or each other.
        SupportError: a value lies outside its distribution's support.
    """
    check_pairing(guide, model)
    check_plates(guide, model)
    check_events(guide, model)
    check_supports(guide, model)
    check_shapes(guide, model)
    check_enumeration(guide, model)
