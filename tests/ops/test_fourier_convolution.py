"""Convolution against SciPy's, fast lengths against brute force."""

import pytest
import scipy.fft
import scipy.signal
import torch

from virgil.errors import ArgumentError
from virgil.ops.fourier_convolution import convolve, next_fast_len


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 3), (5, 4), (20, 20), (30, 1)])
def test_it_is_that_of_scipy(m, n, mode):
    torch.manual_seed(0)
    signal, kernel = torch.randn(3, 1, m, dtype=torch.float64), torch.randn(2, n, dtype=torch.float64)
    found = convolve(signal, kernel, mode)
    torch.testing.assert_close(found, convolve(kernel, signal, mode))
    for i in range(3):
        for j in range(2):
            expected = scipy.signal.convolve(signal[i, 0].numpy(), kernel[j].numpy(), mode)
            torch.testing.assert_close(found[i, j], torch.from_numpy(expected))


def test_fast_lengths():
    assert [next_fast_len(size) for size in range(1, 200)] == [
        scipy.fft.next_fast_len(size, real=True) for size in range(1, 200)
    ]


def test_what_is_refused():
    with pytest.raises(ArgumentError, match="mode='half'; it takes 'full', 'valid' or 'same'"):
        convolve(torch.ones(3), torch.ones(2), "half")
    with pytest.raises(ArgumentError, match="size=0; it must be positive"):
        next_fast_len(0)
