"""LinearHMM: its draws against those of GaussianHMM and against closed forms; it has no density."""

import pytest
import torch

import virgil.distributions as dist
from tests.distributions.time_series.dense import Joint, parameters
from tests.distributions.time_series.test_gaussian_hmm import assert_moments
from virgil.errors import ArgumentError

VECTOR = dist.Normal(torch.zeros(2), 1.0).to_event(1)
FIELDS = {"initial_dist": VECTOR, "transition_matrix": torch.eye(2), "transition_dist": VECTOR, "duration": 4}


def linear(observation_dist, **changed):
    return dist.LinearHMM(
        **{**FIELDS, **changed}, observation_matrix=torch.ones(2, 1), observation_dist=observation_dist
    )


@pytest.mark.parametrize("steady", [True, False])
def test_with_normal_noise_its_draws_have_the_moments_of_gaussian_hmm(steady):
    torch.manual_seed(7)
    params = parameters(5, 2, 2, steady)
    joint = Joint(5, *params)
    assert_moments(dist.LinearHMM(*params, duration=5).rsample((20_000,)).flatten(1), joint.mean, joint.spread)


def test_maps_of_the_observations_are_applied_last():
    number = dist.Normal(torch.zeros(1), 0.5)
    transforms = [dist.transforms.ExpTransform(), dist.transforms.AffineTransform(1.0, 2.0)]
    written = [
        linear(dist.TransformedDistribution(number, transforms).to_event(1)),
        linear(dist.TransformedDistribution(number.to_event(1), transforms)),
    ]
    torch.manual_seed(1)
    plain = linear(number.to_event(1)).rsample((3,))
    for fn in written:
        assert fn.transforms == transforms
        assert isinstance(fn.observation_dist.base_dist, dist.Normal)
        assert fn.support.event_dim == 2
        torch.manual_seed(1)
        torch.testing.assert_close(fn.rsample((3,)), 1 + 2 * plain.exp())
    positive = linear(dist.LogNormal(torch.zeros(1), 1.0).to_event(1))
    assert positive.support.check(positive.sample((5,))).all()
    assert not positive.support.check(torch.full((4, 1), -1.0))


def test_noise_of_other_kinds_and_the_shape_algebra():
    heavy = dist.StudentT(3.0, torch.zeros(2), 1.0).to_event(1)
    scale = torch.tensor(1.5, requires_grad=True)
    model = linear(dist.Laplace(torch.zeros(1), scale).to_event(1), transition_dist=heavy)
    assert (model.hidden_dim, model.obs_dim, model.duration, model.event_shape) == (2, 1, 4, (4, 1))
    big = model.expand((3,))
    assert type(big) is dist.LinearHMM
    assert big.rsample((2,)).shape == (2, 3, 4, 1)
    (slope,) = torch.autograd.grad(big.rsample().square().sum(), scale)
    assert slope != 0


def test_there_is_no_density_and_the_message_says_what_to_do():
    with pytest.raises(NotImplementedError, match="LinearHMM has no log_prob.*LinearHMMReparam.*or use GaussianHMM"):
        linear(dist.Laplace(torch.zeros(1), 1.0).to_event(1)).log_prob(torch.zeros(4, 1))
    with pytest.raises(ArgumentError, match="no number of steps"):
        linear(dist.Laplace(torch.zeros(1), 1.0).to_event(1), duration=None).rsample()
