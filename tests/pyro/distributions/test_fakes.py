"""Families without pathwise draws, and beta and Dirichlet draws made of gamma variables."""

import pytest
import torch

import virgil.distributions as dist
from tests.laws.families import ROWS
from virgil.pyro.distributions.testing import fakes
from virgil.pyro.distributions.testing.naive_dirichlet import NaiveBeta, NaiveDirichlet

Z, COUNT = 5.6, 20_000


@pytest.mark.parametrize("name", ["Beta", "Dirichlet", "Gamma", "Normal"])
def test_a_fake_is_the_family_without_pathwise_draws(name):
    family, row = getattr(fakes, f"Nonreparameterized{name}"), ROWS[name]
    params = {key: each.clone().requires_grad_() for key, each in row.params.items()}
    fn = family(**params)
    assert isinstance(fn, getattr(dist, name))
    for each in (fn, fn.expand((3, 2)), fn.to_event(1)):
        assert not each.has_rsample
        assert not each().requires_grad
    x = fn.sample()
    torch.testing.assert_close(fn.log_prob(x), row.build().log_prob(x), check_dtype=True)
    assert fn.score_parts(x).entropy_term == 0


@pytest.mark.parametrize(("family", "name"), [(NaiveBeta, "Beta"), (NaiveDirichlet, "Dirichlet")])
def test_naive_draws_have_the_mean_and_its_gradient(family, name):
    torch.manual_seed(20240611)
    row = ROWS[name]
    exact = {key: each.clone().requires_grad_() for key, each in row.params.items()}
    fn = row.build(**exact)
    square = fn.variance + fn.mean.square()
    slopes = torch.autograd.grad(square.sum(), list(exact.values()))
    many = {key: each.expand(COUNT, *each.shape).clone().requires_grad_() for key, each in row.params.items()}
    x = family(**many).rsample()
    assert x.shape == (COUNT, *fn.shape())
    error = (fn.variance / COUNT).sqrt()
    assert ((x.mean(0) - fn.mean).abs() <= Z * error).all()
    found = torch.autograd.grad(x.square().sum(), list(many.values()))
    for ours, theirs in zip(found, slopes, strict=True):
        assert ((ours.mean(0) - theirs).abs() <= Z * ours.std(0) / COUNT**0.5).all()
