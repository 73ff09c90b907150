"""The number of batch dims that belong to plates."""

from __future__ import annotations

from virgil.poutine.trace import Trace

__all__ = ["nesting"]


def nesting(trace: Trace) -> int:
    """How many dims the plates of an execution take, and blocks of steps of its Markov chains would."""
    dims = [frame.dim for site in trace.nodes.values() for frame in site.frames]
    dims += [step.dim for site in trace.nodes.values() for step in site.steps]
    return -min((dim for dim in dims if dim is not None), default=0)
