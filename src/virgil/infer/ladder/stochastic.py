"""The rungs of steps: stochastic variational inference with a rate that falls and an average at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.infer.autoguide.joint.auto_multivariate_normal import AutoMultivariateNormal
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.density.bijection import is_discrete
from virgil.infer.density.dry_run import unmarked
from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.trace_elbo import Trace_ELBO
from virgil.infer.elbo.trace_enum_elbo import TraceEnum_ELBO
from virgil.infer.fit import Fit
from virgil.infer.ladder.budget import Budget
from virgil.infer.ladder.posterior_fit import PosteriorFit
from virgil.infer.ladder.rung import Rung
from virgil.infer.run.stop import TimeLimit
from virgil.infer.svi import SVI
from virgil.optim import ClippedAdam
from virgil.poutine.block import block
from virgil.poutine.config_enumerate import config_enumerate
from virgil.poutine.trace import trace

__all__ = ["fitted_by_steps", "is_loader"]

_RATE, _FALL = 0.05, 0.01  # the first rate, and the last one's share of it
_AVERAGED = 0.2  # of the steps
_JOINT = 300  # entries, up to which a guide of all variables together is tried


def is_loader(data: object) -> bool:
    """True for an iterable of mini-batches, as opposed to data itself."""
    is_data = isinstance(data, (Tensor, Sequence, Mapping, str)) or hasattr(data, "__array__")
    return data is not None and not is_data and hasattr(data, "__iter__")


def fitted_by_steps(
    model: Callable[..., Any],
    guide: Callable[..., Any] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    budget: Budget,
    engine: str,
    progress: bool,
    why: str,
    report: Callable[[Rung], object],
) -> PosteriorFit:
    """Fit a guide by steps on the evidence lower bound; a richer guide where the first is not trusted.

    Args:
        model: the generative program.
        guide: a user's own, or ``None`` for those of this project.
        args: of both.
        kwargs: of both; ``data`` may be a loader of mini-batches.
        budget: how much to spend.
        engine: what computes steps.
        progress: whether a bar is shown.
        why: no other rungs were taken, or none of them has an answer.
        report: told of each rung.
    """
    batches = kwargs.get("data") if is_loader(kwargs.get("data")) else None
    rest = {name: value for name, value in kwargs.items() if batches is None or name != "data"}
    rungs: list[Rung] = []
    best: tuple[Fit, Any] | None = None
    for name, made in _guides(model, guide, _first(batches, args, rest)):
        if best is not None and not budget.is_open:
            break
        begin = time.perf_counter()
        found = _fitted(model, made, args, rest, batches, budget, engine, progress)
        check = found.check()
        rung = Rung(f"steps with {name}, as {why.rstrip('.')}", time.perf_counter() - begin, found.num_steps, check.verdict)
        rungs.append(rung)
        report(rung)
        if best is None or _worth(check.verdict.trusts) > _worth(best[1].verdict.trusts):
            best = found, check
        if check.verdict.trusts in ("all", "means and spreads"):
            break
    assert_found = best
    fit, check = assert_found  # type: ignore[misc]
    return PosteriorFit(**vars(fit), rungs=tuple(rungs), found=check)


def _worth(trusts: str) -> int:
    return ("nothing", "later", "unknown", "means", "weighted draws", "means and spreads", "all").index(trusts)


def _first(batches: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a first step."""
    if batches is None:
        return args, kwargs
    batch = next(iter(batches))
    if isinstance(batch, Mapping):
        return args, {**kwargs, **batch}
    return (*(batch if isinstance(batch, (tuple, list)) else (batch,)), *args), kwargs


def _guides(model: Callable[..., Any], guide: Callable[..., Any] | None, first: Any) -> list[tuple[str, Any]]:
    """The guides that are tried, by name."""
    if guide is not None:
        return [("the given guide", guide)]
    latent = _latent(model, first)
    hidden = [name for name, site in latent.items() if is_discrete(site.fn)]
    program = block(model, hide=hidden) if hidden else model
    size = sum(site.value.numel() for name, site in latent.items() if name not in hidden)
    whole = all(frame.weight == 1.0 for site in latent.values() for frame in site.frames)
    found: list[tuple[str, Any]] = [("AutoNormal", AutoNormal(program))]
    if size <= _JOINT and whole:
        found.append(("AutoMultivariateNormal", AutoMultivariateNormal(program)))
    return found


def _latent(model: Callable[..., Any], first: Any) -> dict[str, Any]:
    args, kwargs = first
    with unmarked(), torch.no_grad():
        sites = trace(model).get_trace(*args, **kwargs).nodes.values()
    return {site.name: site for site in sites if site.is_latent}


def _fitted(
    model: Callable[..., Any],
    guide: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    batches: Any,
    budget: Budget,
    engine: str,
    progress: bool,
) -> Fit:
    """A run with a rate that falls to a hundredth, averaged over its last fifth."""
    sums = any(is_discrete(site.fn) for site in _latent(model, _first(batches, args, kwargs)).values())
    objective: ELBO = TraceEnum_ELBO() if sums else Trace_ELBO()
    program = config_enumerate(model) if sums else model
    steps = budget.steps
    if batches is not None and hasattr(batches, "__len__"):
        epochs = max(1, -(-steps // max(1, len(batches))))
        steps = epochs * len(batches)
    optim = ClippedAdam({"lr": _RATE, "lrd": _FALL ** (1 / steps)})
    svi = SVI(program, guide, optim, objective)
    options: dict[str, Any] = {"engine": engine, "progress": progress, "average": max(1, int(_AVERAGED * steps))}
    if budget.seconds < float("inf"):
        options["stop"] = TimeLimit(max(0.1, budget.left))
    if batches is not None:
        return svi.run(None, *args, epochs=epochs, data=batches, **options, **kwargs)
    return svi.run(steps, *args, **options, **kwargs)
