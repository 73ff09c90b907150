"""The density of a model with its enumerated variables summed out."""

from __future__ import annotations

from collections.abc import Mapping

from virgil.infer.density.chains import chains_of
from virgil.infer.density.execution import Pair
from virgil.infer.density.factors import Cost, Piece, model_pieces, solve, summed_together
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.trace import Trace

__all__ = ["model_costs", "model_variables", "summed_costs"]


def model_variables(pair: Pair) -> frozenset[str]:
    """The variables that the model sums out."""
    return frozenset(
        name for name, site in pair.model.nodes.items() if enumerated_dim(site) is not None and name not in pair.guide
    )


def model_costs(pair: Pair, variables: frozenset[str], weights: Mapping[str, float]) -> list[Cost]:
    """The terms of the model with its variables summed out, over plates and what the guide enumerates."""
    return summed_costs(model_pieces(pair.model, pair.guide), pair.model, variables, weights)


def summed_costs(
    pieces: list[Piece], model: Trace, variables: frozenset[str], weights: Mapping[str, float]
) -> list[Cost]:
    """The terms that pieces of a model's joint probability have once its variables are summed out."""
    costs = []
    chains = chains_of(model, pieces)
    for group in summed_together(pieces, variables, chains):
        position = max(piece.position for piece in group)
        rounds = {
            name: number
            for name, number in group[0].rounds.items()
            if all(piece.rounds.get(name) == number for piece in group)
        }
        sites = frozenset(piece.name for piece in group)
        factors = solve(group, variables, weights, chains=chains)
        costs += [Cost(1, factor, None, position, rounds, sites) for factor in factors]
    return costs
