"""Divergences: against the mean of log-density differences over the draws of the first, and against closed forms."""

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions import kl_divergence

LOCS = torch.tensor([0.3, -0.5], dtype=torch.double)
P = dist.Normal(LOCS, 0.8)
Q = dist.Normal(-LOCS, torch.tensor([1.5, 0.6], dtype=torch.double))
SIZES = torch.tensor([0.7, 1.6], dtype=torch.double)
TRIL = torch.tensor([[1.0, 0.0], [0.4, 0.6]], dtype=torch.double)
KEEP = torch.tensor([True, False])
FULL = dist.MultivariateNormal(LOCS, torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.double))

PAIRS = {
    "independent": (P.to_event(1), Q.to_event(1)),
    "independent of unequal dims": (P.expand((3, 2)).to_event(1).to_event(1), Q.expand((3, 2)).to_event(2)),
    "masked alike": (P.mask(KEEP), Q.mask(KEEP.clone())),
    "masked one": (P.mask(KEEP), Q),
    "masked other": (P, Q.mask(KEEP)),
    "masked oppositely": (P.mask(KEEP), Q.mask(~KEEP)),
    "masked off": (P.mask(False), Q.mask(False)),
    "AsymmetricLaplace": (
        dist.AsymmetricLaplace(LOCS, 0.8, SIZES),
        dist.AsymmetricLaplace(-LOCS, SIZES, 1.3),
    ),
    "CAR": (
        dist.CAR(LOCS, 0.4, SIZES, torch.ones(2, 2) - torch.eye(2)),
        dist.CAR(torch.zeros(2).double(), -0.2, 1.1, torch.ones(2, 2) - torch.eye(2)),
    ),
    "HalfCauchy": (dist.HalfCauchy(SIZES), dist.HalfCauchy(2.0 * SIZES + 0.5)),
    "InverseGamma": (dist.InverseGamma(SIZES + 2, SIZES), dist.InverseGamma(3.0, SIZES + 1)),
    "InverseGaussian": (dist.InverseGaussian(SIZES, 2.0), dist.InverseGaussian(1.5, SIZES)),
    "MatrixNormal": (
        dist.MatrixNormal(LOCS.reshape(2, 1, 1).expand(2, 2, 3), TRIL, torch.eye(3).double()),
        dist.MatrixNormal(torch.zeros(2, 3).double(), torch.eye(2).double() * 0.7, 1.5 * torch.eye(3).double()),
    ),
    "TruncatedNormal": (
        dist.TruncatedNormal(LOCS, SIZES, low=0.5, high=2.0),
        dist.TruncatedNormal(-LOCS, 0.4, low=0.4, high=3.0),
    ),
    "VonMises": (dist.VonMises(LOCS, SIZES), dist.VonMises(-LOCS, 2.5)),
    "Weibull": (dist.Weibull(SIZES, 2.0), dist.Weibull(1.5, SIZES)),
    "Wishart": (dist.Wishart(3 + SIZES, scale_tril=TRIL), dist.Wishart(5.0, torch.eye(2).double() * 0.8)),
    "ZeroSumNormal": (dist.ZeroSumNormal(SIZES, (3, 2)), dist.ZeroSumNormal(1.1, (3, 2))),
    "independent, full": (P.to_event(1), FULL),
    "full, independent": (FULL, Q.to_event(1)),
}


@pytest.mark.parametrize(("p", "q"), PAIRS.values(), ids=PAIRS)
def test_it_is_the_mean_difference_of_log_densities(p, q):
    torch.manual_seed(0)
    x = p.sample((20_000,))
    difference = p.log_prob(x) - q.log_prob(x)
    exact = kl_divergence(p, q)
    assert exact.shape == p.batch_shape
    # 5 standard errors for at most 40 entries: a false alarm in 2.3e-5
    error = (difference.var(0) / len(x)).sqrt()
    assert ((difference.mean(0) - exact).abs() <= 5 * error + 1e-12).all()


def test_a_point_mass_pays_the_density_at_its_point():
    v = torch.tensor([0.1, 0.9], dtype=torch.double)
    density = torch.tensor(0.5, dtype=torch.double)
    for q in (Q, Q.mask(KEEP)):
        torch.testing.assert_close(kl_divergence(dist.Delta(v, density), q), density - q.log_prob(v))
    torch.testing.assert_close(kl_divergence(dist.Delta(v, density, event_dim=1), FULL), density - FULL.log_prob(v))


def test_a_pair_without_a_formula_is_torchs_error():
    with pytest.raises(NotImplementedError):
        kl_divergence(dist.Cauchy(0.0, 1.0), dist.Beta(1.0, 1.0))
    with pytest.raises(NotImplementedError):
        kl_divergence(dist.Laplace(torch.zeros(2), 1.0).to_event(1), FULL)
