"""The page of families is what the code makes, and each docstring states the family's formula."""

from __future__ import annotations

import pytest
import torch

from tests.house.families.constraint_words import in_words
from tests.house.families.definitions import definition, has_formula
from tests.house.families.page import FOLDER, made, present
from tests.house.families.wings import WINGS, families
from tests.house.versions import pinned
from virgil import distributions as dist
from virgil.distributions import constraints

# made of other distributions, of a value or of samples: there is no formula beyond the words
WORDS_ALONE = {
    "ConditionalDistribution", "ConditionalTransformedDistribution", "ConstantConditionalDistribution", "Delta",
    "Empirical", "ExpandedDistribution", "ImproperUniform", "Independent", "IndependentHMM", "MaskedDistribution",
    "MaskedMixture", "Unit",
}  # fmt: skip


@pytest.mark.long
@pytest.mark.skipif(torch.__version__.partition("+")[0] != pinned("torch"), reason="what torch has differs by version")
def test_the_page_is_up_to_date() -> None:
    assert present() == made(), "docs/families.md is out of date: python -m tests.house.families"


def test_each_docstring_states_a_formula() -> None:
    without = {each.__name__ for wing in WINGS for each in families(wing) if not has_formula(each)}
    assert without == WORDS_ALONE


@pytest.mark.parametrize("wing", WINGS)
def test_each_wing_has_a_picture(wing: str) -> None:
    assert (FOLDER / f"{wing}.png").exists(), "python -m tests.house.families --pictures"


def test_a_definition_is_one_cell() -> None:
    text = definition(dist.Laplace)
    assert text == r"A real number with density `exp(-\|x - loc\| / scale) / (2 * scale)`."
    series = definition(dist.GaussianHMM)
    assert "\n" not in series
    assert "$z_t" in series


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (constraints.real, "real"),
        (constraints.positive, "> 0"),
        (constraints.unit_interval, "[0, 1]"),
        (constraints.half_open_interval(0.0, 2.5), "[0, 2.5)"),
        (constraints.less_than(3.0), "< 3"),
        (constraints.nonnegative_integer, "integer ≥ 0"),
        (constraints.independent(constraints.real, 1), "real vector"),
        (constraints.independent(constraints.positive, 2), "matrix of entries > 0"),
        (constraints.corr_matrix, "correlation matrix"),
    ],
)
def test_sets_in_words(constraint: constraints.Constraint, words: str) -> None:
    assert in_words(constraint) == words


def test_a_bound_has_the_name_of_its_parameter() -> None:
    fn = dist.Uniform(torch.tensor([0.5, 1.0]), torch.tensor([2.0, 3.0]))
    assert in_words(fn.support, fn) == "[`low`, `high`]"
