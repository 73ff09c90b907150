"""All zeros come from the gate; the rest is the base given that it is positive."""

import math

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


COUNTS = {
    "Poisson": dist.Poisson(double(0.4, 3.0)),
    "Geometric": dist.Geometric(double(0.9, 0.3)),
    "NegativeBinomial": dist.NegativeBinomial(double(0.3, 2.5), double(0.7, 0.4)),
    "GammaPoisson": dist.GammaPoisson(double(0.3, 2.5), double(0.5, 1.5)),
    "Binomial": dist.Binomial(double(4.0, 7.0), double(0.05, 0.6)),
    "Bernoulli": dist.Bernoulli(double(0.05, 0.6)),
    "BetaBinomial": dist.BetaBinomial(double(0.5, 2.0), double(1.5, 1.0), double(4.0, 7.0)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_draws_have_their_probabilities(name):
    """A chi-square test of 20,000 draws for each of two; each false alarm has probability 1e-6."""
    torch.manual_seed(0)
    fn = dist.HurdleDistribution(COUNTS[name], gate=double(0.2, 0.6))
    draws = fn.sample((20_000,))
    values = torch.arange(200, dtype=torch.double).unsqueeze(-1)
    with torch.no_grad():
        probs = dist.HurdleDistribution(COUNTS[name], gate=fn.gate, validate_args=False).log_prob(values).exp()
    for entry in range(2):
        expected = probs[:, entry].nan_to_num(0.0) * len(draws)
        seen = torch.bincount(draws[:, entry].long(), minlength=200).double()
        enough = expected > 10
        rest = double(expected[~enough].sum().item()), seen[~enough].sum().unsqueeze(0)
        expected, seen = (torch.cat([each[enough], last]) for each, last in ((expected, rest[0]), (seen, rest[1])))
        keep = expected > 1
        assert seen[~keep].sum() <= 20
        distance = ((seen - expected)[keep].square() / expected[keep]).sum().item()
        assert stats.chi2(max(int(keep.sum()) - 1, 1)).sf(distance) > 1e-6


def test_the_mean_is_that_of_positive_counts():
    fn = dist.HurdleDistribution(dist.Poisson(double(2.0)), gate=0.25)
    assert fn.mean.item() == pytest.approx(0.75 * 2 / (1 - math.exp(-2)))
    assert fn.support is dist.constraints.nonnegative_integer


def test_a_base_of_either_sign_is_taken_above_zero():
    torch.manual_seed(0)
    fn = dist.HurdleDistribution(dist.Normal(*double(-1.0, 2.0)), gate=double(0.3))
    x = double(0.0, 0.5, 3.0)
    above = stats.norm(-1, 2)
    expected = double(0.3, *(0.7 * above.pdf([0.5, 3.0]) / above.sf(0.0)))
    torch.testing.assert_close(fn.log_prob(x).exp(), expected)
    draws = fn.sample((500, 1)).flatten()
    assert (draws >= 0).all()
    zeros = int((draws == 0).sum())
    assert 1e-6 < stats.binom(500, 0.3).cdf(zeros) < 1 - 1e-6  # a false alarm has probability 2e-6
    positive = draws[draws > 0].numpy()
    assert stats.kstest(positive, lambda x: 1 - above.sf(x) / above.sf(0.0)).pvalue > 1e-6


def test_a_value_that_the_base_has_not_is_impossible():
    fn = dist.HurdleDistribution(dist.Pareto(double(2.0), double(3.0)), gate=0.5)
    value = fn.log_prob(double(0.0, 1.0, 4.0))
    expected = [math.log(0.5), -math.inf, math.log(0.5) + stats.pareto(3, scale=2).logpdf(4)]
    torch.testing.assert_close(value, double(*expected), rtol=1e-6, atol=1e-6)
    assert dist.HurdleDistribution(dist.Beta(2.0, 3.0), gate=0.5).support.upper_bound == 1


def test_what_has_no_hurdle_is_refused():
    with pytest.raises(ArgumentError, match="HurdleDistribution takes one of gate and gate_logits"):
        dist.HurdleDistribution(dist.Poisson(2.0))
    with pytest.raises(ShapeError, match="HurdleDistribution got a base_dist of event_shape"):
        dist.HurdleDistribution(dist.Normal(torch.zeros(2), 1.0).to_event(1), gate=0.5)
    signed = dist.Delta(torch.tensor(1.0))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ArgumentError, match="HurdleDistribution got Delta with"):
        patch.setattr(dist.Delta, "support", dist.constraints.integer)
        dist.HurdleDistribution(signed, gate=0.5)
    with pytest.raises(ArgumentError, match="BetaBinomial had no positive draw in 10000 rounds"):
        dist.HurdleDistribution(dist.BetaBinomial(1.0, 1.0, 0), gate=0.0).sample()
