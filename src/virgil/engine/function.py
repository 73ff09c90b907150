"""A pure function of tensors, captured and compiled: a density with its gradient, say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import Tensor

from virgil.engine.operators.noise import is_draw
from virgil.engine.recording.graph import Recording
from virgil.errors import CaptureError

__all__ = ["CompiledFunction", "Function", "compiled_function"]

Function = Callable[[list[Tensor]], list[Tensor]]
"""Takes tensors, and gives others; it may write into those that it takes, which are copies."""


class CompiledFunction(Protocol):
    """A function of tensors on an engine."""

    @property
    def recording(self) -> Recording:
        """The operations."""
        ...

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Its results for tensors of the shapes and dtypes that it was captured with."""
        ...

    def mapped(self, rows: Tensor, others: Sequence[Tensor]) -> list[Tensor]:
        """Its results for each row in the place of its first input, the others shared. Shape: ``(rows, *result)``."""
        ...

    def in_jax(self, others: Sequence[Tensor]) -> Callable[[Any], Any]:
        """The first result, a number, whose gradient is the second, as a function of JAX of the first input alone.

        It may be jitted, mapped, and differentiated once: its derivative is the gradient that was captured. The other
        inputs are copied.

        Raises:
            CaptureError: the engine is another than XLA.
        """
        ...


def compiled_function(engine: str, fn: Function, inputs: Sequence[Tensor]) -> CompiledFunction:
    """A function of tensors, captured, on an engine, ``"xla"`` or ``"inductor"``.

    Tensors that it reads and that are no inputs are constants: it sees what is written into them, but not others that
    take their place. Torch's tracing and both compilers take a second or more to load, so they are loaded here.

    Args:
        engine: which.
        fn: the function.
        inputs: tensors to run it on.

    Raises:
        CaptureError: the function cannot be captured, or draws random numbers.
        OperatorError: the engine lacks an operator of the function.
    """
    from virgil.engine.recording.capture import captured  # noqa: PLC0415

    def pure(given: list[Tensor]) -> list[Tensor]:
        return fn([each.clone() for each in given])

    recording = captured(pure, [each.detach() for each in inputs], what="function")
    _check_not_random(recording)
    if engine == "xla":
        from virgil.engine.xla.function import XlaFunction  # noqa: PLC0415

        return XlaFunction(recording)
    from virgil.engine.inductor.function import InductorFunction  # noqa: PLC0415

    return InductorFunction(recording)


def _check_not_random(recording: Recording) -> None:
    node = next((each for each in recording.graph.nodes if is_draw(each)), None)
    if node is not None:
        line = node.meta.get("stack_trace")
        place = f":\n  {line}\n" if line else ". "
        raise CaptureError(
            f"A function of tensors draws random numbers by {node.target}, so that it has no one value{place}Draw them "
            "before, and make them an argument."
        )
