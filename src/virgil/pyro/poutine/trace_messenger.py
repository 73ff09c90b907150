"""``TraceMessenger``: records sites by hooks, and ``TraceHandler``, a program under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from virgil.poutine.frame import in_other_rounds, rounds_of
from virgil.poutine.messenger import PROTOCOL, Message
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Traced, Tracer
from virgil.pyro.poutine.messenger import Messenger
from virgil.pyro.poutine.trace_struct import Trace

__all__ = ["TraceHandler", "TraceMessenger", "identify_dense_edges", "trace"]

Self = TypeVar("Self", bound="TraceMessenger")


def identify_dense_edges(trace: Trace) -> None:
    """Join each sample site to all later ones that may depend on it, as far as iterated plates tell."""
    sites = [(name, site) for name, site in trace.nodes.items() if site.kind in ("sample", "deterministic")]
    for at, (name, site) in enumerate(sites):
        rounds = rounds_of(site.frames)
        for later, other in sites[at + 1 :]:
            if not in_other_rounds(rounds, rounds_of(other.frames)):
                trace.add_edge(name, later)


class TraceMessenger(Tracer, Messenger):
    """Records every finished sample and param site in ``trace``, which starts anew each time it is entered.

    Args:
        graph_type: ``"flat"``, or ``"dense"`` for a trace with edges.
        param_only: record parameters alone.
    """

    stands_for = (Tracer,)
    trace: Trace
    after = Handler.after  # the hooks record

    def __init__(self, graph_type: str | None = None, param_only: bool | None = None) -> None:
        self.graph_type = "flat" if graph_type is None else graph_type
        self.param_only = bool(param_only)
        super().__init__(self.param_only)

    def empty_trace(self) -> Trace:
        """The record of an execution that has not begun."""
        return Trace(self.graph_type)

    def __enter__(self: Self) -> Self:
        return super().__enter__()

    def __exit__(self, *exc_info: Any) -> None:
        if self.graph_type == "dense" and not self.param_only:
            identify_dense_edges(self.trace)
        super().__exit__(*exc_info)

    def __call__(self, fn: Callable[..., Any]) -> TraceHandler:
        """The program that records its last execution."""
        return TraceHandler(self, fn)

    def get_trace(self) -> Trace:
        """A copy of what has been recorded."""
        return self.trace.copy()

    def _reset(self) -> None:
        self.trace = self.empty_trace()

    def _pyro_post_sample(self, msg: Message) -> None:
        if not self.param_only and not msg["infer"].get("_do_not_trace"):
            self.trace.add(_recorded(msg))

    def _pyro_post_param(self, msg: Message) -> None:
        self.trace.add(_recorded(msg))


def _recorded(msg: Message) -> Site:
    return msg.written("A messenger", without=PROTOCOL)


class TraceHandler(Traced):
    """A program under a :class:`TraceMessenger`, which records its arguments and its result as well."""

    handler: TraceMessenger

    def __init__(self, msngr: TraceMessenger, fn: Callable[..., Any]) -> None:
        super().__init__(msngr, fn)

    @property
    def msngr(self) -> TraceMessenger:
        """The messenger."""
        return self.handler

    @property
    def trace(self) -> Trace:
        """The trace of the last call."""
        return self.handler.trace

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """Run the program and return a copy of the trace of this run."""
        self(*args, **kwargs)
        return self.handler.get_trace()


def trace(
    fn: Callable[..., Any] | None = None, graph_type: str | None = None, param_only: bool | None = None
) -> TraceHandler | TraceMessenger:
    """Record the sites of a program.

    Args:
        fn: the program; without one, the messenger is returned.
        graph_type: ``"flat"``, or ``"dense"`` for a trace with edges.
        param_only: record parameters alone.
    """
    messenger = TraceMessenger(graph_type, param_only)
    return messenger if fn is None else messenger(fn)
