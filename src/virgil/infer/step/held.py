"""What a program reads besides its arguments, as far as that can be seen without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache, partial
from itertools import chain
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from torch import Tensor, nn

from virgil.infer.step.seen import Same, seen
from virgil.poutine.runtime import Handled

__all__ = ["held"]

_LIBRARIES = frozenset({"numpy", "torch", "virgil"})  # their functions read nothing that a program changes
_PROGRAMS = (FunctionType, MethodType, partial, Handled)
_LONG = 100  # a list of so many values counts by identity


def held(program: Callable[..., Any], buffers: frozenset[int] = frozenset()) -> Hashable:
    """What a program, and the functions that it names, read from closures, globals and the object they are bound to.

    Numbers and strings count by value; networks, arrays and other objects by identity, and objects by their plain
    attributes as well; tensors by identity and by whether they have been written into.

    Args:
        program: a function, a method, or an object that is called.
        buffers: ids of tensors that steps write into themselves.
    """
    result: list[Hashable] = []
    looked: set[tuple[int, int]] = set()
    ahead: list[object] = [program]
    while ahead:
        thing = ahead.pop()
        function, bound = getattr(thing, "__func__", thing), getattr(thing, "__self__", None)
        if (id(function), id(bound)) in looked:
            continue
        looked.add((id(function), id(bound)))
        for name, value in _names(thing):
            if isinstance(value, _PROGRAMS):
                ahead.append(value)
            result.append((name, _held(value, buffers)))
    return tuple(result)


def _held(value: Any, buffers: frozenset[int]) -> Hashable:
    if isinstance(value, (ModuleType, type)) or (isinstance(value, Tensor) and not value.is_leaf):
        return None  # a library, a class; a result that a run has left behind
    long = isinstance(value, (tuple, list)) and len(value) > _LONG
    return Same(value) if long or isinstance(value, (nn.Module, np.ndarray)) or id(value) in buffers else seen(value)


def _names(thing: Any) -> Iterator[tuple[Any, Any]]:
    """The names that a program may read, with what they stand for."""
    if isinstance(thing, FunctionType):
        return _of_function(thing)
    if isinstance(thing, MethodType):
        return _of_method(thing.__func__, thing.__self__)
    if isinstance(thing, partial):
        return chain([("func", thing.func)], enumerate(thing.args), thing.keywords.items())
    if isinstance(thing, Handled):
        return iter([("handler", thing.handler), ("fn", thing.fn)])
    return _of_method(type(thing).forward if isinstance(thing, nn.Module) else type(thing).__call__, thing)


def _of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    if _is_of_library(function):
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    known = function.__globals__
    yield from ((name, known[name]) for name in _read(function.__code__) if name in known)


def _of_method(function: Any, bound: Any) -> Iterator[tuple[str, Any]]:
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType) or _is_of_library(function):
        return
    yield "__func__", function
    attributes = getattr(bound, "__dict__", {})
    for name in _read(function.__code__):
        if name in attributes:
            yield name, attributes[name]
        elif isinstance(method := getattr(type(bound), name, None), FunctionType):
            yield name, MethodType(method, bound)


def _is_of_library(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in _LIBRARIES


@lru_cache(maxsize=1024)
def _read(code: CodeType) -> tuple[str, ...]:
    """The names of globals and attributes in a function and in those inside it."""
    inner = [_read(each) for each in code.co_consts if isinstance(each, CodeType)]
    return tuple(dict.fromkeys(chain(code.co_names, *inner)))
