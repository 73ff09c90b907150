"""The generator from which a thread draws random numbers of torch's on the CPU.

Torch has one generator for all threads. A thread may take another one for a block; it is then independent of what other
threads draw.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from virgil.ops.nested_tensors import tensors_in
from virgil.ops.operators import OperatorMode, OpOverload, schema_of

__all__ = [
    "borrowed",
    "called",
    "drawing_from",
    "has_own_generator",
    "own_generator",
    "redirected",
    "taking_generator",
    "thread_generator",
]


class _Thread(threading.local):
    generator: torch.Generator | None = None


_thread = _Thread()
_borrowing = threading.Lock()


def thread_generator() -> torch.Generator:
    """The generator that this thread draws from on the CPU: torch's default, or that of the block around."""
    return torch.default_generator if _thread.generator is None else _thread.generator


def has_own_generator() -> bool:
    """Return ``True`` if this thread draws from another generator than torch's default."""
    return _thread.generator is not None


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """A block in which :func:`thread_generator` returns this one.

    Functions that ask for it draw from it; operators of torch do not ask.
    """
    before, _thread.generator = _thread.generator, generator
    try:
        yield
    finally:
        _thread.generator = before


@contextmanager
def own_generator(redirects: bool = True) -> Iterator[None]:
    """A block in which this thread draws all numbers on the CPU from a generator of its own.

    The generator begins in the state of the present one. Every operator takes some microseconds more.

    Args:
        redirects: ``False`` if a mode of the caller calls all operators by :func:`called`.
    """
    generator = torch.Generator()
    generator.set_state(thread_generator().get_state())
    with drawing_from(generator), redirected() if redirects else nullcontext():
        yield


def redirected() -> AbstractContextManager[object]:
    """A block in which operators draw from :func:`thread_generator`.

    Operators of Virgil's own enter it around the operators that they consist of.
    """
    return _Redirect() if has_own_generator() else nullcontext()


class _Redirect(OperatorMode):
    """Random operators draw from the generator of this thread."""

    supports_higher_order_operators = True  # what these draw inside comes from torch's own

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call an operator."""
        if not isinstance(func, OpOverload):  # one on functions, which torch's compiler traces, and this with it
            return func(*args, **(kwargs or {}))
        return called(func, args, kwargs or {})


def called(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operator. If it draws on the CPU, it draws from the generator of this thread."""
    if _thread.generator is None or not _draws(func) or not _on_cpu(args, kwargs):
        return func(*args, **kwargs)
    taking = taking_generator(func)
    if taking is None:
        if func.namespace == "virgil":
            return func(*args, **kwargs)
        with borrowed():
            return func(*args, **kwargs)
    names = [each.name for each in schema_of(func).arguments]
    given = dict(zip(names, args, strict=False)) | kwargs  # a generator may be given by its place
    if given.get("generator") is None:
        given["generator"] = thread_generator()
    return taking(**given)


_known: dict[OpOverload, bool] = {}  # torch's compiler, which may trace this, warns of a cache of functools


def _draws(func: OpOverload) -> bool:
    draws = _known.get(func)
    if draws is None:
        draws = _known[func] = torch.Tag.nondeterministic_seeded in func.tags or _takes_generator(func)
    return draws


def _takes_generator(func: OpOverload) -> bool:
    return any(each.name == "generator" for each in schema_of(func).arguments)


@functools.cache
def taking_generator(func: OpOverload) -> Callable[..., Any] | None:
    """The overload of a random operator that takes a generator; ``None`` if there is none."""
    if _takes_generator(func):
        return func
    packet, wanted = func.overloadpacket, _arguments(func)
    alike = (getattr(packet, name) for name in packet.overloads())
    return next((each for each in alike if _takes_generator(each) and _arguments(each) == wanted), None)


def _arguments(func: OpOverload) -> list[tuple[str, str]]:
    return [(each.name, str(each.type)) for each in schema_of(func).arguments if each.name != "generator"]


def _on_cpu(args: Any, kwargs: Any) -> bool:
    device = kwargs.get("device")
    if device is not None:
        return torch.device(device).type == "cpu"
    return all(each.device.type == "cpu" for each in tensors_in((args, kwargs)))


@contextmanager
def borrowed() -> Iterator[None]:
    """A block in which torch's default generator stands for that of this thread: for what takes no generator."""
    own, shared = thread_generator(), torch.default_generator
    if own is shared:
        yield
        return
    with _borrowing:
        before = shared.get_state()
        shared.set_state(own.get_state())
        try:
            yield
        finally:
            own.set_state(shared.get_state())
            shared.set_state(before)
