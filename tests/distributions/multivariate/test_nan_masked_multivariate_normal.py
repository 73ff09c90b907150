"""Vectors some of whose entries are missing have the density of the others."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO
from virgil.optim import Adam

NAN = torch.nan


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.double)


DATA = double([0.1, 0.2, 3.4], [0.5, 0.1, NAN], [0.6, NAN, NAN], [NAN, 0.5, NAN], [NAN, 0.3, -0.4], [NAN, NAN, NAN])
LOC, TRIL = double(0.2, -0.1, 1.0), double([1.0, 0.0, 0.0], [0.4, 0.7, 0.0], [-0.3, 0.2, 1.5])


@pytest.mark.parametrize("by", ["scale_tril", "covariance_matrix", "precision_matrix"])
def test_the_density_is_that_of_the_entries_that_are_there(by):
    covariance = TRIL @ TRIL.mT
    matrix = {"scale_tril": TRIL, "covariance_matrix": covariance, "precision_matrix": covariance.inverse()}[by]
    values = dist.NanMaskedMultivariateNormal(LOC, **{by: matrix}).log_prob(DATA)
    for value, row in zip(values, DATA, strict=True):
        there = ~row.isnan()
        expected = double(0.0).squeeze()
        if there.any():
            expected = dist.MultivariateNormal(LOC[there], covariance[there][:, there]).log_prob(row[there])
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10)


def test_gradients_are_those_of_the_entries_that_are_there():
    loc, tril = LOC.clone().requires_grad_(), TRIL.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda loc, tril: dist.NanMaskedMultivariateNormal(loc, scale_tril=tril.tril()).log_prob(DATA), (loc, tril)
    )


def test_numbers_that_are_missing_count_nothing():
    loc, scale = double(0.3).requires_grad_(), double(0.7).requires_grad_()
    fn = dist.NanMaskedNormal(loc, scale)
    value = fn.log_prob(double(0.5, NAN, -1.0))
    torch.testing.assert_close(value[[0, 2]], dist.Normal(loc, scale).log_prob(double(0.5, -1.0)))
    assert value[1] == 0
    assert all(each.isfinite() for each in torch.autograd.grad(value.sum(), (loc, scale)))
    assert type(fn.expand((3,))) is dist.NanMaskedNormal


def test_programs_observe_missing_values():
    """The mean that fits best is that of the values that are there."""
    data, vectors = torch.tensor([0.5, 0.1, NAN, 0.9]), torch.tensor([[1.0, NAN], [2.0, 5.0]])

    def model():
        loc, locs = virgil.param("loc", torch.tensor(0.0)), virgil.param("locs", torch.zeros(2))
        with virgil.plate("numbers", 4):
            virgil.sample("number", dist.NanMaskedNormal(loc, 1.0), obs=data)
        with virgil.plate("vectors", 2):
            virgil.sample("vector", dist.NanMaskedMultivariateNormal(locs, torch.eye(2)), obs=vectors)

    svi = SVI(model, lambda: None, Adam({"lr": 0.1}), Trace_ELBO())
    for _ in range(400):
        svi.step()
    torch.testing.assert_close(virgil.param("loc"), torch.tensor(0.5), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(virgil.param("locs"), torch.tensor([1.5, 5.0]), rtol=1e-3, atol=1e-3)
