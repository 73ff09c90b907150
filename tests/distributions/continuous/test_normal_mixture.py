"""Draws of a mixture of normals move with their quantiles."""

import mpmath as mp
import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


LOC, SCALE, LOGITS = double(-2.0, 0.0, 1.5), double(0.5, 1.0, 0.7), double(0.1, -2.0, 1.0)


def test_the_density_is_that_of_a_mixture():
    x = torch.linspace(-40, 40, 33, dtype=torch.double)
    theirs = dist.MixtureSameFamily(dist.Categorical(logits=LOGITS), dist.Normal(LOC, SCALE))
    ours = dist.NormalMixture(LOC, SCALE, logits=LOGITS)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(ours.mean, theirs.mean)
    torch.testing.assert_close(ours.variance, theirs.variance)
    torch.testing.assert_close(dist.NormalMixture(LOC, SCALE, theirs.mixture_distribution.probs).logits, ours.logits)
    torch.testing.assert_close(dist.NormalMixture(LOC, 0.7).probs, torch.full((3,), 1 / 3, dtype=torch.double))


def test_quantiles_undo_the_distribution_function():
    fn = dist.NormalMixture(LOC, SCALE, logits=LOGITS)
    for share in (1e-100, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-9):
        x = fn.icdf(double(share).squeeze())
        assert fn.cdf(x).item() == pytest.approx(share, rel=1e-9, abs=0)


def test_quantiles_and_draws_have_the_derivatives_of_the_implicit_function():
    share = double(1e-6, 0.1, 0.5, 0.9, 1 - 1e-6)
    params = [each.clone().requires_grad_() for each in (LOC, SCALE, LOGITS)]

    def quantiles(loc, scale, logits, share):
        return dist.NormalMixture(loc, scale, logits=logits).icdf(share)

    assert torch.autograd.gradcheck(quantiles, (*params, share[1:4].requires_grad_()), eps=1e-6, atol=1e-7, rtol=1e-6)
    fn = dist.NormalMixture(params[0], params[1], logits=params[2])
    torch.manual_seed(0)
    x = fn.rsample((20,))
    again = fn.icdf(fn.cdf(x.detach()).detach())
    for ours, theirs in zip(
        torch.autograd.grad(x.sum(), params, retain_graph=True), torch.autograd.grad(again.sum(), params), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)


def test_derivatives_of_draws_keep_their_digits_in_the_tail():
    """Of a draw six standard deviations out in float32, by the weight of the component that it is not from."""
    logits = torch.tensor([0.0, 0.0], requires_grad=True)
    fn = dist.NormalMixture(torch.tensor([0.0, 0.5]), torch.tensor([1.0, 1.0]), logits=logits)
    (slope,) = torch.autograd.grad(fn._moving(torch.tensor(6.0)), logits)
    above = [mp.erfc((6 - mp.mpf(m)) / mp.sqrt(2)) / 2 for m in (0, 0.5)]
    density = (mp.npdf(6) + mp.npdf(5.5)) / 2
    assert slope[0].item() == pytest.approx(float((above[0] - above[1]) / 4 / density), rel=1e-4)


def test_draws_are_of_the_distribution_function():
    """Kolmogorov and Smirnov's distance of 5,000 draws; a false alarm has probability 1e-5."""
    torch.manual_seed(0)
    fn = dist.NormalMixture(LOC, SCALE, logits=LOGITS)
    draws = fn.sample((5000,))
    assert stats.kstest(fn.cdf(draws).numpy(), "uniform").pvalue > 1e-5


def test_a_component_may_have_no_weight():
    probs = double(0.5, 0.0, 0.5).requires_grad_()
    fn = dist.NormalMixture(LOC, SCALE, probs)
    x = fn.rsample((10,))
    assert torch.autograd.grad((x + fn.log_prob(x.detach())).sum(), probs)[0].isfinite().all()


def test_what_is_no_mixture_is_refused():
    with pytest.raises(ArgumentError, match="NormalMixture takes one of probs and logits"):
        dist.NormalMixture(LOC, SCALE, LOGITS.softmax(-1), LOGITS)
    with pytest.raises(ShapeError, match="the last dim is that of the components"):
        dist.NormalMixture(torch.tensor(0.0), 1.0)
