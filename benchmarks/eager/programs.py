"""The programs, each written once: Virgil and Pyro have the same public names, so a program takes its language.

Each function makes data, model, guide and optimiser, and returns one eager step, which returns its loss.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor, nn

from benchmarks.harness.interleave import Step

Program = Callable[[ModuleType], Step]


def eight_schools(ppl: ModuleType) -> Step:
    """Rubin's (1981) eight schools, centred, with a mean-field guide: all Python, next to no arithmetic."""
    dist = ppl.distributions
    effect = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    error = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])

    def model() -> None:
        mu = ppl.sample("mu", dist.Normal(0.0, 5.0))
        tau = ppl.sample("tau", dist.HalfCauchy(5.0))
        with ppl.plate("schools", 8):
            theta = ppl.sample("theta", dist.Normal(mu, tau))
            ppl.sample("y", dist.Normal(theta, error), obs=effect)

    return _fit(ppl, model, ppl.infer.autoguide.AutoNormal(model), lr=0.01)


def logistic_regression(ppl: ModuleType) -> Step:
    """1,000 rows and 20 coefficients, with a mean-field guide."""
    dist = ppl.distributions
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 20, generator=generator)
    truth = torch.randn(20, generator=generator)
    y = torch.bernoulli(torch.sigmoid(x @ truth), generator=generator)

    def model(x: Tensor, y: Tensor) -> None:
        w = ppl.sample("w", dist.Normal(torch.zeros(20), 1.0).to_event(1))
        with ppl.plate("rows", len(x)):
            ppl.sample("y", dist.Bernoulli(logits=x @ w), obs=y)

    return _fit(ppl, model, ppl.infer.autoguide.AutoNormal(model), x, y, lr=0.01)


class Encoder(nn.Module):
    """Pixels to the mean and scale of the latent code."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(784, 400), nn.Softplus())
        self.loc = nn.Linear(400, 20)
        self.log_scale = nn.Linear(400, 20)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: (batch, 784) to two of (batch, 20)."""
        hidden = self.hidden(x)
        return self.loc(hidden), self.log_scale(hidden).exp()


def vae(ppl: ModuleType) -> Step:
    """A variational autoencoder, 784-400-20 with softplus, on one batch of 128 random images: mostly arithmetic."""
    dist = ppl.distributions
    generator = torch.Generator().manual_seed(0)
    images = torch.bernoulli(torch.full((128, 784), 0.5), generator=generator)
    encoder = Encoder()
    decoder = nn.Sequential(nn.Linear(20, 400), nn.Softplus(), nn.Linear(400, 784), nn.Sigmoid())

    def model(x: Tensor) -> None:
        ppl.module("decoder", decoder)
        with ppl.plate("images", len(x)):
            z = ppl.sample("z", dist.Normal(x.new_zeros(len(x), 20), x.new_ones(len(x), 20)).to_event(1))
            ppl.sample("x", dist.Bernoulli(decoder(z)).to_event(1), obs=x)

    def guide(x: Tensor) -> None:
        ppl.module("encoder", encoder)
        with ppl.plate("images", len(x)):
            loc, scale = encoder(x)
            ppl.sample("z", dist.Normal(loc, scale).to_event(1))

    return _fit(ppl, model, guide, images, lr=0.001)


def _fit(ppl: ModuleType, model: Callable[..., object], guide: Callable[..., object], *args: Tensor, lr: float) -> Step:
    svi = ppl.infer.SVI(model, guide, ppl.optim.Adam({"lr": lr}), ppl.infer.Trace_ELBO())

    def step() -> float:
        return float(svi.step(*args))

    return step
