"""Tensors that remember of what they were computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from torch import Tensor

from virgil.ops.nested_tensors import mapped

__all__ = ["ProvenanceTensor", "detach_provenance", "extract_provenance", "get_provenance", "track_provenance"]

Value = TypeVar("Value")


class ProvenanceTensor(Tensor):
    """A tensor with a set of marks. The result of an operation has the marks of all its arguments.

    This is a nonstandard interpretation of the program that computes it *(Wingate, Goodman, Stuhlmueller and Siskind
    2011)*.

    Args:
        data: the tensor. It has no marks of its own if it is a plain one.
        provenance: marks. If there are none, the result is ``data`` itself.

    >>> import torch
    >>> a, b = ProvenanceTensor(torch.ones(2), frozenset("a")), ProvenanceTensor(torch.ones(2), frozenset("b"))
    >>> sorted(get_provenance(a + b + 1)), sorted(get_provenance(a + detach_provenance(b)))
    (['a', 'b'], ['a'])
    """

    _plain: Tensor
    _provenance: frozenset[Any]

    def __new__(cls, data: Tensor, provenance: frozenset[Any] = frozenset(), **kwargs: Any) -> Any:
        """A tensor that shares memory and derivatives with ``data``."""
        marks = frozenset(provenance) | get_provenance(data)
        plain = detach_provenance(data)
        if not marks:
            return plain
        tensor = plain.as_subclass(cls)
        tensor._plain, tensor._provenance = plain, marks
        return tensor

    def __init__(self, data: Tensor, provenance: frozenset[Any] = frozenset(), **kwargs: Any) -> None: ...

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"Provenance:\n{self._provenance}\nTensor:\n{self._plain}"

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation on plain tensors and mark its results."""
        given = (tuple(args), kwargs or {})
        (plain_args, plain_kwargs), provenance = extract_provenance(given)
        result = func(*plain_args, **plain_kwargs)
        target = args[0] if args else None
        if isinstance(target, ProvenanceTensor) and result is target._plain:  # changed in place
            target._provenance |= provenance
            return target
        return track_provenance(result, provenance)


def track_provenance(x: Value, provenance: frozenset[Any]) -> Value:
    """The same nested value, whose tensors have these marks as well."""
    return mapped(lambda tensor: ProvenanceTensor(tensor, provenance), x)  # type: ignore[no-any-return]


def get_provenance(x: Any) -> frozenset[Any]:
    """All marks of the tensors of a nested value."""
    return extract_provenance(x)[1]


def detach_provenance(x: Value) -> Value:
    """The same nested value, whose tensors have no marks."""
    return extract_provenance(x)[0]  # type: ignore[no-any-return]


def extract_provenance(x: Any) -> tuple[Any, frozenset[Any]]:
    """The same nested value, whose tensors have no marks, and the marks that they had."""
    marks: set[Any] = set()

    def plain(tensor: Tensor) -> Tensor:
        if isinstance(tensor, ProvenanceTensor):
            marks.update(tensor._provenance)
            return tensor._plain
        return tensor

    return mapped(plain, x), frozenset(marks)
