"""Tensors that a captured step holds have all their digits on XLA, in every kind of call."""

import pytest
import torch

from virgil.engine.choice import compiled
from virgil.engine.runner import Inputs

THIRD = torch.tensor(1 / 3, dtype=torch.float64)
LARGE = torch.tensor(2**40 + 1)


def step(state, inputs):
    number, count = state
    return [number + THIRD, count + LARGE], number * THIRD, number.new_zeros(0)


@pytest.mark.parametrize("alone", [True, False])
def test_constants_keep_their_digits(alone):
    begin = [torch.zeros((), dtype=torch.float64), torch.tensor(0)]
    runner = compiled("xla", step, begin, [])
    runner.load(begin)
    runner.advance(Inputs({}, {}, alone=alone), 0, 0, 1)
    assert [each.item() for each in runner.state()] == [1 / 3, 2**40 + 1]
