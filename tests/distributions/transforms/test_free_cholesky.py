"""Lower triangular and positive definite matrices from their free entries, against automatic differentiation."""

import pytest
import torch

from virgil.distributions.transforms import FreeCholeskyTransform, FreePositiveDefiniteTransform

TRANSFORMS = {
    "positive diagonal": FreeCholeskyTransform(),
    "unit diagonal": FreeCholeskyTransform(unit=True),
    "positive definite": FreePositiveDefiniteTransform(),
}


def _entries(transform, size):
    return transform.inverse_shape(torch.Size([size, size]))[-1]


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_it_is_a_bijection_with_the_jacobian_of_its_free_entries(transform, size):
    torch.manual_seed(0)
    below = -1 if transform == TRANSFORMS["unit diagonal"] else 0
    x = torch.randn(3, _entries(transform, size), dtype=torch.double)
    y = transform(x)
    assert y.shape == transform.forward_shape(x.shape) == (3, size, size)
    assert transform.codomain.check(y).all()
    torch.testing.assert_close(transform.inv(y), x)
    rows, columns = torch.tril_indices(size, size, below)
    for one, log_det in zip(x, transform.log_abs_det_jacobian(x, y), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda u: transform(u)[rows, columns], one)
        torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)


def test_transforms_are_equal_when_they_are_the_same_map():
    different = list(TRANSFORMS.values())
    for place, transform in enumerate(different):
        assert transform == type(transform)(unit=transform.unit)
        assert all(transform != other for other in different[:place])


def test_entries_come_row_by_row():
    factor = FreeCholeskyTransform()(torch.tensor([0.0, 2.0, 0.0, 3.0, 4.0, 0.0]))
    torch.testing.assert_close(factor, torch.tensor([[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [3.0, 4.0, 1.0]]))
    torch.testing.assert_close(FreePositiveDefiniteTransform()(torch.tensor([0.0, 2.0, 0.0]))[1, 1], torch.tensor(5.0))


def test_matrices_of_one_row():
    assert TRANSFORMS["unit diagonal"](torch.zeros(3, 0)).tolist() == [[[1.0]]] * 3
    assert TRANSFORMS["unit diagonal"].inv(torch.ones(3, 1, 1)).shape == (3, 0)
    torch.testing.assert_close(TRANSFORMS["positive definite"](torch.tensor([0.5])), torch.tensor([[1.0]]).exp())
