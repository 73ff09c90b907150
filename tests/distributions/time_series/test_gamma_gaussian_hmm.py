"""GammaGaussianHMM against GaussianHMM integrated over the factor by quadrature."""

import pytest
import torch

import virgil.distributions as dist
from tests.distributions.time_series.dense import Joint, parameters
from virgil.errors import ArgumentError


def scaled(fn, factor):
    return dist.MultivariateNormal(fn.loc, scale_tril=fn.scale_tril / factor.sqrt()[..., None, None])


@pytest.fixture
def params():
    torch.manual_seed(3)
    return parameters(5, 2, 2, True)


SCALE = dist.Gamma(torch.tensor(3.0, dtype=torch.double), torch.tensor(2.0, dtype=torch.double))


def given(params, factor):
    """The model for each factor."""
    initial, moves, moved, seen, observed = params
    each = factor.unsqueeze(-1)
    return dist.GaussianHMM(scaled(initial, factor), moves, scaled(moved, each), seen, scaled(observed, each))


def test_density_and_filter_are_integrals_over_the_factor(params):
    model, value = dist.GammaGaussianHMM(SCALE, *params), torch.randn(5, 2, dtype=torch.double)
    logs = torch.linspace(-8.0, 5.0, 400, dtype=torch.double)  # of the factor
    joint = given(params, logs.exp()).log_prob(value) + SCALE.log_prob(logs.exp()) + logs
    density = torch.trapezoid(joint.exp(), logs)
    torch.testing.assert_close(model.log_prob(value), density.log())
    factor, state = model.filter(value)
    mean = torch.trapezoid(joint.exp() * logs.exp(), logs) / density
    torch.testing.assert_close(factor.mean, mean)
    single = dist.GaussianHMM(*params).filter(value)
    torch.testing.assert_close(state.loc, single.loc)
    torch.testing.assert_close(state.covariance_matrix, single.covariance_matrix)


def test_missing_steps_count_for_nothing(params):
    """The marginal of a multivariate Student distribution is one of as many degrees of freedom."""
    seen = torch.tensor([True, False, True, True, False])
    value = torch.randn(5, 2, dtype=torch.double)
    model = dist.GammaGaussianHMM(SCALE, *params[:4], params[4].expand((5,)).mask(seen))
    joint, kept = Joint(5, *params), seen.repeat_interleave(2)
    spread, apart = joint.spread[kept][:, kept], (value.flatten() - joint.mean)[kept]
    square = apart @ torch.linalg.solve(spread, apart)
    a, b, size = SCALE.concentration, SCALE.rate, len(apart)
    expected = torch.lgamma(a + size / 2) - torch.lgamma(a) - torch.logdet(2 * torch.pi * b * spread) / 2
    expected = expected - (a + size / 2) * (square / (2 * b)).log1p()
    torch.testing.assert_close(model.log_prob(value.where(seen[:, None], torch.nan)), expected)


def test_its_series_may_have_any_length(params):
    model, value = dist.GammaGaussianHMM(SCALE, *params), torch.randn(3, 5, 2, dtype=torch.double)
    assert (model.duration, model.event_shape) == (None, (1, 2))
    fixed = dist.GammaGaussianHMM(SCALE, *params, duration=5)
    torch.testing.assert_close(model.expand((3,)).log_prob(value), fixed.log_prob(value))
    assert fixed.expand((3,)).rsample((2,)).shape == (2, 3, 5, 2)
    heavy = dist.Gamma(torch.ones((), dtype=torch.double), SCALE.rate)
    assert dist.GammaGaussianHMM(heavy, *params, duration=5).variance.isinf().all()


def test_another_scale_is_refused(params):
    with pytest.raises(ArgumentError, match=r"scale_dist of GammaGaussianHMM is .*; it is a Gamma"):
        dist.GammaGaussianHMM(dist.LogNormal(0.0, 1.0), *params)
