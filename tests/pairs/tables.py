"""The one table of pairs that fit together, and the one of mistakes."""

from __future__ import annotations

from tests.pairs import (
    chained,
    enumerated,
    guides_and_supports,
    mistaken_dims,
    mistaken_meanings,
    mistaken_modules,
    mistaken_plates,
    mistaken_ranges,
    mistaken_sites,
    mistaken_values,
    plain,
)
from tests.pairs.mistake import Mistake, Pair
from virgil.infer import TraceEnum_ELBO

__all__ = ["DISCRETE", "LEGAL", "MISTAKES", "PLAIN"]

PLAIN = {name: Pair(*each) for name, each in plain.PAIRS.items()}
DISCRETE = {
    f"enumerated, {name}": Pair(*each, loss=TraceEnum_ELBO)
    for table in (enumerated.PAIRS, chained.PAIRS)
    for name, each in table.items()
}
LEGAL: dict[str, Pair] = {**PLAIN, **DISCRETE, **guides_and_supports.PAIRS, **mistaken_meanings.PAIRS}
MISTAKES: dict[str, Mistake] = {
    **mistaken_sites.MISTAKES,
    **mistaken_values.MISTAKES,
    **mistaken_plates.MISTAKES,
    **{f"a dim without a plate, {name}": each for name, each in mistaken_dims.MISTAKES.items()},
    **mistaken_ranges.MISTAKES,
    **mistaken_modules.MISTAKES,
    **mistaken_meanings.MISTAKES,
    **{f"enumerated, {name}": each for name, each in enumerated.MISTAKES.items()},
    **{f"chain, {name}": each for name, each in chained.MISTAKES.items()},
}
