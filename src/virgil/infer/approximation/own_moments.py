"""Mean and covariance of a guide in unconstrained space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal

from virgil.infer.approximation.surface import Surface
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.density.posterior import Density
from virgil.infer.run.origin import Origin
from virgil.infer.trust.draws import Arguments, joint, take

__all__ = ["own_moments"]

_DRAWS = 10_000  # of a guide whose moments have no formula


def own_moments(origin: Origin, surface: Surface, given: Arguments | None) -> tuple[Tensor, Tensor]:
    """Mean and covariance of a guide's vector, from its parameters, or else from draws; where a fit is present.

    Shapes: ``(dim,)`` and ``(dim, dim)``, float64.
    """
    guide, density = origin.problem.guide, surface.density
    args, kwargs = given or (origin.batch.args, origin.batch.kwargs)
    if isinstance(guide, AutoNormal):
        normals = {latent.name: (loc, scale) for latent, loc, scale in guide._normals(args, kwargs)}
        if all(name in normals for name in density.parts):
            loc, scale = (_vector(density, {name: each[place] for name, each in normals.items()}) for place in (0, 1))
            return loc, torch.diag(scale**2)
    if isinstance(guide, AutoContinuous) and [each.name for each in guide.latents] == list(density.parts):
        posterior = guide.get_posterior(*args, **kwargs)
        if isinstance(posterior, MultivariateNormal):
            return posterior.mean.double(), posterior.covariance_matrix.double()
        if isinstance(posterior, Independent):
            return posterior.mean.double(), torch.diag(posterior.variance.double())
    drawn = take(origin, joint(origin, given), _DRAWS).values
    vectors = density.vectors(drawn).double()
    return vectors.mean(0), torch.atleast_2d(vectors.T.cov())


def _vector(density: Density, values: dict[str, Tensor]) -> Tensor:
    rows = [part.entries(values[name].unsqueeze(0))[0] for name, part in density.parts.items()]
    return torch.cat(rows).double()
