"""``AutoLowRankMultivariateNormal``: the best bound where the covariance has its rank, and size without a square."""

from __future__ import annotations

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.autoguide.largest import Largest
from tests.infer.autoguide.setting import put
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoLowRankMultivariateNormal

SIZE, RANK = 20_000, 20


def many() -> None:
    shared = virgil.sample("shared", dist.Normal(0.0, 1.0))
    with virgil.plate("slots", SIZE - 1):
        x = virgil.sample("x", dist.Normal(shared, 1.0))
        virgil.sample("y", dist.Normal(x, 1.0), obs=torch.ones(SIZE - 1))


def test_no_tensor_is_larger_than_the_factor():
    guide = AutoLowRankMultivariateNormal(many, rank=RANK)
    optim = virgil.optim.Adam({"lr": 0.01})
    with Largest() as largest:
        svi = SVI(many, guide, optim, Trace_ELBO())
        losses = [svi.step() for _ in range(2)]
        quantiles = guide.quantiles([0.1, 0.9])
        guide()
    assert guide.latent_dim == SIZE
    assert all(torch.tensor(losses).isfinite())
    assert bool((quantiles["x"][1] > quantiles["x"][0]).all())
    assert largest.numbers <= SIZE * RANK


def low_rank(size: int, rank: int) -> dist.LowRankMultivariateNormal:
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(size, rank, generator=generator)
    diagonal = 0.2 + torch.rand(size, generator=generator)
    return dist.LowRankMultivariateNormal(torch.linspace(-1, 1, size), factor, diagonal)


@pytest.mark.parametrize("rank", [1, 3])
def test_at_a_covariance_of_its_rank_each_draw_gives_the_evidence(rank):
    torch.set_default_dtype(torch.float64)
    prior = low_rank(8, rank)
    guide = AutoLowRankMultivariateNormal(lambda: virgil.sample("z", prior), rank=rank)
    guide()
    scale = prior.cov_diag.sqrt()
    put(guide, loc=prior.loc, scale=scale, cov_factor=prior.cov_factor / scale.unsqueeze(-1))
    loss = Trace_ELBO(num_particles=4, vectorize_particles=True).loss(guide.model, guide)
    assert loss == pytest.approx(0.0, abs=1e-10)


@pytest.mark.long
def test_a_fit_reaches_it():
    """The bound's gap is a divergence, 0.05 nats at most; a mean of 2,000 draws near the optimum is off by far less."""
    prior = low_rank(6, 2)

    def model():
        virgil.sample("z", prior)

    guide = AutoLowRankMultivariateNormal(model, rank=2)
    optim = virgil.optim.ClippedAdam({"lr": 0.05, "lrd": 0.002 ** (1 / 1500)})
    SVI(model, guide, optim, Trace_ELBO(num_particles=32, vectorize_particles=True)).run(1500, progress=False)
    posterior = guide.get_posterior()
    exact = [torch.distributions.MultivariateNormal(each.mean, each.covariance_matrix) for each in (posterior, prior)]
    assert torch.distributions.kl_divergence(*exact) < 0.05
