"""Draws of angles and directions against their distribution functions, by Kolmogorov and Smirnov's test.

A test refuses true draws with probability 1e-5. Seeds are fixed.
"""

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError

COUNT = 2000
LEVEL = 1e-5


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


def p_value(values, density, low=-np.pi, high=np.pi):
    """The p-value of draws of a number, whose density up to a factor is given."""
    grid = np.linspace(low, high, 4001)
    mass = integrate.cumulative_simpson(density(grid), x=grid, initial=0.0)
    return stats.kstest(values.numpy(), lambda x: np.interp(x, grid, mass / mass[-1])).pvalue


# one mode, two modes, and between
MODELS = [(1.5, 2.5, 1.1), (3.0, 0.7, -4.0), (50.0, 80.0, 63.0), (0.01, 0.02, 30.0)]


@pytest.mark.parametrize("model", MODELS)
def test_first_angles_of_the_sine_model_have_their_density(model):
    a, b, c = model
    phi, psi = dist.SineBivariateVonMises(0.0, 0.0, *map(torch.tensor, model)).sample((COUNT,)).unbind(-1)

    def density(x, a=a, b=b):
        z = np.hypot(b, c * np.sin(x))
        return special.i0e(z) * np.exp(z - np.hypot(b, c) + a * (np.cos(x) - 1))

    assert p_value(phi, density) > LEVEL
    assert p_value(psi, lambda y: density(y, b, a)) > LEVEL


def test_signs_of_both_angles_agree_as_the_density_says():
    a, b, c = MODELS[0]
    angles = dist.SineBivariateVonMises(0.0, 0.0, a, b, torch.tensor(c)).sample((COUNT,))

    def density(y, x):
        return np.exp(a * np.cos(x) + b * np.cos(y) + c * np.sin(x) * np.sin(y))

    agreeing, differing = (integrate.dblquad(density, 0, np.pi, *ends)[0] for ends in ((0, np.pi), (-np.pi, 0)))
    count = int((angles.prod(-1) > 0).sum())
    assert stats.binomtest(count, COUNT, agreeing / (agreeing + differing)).pvalue > LEVEL


def test_the_weighted_correlation_is_relative_to_the_concentrations():
    fn = dist.SineBivariateVonMises(0.0, 0.0, torch.tensor(4.0), 9.0, weighted_correlation=0.5)
    assert fn.correlation == 3.0
    same = dist.SineBivariateVonMises(0.0, 0.0, torch.tensor(4.0), 9.0, correlation=3.0)
    assert fn.norm_const == same.norm_const
    assert fn.mean.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("given", [{}, {"correlation": 1.0, "weighted_correlation": 0.5}])
def test_one_correlation_is_given(given):
    with pytest.raises(ArgumentError, match="exactly one of correlation and weighted_correlation"):
        dist.SineBivariateVonMises(0.0, 0.0, 1.0, 1.0, **given)


def test_skewed_angles_have_their_density():
    base = dist.VonMises(torch.tensor([0.5]), 2.0).to_event(1)
    (x,) = dist.SineSkewed(base, torch.tensor([-0.8])).sample((COUNT,)).unbind(-1)
    assert p_value(x, lambda x: np.exp(2 * np.cos(x - 0.5)) * (1 - 0.8 * np.sin(x - 0.5))) > LEVEL


def test_a_skewness_that_makes_the_density_negative_is_refused():
    base = dist.VonMises(torch.zeros(2), 2.0).to_event(1)
    with pytest.raises(ArgumentError, match="absolute values sum to more than 1"):
        dist.SineSkewed(base, torch.tensor([0.7, -0.6]))
    with pytest.raises(ShapeError, match=r"event_shape \(2,\) and a skewness of shape \(3,\)"):
        dist.SineSkewed(base, torch.zeros(3))
    with pytest.raises(ShapeError, match=r"to_event\(1\) makes a vector"):
        dist.SineSkewed(dist.VonMises(0.0, 2.0), torch.zeros(1))


@pytest.mark.parametrize("length", [1e-6, 0.5, 40.0])
def test_components_along_the_mode_of_a_von_mises_have_their_density(length):
    axis = torch.tensor([0.6, 0.0, -0.8])
    along = dist.VonMises3D(length * axis).sample((COUNT,)) @ axis
    assert p_value(along, lambda w: np.exp(length * (w - 1)), -1, 1) > LEVEL


@pytest.mark.parametrize("length", [0.0, 1.5])
def test_angles_of_a_projected_normal_in_the_plane_have_their_density(length):
    x, y = dist.ProjectedNormal(torch.tensor([length, 0.0])).sample((COUNT,)).unbind(-1)

    def density(angle):
        t = length * np.cos(angle)
        return np.exp(-t * t / 2) + np.sqrt(2 * np.pi) * t * special.ndtr(t)

    def scaled(angle):  # by exp(t**2 / 2), which the closed form has
        return density(angle) * np.exp((length * np.cos(angle)) ** 2 / 2)

    assert p_value(torch.atan2(y, x), scaled) > LEVEL


@pytest.mark.parametrize("size", [2, 3, 5, 12])
def test_the_uniform_density_is_one_over_the_area_of_the_sphere(size):
    value = torch.nn.functional.normalize(torch.randn(size, dtype=torch.double), dim=-1)
    log_prob = dist.ProjectedNormal(torch.zeros(size, dtype=torch.double)).log_prob(value)
    area = 2 * np.pi ** (size / 2) / special.gamma(size / 2)
    assert log_prob.item() == pytest.approx(-np.log(area), rel=1e-12)


def test_modes_and_shapes_of_directions():
    assert dist.ProjectedNormal(torch.tensor([3.0, 4.0])).mode.tolist() == pytest.approx([0.6, 0.8])
    assert dist.VonMises3D(torch.tensor([0.0, 3.0, 4.0])).mode.tolist() == pytest.approx([0.0, 0.6, 0.8])
    with pytest.raises(ShapeError, match="vectors of three numbers"):
        dist.VonMises3D(torch.zeros(2))
    with pytest.raises(ShapeError, match="takes a vector"):
        dist.ProjectedNormal(torch.tensor(1.0))


def test_the_entropy_of_a_von_mises_is_its_mean_of_minus_log_density():
    fn = dist.VonMises3D(torch.tensor([[0.5, -1.2, 2.0], [1e-3, 0.0, 0.0]], dtype=torch.double))
    surprise = -fn.log_prob(fn.sample((4000,)))
    error = surprise.std(0) / 4000**0.5
    assert ((surprise.mean(0) - fn.entropy()).abs() < 5 * error + 1e-9).all()
