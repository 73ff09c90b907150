"""Check that names given to ``condition``, ``do``, ``substitute``, ``lift`` and ``block`` are those of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from virgil.errors import did_you_mean
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.density.dry_run import dry_run
from virgil.poutine.block import Block
from virgil.poutine.condition import Condition
from virgil.poutine.do import Do
from virgil.poutine.lift import Lift
from virgil.poutine.runtime import Handled, Handler
from virgil.poutine.site import Site
from virgil.poutine.substitute import Substitute

__all__ = ["hidden_problems", "name_problems", "unknown_names"]

_EXECUTIONS = 4  # how often to look for a name that has not been met
_STATEMENTS = frozenset({"sample", "deterministic", "param", "plate"})

Kinds = dict[str, str]  # by name of a statement: its kind


def hidden_problems(subject: Subject) -> Iterator[Finding]:
    """A model around which ``block`` hides every sample statement that there is."""
    chain = _chain(subject.programs.get("model"))[0]
    is_empty = not any(role == "model" for role, _ in subject.sites())
    if subject.failed is None and is_empty and any(isinstance(each, Block) for each in chain):
        _, heard = _heard(subject, subject.programs["model"])[-1]
        stated = [name for name, kind in heard.items() if kind == "sample"]
        if stated:
            names = ", ".join(map(repr, stated[:5])) + (", ..." if len(stated) > 5 else "")
            yield Finding(
                f"block() hides every sample statement of the model: {names}. The objective sees none of them.",
                "Say what to hide, or what to show, as in block(model, hide=[...]); with neither, all is hidden.",
                stated[0],
            )


def name_problems(subject: Subject) -> Iterator[Finding]:
    """Names that a handler around model or guide was given and that no statement under it has.

    Where the trace at hand does not have them all, the program is run again to hear what it states under the handlers,
    a few times, since there are statements that a program makes only sometimes.
    """
    if subject.failed is not None:
        return
    for program, nodes in _programs(subject):
        handlers = [each for each in _chain(program)[0] if _names(each)]
        known = {name: site.kind for name, site in nodes.items()}
        if any(True for each in handlers for _ in _unknown(each, known)):
            for handler, heard in _heard(subject, program):
                yield from _unknown(handler, heard)


def unknown_names(what: str, names: Mapping[str, Any] | list[str], known: Kinds) -> Iterator[Finding]:
    """A warning for each name that is not known."""
    for name in names:
        if name not in known:
            yield Finding(
                f"{what} {name!r}, but no statement under it has this name, so that nothing comes of it.",
                f"{did_you_mean(name, known)} Correct the name, or take it away.",
                name,
                severity="warning",
            )


def _unknown(handler: Handler, known: Kinds) -> Iterator[Finding]:
    kinds = _kinds(handler)
    of_kind = {name: kind for name, kind in known.items() if kind in kinds}
    yield from unknown_names(f"{type(handler).__name__.lower()}() names", _names(handler), of_kind)


def _programs(subject: Subject) -> Iterator[tuple[Any, Mapping[str, Site]]]:
    """Model and guide, each with its trace, and the model that an automatic guide was made from."""
    model, guide = subject.programs.get("model"), subject.programs.get("guide")
    yield model, subject.model.nodes
    yield guide, subject.guide.nodes
    origin = getattr(guide, "model", None)
    if isinstance(origin, Handled) and origin is not model:
        yield origin, subject.model.nodes if origin.fn is model else {}  # a handler around it meets all of its trace


def _chain(program: Any) -> tuple[list[Handler], Callable[..., Any]]:
    """The handlers around a program, outermost first, and the program itself."""
    chain = []
    while isinstance(program, Handled):
        chain.append(program.handler)
        program = program.fn
    return chain, program


def _names(handler: Handler) -> list[str]:
    """The names that a handler was given."""
    if isinstance(handler, (Condition, Do, Substitute)):
        return [name for name, value in handler.data.items() if value is not None]
    if isinstance(handler, Lift):
        return list(handler.prior) if isinstance(handler.prior, Mapping) else []
    if isinstance(handler, Block):
        choice = getattr(handler.hides, "chosen", handler.hides)
        return sorted(getattr(choice, "names", ()))
    return []


def _kinds(handler: Handler) -> frozenset[str]:
    """The kinds of statements that a handler does something to."""
    if isinstance(handler, (Substitute, Lift)):
        return frozenset({"param"})
    if isinstance(handler, Block):
        return _STATEMENTS
    return _STATEMENTS - {"param"}


class _Listener(Handler):
    """Installed just inside of a handler, hears the statements that come to that handler.

    Attributes:
        heard: the statements.
    """

    def __init__(self) -> None:
        self.heard: Kinds = {}

    def before(self, site: Site) -> Site:
        """Note the statement."""
        if site.kind in _STATEMENTS:
            self.heard[site.name] = site.kind
        return site


def _heard(subject: Subject, program: Any) -> list[tuple[Handler, Kinds]]:
    """The handlers around a program, outermost first, each with the statements that come to it in a few executions.

    One execution is enough where it has all names.
    """
    chain, listening = _chain(program)
    heard = [(handler, _Listener()) for handler in chain]
    for handler, listener in reversed(heard):
        listening = handler(listener(listening))
    with dry_run(), torch.no_grad():
        for _ in range(_EXECUTIONS):
            listening(*subject.args, **subject.kwargs)
            if not any(True for handler, listener in heard for _ in _unknown(handler, listener.heard)):
                break
    return [(handler, listener.heard) for handler, listener in heard]
