"""Fourier transforms and complex numbers, lowered, agree with torch's own, and so do their derivatives."""

import pytest
import torch
from torch import fft

from tests.engine.xla.harness import assert_gradient_lowered, assert_lowered, lowerings_in, operators_of
from virgil.engine.xla.lowerings import fourier

pytestmark = pytest.mark.every_engine

NUMBERS = torch.randn(3, 4, 5, dtype=torch.double, generator=torch.Generator().manual_seed(0))
PROGRAMS = {
    "of real numbers": fft.fft,
    "of real numbers, scaled": lambda x: fft.fft(x, norm="ortho"),
    "half of it": lambda x: fft.rfft(x, dim=1),
    "over axes": lambda x: fft.rfftn(x, dim=(0, 2), norm="forward"),
    "of complex numbers": lambda x: fft.fft(torch.complex(x, x.flip(0)), norm="forward"),
    "back": lambda x: fft.ifft(torch.complex(x, x.flip(0))),
    "back over axes": lambda x: fft.ifftn(torch.complex(x, x.flip(0)), dim=(0, 1)),
    "back to real numbers": lambda x: fft.irfft(torch.complex(x, x.flip(0)), n=9),
    "back to real numbers over axes": lambda x: fft.irfftn(torch.complex(x, x.flip(0)), dim=(0, 2), norm="ortho"),
    "turned": lambda x: torch.polar(x.square(), x),
    "imaginary part of a conjugate": lambda x: torch.complex(x, x.flip(0)).conj().imag * x,
    "conjugate": lambda x: torch.complex(x, x.flip(0)).conj() * torch.complex(x.exp(), x),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_agree_with_torch(program):
    def pairs(x):
        result = program(x)
        return torch.view_as_real(result.resolve_conj()) if result.is_complex() else result

    assert_lowered(pairs, NUMBERS)
    assert_lowered(pairs, NUMBERS.float())
    assert_gradient_lowered(pairs, NUMBERS.clone().requires_grad_())


def test_every_lowering_is_reached():
    assert lowerings_in(fourier) <= set().union(*(operators_of(each, NUMBERS) for each in PROGRAMS.values()))
