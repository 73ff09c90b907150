"""Models with posteriors that are known."""

import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints


def design():
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(30, 3, generator=generator)
    X[:, 2] = X[:, 0] + 0.3 * X[:, 2]
    y = X @ torch.tensor([1.0, -1.0, 0.5]) + 0.5 * torch.randn(30, generator=generator)
    return X, y


def regression(X, y):
    weights = virgil.sample("weights", dist.Normal(0.0, 2.0).expand([3]).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(X @ weights, 0.5), obs=y)


def regression_posterior(X, y):
    """Mean and covariance."""
    X, y = X.double(), y.double()
    covariance = torch.linalg.inv(X.T @ X / 0.25 + torch.eye(3, dtype=torch.float64) / 4)
    return covariance @ X.T @ y / 0.25, covariance


def counts(x):
    """A rate whose posterior is Gamma(2 + sum, 1 + number)."""
    rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
    with virgil.plate("data", len(x)):
        virgil.sample("x", dist.Poisson(rate), obs=x)


def hierarchy(y):
    """Group means about an unknown mean, all normal: the posterior is normal."""
    mu = virgil.sample("mu", dist.Normal(0.0, 3.0))
    with virgil.plate("groups", y.shape[-1]):
        theta = virgil.sample("theta", dist.Normal(mu, 1.0))
        with virgil.plate("data", y.shape[0]):
            virgil.sample("y", dist.Normal(theta, 2.0), obs=y)


def hierarchy_posterior(y):
    """Mean and covariance of (mu, theta)."""
    groups, num = y.shape[1], y.shape[0]
    precision = torch.zeros(groups + 1, groups + 1, dtype=torch.float64)
    precision[0, 0] = 1 / 9 + groups
    precision[0, 1:] = precision[1:, 0] = -1.0
    precision[1:, 1:] = (1 + num / 4) * torch.eye(groups, dtype=torch.float64)
    right = torch.cat([torch.zeros(1, dtype=torch.float64), y.double().sum(0) / 4])
    covariance = torch.linalg.inv(precision)
    return covariance @ right, covariance


def logistic(x, y):
    slope = virgil.sample("slope", dist.Normal(0.0, 2.0))
    with virgil.plate("data", len(x)):
        virgil.sample("y", dist.Bernoulli(logits=slope * x), obs=y)


def mixture(x):
    place = virgil.sample("place", dist.Normal(0.0, 3.0))
    with virgil.plate("data", len(x)):
        which = virgil.sample("which", dist.Categorical(torch.tensor([0.3, 0.7])))
        virgil.sample("x", dist.Normal(torch.tensor([0.0, 1.0])[which] * place, 1.0), obs=x)


def shares(x):
    share = virgil.sample("share", dist.Dirichlet(torch.ones(3)))
    virgil.sample("x", dist.Multinomial(60, share), obs=x)


def moving_support():
    width = virgil.sample("width", dist.Gamma(2.0, 1.0))
    virgil.sample("place", dist.Uniform(0.0, width))


def ridge(x):
    """Only the sum of two variables is known."""
    a, b = (virgil.sample(name, dist.ImproperUniform(constraints.real, (), ())) for name in ("a", "b"))
    virgil.sample("x", dist.Normal(a + b, 1.0), obs=x)
