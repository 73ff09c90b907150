"""Old paths of distributions, under the alias."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.distributions import constraints
from pyro.distributions.conjugate import BetaBinomial, DirichletMultinomial
from pyro.distributions.distribution import Distribution, DistributionMeta
from pyro.distributions.lkj import LKJ
from pyro.distributions.score_parts import ScoreParts
from pyro.distributions.testing.fakes import NonreparameterizedNormal
from pyro.distributions.testing.gof import auto_goodness_of_fit
from pyro.distributions.torch import ExponentialFamily, Normal
from pyro.distributions.torch_distribution import MaskedDistribution, TorchDistribution, TorchDistributionMixin
from pyro.distributions.torch_transform import ComposeTransformModule, TransformModule
from pyro.distributions.util import broadcast_all, broadcast_shape, deep_to, detach, sum_rightmost
from pyro.distributions.von_mises_3d import VonMises3D
from pyro.distributions.zero_inflated import ZeroInflatedNegativeBinomial

import virgil.distributions as ours


def test_old_paths_lead_to_the_same_classes():
    assert Normal is dist.Normal is ours.Normal
    assert BetaBinomial is ours.BetaBinomial
    assert DirichletMultinomial is ours.DirichletMultinomial
    assert ZeroInflatedNegativeBinomial is ours.ZeroInflatedNegativeBinomial
    assert MaskedDistribution is ours.MaskedDistribution
    assert issubclass(TorchDistribution, TorchDistributionMixin)
    assert issubclass(TorchDistributionMixin, Distribution)
    assert isinstance(dist.Normal, DistributionMeta)
    assert issubclass(NonreparameterizedNormal, dist.Normal)
    assert issubclass(ExponentialFamily, TorchDistributionMixin)
    assert issubclass(ComposeTransformModule, torch.nn.Module)
    assert dist.TransformModule is TransformModule
    assert constraints.corr_cholesky_constraint is constraints.corr_cholesky
    assert isinstance(dist.Normal(0.0, 1.0).score_parts(torch.zeros(())), ScoreParts)
    assert dist.Rejector.__name__ == "Rejector"
    assert dist.LKJCorrCholesky(3, torch.tensor(1.5)).expand((2,)).shape() == (2, 3, 3)
    assert LKJ is dist.LKJ is ours.LKJ
    assert VonMises3D is ours.VonMises3D


def test_the_sine_model_has_the_limit_that_old_programs_set():
    fn = dist.SineBivariateVonMises(0.0, 0.0, torch.ones(2), 1.0, correlation=0.5).expand((3, 2))
    assert fn.max_sample_iter == 1000
    assert isinstance(fn, ours.SineBivariateVonMises)
    assert fn.sample().shape == (3, 2, 2)


def test_old_functions_are_there():
    assert [each.shape for each in broadcast_all(torch.zeros(2, 1), 1.0)] == [(2, 1)] * 2
    assert broadcast_shape((2, 1), (3,)) == (2, 3)
    assert sum_rightmost(torch.ones(2, 3), 1).shape == (2,)
    assert deep_to([torch.zeros(2)], torch.double)[0].dtype is torch.double
    assert not detach(torch.zeros(2, requires_grad=True)).requires_grad
    torch.manual_seed(0)
    x = dist.Normal(0.0, 1.0).sample((1000,))
    assert auto_goodness_of_fit(x, dist.Normal(0.0, 1.0).log_prob(x).exp()) > 1e-6


def test_validation_is_switched():
    before = dist.is_validation_enabled()
    with dist.validation_enabled(False):
        assert not dist.is_validation_enabled()
        dist.Normal(0.0, -1.0)
    assert dist.is_validation_enabled() is before
    with dist.validation_enabled(True), pytest.raises(ValueError, match="scale"):
        dist.Normal(0.0, -1.0)
    assert pyro.distributions.util.is_validation_enabled() is before
