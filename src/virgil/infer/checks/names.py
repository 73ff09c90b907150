"""Whether the names given to ``condition``, ``do``, ``substitute``, ``lift`` and ``block`` are those of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from virgil.errors import did_you_mean
from virgil.infer.checks.problem import Problem, Subject
from virgil.infer.dry_run import dry_run
from virgil.poutine.block import Block, watching_hidden
from virgil.poutine.condition import Condition
from virgil.poutine.do import Do
from virgil.poutine.lift import Lift
from virgil.poutine.runtime import Handled, Handler, Outer, installed
from virgil.poutine.site import Site
from virgil.poutine.substitute import Substitute

__all__ = ["hidden_problems", "name_problems", "unknown_names"]

_EXECUTIONS = 3  # how often to look for a name that has not been met
_STATEMENTS = frozenset({"sample", "deterministic", "param", "plate"})

Kinds = dict[str, str]  # by name of a statement: its kind


def hidden_problems(subject: Subject) -> Iterator[Problem]:
    """A model around which ``block`` hides every sample statement that there is."""
    chain = _chain(subject.programs.get("model"))[0]
    is_empty = not any(role == "model" for role, _ in subject.sites())
    if subject.failed is None and is_empty and any(isinstance(each, Block) for each in chain):
        stated = [
            name for name, kind in _watched(subject, subject.programs["model"]).stated.items() if kind == "sample"
        ]
        if stated:
            names = ", ".join(map(repr, stated[:5])) + (", ..." if len(stated) > 5 else "")
            yield Problem(
                f"block() hides every sample statement of the model: {names}. The objective sees none of them.",
                "Say what to hide, or what to show, as in block(model, hide=[...]); with neither, all is hidden.",
                stated[0],
            )


def name_problems(subject: Subject) -> Iterator[Problem]:
    """Names that a handler around model or guide was given and that no statement under it has.

    A program with such handlers is run again to hear what it states under them, several times where a name is not met,
    since there are statements that a program makes only sometimes.
    """
    if subject.failed is not None:
        return
    for program in _programs(subject):
        handlers = [each for each in _chain(program)[0] if _names(each)]
        if handlers:
            watch = _watched(subject, program)
            for handler in (*handlers, *watch.inner):
                yield from _unknown(handler, watch)


def unknown_names(what: str, names: Mapping[str, Any] | list[str], known: Kinds) -> Iterator[Problem]:
    """A warning for each name that is not known."""
    for name in names:
        if name not in known:
            yield Problem(
                f"{what} {name!r}, but no statement under it has this name, so that nothing comes of it.",
                f"{did_you_mean(name, known)} Correct the name, or take it away.",
                name,
                severity="warning",
            )


def _unknown(handler: Handler, watch: _Watch) -> Iterator[Problem]:
    names, kinds = _names(handler), _kinds(handler)
    met = watch.met.get(handler, {})
    known = {name: kind for name, kind in met.items() if kind in kinds or watch.lifts}
    yield from unknown_names(f"{type(handler).__name__.lower()}() names", names, known)


def _programs(subject: Subject) -> Iterator[Any]:
    """Model and guide, and the model that an automatic guide was made from, where that is another program."""
    own = [subject.programs.get("model"), subject.programs.get("guide")]
    origin = getattr(own[1], "model", None)
    yield from (each for each in own if each is not None)
    if isinstance(origin, Handled) and origin is not own[0]:
        yield origin


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


class _Watch(Handler):
    """Installed innermost around a program, hears each statement before the handlers around the program do.

    Attributes:
        stated: all statements.
        met: by handler, the statements that came to it: those that no ``block`` between the program and it hides.
        inner: the handlers that the program itself installs and that were given names.
        lifts: whether parameters are made sample statements somewhere.
    """

    def __init__(self) -> None:
        self.stated: Kinds = {}
        self.met: dict[Handler, Kinds] = {}
        self.inner: list[Handler] = []
        self.lifts = False

    def handle(self, site: Site, outer: Outer) -> Site:
        """Note who meets the site."""
        if site.kind in _STATEMENTS:
            self._note(site)
        return outer(site)

    def _note(self, site: Site) -> None:
        handlers = installed()
        place = next(place for place, each in enumerate(handlers) if each is self)
        self.stated[site.name] = site.kind
        self.lifts = self.lifts or any(isinstance(each, Lift) for each in handlers)
        for each in handlers[place + 1 :]:
            if _names(each):
                self.inner += [each] if each not in self.inner else []
                self._meets(each, site)
        for each in reversed(handlers[:place]):
            self._meets(each, site)
            if isinstance(each, Block) and each.hides(site):
                break

    def _meets(self, handler: Handler, site: Site) -> None:
        self.met.setdefault(handler, {})[site.name] = site.kind

    def hidden(self, sites: list[Site]) -> None:
        """Take note of what the program hides itself; any handler inside may have met it."""
        for site in sites:
            for each in self.inner:
                self._meets(each, site)


def _watched(subject: Subject, program: Any) -> _Watch:
    """The program's statements in a few executions; one is enough where every name is met in it."""
    chain, base = _chain(program)
    watch = _Watch()
    watching: Any = watch(base)
    for handler in reversed(chain):
        watching = handler(watching)
    with dry_run(), torch.no_grad():
        for _ in range(_EXECUTIONS):
            hidden: list[Site] = []
            with watching_hidden(hidden):
                watching(*subject.args, **subject.kwargs)
            watch.hidden(hidden)
            if not any(True for each in (*chain, *watch.inner) for _ in _unknown(each, watch)):
                break
    return watch
