"""The site that made a loss that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.errors import NonFiniteError
from virgil.infer.blame.causes import LEARNING_RATE, FaultyOperation, likely_cause
from virgil.infer.blame.sources import labels_of, listed, named, sources
from virgil.infer.blame.summary import joined, not_finite, summary
from virgil.infer.checks.support import support_problem, under_some_value
from virgil.infer.density.execution import Executions
from virgil.ops.gradient_graph import node_of
from virgil.poutine.site import Site

__all__ = ["Fault", "arguments_of", "blame", "first_fault"]

OriginOf = Callable[[Any], FaultyOperation | None]


@dataclass(frozen=True)
class Fault:
    """A fault at a site.

    Attributes:
        what: in a sentence that begins with a small letter.
        site: its name.
        tensor: what is not finite or lies outside, if it is one of the site's inputs or its value.
        constraint: on that input.
        cure: what to do, where that is clear.
        details: of the site's inputs, in sentences.
    """

    what: str
    site: str | None = None
    tensor: Tensor | None = None
    constraint: Any = None
    cure: str = ""
    details: str = ""

    @property
    def message(self) -> str:
        """All of it."""
        return joined(self.what, self.details, self.cure)


def blame(executions: Iterable[tuple[str, Any]]) -> NoReturn:
    """Raise for the first site, in the order of execution, whose parameters, value or log-probability went wrong.

    Args:
        executions: role (``"guide"`` or ``"model"``) and trace of every execution behind the loss.

    Raises:
        NonFiniteError: always; ``site`` is the name of the site at fault, or ``None``.
    """
    fault = first_fault(list(executions))
    raise NonFiniteError(f"The loss is not finite: {fault.message}", site=fault.site)


def first_fault(executions: Executions, origin_of: OriginOf = lambda tensor: None) -> Fault:
    """The first site that went wrong, in the order of execution.

    Args:
        executions: role and trace of every execution behind a loss that is not finite.
        origin_of: the operation that a tensor's first bad number came from, where that is known.
    """
    for role, site in _sites(executions):
        fault = _fault_of_parameter(site) if site.kind == "param" else _fault_of_sample(site, role)
        if fault is not None:
            return _explained(fault, site, executions, origin_of)
    for role, site in _sites(executions):
        if site.kind == "sample" and (impossible := _impossible_under(site)):
            what = f"at site {site.name!r} of the {role}, the value is impossible under some values of {impossible}."
            cure = (
                "Where the model sums a variable out, some value of positive probability must allow all that depends "
                "on it; where the guide averages over one, every such value must."
            )
            return Fault(what, site.name, cure=cure)
    return Fault(
        "though every site's log-probability is: their sum overflows, or an analytic divergence is infinite because "
        "the guide's distribution reaches where the model's does not."
    )


def _sites(executions: Executions) -> Iterator[tuple[str, Site]]:
    for role, trace in executions:
        for site in trace.nodes.values():
            if site.kind in ("param", "sample"):
                yield role, site


def _fault_of_parameter(site: Site) -> Fault | None:
    wrong = not_finite(site.value)
    return None if wrong is None else Fault(f"parameter {site.name!r} is {wrong}. {LEARNING_RATE}", site.name)


def _fault_of_sample(site: Site, role: str) -> Fault | None:
    at, kind = f"at site {site.name!r} of the {role},", type(site.fn).__name__
    for argument, value, constraint in arguments_of(site.fn):
        wrong = not_finite(value)
        if not wrong and not constraints.is_dependent(constraint) and not bool(constraint.check(value).all()):
            wrong = f"outside {constraint}"
        if wrong:
            return Fault(f"{at} argument {argument!r} of {kind} is {wrong}.", site.name, value, constraint)
    if site.mask is None and isinstance(site.value, Tensor) and (wrong := not_finite(site.value)):
        source = "observed" if site.observed else "drawn"
        cure = " Use poutine.mask or obs_mask for missing data." if site.observed else ""
        return Fault(f"{at} the {source} value is {wrong}.{cure}", site.name, site.value)
    problem = support_problem(site, role)
    if problem:
        return Fault(problem[0].lower() + problem[1:], site.name)
    wrong = not_finite(under_some_value(site, site.term, Tensor.amax))
    if wrong:
        return Fault(f"{at} the log-probability under {site.fn} is {wrong}.", site.name)
    return None


def _explained(fault: Fault, site: Site, executions: Executions, origin_of: OriginOf) -> Fault:
    """The same with the site's inputs, where they come from, and the likely cause."""
    if site.kind == "param":
        return fault
    details = [_of_inputs(site)]
    if fault.tensor is not None:
        behind = sources(node_of(fault.tensor), labels_of(executions, without=site))
        if behind:
            details.append(f"It is computed from {named(behind)}.")
        origin = origin_of(fault.tensor)
        if origin is not None:
            details.append(origin.sentence)
        return replace(fault, details=joined(*details), cure=likely_cause(site, fault.tensor, fault.constraint, origin))
    return replace(fault, details=joined(*details), cure=likely_cause(site))


def _of_inputs(site: Site) -> str:
    inputs = [f"{argument} {summary(value)}" for argument, value, _ in arguments_of(site.fn)]
    if isinstance(site.value, Tensor) and site.value.numel():
        inputs.append(f"the value {summary(site.value)}")
    return f"There: {listed(inputs)}." if inputs else ""


def _impossible_under(site: Site) -> str | None:
    """The enumerated variables under some of whose values the site's value has probability zero."""
    term = site.term
    names = [name for dim, name in site.variables.items() if term.dim() >= -dim and term.shape[dim] > 1]
    others = sorted(repr(name) for name in names if name != site.name)
    return ", ".join(others) if others and bool((term == -torch.inf).any()) else None


def arguments_of(fn: Any) -> list[tuple[str, Tensor, Any]]:
    """The arguments that a distribution, and those inside it, was made with: name, value and constraint."""
    base = getattr(fn, "base_dist", None)
    found = [] if base is None else arguments_of(base)
    for argument, constraint in fn.arg_constraints.items():
        value = fn.__dict__.get(argument)  # a parametrisation not used is computed lazily, and not looked at
        if isinstance(value, Tensor):
            found.append((argument, value, constraint))
    return found
