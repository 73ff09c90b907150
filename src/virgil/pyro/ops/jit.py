"""Functions that torch traces when they are first called, parameters of the store included."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from virgil.ops.warning_filter import ignoring
from virgil.params import get_param_store
from virgil.poutine import trace as traced

__all__ = ["CompiledFunction", "trace"]

Function = Callable[..., Any]
_Key = tuple[int, tuple[tuple[str, Any], ...]]


class CompiledFunction:
    """A function of tensors by ``torch.jit.trace``, once for each number of arguments and each set of keywords.

    Parameters that the function states are read anew, and have derivatives, at each call. All else but the arguments,
    which are tensors, is as it was in the first call, also draws' shapes and the branches that were taken. Inside of
    this package ``JitTrace_ELBO`` and ``SVI.run`` compile whole steps, without this function.

    Attributes:
        fn: the function.
        compiled: what torch made of it, by the number of arguments and the keywords.
        compile_time: how long the last trace took, seconds; ``None`` before there is one.
    """

    def __init__(self, fn: Function, ignore_warnings: bool = False, jit_options: dict[str, Any] | None = None) -> None:
        self.fn = fn
        self.compiled: dict[_Key, Any] = {}
        self.ignore_warnings = ignore_warnings
        self.jit_options = {"check_trace": False, **(jit_options or {})}
        self.compile_time: float | None = None
        self._names: dict[_Key, list[str]] = {}

    def __call__(self, *args: Tensor, **kwargs: Any) -> Any:
        """The function's result.

        Args:
            *args: tensors.
            **kwargs: what is the same in each call.
        """
        key = (len(args), tuple(sorted(kwargs.items())))
        if key not in self.compiled:
            self._compile(key, args, kwargs)
        return self.compiled[key](*self._params(key), *args)

    def _params(self, key: _Key) -> list[Tensor]:
        store = get_param_store()
        return [store.unconstrained(name) for name in self._names[key]]

    def _compile(self, key: _Key, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
        start = time.perf_counter()
        nodes = traced(self.fn).get_trace(*args, **kwargs).nodes
        self._names[key] = [name for name, site in nodes.items() if site["type"] == "param"]
        names = self._names[key]

        def flat(*given: Tensor) -> Any:
            values = dict(zip(names, given[: len(names)], strict=True))
            with get_param_store().substituted(values):
                return self.fn(*given[len(names) :], **kwargs)

        with ExitStack() as stack:
            stack.enter_context(ignoring(DeprecationWarning, ".*torch.jit.trace"))
            if self.ignore_warnings:
                stack.enter_context(ignoring(torch.jit.TracerWarning))  # type: ignore[attr-defined]
            self.compiled[key] = torch.jit.trace(flat, (*self._params(key), *args), **self.jit_options)
        self.compile_time = time.perf_counter() - start


def trace(
    fn: Function | None = None, ignore_warnings: bool = False, jit_options: dict[str, Any] | None = None
) -> CompiledFunction | Callable[[Function], CompiledFunction]:
    """A function that torch traces when it is first called; also as ``@trace`` and ``@trace(...)``.

    Args:
        fn: the function.
        ignore_warnings: if true, the tracer does not warn where a tensor becomes a Python value.
        jit_options: of ``torch.jit.trace``.
    """
    if fn is None:
        return lambda fn: CompiledFunction(fn, ignore_warnings, jit_options)
    return CompiledFunction(fn, ignore_warnings, jit_options)
