"""Runs on every engine end at the posterior: at the closed form where there is one, else where eager runs end."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import AutoNormal

pytestmark = pytest.mark.long


ENGINES = ["eager", "xla", "inductor"]
Y = torch.tensor([2.1, 0.4, 1.3, 2.9, -0.2, 1.1, 0.8, 1.6])
NOISE, PRIOR = 1.5, 3.0


def normal(y):
    mu = virgil.sample("mu", dist.Normal(0.0, PRIOR))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(mu, NOISE), obs=y)


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_conjugate_posterior(engine, objective):
    """The guide holds the posterior, normal with precision 1 / PRIOR^2 + n / NOISE^2 and standard deviation d = 0.52.

    Near it a gradient of P particles is (m / d + e / sqrt(P)) / d, where m d is the error of the mean and e is standard
    normal; Adam divides it by its size, so that m becomes stationary with variance rate / (2 d sqrt(P)), and the error
    of log d with less. At the rate 0.0005 where the run ends that is 0.007^2; five times as much is allowed: a false
    alarm in 10^6.
    """
    guide = AutoNormal(normal)
    optim = virgil.optim.ExponentialLR(
        {"optimizer": torch.optim.Adam, "optim_args": {"lr": 0.05}, "gamma": 0.01 ** (1 / 3_000)}
    )
    fit = SVI(normal, guide, optim, objective(num_particles=100)).run(3_000, Y, engine=engine, progress=False)
    assert fit.engine == engine
    variance = 1 / (1 / PRIOR**2 + len(Y) / NOISE**2)
    loc, scale = (float(fit.params[f"AutoNormal.{name}.mu"]) for name in ("locs", "scales"))
    assert loc == pytest.approx(variance * float(Y.sum()) / NOISE**2, abs=0.035 * variance**0.5)
    assert scale == pytest.approx(variance**0.5, rel=0.035)


def correlated(y):
    factor = virgil.sample("factor", dist.LKJCholesky(3, 2.0))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.MultivariateNormal(torch.zeros(3), scale_tril=factor), obs=y)


def test_runs_on_xla_end_where_eager_runs_do():
    """For each parameter, means over 16 runs of 200 steps differ by less than 7 standard errors (Welch).

    The difference has a t distribution with 15 degrees of freedom or more, so one of six parameters is beyond by
    chance once in 39,000 times.
    """
    factor = torch.tensor([[1.0, 0.0, 0.0], [0.7, 0.714, 0.0], [-0.4, 0.2, 0.894]])
    y = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) @ factor.mT
    guide = AutoNormal(correlated)
    svi = SVI(correlated, guide, virgil.optim.Adam({"lr": 0.03}), Trace_ELBO())
    svi.step(y)
    begin, memory = virgil.get_param_store().get_state(), svi.optim.get_state()
    ends = {"eager": [], "xla": []}
    for engine, rows in ends.items():
        for seed in range(16):
            virgil.get_param_store().set_state(begin)
            svi.optim.set_state(memory)
            virgil.set_rng_seed(seed)
            fit = svi.run(200, y, engine=engine, progress=False)
            rows.append(torch.cat([each.flatten() for each in fit.params.values()]))
    assert svi.session.compiled("xla").captures == 1
    eager, xla = (torch.stack(rows).double() for rows in ends.values())
    error = ((eager.var(0) + xla.var(0)) / 16).sqrt()
    assert ((eager.mean(0) - xla.mean(0)).abs() < 7 * error).all()
