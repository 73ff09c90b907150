import math
import sys

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.ops.limited_memory_bfgs import limited_memory_bfgs


def logarithm(x):
    """x - log x, with its minimum at one, and none below zero."""
    if float(x) <= 0:
        return math.nan, torch.full_like(x, math.nan)
    return float(x - x.log()), 1 - 1 / x


def test_it_finds_a_minimum_and_keeps_its_path():
    found = limited_memory_bfgs(logarithm, torch.tensor([8.0], dtype=torch.float64))
    assert abs(float(found.places[-1]) - 1) < 1e-6
    assert float(found.places[0]) == 8.0
    assert len(found.places) == len(found.gradients) == len(found.values)
    assert bool((found.values[1:] <= found.values[:-1]).all())
    assert torch.allclose(found.gradients, 1 - 1 / found.places)


def test_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ArgumentError, match=r"pip install 'virgil-ppl\[optimize\]'"):
        limited_memory_bfgs(logarithm, torch.tensor([8.0]))
