"""A conditional autoregression is the normal vector of its precision matrix, sparse or dense."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError

GRID = torch.tensor(
    [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 0, 2, 0], [0, 1, 2, 0, 1], [0, 0, 0, 1, 0]], dtype=torch.double
)
LOC = torch.linspace(-1.0, 1.0, 5, dtype=torch.double)
CORRELATION = torch.tensor([0.9, -0.4, 0.0], dtype=torch.double)
PRECISION = torch.tensor(2.5, dtype=torch.double)


@pytest.mark.parametrize("matrix", [GRID, GRID.to_sparse()], ids=["dense", "sparse"])
@pytest.mark.parametrize("eigenvalues", [None, dist.CAR.spectrum(GRID)], ids=["computed", "given"])
def test_density_and_moments_are_those_of_the_normal_vector(matrix, eigenvalues):
    torch.manual_seed(0)
    fn = dist.CAR(LOC, CORRELATION, PRECISION, matrix, eigenvalues=eigenvalues)
    normal = dist.MultivariateNormal(LOC, precision_matrix=fn.precision_matrix)
    x = fn.sample((4,))
    assert x.shape == (4, 3, 5)
    torch.testing.assert_close(fn.log_prob(x), normal.log_prob(x))
    torch.testing.assert_close(fn.entropy(), normal.entropy())
    torch.testing.assert_close(fn.variance, normal.variance)
    torch.testing.assert_close(fn.expand((4, 3)).log_prob(x), normal.log_prob(x))


def test_an_area_given_its_neighbours_has_their_weighed_mean():
    fn = dist.CAR(torch.zeros(5, dtype=torch.double), CORRELATION[0], PRECISION, GRID)
    x = torch.randn(5, dtype=torch.double)
    place = torch.linspace(-3.0, 3.0, 7, dtype=torch.double)
    values = x.repeat(7, 1)
    values[:, 2] = place
    mean, precision = 0.9 * (x[0] + 2 * x[3]) / 3, 2.5 * 3
    expected = dist.Normal(mean, precision**-0.5).log_prob(place)
    ours = fn.log_prob(values)
    torch.testing.assert_close(ours - ours[0], expected - expected[0])


@pytest.mark.parametrize(
    "matrix", [torch.eye(5).roll(1, 0), -GRID, torch.zeros(5, 5)], ids=["one way", "below zero", "no neighbours"]
)
def test_matrices_that_are_no_neighbourhoods_are_refused(matrix):
    with pytest.raises(ArgumentError, match="symmetric, has no entry below zero, and no row of zeros"):
        dist.CAR(LOC, CORRELATION, PRECISION, matrix)


def test_matrices_of_other_sizes_are_refused():
    with pytest.raises(ShapeError, match=r"loc of shape \(5,\) and an adj_matrix of shape \(2, 2\)"):
        dist.CAR(LOC, CORRELATION, PRECISION, torch.ones(2, 2))
