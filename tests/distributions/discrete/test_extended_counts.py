"""Counts with any integer for a total, and the negative binomial with noise."""

import mpmath as mp
import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ArgumentError

INF = torch.inf


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


@pytest.mark.parametrize("by", ["probs", "logits"])
def test_a_binomial_count_outside_is_impossible(by):
    argument = double(0.3).requires_grad_()
    total = double(-2.0, 0.0, 3.0)
    fn = dist.ExtendedBinomial(total, **{by: argument})
    value = fn.log_prob(double(-1.0, 0.0, 1.0, 2.0, 4.0).unsqueeze(-1))
    inner = dist.Binomial(3, **{by: argument}).log_prob(double(0.0, 1.0, 2.0))
    assert (value[:, 0] == -INF).all()
    assert value[:, 1].tolist() == [-INF, 0.0, -INF, -INF, -INF]
    torch.testing.assert_close(value[1:4, 2], inner.flatten())
    assert value[4, 2] == -INF
    assert torch.autograd.grad(value[value > -INF].sum(), argument)[0].isfinite()
    assert fn.sample()[0] == 0


def test_a_beta_binomial_count_outside_is_impossible():
    a = double(2.0).requires_grad_()
    fn = dist.ExtendedBetaBinomial(a, 3.0, double(-2.0, 3.0))
    value = fn.log_prob(double(-1.0, 1.0, 4.0).unsqueeze(-1))
    assert (value[:, 0] == -INF).all()
    torch.testing.assert_close(value[1, 1:], dist.BetaBinomial(a, 3.0, 3).log_prob(double(1.0)))
    assert value[2, 1] == -INF
    assert torch.autograd.grad(value[1, 1], a)[0].isfinite()
    assert fn.sample()[0] == 0


def test_many_points_give_the_integral_over_the_noise():
    fn = dist.LogNormalNegativeBinomial(*double(3.0, 0.5, 0.6), num_quad_points=32)
    for count in (0, 2, 9):

        def density(e, count=count):
            rate = mp.exp(0.5 + e)
            ways = mp.binomial(count + 2, count)
            return ways * rate**count / (1 + rate) ** (count + 3) * mp.npdf(e, 0, 0.6)

        with mp.workdps(20):
            exact = mp.log(mp.quad(density, [-8, -1, 0, 1, 8]))
        assert fn.log_prob(double(float(count))).item() == pytest.approx(float(exact), rel=1e-8)


def test_a_rule_has_points():
    with pytest.raises(ArgumentError, match="LogNormalNegativeBinomial got num_quad_points=0; it must be positive"):
        dist.LogNormalNegativeBinomial(3.0, torch.tensor(0.5), 0.3, num_quad_points=0)
