"""Operators that run, one by one, in the parts that a graph must have."""

from __future__ import annotations

import functools
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from virgil.engine.lines import line_of_user
from virgil.engine.operators.aten import aten
from virgil.engine.operators.layers import LOOKED_INTO, PLAIN_LAYERS
from virgil.engine.operators.noise import is_random
from virgil.engine.operators.scalar_indices import as_look_ups
from virgil.ops.compile_flag import as_when_compiling
from virgil.ops.nested_tensors import tensors_in
from virgil.ops.operators import OperatorMode, OpOverload, is_composite, is_taken_apart, memory_id, schema_of, written
from virgil.ops.thread_generator import called

__all__ = ["Dispatch", "Traits", "traits_of"]

_PLAIN = frozenset({Tensor, nn.Parameter, nn.Buffer})
_getitem: Callable[..., Any] = Tensor.__getitem__
_ESCAPES = frozenset({Tensor.numpy, Tensor.tolist, Tensor.__array__})

Origin = TypeVar("Origin")


class Traits(NamedTuple):
    """The effects of an operator besides computing tensors from tensors.

    Attributes:
        draws: it reads a random number generator.
        reads: it gives values of tensors to Python.
        writes: it changes a tensor.
        is_node: it gives tensors, or writes.
        is_composite: it is made of others, which derivatives are taken of.
    """

    draws: bool
    reads: bool
    writes: bool
    is_node: bool
    is_composite: bool


class Dispatch(OperatorMode, Generic[Origin]):
    """Inside a ``with`` block, operators go through :meth:`meet`, those that a graph can hold through :meth:`operate`.

    Args:
        apart: of operators that a graph must not hold, a function that calls others.

    Attributes:
        line: gives the line that an operator comes from: the user's that is running.
    """

    def __init__(self, apart: Mapping[Any, Callable[..., Any]]) -> None:
        super().__init__()
        self._apart = apart
        self.line: Callable[[], str | None] = line_of_user
        self._known: dict[int, tuple[weakref.ref[Tensor], Origin]] = {}
        self._overwritten: dict[int, Tensor] = {}  # by memory: tensors into which something that varies was written

    @abstractmethod
    def meet(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator of whatever kind, as by :meth:`by_parts`."""

    @abstractmethod
    def operate(self, func: OpOverload, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator that a graph can hold."""

    @abstractmethod
    def refuse(self, message: str) -> NoReturn:
        """End the block, because the values of a tensor that varies are to be read."""

    @abstractmethod
    def origin_varies(self, origin: Origin) -> bool:
        """True if what comes from there has other values in the next run."""

    @contextmanager
    def following(self) -> Iterator[None]:
        """A block whose operators are met; layers have a plain form in it, and no tensor that varies is read."""
        with as_when_compiling(), self, _Functions(self):
            yield

    # Tensors

    def know(self, tensor: Tensor, origin: Origin) -> None:
        """Note where a tensor comes from. It is not kept: torch treats a result that somebody holds differently."""
        self._known[id(tensor)] = weakref.ref(tensor), origin

    def origin(self, tensor: Tensor) -> Origin | None:
        """Where a tensor comes from; ``None`` for one that is not made in the block."""
        known = self._known.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def varies(self, tensor: Tensor) -> bool:
        """True if a tensor depends on an input or on noise, so that its values are not those of the next run."""
        origin = self.origin(tensor)
        if origin is not None and self.origin_varies(origin):
            return True
        return bool(self._overwritten) and memory_id(tensor) in self._overwritten

    def overwrite(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note that an operator writes something that varies."""
        self._overwritten.update((memory_id(each), each) for each in written(func, args, kwargs))

    # Operators

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator."""
        if not _PLAIN.issuperset(types):  # tensors that handle operators themselves
            return NotImplemented
        with torch.DisableTorchFunction():  # what looks at functions has seen the one that was called
            return self.meet(func, args, kwargs or {})

    def by_parts(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operator, or those that it is made of."""
        traits = traits_of(func)
        result = self._taken_apart(func, traits, args, kwargs)
        if result is not NotImplemented:
            return result
        if traits.reads and any(map(self.varies, tensors_in((args, kwargs)))):
            self.refuse(_read_message(self.line()))
        if not traits.is_node:
            return called(func, args, kwargs)
        if func is aten.lift_fresh.default:  # what is written into the result must not change the constant
            func = aten.clone.default
        return self.operate(func, traits, args, kwargs)

    def _taken_apart(self, func: OpOverload, traits: Traits, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = self._apart.get(func)
        if rule is not None:
            with self:
                result = rule(*args, **kwargs)
            if result is not NotImplemented:
                return result
        if traits.is_composite and is_taken_apart(func, args, kwargs):
            with self:
                return func.decompose(*args, **kwargs)
        return NotImplemented


class _Functions(TorchFunctionMode):
    """Calls functions; layers in a plain form, and not those that read values where torch's operators do not notice."""

    def __init__(self, dispatch: Dispatch[Any]) -> None:
        super().__init__()
        self._dispatch = dispatch

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function, unless it would read a tensor that varies."""
        if func in _ESCAPES and self._dispatch.varies(args[0]):
            self._dispatch.refuse(
                "A tensor is turned into an array or a list, which a captured step cannot follow:\n"
                f"  {line_of_user()}\nKeep to torch, or use engine='eager'."
            )
        if func is _getitem and len(args) == 2 and not kwargs:
            args = as_look_ups(*args, self._dispatch.varies)
        if func in LOOKED_INTO:
            with self:
                return LOOKED_INTO[func](*args, **(kwargs or {}))
        return PLAIN_LAYERS.get(func, func)(*args, **(kwargs or {}))


@functools.cache
def traits_of(func: OpOverload) -> Traits:
    """The effects of an operator."""
    schema = schema_of(func)
    only_values = bool(schema.returns) and not any("Tensor" in str(each.type) for each in schema.returns)
    return Traits(
        draws=is_random(func),
        reads=torch.Tag.data_dependent_output in func.tags,
        writes=schema.is_mutable,
        is_node=(schema.is_mutable or not only_values) and func.namespace != "profiler",
        is_composite=is_composite(func),
    )


def _read_message(line: str | None) -> str:
    place = f":\n  {line}\n" if line else ". "
    return (
        f"A tensor is used as a Python value, which a captured step cannot follow{place}Use torch.where, masks or "
        "indexing in the place of `if`, `.item()`, `int()` or `range()` on a tensor, or engine='eager'."
    )
