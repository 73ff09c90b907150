"""IndependentHMM against its series one by one."""

import pytest
import torch

import virgil.distributions as dist
from tests.distributions.time_series.dense import normal
from virgil.errors import ShapeError


def base(**changed):
    torch.manual_seed(4)
    moves = 0.5 * torch.randn(3, 1, 2, 2, dtype=torch.double)
    seen = torch.randn(2, 1, dtype=torch.double)
    return dist.GaussianHMM(normal(3, size=2), moves, normal(size=2), seen, normal(size=1), **changed)


def test_densities_of_the_series_add_up():
    inner, value = base(duration=5), torch.randn(4, 5, 3, dtype=torch.double)
    fn = dist.IndependentHMM(inner)
    assert (fn.batch_shape, fn.event_shape, fn.duration, fn.has_rsample) == ((), (5, 3), 5, True)
    expected = inner.log_prob(value.mT.unsqueeze(-1)).sum(-1)
    torch.testing.assert_close(fn.log_prob(value), expected)
    big = fn.expand((4,))
    assert (big.batch_shape, big.rsample((2,)).shape) == ((4,), (2, 4, 5, 3))
    torch.testing.assert_close(big.log_prob(value), expected)
    any_length = dist.IndependentHMM(base())
    assert (any_length.duration, any_length.event_shape) == (None, (1, 3))
    torch.testing.assert_close(any_length.log_prob(value), expected)
    torch.testing.assert_close(any_length.expand((4,)).to_event(1).log_prob(value), expected.sum())
    assert any_length.with_length_of(value).event_shape == (5, 3)


def test_other_bases_are_refused():
    with pytest.raises(ShapeError, match=r"they are \(\*batch, obs_dim\) and \(steps, 1\)"):
        dist.IndependentHMM(dist.Normal(0.0, 1.0))
