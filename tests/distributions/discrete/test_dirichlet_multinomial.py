"""Counts of labels with unknown probabilities."""

import pytest
import torch

import virgil.distributions as dist


def test_one_draw_is_a_label_with_the_mean_probability():
    concentration = torch.tensor([1.0, 2.0, 5.0])
    fn = dist.DirichletMultinomial(concentration)
    torch.testing.assert_close(fn.log_prob(torch.eye(3)).exp(), concentration / 8)


def test_two_labels_are_the_beta_binomial():
    count = torch.arange(8.0)
    fn = dist.DirichletMultinomial(torch.tensor([1.5, 0.7]), 7, is_sparse=True)
    expected = dist.BetaBinomial(1.5, 0.7, 7).log_prob(count)
    torch.testing.assert_close(fn.log_prob(torch.stack([count, 7 - count], -1)), expected)


@pytest.mark.parametrize("labels", [1, 2, 5, 8])
def test_counts_that_differ_along_the_batch_are_drawn(labels):
    total = torch.tensor([0, 3, 50])
    fn = dist.DirichletMultinomial(torch.ones(labels), total)
    x = fn.sample((20,))
    assert x.shape == (20, 3, labels)
    assert (x >= 0).all()
    assert (x.sum(-1) == total).all()


def test_shapes_follow_from_those_of_the_arguments():
    assert dist.DirichletMultinomial.infer_shapes(concentration=(2, 3), total_count=(4, 1)) == ((4, 2), (3,))


def test_more_counts_than_draws_are_refused():
    with pytest.raises(ValueError, match="to be within the support"):
        dist.DirichletMultinomial(torch.ones(3), 2).log_prob(torch.ones(3))
