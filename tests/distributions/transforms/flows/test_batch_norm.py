"""Batch normalisation as a map."""

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions.transforms import BatchNorm
from virgil.errors import ShapeError


def batch():
    return torch.randn(50, 2, dtype=torch.double) * torch.tensor([2.0, 0.3]) + torch.tensor([1.0, -4.0])


def test_inverse_images_of_a_batch_have_the_learnt_mean_and_scale():
    norm = BatchNorm(2, epsilon=0.0).double()
    with torch.no_grad():
        norm.gamma.copy_(torch.tensor([3.0, 0.5]))
        norm.beta.copy_(torch.tensor([-1.0, 2.0]))
    x = norm.inv(batch())
    torch.testing.assert_close(x.mean(0), norm.beta.data)
    torch.testing.assert_close(x.std(0), norm.gamma.data, rtol=1e-5, atol=0)
    assert norm.inv(batch().reshape(5, 10, 2)).shape == (5, 10, 2)


def test_running_averages_follow_and_serve_in_evaluation_mode():
    norm = BatchNorm(2, momentum=0.25).double()
    y = batch()
    norm.inv(y)
    torch.testing.assert_close(norm.moving_mean, 0.25 * y.mean(0))
    torch.testing.assert_close(norm.moving_variance, 0.75 + 0.25 * y.var(0))
    kept = norm.moving_mean.clone()
    x = norm.eval().inv(y)
    torch.testing.assert_close(norm.moving_mean, kept)
    torch.testing.assert_close(norm(x.clone()), y)


def test_in_training_mode_the_density_takes_the_statistics_of_the_batch():
    norm = BatchNorm(2, epsilon=0.0).double()
    y = batch()
    fn = dist.TransformedDistribution(dist.Normal(torch.zeros(2).double(), 1.0).to_event(1), [norm])
    standard = (y - y.mean(0)) / y.std(0)
    expected = dist.Normal(0.0, 1.0).log_prob(standard).sum(-1) - (y.std(0) / norm.constrained_gamma).log().sum()
    torch.testing.assert_close(fn.log_prob(y), expected, rtol=1e-5, atol=1e-5)


def test_the_density_of_a_draw_is_that_of_the_map_which_made_it():
    norm = BatchNorm(2).double()
    norm.inv(batch())
    fn = dist.TransformedDistribution(dist.Normal(torch.zeros(2).double(), 1.0).to_event(1), [norm])
    draw = fn.rsample()
    in_training = fn.log_prob(draw)
    norm.eval().clear_cache()
    torch.testing.assert_close(in_training, fn.log_prob(draw))


def test_one_row_has_no_variance():
    with pytest.raises(ShapeError, match=r"BatchNorm got a value of shape \(2,\) in training mode; a mean and a var"):
        BatchNorm(2).inv(torch.zeros(2))
