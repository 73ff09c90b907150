"""Traces of the program of the handlers' table, and whether two sites are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

import virgil
from tests.laws.handlers import program
from virgil import poutine
from virgil.poutine import Site, Trace


def traced(*handlers: Any, program: Callable[[], Any] = program) -> Trace:
    """The trace of a program under handlers, the innermost first, on the same noise each time."""
    virgil.clear_param_store()
    virgil.set_rng_seed(1)
    wrapped = program
    for handler in handlers:
        wrapped = handler(wrapped)
    return poutine.trace(wrapped).get_trace()


def described(site: Site) -> list[Any]:
    """All that a site says."""
    fields = [site[key] for key in ("kind", "type", "name", "is_observed", "value", "infer", "cond_indep_stack")]
    fields.append([step[1:] for step in site.steps])  # the chain itself is another object each time
    if site.kind == "sample":
        fields += [type(site["fn"]).__name__, site["fn"].batch_shape, site["scale"], site["mask"], site["log_prob"]]
    return fields


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, tensors element by element."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return all(map(equal, one, other))
    return bool(one == other)


def statements(trace: Trace) -> list[str]:
    """The names of a trace's sites, without arguments and result."""
    return [name for name in trace.nodes if name not in ("_INPUT", "_RETURN")]


def assert_same(got: Trace, expected: Trace, names: list[str] | None = None) -> None:
    """Check that two traces agree: in all, or at some names."""
    if names is None:
        assert list(got.nodes) == list(expected.nodes)
        assert torch.equal(got.nodes["_RETURN"].value, expected.nodes["_RETURN"].value)
        assert torch.equal(got.log_prob_sum(), expected.log_prob_sum())
    for name in statements(expected) if names is None else names:
        assert equal(described(got.nodes[name]), described(expected.nodes[name])), name
