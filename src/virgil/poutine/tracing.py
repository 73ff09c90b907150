"""``trace``: record the sites of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from virgil.errors import ShapeError
from virgil.poutine.runtime import Handled, Handler, Outer, states_nothing
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Traced", "Tracer", "trace"]

_RECORDED = frozenset({"sample", "param", "plate", "deterministic"})


class Tracer(Handler):
    """Records every finished site in ``trace``, which starts anew each time the handler is entered."""

    def __init__(self, param_only: bool = False) -> None:
        self.trace = Trace()
        self.recorded = frozenset({"param"}) if param_only else _RECORDED

    def __enter__(self) -> Tracer:
        self.trace = Trace()
        super().__enter__()
        return self

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Record the site once those outside have finished it."""
        site = outer(site)
        if site.kind in self.recorded:
            self.trace.add(site)
        return site

    def run(self, program: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a program, and record its arguments and its result as well."""
        with self:
            trace = self.trace
            trace.nodes["_INPUT"] = Site("args", "_INPUT", args=args, kwargs=kwargs)
            try:
                result = program(*args, **kwargs)
            except ShapeError as error:
                error.args = (
                    f"{error.args[0]}\n\nShapes up to there:\n{trace.format_shapes(title='')}",
                    *error.args[1:],
                )
                raise
            trace.nodes["_RETURN"] = Site("return", "_RETURN", value=result)
        return result

    def get_trace(self) -> Trace:
        """A copy of what has been recorded."""
        return self.trace.copy()

    def __call__(self, fn: Callable[..., Any]) -> Traced:
        """The program that records its last execution."""
        return Traced(self, fn)


class Traced(Handled):
    """A program that records its last execution in ``trace``."""

    handler: Tracer

    @property
    def trace(self) -> Trace:
        """The trace of the last call."""
        return self.handler.trace

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and record it."""
        return self.handler.run(self.fn, args, kwargs)

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """Run the program and return the trace of this run; safe to call from several threads."""
        tracer = Tracer()
        tracer.recorded = self.handler.recorded
        tracer.run(self.fn, args, kwargs)
        self.handler.trace = tracer.trace
        return tracer.trace


@overload
def trace(fn: None = None, graph_type: str | None = None, param_only: bool = False) -> Tracer: ...
@overload
def trace(fn: Callable[..., Any], graph_type: str | None = None, param_only: bool = False) -> Traced: ...
def trace(
    fn: Callable[..., Any] | None = None, graph_type: str | None = None, param_only: bool = False
) -> Tracer | Traced:
    """Record the sites of a program.

    Args:
        fn: the program; without one, the handler itself is returned, to be used in ``with``.
        graph_type: accepted for the sake of existing programs; every trace is ordered.
        param_only: record parameters alone.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> def model():
        ...     return virgil.sample("x", dist.Normal(0.0, 1.0))
        >>> tr = virgil.poutine.trace(model).get_trace()
        >>> tr.stochastic_nodes
        ['x']
        >>> bool(tr.nodes["x"]["value"] == tr.nodes["_RETURN"]["value"])
        True
    """
    tracer = Tracer(param_only)
    return tracer if fn is None else tracer(fn)
