"""At the edges of their parameters densities, divergences and gradients in float32 lose at most two of seven digits.

The exact figures come from mpmath, at the very numbers that a float32 holds. A value may be off by 2e-5 of itself, or
of one; a derivative by 2e-4 of itself, or by what changes the value by 2e-5 as the parameter doubles.
"""

import mpmath as mp
import pytest
import torch

from tests.laws.edge_densities import EDGES
from tests.laws.edge_divergences import DIVERGENCES
from tests.laws.families import ROWS as FAMILIES
from virgil.distributions.core.validation import unchecked

VALUE, SLOPE = 2e-5, 2e-4
LARGEST = 1e30  # a float32 ends at 3e38, and squares of intermediate results are allowed for
ROWS = {**EDGES, **{f"KL {name}": row for name, row in DIVERGENCES.items()}}

NO_FORMULA = {  # of their own: they score by the families inside them, or compare and look up
    "Delta", "Empirical", "ExpandedDistribution", "ImproperUniform", "Independent", "MaskedDistribution",
    "MaskedMixture", "MixtureSameFamily", "TransformedDistribution", "Unit", "DiscreteHMM",
    "CompoundDistribution", "EulerMaruyama", "IndependentHMM", "RightTruncatedDistribution", "SineSkewed",
    "TwoSidedTruncatedDistribution", "ZeroInflatedDistribution",
    "Stable", "StableWithLogProb",  # an integral, which a test of its own compares with another one
}  # fmt: skip
NORMAL = {  # a square and logarithms, as Normal
    "AVFMultivariateNormal", "CAR", "GaussianMRF", "GroupedNormalNormal", "LogisticNormal", "LowRankMultivariateNormal",
    "MatrixNormal", "MultivariateNormal", "NanMaskedMultivariateNormal", "NanMaskedNormal", "OMTMultivariateNormal",
    "ZeroSumNormal",
}  # fmt: skip
OWN_TESTS = {  # sums over matchings, trees and intervals, which tests of their own compare
    "CoalescentTimes", "CoalescentTimesWithRate", "OneOneMatching", "OneTwoMatching", "SpanningTree",
}  # fmt: skip
AS_CATEGORICAL = {"OneHotCategorical", "OneHotCategoricalStraightThrough"}
AS_ANOTHER = {  # whose formula they take
    "ExtendedBetaBinomial", "ExtendedBinomial", "RelaxedBernoulliStraightThrough",
    "RelaxedOneHotCategoricalStraightThrough",
}  # fmt: skip


def test_every_family_with_a_formula_has_a_row():
    elsewhere = NO_FORMULA | NORMAL | AS_CATEGORICAL | AS_ANOTHER | OWN_TESTS
    families, rows = ({name.partition("(")[0] for name in each} for each in (FAMILIES, EDGES))
    assert families - elsewhere == rows


def exact(row, at):
    """The value and its derivative by each number."""
    slopes = {}
    for name, number in at.items():
        h = abs(number) * mp.mpf(10) ** -25 or mp.mpf(10) ** -45
        up, down = (row.exact(**{**at, name: number + step}) for step in (h, -h))
        slopes[name] = (up - down) / (2 * h)
    return row.exact(**at), slopes


def misses(row):
    """One line for every value or derivative that is too far off."""
    found = []
    for case in row.cases():
        tensors = {name: torch.tensor(each, dtype=torch.float32, requires_grad=True) for name, each in case.items()}
        at = {name: mp.mpf(each.item()) for name, each in tensors.items()}
        value, slopes = exact(row, at)
        if not mp.isfinite(value) or abs(value) > LARGEST:
            continue
        ours = row.ours(**tensors)
        if not abs(ours.item() - value) <= VALUE * max(1, abs(value)):
            found.append(f"{case}: {ours.item():.8g} for {mp.nstr(value, 9)}")
        for name, slope in zip(tensors, torch.autograd.grad(ours, tensors.values(), allow_unused=True), strict=True):
            expected = slopes[name]
            if slope is None or name == "x" or not abs(expected) <= LARGEST:
                continue
            allowed = SLOPE * abs(expected) + VALUE / max(abs(at[name]), mp.mpf(10) ** -30)
            if not abs(slope.item() - expected) <= allowed:
                found.append(f"{case}: d {name} {slope.item():.8g} for {mp.nstr(expected, 9)}")
    return found


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_values_and_gradients_keep_five_digits(row):
    with unchecked():  # some edges are refused as values, and scored
        assert misses(row) == []
