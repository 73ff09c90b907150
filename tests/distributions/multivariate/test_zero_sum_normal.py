"""Zero-sum normals: the density of the subspace, and what is refused."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_the_density_is_that_of_independent_normals_in_the_subspace():
    torch.manual_seed(0)
    fn = dist.ZeroSumNormal(torch.tensor([0.5, 2.0], dtype=torch.double), (3, 4))
    u = torch.randn(2, 2, 3, dtype=torch.double)
    inside = dist.biject_to(fn.support)(u)
    normal = dist.Normal(0.0, fn.scale[:, None, None]).expand((2, 2, 3)).to_event(2)
    torch.testing.assert_close(fn.log_prob(inside), normal.log_prob(u))
    torch.testing.assert_close(fn.entropy(), normal.entropy())
    assert fn.support.check(fn.sample((100,))).all()


@pytest.mark.parametrize("event_shape", [(), (3, 1)])
def test_events_without_a_sum_are_refused(event_shape):
    with pytest.raises(ShapeError, match="one dim or more, each of two entries or more"):
        dist.ZeroSumNormal(1.0, event_shape)
