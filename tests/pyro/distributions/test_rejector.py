"""Draws by rejection have the claimed density, and with their score an unbiased gradient.

A mean over draws is compared with `Z` standard errors: for normal errors one comparison fails by chance with
probability 2e-8, and there are fewer than 100. Seeds are fixed.
"""

import math

import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError
from virgil.infer import Trace_ELBO
from virgil.pyro.distributions.rejector import Rejector
from virgil.pyro.distributions.testing.rejection_exponential import RejectionExponential
from virgil.pyro.distributions.testing.rejection_gamma import (
    RejectionGamma,
    RejectionStandardGamma,
    ShapeAugmentedBeta,
    ShapeAugmentedDirichlet,
    ShapeAugmentedGamma,
)

Z, COUNT = 5.6, 20_000
DOUBLE = {"dtype": torch.double}


def _number(value):
    return torch.tensor(value, **DOUBLE)


SAMPLERS = {
    "exponential": (RejectionExponential, {"rate": _number(1.5), "factor": _number(0.4)}, stats.expon(scale=1 / 1.5)),
    "standard gamma": (RejectionStandardGamma, {"concentration": _number(1.3)}, stats.gamma(1.3)),
    "gamma": (RejectionGamma, {"concentration": _number(2.5), "rate": _number(1.7)}, stats.gamma(2.5, scale=1 / 1.7)),
    "augmented gamma": (
        lambda concentration, rate: ShapeAugmentedGamma(concentration, rate, boost=2),
        {"concentration": _number(0.4), "rate": _number(1.7)},
        stats.gamma(0.4, scale=1 / 1.7),
    ),
    "augmented beta": (
        lambda concentration1, concentration0: ShapeAugmentedBeta(concentration1, concentration0, boost=1),
        {"concentration1": _number(0.7), "concentration0": _number(1.8)},
        stats.beta(0.7, 1.8),
    ),
}
each_sampler = pytest.mark.parametrize(("make", "params", "reference"), SAMPLERS.values(), ids=SAMPLERS)


def _objective(reference, **params):
    """E[x**2 - log q(x)], from SciPy's moments and entropies."""
    rate = params.get("rate", 1.0)
    if reference.dist.name == "expon":
        frozen = stats.expon(scale=1 / rate)
    elif reference.dist.name == "gamma":
        frozen = stats.gamma(params["concentration"], scale=1 / rate)
    else:
        frozen = stats.beta(params["concentration1"], params["concentration0"])
    return frozen.var() + frozen.mean() ** 2 + frozen.entropy()


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


@each_sampler
def test_the_density_is_that_of_scipy(make, params, reference):
    fn = make(**params)
    x = fn.sample((100,))
    torch.testing.assert_close(fn.log_prob(x), torch.as_tensor(reference.logpdf(x.numpy())))


@each_sampler
def test_draws_have_the_distribution_function_of_scipy(make, params, reference):
    x = make(**params).sample((COUNT,))
    assert x.shape == (COUNT,)
    # Kolmogorov and Smirnov: beyond this distance with probability 2 exp(-2 * 3.2**2) < 1e-8
    assert stats.kstest(x.numpy(), reference.cdf).statistic < 3.2 / math.sqrt(COUNT)


@each_sampler
def test_score_parts_give_an_unbiased_gradient(make, params, reference):
    """The gradient of E[x**2 - log q(x)], with f(x) = x**2, from pathwise and score terms, against SciPy."""
    many = {name: each.expand(COUNT).clone().requires_grad_() for name, each in params.items()}
    fn = make(**many)
    x = fn.rsample()
    parts = fn.score_parts(x)
    cost = x.square() - parts.log_prob
    surrogate = x.square() + cost.detach() * parts.score_function - parts.entropy_term
    slopes = torch.autograd.grad(surrogate.sum(), list(many.values()), allow_unused=True)

    numbers = {name: float(each) for name, each in params.items()}
    for (name, number), slope in zip(numbers.items(), slopes, strict=True):
        h = 1e-4 * number
        exact = (
            _objective(reference, **{**numbers, name: number + h})
            - _objective(reference, **{**numbers, name: number - h})
        ) / (2 * h)
        error = float(slope.std()) / math.sqrt(COUNT)
        assert abs(float(slope.mean()) - exact) <= Z * error + 1e-6, name


def test_a_dirichlet_has_its_mean_and_unbiased_gradient():
    concentration = torch.tensor([0.6, 1.5, 2.0], **DOUBLE)
    many = concentration.expand(COUNT, 3).clone().requires_grad_()
    fn = ShapeAugmentedDirichlet(many)
    x = fn.rsample()
    total = concentration.sum()
    mean = concentration / total
    error = (mean * (1 - mean) / (total + 1) / COUNT).sqrt()
    assert ((x.mean(0) - mean).abs() <= Z * error).all()
    first = x[:, 0]
    surrogate = first + first.detach() * fn.score_parts(x).score_function
    (slope,) = torch.autograd.grad(surrogate.sum(), many)
    exact = torch.stack([total - concentration[0], -concentration[0], -concentration[0]]) / total**2
    assert ((slope.mean(0) - exact).abs() <= Z * slope.std(0) / math.sqrt(COUNT)).all()


def test_at_a_value_that_does_not_move_the_parts_are_the_score():
    rate = torch.tensor(1.5, requires_grad=True)
    fn = RejectionExponential(rate, 0.4)
    parts = fn.score_parts(torch.tensor(0.3))
    torch.testing.assert_close(parts.score_function, fn.log_prob(torch.tensor(0.3)))
    assert parts.entropy_term == 0


def test_a_value_of_another_draw_is_refused():
    fn = ShapeAugmentedGamma(torch.tensor(0.4, requires_grad=True), 1.0)
    first = fn.rsample()
    fn.rsample()
    with pytest.raises(ArgumentError, match="takes the value that its last rsample"):
        fn.score_parts(first)


def test_a_proposal_and_its_acceptance_make_a_distribution():
    """Uniform proposals accepted with probability x have the density 2x."""
    fn = Rejector(dist.Uniform(torch.zeros(3), 1.0), torch.log, torch.full((3,), 0.5).log())
    assert fn.shape((2,)) == fn.sample((2,)).shape == (2, 3)
    x = torch.tensor([0.2, 0.5, 0.9])
    torch.testing.assert_close(fn.log_prob(x), (2 * x).log())
    draws = fn.sample((COUNT,))
    error = math.sqrt(1 / 18 / COUNT)
    assert ((draws.mean(0) - 2 / 3).abs() <= Z * error).all()
    assert fn.expand_by((2,)).sample().shape == (2, 3)


@pytest.mark.parametrize("family", [RejectionGamma, ShapeAugmentedGamma])
def test_expanded_samplers_keep_their_kind(family):
    fn = family(torch.tensor([2.0, 3.0]), torch.tensor(1.0)).expand((4, 2))
    assert type(fn) is family
    assert fn.sample().shape == (4, 2)


def test_a_guide_of_rejected_draws_has_an_unbiased_gradient():
    rate = torch.tensor(1.5, requires_grad=True)

    def model():
        virgil.sample("x", dist.Exponential(1.0))

    def guide():
        with virgil.plate("copies", COUNT):
            virgil.sample("x", RejectionExponential(rate.expand(COUNT), 0.4))

    def copies():
        with virgil.plate("copies", COUNT):
            model()

    loss = Trace_ELBO().differentiable_loss(copies, guide)
    (slope,) = torch.autograd.grad(loss, rate)
    # KL(rate, 1) = log rate + 1 / rate - 1, whose slope is 1 / rate - 1 / rate**2, of every copy
    exact = COUNT * (1 / 1.5 - 1 / 1.5**2)
    # each copy's term is (log q - log p) * (1 / rate - x), of which the standard deviation is below 2
    assert abs(slope.item() - exact) <= Z * 2 * math.sqrt(COUNT)


def test_a_class_of_ones_own_states_its_proposal_as_a_property():
    """The density ``2 x`` on the unit interval, from uniform proposals."""

    class Rising(Rejector):
        def __init__(self):
            super().__init__(None, None, torch.tensor(0.5).log(), batch_shape=(), event_shape=())

        @property
        def propose(self):
            return dist.Uniform(0.0, 1.0)

        @property
        def log_prob_accept(self):
            return torch.log

    assert Rising().log_prob(x=torch.tensor(0.25)).item() == pytest.approx(math.log(0.5), rel=1e-5)
    assert 0.0 < Rising().sample().item() < 1.0
