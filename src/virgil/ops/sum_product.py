"""Elimination of the variables of a factor graph with plates *(Obermeyer et al. 2019, algorithm 1)*."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TypeVar

import opt_einsum

from virgil.errors import PlateError
from virgil.ops.chain_elimination import Chain
from virgil.ops.factor import Factor, product
from virgil.ops.semiring import Semiring

__all__ = ["connected", "contract", "eliminate", "plated_sum_product"]

Item = TypeVar("Item")


def plated_sum_product(
    factors: Sequence[Factor],
    variables: frozenset[str],
    plates: Mapping[str, float],
    semiring: Semiring,
    chains: Sequence[Chain] = (),
) -> Factor:
    """Eliminate variables and multiply over plates; return one factor over the other dims.

    The arguments are those of :func:`eliminate`.
    """
    remaining = eliminate(factors, variables, plates, semiring, chains)
    return product([factor.multiplied(frozenset(plates), plates) for factor in remaining])


def eliminate(
    factors: Sequence[Factor],
    variables: frozenset[str],
    plates: Mapping[str, float],
    semiring: Semiring,
    chains: Sequence[Chain] = (),
) -> list[Factor]:
    """Eliminate variables, innermost plates first. A plate is multiplied over only if a variable outside it needs that.

    Args:
        factors: logarithms over variables, plates, and other dims, which stay.
        variables: the dims to eliminate. A variable is local to the plates that all factors around it share.
        plates: the dims to multiply over, with the power to which each slot's product is raised.
        semiring: how a variable is eliminated.
        chains: plates whose neighbouring slots share variables.

    Returns:
        Factors without the variables. The plates that they still have are to be multiplied over.

    Raises:
        PlateError: two variables of plates that cross meet in a factor, so that elimination would take time exponential
            in the plates' sizes.
    """
    shifted = {name: window[-1] for chain in chains for window in chain.windows for name in window}
    local = _ordinals(factors, variables, plates, shifted)
    waiting: dict[frozenset[str], list[Factor]] = {}
    for factor in factors:
        waiting.setdefault(_plates_of(factor, plates), []).append(factor)
    finished: list[Factor] = []
    while waiting:
        leaf = max(waiting, key=lambda plate_set: (len(plate_set), sorted(plate_set)))
        here = frozenset(name for name, plate_set in local.items() if plate_set == leaf)
        chain = next((chain for chain in chains if chain.dim in leaf), None)
        for component in connected(waiting.pop(leaf), partial(_shared, here, shifted)):
            gone = here.intersection(dim for factor in component for dim in factor.dims)
            linked = chain.linked(gone) if chain else frozenset()
            factor = contract(component, gone - linked, semiring)
            if chain and linked:
                _check_apart(factor, chain, linked, leaf, local)
                factor = chain.eliminated(factor, semiring)
            above = [local[dim] for dim in factor.dims if dim in local]
            if not above:
                finished.append(factor)
                continue
            parent = frozenset().union(*above)
            if parent == leaf:
                raise _crossing(factor, leaf, local)
            waiting.setdefault(parent, []).append(factor.multiplied(leaf - parent, plates))
    return finished


def _plates_of(factor: Factor, plates: Iterable[str]) -> frozenset[str]:
    return frozenset(plates).intersection(factor.dims)


def _ordinals(
    factors: Sequence[Factor], variables: frozenset[str], plates: Mapping[str, float], shifted: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """The plates that each variable is local to. All names of a variable in a slot of a chain have the same plates."""
    local: dict[str, frozenset[str]] = {}
    for factor in factors:
        plate_set = _plates_of(factor, plates)
        for name in variables.intersection(factor.dims):
            own = shifted.get(name, name)
            local[own] = local.get(own, plate_set) & plate_set
    return {name: local[own] for name in variables if (own := shifted.get(name, name)) in local}


def _shared(variables: frozenset[str], shifted: Mapping[str, str], factor: Factor) -> list[str]:
    return [shifted.get(name, name) for name in variables.intersection(factor.dims)]


def connected(items: Iterable[Item], names_of: Callable[[Item], Iterable[str]]) -> list[list[Item]]:
    """The items in groups. Two items are in one group if they share a name, or if a chain of such items links them."""
    group_of: dict[str, list[Item]] = {}
    groups: dict[int, list[Item]] = {}
    for item in items:
        names = list(names_of(item))
        joined = {id(group): group for group in (group_of[name] for name in names if name in group_of)}
        merged = max(joined.values(), key=len, default=[])
        for place, group in joined.items():
            if group is not merged:
                del groups[place]
                merged.extend(group)
                group_of.update((name, merged) for each in group for name in names_of(each))
        merged.append(item)
        group_of.update((name, merged) for name in names)
        groups[id(merged)] = merged
    return list(groups.values())


def contract(factors: Sequence[Factor], variables: frozenset[str], semiring: Semiring) -> Factor:
    """The product of factors with the variables eliminated, in the order that opt-einsum finds."""
    if len(factors) == 1:
        return factors[0].eliminated(variables, semiring)
    operands = list(factors)
    uses: dict[str, int] = {}
    for factor in operands:
        for dim in factor.dims:
            uses[dim] = uses.get(dim, 0) + 1
    for chosen in _path(tuple((factor.dims, tuple(factor.logs.shape)) for factor in factors), variables):
        group = [operands.pop(place) for place in sorted(chosen, reverse=True)]
        for factor in group:
            for dim in factor.dims:
                uses[dim] -= 1
        joint = product(group)
        joint = joint.eliminated(variables.intersection(dim for dim in joint.dims if not uses[dim]), semiring)
        for dim in joint.dims:
            uses[dim] += 1
        operands.append(joint)
    return operands[0]


@lru_cache(maxsize=512)
def _path(
    operands: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...], variables: frozenset[str]
) -> tuple[tuple[int, ...], ...]:
    """The operands to multiply next, pair by pair. A product joins the end of the list."""
    symbols: dict[str, str] = {}
    for dims, _ in operands:
        for dim in dims:
            symbols.setdefault(dim, opt_einsum.get_symbol(len(symbols)))
    inputs = ",".join("".join(symbols[dim] for dim in dims) for dims, _ in operands)
    output = "".join(symbol for dim, symbol in symbols.items() if dim not in variables)
    shapes = [shape for _, shape in operands]
    path, _ = opt_einsum.contract_path(f"{inputs}->{output}", *shapes, shapes=True)
    return tuple(tuple(step) for step in path)


def _check_apart(
    factor: Factor, chain: Chain, linked: frozenset[str], leaf: frozenset[str], local: Mapping[str, frozenset[str]]
) -> None:
    """Check that no variable but the chain's own still differs from step to step of the chain."""
    if any(chain.dim in local[dim] for dim in factor.dims if dim in local and dim not in linked):
        raise _crossing(factor, leaf, local)


def _crossing(factor: Factor, leaf: frozenset[str], local: Mapping[str, frozenset[str]]) -> PlateError:
    variables = sorted(dim for dim in factor.dims if dim in local)
    described = " and ".join(f"{name!r} (in plates {sorted(local[name])})" for name in variables)
    return PlateError(
        f"Variables {described} meet inside plates {sorted(leaf)}, so summing them out would take "
        "time exponential in the plates' sizes. Make the plates a tree: declare one of the "
        "variables in fewer plates, or sample it in the guide instead."
    )
