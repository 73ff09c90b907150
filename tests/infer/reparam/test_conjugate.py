"""Variables drawn from the product of prior and likelihood."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.infer import Predictive, Trace_ELBO
from virgil.infer.reparam import ConjugateReparam

TOTAL, COUNT = torch.tensor([10.0, 4.0]), torch.tensor([2.0, 3.0])


def model(total, count):
    with virgil.plate("rows", 2):
        prob = virgil.sample("prob", dist.Beta(0.5, 1.5))
        virgil.sample("seen", dist.Binomial(total, prob), obs=count)
    return prob


@pytest.mark.parametrize("is_function", [False, True])
def test_with_the_likelihood_the_bound_is_the_evidence(is_function):
    """At every draw, with an empty guide."""
    likelihood = lambda total, count: dist.Beta(1 + count, 1 + total - count)  # noqa: E731
    reparam = ConjugateReparam(likelihood if is_function else likelihood(TOTAL, COUNT))
    program = poutine.reparam(model, config={"prob": reparam})
    evidence = dist.BetaBinomial(torch.tensor(0.5), 1.5, TOTAL).log_prob(COUNT).sum()
    for _ in range(3):
        assert Trace_ELBO().loss(program, lambda *args: None, TOTAL, COUNT) == pytest.approx(-evidence.item(), rel=1e-5)


@pytest.mark.parametrize("parallel", [False, True])
def test_draws_are_those_of_the_product(parallel):
    """The mean, to 6 standard errors of 4,000 draws."""
    reparam = ConjugateReparam(dist.Beta(1 + COUNT, 1 + TOTAL - COUNT))
    program = poutine.reparam(model, config={"prob": reparam})
    size = 4000 if parallel else 2
    draws = Predictive(program, num_samples=size, parallel=parallel)(TOTAL, COUNT)["prob"]
    assert draws.shape == (size, 2)
    posterior = dist.Beta(0.5 + COUNT, 1.5 + TOTAL - COUNT)
    assert ((draws.mean(0) - posterior.mean).abs() < 6 * (posterior.variance / size).sqrt()).all()


def test_mistakes_are_named():
    with pytest.raises(ArgumentError, match="got guide=3; it takes a distribution"):
        ConjugateReparam(3)
    gamma = poutine.reparam(model, config={"prob": ConjugateReparam(dist.Gamma(1.0, 1.0))})
    with pytest.raises(ArgumentError, match="conjugate_update of Beta got Gamma"):
        gamma(TOTAL, COUNT)
