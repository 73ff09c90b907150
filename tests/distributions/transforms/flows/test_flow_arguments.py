"""Layers of flows say what is wrong with what they are given."""

import pytest
import torch

from virgil.distributions import transforms as maps
from virgil.distributions.transforms import flows
from virgil.errors import ArgumentError, ShapeError
from virgil.networks import DenseNN

WRONG = {
    "a dim from the left": (
        lambda: maps.affine_coupling(4, dim=0),
        r"affine_coupling got dim=0; it takes a negative integer, a dim counted from the right\.",
    ),
    "a dim from the left of a layer": (
        lambda: maps.AffineCoupling(1, DenseNN(1, [4], [1, 1]), dim=1),
        r"AffineCoupling got dim=1; it takes a negative",
    ),
    "a number for a shape": (
        lambda: maps.affine_coupling(4, dim=-2),
        r"affine_coupling got input_dim=4 for dim=-2; it takes the event's shape, of 2 dims\.",
    ),
    "one variable": (
        lambda: maps.conditional_affine_coupling(1, 3),
        r"conditional_affine_coupling got split_dim=None for 1 entries; each side of the split needs at least one\.",
    ),
    "all on one side": (lambda: maps.spline_coupling(3, split_dim=3), r"spline_coupling got split_dim=3 for 3 entries"),
    "a cubic spline": (
        lambda: maps.spline(2, order="cubic"),
        r"Spline got order='cubic'; it takes 'linear' or 'quadratic'\.",
    ),
    "one bin": (
        lambda: maps.conditional_spline(2, 3, count_bins=1),
        r"conditional_spline got count_bins=1; it takes an integer from 2 to 500\.",
    ),
    "an activation": (
        lambda: maps.neural_autoregressive(2, activation="relu"),
        r"NeuralAutoregressive got activation='relu'; it takes one of ELU, LeakyReLU, sigmoid, tanh\.",
    ),
    "an activation of blocks": (
        lambda: maps.block_autoregressive(2, activation="relu"),
        r"BlockAutoregressive got activation='relu'; it takes one of ELU, LeakyReLU, sigmoid, tanh\.",
    ),
    "a residual": (
        lambda: maps.block_autoregressive(2, residual="skip"),
        r"BlockAutoregressive got residual='skip'; it takes None, 'normal' or 'gated'\.",
    ),
    "parameters of another order": (
        lambda: maps.ConditionalSpline(DenseNN(3, [4], [8, 8, 6]), 2, 4).condition(torch.zeros(3))(torch.zeros(2)),
        r"network returned 3 tensors; a spline of order 'linear' takes 4: widths, heights, slopes and halves\.",
    ),
    "a network without an order": (
        lambda: maps.AffineAutoregressive(lambda x: (x, x)).inv(torch.zeros(2)),
        r"needs the order of the variables; its network .* has no method get_permutation\(\)\. Take virgil\.nn\.Auto",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_is_named(case):
    make, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        make()


def test_a_value_of_another_size_is_named():
    with pytest.raises(ShapeError, match=r"Spline got a value of shape \(5, 3\); its last dim must be input_dim=2\."):
        maps.spline(2)(torch.zeros(5, 3))
    with pytest.raises(ShapeError, match=r"Spline got a value of shape \(\); its last dim"):
        maps.spline(2)(torch.tensor(0.0))


def test_a_block_flow_with_a_bounded_range_has_no_inverse_image_outside_of_it():
    flow = maps.block_autoregressive(2)
    inverse = flow.inv(torch.tensor([[0.0, 1e6], [0.0, 0.0]]))
    assert inverse[0, 1].isnan()


def test_each_name_stands_in_its_file():
    for file, names in flows.FILES.items():
        for name in names:
            assert getattr(maps, name).__module__ == f"{flows.__name__}.{file}"
