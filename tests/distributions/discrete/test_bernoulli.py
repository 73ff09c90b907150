"""Values of any dtype and shape are scored."""

import math

import torch

import virgil.distributions as dist


def test_bernoulli_scores_values_of_every_dtype_and_shape():
    fn = dist.Bernoulli(logits=torch.zeros(2))
    for value in (torch.tensor([True, False]), torch.tensor([1, 0]), torch.tensor(1.0), torch.ones(3, 2)):
        log_prob = fn.log_prob(value)
        torch.testing.assert_close(log_prob, torch.full(log_prob.shape, math.log(0.5)))
