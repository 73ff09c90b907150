"""``queue``: explore a program's discrete choices."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

import torch

from virgil.errors import ArgumentError
from virgil.poutine.escape import Escape, NonlocalExit
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import installed
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, Traced, Tracer
from virgil.poutine.wrap import Program

__all__ = ["queue"]


def _recorded() -> list[tuple[Tracer, dict[str, Site]]]:
    """Each tracer outside, with the sites that it has recorded so far."""
    return [(handler, dict(handler.trace.nodes)) for handler in installed() if isinstance(handler, Tracer)]


def _extensions(trace: Trace, site: Site, num_samples: int | None) -> list[Trace]:
    if num_samples is None:
        values = list(site.fn.enumerate_support(expand=True))
    else:
        values = [site.fn.sample() for _ in range(num_samples)]
    extended = []
    for value in values:
        new = trace.copy()
        new.nodes[site.name] = site.with_value(value)
        extended.append(new)
    return extended


def queue(
    fn: Program | None = None,
    queue: Queue[Trace] | None = None,
    max_tries: int = 1_000_000,
    num_samples: int | None = None,
) -> Callable[..., Any]:
    """The program that returns one complete execution a call, the next in the queue.

    A partial trace is taken from ``queue`` and replayed; at the first discrete site that it does not contain, the
    trace is extended by every value of the site's support, or by ``num_samples`` draws, and the extensions join the
    queue. A trace that needs no extension is an execution.

    Args:
        fn: the program; without one, a decorator is returned.
        queue: holds partial traces; start it with an empty ``Trace``.
        max_tries: traces to look at before giving up.
        num_samples: draws at a site, instead of its whole support.

    Raises:
        ArgumentError: no complete execution was found within ``max_tries``.
    """
    if queue is None:
        raise ArgumentError("queue() needs queue=, a queue.Queue that holds traces.")
    traces = queue

    def decorate(program: Program) -> Callable[..., Any]:
        def explore(*args: Any, **kwargs: Any) -> Any:
            for _ in range(max_tries):
                try:
                    known = traces.get_nowait()
                except Empty:
                    raise ArgumentError(
                        "queue() found no trace in the queue. Start it with queue.put(Trace())."
                    ) from None

                def is_open(site: Site, known: Trace = known) -> bool:
                    return (
                        site.is_latent
                        and site.name not in known
                        and bool(getattr(site.fn, "has_enumerate_support", False))
                    )

                tracer = Tracer()
                recorded = _recorded()
                try:
                    with torch.no_grad():
                        return Traced(tracer, Escape(is_open)(Replay(known)(program)))(*args, **kwargs)
                except NonlocalExit as left:
                    for recorder, nodes in recorded:  # an incomplete execution has not happened for those outside
                        recorder.trace.nodes = nodes
                    partial_trace = tracer.trace
                    partial_trace.nodes.pop("_INPUT", None)
                    partial_trace.nodes.pop(left.site.name, None)
                    for extended in _extensions(partial_trace, left.site, num_samples):
                        traces.put(extended)
            raise ArgumentError(f"queue() found no complete execution in max_tries={max_tries} tries. Raise max_tries.")

        return explore

    return decorate if fn is None else decorate(fn)
