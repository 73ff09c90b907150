"""A graph as code, by torch's Inductor."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.fx import Graph, GraphModule

from virgil.errors import CaptureError, OperatorError
from virgil.ops.random_state import preserved_rng
from virgil.ops.thread_generator import borrowed
from virgil.ops.warning_filter import ignoring

compile_fx: Any
compile_fx_inner: Any
with ignoring(Warning):  # torch's, of itself
    try:
        from torch._dynamo.convert_frame import compile_lock
    except ImportError:
        compile_lock = threading.RLock()
    try:
        from torch._inductor.compile_fx import compile_fx, compile_fx_inner
    except ImportError:
        compile_fx = compile_fx_inner = None

__all__ = ["Code", "code_of", "heeds_modes"]

Code = Callable[[list[Tensor]], Sequence[Tensor]]
"""Takes its arguments as a list, which it empties."""

_OPTIONS = {
    "fallback_random": True,  # torch's own generators, in the order of the program
    "size_asserts": False,  # every tensor is laid out as the program expects
}
_CURE = "Use engine='xla' or engine='eager'."


def code_of(graph: GraphModule, replays: bool = False) -> Code:
    """Compile a graph with flat inputs and outputs, for tensors that lie in memory as its own do.

    Args:
        graph: what is compiled; its inputs have an example each.
        replays: whether a CUDA graph is made of it.

    Raises:
        OperatorError: Inductor cannot compile an operator.
        CaptureError: it cannot compile the graph, or there is no C++ compiler.
    """
    inputs = [(node.meta["val"], node.meta["device"]) for node in graph.graph.find_nodes(op="placeholder")]
    tensors = [torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=device) for x, device in inputs]
    options = {**_OPTIONS, "triton.cudagraphs": replays}
    try:
        # the compiler serves one thread at a time, and warns of itself
        with compile_lock, torch.no_grad(), ignoring(Warning):
            return _compiled(graph, tensors, options) if compile_fx is None else _inner(graph, tensors, options)
    except Exception as error:  # the compiler has no common class for what it cannot do
        raise _refused(error, graph.graph) from error


def heeds_modes() -> bool:
    """Return ``True`` if a mode sees what code draws. What ``torch.compile`` gives must not be called inside one."""
    return compile_fx is not None


def _inner(graph: GraphModule, tensors: list[Tensor], options: dict[str, Any]) -> Code:
    """By the functions behind ``torch.compile``.

    What torch puts around the code takes as long as a small step, and a graph without derivatives needs nothing of it.
    """
    made: list[Any] = []

    def compile_inside(*args: Any, **kwargs: Any) -> Any:
        made.append(compile_fx_inner(*args, **kwargs))
        return made[-1]

    call = compile_fx(graph, tensors, compile_inside, options)
    is_one = len(made) == 1 and not options["triton.cudagraphs"]
    bare: Code | None = getattr(made[0], "current_callable", None) if is_one else None
    return bare or (lambda args: call(*args))


def _compiled(graph: GraphModule, tensors: list[Tensor], options: dict[str, Any]) -> Code:
    """By ``torch.compile``, for a version of torch without the functions behind it; it compiles when first called."""
    validates = getattr(Distribution, "_validate_args", True)  # torch.compile turns it off, for the whole process
    try:
        compiled: Callable[..., Sequence[Tensor]] = torch.compile(graph, fullgraph=True, dynamic=False, options=options)

        def call(args: list[Tensor]) -> Sequence[Tensor]:
            with borrowed():
                return compiled(*args)

        with preserved_rng(redirects=False):
            call([each.zero_() for each in tensors])  # zeros, because some may be indices
    finally:
        Distribution.set_default_validate_args(validates)
    return call


def _refused(error: Exception, graph: Graph) -> CaptureError:
    cause = getattr(error, "inner_exception", error)
    if type(cause).__name__ == "InvalidCxxCompiler":
        return CaptureError(
            "engine='inductor' found no C++ compiler. Install g++ or clang++, or name one in the environment variable "
            "CXX. Or use engine='xla' or engine='eager'."
        )
    operator = re.search(r"target: ([\w.:]+)", str(error))
    if operator is None:
        what = str(cause).strip().partition("\n")[0]
        return CaptureError(f"Inductor cannot compile the step: {type(cause).__name__}: {what}. {_CURE}")
    lines = (node.meta.get("stack_trace") for node in graph.nodes if str(node.target) == operator[1])
    line = next(filter(None, lines), None)
    place = f" It comes from\n  {line}\n" if line else " "
    return OperatorError(f"Inductor cannot compile the operator {operator[1]}.{place}{_CURE}")
