"""Methods: how a posterior is fitted, and what is drawn of the fit. A new method is one new row.

A method is a function of a posterior and its arguments that returns a fit; of one fit several answers may be drawn, by
the ``method`` of ``Fit.draws``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

import virgil
from benchmarks.accuracy.posteriors.posterior import Posterior
from virgil.infer import DADVI, ELBO, SVI, Fit, Laplace, Pathfinder, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoLowRankMultivariateNormal, AutoMultivariateNormal, AutoNormal

Fitter = Callable[[Posterior, tuple[Tensor, ...]], "Fitted"]


@dataclass(frozen=True)
class Fitted:
    """A fit, and what it cost.

    Attributes:
        fit: the fit.
        seconds: from model to fit, the guide's making and the engine's compiling included.
        gradients: evaluations of the log-density's gradient; a product with a Hessian counts as two.
    """

    fit: Fit
    seconds: float
    gradients: int


@dataclass(frozen=True)
class Method:
    """A way to fit.

    Attributes:
        fitter: makes the fit.
        answers: from the name of each row that is printed to the ``method`` of ``Fit.draws``.
    """

    fitter: Fitter
    answers: Mapping[str, str]


def _svi(make: Callable[[Any], Any], steps: int, posterior: Posterior, args: tuple[Tensor, ...]) -> Fitted:
    """The recipe of the documents: Adam with rate 0.01, one draw a step."""
    begin = time.perf_counter()
    model: Callable[..., Any] = posterior.model
    objective: ELBO = Trace_ELBO()
    guide = make(model)
    if posterior.summed_out:
        guide = make(virgil.poutine.block(model, hide=list(posterior.summed_out)))
        model, objective = config_enumerate(model), TraceEnum_ELBO()
    fit = SVI(model, guide, virgil.optim.Adam({"lr": 0.01}), objective).run(steps, *args, progress=False)
    return Fitted(fit, time.perf_counter() - begin, fit.num_steps)


def _deterministic(make: Callable[[Any], Any], posterior: Posterior, args: tuple[Tensor, ...]) -> Fitted:
    begin = time.perf_counter()
    fit = make(posterior.model).run(*args)
    found = fit.evaluations
    gradients = 0 if found is None else found.gradients + 2 * found.products
    return Fitted(fit, time.perf_counter() - begin, gradients)


def _ladder(posterior: Posterior, args: tuple[Tensor, ...]) -> Fitted:
    begin = time.perf_counter()
    fit = virgil.fit(posterior.model, *args, progress=False, seed=0)
    found = fit.evaluations
    gradients = fit.num_steps if found is None else found.gradients + 2 * found.products
    return Fitted(fit, time.perf_counter() - begin, gradients)


METHODS: dict[str, Method] = {
    "fit": Method(_ladder, {"virgil.fit": "posterior"}),
    "normal-2000": Method(partial(_svi, AutoNormal, 2_000), {"AutoNormal, 2,000 steps": "guide"}),
    "normal-10000": Method(partial(_svi, AutoNormal, 10_000), {"AutoNormal, 10,000 steps": "guide"}),
    "full-rank": Method(
        partial(_svi, AutoMultivariateNormal, 10_000), {"AutoMultivariateNormal, 10,000 steps": "guide"}
    ),
    "low-rank": Method(
        partial(_svi, AutoLowRankMultivariateNormal, 10_000), {"AutoLowRankMultivariateNormal, 10,000 steps": "guide"}
    ),
    "dadvi": Method(partial(_deterministic, DADVI), {"DADVI": "guide", "DADVI, linear response": "linear-response"}),
    "laplace": Method(partial(_deterministic, Laplace), {"Laplace": "guide", "Laplace, resampled": "importance"}),
    "path": Method(partial(_deterministic, partial(Pathfinder, starts=1)), {"Pathfinder, one path": "guide"}),
    "paths": Method(
        partial(_deterministic, Pathfinder), {"Pathfinder, four paths": "guide", "the same, resampled": "importance"}
    ),
}
