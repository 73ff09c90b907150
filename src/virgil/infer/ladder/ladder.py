"""``fit``: the answer to a model and its data without an optimiser, a rate or a number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console

from virgil import settings
from virgil.errors import ArgumentError, a_kind, shown
from virgil.infer.approximation.outcome import Course, continuous_part, outcome_of
from virgil.infer.density.initialization import init_to_feasible
from virgil.infer.ladder.answer import Answer
from virgil.infer.ladder.budget import budget_of
from virgil.infer.ladder.climb import Climb, climbed
from virgil.infer.ladder.draws_guide import DrawsGuide
from virgil.infer.ladder.posterior_fit import PosteriorFit
from virgil.infer.ladder.rung import Rung
from virgil.infer.ladder.stochastic import Asked, fitted_by_steps, is_loader
from virgil.infer.ladder.target import Target, target_of
from virgil.infer.trust.check import Check
from virgil.infer.trust.modes import Search
from virgil.infer.trust.verdict import SiteCheck
from virgil.ops.random_state import preserved_rng, set_rng_seed
from virgil.poutine.block import unrecorded

__all__ = ["fit"]


def fit(
    model: Callable[..., Any],
    *args: Any,
    guide: Callable[..., Any] | None = None,
    budget: str | float = "auto",
    engine: str = "auto",
    progress: bool = True,
    seed: int | None = None,
    **kwargs: Any,
) -> PosteriorFit:
    """Fit a model to its data, and say how far to trust the answer.

    It climbs a ladder of methods and stops at the first whose answer can be trusted: a mixture of Student's t that
    begins at the modes and learns the posterior from its own weighted draws; the same with location-scale variables
    stated by standard ones; the same begun at mean field with linear response; Markov chains. Where the model has
    parameters to be learnt, a guide is given, or ``data=`` is a loader of mini-batches, it takes steps on the evidence
    lower bound. Discrete variables are summed out. Needs the extras ``optimize`` and ``arviz``.

    Args:
        model: the generative program.
        *args: its arguments.
        guide: a program that states the latent variables, or ``None``.
        budget: ``"quick"``, ``"auto"``, ``"thorough"``, or seconds after which nothing new is begun.
        engine: what computes chains and steps: ``"auto"``, ``"xla"``, ``"inductor"``, ``"eager"``.
        progress: whether a line a method is shown, where standard error is a terminal.
        seed: of all random numbers. Default: drawn from torch's generator.
        **kwargs: keyword arguments of the model; ``data=`` may be a loader of mini-batches.

    Returns:
        A fit: ``draws()``, ``summary()``, ``verdict``, ``rungs``, and all of :class:`virgil.infer.Fit`.

    Raises:
        ArgumentError: an argument of another kind, or an extra that is not installed.
        NonFiniteError: the log-density is finite nowhere.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> fit = virgil.fit(model, torch.tensor([1.0, 2.0, 3.0]), seed=0)
        >>> fit.verdict.trusts
        'all'
        >>> abs(fit.draws(4000, seed=0)["mu"].mean().item() - 6 / 3.01) < 0.05
        True
    """
    if not callable(model):
        raise ArgumentError(f"fit() got model={shown(model)}, {a_kind(type(model))}. Pass the function itself.")
    batches = kwargs.get("data") if is_loader(kwargs.get("data")) else None
    if batches is not None:
        kwargs = {name: value for name, value in kwargs.items() if name != "data"}
    asked = Asked(model, guide, args, kwargs, batches, budget_of(budget), engine, progress)
    seed = int(torch.randint(2**31, ())) if seed is None else seed
    with preserved_rng():
        set_rng_seed(seed)
        return _fitted(asked, seed, _report(progress))


def _fitted(asked: Asked, seed: int, report: Callable[[Rung], object]) -> PosteriorFit:
    """Climb, and take steps where there is nothing to climb or no answer."""
    rungs: list[Rung] = []
    if asked.guide is not None:
        return fitted_by_steps(asked, "", rungs, report)
    if asked.batches is not None:
        return fitted_by_steps(asked, "data= is a loader", rungs, report)
    with unrecorded(), torch.no_grad():
        target, why = _target(asked.model, asked.args, asked.kwargs)
        if target is not None:
            climb = Climb(asked.budget, asked.engine, seed, report, rungs)
            climbed(target, climb)
            if climb.answer is not None:
                return _result(target, climb, climb.answer)
            why = "no other method has an answer"
    return fitted_by_steps(asked, why, rungs, report)


def _target(model: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Target | None, str]:
    """The posterior over real vectors, or why there is none."""
    try:
        return target_of(model, args, kwargs), ""
    except ArgumentError as error:
        return None, str(error)


def _result(target: Target, climb: Climb, answer: Answer) -> PosteriorFit:
    """The fit that an answer is."""
    surface, weighed = target.surface, answer.weighed
    latent = {name: weighed.values[name] for name in surface.density.parts}
    program = continuous_part(surface, target.model)
    guide = DrawsGuide(program, latent, weighed.log_weights, init_to_feasible)
    course = Course(
        (), (), climb.budget.spent, "its draws are those of the posterior" if answer.is_final else "its budget"
    )
    outcome = outcome_of(target.model, guide, surface, course, target.args, target.kwargs, None)
    weights = answer.weights
    obstacle = None if weights is not None else "the draws are those of chains, which have no weights"
    sites = tuple(SiteCheck(name, None, None) for name in latent)
    searched = Search((), f"climbs from {climb.budget.starts} places have looked for them")
    check = Check(answer.verdict, weights, obstacle, sites, searched, None, None, (), latent)
    found = {**vars(outcome), "interrupted": climb.interrupted}
    return PosteriorFit(**found, weighed=weighed, rungs=tuple(climb.rungs), found=check)


def _report(progress: bool) -> Callable[[Rung], object]:
    console = Console(stderr=True, highlight=False)
    if not (progress and console.is_terminal and settings.get("progress")):
        return lambda rung: None
    return lambda rung: console.print(str(rung), markup=False)
