"""Random numbers of a captured step, drawn by an eager one: so that a step may be taken again outside its engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.fx import Node

from virgil.engine.operators.decompositions import FUNCTIONAL
from virgil.engine.operators.writes import in_full, pure_form
from virgil.errors import CaptureError
from virgil.ops.operators import OperatorMode, OpOverload, schema_of

__all__ = ["DrawnBy", "in_order", "is_draw", "is_random"]

Draw = Callable[[Any, Sequence[Any], Mapping[str, Any]], Any]


class DrawnBy(OperatorMode):
    """Inside a ``with`` block, random operators are those that a captured step has, and something else draws them.

    Args:
        draw: takes an operator, as it stands in a captured graph, and its arguments; gives its result.
    """

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self._draw = draw

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call an operator, or have it drawn."""
        kwargs = kwargs or {}
        if not is_random(func):
            return func(*args, **kwargs)
        if schema_of(func).is_mutable:
            return args[0].copy_(self._drawn(pure_form(func), in_full(func, args), kwargs))
        return self._drawn(func, args, kwargs)

    def _drawn(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if func not in FUNCTIONAL:
            return self._draw(func, args, kwargs)
        with self:  # random operators that it is made of
            return FUNCTIONAL[func](*args, **kwargs)


def is_random(func: Any) -> bool:
    """True if an operator reads a random number generator."""
    return torch.Tag.nondeterministic_seeded in func.tags


def is_draw(node: Node) -> bool:
    """True if a node's operator reads one."""
    return isinstance(node.target, OpOverload) and is_random(node.target)


def in_order(expected: Sequence[Any], draw: Callable[[int, Sequence[Any], Mapping[str, Any]], Any]) -> Draw:
    """Draws the random operators of a graph one after another.

    Args:
        expected: the operators, in the order of the graph.
        draw: takes the place of an operator among them and its arguments.

    Raises:
        CaptureError: when another operator is to be drawn than the graph has at this place.
    """
    places = iter(range(len(expected)))

    def next_one(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        place = next(places, None)
        if place is None or expected[place] is not func:
            raise CaptureError(
                f"The program draws {func} where the captured step draws "
                f"{'nothing more' if place is None else expected[place]}, so it cannot be taken again on the same "
                "noise. What changes from step to step must be an argument, a parameter or random by torch."
            )
        return draw(place, args, kwargs)

    return next_one
