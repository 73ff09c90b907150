"""Tensors as arrays of JAX and back, without copies, and the dtypes of both."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

__all__ = ["Copies", "DTYPES", "SMALL", "dtype_of", "to_array", "to_copy", "to_input", "to_rows", "to_tensor"]

Name = TypeVar("Name", bound=Hashable)

SMALL = 4096
"""Elements, up to which copying a tensor takes less time than crossing with it."""

DTYPES: dict[torch.dtype, Any] = {
    torch.float32: jnp.float32,
    torch.float64: jnp.float64,
    torch.float16: jnp.float16,
    torch.bfloat16: jnp.bfloat16,
    torch.complex64: jnp.complex64,
    torch.complex128: jnp.complex128,
    torch.int64: jnp.int64,
    torch.int32: jnp.int32,
    torch.int16: jnp.int16,
    torch.int8: jnp.int8,
    torch.uint8: jnp.uint8,
    torch.bool: jnp.bool_,
}
_TORCH = {np.dtype(each): dtype for dtype, each in DTYPES.items()}


def dtype_of(array: Any) -> torch.dtype:
    """The torch dtype of an array."""
    return _TORCH[np.dtype(array.dtype)]


def to_array(tensor: Tensor) -> jax.Array:
    """An array on the memory of a tensor, which must not be written while the array is in use."""
    array: jax.Array = jax.dlpack.from_dlpack(tensor.detach().contiguous())
    return array


def to_input(tensor: Tensor) -> Any:
    """The input that a compiled function takes soonest, on the memory of a tensor; a small one goes by NumPy."""
    if tensor.numel() > SMALL or tensor.dtype == torch.bfloat16:
        return to_array(tensor)
    return tensor.detach().numpy()


class Copies(Generic[Name]):
    """Tensors by name as arrays on memory of their own: the same arrays for as long as the values are the same.

    The tensors of a name are always of one shape and dtype.
    """

    def __init__(self) -> None:
        self._values: dict[Name, bytes] = {}
        self._arrays: dict[Name, jax.Array] = {}

    def of(self, tensors: Mapping[Name, Tensor]) -> dict[Name, jax.Array]:
        """The arrays."""
        values = {name: _bytes(each.detach()) for name, each in tensors.items()}
        if values != self._values:
            copies = {name: each.clone(memory_format=torch.contiguous_format) for name, each in tensors.items()}
            self._values, self._arrays = values, {name: to_array(each) for name, each in copies.items()}
        return self._arrays


def _bytes(tensor: Tensor) -> bytes:
    """The values of a tensor, however it lies in memory."""
    flat = tensor.contiguous().as_strided((tensor.numel(),), (1,))  # a single entry may have any stride
    return flat.view(torch.uint8).numpy().tobytes()


def to_copy(array: jax.Array) -> Tensor:
    """A tensor on memory of its own with the values of an array: for small ones sooner than by :func:`to_tensor`."""
    if array.dtype == jnp.bfloat16:  # which NumPy lacks
        return to_tensor(array).clone()
    return torch.from_numpy(np.array(array))


def to_rows(array: jax.Array, count: int) -> Tensor:
    """A tensor on memory of its own with the first rows of an array."""
    if array.dtype == jnp.bfloat16:
        return to_tensor(array)[:count].clone()
    return torch.from_numpy(np.asarray(array)[:count].copy())


def to_tensor(array: jax.Array) -> Tensor:
    """A tensor on the memory of an array; it must not be written."""
    tensor: Tensor = torch.utils.dlpack.from_dlpack(array)
    return tensor
