"""Torch's operators by name, where a version of torch may lack some.

Tables of operators name them through ``aten`` and ``prims`` of this file in the place of ``torch.ops``. A name that
torch has gives its operator; any other gives an ``Absent`` one, which no graph holds and ``present`` leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import torch

from virgil.errors import OperatorError

__all__ = ["Absent", "aten", "present", "prims"]

Value = TypeVar("Value")


class Absent:
    """An operator that this version of torch lacks.

    Args:
        name: such as ``"aten.cholesky.default"``.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse.

        Raises:
            OperatorError: always.
        """
        raise OperatorError(
            f"The step needs the operator {self}, which PyTorch {torch.__version__} does not have. Use engine='eager'."
        )


class _Packet:
    """The overloads of an operator, each an attribute; called, torch chooses one."""

    def __init__(self, name: str, packet: Any) -> None:
        self._name = name
        self._packet = packet

    def __getattr__(self, overload: str) -> Any:
        found = getattr(self._packet, overload, None)
        self.__dict__[overload] = found = Absent(f"{self._name}.{overload}") if found is None else found
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return (Absent(self._name) if self._packet is None else self._packet)(*args, **kwargs)

    def overloads(self) -> dict[str, Any]:
        """All overloads that torch has, by name."""
        return {} if self._packet is None else {each: getattr(self._packet, each) for each in self._packet.overloads()}


class _Namespace:
    """The operators of a namespace of torch's, each an attribute."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, operator: str) -> _Packet:
        found = getattr(getattr(torch.ops, self._name), operator, None)
        self.__dict__[operator] = packet = _Packet(f"{self._name}.{operator}", found)
        return packet


aten, prims = _Namespace("aten"), _Namespace("prims")


def present(table: Mapping[Any, Value]) -> dict[Any, Value]:
    """The entries of a table by operator that this version of torch has: keys, and values that are operators."""
    return {key: value for key, value in table.items() if not isinstance(key, Absent) and not isinstance(value, Absent)}
