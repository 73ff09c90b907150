"""``vectorized_markov``: a homogeneous chain that states many steps at once where its variables are summed out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, PlateError, shown
from virgil.poutine.enumeration import Enumerate, enumerated_dim
from virgil.poutine.frame import Block, ChainStep, Frame
from virgil.poutine.markov import MarkovContext
from virgil.poutine.plate import PlateContext, active_frames
from virgil.poutine.runtime import Handler, Outer, installed, states_nothing
from virgil.poutine.site import Site

__all__ = ["StepByStep", "StepIndices", "vectorized_markov"]


class StepIndices(Tensor):
    """The indices of a block of steps: a tensor that a site's name shows as ``first:end``. Shape: ``(steps,)``.

    Operations on it give plain tensors, so that a step's graph knows nothing of it.
    """

    block: Block

    def __new__(cls, block: Block) -> StepIndices:
        steps: StepIndices = _indices(block).as_subclass(cls)
        steps.block = block
        return steps

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch.DisableTorchFunctionSubclass():
            return func(*map(_plain, args), **{name: _plain(each) for name, each in (kwargs or {}).items()})

    def __format__(self, spec: str) -> str:
        if spec:
            raise ArgumentError(
                f"The steps {self.block.label} of a vectorized_markov are formatted by {spec!r}, which is for one "
                "number. Write the step into a site's name as it is, f'x_{t}'."
            )
        return self.block.label

    def __str__(self) -> str:
        return self.block.label


def _indices(block: Block) -> Tensor:
    return torch.arange(block.first, block.first + block.size)


def _plain(argument: Any) -> Any:
    """The argument with plain tensors in place of steps."""
    if isinstance(argument, StepIndices):
        return _indices(argument.block)
    return type(argument)(map(_plain, argument)) if type(argument) in (list, tuple) else argument


class StepByStep(Handler):
    """Makes every ``vectorized_markov`` of a program take single steps, even where its variables are summed out."""


class _BlockContext(MarkovContext):
    """Adds a step, or a block of steps, to every site, and refuses sites that cannot be stated for a block of steps."""

    def __init__(self, name: str, step: ChainStep) -> None:
        super().__init__(step)
        self.name = name

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Add the step. A copy's observations are not passed on, since their density is in another block."""
        self._check_dims(site)
        block = self.step.block
        if block is None or site.kind not in ("sample", "deterministic"):
            return super().handle(site, outer)
        if block.label not in site.name:
            raise ArgumentError(
                f"Site {site.name!r} in vectorized_markov {self.name!r} lacks the step in its name, here "
                f"{block.label!r} for all of these steps at once. Write the loop's own index into it, as in f'x_{{t}}'."
            )
        if block.is_copy and (site.observed or site.kind == "deterministic"):
            return site.resolve()
        site = super().handle(site, outer)
        if site.is_latent and enumerated_dim(site) is None:
            raise ArgumentError(
                f"Site {site.name!r} in vectorized_markov {self.name!r} is latent and not marked to be enumerated in "
                "parallel; a block of steps can only sum its variables out. Mark it if it is discrete; draw what else "
                "each step needs before the loop, with a dim for the steps, and index it by the step; or write "
                "virgil.markov(range(size)), which takes the steps one after another."
            )
        return site

    def _check_dims(self, site: Site) -> None:
        for frame in site.frames:  # those of plates inside, since handlers are passed innermost first
            if frame.dim == self.step.dim:
                raise PlateError(
                    f"At site {site.name!r}, plate {frame.name!r} is at dim {frame.dim}, which vectorized_markov "
                    f"{self.name!r} around it keeps for its steps. Give one of the two another dim."
                )


def vectorized_markov(
    name: str | None = None, size: int | None = None, dim: int | None = None, history: int = 1
) -> Iterator[Any]:
    """Declare a time-homogeneous Markov chain, whose steps are summed out in logarithmic depth.

    ``for t in vectorized_markov("time", size, dim=-1):`` is ``for t in markov(range(size)):`` wherever programs are run
    step by step, as by ``trace``, ``Predictive`` and guides. Where :class:`~virgil.infer.TraceEnum_ELBO` and
    :func:`~virgil.infer.infer_discrete` sum the model's variables out, the loop has ``2 * history + 1`` rounds whatever
    the size is: the first ``history`` steps alone, whose distributions may differ; then tensors of steps, the blocks
    ``0:size - history``, ``1:size - history + 1``, ..., ``history:size``, with a slot along ``dim`` for each step. All
    but the last block give it the values that it depends on. The sum over the states takes a number of rounds that is
    the logarithm of ``size`` *(Sarkka and Garcia-Fernandez 2021)*; marginals and inferred values are those of the
    single steps, ``x_0``, ``x_1`` and so on.

    In the body, data and parameters that differ by step are indexed by ``t``, sites have it in their names, and every
    latent variable is discrete and marked. ``isinstance(t, int) and t < history`` tells the first steps.

    Args:
        name: of the chain.
        size: the number of steps.
        dim: the batch dim of the steps, negative; it is free of plates inside and around the loop.
        history: how many steps back a step may depend on.

    Raises:
        ArgumentError: an argument is missing or out of range, or the loop stands inside another one.
        PlateError: a plate has the dim.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import TraceEnum_ELBO, config_enumerate
        >>> moves, locs = torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([-1.0, 1.0])
        >>> @config_enumerate
        ... def model(data):
        ...     probs = torch.tensor([0.5, 0.5])
        ...     for t in virgil.vectorized_markov("time", len(data), dim=-1):
        ...         state = virgil.sample(f"state_{t}", dist.Categorical(probs))
        ...         virgil.sample(f"x_{t}", dist.Normal(locs[state], 1.0), obs=data[t])
        ...         probs = moves[state]
        >>> round(TraceEnum_ELBO().loss(model, lambda data: None, torch.tensor([0.0, 1.0, 0.5])), 4)  # -log p(x)
        4.237
    """
    if not isinstance(name, str):
        raise ArgumentError(f"vectorized_markov() got name={name!r}; it takes a name for the chain.")
    size, history = _number(name, "size", size, 1), _number(name, "history", history, 0)
    if not isinstance(dim, int) or isinstance(dim, bool) or dim >= 0:
        raise ArgumentError(
            f"vectorized_markov {name!r} got dim={shown(dim)}; it takes the batch dim of the steps, which counts "
            "from the right and is negative: -1, or left of the plates inside the loop."
        )
    _check_surroundings(name, dim)
    return _rounds(name, size, dim, history)


def _number(name: str, what: str, number: int | None, least: int) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise ArgumentError(
            f"vectorized_markov {name!r} got {what}={shown(number)}; it takes a whole number, {least} or more."
        )
    return number


def _check_surroundings(name: str, dim: int) -> None:
    for handler in installed():
        if isinstance(handler, _BlockContext):
            raise ArgumentError(
                f"vectorized_markov {name!r} stands inside {handler.name!r}. Write virgil.markov(range(size)) for one "
                "of the two."
            )
    for frame in active_frames():
        if frame.particle and frame.dim is not None and dim <= frame.dim:
            raise PlateError(
                f"vectorized_markov {name!r} needs dim {dim}, but the particles are at dim {frame.dim}. Set "
                f"max_plate_nesting={-dim} or more on the objective, or leave it out."
            )
        if frame.dim == dim:
            raise PlateError(
                f"vectorized_markov {name!r} wants dim {dim}, which plate {frame.name!r} around it occupies. "
                "Give one of the two another dim."
            )


def _rounds(name: str, size: int, dim: int, history: int) -> Iterator[Any]:
    if not installed():  # as in a plate's loop: nobody would take the context away after an error
        yield from range(size)
        return
    chain = object()
    at_once = any(isinstance(handler, Enumerate) and handler.sums for handler in installed())
    at_once = at_once and not any(isinstance(handler, StepByStep) for handler in installed())
    alone = min(size, history) if at_once else size
    for number in range(alone):
        yield from _inside(number, _BlockContext(name, ChainStep(chain, number, history, False, dim)))
    if alone == size:
        return
    frame = Frame(f"{name}[{history}:{size}]", dim, size - history)
    for first in range(history + 1):
        block = Block(frame.name, dim, first, frame.size, is_copy=first < history)
        context = _BlockContext(name, ChainStep(chain, history + first, history, False, dim, block))
        yield from _inside(StepIndices(block), PlateContext(frame), context)


def _inside(index: Any, *contexts: MarkovContext | PlateContext) -> Iterator[Any]:
    """One round of the loop."""
    for context in contexts:
        context.__enter__()
    try:
        yield index
    finally:
        for context in contexts:
            context.leave()
