"""The first run of a guide's model, from which the guide learns what latent sites there are and where to begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil import settings
from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, NonFiniteError, SiteError, SupportError, did_you_mean
from virgil.infer.checks import SHAPES_OF_VALUES, VALUES, check
from virgil.infer.checks.finding import Subject
from virgil.infer.checks.support import support_problem
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, Pair, no_guide
from virgil.infer.density.failing_density import note_density
from virgil.infer.density.failure import note_failure
from virgil.infer.density.init_messenger import InitMessenger
from virgil.infer.density.initialization import InitFn, given_names
from virgil.nn.call import isolated
from virgil.ops.random_state import set_rng_seed
from virgil.poutine.block import Block
from virgil.poutine.reparam import restatement
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, Tracer

__all__ = ["find_prototype"]

_ATTEMPTS = 50


def find_prototype(
    model: Callable[..., Any], init_fn: InitFn, seed: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Trace, dict[str, Tensor]]:
    """Run the model from initial values whose joint density is finite, leaving no mark.

    Returns:
        The trace, and the initial value of each latent site, in a subsampled plate at full size if it was given so.

    Raises:
        ArgumentError: initial values for sites that the model lacks.
        NonFiniteError: no finite density in 50 attempts; ``site`` is where the last one failed.
    """
    # Random numbers come from the guide's own seed, so that it does not matter when, or how deep in a dry run, this
    # happens.
    with dry_run(), torch.no_grad(), Block(lambda site: True):
        set_rng_seed(seed)
        for attempt in range(_ATTEMPTS):
            init = InitMessenger(init_fn)
            with isolated():
                found = _run(init(model), args, kwargs)
            _check_names(found, init_fn)
            culprit = _not_finite(found, Call(model, no_guide, args, kwargs))
            if culprit is None:
                break
            if attempt == _ATTEMPTS - 1:
                raise _refusal(culprit)
        found.detach_()
    return found, init.values


def _run(model: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
    tracer = Tracer()
    try:
        tracer.run(model, args, kwargs)
    except Exception as error:
        note_failure(error, "the automatic guide ran the model to find its sites", tracer.trace)
        raise
    return tracer.trace


def _not_finite(found: Trace, call: Call) -> Site | None:
    try:
        with unchecked():
            for site in found.nodes.values():
                if site.kind == "sample" and not bool(torch.isfinite(site.log_prob_sum)):
                    return site
    except (RuntimeError, IndexError) as error:  # torch's own, of which a check may know the cause
        if settings.get("validate"):
            check(Subject(Trace(), found, {"model": call.model}), (*SHAPES_OF_VALUES, *VALUES))
        note_density(error, call, Pair(Trace(), found))
        raise
    return None


def _refusal(site: Site) -> SiteError:
    problem = support_problem(site, "model") if site.observed else None
    if problem:
        return SupportError(problem, site=site.name)
    return NonFiniteError(
        f"At site {site.name!r} of the model, the log-probability is {float(site.log_prob_sum)} at the initial values "
        f"of the guide, in {_ATTEMPTS} attempts. Begin elsewhere by init_loc_fn=, such as "
        "init_to_value(values={...}), or look at the site's distribution and data.",
        site=site.name,
    )


def _check_names(found: Trace, init_fn: InitFn) -> None:
    latent = found.stochastic_nodes
    latent += [name for name, site in found.nodes.items() if restatement(site) is not None]
    for name in given_names(init_fn):
        if name not in latent:
            raise ArgumentError(
                f"init_to_value() has a value for {name!r}, which is no latent site of the model. "
                f"{did_you_mean(name, latent)} Correct the name, or take the value away."
            )
