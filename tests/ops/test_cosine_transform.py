"""The cosine transform against SciPy's, and its inverse."""

import pytest
import scipy.fft
import torch

from virgil.ops.cosine_transform import dct, idct


@pytest.mark.parametrize("length", [1, 2, 3, 8, 15])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_it_is_that_of_scipy(length, dim):
    torch.manual_seed(0)
    signal = torch.randn(2, 3, length, dtype=torch.float64).transpose(-1, dim)
    found = dct(signal, dim)
    torch.testing.assert_close(found, torch.from_numpy(scipy.fft.dct(signal.numpy(), axis=dim, norm="ortho")))
    torch.testing.assert_close(idct(found, dim), signal)
    torch.testing.assert_close(
        idct(signal, dim), torch.from_numpy(scipy.fft.idct(signal.numpy(), axis=dim, norm="ortho"))
    )


@pytest.mark.parametrize("transform", [dct, idct])
def test_the_derivative_is_the_transpose(transform):
    signal = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transform, signal)
