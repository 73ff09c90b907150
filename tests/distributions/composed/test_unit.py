"""An empty value that carries a factor."""

import torch

import virgil.distributions as dist


def test_unit_carries_a_factor():
    fn = dist.Unit(torch.tensor([1.0, 2.0]), has_rsample=True)
    assert fn.has_rsample
    assert fn.expand((3, 2)).has_rsample
    assert fn().shape == (2, 0)
    assert fn.log_prob(fn.sample((3,))).tolist() == [[1.0, 2.0]] * 3
