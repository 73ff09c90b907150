"""``Laplace``: the normal at the mode of a posterior."""

from __future__ import annotations

import time
from typing import Any

from virgil.infer.approximation.normal_at_mode import fit_normal_at_mode
from virgil.infer.approximation.outcome import Course, check_approximated, in_store, multivariate_guide, outcome_of
from virgil.infer.approximation.posterior import starts_of, surface_of_model
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.infer.fit import Fit
from virgil.params import ParamStore
from virgil.poutine.block import unrecorded

__all__ = ["Laplace"]


class Laplace:
    r"""Laplace's approximation: a normal about the mode, with the curvature there *(Tierney and Kadane 1986)*.

    Mode and curvature are those of the log-density in unconstrained space, so the mode is not that of the constrained
    variables. L-BFGS climbs from several starts, Newton's method polishes, and of several modes the one with the
    largest mass by this very approximation is taken. The guide is an
    :class:`~virgil.infer.autoguide.AutoMultivariateNormal`. Discrete variables of the model are summed out. Parameters
    of the model stay as they are. All is computed in float64, where the model does not bring tensors of its own in
    float32.

    ``fit.check()`` says by k-hat how far to trust it, and ``fit.draws(method="importance")`` corrects its draws.

    Args:
        model: the generative program.
        starts: from how many places to climb.
        init_loc_fn: gives the values at the first of them; the others are uniform in (-2, 2) in unconstrained space.
        seed: of the starts.
        params: the store that holds the parameters. Default: the store in use.

    Raises:
        ArgumentError: an argument of another kind.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import Laplace
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> fit = Laplace(model).run(torch.tensor([1.0, 2.0, 3.0]))
        >>> fit.covariance().mean, fit.covariance().sd  # 6 / 4, and the root of 1 / 4
        (tensor([1.5000], dtype=torch.float64), tensor([0.5000], dtype=torch.float64))
    """

    def __init__(
        self,
        model: Program,
        *,
        starts: int = 4,
        init_loc_fn: InitFn = init_to_feasible,
        seed: int = 0,
        params: ParamStore | None = None,
    ) -> None:
        check_approximated("Laplace", model, starts)
        self.model = model
        self.starts = starts
        self.init_loc_fn = init_loc_fn
        self.seed = seed
        self.params = params

    def run(self, *args: Any, **kwargs: Any) -> Fit:
        """Find the mode and the curvature of the posterior of the model, given its arguments.

        Raises:
            ArgumentError: the posterior has no density over real vectors, no mode was found, or SciPy is not installed.
        """
        begin = time.perf_counter()
        with in_store(self.params), unrecorded():
            surface = surface_of_model(self.model, args, kwargs, self.init_loc_fn)
            fill = multivariate_guide(surface, self.model, self.init_loc_fn, args, kwargs)
            found = fit_normal_at_mode(surface, starts_of(surface, self.starts, self.init_loc_fn, self.seed))
            course = Course.of_newton(found.losses, found.norms, begin, found.arrived)
            guide = fill(found.loc, found.scale_tril)
            return Fit.of(outcome_of(self.model, guide, surface, course, args, kwargs, self.params))
