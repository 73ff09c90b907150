"""Which line of the user's program a tensor operation comes from."""

from __future__ import annotations

import functools
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode, get_proxy_slot
from torch.fx.traceback import set_stack_trace
from torch.overrides import TorchFunctionMode

from virgil.errors import CaptureError

__all__ = ["FollowsLines", "is_of_user", "line_of_user", "shown_line"]

_VIRGIL = Path(__file__).parents[1]
_TORCH = Path(torch.__file__).parent
_ESCAPES = frozenset({Tensor.numpy, Tensor.tolist, Tensor.__array__})  # read values where torch itself does not notice


class FollowsLines(TorchFunctionMode):
    """While a graph is traced, gives every node the user's line that it comes from, as ``meta["stack_trace"]``.

    Nodes of a derivative get the line that asked for it. A traced tensor that becomes an array or a list is an error.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note the line, then call the function."""
        line = line_of_user()
        if line is not None:
            set_stack_trace([line])
        if func in _ESCAPES and _is_traced(args[0]):
            raise CaptureError(
                f"A tensor is turned into an array or a list, which a captured step cannot follow:\n  {line}\n"
                "Keep to torch, or use engine='eager'."
            )
        return func(*args, **(kwargs or {}))


def _is_traced(tensor: Tensor) -> bool:
    mode = get_proxy_mode()
    return mode is not None and get_proxy_slot(tensor, mode.tracer, None) is not None


@functools.cache
def is_of_user(filename: str) -> bool:
    """Whether a file is neither torch's nor Virgil's own; Virgil's examples count as a user's."""
    path = Path(filename)
    if filename.startswith("<") or _TORCH in path.parents:
        return False
    return _VIRGIL not in path.parents or _VIRGIL / "examples" in path.parents


def shown_line(filename: str, number: int, function: str) -> str:
    """A line as a traceback shows it."""
    return f'File "{filename}", line {number}, in {function}\n    {linecache.getline(filename, number).strip()}'


def line_of_user() -> str | None:
    """The innermost line of the call stack that is the user's."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if is_of_user(frame.f_code.co_filename):
            return shown_line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None
