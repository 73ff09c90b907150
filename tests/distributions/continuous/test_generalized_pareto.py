"""Excesses over a threshold, for a shape of every sign."""

import math

import pytest
import torch

import virgil.distributions as dist


def test_generalised_pareto_of_every_sign():
    c = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.double, requires_grad=True)
    fn = dist.GeneralizedPareto(torch.zeros(3, dtype=torch.double), torch.ones(3, dtype=torch.double), c)
    log_prob = fn.log_prob(torch.ones(3, dtype=torch.double))
    # (1 + c)^(-1/c - 1) at x = 1; exp(-1) at c = 0
    assert log_prob.exp().tolist() == pytest.approx([0.5, math.exp(-1), 1.5**-3])
    assert torch.autograd.grad(log_prob.sum(), c)[0].isfinite().all()
    assert not fn.support.check(torch.tensor([3.0, 3.0, 3.0])).all()
