"""Optimisers that take a loss in the place of gradients, and differentiate it themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, ShapeError
from virgil.ops.newton import newton_step
from virgil.optim import zero_grads
from virgil.pyro.optim.optim import PyroOptim

__all__ = ["MixedMultiOptimizer", "MultiOptimizer", "Newton", "PyroMultiOptimizer", "TorchMultiOptimizer"]


class MultiOptimizer:
    """An optimiser of a loss, which it differentiates as often as it needs. A class derived from it has ``get_step``.

    Example:
        >>> x = torch.tensor([3.0, 1.0], requires_grad=True)
        >>> Newton().step((x**2 * torch.tensor([1.0, 2.0])).sum(), {"x": x})
        >>> x.tolist()
        [0.0, 0.0]
    """

    def step(self, loss: Tensor, params: Mapping[str, Tensor]) -> None:
        """Take one step, in place.

        Args:
            loss: a scalar, differentiable as often as the optimiser needs.
            params: the unconstrained leaves by name.
        """
        self.prepared(loss, params)()

    def prepared(self, loss: Tensor, params: Mapping[str, Tensor]) -> Callable[[], None]:
        """Differentiate the loss, whose graph reads the leaves; the function that is returned changes these."""
        if type(self).step is not MultiOptimizer.step:
            return partial(self.step, loss, params)
        updated = self.get_step(loss, params)

        def write() -> None:
            with torch.no_grad():
                for name, value in updated.items():
                    params[name].copy_(value)

        return write

    def get_step(self, loss: Tensor, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The values after a step, as differentiable functions of those before it; nothing is changed.

        Args:
            loss: a scalar, differentiable as often as the optimiser needs.
            params: the unconstrained values by name.

        Raises:
            NotImplementedError: this optimiser steps in place alone.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no differentiable step. Call step(loss, params), or use Newton."
        )


class PyroMultiOptimizer(MultiOptimizer):
    """An optimiser that takes gradients, as one that takes a loss.

    Args:
        optim: one of ``pyro.optim``.
    """

    def __init__(self, optim: Any) -> None:
        self.optim = optim

    def prepared(self, loss: Tensor, params: Mapping[str, Tensor]) -> Callable[[], None]:
        """Differentiate the loss; the function that is returned takes the step."""
        leaves = list(params.values())
        gradients = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)

        def step() -> None:
            for leaf, gradient in zip(leaves, gradients, strict=True):
                leaf.grad = gradient
            is_named = isinstance(self.optim, PyroOptim) and not self.optim.steps_itself
            self.optim(dict(params) if is_named else leaves)
            zero_grads(leaves)

        return step


class TorchMultiOptimizer(PyroMultiOptimizer):
    """A class of torch's optimisers, as one that takes a loss.

    Args:
        optim_constructor: the class.
        optim_args: its options.
    """

    def __init__(self, optim_constructor: Any, optim_args: Any) -> None:
        super().__init__(PyroOptim(optim_constructor, optim_args))


class MixedMultiOptimizer(MultiOptimizer):
    """An optimiser for some parameters, and others for others.

    Args:
        parts: pairs of names and the optimiser for them. Each parameter has one.

    Raises:
        ArgumentError: a name comes twice.
    """

    def __init__(self, parts: Iterable[tuple[Sequence[str], Any]]) -> None:
        self.parts: list[tuple[Sequence[str], MultiOptimizer]] = [
            (names, PyroMultiOptimizer(optim) if isinstance(optim, PyroOptim) else optim) for names, optim in parts
        ]
        seen: dict[str, MultiOptimizer] = {}
        for names, optim in self.parts:
            for name in names:
                if name in seen:
                    raise ArgumentError(
                        f"MixedMultiOptimizer got the parameter {name!r} for two optimisers, {seen[name]} and {optim}. "
                        "Name each parameter once."
                    )
                seen[name] = optim

    def prepared(self, loss: Tensor, params: Mapping[str, Tensor]) -> Callable[[], None]:
        """Differentiate the loss for each optimiser; the function that is returned takes all steps."""
        steps = [optim.prepared(loss, {name: params[name] for name in names}) for names, optim in self.parts]

        def step() -> None:
            for each in steps:
                each()

        return step

    def get_step(self, loss: Tensor, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The values after a step of each optimiser; nothing is changed."""
        updated: dict[str, Tensor] = {}
        for names, optim in self.parts:
            updated.update(optim.get_step(loss, {name: params[name] for name in names}))
        return updated


class Newton(MultiOptimizer):
    """Newton's method on small vectors, each on its own: one for each entry of a parameter's batch.

    The last dim of a parameter holds the few entries of a vector; the others are the batch, whose slots must not depend
    on each other. See :func:`virgil.ops.newton.newton_step`.

    Args:
        trust_radii: by the name of a parameter the length that a step stays below. One that is not named takes the
            whole step.
    """

    def __init__(self, trust_radii: Mapping[str, float] | None = None) -> None:
        self.trust_radii = dict(trust_radii or {})

    def get_step(self, loss: Tensor, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The values after a step; nothing is changed.

        Raises:
            ShapeError: a parameter has no dim.
        """
        updated = {}
        for name, value in params.items():
            if value.dim() < 1:
                raise ShapeError(
                    f"Newton got the parameter {name!r} without a dim; its last dim holds the entries of a vector. "
                    "Declare it with the shape (1,).",
                    name,
                )
            updated[name], _ = newton_step(loss, value, self.trust_radii.get(name))
        return updated
