"""Which line of the user's program a tensor operation comes from."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.fx.traceback import set_stack_trace
from torch.overrides import TorchFunctionMode

__all__ = ["NotesLines", "line_of_user"]

_VIRGIL = Path(__file__).parents[1]
_OURS = tuple(f"{path}/" for path in (Path(torch.__file__).parent, *_VIRGIL.iterdir()) if path.name != "examples")
_OURS_TOO = tuple(str(path) for path in _VIRGIL.glob("*.py"))
_NOWHERE = ("<string>", "<eval_with_key>")


class NotesLines(TorchFunctionMode):
    """While a graph is traced, gives every node the user's line that it comes from, as ``meta["stack_trace"]``.

    Nodes of a derivative get the line that asked for it.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note the line, then call the function."""
        line = line_of_user()
        if line is not None:
            set_stack_trace([line])
        return func(*args, **(kwargs or {}))


def line_of_user() -> str | None:
    """The innermost line of the call stack that is neither torch's nor Virgil's, as a traceback shows it."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((*_OURS, *_NOWHERE)) and name not in _OURS_TOO:
            text = linecache.getline(name, frame.f_lineno).strip()
            return f'File "{name}", line {frame.f_lineno}, in {frame.f_code.co_name}\n    {text}'
        frame = frame.f_back  # type: ignore[assignment]
    return None
