"""The origins of each tensor of an execution, followed through every operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from virgil.distributions.core.validation import unchecked, unchecked_by_torch
from virgil.infer.density.region import Region
from virgil.ops.nested_tensors import mapped, tensors_in
from virgil.ops.operators import OperatorMode, memory_id, written

__all__ = ["OUTSIDE", "Origins", "Provenance", "names_in", "regions_in"]

Origins = frozenset[str | Region]
_NOTHING: Origins = frozenset()
OUTSIDE = Region(0, 1, 0, (0,), (1,))
_OUTSIDE: Origins = frozenset({OUTSIDE})

_SHAPE_ALONE = frozenset(  # operators that look at the shape of their first argument, not at its values
    f"aten::{name}"
    for name in (
        *("empty_like", "full_like", "ones_like", "zeros_like", "rand_like", "randn_like", "randint_like"),
        *("new_empty", "new_empty_strided", "new_full", "new_ones", "new_zeros", "lift_fresh"),
    )
)
_TO_PYTHON = frozenset({"aten::_local_scalar_dense", "aten::equal"})
_COPIED_OUT = frozenset({Tensor.tolist, Tensor.numpy, Tensor.__array__})


def names_in(origins: Iterable[str | Region]) -> set[str]:
    """The marked values among them."""
    return {each for each in origins if isinstance(each, str)}


def regions_in(origins: Iterable[str | Region]) -> set[Region]:
    """The tensors from outside among them."""
    return {each for each in origins if isinstance(each, Region)}


class Provenance:
    """The marks, and the tensors from outside, behind every tensor that is computed inside :meth:`following`.

    A tensor that is there before has itself as its origin, a :class:`Region`; a result has the origins of the
    operator's tensor arguments; a marked tensor has its name alone. Origins belong to memory, so that views share them:
    a buffer that is filled slot by slot has in each slot what came into any.

    Args:
        merges: whether all tensors from outside are one origin, ``OUTSIDE``, where nobody asks which they are.

    Attributes:
        control: the origins of numbers that the program has read into Python, such as for an ``if``; from there on
            everything may depend on them.
    """

    def __init__(self, merges: bool = False) -> None:
        self.control: set[str | Region] = set()
        self._merges = merges
        self._origins: dict[int, Origins] = {}
        self._alive: list[object] = []  # no memory with origins is given to another tensor
        self._reads: set[str | Region] | None = None  # inside a call of torch, what it has read into Python
        self._is_heeding = True

    @contextmanager
    def following(self) -> Iterator[None]:
        """A block in which origins are followed. Distributions do not validate, since that reads values."""
        with ExitStack() as stack:
            for each in (unchecked(), unchecked_by_torch(), _Calls(self), _Operators(self)):
                stack.enter_context(each)
            yield

    @contextmanager
    def heedless(self) -> Iterator[None]:
        """A block in which what is read into Python decides nothing later."""
        before, self._is_heeding = self._is_heeding, False
        try:
            yield
        finally:
            self._is_heeding = before

    @contextmanager
    def collecting(self) -> Iterator[set[str | Region]]:
        """A block that gives the origins of what is read into Python inside, which decides nothing after it."""
        before, self._reads = self._reads, set()
        try:
            yield self._reads
        finally:
            self._reads = before

    def of(self, tensor: Tensor) -> Origins:
        """The origins of a tensor."""
        known = self._origins.get(memory_id(tensor))
        if known is not None:
            return known
        return _OUTSIDE if self._merges else frozenset({Region.of(tensor)})

    def mark(self, tensor: Tensor, name: str) -> None:
        """Let the tensor's memory have this one origin."""
        self._put(tensor, frozenset({name}))

    def _put(self, tensor: Tensor, origins: Origins) -> None:
        self._origins[memory_id(tensor)] = origins
        if origins:
            self._alive.append(_storage(tensor))

    def operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call an operator, and note the origins of its results."""
        result = func(*args, **kwargs)
        name = func.name().partition(".")[0]
        inputs = tensors_in((args, kwargs))
        origins = _NOTHING if name in _SHAPE_ALONE else _NOTHING.union(*map(self.of, inputs))
        if name in _TO_PYTHON:
            self.read(origins)
            return result
        changed = written(func, args, kwargs)
        for tensor in changed:
            self._put(tensor, origins | self._origins.get(memory_id(tensor), _NOTHING))
        if not changed:
            shared = set() if name == "aten::lift_fresh" else set(map(memory_id, inputs))
            for tensor in tensors_in(result):
                if memory_id(tensor) not in shared:
                    self._put(tensor, origins)
        return result

    def read(self, origins: Origins) -> None:
        """Note that Python has these values now."""
        if self._reads is not None:
            self._reads |= origins
        elif self._is_heeding:
            self.control |= origins

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function of torch. What it reads into Python, as an index, is an origin of the tensors it returns."""
        before, self._reads = self._reads, set()
        try:
            result = func(*args, **kwargs)
        finally:
            reads, self._reads = frozenset(self._reads), before
        if func in _COPIED_OUT:
            reads = self.of(args[0])
        if not reads:
            return result
        if func is Tensor.__setitem__:
            self._put(args[0], reads | self.of(args[0]))
        elif tensors_in(result) and func not in _COPIED_OUT:
            return mapped(lambda tensor: self._copied(tensor, reads), result)
        else:
            self.read(reads)
        return result

    def _copied(self, tensor: Tensor, more: Origins) -> Tensor:
        """The tensor in memory of its own, with more origins."""
        copy = tensor.clone()
        self._put(copy, self.of(tensor) | more)
        return copy


class _Operators(OperatorMode):
    """Shows every operator to a ``Provenance``."""

    def __init__(self, provenance: Provenance) -> None:
        super().__init__()
        self.provenance = provenance

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self.provenance.operator(func, args, kwargs or {})


class _Calls(TorchFunctionMode):
    """Shows every call of torch's functions to a ``Provenance``."""

    def __init__(self, provenance: Provenance) -> None:
        super().__init__()
        self.provenance = provenance

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self.provenance.call(func, args, kwargs or {})


def _storage(tensor: Tensor) -> object:
    return tensor if tensor.layout != torch.strided else tensor.untyped_storage()
