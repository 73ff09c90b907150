"""A variational auto-encoder in mini-batches, whose networks are straight lines: principal components with noise."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from pyro.optim import Adam
from torch import nn

NOISE = 0.5


class Decoder(nn.Module):
    def __init__(self, z_dim, x_dim):
        super().__init__()
        self.fc = nn.Linear(z_dim, x_dim)

    def forward(self, z):
        return self.fc(z)


class Encoder(nn.Module):
    def __init__(self, z_dim, x_dim):
        super().__init__()
        self.fc1 = nn.Linear(x_dim, z_dim)
        self.log_scale = nn.Parameter(torch.zeros(z_dim))

    def forward(self, x):
        loc = self.fc1(x)
        return loc, self.log_scale.exp().expand(loc.shape)


class VAE(nn.Module):
    def __init__(self, z_dim=1, x_dim=3):
        super().__init__()
        self.encoder = Encoder(z_dim, x_dim)
        self.decoder = Decoder(z_dim, x_dim)
        self.z_dim = z_dim

    def model(self, x):
        pyro.module("decoder", self.decoder)
        with pyro.plate("data", x.shape[0]):
            z_loc = x.new_zeros(torch.Size((x.shape[0], self.z_dim)))
            z_scale = x.new_ones(torch.Size((x.shape[0], self.z_dim)))
            z = pyro.sample("latent", dist.Normal(z_loc, z_scale).to_event(1))
            pyro.sample("obs", dist.Normal(self.decoder(z), NOISE).to_event(1), obs=x)

    def guide(self, x):
        pyro.module("encoder", self.encoder)
        with pyro.plate("data", x.shape[0]):
            z_loc, z_scale = self.encoder(x)
            pyro.sample("latent", dist.Normal(z_loc, z_scale).to_event(1))

    def reconstruct(self, x):
        z_loc, z_scale = self.encoder(x)
        z = dist.Normal(z_loc, z_scale).sample()
        return self.decoder(z)


def data(count=256):
    z = torch.randn(count, 1)
    return z @ torch.tensor([[1.0, -0.5, 2.0]]) + torch.tensor([0.0, 1.0, -1.0]) + NOISE * torch.randn(count, 3)


def best_evidence(x):
    """The log-likelihood of the best straight decoder: its covariance keeps the first principal component."""
    centred = x - x.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    first = vectors[:, -1:] * (values[-1] - NOISE**2).clamp(min=0).sqrt()
    covariance = first @ first.T + NOISE**2 * torch.eye(3)
    return dist.MultivariateNormal(x.mean(0), covariance).log_prob(x).mean().item()


@pytest.mark.parametrize("loss", [Trace_ELBO, TraceMeanField_ELBO])
def test_the_bound_reaches_the_evidence_of_principal_components(loss):
    x = data()
    vae = VAE()
    svi = SVI(vae.model, vae.guide, Adam({"lr": 0.02}), loss=loss())
    for epoch in range(120):
        if epoch == 90:
            svi.optim = Adam({"lr": 0.003})
        for batch in x.split(64):
            svi.step(batch)
    bound = -sum(svi.evaluate_loss(x) for _ in range(20)) / 20 / len(x)
    exact = best_evidence(x)
    assert bound <= exact + 0.02
    assert bound == pytest.approx(exact, abs=0.05)
    # its error is that of the noise, and of what the encoder does not know of the latent variable
    error = (vae.reconstruct(x) - x).pow(2).mean().item()
    assert math.sqrt(error) < 1.5 * NOISE


def test_networks_stand_in_the_store_by_name():
    vae = VAE()
    SVI(vae.model, vae.guide, Adam({"lr": 0.01}), loss=Trace_ELBO()).step(data(8))
    assert sorted(pyro.get_param_store().keys()) == [
        "decoder$$$fc.bias",
        "decoder$$$fc.weight",
        "encoder$$$fc1.bias",
        "encoder$$$fc1.weight",
        "encoder$$$log_scale",
    ]
