"""``Pathfinder``: the normals that paths to modes pass by."""

from __future__ import annotations

import time
from typing import Any

import torch

from virgil.infer.approximation.outcome import Course, check_approximated, in_store, mixture_guide, outcome_of
from virgil.infer.approximation.pathfinder import fit_paths
from virgil.infer.approximation.posterior import starts_of, surface_of_model
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn, init_to_uniform
from virgil.infer.fit import Fit
from virgil.params import ParamStore
from virgil.poutine.block import unrecorded

__all__ = ["Pathfinder"]


class Pathfinder:
    r"""Pathfinder: normals along the paths of L-BFGS *(Zhang, Carpenter, Gelman and Vehtari 2022)*.

    A path climbs to a mode, and each place on it gives a normal by the curvature that the last steps have seen. The one
    with the highest evidence lower bound, estimated by ten draws, stands for the path: where the mode is no part of the
    posterior's bulk, it is one from before. The guide is a mixture of the paths' normals in unconstrained space,
    weighted by the exponentials of their bounds. ``fit.draws(method="importance")`` are draws of it, resampled by
    Pareto-smoothed importance weights, which is multi-path Pathfinder with the mixture for its density;
    ``fit.check()`` has the weights' k-hat.

    It computes gradients along the paths, and no second derivatives. Discrete variables of the model are summed out.
    Parameters of the model stay as they are. All is computed in float64, where the model does not bring tensors of its
    own in float32.

    Args:
        model: the generative program.
        starts: how many paths.
        init_loc_fn: gives the values at which the first begins; the others are uniform in (-2, 2) in unconstrained
            space.
        seed: of the starts and the draws.
        params: the store that holds the parameters. Default: the store in use.

    Raises:
        ArgumentError: an argument of another kind.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import Pathfinder
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> fit = Pathfinder(model).run(torch.tensor([1.0, 2.0, 3.0]))
        >>> fit.draws(5)["mu"].shape
        torch.Size([5])
    """

    def __init__(
        self,
        model: Program,
        *,
        starts: int = 4,
        init_loc_fn: InitFn = init_to_uniform,
        seed: int = 0,
        params: ParamStore | None = None,
    ) -> None:
        check_approximated("Pathfinder", model, starts)
        self.model = model
        self.starts = starts
        self.init_loc_fn = init_loc_fn
        self.seed = seed
        self.params = params

    def run(self, *args: Any, **kwargs: Any) -> Fit:
        """Find the normals along the paths to the modes of the posterior of the model, given its arguments.

        ``fit.losses`` has minus the estimates of the bound along the best path.

        Raises:
            ArgumentError: the posterior has no density over real vectors, or SciPy is not installed.
            NonFiniteError: no path has a normal with a finite bound.
        """
        begin = time.perf_counter()
        with in_store(self.params), unrecorded():
            surface = surface_of_model(self.model, args, kwargs, self.init_loc_fn)
            found = fit_paths(surface, starts_of(surface, self.starts, self.init_loc_fn, self.seed), self.seed)
            fill = mixture_guide(surface, self.model, len(found), self.init_loc_fn, args, kwargs)
            logits = torch.tensor([each.elbo for each in found], dtype=torch.float64).log_softmax(0)
            locs, factors = (torch.stack([getattr(each, name) for each in found]) for name in ("loc", "scale_tril"))
            guide = fill(logits, locs, factors)
            course = Course(found[0].losses, (), time.perf_counter() - begin, "its paths are at their ends")
            return Fit.of(outcome_of(self.model, guide, surface, course, args, kwargs, self.params))
