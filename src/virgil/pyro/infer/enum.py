"""One execution of a guide and of a model against it, and all executions of a program with discrete choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from virgil.infer.density.execution import Call, Program, no_guide, run_pair
from virgil.infer.elbo.branches import passes
from virgil.poutine.enumeration import all_values
from virgil.poutine.frame import plates_shape
from virgil.poutine.replay import Replay
from virgil.poutine.site import Enumeration, Site
from virgil.poutine.trace import Trace, trace
from virgil.pyro.poutine.trace_struct import Trace as OldTrace

__all__ = ["get_importance_trace", "iter_discrete_escape", "iter_discrete_extend", "iter_discrete_traces", "statements"]

_TOTAL = "_enum_total"  # under which old programs find the number of values of a choice


def statements(recorded: Trace, score_parts: bool = False) -> OldTrace:
    """A copy of a trace without the indices of plates, its log-probabilities known.

    Args:
        recorded: the trace.
        score_parts: whether the parts of a gradient estimator are put under ``"score_parts"`` of its sites.
    """
    new = OldTrace()
    new.nodes.update({name: site.replace() for name, site in recorded.nodes.items() if site.kind != "plate"})
    new.compute_log_prob(lambda name, site: site.kind == "sample")
    if score_parts:
        new.compute_score_parts()
    return new


def get_importance_trace(
    graph_type: str,
    max_plate_nesting: float | None,
    model: Program,
    guide: Program,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    detach: bool = False,
) -> tuple[Trace, Trace]:
    """Run the guide, then the model against it.

    Args:
        graph_type: accepted for the sake of existing programs; every trace is ordered.
        max_plate_nesting: likewise; shapes of programs that are not enumerated do not depend on it.
        model: the model.
        guide: the guide.
        args: the arguments of both.
        kwargs: their keyword arguments.
        detach: whether the guide's values are cut from its parameters before the model takes them.

    Returns:
        The trace of the model and that of the guide, without the indices of plates.
    """
    if not detach:
        pair = run_pair(Call(model, guide, args, kwargs))
        return statements(pair.model), statements(pair.guide, score_parts=True)
    drawn = trace(guide).get_trace(*args, **kwargs)
    drawn.detach_()
    scored = trace(Replay(drawn)(model)).get_trace(*args, **kwargs)
    return statements(scored), statements(drawn, score_parts=True)


def iter_discrete_escape(trace: Trace, msg: Site | Mapping[str, Any]) -> bool:
    """True if a site that is marked ``infer={"enumerate": "sequential"}`` has no value in a trace yet."""
    return bool(
        msg["type"] == "sample"
        and not msg["is_observed"]
        and msg["infer"].get("enumerate") == "sequential"
        and msg["name"] not in trace
    )


def iter_discrete_extend(trace: Trace, site: Site, **ignored: Any) -> Iterator[Trace]:
    """Copies of a trace, each with one more site: at each value of its support in turn.

    Args:
        trace: an execution up to the site.
        site: a site that takes all its values, each in all slots of its plates.
        **ignored: accepted for the sake of existing programs.
    """
    values = all_values(site, -1)
    slots = plates_shape(site.name, (), site.frames)
    for value in values:
        value = value.expand(slots + site.fn.event_shape)
        extended = trace.copy()
        infer = {**site.infer, _TOTAL: len(values)}
        extended.nodes[site.name] = site.replace(value=value, infer=infer, enumeration=Enumeration(choices=len(values)))
        yield extended


def iter_discrete_traces(graph_type: str, fn: Program, *args: Any, **kwargs: Any) -> Iterator[Trace]:
    """The executions of a program, one for each joint choice of the sites that it marks.

    A site is marked by ``infer={"enumerate": "sequential"}``, or the program by
    ``config_enumerate(default="sequential")``. Executions that agree up to some choice share what was drawn before it.

    Args:
        graph_type: accepted for the sake of existing programs; every trace is ordered.
        fn: the program.
        *args: its arguments.
        **kwargs: its keyword arguments.
    """
    call = Call(no_guide, fn, args, kwargs)
    for pair, choices in passes(call, lambda programs, first_dim: run_pair(programs), -1):
        for choice in choices:
            site = pair.guide.nodes[choice.name]
            site.infer = {**site.infer, _TOTAL: choice.count}
        yield pair.guide
