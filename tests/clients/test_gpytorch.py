"""GPyTorch's integration: variational Gaussian processes whose likelihood is a program."""

import math

import gpytorch
import pyro
import pytest
import torch

X = torch.linspace(0, 1, 12)
Y = torch.sin(2 * math.pi * X)
NOISE = 0.1


def exact_mean(kernel, x):
    """The posterior mean of regression with this kernel."""
    with torch.no_grad():
        covariance = kernel(X).to_dense() + NOISE**2 * torch.eye(len(X))
        return kernel(x, X).to_dense() @ torch.linalg.solve(covariance, Y)


class Regression(gpytorch.models.ApproximateGP):
    """The low level: the user states the observations."""

    def __init__(self, kernel):
        distribution = gpytorch.variational.CholeskyVariationalDistribution(len(X))
        strategy = gpytorch.variational.VariationalStrategy(self, X.unsqueeze(-1), distribution, False)
        super().__init__(strategy)
        self.mean, self.kernel = gpytorch.means.ZeroMean(), kernel

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))

    def guide(self, x, y):
        f = self.pyro_guide(x)
        with pyro.plate("data", len(x), dim=-1):
            pyro.sample("f", f)

    def model(self, x, y):
        pyro.module("gp", self)
        f = self.pyro_model(x)
        with pyro.plate("data", len(x), dim=-1):
            f_value = pyro.sample("f", f)
            pyro.sample("y", pyro.distributions.Normal(f_value, NOISE), obs=y)


def kernel():
    made = gpytorch.kernels.RBFKernel()
    made.lengthscale = 0.3
    return made.requires_grad_(False)


def test_the_low_level():
    pyro.clear_param_store()
    pyro.set_rng_seed(0)
    model = Regression(kernel())
    optimizer = pyro.optim.Adam({"lr": 0.03})
    loss = pyro.infer.Trace_ELBO(num_particles=16, vectorize_particles=True, retain_graph=True)
    svi = pyro.infer.SVI(model.model, model.guide, optimizer, loss)
    model.train()
    for _ in range(600):
        svi.step(X, Y)
    model.eval()
    with torch.no_grad():
        found = model(X).mean
    assert (found - exact_mean(model.kernel, X)).abs().max().item() == pytest.approx(0.0, abs=0.1)
