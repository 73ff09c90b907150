"""Ordered labels between cutpoints."""

import pytest
import torch

import virgil.distributions as dist


def test_probabilities_are_differences_of_the_logistic_distribution_function():
    predictor, cutpoints = torch.tensor([0.3, -2.0]), torch.tensor([-1.0, 0.5, 2.0])
    fn = dist.OrderedLogistic(predictor, cutpoints)
    assert fn.batch_shape == (2,)
    below = dist.Logistic(predictor.unsqueeze(-1), 1.0).cdf(cutpoints)
    ends = torch.zeros(2, 1), torch.ones(2, 1)
    torch.testing.assert_close(fn.probs, torch.cat([ends[0], below, ends[1]], -1).diff())
    assert fn.enumerate_support().shape == (4, 2)


def test_predictor_and_cutpoints_broadcast():
    fn = dist.OrderedLogistic(torch.zeros(2, 1), torch.tensor([[-1.0, 1.0], [0.0, 1.0], [0.0, 2.0]]))
    assert fn.probs.shape == (2, 3, 3)
    larger = fn.expand((4, 2, 3))
    assert type(larger) is dist.OrderedLogistic
    assert larger.predictor.shape == (4, 2, 3)
    assert larger.cutpoints.shape == (4, 2, 3, 2)
    assert dist.OrderedLogistic(0.5, torch.tensor([0.0, 1.0])).batch_shape == ()


def test_cutpoints_increase():
    with pytest.raises(ValueError, match="cutpoints"):
        dist.OrderedLogistic(torch.zeros(2), torch.tensor([1.0, -1.0]))


def test_labels_that_are_nearly_impossible_keep_their_gradient():
    predictor = torch.tensor(-300.0, requires_grad=True)
    log_prob = dist.OrderedLogistic(predictor, torch.tensor([0.0, 1.0])).log_prob(torch.tensor(2))
    assert log_prob.item() == pytest.approx(-301.0)
    assert torch.autograd.grad(log_prob, predictor)[0].item() == pytest.approx(1.0)
