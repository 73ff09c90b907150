"""The Haar transform is orthonormal, has known coefficients, and comes back."""

import pytest
import torch

from virgil.ops.haar_transform import haar_transform, inverse_haar_transform


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 13])
def test_it_is_orthonormal_and_comes_back(length):
    identity = torch.eye(length, dtype=torch.float64)
    matrix = haar_transform(identity)
    torch.testing.assert_close(matrix @ matrix.mT, identity)
    torch.testing.assert_close(inverse_haar_transform(matrix), identity)
    torch.testing.assert_close(inverse_haar_transform(identity), matrix.mT)


def test_coefficients_go_from_coarse_to_fine():
    rows = haar_transform(torch.eye(4, dtype=torch.float64)).mT
    half, root = 0.5, 0.5**0.5
    expected = [[half] * 4, [half, half, -half, -half], [root, -root, 0, 0], [0, 0, root, -root]]
    torch.testing.assert_close(rows, torch.tensor(expected, dtype=torch.float64))


def test_an_entry_without_a_partner_is_kept():
    found = haar_transform(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
    torch.testing.assert_close(found, torch.tensor([5.0, -2.0, -(0.5**0.5), -(0.5**0.5), 5.0]))
