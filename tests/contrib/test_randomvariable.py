"""Densities of transformed variables against SciPy's, and against quadrature."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import virgil.distributions as dist
from virgil.contrib.randomvariable import RandomVariable
from virgil.distributions import transforms
from virgil.errors import ArgumentError


def uniform(low=0.0, high=1.0):
    return RandomVariable(dist.Uniform(torch.tensor(low).double(), torch.tensor(high).double()))


def normal(loc=0.0, scale=1.0):
    return RandomVariable(dist.Normal(torch.tensor(loc).double(), scale))


def gamma(concentration, rate):
    return RandomVariable(dist.Gamma(torch.tensor(concentration).double(), rate))


HALF = torch.tensor(0.5).double()
CLOSED_FORMS = [
    (lambda: uniform().log().neg(), stats.expon(), [0.1, 1.0, 3.0]),
    (lambda: normal().exp(), stats.lognorm(1.0), [0.2, 1.0, 2.5]),
    (lambda: normal(0.3, 0.5).exp().log(), stats.norm(0.3, 0.5), [-0.4, 0.3, 1.0]),
    (lambda: 2 * normal() + 1, stats.norm(1, 2), [-1.0, 0.0, 3.0]),
    (lambda: 1 - normal(0.5, 0.5), stats.norm(0.5, 0.5), [-1.0, 0.5]),
    (lambda: normal() / 4 - 1, stats.norm(-1, 0.25), [-1.2, -0.9]),
    (lambda: normal().mul(HALF).add(HALF).sub(1).div(HALF), stats.norm(-1, 1), [-1.0, 1.0]),
    (lambda: abs(normal()), stats.halfnorm(), [0.1, 1.0]),
    (lambda: abs(normal(0.7, 1.3)), stats.foldnorm(0.7 / 1.3, scale=1.3), [0.1, 1.0, 2.0]),
    (lambda: abs(uniform()), stats.uniform(), [0.1, 0.9]),
    (lambda: normal() ** 2, stats.chi2(1), [0.1, 1.0, 3.0]),
    (lambda: uniform() ** 2, stats.beta(0.5, 1.0), [0.04, 0.5]),
    (lambda: (uniform() - 0.5) ** 2, stats.beta(0.5, 1.0, scale=0.25), [0.04, 0.2]),
    (lambda: uniform() ** 0.5, stats.beta(2.0, 1.0), [0.2, 0.9]),
    (lambda: uniform() ** (3 * HALF), stats.beta(2 / 3, 1.0), [0.2, 0.9]),
    (lambda: uniform() ** 3, stats.beta(1 / 3, 1.0), [0.2, 0.9]),
    (lambda: gamma(3.0, 2.0) ** -1, stats.invgamma(3.0, scale=2.0), [0.3, 1.0]),
    (lambda: gamma(2.0, 2.0) ** -2, None, [0.3, 1.0]),
    (lambda: (uniform() / (1 - 0.5)).sub(1).pow(3), None, [-0.5, 0.3]),
    (lambda: normal().sigmoid(), None, [0.2, 0.7]),
    (lambda: normal(0.5, 0.3).tanh(), None, [-0.2, 0.7]),
]


@pytest.mark.parametrize(("make", "exact", "points"), CLOSED_FORMS)
def test_the_density_is_that_of_the_transformed_variable(make, exact, points):
    fn = make().dist
    log_prob = fn.log_prob(torch.tensor(points, dtype=torch.float64)).numpy()
    if exact is not None:
        assert log_prob == pytest.approx(exact.logpdf(points), rel=1e-6, abs=1e-9)
        return
    low, high = points[0], points[-1]
    # the share of 40,000 draws between two points, within 5 standard errors: a false alarm in two million
    draws = fn.sample((40_000,))
    share = ((draws > low) & (draws < high)).double().mean().item()
    mass = integrate.quad(lambda y: fn.log_prob(torch.tensor(y).double()).exp().item(), low, high, points=[0.0])[0]
    assert mass == pytest.approx(share, abs=5 * (share * (1 - share) / 40_000) ** 0.5)


def test_operators_and_methods_are_the_same():
    by_methods = uniform().mul(4).pow(0.5).sub(1).abs().neg().dist
    by_operators = (-abs((4 * uniform()) ** 0.5 - 1)).dist
    points = torch.tensor([-0.9, -0.3]).double()
    assert torch.equal(by_methods.log_prob(points), by_operators.log_prob(points))
    # 2 sqrt(u) - 1 has density (1 + z) / 2 between -1 and 1, and so its magnitude is uniform
    assert by_methods.log_prob(points).numpy() == pytest.approx(np.zeros(2), abs=1e-6)
    draws = by_methods.sample((1_000,))
    assert ((draws <= 0) & (draws >= -1)).all()


def test_points_that_one_of_the_two_signs_cannot_reach_count_for_the_other():
    # 2 sqrt(u) - 0.5 has density (z + 0.5) / 2 between -0.5 and 1.5
    fn = abs(uniform().mul(4).pow(0.5).sub(0.5)).dist
    points = torch.tensor([0.2, 1.0, 1.49]).double()
    assert fn.log_prob(points).exp().numpy() == pytest.approx([0.35 + 0.15, 0.75, 0.995], rel=1e-6)


def test_gradients_at_such_points_are_finite():
    high = torch.tensor(2.0).double().requires_grad_()
    fn = abs(RandomVariable(dist.Uniform(torch.zeros(()).double(), high))).dist
    (gradient,) = torch.autograd.grad(fn.log_prob(torch.tensor(1.0).double()), high)
    assert gradient.item() == pytest.approx(-0.5)


def test_constants_broadcast_and_events_stay():
    assert (torch.ones(3) * uniform()).dist.batch_shape == (3,)
    assert (torch.ones(3) - uniform()).dist.batch_shape == (3,)
    assert abs(uniform()).dist.expand((2,)).log_prob(torch.tensor(0.3).double()).shape == (2,)
    vector = 2 * RandomVariable(dist.Normal(torch.zeros(3), 1.0).to_event(1)) + 1
    assert vector.dist.event_shape == (3,)
    assert vector.dist.log_prob(torch.ones(3)).item() == pytest.approx(3 * stats.norm(0, 2).logpdf(0), rel=1e-6)
    shares = RandomVariable(dist.Normal(torch.zeros(3), 1.0)).softmax().dist.sample()
    assert shares.sum().item() == pytest.approx(1.0)


def test_transform_takes_one_or_several():
    maps = [transforms.ExpTransform(), transforms.SigmoidTransform()]
    value = torch.tensor(0.8).double()
    both = normal().transform(maps).dist.log_prob(value)
    one_by_one = normal().transform(maps[0]).transform(maps[1]).dist.log_prob(value)
    assert both.item() == pytest.approx(one_by_one.item(), rel=1e-12)
    with pytest.raises(ArgumentError, match=r"transform\(\) got 3; it takes a transform, or a list of transforms."):
        normal().transform(3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: RandomVariable(3), "RandomVariable() got 3; it takes a distribution."),
        (lambda: uniform() + uniform(), "Draw both, or convolve the two by hand."),
        (lambda: uniform() - "a", "A random variable minus 'a' is not known; the other term must be a number"),
        (lambda: uniform() * 0, "A random variable times 0 is a constant, which has no density."),
        (lambda: uniform() / 0, "A random variable cannot be divided by 0."),
        (lambda: uniform() ** 0, "A random variable to the power of 0 is not known"),
        (lambda: 2 * RandomVariable(dist.Bernoulli(0.5)), "Bernoulli is discrete, and arithmetic here is on"),
        (lambda: abs(RandomVariable(dist.Poisson(2.0))), "Poisson is discrete"),
    ],
)
def test_mistakes_are_named(wrong, message):
    with pytest.raises(ArgumentError) as error:
        wrong()
    assert message in str(error.value)
