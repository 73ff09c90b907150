"""Guides with one vector, and structured ones, of variables that are data in some slots: the vector has the others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import virgil
import virgil.distributions as dist
from tests.infer.autoguide.setting import put
from virgil.errors import ArgumentError, NonFiniteError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.autoguide import (
    AutoContinuous,
    AutoDAIS,
    AutoDiagonalNormal,
    AutoIAFNormal,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormal,
    AutoMultivariateNormal,
    AutoStructured,
)
from virgil.infer.reparam import StructuredReparam

SEEN = torch.tensor([True, False, True, False])
DATA = torch.tensor([1.0, 0.0, 3.0, 0.0])
LOW, HIGH = 2.0, 0.5  # variances of x given mu, and of y given x

FAMILIES = (
    AutoDiagonalNormal,
    AutoMultivariateNormal,
    AutoLowRankMultivariateNormal,
    AutoLaplaceApproximation,
    AutoIAFNormal,
    AutoDAIS,
    AutoStructured,
)
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)


def model(seen: Tensor = SEEN) -> None:
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("slots", 4):
        x = virgil.sample("x", dist.Normal(mu, LOW**0.5), obs=DATA, obs_mask=seen)
        virgil.sample("y", dist.Normal(x, HIGH**0.5), obs=torch.ones(4))


def joint() -> dist.MultivariateNormal:
    """The joint distribution of mu, the two unseen x, the two seen ones, and the four y."""
    reads = torch.tensor([[1.0, 0, 0, 0, 0], *[[1.0, *row] for row in torch.eye(4).tolist()]])  # of independent normals
    covariance = reads @ torch.tensor([1.0, LOW, LOW, LOW, LOW]).diag() @ reads.mT
    observed = torch.cat([torch.zeros(4, 1), torch.eye(4)], 1)
    whole = torch.cat([torch.eye(5), observed])
    noise = torch.cat([torch.zeros(5), torch.full((4,), HIGH)]).diag()
    return dist.MultivariateNormal(torch.zeros(9), whole @ covariance @ whole.mT + noise)


def posterior_and_evidence() -> tuple[dist.MultivariateNormal, Tensor]:
    """The posterior of mu and the unseen x, and the log-probability of the data."""
    covariance, data = joint().covariance_matrix, torch.tensor([1.0, 3.0, 1.0, 1.0, 1.0, 1.0])
    gain = torch.linalg.solve(covariance[3:, 3:], covariance[3:, :3]).mT
    posterior = dist.MultivariateNormal(gain @ data, covariance[:3, :3] - gain @ covariance[3:, :3])
    return posterior, dist.MultivariateNormal(torch.zeros(6), covariance[3:, 3:]).log_prob(data)


def set_to(guide: AutoContinuous, posterior: dist.MultivariateNormal) -> None:
    """Let a guide with one vector be this distribution."""
    covariance = posterior.covariance_matrix
    if isinstance(guide, AutoMultivariateNormal):
        scale = posterior.scale_tril.diagonal()
        put(guide, loc=posterior.mean, scale=scale, scale_tril=posterior.scale_tril / scale.unsqueeze(-1))
        return
    least = torch.linalg.eigvalsh(covariance)[0]
    values, vectors = torch.linalg.eigh(covariance - 0.5 * least * torch.eye(3))
    factor = vectors * (values / (0.5 * least)).sqrt()
    put(guide, loc=posterior.mean, scale=(0.5 * least).sqrt().expand(3), cov_factor=factor)


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.filterwarnings("ignore:TraceEnum_ELBO with sum_out:virgil.errors.FitWarning")
def test_at_the_posterior_each_draw_gives_the_evidence(objective, vectorized):
    torch.set_default_dtype(torch.float64)
    posterior, evidence = posterior_and_evidence()
    for family in (AutoMultivariateNormal, lambda model: AutoLowRankMultivariateNormal(model, rank=3)):
        guide = family(model)
        guide()
        assert guide.latent_dim == 3
        set_to(guide, posterior)
        torch.testing.assert_close(guide.get_posterior().covariance_matrix, posterior.covariance_matrix)
        loss = objective(num_particles=4, vectorize_particles=vectorized).loss(model, guide)
        assert loss == pytest.approx(-evidence.item(), abs=1e-10)


def test_a_structured_guide_reaches_the_posterior_too():
    torch.set_default_dtype(torch.float64)
    posterior, evidence = posterior_and_evidence()
    guide = AutoStructured(model)
    guide()
    covariance = posterior.covariance_matrix
    weight = covariance[1:, :1] / covariance[0, 0]
    conditional = torch.linalg.cholesky(covariance[1:, 1:] - weight * covariance[0, 1:])
    factor = torch.eye(4)
    factor[1, 1], factor[3, 1], factor[3, 3] = conditional[0, 0], conditional[1, 0], conditional[1, 1]
    factor[0, 0], factor[2, 1] = 7.0, 5.0  # of slots that are data: nothing depends on them
    put(guide.locs, mu=posterior.mean[:1], x_unobserved=torch.zeros(4).masked_scatter(~SEEN, posterior.mean[1:]))
    put(guide.scales, mu=covariance[:1, 0].sqrt(), x_unobserved=torch.ones(4))
    put(guide.scale_trils, mu=torch.ones(1, 1), x_unobserved=factor)
    weights = torch.full((4, 1), 3.0).masked_scatter(~SEEN[:, None], weight)
    put(guide.deps, **{"x_unobserved.mu.weight": weights})
    loss = Trace_ELBO(num_particles=4, vectorize_particles=True).loss(model, guide)
    assert loss == pytest.approx(-evidence.item(), abs=1e-10)


@each_family
def test_what_is_data_stays_where_it_is(family):
    guide = family(model)
    fit = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(10, progress=False)
    assert bool(fit.losses.isfinite().all())
    first, second = guide.median()["x_unobserved"], guide()["x_unobserved"]
    assert torch.equal((first == second) & (first == 0.0), SEEN)
    fresh = family(model)
    fresh.load_state_dict(guide.state_dict())
    assert torch.equal(fresh.median()["x_unobserved"], first)


@each_family
def test_a_slot_that_becomes_latent_later_is_named(family):
    guide = family(model)
    guide()
    with pytest.raises(NonFiniteError, match="at site 'x_unobserved' of the guide"):
        SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO()).run(
            1, torch.tensor([True, False, False, False]), progress=False
        )


def test_what_has_no_density_there_is_refused():
    conditional = AutoStructured(model, conditionals={"mu": "normal", "x_unobserved": lambda: torch.zeros(4)})
    with pytest.raises(ArgumentError, match="'x_unobserved' is data in some slots, by obs_mask=, and AutoStructured"):
        conditional()
    guide = AutoStructured(model)
    guide()
    with pytest.raises(ArgumentError, match="StructuredReparam got a guide of 'x_unobserved', which is data in some"):
        StructuredReparam(guide)
