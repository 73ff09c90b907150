"""Notes on an exception that a program has raised: which program, statement and line, what stood there, what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence

from torch import Tensor

from virgil.engine.lines import shown_line
from virgil.infer.density.failing_line import Step, inner_call, tensors_at
from virgil.ops.user_code import is_of_user
from virgil.poutine.trace import Trace

__all__ = ["note_failure"]

_BEGINS = "This happened "
# By words of torch's messages: the cure. The first that fits is told.
_CURES = (
    (
        r"which is enumerated .*(Boolean value|Python scalars|to Scalar|item\(\))",
        "An enumerated variable has many values at once, which Python cannot choose by: index a tensor by it, use "
        "torch.where, or mark it by infer={'enumerate': 'sequential'} in the guide.",
    ),
    (
        r"is the indices of plate ('.*?'),.* out of (?:bounds|range)",
        "Give plate {plate} the size of what it indexes, or what it indexes the size of the plate.",
    ),
    (r"same dtype|expected scalar type", "Give both the same dtype, as by torch.as_tensor(data, dtype=torch.float32)."),
    (r"used as indices", "Make the index whole numbers, by .long()."),
    (r"same device|on the expected device", "Bring both to one device, by .to(device)."),
)


def note_failure(error: Exception, running: str, trace: Trace) -> None:
    """Add to an exception where in the program it came from, unless that has been said already.

    Args:
        error: the exception.
        running: the program that was running, in words.
        trace: the sites up to there.
    """
    if any(note.startswith(_BEGINS) for note in getattr(error, "__notes__", ())):
        return
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    steps: list[Step] = list(zip(frames, traceback.extract_tb(error.__traceback__), strict=False))
    last = max((place for place, (_, step) in enumerate(steps) if is_of_user(step.filename)), default=-1)
    begin = f"{_BEGINS}while {running}{_statement(steps[last + 1 :], trace)}"
    told = []
    if last >= 0:
        told = _told(steps[last:], trace)
        step = steps[last][1]
        begin = f"{begin}, at\n  {shown_line(step.filename, step.lineno or 0, step.name)}"
    told += _sentence("Plates up to there: ", _plates(trace))
    error.add_note("\n".join([begin, *told, *_cure(" ".join([*told, str(error)]))]))


def _told(steps: Sequence[Step], trace: Trace) -> list[str]:
    """The tensors at the user's line, which is the first step, and the call inside of it."""
    try:
        told = _sentence("There, ", tensors_at(steps[0], trace))
        return [*told, call] if (call := inner_call(steps[1:])) else told
    except Exception:  # a user's object may raise anything when it is looked at, and the first exception matters
        return []


def _statement(inside: Sequence[Step], trace: Trace) -> str:
    """The statement that was being made, or the site that was made last."""
    for frame, _ in inside:
        name = frame.f_locals.get("name")
        if frame.f_globals.get("__name__") == "virgil.primitives" and isinstance(name, str):
            return f", in the statement of site {name!r}"
    sites = [name for name, site in trace.nodes.items() if site.kind == "sample"]
    return f", after site {sites[-1]!r}" if sites else ""


def _sentence(begin: str, parts: list[str]) -> list[str]:
    return [f"{begin}{'; '.join(parts)}."] if parts else []


def _plates(trace: Trace) -> list[str]:
    told = []
    for name, site in trace.nodes.items():
        if site.kind == "plate" and isinstance(site.value, Tensor):
            taken = f", of which it takes {len(site.value)}" if len(site.value) != site.fn.size else ""
            told.append(f"{name!r} of size {site.fn.size}{taken}")
    return told


def _cure(words: str) -> list[str]:
    found = ((re.search(pattern, words), cure) for pattern, cure in _CURES)
    return next(([cure.replace("{plate}", match[match.lastindex or 0])] for match, cure in found if match), [])
