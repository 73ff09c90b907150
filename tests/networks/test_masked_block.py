"""Linear layers of blocks, positive on the diagonal."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.networks.masked_block import MaskedBlockLinear, log_matrix_product


def test_the_matrix_is_lower_triangular_in_blocks_and_positive_on_the_diagonal():
    layer = MaskedBlockLinear(4, 6, dim=2)
    with torch.no_grad():
        layer._weight.normal_()
    weight, blocks = layer.get_weights()
    assert not weight[:3, 2:].any()
    torch.testing.assert_close(blocks.exp(), torch.stack([weight[:3, :2], weight[3:, 2:]]))
    torch.testing.assert_close(weight.norm(dim=1), layer._diag_weight.exp().squeeze(-1))


def test_it_is_a_linear_layer_of_this_matrix():
    layer = MaskedBlockLinear(2, 4, dim=2)
    x = torch.randn(3, 5, 2)
    y, blocks = layer(x)
    weight, expected = layer.get_weights()
    torch.testing.assert_close(y, x @ weight.T + layer.bias)
    torch.testing.assert_close(blocks, expected)
    assert MaskedBlockLinear(2, 4, dim=2, bias=False).bias is None


def test_a_product_of_logarithms_is_the_logarithm_of_the_product():
    a, b = torch.rand(7, 3, 4), torch.rand(7, 4, 2)
    torch.testing.assert_close(log_matrix_product(a.log(), b.log()), (a @ b).log())


def test_sizes_are_multiples_of_the_number_of_groups():
    with pytest.raises(ArgumentError, match=r"MaskedBlockLinear got out_features=5 for dim=2; it takes a positive mul"):
        MaskedBlockLinear(4, 5, dim=2)
