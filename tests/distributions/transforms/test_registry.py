"""The registered maps reach their set, are inverted, and have the Jacobian that automatic differentiation finds."""

import pytest
import torch
from torch import distributions as td

from virgil.distributions import constraints, transforms
from virgil.distributions.transforms import biject_to, transform_to

BIJECTIONS = {
    constraints.softplus_positive: (3,),
    constraints.ordered_vector: (2, 3),
    constraints.positive_ordered_vector: (2, 3),
    constraints.corr_matrix: (2, 3, 3),
    constraints.CoalescentTimesConstraint(torch.tensor([0.3, 1.2, -0.7, 2.6], dtype=torch.double)): (2, 3),
}


def test_every_transform_of_torch_is_handed_on():
    assert set(td.transforms.__all__) <= set(transforms.__all__)


@pytest.mark.parametrize(("constraint", "shape"), BIJECTIONS.items(), ids=str)
def test_our_bijections_invert_and_have_the_jacobian_of_autograd(constraint, shape):
    torch.manual_seed(0)
    to = biject_to(constraint)
    x = torch.randn(to.inverse_shape(shape), dtype=torch.double)
    y = to(x)
    assert y.shape == shape
    assert constraint.check(y).all()
    torch.testing.assert_close(to.inv(y), x)
    one, dims = x[0], x[0].dim()
    rows = torch.tril_indices(3, 3, -1)  # a correlation matrix has its strictly lower triangle for coordinates

    def coordinates(u):
        value = to(u)
        return value[rows[0], rows[1]] if value.dim() == 2 else value

    jacobian = torch.autograd.functional.jacobian(coordinates, one)
    expected = jacobian.abs().log() if dims == 0 else torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(to.log_abs_det_jacobian(one, to(one)), expected)


@pytest.mark.parametrize(
    "constraint", [constraints.softplus_lower_cholesky, constraints.unit_lower_cholesky, constraints.sphere], ids=str
)
def test_our_projections_reach_their_set_and_keep_what_is_in_it(constraint):
    torch.manual_seed(0)
    to = transform_to(constraint)
    y = to(torch.randn(2, 3, 3))
    assert constraint.check(y).all()
    torch.testing.assert_close(to(to.inv(y)), y)
    assert to == transform_to(constraint)


def test_triangular_and_positive_definite_matrices_have_bijections_from_their_free_entries():
    free = transforms.FreeCholeskyTransform
    assert biject_to(constraints.lower_cholesky) == free()
    assert biject_to(constraints.softplus_lower_cholesky) == free()
    assert biject_to(constraints.unit_lower_cholesky) == free(unit=True)
    assert biject_to(constraints.positive_definite) == transforms.FreePositiveDefiniteTransform()


def test_a_norm_of_any_order_has_its_projection():
    y = transform_to(constraints.unit_norm(1))(torch.tensor([3.0, -1.0]))
    assert y.tolist() == [0.75, -0.25]


def test_a_mixture_of_one_support_has_its_bijection():
    shared = constraints.MixtureSameFamilyConstraint(constraints.unit_interval)
    assert isinstance(biject_to(shared), transforms.SigmoidTransform)
    assert isinstance(transform_to(shared), transforms.SigmoidTransform)
    own = constraints.MixtureSameFamilyConstraint(constraints.greater_than(torch.zeros(3)))
    with pytest.raises(NotImplementedError, match="supports of their own"):
        biject_to(own)
