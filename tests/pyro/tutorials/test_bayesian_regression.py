"""Regression with random weights: modules whose attributes are random, automatic guides, predictions."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, Predictive, Trace_ELBO
from pyro.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal
from pyro.nn import PyroModule, PyroSample
from torch import nn

N, SIGMA = 40, 0.3


class BayesianRegression(PyroModule):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = PyroModule[nn.Linear](in_features, out_features)
        self.linear.weight = PyroSample(dist.Normal(0.0, 1.0).expand([out_features, in_features]).to_event(2))
        self.linear.bias = PyroSample(dist.Normal(0.0, 10.0).expand([out_features]).to_event(1))

    def forward(self, x, y=None):
        mean = self.linear(x).squeeze(-1)
        with pyro.plate("data", x.shape[0]):
            pyro.sample("obs", dist.Normal(mean, SIGMA), obs=y)
        return mean


def data():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 2, generator=generator)
    y = x @ torch.tensor([1.5, -0.5]) + 2.0 + SIGMA * torch.randn(N, generator=generator)
    return x, y


def posterior(x, y):
    """Mean and covariance of the weights and the bias, which are jointly normal."""
    design = torch.cat([x, torch.ones(len(x), 1)], -1)
    precision = design.T @ design / SIGMA**2 + torch.diag(torch.tensor([1.0, 1.0, 0.01]))
    covariance = precision.inverse()
    return covariance @ design.T @ y / SIGMA**2, covariance


def fitted(kind, steps):
    x, y = data()
    model = BayesianRegression(2, 1)
    guide = kind(model)
    svi = SVI(model, guide, pyro.optim.Adam({"lr": 0.03}), loss=Trace_ELBO())
    for step in range(steps):
        if step == 800:
            svi.optim = pyro.optim.Adam({"lr": 0.003})
        svi.step(x, y)
    return model, guide, x, y


@pytest.mark.long
@pytest.mark.parametrize("kind", [AutoDiagonalNormal, AutoMultivariateNormal])
def test_the_guide_finds_the_posterior_and_predicts(kind):
    model, guide, x, y = fitted(kind, 1_300)
    mean, covariance = posterior(x, y)
    draws = Predictive(guide, num_samples=2_000)(x, y)
    weights = torch.cat([draws["linear.weight"].reshape(2_000, 2), draws["linear.bias"].reshape(2_000, 1)], -1)
    # the last steps' noise, a fifth of a standard deviation
    assert ((weights.mean(0) - mean).abs() < 0.75 * covariance.diagonal().sqrt()).all()
    predictive = Predictive(model, guide=guide, num_samples=800, return_sites=("linear.weight", "obs", "_RETURN"))
    samples = predictive(x)
    assert samples["obs"].shape[-1] == N
    assert samples["_RETURN"].shape[0] == 800
    spread = samples["obs"].reshape(800, N).std(0)
    exact = ((torch.cat([x, torch.ones(N, 1)], -1) @ covariance) * torch.cat([x, torch.ones(N, 1)], -1)).sum(-1)
    assert torch.allclose(spread, (exact + SIGMA**2).sqrt(), rtol=0.2)


def test_parameters_of_the_guide_have_names_and_quantiles():
    _, guide, _, _ = fitted(AutoDiagonalNormal, 2)
    assert {name: tuple(value.shape) for name, value in pyro.get_param_store().items()} == {
        "AutoDiagonalNormal.loc": (3,),
        "AutoDiagonalNormal.scale": (3,),
    }
    quantiles = guide.quantiles([0.25, 0.5, 0.75])
    assert quantiles["linear.weight"].shape == (3, 1, 2)
    assert torch.equal(quantiles["linear.bias"].reshape(3, 1)[1], guide.median()["linear.bias"])
