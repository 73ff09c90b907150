"""A tensor of integers as the number of trials does not round the probability beside it."""

import pytest
import torch

import virgil.distributions as dist


@pytest.mark.parametrize("family", [dist.Binomial, dist.NegativeBinomial])
def test_a_number_beside_a_tensor_of_integers_is_kept(family):
    fn, expected = family(torch.tensor([5, 3]), 0.3), family(torch.tensor([5.0, 3.0]), 0.3)
    assert fn.probs.tolist() == pytest.approx([0.3, 0.3])
    assert fn.total_count.is_floating_point()
    x = fn.sample((4,))
    torch.testing.assert_close(fn.log_prob(x), expected.log_prob(x))
    assert family(torch.tensor(5), logits=0.3).logits.item() == pytest.approx(0.3)
    assert family(torch.tensor(5), torch.tensor(0.3, dtype=torch.double)).total_count.dtype == torch.double
    assert fn.expand((2, 2)).batch_shape == (2, 2)
