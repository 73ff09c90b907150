"""Which site made a loss that is not finite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.distributions import constraints

from virgil.errors import NonFiniteError
from virgil.infer.checks.support import support_problem, under_some_value
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["blame"]


def blame(executions: Iterable[tuple[str, Trace]]) -> NoReturn:
    """Raise for the first site, in the order of execution, whose parameters, value or log-probability went wrong.

    Args:
        executions: role (``"guide"`` or ``"model"``) and trace of every execution behind the loss.

    Raises:
        NonFiniteError: always; ``site`` is the name of the site at fault, or ``None``.
    """
    executions = list(executions)
    for role, trace in executions:
        for name, site in trace.nodes.items():
            if site.kind == "param":
                problem = _not_finite(site.value)
                if problem:
                    raise NonFiniteError(
                        f"The loss is not finite: parameter {name!r} is {problem}. A smaller learning rate, or "
                        f"ClippedAdam, may help.",
                        site=name,
                    )
            elif site.kind == "sample":
                problem = _problem(site, role)
                if problem:
                    raise NonFiniteError(f"The loss is not finite: {problem}", site=name)
    for role, trace in executions:
        for name, site in trace.nodes.items():
            if site.kind == "sample" and (impossible := _impossible_under(site)):
                raise NonFiniteError(
                    f"The loss is not finite: at site {name!r} of the {role}, the value is impossible under some "
                    f"values of {impossible}. Where the model sums a variable out, some value of positive probability "
                    "must allow all that depends on it; where the guide averages over one, every such value must.",
                    site=name,
                )
    raise NonFiniteError(
        "The loss is not finite, though every site's log-probability is: their sum overflows, or an analytic "
        "divergence is infinite because the guide's distribution reaches where the model's does not."
    )


def _problem(site: Site, role: str) -> str | None:
    for argument, value, constraint in _arguments(site.fn):
        wrong = _not_finite(value)
        if not wrong and not constraints.is_dependent(constraint) and not bool(constraint.check(value).all()):
            wrong = f"outside {constraint}"
        if wrong:
            return f"at site {site.name!r} of the {role}, argument {argument!r} of {type(site.fn).__name__} is {wrong}."
    if site.mask is None and isinstance(site.value, Tensor) and (wrong := _not_finite(site.value)):
        source = "observed" if site.observed else "drawn"
        cure = " Use poutine.mask or obs_mask for missing data." if site.observed else ""
        return f"at site {site.name!r} of the {role}, the {source} value is {wrong}.{cure}"
    problem = support_problem(site, role)
    if problem:
        return problem[0].lower() + problem[1:]
    wrong = _not_finite(under_some_value(site, site.term, Tensor.amax))
    if wrong:
        return f"at site {site.name!r} of the {role}, the log-probability under {site.fn} is {wrong}."
    return None


def _impossible_under(site: Site) -> str | None:
    """The enumerated variables under some of whose values the site's value has probability zero."""
    term = site.term
    names = [name for dim, name in site.variables.items() if term.dim() >= -dim and term.shape[dim] > 1]
    others = sorted(repr(name) for name in names if name != site.name)
    return ", ".join(others) if others and bool((term == -torch.inf).any()) else None


def _arguments(fn: Any) -> list[tuple[str, Tensor, Any]]:
    base = getattr(fn, "base_dist", None)
    found = [] if base is None else _arguments(base)
    for argument, constraint in fn.arg_constraints.items():
        value = fn.__dict__.get(argument)  # a parametrisation not used is computed lazily, and not looked at
        if isinstance(value, Tensor):
            found.append((argument, value, constraint))
    return found


def _not_finite(value: Any) -> str | None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return None
    finite = torch.isfinite(value)
    if bool(finite.all()):
        return None
    what = "NaN" if bool(torch.isnan(value).any()) else "infinite"
    return f"{what} in {int((~finite).sum())} of {value.numel()} entries" if value.numel() > 1 else what
