"""The bounds of a verdict: guides whose means and spreads are off by so much, and weighted draws that are too few."""

import pytest

from tests.infer.trust.programs import DATA, conjugate, posterior_guide, standing
from virgil.infer.trust.verdict import SiteCheck
from virgil.infer.trust.weights import Moments


@pytest.mark.parametrize(
    ("shift", "factor", "trusts"),
    [
        (0.0, 1.0, "all"),
        (0.06, 1.0, "all"),
        (0.14, 1.0, "weighted draws"),  # means within 0.1 standard deviations
        (-0.14, 1.0, "weighted draws"),
        (0.0, 1.06, "all"),
        (0.0, 1.15, "weighted draws"),  # spreads within 10 %
        (0.0, 0.95, "all"),
    ],
)
def test_a_guide_is_trusted_within_the_bounds(shift, factor, trusts):
    """With 10,000 draws the errors are a fifth of the distances to the bounds, or less."""
    check = standing(conjugate, posterior_guide(shift, factor), DATA).check(steps=0, modes=False)
    assert check.verdict.trusts == trusts, check.summary()


def test_weighted_draws_that_are_too_few_are_not_trusted():
    check = standing(conjugate, posterior_guide(0.5, 1.5), DATA).check(steps=0, modes=False, draws=200)
    assert check.verdict.trusts in ("means", "nothing")
    assert "too few for 'mu'" in check.verdict.sentence
    more = int(check.verdict.advice.split("draws=")[1].split(")")[0])
    assert (
        standing(conjugate, posterior_guide(0.5, 1.5), DATA).check(steps=0, modes=False, draws=more).verdict.trusts
        == "weighted draws"
    )


@pytest.mark.parametrize(
    ("moments", "means", "spreads", "weighted"),
    [
        (Moments(0.09, 0.0, 1.0, 0.0, 0.0, 0.0), True, True, True),
        (Moments(0.09, 0.02, 1.0, 0.0, 0.0, 0.0), False, True, True),  # with its error it may be beyond the bound
        (Moments(0.0, 0.0, 1.09, 0.0, 0.0, 0.0), True, True, True),
        (Moments(0.0, 0.0, 1 / 1.12, 0.0, 0.0, 0.0), True, False, True),
        (Moments(0.0, 0.0, 1.0, 0.0, 0.04, 0.0), True, True, False),
        (Moments(0.0, 0.0, 1.0, 0.0, 0.0, 0.04), True, True, False),
    ],
)
def test_the_rules_at_their_bounds(moments, means, spreads, weighted):
    site = SiteCheck("x", None, moments)
    assert (site.mean_holds, site.spread_holds, site.weighted_holds) == (means, spreads, weighted)
