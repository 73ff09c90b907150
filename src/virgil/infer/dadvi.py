"""``DADVI``: fit a mean-field normal by second derivatives of a bound on fixed draws."""

from __future__ import annotations

import time
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.infer.approximation.corrected import NUM_DRAWS, SEED
from virgil.infer.approximation.mean_field import fit_mean_field, fixed_noise
from virgil.infer.approximation.outcome import Course, check_approximated, in_store, mean_field_guide, outcome_of
from virgil.infer.approximation.posterior import starts_of, surface_of_model
from virgil.infer.density.execution import Program
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.infer.fit import Fit
from virgil.params import ParamStore
from virgil.poutine.block import unrecorded

__all__ = ["DADVI"]


class DADVI:
    r"""Deterministic automatic differentiation variational inference *(Giordano, Ingram and Broderick 2024)*.

    The guide is a normal with independent entries in unconstrained space, :class:`~virgil.infer.autoguide.AutoNormal`.
    The expectation in the evidence lower bound is a mean over standard normal draws that never change, so that the
    bound is a function without noise. Newton's method minimises it by products with its Hessian, and ends by itself;
    there is no rate to choose and no number of steps. Discrete variables of the model are summed out. Parameters of the
    model stay as they are. All is computed in float64, where the model does not bring tensors of its own in float32.

    A mean-field guide has spreads that are too small where variables depend on each other. Ask the fit for
    ``fit.covariance(method="linear-response")`` and ``fit.draws(method="linear-response")``, which correct them.

    Args:
        model: the generative program.
        num_draws: how many fixed draws, an even number, as they come in pairs of opposite sign.
        starts: from how many places to look for a mode to begin at.
        init_loc_fn: gives the values at the first of them; the others are uniform in (-2, 2) in unconstrained space.
        seed: of the draws and the starts.
        params: the store that holds the parameters. Default: the store in use.

    Raises:
        ArgumentError: an argument of another kind.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import DADVI
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> fit = DADVI(model).run(torch.tensor([1.0, 2.0, 3.0]))
        >>> fit.params["AutoNormal.locs.mu"].round(decimals=4)  # 6 / 4
        tensor(1.5000)
    """

    def __init__(
        self,
        model: Program,
        *,
        num_draws: int = NUM_DRAWS,
        starts: int = 4,
        init_loc_fn: InitFn = init_to_feasible,
        seed: int = SEED,
        params: ParamStore | None = None,
    ) -> None:
        if not isinstance(num_draws, int) or num_draws < 2 or num_draws % 2:
            raise ArgumentError(f"DADVI got num_draws={shown(num_draws)}; it takes an even number, 2 or more.")
        check_approximated("DADVI", model, starts)
        self.model = model
        self.num_draws = num_draws
        self.starts = starts
        self.init_loc_fn = init_loc_fn
        self.seed = seed
        self.params = params

    def run(self, *args: Any, **kwargs: Any) -> Fit:
        """Fit the guide to the posterior of the model, given its arguments.

        ``fit.losses`` has minus the bound after each step of Newton's method, ``fit.evaluations`` how often derivatives
        of the model's log-density were computed.

        Raises:
            ArgumentError: the posterior has no density over real vectors, or SciPy is not installed.
            NonFiniteError: the log-density is not finite where the fit begins.
        """
        begin = time.perf_counter()
        with in_store(self.params), unrecorded():
            surface = surface_of_model(self.model, args, kwargs, self.init_loc_fn)
            fill = mean_field_guide(surface, self.model, self.init_loc_fn, args, kwargs)
            noise = fixed_noise(self.num_draws, surface.dim, self.seed)
            found = fit_mean_field(surface, noise, starts_of(surface, self.starts, self.init_loc_fn, self.seed))
            course = Course.of_newton(found.losses, found.norms, begin, found.arrived)
            guide = fill(found.loc, found.scale)
            return Fit.of(outcome_of(self.model, guide, surface, course, args, kwargs, self.params))
