"""Flows as guides: gap zero where the flow is the posterior's, a banana, states and what is refused."""

from functools import partial

import pytest
import torch
import zuko

import virgil
import virgil.distributions as dist
from virgil.distributions.transforms import AffineTransform, affine_autoregressive, iterated
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoDiagonalNormal, AutoIAFNormal, AutoMultivariateNormal, AutoNormalizingFlow


def normal():
    x = virgil.sample("x", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    virgil.sample("y", dist.Normal(x, 0.5).to_event(1), obs=torch.tensor([1.0, -2.0]))


def banana():
    x = virgil.sample("x", dist.Normal(0.0, 1.0))
    virgil.sample("y", dist.Normal(0.5 * x**2, 0.5))


def test_the_gap_is_zero_where_the_flow_is_the_posteriors():
    """Of each coordinate the posterior is ``N(0.8 y, sqrt(0.2))``, the evidence ``N(y | 0, sqrt(1.25))``."""
    mean = 0.8 * torch.tensor([1.0, -2.0])
    guide = AutoNormalizingFlow(normal, lambda dim: AffineTransform(mean, 0.2**0.5, event_dim=1))
    evidence = dist.Normal(0.0, 1.25**0.5).log_prob(torch.tensor([1.0, -2.0])).sum()
    for _ in range(3):
        torch.testing.assert_close(-Trace_ELBO().differentiable_loss(normal, guide), evidence)
    spread = 0.2**0.5 * dist.Normal(0.0, 1.0).icdf(torch.tensor(0.9))
    low, high = guide.quantiles([0.1, 0.9])["x"]  # of 4096 draws: a standard error of 0.012
    torch.testing.assert_close(guide.median()["x"], mean, atol=0.06, rtol=0.0)
    torch.testing.assert_close(high - low, (2 * spread).expand(2), atol=0.1, rtol=0.0)
    assert torch.equal(guide.median()["x"], guide.median()["x"])


@pytest.mark.long
def test_a_banana_within_a_twentieth_of_a_nat():
    """Its evidence is one, so that the loss is the gap; independent normals are half a nat away."""
    guide = AutoIAFNormal(banana, hidden_dim=[16], num_transforms=1)
    optim = virgil.optim.ClippedAdam({"lr": 0.02, "lrd": 0.02 ** (1 / 1000)})
    SVI(banana, guide, optim, Trace_ELBO(num_particles=32)).run(1000, progress=False)
    loss = Trace_ELBO(num_particles=2000, vectorize_particles=True).loss(banana, guide)
    assert -0.02 < loss < 0.05


def coupling(dim):
    return zuko.flows.NSF(dim, transforms=2, hidden_features=[16])


def autoregressive(dim):
    return zuko.flows.MAF(dim, transforms=2, hidden_features=[16]).transform


@pytest.mark.parametrize("made", [coupling, autoregressive])
def test_a_flow_of_zuko_is_a_guide(made):
    """Its density is that of the change of variables, and its state comes back before the first call."""
    torch.set_default_dtype(torch.float64)
    guide = AutoNormalizingFlow(banana, made)
    guide()
    noise = torch.tensor([0.3, -0.4])
    vector = guide.get_transform()(noise)
    jacobian = torch.autograd.functional.jacobian(guide.get_transform(), noise)
    expected = dist.Normal(torch.zeros(2), 1.0).log_prob(noise).sum() - torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(guide.get_posterior().log_prob(vector), expected)
    drawn = guide.get_posterior()
    draw = drawn.rsample((3,))
    torch.testing.assert_close(drawn.log_prob(draw), guide.get_posterior().log_prob(draw.clone()))
    fresh = AutoNormalizingFlow(banana, made)
    fresh.load_state_dict(guide.state_dict())
    for name, value in guide.median().items():
        assert torch.equal(fresh.median()[name], value)


@pytest.mark.thorough
@pytest.mark.parametrize("made", [coupling, autoregressive])
def test_a_flow_of_zuko_on_a_banana(made):
    guide = AutoNormalizingFlow(banana, made)
    optim = virgil.optim.ClippedAdam({"lr": 0.02, "lrd": 0.02 ** (1 / 500)})
    SVI(banana, guide, optim, Trace_ELBO(num_particles=32)).run(500, progress=False)
    loss = Trace_ELBO(num_particles=4000, vectorize_particles=True).loss(banana, guide)
    assert -0.02 < loss < 0.05


def test_two_guides_of_one_seed_begin_alike_and_a_reset_keeps_the_leaves():
    first, second = (AutoIAFNormal(normal) for _ in range(2) if virgil.set_rng_seed(1) is None)
    torch.randn(2)
    first(), second()
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    before = {name: leaf.clone() for name, leaf in first.named_parameters()}
    leaves = [id(leaf) for leaf in first.parameters()]
    first.reset_parameters()
    first()
    assert [id(leaf) for leaf in first.parameters()] == leaves
    assert any(not torch.equal(leaf, before[name]) for name, leaf in first.named_parameters())


@pytest.mark.parametrize("family", [AutoDiagonalNormal, AutoMultivariateNormal, AutoIAFNormal])
def test_the_posterior_is_the_image_of_the_base(family):
    guide = family(normal)
    guide()
    with torch.no_grad():
        for leaf in guide.parameters():
            leaf.add_(0.3 * torch.randn_like(leaf))
    vector = torch.tensor([0.3, -0.4])
    image = dist.TransformedDistribution(guide.get_base_dist(), [guide.get_transform()])
    torch.testing.assert_close(image.log_prob(vector), guide.get_posterior().log_prob(vector))


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="takes a function from the number of latent variables"):
        AutoNormalizingFlow(normal, 3)
    with pytest.raises(ArgumentError, match="must return a transform"):
        AutoNormalizingFlow(normal, lambda dim: dim)()
    with pytest.raises(ArgumentError, match="num_transforms=0"):
        AutoIAFNormal(normal, num_transforms=0)
    with pytest.raises(ArgumentError, match="Call it once"):
        AutoNormalizingFlow(normal, partial(iterated, 2, affine_autoregressive)).get_base_dist()
