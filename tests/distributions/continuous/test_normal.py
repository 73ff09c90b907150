"""What no law says of the normal distribution: the standard one's short density, and the order of its noise."""

import math

import pytest
import torch

import virgil.distributions as dist

STANDARD = {
    "one value": (dist.Normal(0.0, 1.0), torch.tensor(1.5)),
    "the batch's own shape": (dist.Normal(0.0, 1.0).expand([2, 3]), torch.arange(6.0).reshape(2, 3)),
    "a value for all slots": (dist.Normal(0.0, 1.0).expand([2, 3]), torch.tensor([0.5, -2.0, 0.0])),
    "more values than slots": (dist.Normal(0.0, 1.0).expand([3]), torch.arange(6.0).reshape(2, 3)),
    "double precision": (dist.Normal(0.0, 1.0).expand([2]), torch.tensor([0.1, 3.0], dtype=torch.float64)),
    "whole numbers": (dist.Normal(0, 1).expand([2]), torch.tensor([2, -1])),
}


@pytest.mark.parametrize("case", STANDARD)
def test_a_standard_density_is_the_formula_whatever_the_value(case):
    fn, value = STANDARD[case]
    shape = torch.broadcast_shapes(fn.batch_shape, value.shape)
    expected = (-0.5 * value.double() ** 2 - 0.5 * math.log(2 * math.pi)).expand(shape)
    log_prob = fn.log_prob(value)
    assert log_prob.shape == shape
    torch.testing.assert_close(log_prob.double(), expected, rtol=1e-6, atol=0)


def test_a_standard_density_has_the_derivative_of_the_formula():
    value = torch.tensor([-2.0, 0.0, 0.7], requires_grad=True)
    dist.Normal(0.0, 1.0).expand([3]).log_prob(value).sum().backward()
    torch.testing.assert_close(value.grad, -value.detach(), rtol=0, atol=0)


@pytest.mark.parametrize("sample_shape", [(), (4,)])
def test_noise_comes_in_the_order_of_the_entries_however_the_parameters_lie_in_memory(sample_shape):
    loc, scale = torch.arange(6.0).reshape(3, 2).T, torch.full((), 2.0).expand(2, 3)
    torch.manual_seed(0)
    noise = torch.randn((*sample_shape, 2, 3))
    torch.manual_seed(0)
    drawn = dist.Normal(loc, scale).rsample(sample_shape)
    torch.testing.assert_close(drawn, loc + 2 * noise)


@pytest.mark.parametrize("family", [dist.Normal, dist.LogNormal])
def test_a_scale_given_once_scores_like_one_given_everywhere(family):
    torch.manual_seed(0)
    value = torch.rand(4, 3, dtype=torch.double)
    loc, scale = torch.randn(3, dtype=torch.double), torch.tensor(0.7, dtype=torch.double, requires_grad=True)
    once, everywhere = family(loc, scale), family(loc, scale.expand(3))
    for ours, theirs in ((once, everywhere), (once.expand((4, 3)), everywhere), (family(loc, 0.7), everywhere)):
        torch.testing.assert_close(ours.log_prob(value), theirs.log_prob(value))
    ours, theirs = (torch.autograd.grad(fn.log_prob(value).sum(), scale)[0] for fn in (once, everywhere))
    torch.testing.assert_close(ours, theirs)
    assert once.expand((4, 3)).log_prob(value[0, 0]).shape == (4, 3)
