"""A point mass: its density, its gradients, its event."""

import math

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_delta_scores_its_point_alone_and_carries_gradients():
    v = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    density = torch.tensor([0.5, -0.5], requires_grad=True)
    fn = dist.Delta(v, density, event_dim=1)
    assert (fn.batch_shape, fn.event_shape) == ((2,), (2,))
    fn.rsample((3,)).sum().backward()
    assert v.grad.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    log_prob = fn.log_prob(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    assert log_prob.tolist() == [0.5, -math.inf]
    log_prob[0].backward()
    assert density.grad.tolist() == [1.0, 0.0]
    with pytest.raises(ShapeError, match=r"event_dim=2 and a value v of shape \(\)"):
        dist.Delta(torch.tensor(0.0), event_dim=2)
