"""A pure function of tensors on XLA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import torch
from torch import Tensor

from virgil.engine.recording.graph import Recording
from virgil.engine.xla.arrays import to_array, to_copy, to_input
from virgil.engine.xla.lowered import Lowered
from virgil.errors import CaptureError

__all__ = ["XlaFunction"]


class XlaFunction:
    """A captured function, compiled once for each number of rows; see ``CompiledFunction``.

    Args:
        recording: the function.

    Raises:
        OperatorError: an operator has no lowering.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._lowered = Lowered(recording)
        self._call = jax.jit(self._of, compiler_options=self._lowered.options)
        self._map = jax.jit(jax.vmap(self._of, (0, None, None)), compiler_options=self._lowered.options)

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The results."""
        return self._run(self._call, inputs[0], inputs[1:])

    def mapped(self, rows: Tensor, others: Sequence[Tensor]) -> list[Tensor]:
        """The results for each row."""
        return self._run(self._map, rows, others)

    def in_jax(self, others: Sequence[Tensor]) -> Callable[[Any], Any]:
        """The number whose gradient is the second result, as a function of JAX."""
        with jax.enable_x64(True):
            arrays = [to_array(each.detach().clone(memory_format=torch.contiguous_format)) for each in others]

        @jax.custom_vjp
        def value(first: Any) -> Any:
            return self._of(first, arrays, self._lowered.constants)[0]

        def forward(first: Any) -> tuple[Any, Any]:
            result, gradient = self._of(first, arrays, self._lowered.constants)
            return result, _not_differentiated(gradient)

        value.defvjp(forward, lambda gradient, factor: ((factor * gradient).astype(gradient.dtype),))
        return value

    def _of(self, first: Any, others: Sequence[Any], constants: dict[str, Any]) -> list[Any]:
        return self._lowered([first, *others], constants)

    def _run(self, compiled: Any, first: Tensor, others: Sequence[Tensor]) -> list[Tensor]:
        with jax.enable_x64(True):
            results = compiled(to_input(first), [to_input(each) for each in others], self._lowered.constants)
            return [to_copy(each) for each in results]


@jax.custom_jvp
def _not_differentiated(gradient: Any) -> Any:
    """The same, of which JAX can take no derivative: lowered operators have torch's values, not its derivatives."""
    return gradient


@_not_differentiated.defjvp
def _refuse(primals: Any, tangents: Any) -> Any:
    raise CaptureError(
        "JAX is to take a second derivative of a captured function, of which there is none. Capture a function that "
        "gives it."
    )
