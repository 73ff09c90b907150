"""The operations of a step, with their lines: the first that gave a number that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode

from virgil.engine.lines import line_of_user
from virgil.infer.blame.causes import GIVEN, FaultyOperation, named
from virgil.ops.mapping import is_mapped
from virgil.ops.trees import tree_leaves

__all__ = ["LinAlgError", "Watch"]

LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined]

_FACTORISES = frozenset({torch.linalg.cholesky, *(getattr(each, "cholesky", None) for each in (torch, Tensor))})
_WRITES = frozenset({Tensor.__setitem__})


class Watch(TorchFunctionMode):
    """Inside a ``with`` block, remembers of each tensor that is not finite where that came from.

    It also remembers the line behind each node of autograd's graph. Torch's anomaly mode does this for all threads at
    once, until it is turned off.

    A matrix that has no Cholesky factor gets one of NaN, as on the compiled engines, and no exception.
    """

    def __init__(self) -> None:
        super().__init__()
        self._origins: dict[int, tuple[Tensor, FaultyOperation]] = {}  # a tensor is kept, so that its id stays its own
        self._lines: dict[Any, str | None] = {}  # by node

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, and look at what it gives."""
        kwargs = kwargs or {}
        try:
            result = func(*args, **kwargs)
        except LinAlgError:
            if func not in _FACTORISES:
                raise
            result = args[0] * torch.nan
        if is_mapped():  # no number can be looked at; the draw at fault is run again alone
            return result
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, (Tensor, float, int))]
        made = [args[0]] if func in _WRITES else tree_leaves(result)
        for each in made:
            if isinstance(each, Tensor):
                self._remember_line(each.grad_fn)
                if _is_wrong(each):
                    self._note(each, func, given)
        return result

    def _remember_line(self, node: Any) -> None:
        """Take the present line for that of all nodes on the way to a node that are new."""
        if node is None or node in self._lines:
            return
        line, ahead = line_of_user(), [node]
        while ahead:
            each = ahead.pop()
            if each is not None and each not in self._lines:
                # a function of a program's own is called unseen, before the present line, and its name says enough
                self._lines[each] = None if isinstance(each, BackwardCFunction) else line
                ahead.extend(before for before, _ in each.next_functions)

    def _note(self, made: Tensor, func: Callable[..., Any], given: list[Any]) -> None:
        others = [each for each in given if each is not made]
        bad = [each for each in others if isinstance(each, Tensor) and _is_wrong(each)]
        known = next((self._origins[id(each)][1] for each in bad if id(each) in self._origins), None)
        if known is None and id(made) not in self._origins:
            operation = GIVEN if bad else named(getattr(func, "__name__", str(func)))
            numbers = tuple(each.detach() if isinstance(each, Tensor) else each for each in bad or others)
            known = FaultyOperation(operation, numbers, line_of_user())
        if known is not None:
            self._origins[id(made)] = made, known

    def line(self, node: Any) -> str | None:
        """The user's line that made a node of autograd's graph."""
        return self._lines.get(node)

    def origin(self, tensor: Any) -> FaultyOperation | None:
        """Where what is wrong with a tensor came from; ``None`` if it came in from outside."""
        found = self._origins.get(id(tensor))
        return None if found is None else found[1]


def _is_wrong(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and not bool(tensor.detach().isfinite().all())
