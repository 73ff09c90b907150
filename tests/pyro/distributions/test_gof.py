"""p-values are about uniform for draws that fit, and near zero for those that do not. Seeds are fixed.

A p-value of fitting draws falls below 1e-6 with about that probability; fewer than 30 are compared.
"""

import math

import pytest
import torch
from scipy import stats

import virgil.distributions as dist
from virgil.pyro.distributions.testing import gof
from virgil.pyro.distributions.testing.special import chi2sf, incomplete_gamma, log

LOW = 1e-6

FAMILIES = {
    "normal": dist.Normal(torch.tensor(0.3), 1.5),
    "exponential": dist.Exponential(torch.tensor(2.0)),
    "bounded": dist.Beta(torch.tensor(2.0), 3.0),
    "vectors": dist.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 0.5], [0.5, 2.0]])),
    "poisson": dist.Poisson(torch.tensor(3.0)),
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(20240611)


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_fit_their_own_density_and_no_other(name):
    fn = FAMILIES[name]
    x = fn.sample((5000,))
    probs = fn.log_prob(x).exp()
    if name == "poisson":
        x = x.long()
        other = x + (torch.rand(5000) < 0.2)
    else:
        other = 1.2 * x
        assert gof.auto_goodness_of_fit(x, 1.3 * probs) < LOW
    assert LOW < gof.auto_goodness_of_fit(x, probs) <= 1
    assert gof.auto_goodness_of_fit(other, probs) < LOW


def test_a_surface_has_fewer_dimensions():
    """A circle in the plane has the density 1 / (2 pi) by length."""
    angle = 2 * math.pi * torch.rand(5000)
    x = torch.stack([angle.cos(), angle.sin()], -1)
    probs = torch.full((5000,), 1 / (2 * math.pi))
    assert gof.vector_density_goodness_of_fit(x, probs, dim=1) > LOW
    assert gof.vector_density_goodness_of_fit(x, probs) < LOW


def test_uniform_and_exponential_draws():
    u = torch.rand(5000)
    assert gof.unif01_goodness_of_fit(u) > LOW
    assert gof.unif01_goodness_of_fit(u**2) < LOW
    assert gof.exp_goodness_of_fit(-u.log()) > LOW
    assert gof.exp_goodness_of_fit(-2 * u.log()) < LOW


def test_counts_are_compared_as_scipy_does():
    probs, counts = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([60, 25, 15])
    expected = stats.chisquare(counts.numpy(), (100 * probs.double()).numpy()).pvalue
    assert gof.multinomial_goodness_of_fit(probs, counts) == pytest.approx(expected, rel=1e-4)
    part = gof.multinomial_goodness_of_fit(probs[:2], counts[:2], total_count=100)
    assert part == pytest.approx(expected, rel=1e-4)  # the rest is a cell of its own
    assert gof.multinomial_goodness_of_fit(torch.tensor([1.0, 0.0]), torch.tensor([5, 0])) == 1
    assert gof.multinomial_goodness_of_fit(torch.tensor([1.0, 0.0]), torch.tensor([5, 1])) == 0


def test_tests_that_say_nothing_are_refused():
    with pytest.raises(gof.InvalidTest, match="100 draws are too few"):
        gof.unif01_goodness_of_fit(torch.rand(100))
    with pytest.raises(ValueError, match="lie between 0 and 1"):
        gof.unif01_goodness_of_fit(2 * torch.rand(1000))
    with pytest.raises(gof.InvalidTest, match="vectors of one length"):
        gof.multinomial_goodness_of_fit(torch.ones(2) / 2, torch.ones(3))
    with pytest.raises(gof.InvalidTest, match="No draw was counted"):
        gof.multinomial_goodness_of_fit(torch.ones(2) / 2, torch.zeros(2))
    with pytest.raises(gof.InvalidTest, match="have one density each"):
        gof.auto_goodness_of_fit(torch.rand(1000), torch.ones(10))


def test_distances_and_volumes():
    torch.testing.assert_close(
        gof.get_nearest_neighbor_distances(torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]])),
        torch.tensor([1.0, 1.0, 4.0]),
    )
    assert gof.volume_of_sphere(1, 2.0) == pytest.approx(4)
    assert gof.volume_of_sphere(3, 2.0) == pytest.approx(4 / 3 * math.pi * 8)


def test_a_histogram_is_printed(capsys):
    gof.multinomial_goodness_of_fit(torch.tensor([0.5, 0.5]), torch.tensor([3, 6]), plot=True)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["prob", "count"]
    assert first.split() == ["0.500", "6", "-" * 60]
    assert second.split() == ["0.500", "3", "-" * 30]


def test_special_functions():
    for x in (0.0, 0.5, 3.0, 40.0):
        assert chi2sf(x, 3) == pytest.approx(stats.chi2(3).sf(x))
        assert incomplete_gamma(x, 2) == pytest.approx(stats.gamma(2).cdf(x))
    assert chi2sf(-1.0, 3) == 1
    assert log(0) == -math.inf
    assert log(2.0) == math.log(2.0)
