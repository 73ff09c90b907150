"""The log-likelihood of each observation by itself, with discrete variables summed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from virgil.infer.density.chains import chains_of
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.density.execution import PARTICLES, Pair
from virgil.infer.density.factors import Piece, model_pieces, plate_weights, solve, summed_together
from virgil.infer.density.summed_out import model_variables
from virgil.ops.chain_elimination import Chain
from virgil.ops.factor import Factor
from virgil.poutine.masked_log_prob import counted
from virgil.poutine.site import Site

__all__ = ["Pointwise", "is_datum", "pointwise"]


@dataclass(frozen=True)
class Pointwise:
    """Log-likelihoods, nats.

    Attributes:
        logs: of each draw and each slot of the plates. Shape: ``(draws, *plates)``.
        plates: names of the dims of ``logs`` but the first; ``None`` for those of the site.
    """

    logs: Tensor
    plates: tuple[str, ...] | None


def is_datum(site: Site) -> bool:
    """True if a site of a model is an observation, and no factor."""
    return site.kind == "sample" and site.observed and not site.is_factor


def pointwise(joint: Joint, pair: Pair, count: int) -> dict[str, Pointwise]:
    r"""The log-likelihood of each observation given a draw of the latent variables, without scale; 0 where masked out.

    With :math:`m` the discrete variables that are summed out and :math:`z` the others, that of the observations
    :math:`x` which the sum connects is

    .. math:: \log p(x \mid z) = \log \sum_m p(x, m, z) - \log \sum_m p(m, z)

    for each slot of the plates that are around all of them. Several sites that the sum connects have one entry, and
    none where no plate is left, as in a single Markov chain: they are one observation then.
    """
    variables = model_variables(pair) if joint.enumerates else frozenset[str]()
    names = list(pair.model.nodes)
    pieces = [replace(piece, scale=1.0, slots=None) for piece in model_pieces(pair.model, pair.guide)]
    chains = chains_of(pair.model, pieces)
    result: dict[str, Pointwise] = {}
    for group in summed_together(pieces, variables, chains):
        data = [names[piece.position] for piece in group if is_datum(pair.model.nodes[names[piece.position]])]
        if not any(piece.is_variable for piece in group):
            result |= {name: Pointwise(_of_site(joint, pair, name, count), None) for name in data}
        elif data:
            rest = [piece for piece in group if names[piece.position] not in data]
            found = _connected(pair, group, rest, variables, chains, count)
            if len(data) == 1 or found.plates:
                result[", ".join(data)] = found
    return result


def _of_site(joint: Joint, pair: Pair, name: str, count: int) -> Tensor:
    logs, single = (_masked(each.model.nodes[name]) for each in (pair, joint.single))
    if logs.numel() == count * single.numel():
        return logs.reshape(count, *single.shape)
    return logs.reshape(single.shape).expand(count, *single.shape)  # it depends on no draw


def _masked(site: Site) -> Tensor:
    logs = site.unscaled_log_prob
    logs = logs.expand(torch.broadcast_shapes(logs.shape, site.fn.batch_shape))
    return logs if site.mask is None else counted(logs, site.mask)


def _connected(
    pair: Pair,
    group: list[Piece],
    rest: list[Piece],
    variables: frozenset[str],
    chains: Sequence[Chain],
    count: int,
) -> Pointwise:
    weights = dict.fromkeys(plate_weights(pair), 1.0)
    joint = solve(group, variables, weights, chains=chains)
    prior = [
        factor
        for part in summed_together(rest, variables, chains)
        for factor in solve(part, variables, weights, chains=chains)
    ]
    around = set.intersection(*(set(factor.dims) for factor in joint)) - {PARTICLES}
    order = {frame.name: frame.dim for site in pair.model.nodes.values() for frame in site.frames if frame.dim}
    plates = tuple(sorted(around, key=lambda name: order[name]))
    dims = (PARTICLES, *plates)
    total = sum(_kept(joint, dims), torch.zeros(())) - sum(_kept(prior, dims), torch.zeros(()))
    return Pointwise(total.expand(count, *total.shape[1:]), plates)


def _kept(factors: Sequence[Factor], dims: tuple[str, ...]) -> Iterator[Tensor]:
    """The factors over these dims, multiplied along all others."""
    for factor in factors:
        yield factor.multiplied(frozenset(factor.dims).difference(dims), {}).aligned(dims)
