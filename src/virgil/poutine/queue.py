"""``queue``: explore a program's discrete choices."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

import torch

from virgil.errors import ArgumentError
from virgil.poutine.escape import Escape, NonlocalExit
from virgil.poutine.extensions import discrete_escape, enum_extend, mc_extend
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import installed
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, Traced, Tracer
from virgil.poutine.wrap import Program

__all__ = ["queue"]

Leave = Callable[[Trace, Site], bool]
Extend = Callable[[Trace, Site, int | None], list[Trace]]


def _recorded() -> list[tuple[Tracer, dict[str, Site]]]:
    """Each tracer outside, with the sites that it has recorded so far."""
    return [(handler, dict(handler.trace.nodes)) for handler in installed() if isinstance(handler, Tracer)]


def _up_to(site: Site, trace: Trace) -> Trace:
    """The sites before one, without the program's arguments."""
    for name in ("_INPUT", site.name):
        trace.nodes.pop(name, None)
    return trace


def queue(
    fn: Program | None = None,
    queue: Queue[Trace] | None = None,
    max_tries: int | None = None,
    extend_fn: Extend | None = None,
    escape_fn: Leave | None = None,
    num_samples: int | None = None,
) -> Callable[..., Any]:
    """The program that returns one complete execution a call, the next in the queue.

    A partial trace is taken from ``queue`` and replayed; at the first discrete site that it does not contain, the
    trace is extended by every value of the site's support, or by ``num_samples`` draws, and the extensions join the
    queue. A trace that needs no extension is an execution.

    Args:
        fn: the program; without one, a decorator is returned.
        queue: holds partial traces; start it with an empty ``Trace``.
        max_tries: traces to look at before giving up. Default: a million.
        extend_fn: from a partial trace, the site at which the program was left, and ``num_samples``, to the traces
            that join the queue. Default: ``enum_extend``, or ``mc_extend`` with ``num_samples``.
        escape_fn: from the trace at hand and a site to whether the program is left there. Default:
            ``discrete_escape``.
        num_samples: draws at a site, instead of its whole support.

    Raises:
        ArgumentError: no complete execution was found within ``max_tries``.
    """
    if queue is None:
        raise ArgumentError("queue() needs queue=, a queue.Queue that holds traces.")
    traces, tries, leave = queue, 1_000_000 if max_tries is None else max_tries, escape_fn or discrete_escape
    extend = extend_fn or (enum_extend if num_samples is None else mc_extend)

    def decorate(program: Program) -> Callable[..., Any]:
        def explore(*args: Any, **kwargs: Any) -> Any:
            for _ in range(tries):
                try:
                    known = traces.get_nowait()
                except Empty:
                    raise ArgumentError(
                        "queue() found no trace in the queue. Start it with queue.put(Trace())."
                    ) from None

                def is_open(site: Site, known: Trace = known) -> bool:
                    return site.kind == "sample" and leave(known, site)

                tracer = Tracer()
                recorded = _recorded()
                try:
                    with torch.no_grad():
                        return Traced(tracer, Escape(is_open)(Replay(known)(program)))(*args, **kwargs)
                except NonlocalExit as left:
                    for recorder, nodes in recorded:  # an incomplete execution has not happened for those outside
                        recorder.trace.nodes = nodes
                    for extended in extend(_up_to(left.site, tracer.trace), left.site, num_samples):
                        traces.put(extended)
            raise ArgumentError(f"queue() found no complete execution in max_tries={tries} tries. Raise max_tries.")

        return explore

    return decorate if fn is None else decorate(fn)
