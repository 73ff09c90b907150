"""The autoencoder: its distributions, its evidence and its bound by other routes, and the demo from end to end."""

from __future__ import annotations

import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.examples import vae
from virgil.examples.data import digits
from virgil.examples.reports.vae import log_frequencies
from virgil.examples.vae_evidence import log_evidence
from virgil.infer import SVI, Trace_ELBO

pytestmark = pytest.mark.long


EPOCHS = 20
STEPS_AN_EPOCH = 12  # 1,437 images, 128 at a time


@pytest.fixture(scope="module")
def data():
    return digits.load()


@pytest.fixture(scope="module")
def fitted(data):
    """A short fit, and the bounds on its way."""
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    autoencoder = vae.VAE()
    train, held_out = data
    before = vae.bound(autoencoder, held_out.images)
    bounds = vae.fit(autoencoder, train.images, held_out.images, EPOCHS * STEPS_AN_EPOCH)
    return autoencoder, before, bounds


def test_the_data_is_split_in_two_the_same_way_in_every_run(data):
    train, held_out = data
    assert train.images.shape == (1437, 64)
    assert held_out.images.shape == (360, 64)
    images = torch.cat([train.images, held_out.images])
    assert set(images.unique().tolist()) == set(range(17))
    assert set(held_out.labels.tolist()) == set(range(10))
    virgil.set_rng_seed(1)
    expected = torch.rand(3)
    virgil.set_rng_seed(1)
    again = digits.load()
    torch.testing.assert_close(again[0].images, train.images, rtol=0, atol=0)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)  # loading draws nothing from the program


def test_no_held_out_image_is_one_to_learn_from(data):
    """No two images of the whole table are equal, so the parts have none in common."""
    images = torch.cat([part.images for part in data])
    assert len(images.unique(dim=0)) == len(images) == 1797


def test_the_pixels_probabilities_sum_to_one(fitted):
    autoencoder, _, _ = fitted
    pixels = autoencoder.pixels(torch.randn(5, vae.LATENT))
    shades = torch.arange(17.0)[:, None, None]
    probs = pixels.log_prob(shades).exp()
    assert probs.shape == (17, 5, 64)
    torch.testing.assert_close(probs.sum(0), torch.ones(5, 64), atol=1e-4, rtol=0)
    torch.testing.assert_close((shades * probs).sum(0), pixels.mean, atol=1e-2, rtol=0)


def test_the_store_holds_both_networks_parameters(data):
    autoencoder = vae.VAE()
    svi = SVI(autoencoder.model, autoencoder.guide, virgil.optim.Adam({"lr": 1e-3}), Trace_ELBO())
    before = {name: value.clone() for name, value in autoencoder.named_parameters()}
    svi.step(data[0].images[:10])
    # the store writes a network's name and the parameter's own with three dollars between
    stored = {name.replace("$$$", "."): value for name, value in virgil.get_param_store().items()}
    assert stored.keys() == before.keys()
    for name, value in autoencoder.named_parameters():
        torch.testing.assert_close(stored[name], value, rtol=0, atol=0)
        assert not torch.equal(value, before[name]), f"one step did not reach {name}"


def test_the_held_out_bound_grows_by_epoch_and_beats_the_pixels_own_frequencies(data, fitted):
    _, before, bounds = fitted
    assert [b.epochs for b in bounds] == list(range(1, EPOCHS + 1))
    assert bounds[0].held_out > before + 50
    assert bounds[-1].held_out > bounds[0].held_out + 5
    assert bounds[-1].held_out > log_frequencies(data[0].images, data[1].images)


def test_an_epoch_that_is_cut_short_is_reported_as_a_share(data):
    bounds = vae.fit(vae.VAE(), data[0].images, data[1].images, STEPS_AN_EPOCH + 3)
    assert [b.epochs for b in bounds] == [1.0, 1.25]


def test_the_evidence_of_a_decoder_that_ignores_the_point_is_the_likelihood(data):
    images = data[1].images[:7]
    pixels = dist.Binomial(16, probs=torch.linspace(0.1, 0.9, 64))
    evidence = log_evidence(lambda z: pixels.expand([len(z), 64]), images, points=61)
    torch.testing.assert_close(evidence, pixels.log_prob(images).sum(-1), atol=1e-2, rtol=1e-5)


def test_the_evidence_agrees_with_quadrature_over_a_line(data):
    """A decoder that reads one coordinate alone: an integral over one variable, by Gauss and Hermite's rule."""
    images = data[1].images[:7].double()
    slope = torch.linspace(-0.3, 0.3, 64)
    evidence = log_evidence(lambda z: dist.Binomial(16, logits=z[:, :1] * slope), images.float())
    nodes, weights = map(torch.from_numpy, _hermite(120))
    logs = dist.Binomial(16, logits=nodes[:, None] * slope.double()).log_prob(images[:, None]).sum(-1)
    torch.testing.assert_close(evidence.double(), torch.logsumexp(logs + weights.log(), -1), atol=1e-2, rtol=0)


def _hermite(degree):
    """Nodes and weights for the mean under a standard normal."""
    from numpy.polynomial.hermite_e import hermegauss

    nodes, weights = hermegauss(degree)
    return nodes, weights / weights.sum()


def test_the_bound_is_that_of_quadrature_and_below_the_evidence(data, fitted):
    """The mean of ``log p(x, z) - log q(z)`` under the guide, over a grid in units of the guide's own sds."""
    autoencoder, images = fitted[0], data[1].images[:6]
    with torch.no_grad():
        points = autoencoder.points(images)
        side = torch.linspace(-6.0, 6.0, 61)
        grid = torch.cartesian_prod(side, side)[:, None]  # (grid, 1, 2)
        z = points.mean + points.stddev * grid
        log_joint = autoencoder.pixels(z).log_prob(images).sum(-1) + dist.Normal(0.0, 1.0).log_prob(z).sum(-1)
        weights = torch.exp(-0.5 * grid.square().sum(-1))
        exact = (weights / weights.sum() * (log_joint - points.log_prob(z).sum(-1))).sum(0)
        evidence = log_evidence(autoencoder.pixels, images)
        estimates = torch.tensor([vae.bound(autoencoder, images, particles=10) for _ in range(40)])
    error = estimates.std().item() / math.sqrt(len(estimates))
    assert estimates.mean().item() == pytest.approx(exact.mean().item(), abs=4 * error)
    assert (exact < evidence).all(), "the divergence of the guide from the posterior is above zero"


def test_the_frequencies_count_each_shade_once_more_than_it_was_seen():
    train, held_out = torch.tensor([[0.0, 3.0], [0.0, 5.0]]), torch.tensor([[0.0, 4.0], [2.0, 3.0]])
    # two images and 17 shades make 19 counts a pixel
    expected = (math.log(3 / 19) + math.log(1 / 19) + math.log(1 / 19) + math.log(2 / 19)) / 2
    assert log_frequencies(train, held_out) == pytest.approx(expected, rel=1e-5)


def test_the_demo_prints_bounds_and_evidence_and_draws_them(tmp_path, capsys):
    vae.main(steps=2 * STEPS_AN_EPOCH, out=tmp_path / "pictures")
    printed = " ".join(capsys.readouterr().out.split())
    words = printed.replace(";", "").replace(",", "").split()
    last = float(words[words.index("bound") + 2])
    evidence = float(words[words.index("plane") + 1].rstrip("."))
    gap = float(words[words.index("difference") + 1])
    assert last < evidence
    assert gap == pytest.approx(evidence - last, abs=0.011)
    assert (tmp_path / "pictures" / "vae.png").read_bytes().startswith(b"\x89PNG")
