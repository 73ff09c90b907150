"""A normal matrix is a normal vector of its entries, with the Kronecker product of both covariances."""

import pytest
import torch

import virgil.distributions as dist
from virgil.errors import ShapeError


def test_density_and_entropy_are_those_of_the_vector_of_entries():
    torch.manual_seed(0)
    loc = torch.randn(5, 3, 2, dtype=torch.double)
    rows, columns = (torch.randn(size, size, dtype=torch.double).tril(-1) + torch.eye(size) * 0.7 for size in (3, 2))
    fn = dist.MatrixNormal(loc, rows, columns)
    assert (fn.batch_shape, fn.event_shape) == ((5,), (3, 2))
    vector = dist.MultivariateNormal(loc.flatten(-2), scale_tril=torch.kron(rows, columns))
    x = fn.sample((4,))
    torch.testing.assert_close(fn.log_prob(x), vector.log_prob(x.flatten(-2)))
    torch.testing.assert_close(fn.entropy(), vector.entropy())
    torch.testing.assert_close(fn.variance.flatten(-2), vector.variance)
    torch.testing.assert_close(fn.log_prob(x[0, 0]), vector.log_prob(x[0, 0].flatten()))


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"of shapes \(3, 2\), \(3, 3\), \(3, 3\); it takes"):
        dist.MatrixNormal(torch.zeros(3, 2), torch.eye(3), torch.eye(3))
