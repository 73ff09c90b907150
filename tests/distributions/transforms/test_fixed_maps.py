"""Maps without parameters: closed forms, limits, equality and errors."""

import math

import pytest
import torch

from tests.laws.transforms import fixed
from virgil.distributions import constraints, transforms
from virgil.distributions.transforms import biject_to
from virgil.errors import ArgumentError, ShapeError


@pytest.mark.parametrize("name", fixed.ROWS)
def test_maps_are_equal_when_they_are_the_same_map(name):
    one = fixed.ROWS[name].make()
    assert [other for other, row in fixed.ROWS.items() if row.make() == one] == [name]
    assert one != name
    assert one.with_cache(1) == one


def test_exponential_linear_units_at_both_ends():
    elu = transforms.elu()
    y = torch.tensor([-1.0 + 1e-7, -1e-12, 0.0, 1e30])
    x = elu.inv(y)
    torch.testing.assert_close(x, torch.where(y < 0, torch.log1p(y), y))
    torch.testing.assert_close(
        elu.log_abs_det_jacobian(torch.tensor([-200.0, 3.0]), y[:2]), torch.tensor([-200.0, 0.0])
    )
    leaf = torch.tensor([-0.5, 2.0], requires_grad=True)
    (slopes,) = torch.autograd.grad(elu.inv(leaf).sum(), leaf)
    torch.testing.assert_close(slopes, torch.tensor([2.0, 1.0]))


def test_powers_keep_the_sign_and_are_positive():
    power = transforms.PositivePowerTransform(torch.tensor([0.5, 3.0]))
    assert power(torch.tensor([-4.0, -2.0])).tolist() == [-2.0, -8.0]
    assert power.forward_shape((4, 1)) == (4, 2)
    zero = torch.zeros(2)
    assert power.log_abs_det_jacobian(zero, zero).tolist() == [math.inf, -math.inf]
    with pytest.raises(ArgumentError, match=r"exponent=0.0; it takes positive numbers"):
        transforms.PositivePowerTransform(0.0)
    transforms.PositivePowerTransform(-1.0, validate_args=False)


def test_smooth_series_become_white():
    """Brownian noise has coefficients of variance that falls with the square of the frequency, beyond the lowest."""
    steps = torch.arange(1.0, 65, dtype=torch.double)
    covariance = torch.minimum(steps[:, None], steps)
    to = transforms.DiscreteCosineTransform(smooth=1.0)
    variances = to(to(covariance).mT).diagonal()[4:32]
    assert variances.max() / variances.min() < 1.2
    weights = transforms.DiscreteCosineTransform(smooth=0.7)(torch.eye(5, dtype=torch.double))
    assert torch.linalg.slogdet(weights).logabsdet.abs() < 1e-12


def test_a_flipped_series_begins_at_its_end():
    series = torch.tensor([1.0, 2.0, 4.0, 8.0])
    flipped = transforms.HaarTransform(flip=True)
    torch.testing.assert_close(flipped(series), transforms.HaarTransform()(series.flip(0)))
    torch.testing.assert_close(flipped.inv(flipped(series).clone()), series)


def test_a_dim_is_counted_from_the_right():
    for make in (transforms.DiscreteCosineTransform, transforms.HaarTransform):
        with pytest.raises(ArgumentError, match=r"got dim=0; it takes a negative integer"):
            make(dim=0)
    with pytest.raises(ArgumentError, match=r"Permute got dim=1; it takes a negative integer"):
        transforms.permute(3, dim=1)
    with pytest.raises(ArgumentError, match=r"input_dim=3 for dim=-2; it takes the shape of the event, 2 sizes"):
        transforms.permute(3, dim=-2)
    with pytest.raises(ArgumentError, match=r"it takes a vector with each whole number"):
        transforms.Permute(torch.tensor([0.0, 1.0]))


def test_permutations_and_their_inverses():
    order = torch.tensor([2, 0, 1])
    shuffle = transforms.Permute(order)
    x = torch.tensor([10.0, 11.0, 12.0])
    assert shuffle(x).tolist() == [12.0, 10.0, 11.0]
    assert shuffle.inv_permutation.tolist() == [1, 2, 0]
    assert sorted(transforms.permute(5).permutation.tolist()) == [0, 1, 2, 3, 4]
    assert shuffle.volume_preserving


def test_normal_vectors_of_any_norm():
    assert transforms.Normalize(p=1)(torch.tensor([1.0, -2.0, 3.0])).tolist() == pytest.approx([1 / 6, -1 / 3, 1 / 2])
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    y = transforms.Normalize()(x)
    assert y.tolist() == [[1.0, 0.0], pytest.approx([0.6, 0.8])]
    assert torch.autograd.grad(y[:, 1].sum(), x)[0].isfinite().all()
    assert repr(transforms.Normalize().codomain) == "Sphere()"
    assert repr(transforms.Normalize(p=1).codomain) == "UnitNorm(1)"
    assert constraints.unit_norm(1).check(torch.tensor([0.5, -0.5]))
    assert not constraints.sphere.check(torch.tensor([0.5, -0.5]))


def test_cutpoints_give_the_probabilities_of_an_ordered_model():
    probabilities = torch.tensor([1e-12, 0.3, 0.7 - 2e-12, 1e-12], dtype=torch.double)
    to = transforms.SimplexToOrderedTransform(anchor_point=0.7)
    cutpoints = to(probabilities)
    ends = torch.cat([torch.zeros(1).double(), (cutpoints - 0.7).sigmoid(), torch.ones(1).double()])
    torch.testing.assert_close(ends.diff(), probabilities, rtol=1e-4, atol=1e-15)
    torch.testing.assert_close(to.inv(cutpoints), probabilities, rtol=1e-12, atol=0)
    assert cutpoints[-1] == pytest.approx(0.7 + 12 * math.log(10.0), rel=1e-12)


def test_affine_maps_may_reflect():
    tril = torch.tensor([[2.0, 0.0], [1.0, -3.0]])
    affine = transforms.LowerCholeskyAffine(torch.zeros(5, 2), tril)
    x = torch.ones(2)
    y = affine(x)
    assert y.shape == (5, 2)
    torch.testing.assert_close(affine.log_abs_det_jacobian(x, y), torch.full((5,), math.log(6.0)))
    with pytest.raises(ShapeError, match=r"loc of shape \(3,\) and scale_tril of shape \(2, 2\)"):
        transforms.LowerCholeskyAffine(torch.zeros(3), tril)


def test_factors_of_matrices_are_inverse_to_the_matrices():
    x = torch.randn(4, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    factor = biject_to(constraints.corr_cholesky)(x)
    matrix = transforms.CorrMatrixTransform()(factor)
    to = transforms.CorrMatrixCholeskyTransform()
    torch.testing.assert_close(to(matrix), factor)
    both = to.log_abs_det_jacobian(matrix, factor) + transforms.CorrMatrixTransform().log_abs_det_jacobian(
        factor, matrix
    )
    torch.testing.assert_close(both, torch.zeros(4, dtype=torch.double))
    assert transforms.CholeskyTransform() != to
