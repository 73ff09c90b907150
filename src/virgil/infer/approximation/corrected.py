"""The covariance of a fit in unconstrained space, and draws with it: the guide's own, or by linear response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.infer.approximation.linear_response import linear_response
from virgil.infer.approximation.mean_field import MeanField, fixed_noise, improved
from virgil.infer.approximation.own_moments import own_moments
from virgil.infer.approximation.posterior import surface_of_fit
from virgil.infer.approximation.surface import Surface
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.draws import Arguments, draws, fitted, origin_of_fit
from virgil.infer.trust.weights import importance, resampled
from virgil.ops.random_state import set_rng_seed

__all__ = ["Covariance", "METHODS", "NUM_DRAWS", "SEED", "covariance", "posterior_draws"]

METHODS = ("guide", "linear-response", "importance")
NUM_DRAWS, SEED = 64, 0  # the fixed draws of a mean-field fit, unless it is told others
_MOMENTS = 10_000  # draws of a guide, whose moments have no formula


@dataclass(frozen=True, eq=False)
class Covariance:
    """Means and covariances of latent variables in unconstrained space, as one vector.

    Attributes:
        sites: the entries of each site in the vector.
        mean: Shape: ``(dim,)``, float64.
        matrix: Shape: ``(dim, dim)``, float64.
        sampling_sd: by how much the means vary with the fixed draws of a mean-field fit; zeros elsewhere. Shape:
            ``(dim,)``.
    """

    sites: dict[str, slice]
    mean: Tensor
    matrix: Tensor
    sampling_sd: Tensor

    @property
    def sd(self) -> Tensor:
        """Standard deviations. Shape: ``(dim,)``."""
        return self.matrix.diagonal().sqrt()


def covariance(
    fit: Outcome, given: Arguments | None, method: str, sites: Sequence[str] | None, num_draws: int, seed: int
) -> Covariance:
    """The covariance of a fit; the arguments are those of ``Fit.covariance``."""
    if method not in METHODS[:2]:
        raise ArgumentError(f"covariance() got method={shown(method)}. {did_you_mean(str(method), METHODS[:2])}")
    origin = origin_of_fit(fit)
    with fitted(origin):
        surface = surface_of_fit(origin, given)
        names = _chosen(surface, sites)
        entries = [place for place, name in enumerate(surface.density.names) if name in names]
        own = own_moments(origin, surface, given)
        if method == "guide":
            mean, matrix = own[0][entries], own[1][entries][:, entries]
            return Covariance(_slices(surface, names), mean, matrix, torch.zeros_like(mean))
        noise = fixed_noise(num_draws, surface.dim, seed)
        begun = MeanField(own[0], own[1].diagonal().sqrt())
        found = improved(surface, noise, begun)
        response = linear_response(surface, noise, found, entries)
    return Covariance(_slices(surface, names), found.loc[entries], response.covariance, response.sampling_sd)


def posterior_draws(
    fit: Outcome, given: Arguments | None, num: int, method: str, seed: int | None
) -> dict[str, Tensor]:
    """Draws of a fit by site; the arguments are those of ``Fit.draws``."""
    if method not in METHODS:
        raise ArgumentError(f"draws() got method={shown(method)}. {did_you_mean(str(method), METHODS)}")
    if method == "guide":
        return draws(fit, num, seed=seed, given=given).values
    if method == "importance":
        return _resampled(fit, given, num, seed)
    if not isinstance(num, int) or num < 1:
        raise ArgumentError(f"draws() got num={shown(num)}; it takes a whole number, 1 or more.")
    found = covariance(fit, given, method, None, NUM_DRAWS, SEED)
    origin = origin_of_fit(fit)
    with fitted(origin):
        density = surface_of_fit(origin, given).density
        if seed is not None:
            set_rng_seed(seed)
        factor = torch.linalg.cholesky(found.matrix)
        noise = torch.randn(num, len(factor), dtype=torch.float64)
        dtypes = {name: site.value.dtype for name, site in density.joint.single.model.nodes.items() if site.is_latent}
        values = density.values((found.mean + noise @ factor.T).to(density.dtype))
    return {name: value.to(dtypes[name]) for name, value in values.items()}


def _resampled(fit: Outcome, given: Arguments | None, num: int, seed: int | None) -> dict[str, Tensor]:
    taken = draws(fit, max(num, _MOMENTS), seed=seed, given=given)
    if taken.obstacle is not None:
        raise ArgumentError(f"There are no weighted draws: {taken.obstacle}.")
    weights = importance(taken.log_p, taken.log_q)
    if not weights.is_usable:
        raise ArgumentError(
            f"Weighted draws are no better than the guide's: k-hat {weights.k_hat:.2f} is above "
            f"{weights.threshold:.2f}, so that a few draws have all the weight. Draw by method='linear-response', or "
            "fit a richer guide."
        )
    origin = origin_of_fit(fit)
    with fitted(origin, None if seed is None else seed + 1):
        return resampled(taken.values, weights.log_weights, num)


def _chosen(surface: Surface, sites: Sequence[str] | None) -> list[str]:
    names = list(surface.density.parts)
    for name in sites or ():
        if name not in names:
            raise ArgumentError(
                f"covariance() got the site {name!r}, which has no entries. {did_you_mean(name, names)}"
            )
    return names if sites is None else [name for name in names if name in sites]


def _slices(surface: Surface, names: Sequence[str]) -> dict[str, slice]:
    found, begin = {}, 0
    for name in names:
        end = begin + surface.density.parts[name].size
        found[name], begin = slice(begin, end), end
    return found
