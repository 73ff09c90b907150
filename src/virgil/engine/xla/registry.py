"""The functions that lower operators, by operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from virgil.engine.operators.aten import Absent
from virgil.ops.operators import OpOverload

__all__ = ["ABSENT", "LOWERINGS", "Lowering", "draws", "lowers"]

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Lowering:
    """How an operator is computed in JAX.

    Attributes:
        apply: takes the operator's arguments, with arrays in place of tensors; returns an array, or a tuple of them,
            of exactly the shape and dtype that torch gives.
        draws: whether ``apply`` takes a random key before all other arguments.
        by_shape: whether of its tensor arguments only shapes and dtypes count, so that it may be drawn ahead.
    """

    apply: Callable[..., Any]
    draws: bool = False
    by_shape: bool = False


LOWERINGS: dict[Any, Lowering] = {}  # by ``OpOverload``
ABSENT: list[Absent] = []  # operators that have a lowering, and that this version of torch lacks


def lowers(*operators: OpOverload | Absent) -> Callable[[Function], Function]:
    """Register the decorated function as the lowering of these operators."""
    return _registers(operators, draws=False)


def draws(*operators: OpOverload | Absent, by_shape: bool = False) -> Callable[[Function], Function]:
    """Register the decorated function, whose first argument is a random key, as the lowering of these operators."""
    return _registers(operators, draws=True, by_shape=by_shape)


def _registers(
    operators: tuple[OpOverload | Absent, ...], draws: bool, by_shape: bool = False
) -> Callable[[Function], Function]:
    def register(apply: Function) -> Function:
        for operator in operators:
            if isinstance(operator, Absent):
                ABSENT.append(operator)
                continue
            if operator in LOWERINGS:
                raise ValueError(f"{operator} is lowered twice.")
            LOWERINGS[operator] = Lowering(apply, draws, by_shape)
        return apply

    return register
