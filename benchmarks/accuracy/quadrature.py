"""Moments of a posterior of few unconstrained entries, by the trapezoidal rule on a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.accuracy.known import Moments
from benchmarks.accuracy.posteriors.posterior import Posterior
from virgil.infer.density.posterior_of import posterior_of

REACH, STEP = 16.0, 0.25  # in standard deviations along the axes of the covariance: tails may be long


def quadrature(posterior: Posterior, centre: Tensor, covariance: Tensor, step: float = STEP) -> dict[str, Moments]:
    """Moments by quantity.

    The rule is exact but for terms that fall exponentially with one over the step, where the density is smooth and
    falls off at the ends *(Trefethen and Weideman 2014)*. Call it where the default precision is float64.

    Args:
        posterior: one of three unconstrained entries at most.
        centre: about where its mass is in unconstrained space. Shape: ``(dim,)``, float64.
        covariance: about how it spreads. Shape: ``(dim, dim)``.
        step: between neighbours of the grid, in standard deviations.
    """
    density = posterior_of(posterior.model, posterior.arguments(torch.float64))
    axis = torch.arange(-REACH, REACH + step / 2, step, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * density.dim).reshape(-1, density.dim)
    values, vectors = torch.linalg.eigh(covariance)
    places = centre + grid @ (vectors * values.sqrt()).T
    with torch.no_grad():
        logs = torch.cat([density(rows) for rows in places.split(20_000)])
        taken = logs > logs.max() - 60.0
        share = (logs[taken] - logs.max()).exp()
        draws = posterior.quantities(density.values(places[taken]))
    share = (share / share.sum()).unsqueeze(-1)
    found = {}
    for name, values in draws.items():
        mean = (share * values).sum(0)
        sd = (share * (values - mean).square()).sum(0).sqrt()
        none = torch.zeros_like(mean).tolist()
        found[name] = Moments(mean.tolist(), sd.tolist(), none, none)
    return found
