"""A posterior's density and gradient, captured as one function and run by a compiled engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from virgil.engine.choice import check_engine, default_engine
from virgil.engine.function import CompiledFunction, compiled_function
from virgil.errors import ArgumentError, CaptureError
from virgil.infer.density.posterior import Density
from virgil.infer.density.reads import in_place_of
from virgil.ops.trees import tree_flatten, tree_leaves, tree_unflatten

__all__ = ["CompiledDensity"]

_KEPT = 8  # numbers of vectors at once


class CompiledDensity:
    """A density that an engine computes; called as :class:`~virgil.infer.density.posterior.Density` is.

    Parameters, networks' buffers and the tensors among the arguments are read at each call. All else that the model
    reads is as it was when the density was captured. Of many vectors XLA maps the function over them; Inductor runs the
    model with many draws at once where that is allowed, and one after another elsewhere.

    Args:
        density: the density.
        engine: ``"xla"``, ``"inductor"``, ``"eager"``, or ``"auto"`` for the device's own, and eager where the model
            cannot be captured.

    Attributes:
        density: the density, computed eagerly.
        engine: what computes it.
        reason: why that is eager where ``"auto"`` was asked for; empty elsewhere.

    Raises:
        ArgumentError: there is no such engine.
        CaptureError: the model cannot be captured; the message names the line.
        OperatorError: the engine lacks an operator.
    """

    def __init__(self, density: Density, engine: str = "auto") -> None:
        check_engine(engine)
        self.density = density
        self.reason = ""
        self.engine, why = default_engine(density.device) if engine == "auto" else (engine, "")
        self._alone: CompiledFunction | None = None
        self._batched: dict[int, CompiledFunction] = {}
        if self.engine == "eager":
            self.reason = why
            return
        try:
            self._alone = self._compiled(torch.zeros(density.dim, dtype=density.dtype, device=density.device))
        except CaptureError as error:
            if engine != "auto":
                raise
            self.engine, self.reason = "eager", str(error)

    def on(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CompiledDensity:
        """The density at other arguments, whose tensors have the same shapes and dtypes; nothing is captured anew.

        Raises:
            ArgumentError: they have others, or differ in what is no tensor.
        """
        call = self.density.joint.call
        if not _alike((call.args, call.kwargs), (args, kwargs)):
            raise ArgumentError(
                "A compiled density got other arguments than it was captured for. Only the values of tensors may "
                "differ, not their shapes and dtypes, nor what is no tensor. Make a density of these arguments."
            )
        new = object.__new__(CompiledDensity)
        new.__dict__.update(self.__dict__, density=self.density.on(args, kwargs))
        return new

    def __call__(self, vectors: Tensor) -> Tensor:
        """The log-density, float64, without derivatives; shapes as for a density."""
        return self.gradient(vectors)[0]

    def gradient(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The log-density and its gradient, which has the shape of ``vectors``."""
        self.density.check(vectors)
        if self._alone is None:
            return self.density.gradient(vectors)
        given, others = vectors.detach().to(self.density.dtype), self._others()
        if vectors.dim() == 1:
            value, slope = self._alone([given, *others])
        elif self.engine == "inductor" and self.density.joint.at_once:
            value, slope = self._at_once(given)([given, *others])
        else:
            value, slope = self._alone.mapped(given, others)
        return value, slope.to(vectors.dtype)

    def in_jax(self) -> Callable[[Any], Any]:
        """The log-density of one vector as a function of JAX, at present parameters and arguments; on XLA alone.

        With 64-bit numbers enabled it may be jitted, mapped, and differentiated once, by ``jax.value_and_grad``.

        Raises:
            CaptureError: the engine is another.
        """
        if self._alone is None:
            raise CaptureError(f"A density on engine='eager' is no function of JAX. Use engine='xla'. {self.reason}")
        return self._alone.in_jax(self._others())

    def _at_once(self, vectors: Tensor) -> CompiledFunction:
        count = len(vectors)
        if count not in self._batched:
            while len(self._batched) >= _KEPT:
                del self._batched[next(iter(self._batched))]
            self._batched[count] = self._compiled(vectors)
        return self._batched[count]

    def _others(self) -> list[Tensor]:
        """The present inputs of the function besides vectors."""
        call = self.density.joint.call
        given = [each for each in tree_leaves((call.args, call.kwargs)) if isinstance(each, Tensor)]
        return [*given, *self.density.reads.tensors]

    def _compiled(self, vectors: Tensor) -> CompiledFunction:
        return compiled_function(self.engine, _function(self.density), [vectors, *self._others()])


def _function(density: Density) -> Callable[[list[Tensor]], list[Tensor]]:
    """From vectors, tensors among the arguments, parameters and buffers to the log-density and its gradient."""
    call, reads = density.joint.call, density.reads
    leaves, structure = tree_flatten((call.args, call.kwargs))

    def function(tensors: list[Tensor]) -> list[Tensor]:
        given = iter(tensors)
        vectors = next(given)
        args, kwargs = tree_unflatten([next(given) if isinstance(each, Tensor) else each for each in leaves], structure)
        parameters = {name: next(given) for name in reads.leaves}
        with in_place_of(reads, parameters, list(given)):
            # the buffers are copies, so that none need be put back
            value, slope = replace(density, reads=replace(reads, buffers=[])).on(args, kwargs).gradient(vectors)
        return [value, slope]

    return function


def _alike(arguments: Any, others: Any) -> bool:
    """True for calls with tensors of the same shapes and dtypes that are the same otherwise."""
    mine, structure = tree_flatten(arguments)
    theirs, other = tree_flatten(others)
    return structure == other and all(map(_same_leaf, mine, theirs))


def _same_leaf(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other)
    return one is other or (type(one) is type(other) and bool(one == other))
