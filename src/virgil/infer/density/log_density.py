"""The log-density of each draw of an execution under guide and model, discrete variables summed out."""

from __future__ import annotations

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.density.execution import PARTICLES, Pair, completed
from virgil.infer.density.factors import plate_weights
from virgil.infer.density.summed_out import model_costs, model_variables
from virgil.infer.density.vectorize import Vectorization
from virgil.ops.factor import Factor
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site

__all__ = ["log_guide", "log_model", "total"]


def log_guide(pair: Pair, draws: Vectorization, count: int) -> dict[str, Tensor]:
    """Of each site of the guide, the log-density of each draw, nats, without scale. Shape: ``(count,)``.

    A latent variable that the model draws by itself counts as a site of the guide.
    """
    result = {}
    for name, site in completed(pair).guide.nodes.items():
        if site.kind == "sample":
            log_prob = site.unscaled_log_prob
            if name not in pair.guide:
                _check_known(site)
            counterpart = pair.model.nodes.get(name)
            latent_slots = None if counterpart is None else counterpart.latent_slots
            for mask in (site.mask, latent_slots):
                log_prob = log_prob if mask is None else counted(log_prob, mask)
            result[name] = draws.per_draw(log_prob, site.frames, count)
    return result


def _check_known(site: Site) -> None:
    """Check that a variable which the model draws by itself has one density for each draw.

    Raises:
        ArgumentError: it has one for each value of a variable that is summed out.
    """
    shape = site.unscaled_log_prob.shape
    below = [name for dim, name in site.variables.items() if len(shape) >= -dim and shape[dim] > 1]
    if below:
        raise ArgumentError(
            f"Site {site.name!r} is missing in the guide, and the model draws it below {below[0]!r}, which is summed "
            "out: a draw has one value for each value of that, and no log-density. State it in the guide."
        )


def log_model(pair: Pair, draws: Vectorization, count: int) -> dict[str, Tensor]:
    """Of each site of the model, the log-density of each draw, nats, with scales. Shape: ``(count,)``.

    Sites of an execution from which variables are summed out have one sum, with the key ``""``.
    """
    variables = model_variables(pair)
    if not variables:
        sites = [site for site in pair.model.nodes.values() if site.kind == "sample"]
        return {site.name: draws.per_draw(site.term, site.frames, count) for site in sites}
    weights = {**plate_weights(pair), PARTICLES: 1.0}
    costs = model_costs(pair, variables, weights)
    return {"": torch.stack([_per_draw(cost.factor, weights, count) for cost in costs]).sum(0)}


def total(terms: dict[str, Tensor], count: int) -> Tensor:
    """The sum of terms, float64. Shape: ``(count,)``."""
    return torch.stack(list(terms.values())).sum(0) if terms else torch.zeros(count, dtype=torch.float64)


def _per_draw(factor: Factor, weights: dict[str, float], count: int) -> Tensor:
    """The weighted sum over all plates but the draws. Shape: ``(count,)``."""
    logs = factor.logs.double()
    for dim in factor.dims:
        logs = logs * weights.get(dim, 1.0)
    if PARTICLES not in factor.dims:
        return logs.sum().expand(count)
    return logs.movedim(factor.dims.index(PARTICLES), 0).reshape(count, -1).sum(1)
