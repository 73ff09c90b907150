"""Counts with trials that differ from slot to slot."""

import pytest
import torch

import virgil.distributions as dist


def test_beta_binomial_of_unequal_counts_is_not_enumerated():
    fn = dist.BetaBinomial(1.0, 1.0, torch.tensor([2, 3]))
    assert fn.log_prob(torch.tensor([0.0, 0.0])).exp().tolist() == pytest.approx([1 / 3, 1 / 4])
    with pytest.raises(NotImplementedError, match="unequal total_count"):
        fn.enumerate_support()
