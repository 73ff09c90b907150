"""A packed state, unpacked, is the state: on both sides of the crossing, for every size and dtype."""

import jax
import jax.numpy as jnp
import pytest
import torch

from virgil.engine.xla.arrays import SMALL, to_array, to_input, to_tensor
from virgil.engine.xla.packing import Packing

STATE = [
    torch.tensor(3.0),
    torch.arange(6).reshape(2, 3),
    torch.empty(0, 2),
    torch.linspace(0, 1, SMALL + 1, dtype=torch.float64),
    torch.tensor([True, False]),
    torch.linspace(-1, 1, 4).reshape(2, 2).t(),
    torch.tensor(7),
    torch.linspace(2, 3, 5, dtype=torch.float64),
]


def same(found):
    for one, other in zip(found, STATE, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_on_torch_s_side():
    packing = Packing(STATE)
    packed = packing.pack(STATE, torch.cat)
    assert len(packed) == 5  # four dtypes, and one tensor that is large
    same(packing.unpack(packed))


def test_across():
    packing = Packing(STATE)
    with jax.enable_x64(True):
        packed = [to_array(each) for each in packing.pack(STATE, torch.cat)]
        again = jax.jit(lambda packed: packing.pack(packing.unpack(packed), jnp.concatenate))(packed)
        same(packing.unpack([to_tensor(each) for each in again]))


@pytest.mark.parametrize("size", [1, SMALL, SMALL + 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool])
def test_an_input_keeps_value_and_dtype(size, dtype):
    tensor = torch.arange(size).to(dtype)
    with jax.enable_x64(True):
        found = to_tensor(jax.jit(lambda x: x)(to_input(tensor)))
    assert found.dtype == dtype
    assert torch.equal(found, tensor)
