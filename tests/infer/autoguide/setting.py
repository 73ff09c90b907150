"""Guides whose parameters are set to known values."""

import torch
from torch import Tensor
from torch.distributions import transform_to

from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.autoguide.joint.plated_normal import PlatedNormal

__all__ = ["put", "set_blocks"]


@torch.no_grad()
def put(parameters: ConstrainedParameters, **values: Tensor) -> None:
    """Let parameters of a guide, or of one of its groups, have these constrained values."""
    for name, value in values.items():
        leaf = parameters._parameters[name]
        constraint = parameters.constraints.get(name, parameters.constraint)
        leaf.copy_(transform_to(constraint).inv(value.to(leaf)))


def _places(guide: PlatedNormal) -> dict[str, Tensor]:
    """The place of each unconstrained number in the vector of all that are latent, and -1 for data."""
    places, begin = {}, 0
    for latent in guide.latents:
        shape, entries = latent.unconstrained.shape, latent.latent_entries
        kept = torch.ones(shape, dtype=torch.bool) if entries is None else entries
        count = int(kept.sum())
        places[latent.name] = torch.full(shape, -1).masked_scatter(kept, begin + torch.arange(count))
        begin += count
    return places


def set_blocks(guide: PlatedNormal, mean: Tensor, covariance: Tensor) -> None:
    """Let a guide that draws blocks be this distribution, by the regression of each block on what it depends on."""
    places = _places(guide)
    wide = {step.latent.name: step.widened(places[step.latent.name]) for step in guide._steps}
    padded, mean = torch.nn.functional.pad(covariance, (0, 1, 0, 1)), torch.cat([mean, mean.new_zeros(1)])
    deviation = padded.new_ones(len(padded))  # of each number, given those that it depends on

    def covariances(one: Tensor, other: Tensor) -> Tensor:
        found = padded[one.unsqueeze(-1), other.unsqueeze(-2)]
        if one is other:  # what is data is like noise that nothing depends on
            found = found + (one == -1).to(found).diag_embed()
        return found

    for step in guide._steps:
        name = step.latent.name
        rows = step.blocked(wide[name])
        inputs = [each.expand(*rows.shape[:-1], -1) for each in step.inputs(wide)]
        given = torch.cat([rows[..., :0], *inputs], -1)
        weight = torch.linalg.solve(covariances(given, given), covariances(given, rows)).mT
        factor = torch.linalg.cholesky(covariances(rows, rows) - weight @ covariances(given, rows))
        scale = factor.diagonal(dim1=-2, dim2=-1)
        deviation[rows] = scale
        deviation[-1] = 1.0
        put(guide.locs, **{name: mean[places[name]]})
        put(guide.scales, **{name: deviation[places[name]]})
        for group, value in ((guide.factors, factor), (guide.weights, weight * deviation[given].unsqueeze(-2))):
            if name in group._parameters:
                put(group, **{name: (value / scale.unsqueeze(-1)).reshape(group._parameters[name].shape)})
