"""The rungs of steps: stochastic variational inference with a rate that falls and an average at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
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
from virgil.infer.trust.check import Check
from virgil.optim import ClippedAdam
from virgil.poutine.block import block
from virgil.poutine.config_enumerate import config_enumerate
from virgil.poutine.site import Site
from virgil.poutine.trace import trace

__all__ = ["Asked", "fitted_by_steps", "is_loader"]

_RATE, _FALL = 0.05, 0.01  # the first rate, and the last one's share of it
_AVERAGED = 0.2  # of the steps
_JOINT = 300  # entries, up to which a guide of all variables together is tried
_LEAST = 0.1  # seconds that a run may take where none are left
_TRUSTED = ("all", "means and spreads")
_ORDER = ("nothing", "later", "unknown", "means", "weighted draws", "means and spreads", "all")

Report = Callable[[Rung], object]


@dataclass(frozen=True, eq=False)
class Asked:
    """A model with its arguments, and how it is to be fitted.

    Attributes:
        model: the generative program.
        guide: a user's own, or ``None``.
        args: of both.
        kwargs: of both.
        batches: an iterable of mini-batches, or ``None``.
        budget: how much to spend.
        engine: what computes steps and chains.
        progress: whether progress is shown.
    """

    model: Callable[..., Any]
    guide: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    batches: Any
    budget: Budget
    engine: str
    progress: bool

    @property
    def first(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a first step."""
        if self.batches is None:
            return self.args, self.kwargs
        batch = next(iter(self.batches))
        if isinstance(batch, Mapping):
            return self.args, {**self.kwargs, **batch}
        return (*(batch if isinstance(batch, (tuple, list)) else (batch,)), *self.args), self.kwargs

    def latent(self) -> dict[str, Site]:
        """The latent sites of an execution."""
        args, kwargs = self.first
        with unmarked(), torch.no_grad():
            sites = trace(self.model).get_trace(*args, **kwargs).nodes.values()
        return {site.name: site for site in sites if site.is_latent}


def is_loader(data: object) -> bool:
    """True for an iterable of mini-batches, as opposed to data itself."""
    is_data = isinstance(data, (Tensor, Sequence, Mapping, str)) or hasattr(data, "__array__")
    return data is not None and not is_data and hasattr(data, "__iter__")


def fitted_by_steps(asked: Asked, why: str, before: Sequence[Rung], report: Report) -> PosteriorFit:
    """Fit a guide by steps on the evidence lower bound, and a richer one where the first is not trusted.

    Args:
        asked: for what.
        why: no other rungs were taken, or none of them has an answer; empty where a guide was given.
        before: the rungs that were.
        report: told of each rung.
    """
    rungs = list(before)
    found: list[tuple[Fit, Check]] = []
    for name, guide in _guides(asked):
        begin = time.perf_counter()
        fit = _run(asked, guide)
        check = fit.check()
        method = f"steps with {name}" + (f", since {why.rstrip('.')}" if why else "")
        rungs.append(Rung(method, time.perf_counter() - begin, fit.num_steps, check.verdict))
        report(rungs[-1])
        found.append((fit, check))
        if check.verdict.trusts in _TRUSTED or not asked.budget.is_open:
            break
    fit, check = max(found, key=lambda each: _ORDER.index(each[1].verdict.trusts))
    return PosteriorFit(**vars(fit), rungs=tuple(rungs), found=check)


def _guides(asked: Asked) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The guides that are tried, by name."""
    if asked.guide is not None:
        yield "the guide that was given", asked.guide
        return
    latent = asked.latent()
    hidden = [name for name, site in latent.items() if is_discrete(site.fn)]
    if len(hidden) == len(latent):
        raise ArgumentError(
            "fit() has nothing to draw: the model has no continuous latent variable. Discrete ones are summed out; "
            "virgil.infer.infer_discrete draws them. Parameters alone are learnt by SVI with an empty guide."
        )
    unlisted = [name for name in hidden if not getattr(latent[name].fn, "has_enumerate_support", False)]
    if unlisted:
        raise ArgumentError(
            f"fit() cannot sum site {unlisted[0]!r} out: a {type(latent[unlisted[0]].fn).__name__} has too many values "
            "to be listed. Give a guide for it by guide=, sum it out by hand in a virgil.factor, or take a family of "
            "few values."
        )
    program = block(asked.model, hide=hidden) if hidden else asked.model
    yield "AutoNormal", AutoNormal(program)
    size = sum(site.value.numel() for name, site in latent.items() if name not in hidden)
    if size <= _JOINT and all(frame.weight == 1.0 for site in latent.values() for frame in site.frames):
        yield "AutoMultivariateNormal", AutoMultivariateNormal(program)


def _run(asked: Asked, guide: Callable[..., Any]) -> Fit:
    """A run with a rate that falls to a hundredth, averaged over its last fifth."""
    sums = any(is_discrete(site.fn) for site in asked.latent().values())
    objective: ELBO = TraceEnum_ELBO() if sums else Trace_ELBO()
    model = config_enumerate(asked.model) if sums else asked.model
    steps, epochs = asked.budget.steps, None
    if asked.batches is not None:
        length = len(asked.batches) if hasattr(asked.batches, "__len__") else 1
        epochs = max(1, math.ceil(steps / length))
        steps = epochs * length
    options: dict[str, Any] = {"engine": asked.engine, "progress": asked.progress}
    if asked.batches is None or hasattr(asked.batches, "__len__"):  # else the number of steps is not known
        options["average"] = max(1, int(_AVERAGED * steps))
    if math.isfinite(asked.budget.seconds):
        options["stop"] = TimeLimit(max(_LEAST, asked.budget.left))
    svi = SVI(model, guide, ClippedAdam({"lr": _RATE, "lrd": _FALL ** (1 / steps)}), objective)
    if epochs is not None:
        return svi.run(None, *asked.args, epochs=epochs, data=asked.batches, **options, **asked.kwargs)
    return svi.run(steps, *asked.args, **options, **asked.kwargs)
